//! An SQS message as a receive shows it, and as a send takes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, MessageId, ReceiptHandle};
use crate::model::time::Timestamp;

/// A custom message attribute. `data_type` keeps the sender's suffix (`Number.int`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, optionally with a `.suffix` of the sender's.
    pub data_type: String,
    pub value: AttributeValue,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    /// For `String` and `Number` types.
    Text(String),
    /// For `Binary` types.
    Binary(Vec<u8>),
}

pub type Attributes = BTreeMap<String, Attribute>;

/// The system attributes SQS keeps beside a message (aws-facts §3.2), typed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SystemAttributes {
    /// `SentTimestamp`; on a standard queue's dead letter still the original send.
    pub sent_at: Timestamp,
    /// `ApproximateReceiveCount`, including the receive that answered this.
    pub receive_count: u32,
    /// `ApproximateFirstReceiveTimestamp`.
    pub first_received_at: Option<Timestamp>,
    /// `DeadLetterQueueSourceArn`: the queue SQS moved it from; absent on messages sent by hand.
    pub dead_letter_source: Option<Arn>,
    /// `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// `MessageGroupId` (FIFO order, or a fair queue's tenant).
    pub group_id: Option<String>,
    /// `MessageDeduplicationId`, FIFO only.
    pub deduplication_id: Option<String>,
    /// `SequenceNumber`, FIFO only.
    pub sequence_number: Option<String>,
    /// `SenderId`.
    pub sender_id: Option<String>,
}

/// A received message. Holding one means holding a lease that runs out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub receipt: ReceiptHandle,
    pub body: String,
    pub attributes: Attributes,
    pub system: SystemAttributes,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outgoing {
    pub body: String,
    pub attributes: Attributes,
    pub delay_s: Option<u32>,
    pub trace_header: Option<String>,
    pub group_id: Option<String>,
    pub deduplication_id: Option<String>,
}

/// Largest message and largest batch, in bytes of body plus attribute names, types and values
/// (aws-facts §3.1). A queue may be set lower.
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;
/// Entries in one batch call (aws-facts §3.1).
pub const MAX_BATCH_ENTRIES: usize = 10;
/// Custom attributes on one message (aws-facts §3.1).
pub const MAX_ATTRIBUTES: usize = 10;

impl Attribute {
    pub fn text(value: impl Into<String>) -> Self {
        Attribute { data_type: "String".to_owned(), value: AttributeValue::Text(value.into()) }
    }

    fn bytes(&self) -> usize {
        self.data_type.len()
            + match &self.value {
                AttributeValue::Text(text) => text.len(),
                AttributeValue::Binary(bytes) => bytes.len(),
            }
    }
}

/// Bytes a message counts for against SQS's size limits.
pub fn size_bytes(body: &str, attributes: &Attributes) -> usize {
    body.len() + attributes.iter().map(|(name, attribute)| name.len() + attribute.bytes()).sum::<usize>()
}

impl Message {
    pub fn size_bytes(&self) -> usize {
        size_bytes(&self.body, &self.attributes)
    }
}

impl Outgoing {
    pub fn size_bytes(&self) -> usize {
        size_bytes(&self.body, &self.attributes)
    }
}
