//! What an operator means to do, before it is confirmed. Plans are data: they are shown on the
//! preflight card, kept in the journal, and run only as `operation::confirm::Confirmed`.

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, MappingId, MessageId, QueueUrl};
use crate::model::mapping::{MappingChange, MappingSettings};
use crate::model::rescue::RescuePlan;
use crate::model::trial::TrialPlan;

/// Receive messages under a lease and give them back: for a snapshot on screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanPlan {
    pub queue: QueueUrl,
    /// The queue's own redrive policy's maxReceiveCount, if it has one: looking counts as receiving.
    pub own_max_receive_count: Option<u32>,
    /// At most so many messages are taken into the snapshot.
    pub max_messages: u32,
    /// Seconds a message is held, at most 60.
    pub lease_s: u32,
}

/// Move particular messages back to where they came from, by this process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RedrivePlan {
    /// The dead-letter queue.
    pub from: QueueUrl,
    pub from_arn: Arn,
    /// The ids that were on screen; nothing else is touched.
    pub ids: Vec<MessageId>,
    /// Source ARN → queue URL, for every queue a message may go back to.
    pub origins: Vec<(Arn, QueueUrl)>,
    /// Where messages without a known origin go; `None` sets them aside, untouched.
    pub fallback: Option<QueueUrl>,
    /// The destination's MaximumMessageSize, in bytes.
    pub max_message_bytes: u64,
    /// Messages a second over all lanes; `None` is unlimited.
    pub rate_per_s: Option<f64>,
    /// Add `redrive-from=<old id>` where an attribute slot is free.
    pub mark: bool,
    pub reason: Option<String>,
}

/// Move everything in a dead-letter queue, shown or not and what still arrives, by a message move
/// task of AWS's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveAllPlan {
    pub from_arn: Arn,
    pub from: QueueUrl,
    /// `None`: each message to the queue it came from.
    pub to: Option<Arn>,
    /// 1–500; `None` leaves it to SQS.
    pub max_per_s: Option<u32>,
    /// How many were there when the plan was made, approximately.
    pub about: u64,
    pub reason: Option<String>,
}

/// Change an event source mapping's settings, or stop or start it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetunePlan {
    pub mapping: MappingId,
    /// The settings and state seen when the plan was made: put back by undo, and compared with what
    /// is there before writing (Lambda has no ETag).
    pub before: MappingSettings,
    pub enabled_before: bool,
    pub change: MappingChange,
    pub reason: Option<String>,
}

/// Any of the above, for the journal and the runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    Scan(ScanPlan),
    Redrive(RedrivePlan),
    MoveAll(MoveAllPlan),
    Retune(RetunePlan),
    Trial(TrialPlan),
    Rescue(RescuePlan),
}
