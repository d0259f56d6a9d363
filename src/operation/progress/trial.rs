//! What came of trying one dead letter.

use serde::Serialize;

use crate::model::id::{FunctionName, MessageId, OperationId, QueueName};
use crate::model::time::spoken;
use crate::model::trial::Verdict;
use crate::operation::order::EndState;
use crate::operation::progress::Cause;

/// What one dead letter did to its function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrialReport {
    pub operation: OperationId,
    pub state: EndState,
    pub queue: QueueName,
    pub id: MessageId,
    pub function: FunctionName,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// From the dead-letter queue; only ever after a success, and certainly.
    pub deleted: bool,
    /// Deleted, and perhaps in vain: it may still be there.
    pub doubtful: bool,
    /// What the function returned, or its error, as it came.
    pub answer: Option<String>,
    pub log_tail: Option<String>,
    /// Milliseconds from the invocation to its answer.
    pub took_ms: Option<i64>,
    pub problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl TrialReport {
    pub fn line(&self) -> String {
        let (function, queue) = (&self.function, &self.queue);
        let took = self.took_ms.map(|ms| format!(" in {}", spoken(ms))).unwrap_or_default();
        let line = match (&self.verdict, self.deleted) {
            (Verdict::Succeeded, true) => format!("{function} came through{took}; deleted from {queue}"),
            (Verdict::Succeeded, false) if self.doubtful => format!(
                "{function} came through{took}; perhaps deleted from {queue}: it was not looked for again, and may be \
                 there still"
            ),
            (Verdict::Succeeded, false) => format!("{function} came through{took}; STILL in {queue}: it exists twice"),
            (Verdict::Failed(why), _) => format!("{function} failed{took}: {why}; it stays in {queue}"),
            (Verdict::MayHaveRun(why), _) => format!("no answer, {function} may have run: {why}; it stays in {queue}"),
            (Verdict::NotRun(why), _) => format!("{function} was not run: {why}"),
        };
        let problem = self.problem.as_ref().map(|problem| format!("; {problem}")).unwrap_or_default();
        format!("{line}{problem}")
    }
}
