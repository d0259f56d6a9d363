//! What came of running events again out of a bucket.

use serde::Serialize;

use crate::model::id::{MessageId, OperationId};
use crate::model::rerun::RerunSource;
use crate::operation::order::EndState;
use crate::operation::progress::{Cause, grouped, plural};

/// Every item asked for ends in exactly one of `ran`, `failed`, `may_have_run`, `returned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RerunReport {
    pub operation: OperationId,
    pub state: EndState,
    pub of: RerunSource,
    pub asked: u64,
    /// Came through their function.
    pub ran: u64,
    /// Did not come through, or were not run; each is in `faults`.
    pub failed: u64,
    /// Nobody knows whether they ran; by key.
    pub may_have_run: Vec<MessageId>,
    /// Not tried.
    pub returned: u64,
    /// Records that came through, also those of documents that failed later.
    pub records: u64,
    pub faults: Vec<(MessageId, String)>,
    pub problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl RerunReport {
    pub fn line(&self) -> String {
        let mut line =
            format!("{} of {} {} ran again", grouped(self.ran), grouped(self.asked), self.of.noun(self.asked));
        if self.of == RerunSource::Documents {
            line.push_str(&format!(", {} came through", plural(self.records, "record", "records")));
        }
        let unsure = self.may_have_run.len() as u64;
        for (count, what) in [(self.failed, "failed"), (unsure, "may have run"), (self.returned, "not tried")] {
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
