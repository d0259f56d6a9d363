//! From flags that parse to a configuration that makes sense.

mod context;
mod letter;
mod logs;
mod place;
mod redrive;
mod requests;
mod rescue;
mod try_one;
mod tune;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::config::flags::context::ContextCommand;
use crate::config::flags::journal::JournalCommand;
use crate::config::flags::{Cli, Command, ConsentFlags, DlqCommand, PlaceFlags, RescueCommand, SandboxFlags};
use crate::config::{
    Action, Config, Consent, Console, ContextFile, DeadLetters, Doctor, Environment, Headless, Place, Posture,
    Rehearse, Sandbox, Stop, Writes, manual,
};

pub(super) fn validate(cli: Cli, env: Environment<'_>) -> Result<Config, Stop> {
    let no_color = cli.place.no_color || env("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut flags = cli.place;
    let mut config_error = None;
    let contexts = match &cli.command {
        // An account of its own, which a broken file is no reason to refuse; keys are the hands'.
        Some(Command::Sandbox(_)) => ContextFile {
            keys: place::contexts(env).map(|file| file.keys).unwrap_or_default(),
            ..ContextFile::default()
        },
        // Texts about no account.
        Some(Command::Completions { .. } | Command::Man) => ContextFile::default(),
        // What is wrong in the file is one of the things a doctor says.
        Some(Command::Doctor(_)) => place::named(env, false).unwrap_or_else(|stop| {
            config_error = Some(stop.text.trim().trim_start_matches("error: ").to_owned());
            ContextFile::default()
        }),
        _ => place::named(env, matches!(cli.command, Some(Command::Context(_))))?,
    };
    if let Some(Command::Context(ContextCommand::Show { name: Some(name), .. })) = &cli.command {
        flags.context = Some(name.clone());
    }
    let place = match &cli.command {
        Some(Command::Sandbox(_)) => Place::default(),
        // The ways to mend a choice that names nothing.
        Some(Command::Context(ContextCommand::List(_) | ContextCommand::Use { .. } | ContextCommand::Init(_))) => {
            Place::default()
        }
        _ => place::place(&flags, env, &contexts)?,
    };
    if cli.command.is_some() {
        let stray = cli.target.as_deref().or(cli.write.then_some("--write"));
        if let Some(stray) = stray.or(cli.read_only.then_some("--read-only")) {
            return Err(Stop::fault(format!("{stray} is for the console and goes with no command")));
        }
    }
    let action = match cli.command {
        None => Action::Console(Console { target: cli.target, writes: writes(cli.write, cli.read_only, &place)? }),
        Some(Command::Sandbox(asked)) => sandbox(asked, &flags)?,
        Some(Command::Context(command)) => context::validate(command, &flags, &contexts)?,
        Some(Command::Doctor(asked)) => {
            Action::Doctor(Doctor { policy: asked.policy, output: asked.output.output, config_error })
        }
        Some(Command::Status(flags)) => Action::Status(flags.output),
        Some(Command::Topology(flags)) => Action::Topology(flags.output),
        Some(Command::Consumers(flags)) => Action::Consumers(flags.output),
        Some(Command::Queues(flags)) => Action::Queues(flags.output),
        Some(Command::Posture(flags)) => Action::Posture(Posture { output: flags.output, quick: flags.quick }),
        Some(Command::Watch(flags)) => watch::watch(flags)?,
        Some(Command::Logs(flags)) => logs::logs(flags)?,
        Some(Command::Tune(flags)) => tune::tune(flags)?,
        Some(Command::Rehearse(flags)) => Action::Rehearse(Rehearse {
            target: flags.target,
            candidates: flags.candidates,
            samples: flags.samples,
            seed: flags.seed,
            output: flags.output.output,
        }),
        Some(Command::Dlq(command)) => dlq(command)?,
        Some(Command::Rescue(RescueCommand::Requests(flags))) => requests::requests(flags)?,
        Some(Command::Journal(command)) => journal(command),
        Some(Command::Schema { name }) => {
            let name = name.and_then(|name| clap::ValueEnum::to_possible_value(&name));
            Action::Schema(name.map(|name| name.get_name().to_owned()))
        }
        Some(Command::Completions { shell }) => Action::Completions(manual::completions(shell)),
        Some(Command::Man) => Action::Manual(manual::page().map_err(|error| Stop::fault(error.to_string()))?),
    };
    Ok(Config { place, contexts, no_color, state_dir: state_dir(env)?, action })
}

fn writes(write: bool, read_only: bool, place: &Place) -> Result<Writes, Stop> {
    let context = &place.context;
    match (write, read_only || context.read_only) {
        (true, true) => Err(Stop::fault(format!(
            "--write: the context {} is read_only in config.toml, and nothing here lifts that",
            context.name
        ))),
        (_, true) => Ok(Writes::Never),
        (true, _) => Ok(Writes::Armed),
        _ => Ok(Writes::Armable),
    }
}

/// Where a console that is open shall go: as if it had been started with that context, and no flags.
pub(super) fn elsewhere(name: &str, env: Environment<'_>) -> Result<Place, Stop> {
    let flags = PlaceFlags { context: Some(name.to_owned()), ..PlaceFlags::default() };
    place::place(&flags, env, &place::contexts(env)?)
}

fn sandbox(flags: SandboxFlags, place: &PlaceFlags) -> Result<Action, Stop> {
    if flags.list {
        return Ok(Action::Scenarios);
    }
    let elsewhere = [
        ("--context", &place.context),
        ("--region", &place.region),
        ("--profile", &place.profile),
        ("--endpoint-url", &place.endpoint_url),
    ];
    if let Some((flag, _)) = elsewhere.iter().find(|(_, value)| value.is_some()) {
        return Err(Stop::fault(format!("{flag} does not go with sandbox, which is an account of its own")));
    }
    if !(MIN_SPEED..=MAX_SPEED).contains(&flags.speed) {
        return Err(Stop::fault(format!("--speed {} is not between {MIN_SPEED} and {MAX_SPEED}", flags.speed)));
    }
    let listen = flags.listen.as_deref().map(loopback).transpose()?;
    let manners = flags.manners.manners();
    let sandbox = Sandbox { scenario: flags.scenario, seed: flags.seed, speed: flags.speed, listen, manners };
    if !flags.headless {
        return Ok(Action::Sandbox(sandbox));
    }
    if flags.for_s.is_none() && listen.is_none() {
        return Err(Stop::fault("--headless needs an end, --for 10m, or a --listen address to serve"));
    }
    Ok(Action::Headless(Headless { sandbox, for_s: flags.for_s, output: flags.output }))
}

/// The listener has no authentication, so it is for this machine only.
fn loopback(text: &str) -> Result<SocketAddr, Stop> {
    let address = text.replacen("localhost", "127.0.0.1", 1).parse::<SocketAddr>();
    match address {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(address) => Err(Stop::fault(format!("--listen {address} is not a loopback address; use 127.0.0.1:4566"))),
        Err(_) => Err(Stop::fault(format!("--listen {text:?} is no address; use 127.0.0.1:4566"))),
    }
}

fn dlq(command: DlqCommand) -> Result<Action, Stop> {
    match command {
        DlqCommand::List { queue: None, output, .. } => Ok(Action::DeadLetterQueues(output.output)),
        DlqCommand::List { queue: Some(queue), expression, limit, max, reveal, output, consent: flags } => {
            if max == 0 {
                return Err(Stop::fault("--max 0 looks at nothing"));
            }
            let pick = letter::pick(expression, Vec::new(), limit)?;
            Ok(Action::DeadLetters(DeadLetters {
                queue,
                pick,
                max,
                reveal,
                output: output.output,
                consent: consent(&flags),
            }))
        }
        DlqCommand::Rescue(flags) => rescue::rescue(flags),
        DlqCommand::Try(flags) => try_one::try_one(flags),
        DlqCommand::Show(flags) => letter::show(flags),
        DlqCommand::Export(flags) => letter::export(flags),
        DlqCommand::Drop(flags) => letter::drop(flags),
        DlqCommand::Restore(flags) => letter::restore(flags),
        DlqCommand::Redrive(flags) => redrive::redrive(flags),
    }
}

fn journal(command: JournalCommand) -> Action {
    match command {
        JournalCommand::List(flags) => Action::Journal(flags.output),
        JournalCommand::Show { operation, reveal, output } => {
            Action::JournalShow { operation, reveal, output: output.output }
        }
        JournalCommand::Undo { operation, consent: flags } => {
            Action::JournalUndo { operation, consent: consent(&flags) }
        }
        JournalCommand::Resume { operation, output, consent: flags } => {
            Action::JournalResume { operation, output: output.output, consent: consent(&flags) }
        }
        JournalCommand::Export { operation, output } => Action::JournalExport { operation, output: output.output },
    }
}

pub(super) fn consent(flags: &ConsentFlags) -> Consent {
    match (flags.yes, flags.dry_run) {
        (true, _) => Consent::Yes,
        (_, true) => Consent::DryRun,
        _ => Consent::Missing,
    }
}

fn state_dir(env: Environment<'_>) -> Result<PathBuf, Stop> {
    if let Some(dir) = env("REDRIVE_STATE_DIR").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir));
    }
    let strategy = etcetera::choose_base_strategy()
        .map_err(|_| Stop::fault("no home directory: say where to keep state with REDRIVE_STATE_DIR"))?;
    Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("redrive"))
}

/// Slower than the account is no sandbox to wait for, faster is no longer paced.
const MIN_SPEED: f64 = 1.0;
const MAX_SPEED: f64 = 600.0;
