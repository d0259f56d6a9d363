//! What an operator means to do, before it is confirmed. Plans are data: they are shown on the
//! preflight card, kept in the journal, and run only as `operation::confirm::Confirmed`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, FunctionName, MappingId, MessageId, OperationId, QueueName, QueueUrl};
use crate::model::mapping::{MappingChange, MappingSettings};
use crate::model::message::MAX_MESSAGE_BYTES;
use crate::model::rerun::RerunPlan;
use crate::model::rescue::RescuePlan;
use crate::model::reserve::ReserveChange;
use crate::model::time::Timestamp;
use crate::model::trial::TrialPlan;

/// Receive messages under a lease and give them back: for a snapshot on screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanPlan {
    pub queue: QueueUrl,
    /// The queue's own redrive policy's maxReceiveCount, if it has one: looking counts as receiving.
    pub own_max_receive_count: Option<u32>,
    /// At most so many messages are taken into the snapshot.
    pub max_messages: u32,
    /// At most so many bytes.
    #[serde(default = "default_scan_bytes")]
    pub max_bytes: u64,
    /// Seconds a message is held, at most 60.
    pub lease_s: u32,
}

impl ScanPlan {
    /// Receives it may order: what the messages take when each brings only a few, and the empty ones.
    pub fn max_requests(&self) -> u64 {
        u64::from(self.max_messages) / 2 + 100
    }

    /// Seconds it may receive: everything is given back before the first lease ends.
    pub fn max_s(&self) -> u32 {
        self.lease_s * 3 / 4
    }
}

fn default_scan_bytes() -> u64 {
    64 * 1024 * 1024
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
    /// Requests outstanding at once of each kind.
    #[serde(default = "default_lanes")]
    pub lanes: u32,
    /// The first few by themselves, watched before the rest go; `None` sends all as they come.
    #[serde(default)]
    pub ladder: Option<Ladder>,
    /// Who is watched while it runs, so that the rate gives way; `None` keeps to the rate.
    #[serde(default)]
    pub gentle: Option<Gentle>,
    /// What is sent with another body than it died with.
    #[serde(default)]
    pub edit: Option<Box<EditPlan>>,
}

/// Messages that are changed on their way. The new bodies are in the journal, for as long as bodies are
/// kept there; this says which they are and what they must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditPlan {
    /// `by hand`, or the jq program.
    pub how: String,
    /// SHA-256 of each new body.
    pub sha256: BTreeMap<MessageId, String>,
}

/// How an edit says that a person typed it.
pub const BY_HAND: &str = "by hand";

impl EditPlan {
    /// `by hand`, `by jq: .body.to = "a@b.c"`
    pub fn said(&self) -> String {
        if self.how == BY_HAND { self.how.clone() } else { format!("by jq: {}", self.how) }
    }
}

/// Messages that go first, a rung at a time; a bounce of one of them stops the redrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// Messages of each rung; what they leave goes after the last.
    pub rungs: Vec<u64>,
    /// How long a rung is watched: as long as its messages can take to come back.
    pub wait_ms: i64,
}

/// The queues and consumers a redrive must not hurt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gentle {
    pub queues: Vec<QueueName>,
    pub functions: Vec<FunctionName>,
}

impl RedrivePlan {
    /// Exactly these, as fast as the queues take them, marked, set aside where the origin is unknown.
    pub fn new(from: QueueUrl, from_arn: Arn, ids: Vec<MessageId>, origins: Vec<(Arn, QueueUrl)>) -> Self {
        RedrivePlan {
            from,
            from_arn,
            ids,
            origins,
            fallback: None,
            max_message_bytes: MAX_MESSAGE_BYTES as u64,
            rate_per_s: None,
            mark: true,
            reason: None,
            lanes: DEFAULT_LANES,
            ladder: None,
            gentle: None,
            edit: None,
        }
    }
}

impl Ladder {
    /// The rungs nobody chose otherwise for.
    pub const DEFAULT_RUNGS: [u64; 4] = [1, 5, 20, 100];

    /// How many of `total` messages each rung takes, without the rungs nothing is left for; what goes
    /// after the last rung is not among them.
    pub fn of(&self, total: u64) -> Vec<u64> {
        let mut left = total;
        let mut taken = Vec::new();
        for rung in &self.rungs {
            let takes = (*rung).min(left);
            left -= takes;
            if takes > 0 {
                taken.push(takes);
            }
        }
        taken
    }

    /// What the waiting comes to for `total` messages: a rung is waited for only if something is left
    /// to go after it.
    pub fn total_wait_ms(&self, total: u64) -> i64 {
        let rungs = self.of(total);
        let waits = rungs.len() - usize::from(rungs.iter().sum::<u64>() == total && !rungs.is_empty());
        self.wait_ms.saturating_mul(waits as i64)
    }
}

