//! What came of rescuing pointers.

use serde::Serialize;

use crate::model::id::{MessageId, OperationId};
use crate::operation::order::EndState;
use crate::operation::progress::{Cause, grouped, plural};

/// Every pointer asked for ends in exactly one of `rescued`, `failed`, `gone`, `returned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RescueReport {
    pub operation: OperationId,
    pub state: EndState,
    pub asked: u64,
    /// All their records came through; deleted.
    pub rescued: u64,
    /// Still in the queue, or nobody knows; each is in `faults`.
    pub failed: u64,
    /// Not found in the queue any more.
    pub gone: u64,
    /// Not tried.
    pub returned: u64,
    /// All their records came through, and they are deleted, perhaps in vain.
    pub doubtful: Vec<MessageId>,
    /// Records that came through, also those of pointers that failed later.
    pub records: u64,
    pub faults: Vec<(MessageId, String)>,
    pub problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl RescueReport {
    pub fn line(&self) -> String {
        let mut line = format!(
            "{} of {} rescued, {} came through",
            grouped(self.rescued),
            plural(self.asked, "pointer", "pointers"),
            plural(self.records, "record", "records")
        );
        let doubtful = self.doubtful.len() as u64;
        for (count, what) in [
            (self.failed.saturating_sub(doubtful), "stay in the queue"),
            (doubtful, "perhaps deleted"),
            (self.gone, "gone"),
            (self.returned, "not tried"),
        ] {
            if count > 0 {
                line.push_str(&format!(", {} {what}", grouped(count)));
            }
        }
        if let Some(problem) = &self.problem {
            line.push_str(&format!("; {problem}"));
        }
        line
    }
}
