//! What can be seen of a consumer: its mapping, its metrics minute by minute, its limits. The
//! only door through which live figures reach a rehearsal.

use crate::forecast::queue::watched;
use crate::model::id::Arn;
use crate::model::mapping::{Mapping, SourceKind};
use crate::model::metric::{MetricKey, Metrics, Stat};
use crate::model::rehearsal::SourceQueue;
use crate::model::time::Timestamp;

/// What is known of a consumer, and when.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    pub mapping: &'a Mapping,
    pub metrics: &'a Metrics,
    pub now: Timestamp,
    /// Open shards of the stream, where that was asked (DescribeStream).
    pub shards: Option<u32>,
    pub timeout_s: Option<u32>,
    pub memory_mb: Option<u32>,
    /// Runs the function may have at a time.
    pub limit: Option<Limit>,
    /// Other mappings that feed the function and are not disabled.
    pub siblings: u32,
    /// Of a queue's consumer, where it was read.
    pub queue: Option<&'a SourceQueue>,
}

/// Where a function's runs have their limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Its own reserved concurrency.
    Reserved(u32),
    /// What the account leaves to all functions without a reserve.
    Unreserved(u32),
}

/// One complete minute as CloudWatch published it. What was not published is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seen {
    pub at: Timestamp,
    pub age_max_ms: Option<f64>,
    pub age_min_ms: Option<f64>,
    pub age_avg_ms: Option<f64>,
    pub invocations: Option<f64>,
    pub errors: f64,
    pub throttles: f64,
    pub duration_avg_ms: Option<f64>,
    pub duration_min_ms: Option<f64>,
    pub duration_max_ms: Option<f64>,
    pub duration_p99_ms: Option<f64>,
    pub concurrency_max: Option<f64>,
    /// Runs at a time of all functions without a reserve.
    pub unreserved_max: Option<f64>,
    /// Events handed to the function, retries again (opt-in, aws-facts §2.3).
    pub events: Option<f64>,
    /// Those of them that failed, by exception or in the handler's answer (opt-in too).
    pub failed_events: f64,
    /// What was written to the table or stream, whatever the unit.
    pub writes: Option<f64>,
    /// Records given up: dropped, or sent to the on-failure destination.
    pub given_up: f64,
}

impl Seen {
    /// Records in a run, where the mapping counts events.
    pub fn fill(&self) -> Option<f64> {
        let invocations = self.invocations.filter(|n| *n > 0.0)?;
        Some(self.events? / invocations)
    }

    /// Records that were handled, where the mapping counts events.
    pub fn handled(&self) -> Option<f64> {
        self.events.map(|events| (events - self.failed_events).max(0.0))
    }
}

/// The metrics a rehearsal of this mapping reads, each billed once (aws-facts §2.6).
pub fn wanted(mapping: &Mapping, queue: Option<&SourceQueue>) -> Vec<MetricKey> {
    let function = &mapping.function;
    let ages = [Stat::Maximum, Stat::Minimum, Stat::Average].map(|stat| ("IteratorAge", stat));
    let figures = [
        ("Invocations", Stat::Sum),
        ("Errors", Stat::Sum),
        ("Throttles", Stat::Sum),
        ("Duration", Stat::Average),
        ("Duration", Stat::Minimum),
        ("Duration", Stat::Maximum),
        ("Duration", Stat::P99),
        ("ConcurrentExecutions", Stat::Maximum),
    ];
    let ages = ages.into_iter().filter(|_| mapping.kind().is_stream());
    let mut keys: Vec<MetricKey> =
        ages.chain(figures).map(|(name, stat)| MetricKey::lambda(function, name, stat)).collect();
    if mapping.kind().is_queue() {
        keys.extend(watched::wanted(&mapping.source, queue));
    }
    keys.push(MetricKey::mapping(&mapping.id, "InvokedEventCount", Stat::Sum));
    keys.push(MetricKey::mapping(&mapping.id, "FailedInvokeEventCount", Stat::Sum));
    if mapping.kind().is_stream() {
        keys.extend(given_up(mapping));
    }
    keys.push(unreserved());
    keys.extend(written(&mapping.source));
    keys
}

