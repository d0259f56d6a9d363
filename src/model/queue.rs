//! A queue and its counts as `GetQueueAttributes` shows them.

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, QueueName, QueueUrl};
use crate::model::time::Timestamp;

/// `RedrivePolicy`: where messages go that were received too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedrivePolicy {
    pub dead_letter_arn: Arn,
    /// Receives a message is given before the next receive moves it.
    pub max_receive_count: u32,
}

/// The three approximate counts; SQS calls them approximate and so does the screen (`~`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueCounts {
    /// `ApproximateNumberOfMessages`: ready to be received.
    pub visible: u64,
    /// `ApproximateNumberOfMessagesNotVisible`: received, not yet deleted (in flight).
    pub in_flight: u64,
    /// `ApproximateNumberOfMessagesDelayed`.
    pub delayed: u64,
}

impl QueueCounts {
    pub fn total(&self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

/// What a scan knows of how old a queue's messages are: `SentTimestamp`, which no metric tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    pub at: Timestamp,
    /// Messages found that are still listed.
    pub listed: u64,
    /// When the oldest of them was sent first.
    pub oldest_sent_at: Timestamp,
    /// The queue was seen empty behind them.
    pub whole: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    pub name: QueueName,
    pub url: QueueUrl,
    pub arn: Arn,
    pub counts: QueueCounts,
    /// Default lease of a receive, in seconds.
    pub visibility_s: u32,
    /// How long a message is kept, counted from its original send, in seconds.
    pub retention_s: u32,
    pub delay_s: u32,
    /// `MaximumMessageSize` in bytes.
    pub max_message_bytes: u64,
    pub redrive: Option<RedrivePolicy>,
    pub fifo: bool,
    /// `LastModifiedTimestamp`: when an attribute was last changed.
    pub last_modified: Option<Timestamp>,
    /// Queues whose redrive policy names this one (`ListDeadLetterSourceQueues`, or seen in their
    /// policies); empty for a queue that is nobody's dead-letter queue.
    pub sources: Vec<Arn>,
}

impl Queue {
    pub fn is_dead_letter(&self) -> bool {
        !self.sources.is_empty()
    }
}
