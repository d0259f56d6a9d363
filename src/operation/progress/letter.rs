//! What came of a drop, and of putting copies back.

use serde::Serialize;

use crate::model::id::{MessageId, OperationId};
use crate::operation::order::EndState;
use crate::operation::progress::{Cause, grouped};

/// Every id asked for ends in exactly one of `dropped`, `failed`, `gone`, `returned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DropReport {
    pub operation: OperationId,
    pub state: EndState,
    pub asked: u64,
    /// Kept in the journal and deleted.
    pub dropped: u64,
    /// Not deleted, or nobody knows; each is in `faults`.
    pub failed: u64,
    /// Not found in the queue any more.
    pub gone: u64,
    /// Not tried, or held by somebody; still in the queue.
    pub returned: u64,
    /// Deleted, and perhaps in vain, or by somebody else's hand: kept in the journal, and perhaps somewhere.
    pub doubtful: Vec<MessageId>,
    pub faults: Vec<(MessageId, String)>,
    pub problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    pub took_ms: i64,
}

impl DropReport {
    pub fn line(&self) -> String {
        let line = format!("{} of {} dropped, each kept in the journal", grouped(self.dropped), grouped(self.asked));
        let unknown = self.doubtful.len() as u64;
        let failed = self.failed.saturating_sub(unknown);
        let rest = [
            (failed, "failed"),
            (unknown, "perhaps dropped"),
            (self.gone, "gone"),
            (self.returned, "left in the queue"),
        ];
        told(line, &rest, self.problem.as_deref())
    }
}

/// Every message asked for ends in exactly one of `restored`, `failed`, `returned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    pub operation: OperationId,
    pub state: EndState,
    pub asked: u64,
    /// The queue answered with a new id.
    pub restored: u64,
    /// Refused, or sent with an unknown end.
    pub failed: u64,
    /// Not sent.
    pub returned: u64,
    /// The send's end is unknown.
    pub duplicates_possible: Vec<MessageId>,
    pub faults: Vec<(MessageId, String)>,
    pub problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    pub took_ms: i64,
}

impl RestoreReport {
    pub fn line(&self) -> String {
        let line = format!("{} of {} put back", grouped(self.restored), grouped(self.asked));
        let unknown = self.duplicates_possible.len() as u64;
        // What may be there is no failure for sure.
        let failed = self.failed.saturating_sub(unknown);
        let rest = [(failed, "failed"), (unknown, "perhaps sent"), (self.returned, "not sent")];
        told(line, &rest, self.problem.as_deref())
    }
}

fn told(mut line: String, rest: &[(u64, &str)], problem: Option<&str>) -> String {
    for (count, what) in rest.iter().filter(|(count, _)| *count > 0) {
        line.push_str(&format!(", {} {what}", grouped(*count)));
    }
    if let Some(problem) = problem {
        line.push_str(&format!("; {problem}"));
    }
    line
}
