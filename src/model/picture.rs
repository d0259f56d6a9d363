//! Everything read from the account, each part with its age: what verdicts judge, screens draw and
//! reports print. It is filled by whoever polls; it polls nothing itself.

use std::collections::{BTreeMap, VecDeque};

use crate::model::alarm::Alarms;
use crate::model::change::Change;
use crate::model::function::Function;
use crate::model::id::{Arn, FunctionName, MappingId, QueueName};
use crate::model::mapping::Mapping;
use crate::model::metric::Metrics;
use crate::model::move_task::MoveTask;
use crate::model::objective::Objectives;
use crate::model::observed::Observed;
use crate::model::queue::{Queue, QueueCounts};
use crate::model::time::Timestamp;
use crate::model::topology::Topology;

/// Who answers: `GetCallerIdentity` and the region.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    pub region: String,
    pub arn: String,
    pub alias: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    pub identity: Option<Observed<Identity>>,
    pub topology: Option<Observed<Topology>>,
    pub mappings: BTreeMap<MappingId, Observed<Mapping>>,
    pub functions: BTreeMap<FunctionName, Observed<Function>>,
    pub queues: BTreeMap<QueueName, Observed<Queue>>,
    /// Counts seen by our own polls, oldest first, bounded: seconds fresh where CloudWatch is
    /// minutes late.
    pub depths: BTreeMap<QueueName, VecDeque<(Timestamp, QueueCounts)>>,
    /// The newest move task of each dead-letter queue that was asked for.
    pub move_tasks: BTreeMap<QueueName, Observed<Option<MoveTask>>>,
    pub metrics: Metrics,
    /// Why metrics are not there, when they are not: `metrics unavailable: …`.
    pub metrics_error: Option<String>,
    /// Every alarm of the region; `None` until they are read.
    pub alarms: Option<Observed<Alarms>>,
    /// Newest last.
    pub changes: Vec<Change>,
    /// What was promised of this account: not read from it, but judged by.
    pub objectives: Objectives,
}

impl Picture {
    /// Own polls kept per queue: an hour at one every 10 s.
    pub const DEPTHS: usize = 360;

    /// Takes a queue's answer in, and remembers its counts.
    pub fn put_queue(&mut self, queue: Queue, at: Timestamp) {
        let depths = self.depths.entry(queue.name.clone()).or_default();
        depths.push_back((at, queue.counts));
        while depths.len() > Self::DEPTHS {
            depths.pop_front();
        }
        self.queues.insert(queue.name.clone(), Observed::new(queue, at));
    }

    pub fn queue_by_arn(&self, arn: &Arn) -> Option<&Observed<Queue>> {
        self.queues.values().find(|queue| queue.value.arn == *arn)
    }

    /// The mappings that feed `function`.
    pub fn mappings_of<'a>(&'a self, function: &'a FunctionName) -> impl Iterator<Item = &'a Observed<Mapping>> {
        self.mappings.values().filter(move |mapping| mapping.value.function == *function)
    }
}
