//! Where to act: flags before environment before context before profile, and of each value where it
//! came from.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::config::file::{self, ContextFile, Section};
use crate::config::flags::PlaceFlags;
use crate::config::{Environment, Place, Setting, Source, Stop};
use crate::model::scope::Scope;

/// # Errors
/// A context that is not in the file.
pub(in crate::config) fn place(flags: &PlaceFlags, env: Environment<'_>, file: &ContextFile) -> Result<Place, Stop> {
    let (name, context_from) = chosen(flags, env, file);
    let section = match &name {
        None => Section::default(),
        Some(name) => file.contexts.get(name).cloned().ok_or_else(|| unknown(name, file))?,
    };
    let var = |names: &[&'static str]| {
        let set = names.iter().find_map(|name| Some((*name, text(env, name)?)));
        set.map(|(name, value)| (value, Source::Environment(name)))
    };
    let pick = |flag: &Option<String>, name: &'static str, env, context: &Option<String>| {
        let flag = given(flag).map(|value| (value, Source::Flag(name)));
        let context = context.clone().map(|value| (value, Source::Context));
        flag.or(env).or(context)
    };
    let profile = pick(&flags.profile, "--profile", var(&["AWS_PROFILE"]), &section.profile);
    let region = pick(&flags.region, "--region", var(&["AWS_REGION", "AWS_DEFAULT_REGION"]), &section.region);
    let endpoint = pick(&flags.endpoint_url, "--endpoint-url", var(&["AWS_ENDPOINT_URL"]), &section.endpoint_url);
    let mut prefix = pick(&flags.prefix, "--prefix", None, &section.prefix);
    let mut stack = pick(&flags.stack, "--stack", None, &section.stack);
    // What is watched goes by one of them; a flag takes the place of either.
    match (&prefix, &stack) {
        (Some((_, Source::Flag(_))), _) => stack = None,
        (_, Some((_, Source::Flag(_)))) => prefix = None,
        _ => {}
    }
    let role = section.role.clone().map(|role| (role, Source::Context));
    let mut settings = vec![Setting { name: "context", value: name, from: context_from }];
    for (name, found) in [
        ("profile", &profile),
        ("region", &region),
        ("endpoint_url", &endpoint),
        ("role", &role),
        ("prefix", &prefix),
        ("stack", &stack),
    ] {
        let (value, from) = found.clone().map_or((None, Source::Nowhere), |(value, from)| (Some(value), from));
        settings.push(Setting { name, value, from });
    }
    settings.extend(asked(&section, settings[0].value.is_some()));
    // What the environment says the SDK finds by itself, with all that hangs together with it.
    let ours = |found: Option<(String, Source)>| match found {
        Some((_, Source::Environment(_))) | None => None,
        Some((value, _)) => Some(value),
    };
    let credentials = profile.is_some() || CREDENTIAL_VARIABLES.iter().any(|name| text(env, name).is_some());
    let endpoint_url = ours(endpoint);
    Ok(Place {
        test_credentials: !credentials && endpoint_url.as_deref().is_some_and(is_loopback),
        profile: ours(profile),
        region: ours(region),
        scope: match ours(stack) {
            Some(stack) => Scope::Stack(stack),
            None => Scope::of_prefix(ours(prefix).as_deref()),
        },
        role: ours(role),
        endpoint_url,
        context: section.context,
        settings,
    })
}

fn chosen(flags: &PlaceFlags, env: Environment<'_>, file: &ContextFile) -> (Option<String>, Source) {
    if let Some(name) = given(&flags.context) {
        return (Some(name), Source::Flag("--context"));
    }
    if let Some(name) = text(env, "REDRIVE_CONTEXT") {
        return (Some(name), Source::Environment("REDRIVE_CONTEXT"));
    }
    match &file.current {
        Some(name) => (Some(name.clone()), Source::File),
        None => (None, Source::Nowhere),
    }
}

fn unknown(name: &str, file: &ContextFile) -> Stop {
    let known: Vec<&str> = file.contexts.keys().map(String::as_str).collect();
    let path = file.path.display();
    let place = if file.text.is_some() { format!("in {path}") } else { format!("there is no {path} yet") };
    Stop::fault(format!("{} ({place})", file::unknown_context(name, &known)))
}

