//! What the console wants done, as comparable data; the shell does it and answers with a
//! [`Msg`](crate::console::msg::Msg). No closures, no channels.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::console::rehearsal::RehearsalAsk;
use crate::console::snapshot::Question;
use crate::model::acknowledgement::Acknowledgement;
use crate::model::bench::BenchCommand;
use crate::model::change::Change;
use crate::model::finding::{Finding, Subject};
use crate::model::function::FunctionQuestion;
use crate::model::id::{Arn, FunctionName, MessageId, OperationId, QueueName, QueueUrl};
use crate::model::log::LogAsk;
use crate::model::mapping::Mapping;
use crate::model::message::Message;
use crate::model::metric::MetricKey;
use crate::model::plan::NotePlan;
use crate::model::redaction::Redaction;
use crate::model::scope::Scope;
use crate::model::time::Timestamp;
use crate::operation::{Command, Undertaking};

/// What the console knows of an incident; the journal has the operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    pub at: Timestamp,
    pub account: String,
    pub region: String,
    pub findings: Vec<Finding>,
    pub changes: Vec<Change>,
    /// What of the journal's words may not be shown.
    pub redaction: Redaction,
}

#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Answered by `IdentityArrived`.
    FetchIdentity,
    /// The names of all queues and mappings. Answered by `NamesArrived`.
    FetchNames,
    /// From here on this part of the account is what is discovered; answers about another are dropped.
    /// Answered by `KeptArrived`, where the last session left something.
    Watch(Scope),
    /// Names that were unhealthy, for the next session's picker.
    Remember(BTreeSet<String>),
    /// The whole discovery. Answered by `TopologyArrived`, and beside it by whichever of
    /// `MappingsArrived`, `FunctionsArrived`, `QueuesArrived` and `StacksArrived` the discovery read on
    /// its way.
    FetchTopology,
    /// Answered by one `QueuesArrived`.
    FetchQueues {
        queues: Vec<QueueUrl>,
    },
    /// One `ListEventSourceMappings`. Answered by `MappingsArrived`.
    FetchMappings,
    /// Answered by one `MetricsArrived` with the same generation and keys.
    FetchMetrics {
        generation: u64,
        keys: Vec<MetricKey>,
        /// Account time, inclusive, a whole minute.
        from: Timestamp,
        /// Exclusive.
        to: Timestamp,
    },
    /// Every alarm of the region. Answered by `AlarmsArrived`.
    FetchAlarms,
    /// The newest move task of a dead-letter queue, by any caller. Answered by `MoveTaskArrived`.
    FetchMoveTask {
        queue: QueueName,
        arn: Arn,
    },
    /// Answered by `LogArrived` with the same function, generation and `later`.
    FetchLog {
        function: FunctionName,
        generation: u64,
        /// It continues what was read before.
        later: bool,
        ask: LogAsk,
    },
    /// The log of the time in which these died. Answered by `DeathsArrived`.
    FetchDeaths {
        queue: QueueName,
        function: FunctionName,
        ask: LogAsk,
        messages: Vec<Arc<Message>>,
        /// What of the lines may not be shown.
        redaction: Redaction,
    },
    /// One Lambda control call. Answered by `FunctionSettingArrived`.
    FetchFunctionSetting {
        function: FunctionName,
        question: FunctionQuestion,
    },
    /// What all functions of the account share. Answered by `AccountLimitsArrived`.
    FetchAccountLimits,
    /// What has to be known before the reserve of this mapping's function is changed. Answered by
    /// `ReserveArrived`.
    FetchReserve(Box<Mapping>),
    /// What was acknowledged in this account, by any console. Answered by `AcknowledgedArrived`.
    LoadAcknowledged,
    /// Keep (or, with `None`, forget) acknowledgements by rule and subject, and read them all again.
    /// Answered by `AcknowledgedArrived` with `saved`.
    Acknowledge {
        keys: Vec<(String, Subject)>,
        acknowledgement: Option<Acknowledgement>,
    },
    /// Read this consumer's metrics and run every candidate setting in virtual time, off the screen's
    /// thread; one at a time, the newest. Answered by `RehearsalProgressed` and `RehearsalArrived`.
    Rehearse(Box<RehearsalAsk>),
    /// Whatever is being rehearsed is not wanted any more.
    StopRehearsing,
    /// Run it to its end, whatever screen is open. Answered by `OperationProgressed`, its last one
    /// with a report.
    Start {
        id: OperationId,
        undertaking: Undertaking,
    },
    Command(OperationId, Command),
    /// Keep these bodies on disk: what the snapshot has no room for. Anything kept before for the queue
    /// by another scan is forgotten.
    Spill {
        queue: QueueName,
        operation: OperationId,
        messages: Vec<Arc<Message>>,
    },
    /// Write these to a file that is not there yet, bodies from disk included. Answered by `Exported`.
    Export {
        queue: QueueName,
        path: String,
        messages: Vec<Arc<Message>>,
    },
    /// Keep a note in the journal. Answered by `JournalArrived`.
    Note(NotePlan),
    /// A body kept on disk. Answered by `BodyArrived`.
    FetchBody {
        queue: QueueName,
        id: MessageId,
    },
    /// Which messages an expression takes, jq and bodies on disk included. Answered by `Sifted`.
    Sift {
        queue: QueueName,
        question: Question,
    },
    /// What a jq program makes of these, bodies on disk included. Answered by `Edited`.
    Edit {
        queue: QueueName,
        program: String,
        messages: Vec<Arc<Message>>,
        /// The largest message its queues take, in bytes.
        most: u64,
    },
    /// Only in the sandbox.
    Bench(BenchCommand),
    /// Answered by `JournalArrived`.
    LoadJournal,
    /// Answered by `RecordArrived`.
    LoadRecord(OperationId),
    /// Write an incident up, with what the journal keeps. Answered by `IncidentWritten`.
    WriteIncident(Box<Incident>),
    /// An operation that a dead process left open is over: its last line is written, and nothing else.
    /// Answered by `JournalArrived`.
    CloseRecord {
        operation: OperationId,
        line: String,
    },
    /// To the clipboard, by OSC 52. Answered by `Copied`.
    Copy(String),
    MouseCapture(bool),
    /// Leave this account and open the one of another context, with a new console.
    SwitchContext(String),
    /// Leave: cancel what runs, give back what is held, restore the terminal.
    Quit,
}

impl Effect {
    /// True when performing it changes something in the account.
    pub fn writes(&self) -> bool {
        matches!(self, Effect::Start { .. } | Effect::Bench(_))
    }
}
