//! What came of a redrive, and what sort of thing ended an operation early.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::id::{MessageId, OperationId};
use crate::model::service_error::ServiceError;
use crate::operation::order::EndState;
use crate::operation::progress::grouped;

/// What sort of thing ended an operation early: the exit code goes by it, the words are in `problem`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The caller may not, or the credentials are no good.
    Denied,
    /// No answer, or none that could be used.
    Unreachable,
    /// The journal could not be written, or the operation is somebody else's by now.
    Journal,
    /// A rule of ours, or a limit of AWS's, said no.
    Refused,
    /// What was sent came back.
    Bounced,
}

impl Cause {
    pub fn of(error: &ServiceError) -> Self {
        if error.is_denied() || error.is_expired() {
            Cause::Denied
        } else if error.action == "journal" {
            Cause::Journal
        } else if error.http == 0 || error.http >= 500 || error.is_throttle() {
            Cause::Unreachable
        } else {
            Cause::Refused
        }
    }
}

/// Every id asked for ends in exactly one of `moved`, `failed`, `skipped`, `gone`, `returned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedriveReport {
    pub operation: OperationId,
    pub state: EndState,
    pub asked: u64,
    /// Acknowledged by the destination and deleted from the source.
    pub moved: u64,
    /// Refused, sent with an unknown end, or sent but not deleted; each is in `faults`.
    pub failed: u64,
    /// Set aside untouched: no known origin.
    pub skipped: u64,
    /// Not found in the source queue any more.
    pub gone: u64,
    /// Not tried; still in the source queue.
    pub returned: u64,
    /// May exist twice, or do: the send's end is unknown, the delete failed, or the lease had lapsed.
    pub duplicates_possible: Vec<MessageId>,
    /// Why messages were set aside, and how many for each reason.
    pub skipped_why: BTreeMap<String, u64>,
    /// Sent and dead again: the id it had and the id it died with.
    pub bounced: Vec<(MessageId, MessageId)>,
    /// Dead letters of the same runs at another step.
    pub later_steps: Vec<MessageId>,
    /// Why a message failed or was skipped.
    pub faults: Vec<(MessageId, String)>,
    /// What ended the operation early, in one line.
    pub problem: Option<String>,
    pub cause: Option<Cause>,
    /// Milliseconds from start to end.
    pub took_ms: i64,
}

impl RedriveReport {
    pub fn line(&self) -> String {
        let mut line = format!("{} of {} moved", grouped(self.moved), grouped(self.asked));
        for (count, what) in [
            (self.failed, "failed"),
            (self.skipped, "skipped"),
            (self.gone, "gone"),
            (self.returned, "not tried"),
            (self.duplicates_possible.len() as u64, "possibly twice"),
        ] {
            if count > 0 {
                line.push_str(&format!(", {} {what}", grouped(count)));
            }
        }
        if let Some((why, _)) = self.skipped_why.iter().max_by_key(|(_, count)| **count) {
            line.push_str(&format!("; skipped: {why}"));
            if self.skipped_why.len() > 1 {
                line.push_str(&format!(" and {} other reasons", self.skipped_why.len() - 1));
            }
        }
        if !self.later_steps.is_empty() {
            line.push_str(&format!("; {} died at another step", grouped(self.later_steps.len() as u64)));
        }
        if let Some(problem) = &self.problem {
            line.push_str(&format!("; {problem}"));
        }
        line
    }
}
