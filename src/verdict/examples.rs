//! Pictures to judge, for the rules' tests: a stream consumer and a queue consumer with what they
//! publish, minute by minute.

use std::collections::VecDeque;

use crate::model::finding::Finding;
use crate::model::id::MappingId;
use crate::model::mapping::{Mapping, MappingSettings, MappingState};
use crate::model::metric::{MetricKey, Stat};
use crate::model::observed::Observed;
use crate::model::picture::Picture;
use crate::model::queue::{Queue, QueueCounts};
use crate::model::time::Timestamp;

pub const FUNCTION: &str = "LogWorker";
pub const STREAM: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/Events/stream/2026-01-01T00:00:00.000";
/// Minutes of history in every example.
pub const MINUTES: i64 = 60;

/// The end of the history.
pub fn now() -> Timestamp {
    Timestamp::from_s(MINUTES * 60)
}

/// LogWorker on the stream of Events, healthy.
pub fn stream() -> Picture {
    let mut picture = Picture::default();
    let settings = MappingSettings {
        batch_size: Some(100),
        parallelization_factor: Some(1),
        max_retry_attempts: Some(-1),
        bisect: Some(false),
        ..MappingSettings::default()
    };
    put_mapping(&mut picture, FUNCTION, STREAM, settings);
    for (stat, age) in [(Stat::Maximum, 900.0), (Stat::Minimum, 200.0)] {
        lambda(&mut picture, FUNCTION, "IteratorAge", stat, |_| age);
    }
    healthy(&mut picture, FUNCTION);
    picture
}

/// JobWorker on JobQueue with JobDLQ, healthy.
pub fn queue() -> Picture {
    let mut picture = Picture::default();
    put_mapping(&mut picture, "JobWorker", &arn("JobQueue"), MappingSettings::default());
    healthy(&mut picture, "JobWorker");
    put_queue(&mut picture, "JobQueue", &[], |_| 10);
    put_queue(&mut picture, "JobDLQ", &["JobQueue"], |_| 0);
    for name in ["JobQueue", "JobDLQ"] {
        sqs(&mut picture, name, "ApproximateAgeOfOldestMessage", |_| 0.0);
        sqs(&mut picture, name, "ApproximateNumberOfMessagesVisible", |_| 0.0);
    }
    picture
}

pub fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:123456789012:{queue}")
}

/// Sets every minute's datapoint of a function's metric.
pub fn lambda(picture: &mut Picture, function: &str, name: &str, stat: Stat, value: impl Fn(f64) -> f64) {
    put(picture, &MetricKey::lambda(&function.into(), name, stat), value);
}

pub fn sqs(picture: &mut Picture, queue: &str, name: &str, value: impl Fn(f64) -> f64) {
    put(picture, &MetricKey::sqs(&queue.into(), name, Stat::Maximum), value);
}

pub fn put(picture: &mut Picture, key: &MetricKey, value: impl Fn(f64) -> f64) {
    let minute = |m: i32| (Timestamp::from_s(i64::from(m) * 60), value(f64::from(m)));
    // The newest two minutes are not published yet.
    let points: Vec<_> = (0..i32::try_from(MINUTES).expect("small") - 2).map(minute).collect();
    picture.metrics.merge(key, now(), points);
}

/// A queue polled every ten seconds for the last ten minutes; `total` by seconds ago.
pub fn put_queue(picture: &mut Picture, name: &str, sources: &[&str], total: impl Fn(i64) -> u64) {
    put_polls(picture, name, sources, 60, total);
}

/// The same for so many minutes; its sources stay.
pub fn put_depths(picture: &mut Picture, name: &str, minutes: i64, total: impl Fn(i64) -> u64) {
    put_polls(picture, name, &[], minutes * 6, total);
}

fn put_polls(picture: &mut Picture, name: &str, sources: &[&str], polls: i64, total: impl Fn(i64) -> u64) {
    picture.depths.insert(name.into(), VecDeque::new());
    for ago in (0..polls).rev().map(|n| n * 10) {
        let queue = Queue {
            name: name.into(),
            url: format!("https://sqs/123456789012/{name}").into(),
            arn: arn(name).into(),
            counts: QueueCounts { visible: total(ago), ..QueueCounts::default() },
            visibility_s: 60,
            retention_s: 345_600,
            delay_s: 0,
            max_message_bytes: 1_048_576,
            redrive: None,
            fifo: false,
            last_modified: None,
            sources: sources.iter().map(|source| arn(source).into()).collect(),
        };
        picture.put_queue(queue, now().plus_s(-ago));
    }
}

pub fn mapping(picture: &mut Picture) -> &mut Mapping {
    &mut picture.mappings.values_mut().next().expect("every example has one").value
}

/// The rules that spoke, worst first.
pub fn rules(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.as_str()).collect()
}

fn put_mapping(picture: &mut Picture, function: &str, source: &str, settings: MappingSettings) {
    let id = MappingId::from("b8a3c5a0-0000-4000-8000-000000000001");
    let mapping = Mapping {
        id: id.clone(),
        source: source.into(),
        function: function.into(),
        function_arn: format!("arn:aws:lambda:eu-west-1:123456789012:function:{function}").into(),
        state: MappingState::Enabled,
        state_reason: Some("User action".to_owned()),
        settings,
        last_processing_result: None,
        last_modified: Some(Timestamp::ZERO),
    };
    picture.mappings.insert(id, Observed::new(mapping, now()));
}

fn healthy(picture: &mut Picture, function: &str) {
    lambda(picture, function, "Invocations", Stat::Sum, |_| 600.0);
    lambda(picture, function, "Errors", Stat::Sum, |_| 0.0);
    lambda(picture, function, "Throttles", Stat::Sum, |_| 0.0);
}
