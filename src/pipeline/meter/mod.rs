//! Metrics as CloudWatch keeps them: per-minute aggregates under AWS's names and dimensions
//! (aws-facts §2). Who measures says when a datapoint belongs to; what is published when, and what
//! a query is answered, is decided here. A minute nobody measured stays a gap.

mod answer;
mod minute;
mod series;

use std::collections::BTreeMap;

use crate::model::id::{FunctionName, MappingId, QueueName};
use crate::model::time::Timestamp;
use crate::pipeline::meter::series::Series;

/// One metric with its dimensions, interned: adding to it costs no look-up by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesId(u32);

#[derive(Debug, Default)]
pub struct Meter {
    names: BTreeMap<Name, SeriesId>,
    series: Vec<Series>,
}

/// Namespace, metric, dimensions sorted by name.
type Name = (String, String, Vec<(String, String)>);

impl Meter {
    /// The series of this name, made when it is not there yet.
    pub fn series(&mut self, namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> SeriesId {
        let mut owned: Vec<_> = dimensions.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        owned.sort();
        let name = (namespace.to_owned(), metric.to_owned(), owned);
        if let Some(id) = self.names.get(&name) {
            return *id;
        }
        // Series are made by hand, one a resource and metric: there are never 2^32.
        let id = SeriesId(u32::try_from(self.series.len()).unwrap_or(u32::MAX));
        let key = name.2.iter().fold(hash(&name.1), |sum, (_, value)| sum ^ hash(value));
        self.series.push(Series::new(key, SKETCHED.contains(&metric)));
        self.names.insert(name, id);
        id
    }

    /// `AWS/Lambda` by `FunctionName`.
    pub fn lambda(&mut self, function: &FunctionName, metric: &str) -> SeriesId {
        self.series("AWS/Lambda", metric, &[("FunctionName", function.as_str())])
    }

    /// `AWS/Lambda` without dimensions: the whole account.
    pub fn account(&mut self, metric: &str) -> SeriesId {
        self.series("AWS/Lambda", metric, &[])
    }

    /// The opt-in metrics of an event source mapping (aws-facts §2.3).
    pub fn mapping(&mut self, mapping: &MappingId, metric: &str) -> SeriesId {
        self.series("AWS/Lambda", metric, &[("EventSourceMappingUUID", mapping.as_str())])
    }

    /// `AWS/SQS` by `QueueName`.
    pub fn sqs(&mut self, queue: &QueueName, metric: &str) -> SeriesId {
        self.series("AWS/SQS", metric, &[("QueueName", queue.as_str())])
    }

    /// `AWS/DynamoDB`, `GetRecords` of one stream (aws-facts §2.5).
    pub fn stream(&mut self, table: &str, label: &str, metric: &str) -> SeriesId {
        let dimensions = [("Operation", "GetRecords"), ("StreamLabel", label), ("TableName", table)];
        self.series("AWS/DynamoDB", metric, &dimensions)
    }

    /// `AWS/DynamoDB` by `TableName`.
    pub fn table(&mut self, table: &str, metric: &str) -> SeriesId {
        self.series("AWS/DynamoDB", metric, &[("TableName", table)])
    }

    /// One sample of `value` in the minute of `at`, which may lie some minutes back (Lambda stamps
    /// with the start of an invocation).
    pub fn add(&mut self, id: SeriesId, at: Timestamp, value: f64) {
        self.add_many(id, at, value, 1);
    }

    /// `count` samples of `value` each.
    pub fn add_many(&mut self, id: SeriesId, at: Timestamp, value: f64, count: u32) {
        if let Some(series) = self.series.get_mut(id.0 as usize) {
            series.add(at, value, count);
        }
    }
}

/// Metrics whose percentiles can be asked for.
const SKETCHED: [&str; 3] = ["Duration", "IteratorAge", "AsyncEventAge"];

/// FNV-1a: only spreads publication delays.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