/// What is sent to the on-failure destination is not counted as dropped (aws-facts §2.3).
fn given_up(mapping: &Mapping) -> [MetricKey; 2] {
    ["DroppedEventCount", "OnFailureDestinationDeliveredEventCount"]
        .map(|name| MetricKey::mapping(&mapping.id, name, Stat::Sum))
}

/// A figure of the account, hence without a dimension.
fn unreserved() -> MetricKey {
    MetricKey {
        namespace: "AWS/Lambda".to_owned(),
        name: "UnreservedConcurrentExecutions".to_owned(),
        dimensions: Vec::new(),
        stat: Stat::Maximum,
    }
}

/// What is written to the source: a table's write capacity units, a Kinesis stream's records. Only its
/// shape counts: a unit is a KB, not a record.
fn written(source: &Arn) -> Option<MetricKey> {
    let (namespace, name, dimension, value) = match SourceKind::of(source) {
        SourceKind::DynamoDb => ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", source.table()?),
        SourceKind::Kinesis => {
            ("AWS/Kinesis", "IncomingRecords", "StreamName", source.as_str().split_once(":stream/")?.1)
        }
        _ => return None,
    };
    Some(MetricKey {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions: vec![(dimension.to_owned(), value.to_owned())],
        stat: Stat::Sum,
    })
}

impl Sight<'_> {
    /// The complete minutes among the last `minutes`, oldest first; those without a run are there
    /// with nothing in them.
    pub fn minutes(&self, minutes: i64) -> Vec<Seen> {
        let function = &self.mapping.function;
        let written = written(&self.mapping.source);
        let key = |name: &str, stat| MetricKey::lambda(function, name, stat);
        let to = self.metrics.complete_until(&key("Invocations", Stat::Sum), self.now);
        let at = |key: MetricKey, at: Timestamp| {
            self.metrics.get(&key).and_then(|series| series.between(at, at.plus_s(60)).next()).map(|(_, value)| value)
        };
        (1..=minutes)
            .rev()
            .map(|back| to.plus_s(-60 * back))
            .map(|minute| Seen {
                at: minute,
                age_max_ms: at(key("IteratorAge", Stat::Maximum), minute),
                age_min_ms: at(key("IteratorAge", Stat::Minimum), minute),
                age_avg_ms: at(key("IteratorAge", Stat::Average), minute),
                invocations: at(key("Invocations", Stat::Sum), minute),
                errors: at(key("Errors", Stat::Sum), minute).unwrap_or(0.0),
                throttles: at(key("Throttles", Stat::Sum), minute).unwrap_or(0.0),
                duration_avg_ms: at(key("Duration", Stat::Average), minute),
                duration_min_ms: at(key("Duration", Stat::Minimum), minute),
                duration_max_ms: at(key("Duration", Stat::Maximum), minute),
                duration_p99_ms: at(key("Duration", Stat::P99), minute),
                concurrency_max: at(key("ConcurrentExecutions", Stat::Maximum), minute),
                unreserved_max: at(unreserved(), minute),
                events: at(MetricKey::mapping(&self.mapping.id, "InvokedEventCount", Stat::Sum), minute),
                failed_events: at(MetricKey::mapping(&self.mapping.id, "FailedInvokeEventCount", Stat::Sum), minute)
                    .unwrap_or(0.0),
                writes: written.clone().and_then(|key| at(key, minute)),
                given_up: given_up(self.mapping).into_iter().filter_map(|key| at(key, minute)).sum(),
            })
            .collect()
    }

    /// The minutes since the mapping was last changed and the change had time to act, of the last
    /// `minutes`: figures of before it say nothing about the settings of now.
    pub fn minutes_under_these_settings(&self, minutes: i64) -> Vec<Seen> {
        let since = self.mapping.last_modified.map_or(Timestamp::ZERO, |at| at.plus_s(SETTLES_S));
        self.minutes(minutes).into_iter().filter(|seen| seen.at >= since).collect()
    }
}

/// After a change of a mapping so many seconds belong to neither setting (aws-facts §1.3: minutes).
const SETTLES_S: i64 = 180;