/// What the context asks for beside where it is.
fn asked(section: &Section, named: bool) -> Vec<Setting> {
    let context = &section.context;
    let defaults = crate::model::context::Context::default();
    let setting = |name, value: String, is_default: bool| {
        let from = if is_default || !named { Source::Default } else { Source::Context };
        Setting { name, value: Some(value).filter(|value| !value.is_empty()), from }
    };
    let by_name = context.objectives.by_name.iter().map(|(name, s)| format!(", {name} {}", spoken(*s)));
    let objectives = format!("{}{}", spoken(context.objectives.age_s), by_name.collect::<String>());
    vec![
        setting("colour", context.colour.map_or("blue", |colour| colour.name()).to_owned(), context.colour.is_none()),
        setting("protected", context.protected.to_string(), !context.protected),
        setting("read_only", context.read_only.to_string(), !context.read_only),
        setting(
            "objectives",
            objectives,
            (context.objectives.age_s, &context.objectives.by_name)
                == (defaults.objectives.age_s, &defaults.objectives.by_name),
        ),
        setting("stale_after", spoken(context.stale_after_s), context.stale_after_s == defaults.stale_after_s),
        setting(
            "budget_per_hour",
            context.budget_per_h.map(|dollars| format!("${dollars}")).unwrap_or_default(),
            context.budget_per_h.is_none(),
        ),
        setting(
            "silence",
            context.objectives.silenced.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            context.objectives.silenced.is_empty(),
        ),
        setting("redact", context.redact.texts().collect::<Vec<_>>().join(", "), !context.redact.is_on()),
    ]
}

/// `5m`, `1h30m`: as the file spells it.
fn spoken(seconds: u64) -> String {
    let parts = [(seconds / 3_600, "h"), (seconds % 3_600 / 60, "m"), (seconds % 60, "s")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// `REDRIVE_CONFIG`, or `redrive/config.toml` in the configuration directory.
///
/// # Errors
/// There is no home directory.
pub(in crate::config) fn config_path(env: Environment<'_>) -> Result<PathBuf, Stop> {
    if let Some(path) = text(env, "REDRIVE_CONFIG") {
        return Ok(PathBuf::from(path));
    }
    let absolute = |path: Option<String>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let dir = absolute(text(env, "XDG_CONFIG_HOME"))
        .or_else(|| absolute(text(env, "HOME")).map(|home| home.join(".config")))
        .or_else(|| Some(etcetera::choose_base_strategy().ok()?.config_dir()));
    let none = || Stop::fault("no home directory: say where the configuration is with REDRIVE_CONFIG");
    Ok(dir.ok_or_else(none)?.join("redrive").join("config.toml"))
}

/// The file's contexts; none when there is no file.
///
/// # Errors
/// What is wrong in it, with its line.
pub(in crate::config) fn contexts(env: Environment<'_>) -> Result<ContextFile, Stop> {
    let path = config_path(env)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => file::parse(&path, &text).map_err(Stop::fault),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(ContextFile { path, ..ContextFile::default() })
        }
        Err(error) => Err(Stop::fault(format!("{}: {error}", path.display()))),
    }
}

/// The same, but a file that was named must be there: who believes in its `redact` and `read_only` would
/// work without them. Not where it `may_be_made`.
///
/// # Errors
/// It is not there, or something is wrong in it.
pub(in crate::config) fn named(env: Environment<'_>, may_be_made: bool) -> Result<ContextFile, Stop> {
    let file = contexts(env)?;
    match text(env, "REDRIVE_CONFIG") {
        Some(path) if file.text.is_none() && !may_be_made => Err(Stop::fault(format!(
            "REDRIVE_CONFIG: there is no file {path}; unset it, or make one with `redrive context init`"
        ))),
        _ => Ok(file),
    }
}

fn text(env: Environment<'_>, name: &str) -> Option<String> {
    env(name).and_then(|value| value.into_string().ok()).filter(|value| !value.trim().is_empty())
}

