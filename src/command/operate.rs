//! Runs one confirmed operation to its end without a screen: progress on standard error, ctrl-c once
//! cancels it in order, a second time leaves it.

use std::io::{self, IsTerminal, Write};

use tokio::sync::mpsc::unbounded_channel;

use crate::command::failure::Failure;
use crate::command::look::Look;
use crate::command::pile::Pile;
use crate::command::{Here, say};
use crate::config::exit;
use crate::driver::clock::Clock;
use crate::journal::Journal;
use crate::model::id::OperationId;
use crate::model::time::{Timestamp, spoken};
use crate::operation::order::EndState;
use crate::operation::progress::{Cause, Progress, Report};
use crate::operation::{Command, Owner, Undertaking};
use crate::report::table::clean;
use crate::runner::{self, Split};
use crate::shell;

/// What came of it, and what a scan found.
pub struct Finished {
    pub report: Report,
    pub found: Pile,
    /// Somebody asked it to stop: whatever was to come after it is not wanted either.
    pub stopped: bool,
}

impl Finished {
    /// Done, done in part, refused by a rule, or kept from it by the service.
    pub fn code(&self) -> u8 {
        match self.report.state() {
            EndState::Done => exit::FINE,
            EndState::Failed => match self.report.cause() {
                Some(Cause::Denied | Cause::Unreachable | Cause::Journal) => exit::UNREACHABLE,
                Some(Cause::Refused | Cause::Bounced) | None => exit::REFUSED,
            },
            EndState::Partly | EndState::Cancelled => exit::PARTLY,
        }
    }
}

pub async fn operate(here: &Here, look: &Look, undertaking: Undertaking) -> Result<Finished, Failure> {
    operate_as(here, look, undertaking, shell::operation_id()).await
}

/// Under an id it has already: a resume.
pub async fn operate_as(
    here: &Here,
    look: &Look,
    undertaking: Undertaking,
    operation: OperationId,
) -> Result<Finished, Failure> {
    let journal = here.journal()?;
    let kept = journal.clone();
    let finished = run(journal, look, undertaking, operation.clone()).await;
    // Whatever is still open of it may be taken up by the next.
    kept.let_go(&operation);
    finished
}

async fn run(
    journal: Journal,
    look: &Look,
    undertaking: Undertaking,
    operation: OperationId,
) -> Result<Finished, Failure> {
    let identity = look.picture.identity.as_ref().map(|identity| identity.value.clone()).unwrap_or_default();
    let owner = Owner {
        operation: operation.clone(),
        who: identity.arn,
        account: identity.account,
        region: look.account.region().to_owned(),
    };
    // As far as the account's clock is from this machine's: what is kept is the account's time, and a
    // machine that began in the future would wait for it.
    let clock = Clock::aws();
    clock.set_skew_ms(*look.account.ahead_ms().borrow());
    let machine = undertaking.begin(owner, shell::seed_of(&operation), clock.account_now());
    let performer = Split { calls: look.account.clone(), journal, clock: shell::Pace(clock.clone()) };
    let (commands, orders) = unbounded_channel();
    let (outbox, mut inbox) = unbounded_channel::<Progress>();
    let mut run = tokio::spawn(runner::run(machine, performer, orders, move |progress| {
        let _ = outbox.send(progress);
    }));
    let mut seen = Seen { told: clock.account_now(), clock, found: Pile::default(), report: None, width: 0 };
    let mut asked = false;
    let mut stop = std::pin::pin!(shell::asked_to_stop());
    loop {
        tokio::select! {
            biased;
            Some(progress) = inbox.recv() => seen.take(progress),
            ended = &mut run => {
                while let Ok(progress) = inbox.try_recv() {
                    seen.take(progress);
                }
                return seen.end(asked, ended.err().map(|error| error.to_string()));
            }
            () = &mut stop, if !asked => {
                say("redrive: cancelling: what is held is given back; ctrl-c again leaves at once");
                asked = true;
                let _ = commands.send(Command::Cancel);
            }
            // A closed window says so more than once: only a person cuts the giving back short.
            _ = tokio::signal::ctrl_c(), if asked => {
                return Err(Failure::Stopped(left(&operation)));
            }
        }
    }
}

/// What was held is not given back, and the journal does not know the end.
fn left(operation: &OperationId) -> String {
    format!(
        "left: what was held shows again within a minute; `redrive journal resume {operation}` finishes it, \
         `redrive journal show {operation}` says how far it came"
    )
}

/// How often a file, or a build's log, is told how far it came.
const TOLD_EVERY_MS: i64 = 60_000;

struct Seen {
    found: Pile,
    report: Option<Report>,
    /// Columns of the line that stands on the terminal.
    width: usize,
    clock: Clock,
    told: Timestamp,
}

impl Seen {
    fn take(&mut self, mut progress: Progress) {
        progress.found.drain(..).for_each(|message| self.found.push(message));
        self.show(&progress);
        if progress.report.is_some() {
            self.report = progress.report;
        }
    }

    /// One line that overwrites itself on a terminal; a line a minute where standard error is a file.
    fn show(&mut self, progress: &Progress) {
        let mut err = io::stderr().lock();
        let eta = progress.eta_ms.map(|ms| format!(", about {} left", spoken(ms))).unwrap_or_default();
        let line = clean(&format!("{}{eta}", progress.line));
        if !err.is_terminal() {
            let now = self.clock.account_now();
            if now.ms_since(self.told) >= TOLD_EVERY_MS && progress.report.is_none() {
                let _ = writeln!(err, "redrive: {line}");
                self.told = now;
            }
            return;
        }
        let columns = shell::terminal_size().map_or(80, |(columns, _)| usize::from(columns.saturating_sub(1)));
        // What is wider than the terminal would wrap, and could not be overwritten.
        let line: String = line.chars().take(columns).collect();
        let _ = write!(err, "\r{line:<width$}", width = self.width);
        let _ = err.flush();
        self.width = line.chars().count();
    }

    fn end(self, stopped: bool, broke: Option<String>) -> Result<Finished, Failure> {
        if self.width > 0 {
            say("");
        }
        match (self.report, broke) {
            (Some(report), _) => {
                say(&format!("redrive: {}", report.line()));
                Ok(Finished { report, found: self.found, stopped })
            }
            (None, why) => Err(Failure::Unreachable(why.unwrap_or_else(|| "it ended without a report".to_owned()))),
        }
    }
}
