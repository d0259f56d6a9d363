//! What the console is told: time, keys, and facts that arrived. Facts carry the account's time of
//! their answer, and a failure carries the service's error; the console keeps what it had before.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::deaths::Errors;
use crate::console::key::{Key, Mouse};
use crate::console::picker::Names;
use crate::model::acknowledgement::Acknowledged;
use crate::model::alarm::Alarm;
use crate::model::bench::Bench;
use crate::model::function::{AccountLimits, Function, FunctionAnswer, FunctionQuestion};
use crate::model::id::{Arn, FunctionName, MappingId, MessageId, OperationId, QueueName};
use crate::model::kept::Kept;
use crate::model::log::LogReading;
use crate::model::mapping::Mapping;
use crate::model::metric::MetricKey;
use crate::model::move_task::MoveTask;
use crate::model::picture::Identity;
use crate::model::queue::Queue;
use crate::model::rehearsal::Rehearsal;
use crate::model::reserve::ReserveReading;
use crate::model::service_error::ServiceError;
use crate::model::stack::Stack;
use crate::model::stream::StreamSummary;
use crate::model::time::{Mono, Timestamp};
use crate::model::topology::Topology;
use crate::model::usage::Usage;
use crate::operation::progress::Progress;
use crate::operation::record::{Holder, Outline, Record};
use crate::query::edits::Edits;

#[expect(clippy::large_enum_variant, reason = "few are alive at once, and none is stored")]
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// Time passes only by this. The shell sends one before each batch of keys too: a card tells
    /// what was typed ahead of it by the local time.
    Tick {
        mono: Mono,
        account: Timestamp,
    },
    Key(Key),
    Mouse(Mouse),
    /// Pasted text: taken where text is typed and nowhere else.
    Paste(String),
    Resize {
        columns: u16,
        rows: u16,
    },
    IdentityArrived {
        at: Timestamp,
        result: Result<Identity, ServiceError>,
    },
    /// What there is to choose a scope from.
    NamesArrived {
        result: Result<Names, ServiceError>,
    },
    /// What the last session left of the scope.
    KeptArrived(Kept),
    /// What has been asked of the account since the start, by its own count.
    Used(Usage),
    TopologyArrived {
        at: Timestamp,
        result: Result<Topology, ServiceError>,
        /// What could not be read and is therefore not drawn, one line each.
        missing: Vec<String>,
        /// From the last session's file and not from the account.
        cached: bool,
    },
    /// Actions of IAM that the discovery was refused.
    DenialsArrived {
        actions: BTreeSet<String>,
    },
    FunctionsArrived {
        at: Timestamp,
        result: Result<Vec<Function>, ServiceError>,
    },
    MappingsArrived {
        at: Timestamp,
        result: Result<Vec<Mapping>, ServiceError>,
    },
    /// One result a queue asked for.
    QueuesArrived {
        at: Timestamp,
        results: Vec<(QueueName, Result<Queue, ServiceError>)>,
    },
    MetricsArrived {
        generation: u64,
        at: Timestamp,
        result: Result<MetricAnswer, ServiceError>,
    },
    MoveTaskArrived {
        at: Timestamp,
        queue: QueueName,
        result: Result<Option<MoveTask>, ServiceError>,
    },
    /// After the functions and mappings of the same discovery.
    StacksArrived {
        at: Timestamp,
        result: Result<Vec<Stack>, ServiceError>,
    },
    /// Kinesis streams, each by itself.
    StreamsArrived {
        at: Timestamp,
        found: Vec<(Arn, StreamSummary)>,
    },
    AlarmsArrived {
        at: Timestamp,
        result: Result<Vec<Alarm>, ServiceError>,
    },
    LogArrived {
        at: Timestamp,
        function: FunctionName,
        generation: u64,
        later: bool,
        result: Result<LogReading, ServiceError>,
    },
    DeathsArrived {
        queue: QueueName,
        function: FunctionName,
        /// The time that was asked about.
        window: (Timestamp, Timestamp),
        result: Result<Errors, ServiceError>,
    },
    FunctionSettingArrived {
        at: Timestamp,
        function: FunctionName,
        question: FunctionQuestion,
        result: Result<FunctionAnswer, ServiceError>,
    },
    AccountLimitsArrived {
        at: Timestamp,
        result: Result<Option<AccountLimits>, ServiceError>,
    },
    ReserveArrived {
        at: Timestamp,
        mapping: MappingId,
        reading: Box<ReserveReading>,
    },
    /// Every acknowledgement of this account and region; `saved` answers one of our own changes.
    AcknowledgedArrived {
        saved: bool,
        result: Result<Acknowledged, String>,
    },
    /// So many runs of so many are done.
    RehearsalProgressed {
        mapping: MappingId,
        generation: u64,
        done: usize,
        of: usize,
    },
    /// What each setting would do, or why that cannot be told. Not sent for what was cancelled.
    RehearsalArrived {
        mapping: MappingId,
        generation: u64,
        result: Result<Rehearsal, String>,
    },
    BenchArrived(Bench),
    /// Which of these the expression takes, or why it cannot be told.
    Sifted {
        queue: QueueName,
        expression: String,
        ids: Vec<MessageId>,
        result: Result<Sifted, String>,
    },
    /// What an edit's program makes of the messages asked about, or why it cannot be told.
    Edited {
        queue: QueueName,
        program: String,
        result: Result<Edits, String>,
    },
    /// How many were written, or why not.
    Exported {
        path: String,
        result: Result<u64, String>,
    },
    BodyArrived {
        queue: QueueName,
        id: MessageId,
        result: Result<String, String>,
    },
    OperationProgressed(Progress),
    /// It ended without a report of its own: it could not be started, or its runner broke.
    OperationBroke {
        id: OperationId,
        why: String,
    },
    /// The journal in outline, or why it cannot be read.
    JournalArrived {
        result: Result<Outline, String>,
    },
    /// One operation with all its messages, and who holds it.
    RecordArrived {
        result: Result<(Box<Record>, Holder), String>,
    },
    /// The file that an incident was written to.
    IncidentWritten {
        result: Result<String, String>,
    },
    /// Whether copying worked; the text comes back when it did not, to be shown instead.
    Copied {
        result: Result<(), String>,
    },
    /// The account's clock is so far ahead of this machine's.
    ClockSkewed {
        ahead_ms: i64,
    },
    /// Something outside the console went wrong, in one line.
    Trouble(String),
}

/// One verdict a message asked about; `None` could not be judged, and the first reason why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sifted {
    pub verdicts: Vec<Option<bool>>,
    pub reason: Option<String>,
}

/// Datapoints by metric. A key that was asked for and has none is there with an empty list.
pub type MetricAnswer = BTreeMap<MetricKey, Vec<(Timestamp, f64)>>;
