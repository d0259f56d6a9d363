//! `config.toml`: named contexts, and which of them is current. What is wrong in it is said with the
//! file, the line and the key, and what would be right. Its text is changed only by `context init`
//! and `context use`, which leave every other line as it is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::config::duration;
use crate::config::nearest::nearest;
use crate::model::context::{Colour, Context};
use crate::model::objective::Objectives;
use crate::model::redaction::Redaction;

/// What the file says; empty where there is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContextFile {
    pub path: PathBuf,
    /// Its text; `None` when there is no such file.
    pub text: Option<String>,
    pub current: Option<String>,
    pub contexts: BTreeMap<String, Section>,
    /// Keys given to commands of the console, in the file's order.
    pub keys: Vec<Binding>,
}

/// `redrive = "ctrl-d"` under `[keys]`. What commands and keys there are is the console's to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    pub command: String,
    pub keys: Vec<String>,
    /// `config.toml:12: redrive`: where an error about it is.
    pub place: String,
}

/// Where a context is, and what it asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    pub profile: Option<String>,
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    /// ARN of a role to assume with the credentials of the profile or the environment.
    pub role: Option<String>,
    pub prefix: Option<String>,
    /// A CloudFormation stack, instead of a prefix.
    pub stack: Option<String>,
    pub context: Context,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    current: Option<Spanned<String>>,
    #[serde(default)]
    contexts: BTreeMap<String, Spanned<SectionToml>>,
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, OneOrMore>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionToml {
    profile: Option<Spanned<String>>,
    region: Option<Spanned<String>>,
    endpoint_url: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    prefix: Option<Spanned<String>>,
    stack: Option<Spanned<String>>,
    #[serde(alias = "color")]
    colour: Option<Spanned<String>>,
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    objectives: BTreeMap<String, Spanned<String>>,
    stale_after: Option<Spanned<String>>,
    budget_per_hour: Option<Spanned<f64>>,
    #[serde(default)]
    redact: Vec<Spanned<String>>,
    #[serde(default)]
    silence: Vec<String>,
}

/// Reads the file's text.
///
/// # Errors
/// `path:line: key: what is wrong; what would be right`.
pub fn parse(path: &Path, text: &str) -> Result<ContextFile, String> {
    let at = Place { path, text };
    let file: FileToml = toml::from_str(text).map_err(|error| at.of_toml(&error))?;
    let mut contexts = BTreeMap::new();
    for (name, section) in file.contexts {
        let span = section.span();
        check_name(&name).map_err(|why| at.error(&span, &why))?;
        contexts.insert(name.clone(), self::section(&at, &name, section.into_inner())?);
    }
    let current = match file.current {
        None => None,
        Some(name) if contexts.contains_key(name.get_ref()) => Some(name.into_inner()),
        Some(name) => {
            let known: Vec<&str> = contexts.keys().map(String::as_str).collect();
            return Err(at.error(&name.span(), &unknown_context(name.get_ref(), &known)));
        }
    };
    Ok(ContextFile {
        path: path.to_owned(),
        text: Some(text.to_owned()),
        current,
        contexts,
        keys: bindings(&at, file.keys),
    })
}

fn bindings(at: &Place<'_>, keys: BTreeMap<Spanned<String>, OneOrMore>) -> Vec<Binding> {
    let mut found: Vec<(usize, Binding)> = Vec::new();
    for (command, keys) in keys {
        let span = command.span();
        let keys = match keys {
            OneOrMore::One(key) => vec![key],
            OneOrMore::More(keys) => keys,
        };
        // The key's own name stands before the colon.
        let place = at.error(&span, "");
        found.push((
            span.start,
            Binding { command: command.into_inner(), keys, place: place.trim_end_matches(": ").to_owned() },
        ));
    }
    found.sort_by_key(|(start, _)| *start);
    found.into_iter().map(|(_, binding)| binding).collect()
}

/// `there is no context "prdo"; did you mean "prod"?`
pub fn unknown_context(name: &str, known: &[&str]) -> String {
    match (nearest(name, known), known) {
        (Some(near), _) => format!("there is no context {name:?}; did you mean {near:?}?"),
        (None, []) => format!("there is no context {name:?}, nor any other; `redrive context init {name}` makes one"),
        (None, known) => format!("there is no context {name:?}; there are: {}", known.join(", ")),
    }
}

