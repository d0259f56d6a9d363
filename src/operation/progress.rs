//! How far an operation has come and what came of it, as data a screen, a table and JSON can show.

mod letter;
mod redrive;
mod rerun;
mod rescue;
mod trial;
mod unwritten;

use serde::Serialize;

use crate::model::id::{OperationId, TaskHandle};
use crate::model::mapping::Mapping;
use crate::model::message::Message;
use crate::model::move_task::MoveTaskStatus;
use crate::model::time::Timestamp;
use crate::operation::order::EndState;

pub use crate::operation::progress::letter::{DropReport, RestoreReport};
pub use crate::operation::progress::redrive::{Cause, RedriveReport};
pub use crate::operation::progress::rerun::RerunReport;
pub use crate::operation::progress::rescue::RescueReport;
pub use crate::operation::progress::trial::TrialReport;
pub(in crate::operation) use crate::operation::progress::unwritten::unwritten;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Scan,
    Redrive,
    MoveAll,
    Retune,
    Trial,
    Rescue,
    Rerun,
    Drop,
    Restore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Confirmed; its first line is on its way into the journal.
    Starting,
    Running,
    Paused,
    /// A retune that is done and put back later, unless somebody says that it stays.
    Holding,
    /// Giving back what is held and waiting for what is under way.
    Ending,
    Finished,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    pub operation: OperationId,
    pub kind: Kind,
    pub phase: Phase,
    /// One line: `1,000 of ~50,000 scanned`.
    pub line: String,
    pub done: u64,
    pub failed: u64,
    /// What is still to do, where that is known.
    pub left: Option<u64>,
    /// Of that: done as far as is on record or was answered, and looked for once more to be sure.
    pub unsure: u64,
    /// Messages a second, measured since it goes without pause: after a ladder, or since it was taken up.
    pub rate_per_s: Option<f64>,
    /// Of a redrive: what it may send at most.
    pub limit: Option<Limit>,
    /// Milliseconds until done at this rate, with what a ladder waits.
    pub eta_ms: Option<i64>,
    /// Where a ladder is: `rung 2 of 4, watched for bounces until 03:14:15Z`.
    pub rung: Option<String>,
    /// Messages this operation keeps hidden from others now …
    pub held: u64,
    /// … and when the last of them shows again by itself.
    pub held_until: Option<Timestamp>,
    /// Messages newly copied into the snapshot by a scan; their receipts are soon void.
    pub found: Vec<Message>,
    /// Present once, in the last progress.
    pub report: Option<Report>,
}

impl Progress {
    /// Nothing held, nothing failed, nothing known of the rest.
    pub fn new(operation: OperationId, kind: Kind, phase: Phase, line: String, done: u64) -> Self {
        Progress {
            operation,
            kind,
            phase,
            line,
            done,
            failed: 0,
            left: None,
            unsure: 0,
            rate_per_s: None,
            limit: None,
            eta_ms: None,
            rung: None,
            held: 0,
            held_until: None,
            found: Vec::new(),
            report: None,
        }
    }
}

/// The rate of a redrive while it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Messages a second; `None` is unlimited.
    pub per_s: Option<f64>,
    pub by: SaidBy,
    /// It is lowered by itself where those it sends to suffer.
    pub gives_way: bool,
}

/// Who named a rate last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    Plan,
    /// Somebody, while it ran.
    Person,
    /// Nobody: it was halved.
    GaveWay,
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Report {
    Scan(ScanReport),
    Redrive(RedriveReport),
    MoveAll(MoveAllReport),
    Retune(RetuneReport),
    Trial(TrialReport),
    Rescue(RescueReport),
    Rerun(RerunReport),
    Drop(DropReport),
    Restore(RestoreReport),
}

impl Report {
    pub fn state(&self) -> EndState {
        match self {
            Report::Scan(report) => report.state,
            Report::Redrive(report) => report.state,
            Report::MoveAll(report) => report.state,
            Report::Retune(report) => report.state,
            Report::Trial(report) => report.state,
            Report::Rescue(report) => report.state,
            Report::Rerun(report) => report.state,
            Report::Drop(report) => report.state,
            Report::Restore(report) => report.state,
        }
    }

