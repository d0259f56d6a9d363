//! What a machine wants done and what came of it, as comparable data. `aws` performs the orders that
//! are calls, `journal` the durable ones; the machine alone decides their order and any retry.

use serde::{Deserialize, Serialize};

use crate::model::id::{
    Arn, FunctionName, MappingId, MessageId, OperationId, QueueName, QueueUrl, ReceiptHandle, TaskHandle,
};
use crate::model::mapping::{Mapping, MappingChange};
use crate::model::message::{Message, Outgoing};
use crate::model::move_task::MoveTask;
use crate::model::plan::Plan;
use crate::model::queue::QueueCounts;
use crate::model::service_error::Outcome;
use crate::model::stream::{StreamPointer, StreamRecord};
use crate::model::time::Timestamp;
use crate::model::trial::Invoked;

/// Unique within one machine, in the order the orders were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId(pub u64);

#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    // Receiving hides messages and counts: these are writes.
    Receive {
        queue: QueueUrl,
        /// 1–10.
        max: u32,
        visibility_s: u32,
        wait_s: u32,
    },
    /// Give a lease more time (`ChangeMessageVisibilityBatch`); at most 10 entries.
    Extend {
        queue: QueueUrl,
        entries: Vec<Lease>,
        visibility_s: u32,
    },
    /// Give messages back now (visibility 0); at most 10 entries.
    Release {
        queue: QueueUrl,
        entries: Vec<Lease>,
    },
    /// At most 10 entries and the destination's size limit in total. Entries answer by index.
    Send {
        queue: QueueUrl,
        entries: Vec<Outgoing>,
    },
    Delete {
        queue: QueueUrl,
        entries: Vec<Lease>,
    },
    StartMoveTask {
        source: Arn,
        destination: Option<Arn>,
        max_per_s: Option<u32>,
    },
    ListMoveTasks {
        source: Arn,
    },
    CancelMoveTask {
        handle: TaskHandle,
    },
    QueueCounts {
        queue: QueueUrl,
    },
    /// Read from the metrics of the minutes before `at`.
    Vitals {
        queues: Vec<QueueName>,
        functions: Vec<FunctionName>,
        at: Timestamp,
    },
    GetMapping(MappingId),
    UpdateMapping {
        mapping: MappingId,
        change: MappingChange,
    },
    /// The function's reserved concurrency.
    GetReserve(FunctionName),
    /// `None` takes it away.
    PutReserve {
        function: FunctionName,
        to: Option<u32>,
    },
    /// Run a function with this event and wait for its answer, `timeout_s` and a little more.
    Invoke {
        function: FunctionName,
        /// JSON.
        payload: String,
        timeout_s: u32,
    },
    /// The records a pointer names, also those of other lanes between them: several calls, all reads.
    ReadStream {
        pointer: StreamPointer,
    },
    /// An object of a bucket, as text: a read.
    GetObject {
        bucket: String,
        key: String,
    },
    /// Durable before `Done` is answered.
    Record(Vec<JournalEntry>),
}

/// A message held: what is needed to release, extend or delete it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub id: MessageId,
    pub receipt: ReceiptHandle,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Received(Vec<Message>),
    /// One result an entry, in the order of the entries.
    Entries(Vec<Result<(), EntryError>>),
    /// One result an entry: the new message's id.
    Sent(Vec<Result<MessageId, EntryError>>),
    TaskStarted(TaskHandle),
    /// Newest first.
    Tasks(Vec<MoveTask>),
    TaskCancelled {
        moved: u64,
    },
    Counts(QueueCounts),
    Vitals(Vitals),
    Mapping(Box<Mapping>),
    Reserve(Option<u32>),
    Invoked(Box<Invoked>),
    /// In the order of the stream.
    Records(Vec<StreamRecord>),
    Object(String),
    Recorded,
}

/// One entry of a batch that was refused although the call was answered 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryError {
    pub code: String,
    pub message: String,
    /// The service blames the sender: the same entry will be refused again.
    pub sender_fault: bool,
}

pub type OrderResult = Outcome<Answer>;

/// A durable line of an operation's history. The journal keeps them in the order given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "entry")]
pub enum JournalEntry {
    /// The first: what was confirmed, by whom, where.
    Began {
        operation: OperationId,
        at: Timestamp,
        plan: Box<Plan>,
        who: String,
        account: String,
        region: String,
    },
    Message {
        operation: OperationId,
        at: Timestamp,
        id: MessageId,
        state: MessageState,
    },
    /// A message that is about to be deleted or changed, whole.
    Backup {
        operation: OperationId,
        at: Timestamp,
        queue: QueueUrl,
        message: Box<Message>,
    },
    /// The body a message is about to be sent with instead of its own.
    Edited {
        operation: OperationId,
        at: Timestamp,
        id: MessageId,
        body: String,
    },
    /// Words for people; what a resume must know of it lies beside them.
    Noted {
        operation: OperationId,
        at: Timestamp,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pace: Option<Pace>,
    },
    /// The last.
    Ended {
        operation: OperationId,
        at: Timestamp,
        state: EndState,
        summary: String,
    },
}