/// # Errors
/// Why a context cannot be called so.
pub fn check_name(name: &str) -> Result<(), String> {
    let fits = !name.is_empty()
        && name.len() <= 40
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fits {
        Ok(())
    } else {
        Err(format!("a context's name has letters, digits, - _ and . (at most 40), not {name:?}"))
    }
}

fn section(at: &Place<'_>, name: &str, toml: SectionToml) -> Result<Section, String> {
    let text = |value: Option<Spanned<String>>| match value {
        Some(value) if value.get_ref().trim().is_empty() => Err(at.error(&value.span(), "is empty; leave it out")),
        value => Ok(value.map(Spanned::into_inner)),
    };
    let colour = toml.colour.map(|value| colour(at, &value)).transpose()?;
    let role = toml.role.as_ref().map(|value| check_role(at, value)).transpose()?;
    let mut objectives = Objectives::default();
    for (consumer, age) in toml.objectives {
        let age_s = seconds(at, &age)?;
        match consumer.as_str() {
            "default" => objectives.age_s = age_s,
            _ => drop(objectives.by_name.insert(consumer, age_s)),
        }
    }
    objectives.silenced = toml.silence.into_iter().collect();
    let stale_after_s = toml.stale_after.map_or(Ok(Context::STALE_AFTER_S), |value| seconds(at, &value))?;
    let budget_per_h = match toml.budget_per_hour {
        Some(value) if !(value.get_ref().is_finite() && *value.get_ref() > 0.0) => {
            return Err(at.error(&value.span(), "is dollars an hour, more than 0: 0.10"));
        }
        value => value.map(Spanned::into_inner),
    };
    for path in &toml.redact {
        Redaction::new([path.get_ref().as_str()]).map_err(|why| at.error(&path.span(), &why))?;
    }
    if let (Some(_), Some(stack)) = (&toml.prefix, &toml.stack) {
        return Err(at.error(&stack.span(), "there is a prefix too; what is watched goes by one of them"));
    }
    let redact = Redaction::new(toml.redact.iter().map(|path| path.get_ref().as_str()))?;
    Ok(Section {
        profile: text(toml.profile)?,
        region: text(toml.region)?,
        endpoint_url: text(toml.endpoint_url)?,
        role: role.map(str::to_owned),
        prefix: text(toml.prefix)?,
        stack: text(toml.stack)?,
        context: Context {
            name: name.to_owned(),
            colour,
            protected: toml.protected,
            read_only: toml.read_only,
            objectives,
            stale_after_s,
            budget_per_h,
            redact,
        },
    })
}

fn colour(at: &Place<'_>, value: &Spanned<String>) -> Result<Colour, String> {
    let name = value.get_ref().to_lowercase();
    let known = Colour::ALL.map(|(name, _)| name);
    let found = Colour::ALL.iter().find(|(known, _)| *known == name).map(|(_, colour)| *colour);
    found.ok_or_else(|| at.error(&value.span(), &format!("{name:?} is none of {}", known.join(", "))))
}

fn check_role<'a>(at: &Place<'_>, value: &'a Spanned<String>) -> Result<&'a str, String> {
    let arn = value.get_ref();
    if arn.starts_with("arn:") && arn.contains(":role/") {
        return Ok(arn);
    }
    let right = "arn:aws:iam::123456789012:role/oncall";
    Err(at.error(&value.span(), &format!("{arn:?} is no role's ARN; it should look like {right}")))
}

fn seconds(at: &Place<'_>, value: &Spanned<String>) -> Result<u64, String> {
    match duration::parse(value.get_ref()) {
        Ok(0) => Err(at.error(&value.span(), "0 is no time; write 5m or 24h")),
        Ok(seconds) => Ok(seconds),
        Err(why) => Err(at.error(&value.span(), &why)),
    }
}

struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn error(&self, span: &Range<usize>, message: &str) -> String {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let own = self.text.lines().nth(line - 1).unwrap_or("");
        let key = own.split_once('=').map_or("", |(key, _)| key.trim());
        let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
        format!("{}:{line}: {key}{message}", self.path.display())
    }

    fn of_toml(&self, error: &toml::de::Error) -> String {
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        let said = match quoted.next() {
            Some(unknown) if message.starts_with("unknown field") => {
                let known: Vec<&str> = quoted.collect();
                match nearest(unknown, &known) {
                    Some(near) => format!("there is no key {unknown:?} here; did you mean {near:?}?"),
                    None => format!("there is no key {unknown:?} here; there are: {}", known.join(", ")),
                }
            }
            _ => message.lines().next().unwrap_or(message).to_owned(),
        };
        // A text that ends too early is faulted at its last line with something on it.
        let start = error.span().map_or(0, |span| span.start.min(self.text.trim_end().len()));
        self.error(&(start..start), &said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        parse(Path::new("config.toml"), text).expect_err(text)
    }

    #[test]
    fn a_whole_file_is_read() {
        let text = r#"
            current = "prod-eu"
            [contexts.prod-eu]
            profile = "prod"
            region = "eu-west-1"
            role = "arn:aws:iam::123456789012:role/oncall"
            prefix = "orders-"
            colour = "red"
            protected = true
            stale_after = "12h"
            budget_per_hour = 0.05
            redact = ["profile.email"]
            silence = ["idle", "unbalanced"]
            [contexts.prod-eu.objectives]
            default = "10m"
            LogWorker = "1h"
            [contexts.dev]
            color = "Green"
            read_only = true
        "#;
        let file = parse(Path::new("config.toml"), text).expect("valid");
        assert_eq!(file.current.as_deref(), Some("prod-eu"));
        let prod = &file.contexts["prod-eu"];
        assert_eq!((prod.profile.as_deref(), prod.prefix.as_deref()), (Some("prod"), Some("orders-")));
        assert!(prod.context.protected && !prod.context.read_only);
        assert_eq!(prod.context.objectives.age_ms(["LogWorker"]), 3_600_000.0);
        assert_eq!(prod.context.objectives.age_ms(["Other"]), 600_000.0);
        assert!(prod.context.objectives.silenced.contains("idle"));
        assert_eq!((prod.context.stale_after_s, prod.context.budget_per_h), (43_200, Some(0.05)));
        let dev = &file.contexts["dev"].context;
        assert_eq!((dev.colour, dev.read_only, dev.stale_after_s), (Some(Colour::Green), true, 86_400));
    }

    #[test]
    fn keys_are_read_in_the_files_order_with_their_places() {
        let text = "[keys]\nscan = \"z\"\n\nfilter = [\"s\", \"/\"]\n";
        let file = parse(Path::new("config.toml"), text).expect("valid");
        let told: Vec<(&str, &str)> =
            file.keys.iter().map(|binding| (binding.command.as_str(), binding.place.as_str())).collect();
        assert_eq!(told, [("scan", "config.toml:2: scan"), ("filter", "config.toml:4: filter")]);
        assert_eq!(file.keys[1].keys, ["s", "/"]);
        assert!(wrong("[keys]\nscan = 3").starts_with("config.toml:2: scan: "), "{}", wrong("[keys]\nscan = 3"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_what_would_be_right() {
        for (text, said) in [
            (
                "[contexts.a]\nregon = \"x\"",
                "config.toml:2: regon: there is no key \"regon\" here; did you mean \"region\"?",
            ),
            ("curent = \"a\"", "config.toml:1: curent: there is no key \"curent\" here; did you mean \"current\"?"),
            (
                "current = \"prdo\"\n[contexts.prod]\n",
                "config.toml:1: current: there is no context \"prdo\"; did you mean \"prod\"?",
            ),
            ("[contexts.a]\n\ncolour = \"mauve\"", "config.toml:3: colour: \"mauve\" is none of red, green"),
            (
                "[contexts.a]\nrole = \"oncall\"",
                "config.toml:2: role: \"oncall\" is no role's ARN; it should look like arn:",
            ),
            ("[contexts.a]\nstale_after = \"soon\"", "config.toml:2: stale_after: \"soon\" is no duration; write 90s"),
            ("[contexts.a]\nbudget_per_hour = -1.0", "config.toml:2: budget_per_hour: is dollars an hour"),
            ("[contexts.a.objectives]\nLogWorker = \"0s\"", "config.toml:2: LogWorker: 0 is no time"),
            (
                "[contexts.a]\nredact = [\"a..b\"]",
                "config.toml:2: redact: \"a..b\" is no path into a message: two dots",
            ),
            (
                "[contexts.a]\nprefix = \"a-\"\nstack = \"shop\"",
                "config.toml:3: stack: there is a prefix too; what is watched goes by one of them",
            ),
            ("[contexts.a]\nprotected = \"yes\"", "config.toml:2: protected: invalid type"),
            ("[contexts.a]\nregion = \"\"", "config.toml:2: region: is empty"),
            ("[contexts.\"a b\"]\n", "a context's name has letters"),
            ("[contexts.a\n", "config.toml:1: "),
        ] {
            let line = wrong(text);
            assert!(line.contains(said), "{text:?} said {line:?}, not {said:?}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }
}
