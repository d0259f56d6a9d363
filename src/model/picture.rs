//! Everything read from the account, each part with its age: what verdicts judge, screens draw and
//! reports print. It is filled by whoever polls; it polls nothing itself.

use std::collections::{BTreeMap, VecDeque};

use crate::model::alarm::Alarms;
use crate::model::change::Change;
use crate::model::function::{AccountLimits, Function, FunctionAnswer, FunctionQuestion, FunctionSettings};
use crate::model::id::{Arn, FunctionName, MappingId, QueueName};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::metric::Metrics;
use crate::model::move_task::MoveTask;
use crate::model::objective::Objectives;
use crate::model::observed::Observed;
use crate::model::queue::{Queue, QueueCounts, Scanned};
use crate::model::stream::StreamSummary;
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
    /// What was asked about functions one by one; dated by the newest answer.
    pub function_settings: BTreeMap<FunctionName, Observed<FunctionSettings>>,
    /// What all functions share; `None` until it is read.
    pub account_limits: Option<Observed<AccountLimits>>,
    /// Kinesis streams that are read, as far as they could be asked.
    pub streams: BTreeMap<Arn, Observed<StreamSummary>>,
    pub queues: BTreeMap<QueueName, Observed<Queue>>,
    /// Counts seen by our own polls, oldest first, bounded: seconds fresh where CloudWatch is
    /// minutes late.
    pub depths: BTreeMap<QueueName, VecDeque<(Timestamp, QueueCounts)>>,
    /// What was seen of the messages themselves, of queues that were scanned.
    pub scanned: BTreeMap<QueueName, Scanned>,
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
    /// Other mappings that feed the same function and are not disabled: they share its runs.
    pub fn siblings(&self, mapping: &Mapping) -> u32 {
        let feeds = |other: &Mapping| {
            other.function == mapping.function && other.id != mapping.id && other.state != MappingState::Disabled
        };
        self.mappings.values().filter(|other| feeds(&other.value)).count() as u32
    }

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

    /// What one question about a function was answered, or why it was not.
    pub fn put_function_setting(
        &mut self,
        function: &FunctionName,
        question: FunctionQuestion,
        answer: Result<FunctionAnswer, String>,
        at: Timestamp,
    ) {
        let known = self.function_settings.entry(function.clone());
        let known = known.or_insert_with(|| Observed::new(FunctionSettings::default(), at));
        match answer {
            Ok(answer) => {
                known.value.put(answer);
                known.at = at;
            }
            Err(why) => known.value.refuse(question, &why),
        }
    }

    /// The reserved concurrency of a function, where it has one and it is known.
    pub fn reserved_concurrency(&self, function: &FunctionName) -> Option<u32> {
        let asked = self.function_settings.get(function);
        asked.and_then(|settings| settings.value.reserved_concurrency.known().ok().copied().flatten())
    }

    /// The mappings that feed `function`.
    pub fn mappings_of<'a>(&'a self, function: &'a FunctionName) -> impl Iterator<Item = &'a Observed<Mapping>> {
        self.mappings.values().filter(move |mapping| mapping.value.function == *function)
    }

    /// The mappings that read `source`.
    pub fn readers_of<'a>(&'a self, source: &'a Arn) -> impl Iterator<Item = &'a Mapping> {
        self.mappings.values().map(|observed| &observed.value).filter(move |mapping| mapping.source == *source)
    }

    /// The function that reads a queue; of a dead-letter queue the one that reads a queue whose letters it
    /// takes, else the one whose failed batches it holds.
    pub fn function_of_queue(&self, name: &QueueName) -> Option<&FunctionName> {
        let queue = &self.queues.get(name)?.value;
        let sources = std::iter::once(&queue.arn).chain(&queue.sources);
        let reader = sources.flat_map(|arn| self.readers_of(arn)).next();
        let failed = || {
            let mut mappings = self.mappings.values().map(|observed| &observed.value);
            mappings.find(|mapping| mapping.settings.on_failure.as_ref() == Some(&queue.arn))
        };
        reader.or_else(failed).map(|mapping| &mapping.function)
    }
}
