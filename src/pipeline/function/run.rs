//! A run of a function: what it was invoked with and how it ended. Plain data.

use crate::model::id::{MessageId, QueueName};
use crate::model::message::Message;
use crate::model::time::Timestamp;
use crate::pipeline::function::asynchronous::AsyncEvent;
use crate::pipeline::request::RequestId;
use crate::pipeline::stream::batch::Batch;

#[derive(Debug)]
pub struct Run {
    /// Index in `Functions`.
    pub function: usize,
    pub work: Work,
    pub started_at: Timestamp,
    /// It is cut off at its end instead of finishing.
    pub times_out: bool,
    pub fails: bool,
    /// Hops through queues and functions before this run (aws-facts §1.9).
    pub hops: u32,
    /// Request id, as its log shows it.
    pub id: u64,
}

/// What a run works on, and whom to tell how it ended.
#[derive(Debug)]
pub enum Work {
    /// A batch of a stream mapping.
    Stream {
        mapping: usize,
        shard: u32,
        lane: u32,
        batch: Batch,
    },
    /// A batch of an SQS mapping.
    Queue {
        mapping: usize,
        queue: QueueName,
        messages: Vec<Message>,
    },
    Async(AsyncEvent),
    /// An `Invoke`; `request` is `None` when its caller does not wait any more.
    Sync {
        request: Option<RequestId>,
        payload: String,
        log_tail: bool,
    },
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The handler came through; of a queue's batch these messages failed.
    Done { failed: Vec<MessageId> },
    /// Of a stream's batch, everything before this record is done.
    StoppedAt { record: u32 },
    /// An exception or a time-out: kind and message.
    Error { kind: String, message: String },
}

impl Verdict {
    pub fn is_error(&self) -> bool {
        matches!(self, Verdict::Error { .. })
    }

    pub fn error(kind: &str, message: impl Into<String>) -> Self {
        Verdict::Error { kind: kind.to_owned(), message: message.into() }
    }
}

impl Work {
    pub fn records(&self) -> u32 {
        match self {
            Work::Stream { batch, .. } => batch.records,
            Work::Queue { messages, .. } => messages.len() as u32,
            Work::Async(_) | Work::Sync { .. } => 1,
        }
    }
}
