//! Arguments, environment and `config.toml` to one validated [`Config`]. It contacts nothing; what is
//! wrong with what was typed, there or here, is said here, with exit code 2, and nowhere else.

mod dead_letter;
mod edit;
pub mod exit;
pub mod file;
pub mod letter;
pub mod manual;
pub mod nearest;
pub mod requests;

mod duration;
mod flags;
mod number;
mod validate;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

pub use crate::config::dead_letter::{Canary, DeadLetters, Rate, Redrive, Rescue, Try, Which};
use crate::config::file::{ContextFile, Section};
use crate::config::flags::Cli;
use crate::config::letter::{Letters, Restore};
use crate::model::context::Context;
use crate::model::mapping::MappingChange;
use crate::model::scope::Scope;

/// What to do, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub place: Place,
    /// What `config.toml` says.
    pub contexts: ContextFile,
    /// No colour: `--no-color`, or `NO_COLOR` set to anything.
    pub no_color: bool,
    /// Where the journal and the last picture are kept; not yet created.
    pub state_dir: PathBuf,
    pub action: Action,
}

/// Which account, and which part of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Place {
    pub region: Option<String>,
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    pub scope: Scope,
    /// To be assumed with the credentials found.
    pub role: Option<String>,
    /// The context chosen; its name is empty when there is none.
    pub context: Context,
    /// Every setting, in the order it is shown, with where its value comes from.
    pub settings: Vec<Setting>,
    /// Made-up credentials: a loopback endpoint, and none in the environment or by profile.
    pub test_credentials: bool,
}

/// One setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// As `config.toml` spells it.
    pub name: &'static str,
    pub value: Option<String>,
    pub from: Source,
}

/// Where a value comes from; each kind comes before the ones below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Flag(&'static str),
    Environment(&'static str),
    /// The context chosen.
    Context,
    /// `current` in `config.toml`.
    File,
    /// The profile in `~/.aws`.
    Profile,
    Default,
    /// There is no value.
    Nowhere,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Source::Flag(name) | Source::Environment(name) => name,
            Source::Context => "context",
            Source::File => "config.toml",
            Source::Profile => "profile",
            Source::Default => "default",
            Source::Nowhere => "–",
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Console(Console),
    Sandbox(Sandbox),
    /// The sandbox without a screen.
    Headless(Headless),
    /// Names of the built-in scenarios.
    Scenarios,
    Status(Output),
    Topology(Output),
    Consumers(Output),
    Queues(Output),
    Posture(Posture),
    Watch(Watch),
    Logs(Logs),
    Tune(Tune),
    Rehearse(Rehearse),
    DeadLetterQueues(Output),
    DeadLetters(DeadLetters),
    Redrive(Redrive),
    Try(Try),
    Rescue(Rescue),
    Requests(requests::Requests),
    ShowLetters {
        letters: Letters,
        /// Bodies whole, whatever the context redacts.
        reveal: bool,
        output: Output,
    },
    Export {
        letters: Letters,
        /// `None` is standard output.
        to: Option<PathBuf>,
    },
    Drop {
        letters: Letters,
        reason: Option<String>,
        output: Output,
    },
    Restore(Restore),
    Journal(Output),
    JournalShow {
        operation: String,
        /// Bodies whole, whatever any context redacts.
        reveal: bool,
        output: Output,
    },
    JournalUndo {
        operation: String,
        consent: Consent,
    },
    Context(ContextAction),
    Doctor(Doctor),
    /// `None`: all that are open.
    JournalResume {
        operation: Option<String>,
        output: Output,
        consent: Consent,
    },
    JournalExport {
        operation: Option<String>,
        output: Output,
    },
    /// One JSON Schema, by name; `None` lists the names.
    Schema(Option<String>),
    /// The script itself.
    Completions(String),
    /// The manual page itself, in roff.
    Manual(String),
}

