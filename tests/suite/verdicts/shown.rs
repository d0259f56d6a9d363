//! Whether what is published, or read by our own polls, shows a fault now: from where on its rule's bound
//! counts. Written down apart from the rules, and simpler than any of them.

use redrive::model::metric::{MetricKey, Stat};
use redrive::model::time::Timestamp;

use super::case::Case;
use super::observer::Observer;

pub fn shows(case: &Case, observer: &Observer) -> bool {
    let seen = Seen { observer, function: function_of(&case.scenario.name) };
    match case.rule.as_str() {
        "falling-behind" | "lane-stuck" => seen.lambda("IteratorAge", Stat::Maximum) > 30_000.0,
        "behind" => seen.lambda("IteratorAge", Stat::Maximum) > 300_000.0,
        "catching-up" => seen.falls("IteratorAge", 30_000.0),
        "stalled" => seen.lambda("Throttles", Stat::Sum) + seen.lambda("Errors", Stat::Sum) > 0.0,
        "failing" => seen.lambda("Errors", Stat::Sum) > 0.0,
        "throttled" => seen.lambda("Throttles", Stat::Sum) > 0.0,
        // Two and a half times what it takes otherwise.
        "slow-handler" => seen.lambda("Duration", Stat::P95) > 1_000.0,
        // Four fifths of the function's minute.
        "near-time-out" => seen.lambda("Duration", Stat::P95) > 48_000.0,
        "backlog-growing" => seen.job_queue("ApproximateAgeOfOldestMessage") > 30.0,
        "oldest-too-old" => seen.job_queue("ApproximateAgeOfOldestMessage") > 300.0,
        // Messages are gone from when on the oldest is as old as they may be.
        "unbalanced" => seen.job_queue("ApproximateAgeOfOldestMessage") > 100.0,
        "retries-burning" => {
            let deleted = seen.sum("NumberOfMessagesDeleted");
            seen.sum("NumberOfMessagesReceived") > 2.0 * deleted.max(1.0)
        }
        "dead-letters-arriving" => seen.dead(10).is_some_and(|(first, last)| last > first),
        "dead-letters-standing" => seen.dead(6).is_some_and(|(first, last)| last > 0 && first == last),
        "events-dropped" => seen.lately("AsyncEventsDropped", Stat::Sum) > 0.0,
        "events-ageing" => seen.lately("AsyncEventAge", Stat::Maximum) > 180_000.0,
        "idle" => seen.lambda("Invocations", Stat::Sum) == 0.0 || seen.silent_s("Invocations", Stat::Sum) > 240,
        "blind" => seen.silent_s("IteratorAge", Stat::Maximum) > 240,
        "stopped" => observer.picture.mappings.values().any(|seen| {
            use redrive::model::mapping::MappingState::{Enabled, Enabling};
            !matches!(seen.value.state, Enabled | Enabling)
        }),
        other => panic!("what shows {other}?"),
    }
}

/// The function a scenario is about.
fn function_of(name: &str) -> &'static str {
    match name {
        name if name.contains("job") => "JobWorker",
        name if name.starts_with("events-") => "RequestWorker",
        _ => "LogWorker",
    }
}

struct Seen<'a> {
    observer: &'a Observer,
    function: &'static str,
}

impl Seen<'_> {
    fn series(&self, key: &MetricKey) -> Vec<(Timestamp, f64)> {
        self.observer.picture.metrics.get(key).map(|series| series.iter().collect()).unwrap_or_default()
    }

    /// The newest datapoint, whatever its age.
    fn newest(&self, key: &MetricKey) -> f64 {
        self.series(key).last().map_or(0.0, |(_, value)| *value)
    }

    fn key(&self, name: &str, stat: Stat) -> MetricKey {
        MetricKey::lambda(&self.function.into(), name, stat)
    }

    fn lambda(&self, name: &str, stat: Stat) -> f64 {
        self.newest(&self.key(name, stat))
    }

    /// The same of a metric that says nothing when there is nothing, 0 after some minutes of silence.
    fn lately(&self, name: &str, stat: Stat) -> f64 {
        if self.silent_s(name, stat) > 300 { 0.0 } else { self.lambda(name, stat) }
    }

    fn job_queue(&self, name: &str) -> f64 {
        self.newest(&MetricKey::sqs(&"JobQueue".into(), name, Stat::Maximum))
    }

    fn sum(&self, name: &str) -> f64 {
        self.newest(&MetricKey::sqs(&"JobQueue".into(), name, Stat::Sum))
    }

    /// Over `least`, and less than five minutes before.
    fn falls(&self, name: &str, least: f64) -> bool {
        let series = self.series(&self.key(name, Stat::Maximum));
        let newest = series.last().map_or(0.0, |(_, value)| *value);
        newest > least && series.iter().rev().nth(5).is_some_and(|(_, before)| *before > newest)
    }

    fn silent_s(&self, name: &str, stat: Stat) -> i64 {
        let newest = self.series(&self.key(name, stat)).last().map(|(at, _)| *at);
        newest.map_or(0, |at| self.observer.now().ms_since(at) / 1000)
    }

    /// Dead letters at the begin and the end of the last polls.
    fn dead(&self, polls: usize) -> Option<(u64, u64)> {
        let depths = self.observer.picture.depths.get(&"JobDLQ".into())?;
        let counts: Vec<u64> = depths.iter().rev().take(polls).map(|(_, counts)| counts.total()).collect();
        Some((*counts.last()?, *counts.first()?))
    }
}
