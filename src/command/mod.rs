//! The subcommands: results on standard output, everything else on standard error, one exit code.
//! Each uses the same engine as the console; none has a way of its own to change anything.

mod before;
mod change;
mod context;
mod dead_letters;
mod doctor;
mod documents;
mod edit;
mod evidence;
mod failure;
mod journal;
mod jq_worker;
mod letters;
mod logs;
mod look;
mod operate;
mod pick;
mod pile;
mod posture;
mod redrive;
mod rehearse;
mod requests;
mod rerun;
mod rescue;
mod resume;
mod sandbox;
mod try_one;
mod tune;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::aws::connect::ConnectOptions;
use crate::command::failure::Failure;
use crate::config::file::ContextFile;
use crate::config::{self, Action, Config, Output, Place, Writes, exit};
use crate::console::ConsoleOptions;
use crate::console::keymap::Keymap;
use crate::journal::Journal;
use crate::model::redaction::{NOTHING, Redaction};
use crate::model::scope::Scope;
use crate::model::usage::Budget;
use crate::report::{Style, schema};
use crate::shell::{self, Opening, Scene, ShellOptions};
use crate::verdict;

/// Runs one call of the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Not a command of anybody's: it has no help and no flags.
    if arguments.get(1).is_some_and(|first| first == shell::jq::WORKER) {
        return jq_worker::run();
    }
    let config = match Config::parse(arguments, &|name| std::env::var_os(name)) {
        Ok(config) => config,
        Err(stop) if stop.asked => {
            let _ = print(&stop.text);
            return ExitCode::from(exit::FINE);
        }
        Err(stop) => {
            say(&stop.text);
            return ExitCode::from(exit::USAGE);
        }
    };
    match dispatch(config) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if let Some(text) = failure.text() {
                say(&format!("redrive: {text}"));
            }
            ExitCode::from(failure.code())
        }
    }
}

fn dispatch(config: Config) -> Result<u8, Failure> {
    let Config { place, contexts, no_color, state_dir, action } = config;
    let here = Here { place, contexts, state_dir };
    check_silence(&here)?;
    match action {
        Action::Context(asked) => context::run(asked, &here.contexts, here.place),
        Action::Doctor(asked) => doctor::run(&here, asked, !no_color),
        Action::Console(asked) => console(here, asked, !no_color),
        Action::Sandbox(asked) => sandbox::open(&asked, keymap(&here.contexts)?, !no_color),
        Action::Headless(asked) => sandbox::headless(&asked),
        Action::Scenarios => sandbox::list(),
        Action::Status(output) => runtime()?.block_on(look::status(&here, style(output))),
        Action::Topology(output) => runtime()?.block_on(look::topology(&here, style(output))),
        Action::Consumers(output) => runtime()?.block_on(look::consumers(&here, style(output))),
        Action::Queues(output) => runtime()?.block_on(look::queues(&here, style(output), false)),
        Action::DeadLetterQueues(output) => runtime()?.block_on(look::queues(&here, style(output), true)),
        Action::Posture(asked) => runtime()?.block_on(posture::run(&here, &asked)),
        Action::Watch(asked) => runtime()?.block_on(watch::run(&here, &asked)),
        Action::Logs(asked) => runtime()?.block_on(logs::run(&here, asked)),
        Action::Tune(asked) => runtime()?.block_on(tune::run(&here, asked)),
        Action::Rehearse(asked) => runtime()?.block_on(rehearse::run(&here, asked)),
        Action::DeadLetters(asked) => runtime()?.block_on(dead_letters::list(&here, asked)),
        Action::ShowLetters { letters, reveal, output } => {
            runtime()?.block_on(letters::show(&here, letters, reveal, output))
        }
        Action::Export { letters, to } => runtime()?.block_on(letters::export(&here, letters, to)),
        Action::Drop { letters, reason, output } => runtime()?.block_on(letters::drop(&here, letters, reason, output)),
        Action::Restore(asked) => runtime()?.block_on(letters::restore(&here, asked)),
        Action::Redrive(asked) => runtime()?.block_on(redrive::redrive(&here, asked)),
        Action::Rescue(asked) => runtime()?.block_on(rescue::run(&here, asked)),
        Action::Requests(asked) => runtime()?.block_on(requests::run(&here, asked)),
        Action::Try(asked) => runtime()?.block_on(try_one::run(&here, asked)),
        Action::Journal(output) => journal::list(&here, style(output)),
        Action::JournalShow { operation, reveal, output } => journal::show(&here, &operation, reveal, style(output)),
        Action::JournalResume { operation, output, consent } => {
            runtime()?.block_on(resume::resume(&here, operation.as_deref(), style(output), consent))
        }
        Action::JournalExport { operation, output } => journal::export(&here, operation.as_deref(), output),
        Action::JournalUndo { operation, consent } => journal::undo(&here, &operation, consent),
        Action::Schema(name) => print(&schema::text(name.as_deref())).map(|()| exit::FINE),
        Action::Completions(text) | Action::Manual(text) => print(&text).map(|()| exit::FINE),
    }
}

