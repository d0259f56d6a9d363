//! `redrive context …`: the contexts of config.toml. It changes that file and nothing else, and never
//! overwrites what somebody wrote.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use crate::aws::connect::region_of_profile;
use crate::command::failure::Failure;
use crate::command::{print, runtime, say, style};
use crate::config::file::{ContextFile, Section, check_name};
use crate::config::{ContextAction, Place, Setting, Source, exit};
use crate::model::scope::Scope;
use crate::report::table::{Table, or_missing};
use crate::report::{self, Style};

pub fn run(asked: ContextAction, file: &ContextFile, place: Place) -> Result<u8, Failure> {
    match asked {
        ContextAction::List(output) => list(file, style(output)),
        ContextAction::Use(name) => {
            write(&file.path, &file.using(&name).map_err(Failure::Usage)?)?;
            say(&format!("redrive: {name} is current ({})", file.path.display()));
            Ok(exit::FINE)
        }
        ContextAction::Show(output) => show(place, style(output)),
        ContextAction::Init { name, section } => init(name, *section, file),
    }
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    current: bool,
    profile: Option<String>,
    region: Option<String>,
    endpoint_url: Option<String>,
    role: Option<String>,
    prefix: Option<String>,
    stack: Option<String>,
    protected: bool,
    read_only: bool,
}

fn list(file: &ContextFile, style: Style) -> Result<u8, Failure> {
    let rows: Vec<Row> = file.contexts.iter().map(|(name, section)| row(file, name, section)).collect();
    if rows.is_empty() && style == Style::Table {
        say(&format!("redrive: no contexts in {}; `redrive context init` makes one", file.path.display()));
        return Ok(exit::FINE);
    }
    print(&report::rows(style, &rows, table))?;
    Ok(exit::FINE)
}

