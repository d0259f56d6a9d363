//! What CloudWatch says of a queue, minute by minute, beside the runs of the function that reads it.

use crate::forecast::sight::{Seen, Sight};
use crate::model::id::{Arn, FunctionName, QueueName};
use crate::model::metric::{MetricKey, Stat};
use crate::model::rehearsal::{SourceQueue, wait_ms};
use crate::model::time::Timestamp;

/// A minute. What was not published is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Watched {
    pub(super) seen: Seen,
    pub(super) sent: Option<f64>,
    pub(super) received: Option<f64>,
    pub(super) deleted: Option<f64>,
    /// At the beginning of the minute.
    pub(super) visible: Option<f64>,
    pub(super) hidden: Option<f64>,
    pub(super) oldest_ms: Option<f64>,
    /// Runs of the other functions that write to the queue.
    pub(super) requested: Option<f64>,
}

impl Watched {
    /// More waits than is handled in half a minute.
    pub(super) fn is_backlogged(&self) -> bool {
        self.visible.is_some_and(|waiting| wait_ms(waiting, self.deleted.unwrap_or(0.0)) > BACKLOG_MS)
    }
}

/// Less than this is no backlog: a batch window, and what comes while a run lasts.
pub(super) const BACKLOG_MS: f64 = 30_000.0;

/// The metrics of a queue that a rehearsal reads, and the runs of those that write to it besides its reader.
pub(in crate::forecast) fn wanted(source: &Arn, queue: Option<&SourceQueue>) -> Vec<MetricKey> {
    let keys = KEYS.into_iter().map(|(name, stat)| key(source, name, stat));
    keys.chain(writers(queue).map(runs)).collect()
}

/// Each is a metric to be paid for.
fn writers(queue: Option<&SourceQueue>) -> impl Iterator<Item = &FunctionName> {
    queue.into_iter().filter(|queue| queue.writers.len() <= MOST_WRITERS).flat_map(|queue| &queue.writers)
}

fn runs(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "Invocations", Stat::Sum)
}

fn key(source: &Arn, name: &str, stat: Stat) -> MetricKey {
    MetricKey::sqs(&QueueName::new(source.resource()), name, stat)
}

const KEYS: [(&str, Stat); 6] = [
    ("NumberOfMessagesSent", Stat::Sum),
    ("NumberOfMessagesReceived", Stat::Sum),
    ("NumberOfMessagesDeleted", Stat::Sum),
    ("ApproximateNumberOfMessagesVisible", Stat::Maximum),
    ("ApproximateNumberOfMessagesNotVisible", Stat::Maximum),
    ("ApproximateAgeOfOldestMessage", Stat::Maximum),
];

/// The same minutes with what the queue published in them.
pub(super) fn watched(sight: &Sight<'_>, minutes: Vec<Seen>) -> Vec<Watched> {
    let series = KEYS.map(|(name, stat)| sight.metrics.get(&key(&sight.mapping.source, name, stat)));
    let at = |n: usize, at: Timestamp| {
        series[n].and_then(|series| series.between(at, at.plus_s(60)).next()).map(|(_, value)| value)
    };
    let writers: Vec<_> = writers(sight.queue).filter_map(|function| sight.metrics.get(&runs(function))).collect();
    // A minute without a run has no datapoint: one writer that is told of tells of all.
    let requested = |at: Timestamp| {
        let told = writers.iter().filter_map(|series| series.between(at, at.plus_s(60)).next());
        told.map(|(_, n)| n).reduce(|a, b| a + b)
    };
    minutes
        .into_iter()
        .map(|seen| Watched {
            seen,
            sent: at(0, seen.at),
            received: at(1, seen.at),
            deleted: at(2, seen.at),
            visible: at(3, seen.at),
            hidden: at(4, seen.at),
            oldest_ms: at(5, seen.at).map(|s| s * 1000.0),
            requested: requested(seen.at),
        })
        .collect()
}

/// Who has more writers than this is not followed by their runs.
const MOST_WRITERS: usize = 8;
