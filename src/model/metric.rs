//! CloudWatch metrics: which one, and the bounded series of what was published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::id::{FunctionName, MappingId, QueueName};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stat {
    Sum,
    Average,
    Minimum,
    Maximum,
    SampleCount,
    P95,
    P99,
}

impl Stat {
    /// As `MetricStat.Stat` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stat::Sum => "Sum",
            Stat::Average => "Average",
            Stat::Minimum => "Minimum",
            Stat::Maximum => "Maximum",
            Stat::SampleCount => "SampleCount",
            Stat::P95 => "p95",
            Stat::P99 => "p99",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let all = [Stat::Sum, Stat::Average, Stat::Minimum, Stat::Maximum, Stat::SampleCount, Stat::P95, Stat::P99];
        all.into_iter().find(|stat| stat.as_str() == text)
    }
}

/// One metric with one statistic: what a single `MetricDataQuery` asks, and what is billed once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MetricKey {
    /// `AWS/Lambda`, `AWS/SQS`, `AWS/DynamoDB`.
    pub namespace: String,
    pub name: String,
    /// The exact dimension set, sorted by name (CloudWatch matches it exactly; aws-facts §2.6).
    pub dimensions: Vec<(String, String)>,
    pub stat: Stat,
}

impl MetricKey {
    pub fn lambda(function: &FunctionName, name: &str, stat: Stat) -> Self {
        Self::one("AWS/Lambda", name, "FunctionName", function.as_str(), stat)
    }

    /// `AWS/Lambda` without dimensions: the whole account and region.
    pub fn account(name: &str, stat: Stat) -> Self {
        MetricKey { namespace: "AWS/Lambda".to_owned(), name: name.to_owned(), dimensions: Vec::new(), stat }
    }

    /// The opt-in event source mapping metrics (`MetricsConfig: EventCount`).
    pub fn mapping(mapping: &MappingId, name: &str, stat: Stat) -> Self {
        Self::one("AWS/Lambda", name, "EventSourceMappingUUID", mapping.as_str(), stat)
    }

    pub fn sqs(queue: &QueueName, name: &str, stat: Stat) -> Self {
        Self::one("AWS/SQS", name, "QueueName", queue.as_str(), stat)
    }

    fn one(namespace: &str, name: &str, dimension: &str, value: &str, stat: Stat) -> Self {
        MetricKey {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: vec![(dimension.to_owned(), value.to_owned())],
            stat,
        }
    }
}

/// Datapoints of one metric, oldest first, at most [`Series::CAPACITY`]. A missing minute is
/// missing; it is never 0.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Series {
    points: BTreeMap<Timestamp, f64>,
}

impl Series {
    /// Twelve hours of one-minute periods.
    pub const CAPACITY: usize = 720;

    /// Puts datapoints in; one whose period is already there replaces it (late and partial periods
    /// are published again), and the oldest fall out. What is no number is no datapoint: medians and bounds
    /// cannot be taken of it.
    pub fn merge(&mut self, points: impl IntoIterator<Item = (Timestamp, f64)>) {
        self.points.extend(points.into_iter().filter(|(_, value)| value.is_finite()));
        while self.points.len() > Self::CAPACITY {
            self.points.pop_first();
        }
    }

    pub fn newest(&self) -> Option<(Timestamp, f64)> {
        self.points.last_key_value().map(|(at, value)| (*at, *value))
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Timestamp, f64)> + '_ {
        self.points.iter().map(|(at, value)| (*at, *value))
    }

    /// Datapoints whose period starts in `from..to`, oldest first.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl DoubleEndedIterator<Item = (Timestamp, f64)> + '_ {
        let to = to.max(from);
        self.points.range(from..to).map(|(at, value)| (*at, *value))
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

/// Every series the console has, by key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metrics {
    series: BTreeMap<MetricKey, Series>,
    /// When each key was last asked for and answered, even with nothing.
    asked_at: BTreeMap<MetricKey, Timestamp>,
    /// Milliseconds that may lie between two questions about a key, where that is more than ten minutes.
    patience_ms: i64,
}

impl Metrics {
    pub fn get(&self, key: &MetricKey) -> Option<&Series> {
        self.series.get(key).filter(|series| !series.is_empty())
    }

    /// Takes an answer in: datapoints, and that the key was answered at `at` (so "asked, and there
    /// is none" can be told from "never asked").
    pub fn merge(&mut self, key: &MetricKey, at: Timestamp, points: impl IntoIterator<Item = (Timestamp, f64)>) {
        self.series.entry(key.clone()).or_default().merge(points);
        self.asked_at.insert(key.clone(), at);
    }

    pub fn asked_at(&self, key: &MetricKey) -> Option<Timestamp> {
        self.asked_at.get(key).copied()
    }

    /// Says how long a key may go unasked before its silence means something.
    pub fn set_patience(&mut self, ms: u64) {
        self.patience_ms = i64::try_from(ms).unwrap_or(i64::MAX);
    }

    /// The moment a key's series speaks of: now, but for one that is asked seldom on purpose; that one
    /// is judged as of when it was asked. What should have been asked since is missing, not old.
    pub fn spoken_at(&self, key: &MetricKey, now: Timestamp) -> Timestamp {
        let asked_at = self.asked_at(key).unwrap_or(now).min(now);
        if now.ms_since(asked_at) > self.patience_ms.max(MOST_SEEN_MS) { now } else { asked_at }
    }

    /// Where sums over complete periods end: the newest three before the key was asked are incomplete
    /// (ux.md, "Verdicts on screen"), and stay so until it is asked again.
    pub fn complete_until(&self, key: &MetricKey, now: Timestamp) -> Timestamp {
        self.spoken_at(key, now).floor_to(60).plus_s(-180)
    }

    /// The newest datapoint of any series: what "metrics 2 m" on screen is the age of.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.series.values().filter_map(|series| series.newest().map(|(at, _)| at)).max()
    }
}

/// An answer older than this counts for nothing, unless it is asked for more seldom than that.
const MOST_SEEN_MS: i64 = 600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_period_replaces_and_never_appends_twice() {
        let mut series = Series::default();
        let minute = Timestamp::from_s(60);
        series.merge([(minute, 1.0), (minute.plus_s(60), 2.0)]);
        series.merge([(minute, 5.0)]);
        assert_eq!(series.iter().collect::<Vec<_>>(), [(minute, 5.0), (minute.plus_s(60), 2.0)]);
    }

    #[test]
    fn what_is_no_number_is_no_datapoint() {
        let mut series = Series::default();
        series.merge([(Timestamp::from_s(0), 1.0), (Timestamp::from_s(60), f64::NAN)]);
        series.merge([(Timestamp::from_s(0), f64::INFINITY)]);
        assert_eq!(series.iter().collect::<Vec<_>>(), [(Timestamp::from_s(0), 1.0)]);
    }

    #[test]
    fn a_series_is_bounded() {
        let mut series = Series::default();
        series.merge((0..2000).map(|i| (Timestamp::from_s(i * 60), 0.0)));
        assert_eq!(series.len(), Series::CAPACITY);
        assert_eq!(series.newest().map(|(at, _)| at), Some(Timestamp::from_s(1999 * 60)));
    }
}
