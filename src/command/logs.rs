//! `logs`: what a function's log says, once or as it goes on. Reading a log changes nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::aws::Account;
use crate::command::failure::Failure;
use crate::command::look::now;
use crate::command::{Here, print, say, style};
use crate::config::{Logs, exit};
use crate::model::id::FunctionName;
use crate::model::log::{LogAsk, LogLine, LogReading, default_group};
use crate::model::redaction::Redaction;
use crate::model::service_error::ServiceError;
use crate::model::size::bytes;
use crate::model::time::Timestamp;
use crate::operation::progress::plural;
use crate::report::log::{Line, Log, followed};
use crate::report::{self, Style};
use crate::shell;
use crate::verdict::log::looks_like_trouble;

/// Between two readings while following: the quota of a few requests a second is the account's.
const EVERY: Duration = Duration::from_secs(5);
/// Lines arrive late and out of order.
const OVERLAP_MS: i64 = 15_000;
/// How far a reading has come is said so often.
const PROGRESS: Duration = Duration::from_secs(1);

pub async fn run(here: &Here, asked: Logs) -> Result<u8, Failure> {
    let account = Account::connect(here.connect_options()).await?;
    // The account's time comes with its answers; this one is asked to learn it.
    account.identity().await?;
    let function = FunctionName::from(asked.function.as_str());
    let to = now(&account);
    let since_s = i64::try_from(asked.since_s).unwrap_or(i64::MAX);
    let ask = LogAsk { group: default_group(&function), from: to.plus_s(-since_s), to, grep: asked.grep.clone() };
    let reading = tokio::select! {
        reading = first(&account, &function, ask) => reading?,
        never = tell_progress(&account) => match never {},
        () = shell::asked_to_stop() => {
            say("redrive: stopped before the log was read");
            return Ok(exit::PARTLY);
        }
    };
    let redaction = here.redaction(asked.reveal);
    if asked.follow {
        return follow(&account, &asked, reading, redaction).await;
    }
    let log = Log::new(function.as_str(), &reading, asked.grep.is_some(), redaction);
    print(&report::one(style(asked.output), &log, report::log::text))?;
    tell_cost(&reading);
    Ok(if reading.is_cut() { exit::PARTLY } else { exit::FINE })
}

/// The window that was asked for. A function that has not written yet has no group and no lines.
async fn first(account: &Account, function: &FunctionName, ask: LogAsk) -> Result<LogReading, Failure> {
    let empty = LogReading {
        group: ask.group.clone(),
        from: ask.from,
        to: ask.to,
        complete_from: ask.from,
        ..LogReading::default()
    };
    match account.log_of(function, ask).await {
        Ok(reading) => Ok(reading),
        Err(error) if error.is_missing() && error.action.starts_with("lambda:") => {
            Err(Failure::Usage(format!("there is no function {function} here; `redrive topology` names them")))
        }
        Err(error) if error.is_missing() => {
            say(&format!(
                "redrive: there is no log group {}: {function} has not run, or its log was deleted",
                empty.group
            ));
            Ok(empty)
        }
        Err(error) => Err(denied(error)),
    }
}

fn denied(error: ServiceError) -> Failure {
    if error.is_denied() {
        return Failure::Unreachable(format!("{error}; `redrive doctor` prints the policy that allows it"));
    }
    error.into()
}

/// For a person who waits; whatever else reads standard error hears of the end alone.
async fn tell_progress(account: &Account) -> Infallible {
    let terminal = std::io::stderr().is_terminal();
    loop {
        tokio::time::sleep(PROGRESS).await;
        if terminal {
            let read = bytes(account.usage().log_bytes);
            let _ = write!(std::io::stderr().lock(), "\rredrive: reading, {read} so far; ctrl-c stops\x1b[K\r");
        }
    }
}