    /// What went wrong with the whole of it.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Report::Scan(report) => report.problem.as_deref(),
            Report::Redrive(report) => report.problem.as_deref(),
            Report::MoveAll(report) => report.problem.as_deref(),
            Report::Retune(report) => report.problem.as_deref(),
            Report::Trial(report) => report.problem.as_deref(),
            Report::Rescue(report) => report.problem.as_deref(),
            Report::Rerun(report) => report.problem.as_deref(),
            Report::Drop(report) => report.problem.as_deref(),
            Report::Restore(report) => report.problem.as_deref(),
        }
    }

    /// What sort of thing that was.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Report::Scan(report) => report.cause,
            Report::Redrive(report) => report.cause,
            Report::MoveAll(report) => report.cause,
            Report::Retune(report) => report.cause,
            Report::Trial(report) => report.cause,
            Report::Rescue(report) => report.cause,
            Report::Rerun(report) => report.cause,
            Report::Drop(report) => report.cause,
            Report::Restore(report) => report.cause,
        }
    }

    /// One line for the journal and a toast.
    pub fn line(&self) -> String {
        match self {
            Report::Scan(report) => report.line(),
            Report::Redrive(report) => report.line(),
            Report::MoveAll(report) => report.line(),
            Report::Retune(report) => report.line(),
            Report::Trial(report) => report.line(),
            Report::Rescue(report) => report.line(),
            Report::Rerun(report) => report.line(),
            Report::Drop(report) => report.line(),
            Report::Restore(report) => report.line(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanReport {
    pub operation: OperationId,
    pub state: EndState,
    pub scanned: u64,
    /// About how many the queue held when the scan began, when it could be asked.
    pub about: Option<u64>,
    /// True when the queue was seen empty behind what was scanned: nothing visible was left out.
    pub complete: bool,
    pub at: Timestamp,
    /// Receives it took.
    pub requests: u64,
    /// Messages that could not be given back and show again by themselves, and when.
    pub hidden: u64,
    pub hidden_until: Option<Timestamp>,
    /// What went wrong, in one line.
    pub problem: Option<String>,
    pub cause: Option<Cause>,
}

impl ScanReport {
    /// `1,000 of ~50,000 scanned at 03:12Z`
    pub fn line(&self) -> String {
        let of = match self.about {
            Some(about) if !self.complete && about > self.scanned => format!(" of ~{}", grouped(about)),
            _ => String::new(),
        };
        let problem = self.problem.as_ref().map(|problem| format!("; {problem}")).unwrap_or_default();
        format!("{}{of} scanned at {}{problem}", grouped(self.scanned), self.at.clock())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MoveAllReport {
    pub operation: OperationId,
    pub state: EndState,
    /// Approximate; SQS's counter lags by seconds.
    pub moved: u64,
    pub to_move: Option<u64>,
    /// The task's last status seen; `None` when none was.
    #[serde(skip)]
    pub status: Option<MoveTaskStatus>,
    #[serde(skip)]
    pub handle: Option<TaskHandle>,
    pub problem: Option<String>,
    pub cause: Option<Cause>,
    pub took_ms: i64,
}

impl MoveAllReport {
    pub fn line(&self) -> String {
        let of = self.to_move.map(|n| format!(" of ~{}", grouped(n))).unwrap_or_default();
        let problem = self.problem.as_ref().map(|problem| format!("; {problem}")).unwrap_or_default();
        let how = match self.state {
            EndState::Done => "moved by a move task",
            EndState::Cancelled => "moved before the task was cancelled",
            EndState::Partly | EndState::Failed => "moved",
        };
        format!("~{}{of} {how}{problem}", grouped(self.moved))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetuneReport {
    pub operation: OperationId,
    pub state: EndState,
    /// When `GetEventSourceMapping` showed the new settings, settled. They may take effect later
    /// (aws-facts §1.3): metrics tell.
    pub settled_at: Option<Timestamp>,
    /// The mapping as last seen.
    #[serde(skip)]
    pub mapping: Option<Mapping>,
    /// `parallel 1→5`
    pub what: String,
    /// It was put back, as it was to be.
    pub put_back: bool,
    pub problem: Option<String>,
    pub cause: Option<Cause>,
}

impl RetuneReport {
    pub fn line(&self) -> String {
        match (&self.problem, self.settled_at) {
            (Some(problem), _) => format!("{}: {problem}", self.what),
            (None, Some(at)) => format!("{}, settled at {}", self.what, at.clock_s()),
            (None, None) => self.what.clone(),
        }
    }
}

/// `1 record`, `1,204 records`.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// `50,000`
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let said: Vec<String> = [0, 999, 1_000, 50_000, 1_234_567].map(grouped).into();
        assert_eq!(said, ["0", "999", "1,000", "50,000", "1,234,567"]);
    }

    #[test]
    fn a_sample_is_never_told_as_the_whole() {
        let mut report = ScanReport {
            operation: "op-1".into(),
            state: EndState::Done,
            scanned: 1_000,
            about: Some(50_000),
            complete: false,
            at: Timestamp::from_s(1_767_236_000),
            requests: 100,
            hidden: 0,
            hidden_until: None,
            problem: None,
            cause: None,
        };
        assert_eq!(report.line(), "1,000 of ~50,000 scanned at 02:53Z");
        report.complete = true;
        assert_eq!(report.line(), "1,000 scanned at 02:53Z");
    }
}
