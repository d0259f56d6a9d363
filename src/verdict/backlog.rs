//! A queue whose messages wait longer and longer.

use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::mapping::Mapping;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::bound::Bound;
use crate::verdict::dead_letters_arriving::takes_dead_letters;
use crate::verdict::window::{rising_since, total, trend};
use crate::verdict::wording::{about, count, exact, rate, remedy, whole_ms};
use crate::verdict::{NEAR_LOSS_MS, is_running};

/// Waiting less than this, in seconds, is no backlog.
const NOISE_S: f64 = 30.0;
/// A rise slower than this, in seconds a second, is not one.
const LEAST_RISE: f64 = 0.05;
/// `MaximumConcurrency` (aws-facts §1.1).
const MAX_CONCURRENCY: u32 = 1000;

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, queue: &Queue) -> Option<Finding> {
    if takes_dead_letters(picture, queue) {
        return None;
    }
    let consumer = picture.readers_of(&queue.arn).next();
    if consumer.is_some_and(|mapping| !is_running(mapping)) {
        return None;
    }
    let age_key = key(queue, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    // A datapoint is in seconds and the trend in units a millisecond.
    let age = trend(picture, now, &age_key).filter(|age| age.newest > NOISE_S)?;
    let depth = trend(picture, now, &key(queue, "ApproximateNumberOfMessagesVisible", Stat::Maximum))?;
    let rise = age.long * 1000.0;
    if !age.is_rising(LEAST_RISE / 1000.0) || depth.long <= 0.0 {
        return None;
    }
    let left_ms = (f64::from(queue.retention_s) - age.newest).max(0.0) * 1000.0 / rise;
    let mut evidence = vec![
        format!("the oldest waits {} ↑ {} s/s", spoken(whole_ms(age.newest * 1000.0)), rate(rise)),
        format!(
            "~{} ready ↑ {}/s, ~{} in flight",
            count(exact(queue.counts.visible)),
            rate(depth.long * 1000.0),
            count(exact(queue.counts.in_flight))
        ),
        format!("messages expire after {}: in about {}", spoken(i64::from(queue.retention_s) * 1000), about(left_ms)),
    ];
    if let Some(done) = total(picture, now, &key(queue, "NumberOfMessagesDeleted", Stat::Sum), 10) {
        evidence.push(format!("{}/s done", rate(done.per_s())));
    }
    evidence.push(format!("ApproximateAgeOfOldestMessage, newest datapoint {}", age.newest_at.clock()));
    let objective_ms = objective_ms(picture, queue, consumer);
    let near = left_ms < NEAR_LOSS_MS || age.newest * 1000.0 > objective_ms;
    Some(Finding {
        rule: "backlog-growing".to_owned(),
        severity: if near { Severity::Harm } else { Severity::Warning },
        subject: Subject::Queue(queue.name.clone()),
        headline: format!("{}: the backlog grows", queue.name),
        since: picture.metrics.get(&age_key).and_then(|series| rising_since(series, NOISE_S)),
        evidence,
        remedies: remedies(consumer),
    })
}

/// The age of work that is still all right, by the queue's name or its consumer's.
pub(super) fn objective_ms(picture: &Picture, queue: &Queue, consumer: Option<&Mapping>) -> f64 {
    let names = [Some(queue.name.as_str()), consumer.map(|mapping| mapping.function.as_str())];
    picture.objectives.age_ms(names.into_iter().flatten())
}

fn key(queue: &Queue, name: &str, stat: Stat) -> MetricKey {
    MetricKey::sqs(&queue.name, name, stat)
}

fn remedies(consumer: Option<&Mapping>) -> Vec<Remedy> {
    let Some(mapping) = consumer else { return Vec::new() };
    let mut remedies = Vec::new();
    if let Some(max) = mapping.settings.max_concurrency.filter(|max| *max < MAX_CONCURRENCY) {
        remedies.push(remedy("tune", format!("tune: maximum concurrency {max}→{}", (max * 2).min(MAX_CONCURRENCY))));
    }
    remedies.push(remedy("logs", format!("logs of {}", mapping.function)));
    remedies
}