fn given(flag: &Option<String>) -> Option<String> {
    flag.clone().filter(|text| !text.trim().is_empty())
}

/// `http://127.0.0.1…`, `http://localhost…`, `http://[::1]…`: an emulator on this machine.
fn is_loopback(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    let host = if authority.starts_with('[') {
        authority.split_inclusive(']').next().unwrap_or("")
    } else {
        authority.split(':').next().unwrap_or("")
    };
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Any of these says that credentials are configured, even for an emulator.
const CREDENTIAL_VARIABLES: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::*;

    const FILE: &str = r#"
        current = "prod"
        [contexts.prod]
        profile = "prod-sso"
        region = "eu-west-1"
        prefix = "orders-"
        protected = true
        [contexts.local]
        endpoint_url = "http://127.0.0.1:4566"
        region = "us-east-1"
    "#;

    fn of(flags: PlaceFlags, vars: &[(&str, &str)]) -> Result<Place, Stop> {
        let file = file::parse(Path::new("/c/config.toml"), FILE).expect("valid");
        place(&flags, &|name| vars.iter().find(|(known, _)| *known == name).map(|(_, v)| OsString::from(v)), &file)
    }

    fn source(place: &Place, name: &str) -> (Option<String>, Source) {
        let setting = place.settings.iter().find(|setting| setting.name == name).expect("listed");
        (setting.value.clone(), setting.from)
    }

    #[test]
    fn flags_come_before_the_environment_and_that_before_the_context() {
        let place = of(PlaceFlags::default(), &[]).expect("the current one");
        assert_eq!(place.context.name, "prod");
        assert_eq!((place.profile.as_deref(), place.region.as_deref()), (Some("prod-sso"), Some("eu-west-1")));
        assert_eq!(source(&place, "context"), (Some("prod".to_owned()), Source::File));
        assert_eq!(source(&place, "region"), (Some("eu-west-1".to_owned()), Source::Context));
        assert_eq!(source(&place, "protected").1, Source::Context);
        assert_eq!(source(&place, "stale_after"), (Some("24h".to_owned()), Source::Default));
        let vars = [("AWS_REGION", "us-west-2"), ("REDRIVE_CONTEXT", "local")];
        let place = of(PlaceFlags::default(), &vars).expect("known");
        assert_eq!(place.context.name, "local");
        assert_eq!(place.region, None, "the SDK reads the environment itself");
        assert_eq!(source(&place, "region"), (Some("us-west-2".to_owned()), Source::Environment("AWS_REGION")));
        assert!(place.test_credentials);
        let flags = PlaceFlags { region: Some("ap-south-1".to_owned()), ..PlaceFlags::default() };
        let place = of(flags, &vars).expect("known");
        assert_eq!(source(&place, "region"), (Some("ap-south-1".to_owned()), Source::Flag("--region")));
        assert_eq!(place.region.as_deref(), Some("ap-south-1"));
    }

    #[test]
    fn what_is_watched_goes_by_a_prefix_or_a_stack_and_a_flag_takes_the_place_of_either() {
        assert_eq!(of(PlaceFlags::default(), &[]).expect("valid").scope, Scope::Prefix("orders-".to_owned()));
        let flags = PlaceFlags { stack: Some("shop".to_owned()), ..PlaceFlags::default() };
        let place = of(flags, &[]).expect("valid");
        assert_eq!(place.scope, Scope::Stack("shop".to_owned()));
        assert_eq!(source(&place, "stack"), (Some("shop".to_owned()), Source::Flag("--stack")));
        assert_eq!(source(&place, "prefix"), (None, Source::Nowhere));
    }

    #[test]
    fn a_context_that_is_not_there_is_said_with_the_nearest_and_the_file() {
        let flags = PlaceFlags { context: Some("prdo".to_owned()), ..PlaceFlags::default() };
        let stop = of(flags, &[]).expect_err("misspelt");
        assert!(stop.text.contains("did you mean \"prod\"? (in /c/config.toml)"), "{}", stop.text);
    }
}