/// Prints lines as they come, until it is told to stop.
async fn follow(account: &Account, asked: &Logs, first: LogReading, redaction: &Redaction) -> Result<u8, Failure> {
    tell_cost(&first);
    let mut told = Told { seen: BTreeMap::new(), grep: asked.grep.is_some(), style: style(asked.output), redaction };
    told.tell(&first.lines)?;
    let (group, mut last) = (first.group, first.to);
    let (mut requests, mut read) = (first.requests, first.bytes);
    let mut stop = std::pin::pin!(shell::asked_to_stop());
    loop {
        tokio::select! {
            () = &mut stop => break,
            () = tokio::time::sleep(EVERY) => {}
        }
        let to = now(account).max(last);
        let ask = LogAsk { group: group.clone(), from: last.plus_ms(-OVERLAP_MS), to, grep: asked.grep.clone() };
        let reading = tokio::select! {
            () = &mut stop => break,
            reading = account.log(&ask) => reading,
        };
        match reading {
            Ok(reading) => {
                (requests, read, last) = (requests + reading.requests, read + reading.bytes, to);
                if reading.is_cut() {
                    say(&format!(
                        "redrive: too much at once: nothing before {} was read",
                        reading.complete_from.clock_s()
                    ));
                }
                told.tell(&reading.lines)?;
            }
            // The group comes with the first line.
            Err(error) if error.is_missing() => {}
            Err(error) if error.is_throttle() || error.http >= 500 || error.http == 0 => {
                say(&format!("redrive: {error}; going on"));
            }
            Err(error) => return Err(denied(error)),
        }
    }
    say(&format!("redrive: {}, {} read", plural(requests.into(), "request", "requests"), bytes(read)));
    Ok(exit::FINE)
}

/// What was already printed, and how to print more.
struct Told<'a> {
    /// Ids of the lines that another reading may bring again, and when they were written.
    seen: BTreeMap<String, Timestamp>,
    /// Every line was asked for by its text; else only trouble is told.
    grep: bool,
    style: Style,
    redaction: &'a Redaction,
}

impl Told<'_> {
    fn tell(&mut self, lines: &[LogLine]) -> Result<(), Failure> {
        for line in lines {
            let known = self.seen.insert(line.id.clone(), line.at).is_some();
            if known || !(self.grep || looks_like_trouble(&line.text)) {
                continue;
            }
            let shown = Line::new(line, self.redaction);
            match self.style {
                Style::Table => print(&followed(&shown))?,
                // A document that never ends is lines.
                Style::Json | Style::Lines => print(&report::one(Style::Lines, &shown, |_| String::new()))?,
            }
        }
        if let Some(newest) = lines.iter().map(|line| line.at).max() {
            self.seen.retain(|_, at| newest.ms_since(*at) <= 4 * OVERLAP_MS);
        }
        Ok(())
    }
}

fn tell_cost(reading: &LogReading) {
    let part = if reading.is_cut() {
        format!("; too much: complete only from {}", reading.complete_from.clock_s())
    } else if reading.filtered {
        "; busy: only lines that look like trouble, and a sample of the reports".to_owned()
    } else {
        String::new()
    };
    let requests = plural(reading.requests.into(), "request", "requests");
    say(&format!("redrive: {}: {requests}, {} read{part}", reading.group, bytes(reading.bytes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(s: i64, text: &str) -> LogLine {
        LogLine { at: Timestamp::from_s(s), stream: "s".to_owned(), id: format!("{s}"), text: text.to_owned() }
    }

    #[test]
    fn a_line_is_told_once_and_its_id_forgotten_when_it_cannot_come_again() {
        let mut told = Told {
            seen: BTreeMap::new(),
            grep: false,
            style: Style::Lines,
            redaction: &crate::model::redaction::NOTHING,
        };
        let first: Vec<LogLine> = (0..100).map(|s| line(s, "quiet")).collect();
        told.tell(&first).expect("nothing to print");
        assert_eq!(told.seen.len(), 61, "of the last minute");
        told.tell(&first[60..]).expect("nothing to print");
        assert_eq!(told.seen.len(), 61);
    }
}
