//! What the consumer's log says of the time in which a queue's letters died. Kinds of error of that time
//! stand beside the kinds of failure; a message has a line of its own only where the line names it.

use std::collections::BTreeMap;

use crate::model::id::{FunctionName, MessageId};
use crate::model::log::LogLine;
use crate::model::time::Timestamp;
use crate::verdict::log::Digest;

#[derive(Debug, Clone, PartialEq)]
pub struct Deaths {
    pub function: FunctionName,
    /// The time the letters seen so far died in, as far as it is read.
    pub from: Timestamp,
    pub to: Timestamp,
    /// `None` while it is read.
    pub read: Option<Result<Errors, String>>,
}

/// What one reading brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Errors {
    pub digest: Digest,
    /// The line that names a message, or its job, or its request.
    pub exact: BTreeMap<MessageId, LogLine>,
    /// From when on everything asked for was read.
    pub complete_from: Timestamp,
    pub requests: u32,
    pub bytes: u64,
}

impl Deaths {
    /// `errors of JobWorker while these died`
    pub fn title(&self) -> String {
        format!("errors of {} while these died", self.function)
    }

    pub fn errors(&self) -> Option<&Errors> {
        self.read.as_ref()?.as_ref().ok()
    }

    /// The line that names this message.
    pub fn exact(&self, id: &MessageId) -> Option<&LogLine> {
        self.errors()?.exact.get(id)
    }

    /// This time of this function's log was read, or is being read.
    pub fn covers(&self, function: &FunctionName, from: Timestamp, to: Timestamp) -> bool {
        let failed = matches!(self.read, Some(Err(_)));
        self.function == *function && self.from <= from && self.to >= to && !failed
    }
}