#[derive(Debug, Clone, PartialEq)]
pub enum ContextAction {
    List(Output),
    Use(String),
    /// Of the place chosen.
    Show(Output),
    /// A new one; without a name all is asked for.
    Init {
        name: Option<String>,
        section: Box<Section>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doctor {
    /// Only print this policy.
    pub policy: Option<PolicyName>,
    pub output: Output,
    /// What is wrong with `config.toml`.
    pub config_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Console {
    /// An alarm, ARN, queue or function to open at.
    pub target: Option<String>,
    pub writes: Writes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writes {
    /// Read-only until armed in the console.
    #[default]
    Armable,
    /// `--write`: armed at the start, once confirmed.
    Armed,
    /// `--read-only`: cannot be lifted.
    Never,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sandbox {
    /// A built-in scenario's name or a file's path.
    pub scenario: String,
    /// `None`: the scenario's own.
    pub seed: Option<u64>,
    /// Sandbox seconds per real second.
    pub speed: f64,
    pub listen: Option<SocketAddr>,
    pub manners: Manners,
}

/// What stands between a caller and the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manners {
    /// Every answer comes so much later.
    pub latency_ms: u64,
    /// AWS's request rates are enforced.
    pub limits: bool,
    /// Every so many requests one is answered "slower".
    pub throttle_every: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearse {
    pub target: String,
    /// Empty asks for the usual ones.
    pub candidates: Vec<AskedSetting>,
    pub samples: Option<u32>,
    pub seed: u64,
    pub output: Output,
}

/// A setting as it is written, before it is known of what: a stream's `5` or `5x200`, a queue's `20` or
/// `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedSetting {
    /// Lanes, or the most runs at a time; `None` is no limit.
    pub width: Option<u32>,
    /// Where it is not today's.
    pub batch: Option<u32>,
}

impl std::fmt::Display for AskedSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.width {
            Some(n) => write!(f, "{n}")?,
            None => f.write_str("none")?,
        }
        self.batch.map_or(Ok(()), |batch| write!(f, "x{batch}"))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Headless {
    pub sandbox: Sandbox,
    /// Sandbox seconds to run; `None`, only with `listen`, is until it is told to stop.
    pub for_s: Option<u64>,
    pub output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posture {
    pub output: Output,
    /// Ask nothing about functions one by one.
    pub quick: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub goal: Goal,
    /// A queue, function, mapping or ARN.
    pub target: Option<String>,
    pub timeout_s: u64,
    pub interval_s: u64,
    pub output: Output,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// A function's name, without version or alias.
    pub function: String,
    pub since_s: u64,
    pub follow: bool,
    /// Only lines that hold this.
    pub grep: Option<String>,
    /// Lines whole, whatever the context redacts.
    pub reveal: bool,
    pub output: Output,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    Drained,
    Empty,
    Ok,
}

impl Goal {
    pub fn name(self) -> &'static str {
        match self {
            Goal::Drained => "drained",
            Goal::Empty => "empty",
            Goal::Ok => "ok",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tune {
    /// A mapping's id, or the name of a function that one mapping feeds.
    pub target: String,
    pub change: MappingChange,
    /// The function's reserved concurrency; `Some(None)` takes it away.
    pub reserve: Option<Option<u32>>,
    pub consent: Consent,
    pub reason: Option<String>,
    /// Seconds after which this process puts it back.
    pub revert_after_s: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Neither flag: the card is printed and the command ends with exit code 4.
    Missing,
    /// The card and nothing else.
    DryRun,
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Output {
    #[default]
    Table,
    Json,
    /// One JSON value a line.
    Ndjson,
}

/// One of the two policies of `assets/iam/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PolicyName {
    ReadOnly,
    Operator,
}

/// Parsing ended without a configuration: help, version, or a fault in what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    pub text: String,
    /// Help and version were asked for and go to stdout with exit code 0.
    pub asked: bool,
}

impl Stop {
    fn fault(text: impl Into<String>) -> Self {
        Stop { text: format!("error: {}\n", text.into()), asked: false }
    }
}

/// Looks a variable of the environment up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Config {
    /// From the program's arguments, its own name first.
    ///
    /// # Errors
    /// Help or version when asked for; otherwise what is wrong, with what would be right.
    pub fn parse(args: impl IntoIterator<Item = OsString>, env: Environment<'_>) -> Result<Self, Stop> {
        let cli = Cli::try_parse_from(args)
            .map_err(|error| Stop { asked: !error.use_stderr(), text: error.render().to_string() })?;
        validate::validate(cli, env)
    }

    /// The place another context names, for a console that is open.
    ///
    /// # Errors
    /// There is none of that name, or the file is broken.
    pub fn elsewhere(context: &str, env: Environment<'_>) -> Result<Place, Stop> {
        validate::elsewhere(context, env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn parse(line: &str) -> Result<Config, Stop> {
        Config::parse(line.split_whitespace().map(OsString::from), &|name| {
            (name == "HOME").then(|| OsString::from("/home/oncall"))
        })
    }

    #[test]
    fn the_sandbox_opens_with_night_shift() {
        let config = parse("redrive sandbox").expect("valid");
        let sandbox = Sandbox {
            scenario: "night-shift".to_owned(),
            seed: None,
            speed: 1.0,
            listen: None,
            manners: Manners::default(),
        };
        assert_eq!(config.action, Action::Sandbox(sandbox));
    }

    #[test]
    fn headless_runs_for_a_time_or_listens() {
        let config = parse("redrive sandbox --headless --for 10m --seed 7 -o json").expect("valid");
        let Action::Headless(headless) = config.action else { panic!("headless") };
        assert_eq!((headless.for_s, headless.sandbox.seed, headless.output), (Some(600), Some(7), Output::Json));
        assert!(parse("redrive sandbox --headless --listen 127.0.0.1:4566").is_ok());
        for bad in [
            "redrive sandbox --headless",
            "redrive sandbox --for 10m",
            "redrive sandbox --listen 0.0.0.0:4566",
            "redrive sandbox --speed 0",
            "redrive sandbox --speed 0.5",
            "redrive sandbox --speed nan",
            "redrive sandbox --headless --for 10x",
            "redrive sandbox --region eu-west-1",
        ] {
            let stop = parse(bad).expect_err(bad);
            assert!(!stop.asked && stop.text.starts_with("error:"), "{bad}: {}", stop.text);
        }
    }

    #[test]
    fn a_tune_says_what_to_change() {
        let config =
            parse("redrive tune LogWorker --parallelization-factor 5 --window 10s --max-concurrency none --yes")
                .expect("valid");
        let Action::Tune(tune) = config.action else { panic!("tune") };
        assert_eq!(tune.consent, Consent::Yes);
        let change = MappingChange {
            parallelization_factor: Some(5),
            window_s: Some(10),
            max_concurrency: Some(None),
            ..MappingChange::default()
        };
        assert_eq!(tune.change, change);
        assert_eq!(tune.revert_after_s, None);
        for (text, reserve) in [("20", Some(Some(20))), ("0", Some(Some(0))), ("none", Some(None))] {
            let config = parse(&format!("redrive tune LogWorker --reserved-concurrency {text}")).expect("valid");
            let Action::Tune(tune) = config.action else { panic!("tune") };
            assert_eq!((tune.reserve, tune.change.is_empty()), (reserve, true));
        }
        let wrong = parse("redrive tune LogWorker --reserved-concurrency off");
        assert!(wrong.is_err_and(|stop| stop.text.contains("neither a whole number nor none")));
        let soon = parse("redrive tune LogWorker --batch-size 5 --revert-after 14m");
        assert!(soon.is_err_and(|stop| stop.text.contains("15m or more")));
        assert!(parse("redrive tune LogWorker").is_err(), "nothing to change");
        assert!(parse("redrive tune LogWorker --stop --start").is_err());
        assert!(parse("redrive tune LogWorker --batch-size 5 --yes --dry-run").is_err());
    }

    #[test]
    fn a_redrive_names_ids_or_all() {
        let config = parse("redrive dlq redrive JobDLQ --id a --id b --rate off").expect("valid");
        let Action::Redrive(redrive) = config.action else { panic!("redrive") };
        assert_eq!(redrive.what, Which::Ids(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!((redrive.rate, redrive.consent), (Rate::Off, Consent::Missing));
        let config = parse("redrive dlq redrive JobDLQ --limit 5 --canary 1,10 --no-mark --lanes 2").expect("valid");
        let Action::Redrive(redrive) = config.action else { panic!("redrive") };
        assert_eq!((redrive.what, redrive.rate), (Which::Found { limit: Some(5) }, Rate::Derived));
        assert_eq!((redrive.canary, redrive.mark, redrive.lanes), (Canary::Rungs(vec![1, 10]), false, Some(2)));
        for bad in ["--limit 0", "--lanes 17", "--canary 0", "--canary 1 --no-canary", "--all --limit 5"] {
            assert!(parse(&format!("redrive dlq redrive JobDLQ {bad}")).is_err(), "{bad}");
        }
        assert!(parse("redrive dlq redrive JobDLQ --all --id a").is_err());
        assert!(parse("redrive dlq redrive JobDLQ --all --rate 501").is_err(), "a move task takes at most 500");
    }

    #[test]
    fn a_trial_names_a_message_or_takes_the_first() {
        let config = parse("redrive dlq try JobDLQ --id m-1 --yes -o json").expect("valid");
        let Action::Try(asked) = config.action else { panic!("try") };
        assert_eq!((asked.id.as_deref(), asked.consent, asked.output), (Some("m-1"), Consent::Yes, Output::Json));
        let Action::Try(asked) = parse("redrive dlq try JobDLQ").expect("valid").action else { panic!("try") };
        assert_eq!((asked.id, asked.consent), (None, Consent::Missing));
        assert!(parse("redrive dlq try").is_err());
    }

    #[test]
    fn a_rescue_shows_saves_or_replays() {
        let line =
            "redrive dlq rescue LogFailures --id b --id a --id b --save /nowhere/records.ndjson --replay --dry-run";
        let Action::Rescue(asked) = parse(line).expect("valid").action else { panic!("rescue") };
        assert_eq!(asked.ids, ["a", "b"]);
        assert!(asked.replay && asked.save.is_some() && asked.consent == Consent::DryRun);
        assert!(parse("redrive dlq rescue LogFailures --max 0").is_err());
        assert!(parse("redrive dlq rescue LogFailures --save /dev/null").is_err(), "it is there already");
    }

    #[test]
    fn a_stack_and_a_prefix_exclude_each_other() {
        let config = parse("redrive status --stack shop").expect("valid");
        assert_eq!(config.place.scope, Scope::Stack("shop".to_owned()));
        assert!(parse("redrive status --stack shop --prefix shop-").is_err());
    }

    #[test]
    fn help_and_version_are_asked_for_and_a_wrong_flag_is_not() {
        for asked in ["redrive --help", "redrive --version", "redrive dlq redrive --help"] {
            assert!(parse(asked).expect_err(asked).asked, "{asked}");
        }
        let stop = parse("redrive --regoin x").expect_err("misspelt");
        assert!(!stop.asked && stop.text.contains("--region"), "did you mean: {}", stop.text);
    }

    #[test]
    fn only_a_loopback_endpoint_without_credentials_gets_made_up_ones() {
        let local = "redrive status --endpoint-url http://127.0.0.1:4566";
        assert!(parse(local).expect("valid").place.test_credentials);
        assert!(!parse(&format!("{local} --profile p")).expect("valid").place.test_credentials);
        for elsewhere in ["https://example.com", "http://localhost.example.com", "http://10.127.0.1"] {
            let config = parse(&format!("redrive status --endpoint-url {elsewhere}")).expect("valid");
            assert!(!config.place.test_credentials, "{elsewhere}");
        }
        assert!(parse("redrive status --endpoint-url http://[::1]:4566/").expect("valid").place.test_credentials);
        let with_key = Config::parse(local.split(' ').map(OsString::from), &|name| {
            matches!(name, "HOME" | "AWS_ACCESS_KEY_ID").then(|| OsString::from("x"))
        });
        assert!(!with_key.expect("valid").place.test_credentials);
    }
}