/// Where a command acts, and where it keeps its journal.
struct Here {
    place: Place,
    contexts: ContextFile,
    state_dir: PathBuf,
}

impl Here {
    fn connect_options(&self) -> ConnectOptions {
        connect_options(&self.place)
    }

    /// What the context hides, unless it is to be revealed.
    fn redaction(&self, reveal: bool) -> &Redaction {
        if reveal { &NOTHING } else { &self.place.context.redact }
    }

    /// What any context hides: the journal does not say in which of them a body was seen.
    fn redaction_of_all(&self) -> Redaction {
        redaction_of_all(&self.place, &self.contexts)
    }

    fn journal(&self) -> Result<Journal, Failure> {
        Ok(Journal::open(Some(&self.state_dir), shell::local_now)?)
    }
}

fn redaction_of_all(place: &Place, contexts: &ContextFile) -> Redaction {
    let each = contexts.contexts.values().map(|section| &section.context.redact);
    Redaction::all(each.chain([&place.context.redact]))
}

fn connect_options(place: &Place) -> ConnectOptions {
    ConnectOptions {
        region: place.region.clone(),
        profile: place.profile.clone(),
        endpoint_url: place.endpoint_url.clone(),
        role: place.role.clone(),
        test_credentials: place.test_credentials,
        ..ConnectOptions::default()
    }
}

fn console(here: Here, asked: config::Console, colour: bool) -> Result<u8, Failure> {
    let keymap = keymap(&here.contexts)?;
    let mut opening = opening(&here.place, asked.writes, &here.contexts, &keymap);
    // Somebody who names a thing has said what to watch.
    opening.console.pick &= asked.target.is_none();
    opening.console.open = asked.target;
    let contexts = here.contexts;
    let elsewhere = move |name: &str| {
        let place =
            Config::elsewhere(name, &|name| std::env::var_os(name)).map_err(|stop| stop.text.trim().to_owned())?;
        let writes = if place.context.read_only { Writes::Never } else { Writes::Armable };
        Ok(self::opening(&place, writes, &contexts, &keymap))
    };
    let state_dir = Some(here.state_dir);
    Ok(shell::run(ShellOptions { opening, elsewhere: Some(Box::new(elsewhere)), state_dir, colour })?)
}

/// A rule that is silenced by a name it does not have would be heard after all.
fn check_silence(here: &Here) -> Result<(), Failure> {
    let context = &here.place.context;
    let unknown = context.objectives.silenced.iter().find(|rule| !verdict::is_rule(rule));
    let Some(unknown) = unknown else { return Ok(()) };
    let (path, known) = (here.contexts.path.display(), verdict::RULES.join(", "));
    let place = format!("{path}: context {}: silence", context.name);
    Err(Failure::Usage(format!("{place}: there is no rule {unknown:?}; there are: {known}, and alarm:NAME")))
}

/// The keys that config.toml gives to commands.
fn keymap(contexts: &ContextFile) -> Result<Keymap, Failure> {
    let mut keymap = Keymap::default();
    for binding in &contexts.keys {
        let given = keymap.give(&binding.command, &binding.keys);
        given.map_err(|why| Failure::Usage(format!("{}: {why}", binding.place)))?;
    }
    Ok(keymap)
}