/// How fast a redrive goes on from here, where that is not what its plan says; the last one counts.
///
/// It is a member of a note, not an entry of another kind: an older redrive refuses a journal with a kind of
/// entry it does not know, and reads the rate in the note's words.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Messages a second; `None` is unlimited.
    pub per_s: Option<f64>,
    /// It still halves its rate by itself where its consumers suffer.
    pub gives_way: bool,
}

/// How far one message of a redrive has come; the last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum MessageState {
    /// About to be sent to `to`; the body is known by its SHA-256, the attributes by a digest.
    Recorded {
        to: QueueUrl,
        sha256: String,
        /// Digest of names, types and values.
        #[serde(default)]
        attributes: String,
    },
    /// Recorded, but the send was refused or not tried: still in the source queue, and may be tried
    /// again.
    NotSent { why: String },
    /// The destination answered with a new id.
    Acknowledged { new_id: MessageId },
    /// Deleted from the source: moved. `beside`: the oldest receive that had no answer yet was ordered then.
    /// What was deleted since may have been handed to it too, by a receipt that makes the older one void.
    Deleted {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<Timestamp>,
    },
    /// Deleted, but perhaps by a void receipt: a receive that was out meanwhile was never answered. Certain
    /// only after one more look.
    Doubted,
    /// The send ended unknown: it may exist twice.
    PossibleDuplicate { why: String },
    /// Sent, but the source copy could not be deleted: it exists twice.
    Duplicate { why: String },
    /// Not sent; still in the source queue.
    Failed { why: String },
    /// Set aside on purpose, untouched in the source queue.
    Skipped { why: String },
    /// Not found in the source queue any more; nothing was done to it.
    Gone,
    /// Deleted on purpose, after its copy was kept; `beside` as of one that was moved.
    Dropped {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<Timestamp>,
    },
    /// A function is about to be invoked with it: what has this for its last state may have run.
    Running { function: FunctionName },
    /// It came through its function.
    Ran,
}

impl JournalEntry {
    pub fn operation(&self) -> &OperationId {
        match self {
            JournalEntry::Began { operation, .. }
            | JournalEntry::Message { operation, .. }
            | JournalEntry::Backup { operation, .. }
            | JournalEntry::Edited { operation, .. }
            | JournalEntry::Noted { operation, .. }
            | JournalEntry::Ended { operation, .. } => operation,
        }
    }

    pub fn at(&self) -> Timestamp {
        match self {
            JournalEntry::Began { at, .. }
            | JournalEntry::Message { at, .. }
            | JournalEntry::Backup { at, .. }
            | JournalEntry::Edited { at, .. }
            | JournalEntry::Noted { at, .. }
            | JournalEntry::Ended { at, .. } => *at,
        }
    }
}

impl MessageState {
    /// Deleted, and no receive was out that could make it doubtful.
    pub const DELETED: Self = MessageState::Deleted { beside: None };

    pub const DROPPED: Self = MessageState::Dropped { beside: None };

    /// As the journal's files name it.
    pub fn name(&self) -> &'static str {
        match self {
            MessageState::Recorded { .. } => "recorded",
            MessageState::NotSent { .. } => "not-sent",
            MessageState::Acknowledged { .. } => "acknowledged",
            MessageState::Deleted { .. } => "deleted",
            MessageState::Doubted => "doubted",
            MessageState::PossibleDuplicate { .. } => "possible-duplicate",
            MessageState::Duplicate { .. } => "duplicate",
            MessageState::Failed { .. } => "failed",
            MessageState::Skipped { .. } => "skipped",
            MessageState::Gone => "gone",
            MessageState::Dropped { .. } => "dropped",
            MessageState::Running { .. } => "running",
            MessageState::Ran => "ran",
        }
    }
}

/// How a destination and its consumers fare, by their newest metrics; `None` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Vitals {
    /// Of the oldest message waiting in any of the queues, in seconds.
    pub oldest_age_s: Option<f64>,
    /// Of all the functions, in the last minutes.
    pub throttles: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndState {
    Done,
    /// Some messages failed or are possibly duplicated; each is named.
    Partly,
    Cancelled,
    Failed,
}

/// Performs the orders that are calls to AWS; never asked for [`Order::Record`]. Retries nothing.
pub trait Calls: Send + Sync + 'static {
    fn call(&self, order: Order) -> impl Future<Output = OrderResult> + Send;
}

/// Keeps entries. Answers [`Answer::Recorded`] once they are durable, never before.
pub trait JournalSink: Send + Sync + 'static {
    fn record(&self, entries: Vec<JournalEntry>) -> impl Future<Output = OrderResult> + Send;
}