fn row(file: &ContextFile, name: &str, section: &Section) -> Row {
    Row {
        name: name.to_owned(),
        current: file.current.as_deref() == Some(name),
        profile: section.profile.clone(),
        region: section.region.clone(),
        endpoint_url: section.endpoint_url.clone(),
        role: section.role.clone(),
        prefix: section.prefix.clone(),
        stack: section.stack.clone(),
        protected: section.context.protected,
        read_only: section.context.read_only,
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Table::new(&["", "context", "profile", "region", "watched", "endpoint", "writes"]);
    for row in rows {
        let writes = match (row.read_only, row.protected) {
            (true, _) => "never",
            (_, true) => "protected",
            _ => "after W",
        };
        table.row([
            if row.current { "*" } else { "" }.to_owned(),
            row.name.clone(),
            or_missing(row.profile.as_ref()),
            or_missing(row.region.as_ref()),
            watched(row),
            or_missing(row.endpoint_url.as_ref()),
            writes.to_owned(),
        ]);
    }
    table.text()
}

fn watched(row: &Row) -> String {
    match (&row.stack, &row.prefix) {
        (Some(stack), _) => Scope::Stack(stack.clone()).label(),
        (None, prefix) => Scope::of_prefix(prefix.as_deref()).label(),
    }
}

#[derive(Debug, Serialize)]
struct Shown {
    setting: &'static str,
    value: Option<String>,
    from: String,
}

fn show(place: Place, style: Style) -> Result<u8, Failure> {
    let mut settings = place.settings;
    with_region_of_profile(&mut settings)?;
    let keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some_and(|value| !value.is_empty());
    if keys && place.profile.is_some() && style == Style::Table {
        say("redrive: AWS_ACCESS_KEY_ID is set and not used: a profile is named");
    }
    let rows: Vec<Shown> = settings
        .into_iter()
        .map(|setting| Shown { setting: setting.name, value: setting.value, from: setting.from.to_string() })
        .collect();
    print(&report::rows(style, &rows, |rows| {
        let mut table = Table::new(&["setting", "value", "from"]);
        for row in rows {
            table.row([row.setting.to_owned(), or_missing(row.value.as_ref()), row.from.clone()]);
        }
        table.text()
    }))?;
    Ok(exit::FINE)
}

/// A region that nobody gave is the profile's, where that has one.
fn with_region_of_profile(settings: &mut [Setting]) -> Result<(), Failure> {
    let value = |name: &str| settings.iter().find(|setting| setting.name == name).and_then(|s| s.value.clone());
    if value("region").is_some() {
        return Ok(());
    }
    let profile = value("profile").unwrap_or_else(|| "default".to_owned());
    let found = runtime()?.block_on(region_of_profile(&profile));
    if let (Some(region), Some(setting)) = (found, settings.iter_mut().find(|setting| setting.name == "region")) {
        *setting = Setting { name: "region", value: Some(region), from: Source::Profile };
    }
    Ok(())
}

fn init(name: Option<String>, mut section: Section, file: &ContextFile) -> Result<u8, Failure> {
    let name = match name {
        Some(name) => name,
        None if io::stdin().is_terminal() && io::stderr().is_terminal() => ask(&mut section, file)?,
        None => {
            let right = "redrive context init prod-eu --profile prod --region eu-west-1";
            return Err(Failure::Usage(format!("what shall it be called? Without a terminal give all of it: {right}")));
        }
    };
    if file.contexts.contains_key(&name) {
        return Err(Failure::Refused(file.with(&name, &section).err().unwrap_or_default()));
    }
    write(&file.path, &file.with(&name, &section).map_err(Failure::Usage)?)?;
    let current = file.current.is_none() && file.contexts.is_empty();
    let next =
        if current { "it is current".to_owned() } else { format!("`redrive context use {name}` makes it current") };
    say(&format!(
        "redrive: wrote {name} to {}; {next}\n`redrive doctor --context {name}` checks it",
        file.path.display()
    ));
    Ok(exit::FINE)
}

/// Every answer may be empty but the name's; what a flag said is not asked.
fn ask(section: &mut Section, file: &ContextFile) -> Result<String, Failure> {
    say(&format!(
        "A context is a place to work in; it is kept in {}. Empty leaves a setting out.",
        file.path.display()
    ));
    let name = loop {
        let name = line("name (prod-eu)")?.ok_or_else(|| Failure::Usage("a context needs a name".to_owned()))?;
        match check_name(&name) {
            Ok(()) if file.contexts.contains_key(&name) => say(&format!("there is a context {name} already")),
            Ok(()) => break name,
            Err(why) => say(&why),
        }
    };
    for (asked, slot) in [
        ("profile of ~/.aws/config", &mut section.profile),
        ("region (eu-west-1)", &mut section.region),
        ("only what is called so: prefix", &mut section.prefix),
    ] {
        if slot.is_none() && !(asked.ends_with("prefix") && section.stack.is_some()) {
            *slot = line(asked)?;
        }
    }
    if !section.context.protected {
        let answer = line("is it production? Then arming writes asks for its name [y/N]")?;
        section.context.protected = answer.is_some_and(|answer| matches!(answer.as_str(), "y" | "Y" | "yes"));
    }
    Ok(name)
}

/// One line from the terminal; `None` when it is empty.
fn line(asked: &str) -> Result<Option<String>, Failure> {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{asked}: ").and_then(|()| err.flush());
    let mut text = String::new();
    let read = io::stdin().lock().read_line(&mut text).map_err(Failure::Output)?;
    if read == 0 {
        return Err(Failure::Usage("nothing was written".to_owned()));
    }
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The whole new text beside the old one, then in its place: a torn write loses nothing.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Unreachable(format!("{}: {error}", path.display()));
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(failed)?;
    }
    // A link stays a link: the file it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = target.with_extension("toml.new");
    fs::write(&beside, text).map_err(failed)?;
    fs::rename(&beside, &target).map_err(failed)
}