/// Forty messages a round trip.
pub const DEFAULT_LANES: u32 = 4;

fn default_lanes() -> u32 {
    DEFAULT_LANES
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
    /// Put what was before back so many seconds after the start, by the process that made the change
    /// and only while it runs.
    #[serde(default)]
    pub revert_after_s: Option<u32>,
    /// What the function keeps for itself, beside the mapping's own settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<ReserveChange>,
}

impl RetunePlan {
    /// Sooner, the metrics could not have said yet whether it helps (aws-facts §1.3, §2.6).
    pub const LEAST_REVERT_S: u32 = 15 * 60;

    /// When it is put back, if it was begun at `began_at`.
    pub fn revert_at(&self, began_at: Timestamp) -> Option<Timestamp> {
        self.revert_after_s.map(|s| began_at.plus_s(s.into()))
    }

    /// The plan that puts back what this one changes, once it is in force.
    #[must_use]
    pub fn back(&self) -> Self {
        RetunePlan {
            before: self.change.applied_to(&self.before),
            enabled_before: self.change.enabled.unwrap_or(self.enabled_before),
            change: self.reverse(),
            reserve: self.reserve.as_ref().map(ReserveChange::reverse),
            ..self.clone()
        }
    }

    /// What puts back what it changes of the mapping.
    pub fn reverse(&self) -> MappingChange {
        let before = &self.before;
        MappingChange {
            batch_size: self.change.batch_size.and(before.batch_size),
            window_s: self.change.window_s.and(before.window_s),
            parallelization_factor: self.change.parallelization_factor.and(before.parallelization_factor),
            max_concurrency: self.change.max_concurrency.map(|_| before.max_concurrency),
            enabled: self.change.enabled.map(|_| self.enabled_before),
            max_retry_attempts: self.change.max_retry_attempts.and(before.max_retry_attempts),
            max_record_age_s: self.change.max_record_age_s.and(before.max_record_age_s),
            bisect: self.change.bisect.and(before.bisect),
            on_failure: self.change.on_failure.as_ref().map(|_| before.on_failure.clone()),
        }
    }
}

/// Delete particular messages, each after its copy is in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropPlan {
    pub from: QueueUrl,
    /// The ids that were on screen; nothing else is touched.
    pub ids: Vec<MessageId>,
    pub reason: Option<String>,
}

/// Send copies of messages that were dropped or exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePlan {
    /// The id each had, and the queue it goes to.
    pub messages: Vec<(MessageId, QueueUrl)>,
    /// Where the copies are from, in words.
    pub source: String,
    /// The file they are in, where they are in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileMark>,
    /// The smallest MaximumMessageSize of these queues, in bytes.
    pub max_message_bytes: u64,
    pub reason: Option<String>,
}

/// A file as it was when something was planned from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Absolute.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

impl RestorePlan {
    /// How [`RestorePlan::source`] calls the copies an operation kept.
    pub fn copies_of(operation: &OperationId) -> String {
        format!("{COPIES_OF}{operation}")
    }

    /// The operation whose copies these are, where they are in the journal.
    pub fn operation(&self) -> Option<OperationId> {
        self.source.strip_prefix(COPIES_OF).map(OperationId::from)
    }
}

const COPIES_OF: &str = "the journal's copies of ";

/// What somebody wants the next person to know of a kind of failure. It changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotePlan {
    pub queue: QueueName,
    /// As the kind is called on screen.
    pub kind: String,
    pub text: String,
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
    Rerun(RerunPlan),
    Drop(DropPlan),
    Restore(RestorePlan),
    Note(NotePlan),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_waits_only_for_rungs_something_is_left_after() {
        let ladder = Ladder { rungs: Ladder::DEFAULT_RUNGS.to_vec(), wait_ms: 60_000 };
        assert_eq!(ladder.of(4), [1, 3]);
        assert_eq!((ladder.total_wait_ms(1), ladder.total_wait_ms(4), ladder.total_wait_ms(6)), (0, 60_000, 60_000));
        assert_eq!(ladder.total_wait_ms(50_000), 240_000);
        assert_eq!(ladder.of(0), Vec::<u64>::new());
    }

    #[test]
    fn a_plan_of_an_older_journal_is_still_read() {
        let old = r#"{"from":"u","from_arn":"a","ids":["m"],"origins":[],"fallback":null,"max_message_bytes":1,
            "rate_per_s":null,"mark":true,"reason":null}"#;
        let plan: RedrivePlan = serde_json::from_str(old).expect("readable");
        assert_eq!((plan.lanes, plan.ladder, plan.gentle), (DEFAULT_LANES, None, None));
    }
}