/// What the shell opens for a place.
fn opening(place: &Place, writes: Writes, contexts: &ContextFile, keymap: &Keymap) -> Opening {
    let console = ConsoleOptions {
        write: writes == Writes::Armed,
        read_only: writes == Writes::Never,
        session: shell::session(),
        profile: place.profile.clone(),
        endpoint_url: place.endpoint_url.clone(),
        utc_offset_s: shell::utc_offset_s(),
        context: place.context.clone(),
        redact_kept: redaction_of_all(place, contexts),
        contexts: contexts.contexts.keys().cloned().collect(),
        budget: place.context.budget_per_h.map(Budget).unwrap_or_default(),
        keymap: keymap.clone(),
        pick: place.scope == Scope::Everything,
        scope: Some(place.scope.clone()).filter(|scope| *scope != Scope::Everything),
        ..ConsoleOptions::default()
    };
    Opening { scene: Scene::Account(connect_options(place)), console }
}

fn style(output: Output) -> Style {
    match output {
        Output::Table => Style::Table,
        Output::Json => Style::Json,
        Output::Ndjson => Style::Lines,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Failure::Runtime)
}

/// To standard output. A reader that has gone away (`| head`) ends the command quietly.
fn print(text: &str) -> Result<(), Failure> {
    written(|out| out.write_all(text.as_bytes()).map_err(Failure::Output))
}

/// To standard output, a piece at a time, for what is too long to be held.
fn written(write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush().map_err(Failure::Output)) {
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Quiet),
        written => written,
    }
}

/// To standard error, which may be closed: then nobody wants to know.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Console;

    #[test]
    fn a_configuration_that_was_named_must_be_there() {
        let parsed = |arguments: &[&str]| {
            let env = |name: &str| match name {
                "REDRIVE_CONFIG" => Some(OsString::from("/nowhere/redrive.toml")),
                "HOME" => Some(OsString::from("/home/oncall")),
                _ => None,
            };
            Config::parse(arguments.iter().map(OsString::from), &env).map(|_| ()).map_err(|stop| stop.text)
        };
        let why = parsed(&["redrive", "status"]).expect_err("its redaction would be lost");
        assert!(why.contains("REDRIVE_CONFIG: there is no file /nowhere/redrive.toml"), "{why}");
        assert_eq!(parsed(&["redrive", "context", "list"]), Ok(()), "one of them makes it");
        assert_eq!(parsed(&["redrive", "sandbox"]), Ok(()));
    }

    #[test]
    fn what_a_context_asks_for_reaches_the_console() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = "current = \"prod\"\n[contexts.prod]\nregion = \"eu-west-1\"\nstale_after = \"30m\"\n\
            budget_per_hour = 0.002\nstack = \"shop\"\nprotected = true\nredact = [\"profile.email\"]\n\
            [contexts.test]\nredact = [\"card.number\"]\n";
        std::fs::write(file.path(), text).expect("written");
        let path = file.path().as_os_str().to_owned();
        let env = |name: &str| match name {
            "REDRIVE_CONFIG" => Some(path.clone()),
            "HOME" => Some(OsString::from("/home/oncall")),
            _ => None,
        };
        let config = Config::parse(["redrive"].map(OsString::from), &env).expect("valid");
        let console =
            Console::new(opening(&config.place, Writes::Armable, &config.contexts, &Keymap::default()).console);
        let context = &console.options.context;
        assert_eq!((context.stale_after_s, context.protected, context.redact.is_on()), (1_800, true, true));
        let kept: Vec<&str> = console.redaction_of_kept().texts().collect();
        assert_eq!(kept, ["profile.email", "card.number"], "the journal's copies are of any context");
        assert_eq!(context.redact.texts().count(), 1, "a body that is read here is of this one");
        assert_eq!(console.options.budget, Budget(0.002), "what the poller stretches to");
        assert_eq!(console.scope, Some(Scope::Stack("shop".to_owned())), "chosen: nobody is asked what to watch");
    }
}
