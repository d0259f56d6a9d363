//! The alarms a careful team has on the standard pipeline. Healthy by itself, none of them fires.

use crate::model::alarm::{AlarmKind, AlarmMetric, Comparison, MetricAlarm, TreatMissing};
use crate::pipeline::blueprint::AlarmBlueprint;
use crate::pipeline::standard::{JOB_DLQ, JOB_QUEUE, LOG_FAILURES, LOG_WORKER};

/// `topic`: who is told.
pub fn alarms(topic: &str) -> Vec<AlarmBlueprint> {
    let told = || vec![topic.to_owned()];
    let waiting = |queue| metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, "Maximum");
    let oldest = metric("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", JOB_QUEUE, "Maximum");
    let age = metric("AWS/Lambda", "IteratorAge", "FunctionName", LOG_WORKER, "Maximum");
    let errors = metric("AWS/Lambda", "Errors", "FunctionName", LOG_WORKER, "Sum");
    vec![
        one("iterator-age-high", "LogWorker is more than five minutes late", above(age, 300_000.0, 3), told()),
        // Nobody is woken by errors alone: retries may do. See log-path-broken.
        one("log-worker-errors", "LogWorker fails again and again", above(errors, 0.0, 3), Vec::new()),
        one("job-queue-old", "A job has waited for more than five minutes", above(oldest, 300.0, 5), told()),
        one("job-dlq-not-empty", "Jobs have died", above(waiting(JOB_DLQ), 0.0, 1), told()),
        one("log-failures-not-empty", "Events were given up", above(waiting(LOG_FAILURES), 0.0, 1), told()),
        one(
            "log-path-broken",
            "LogWorker is late because it fails",
            AlarmKind::Composite { rule: "ALARM(\"iterator-age-high\") AND ALARM(\"log-worker-errors\")".to_owned() },
            told(),
        ),
    ]
}

fn one(name: &str, description: &str, kind: AlarmKind, actions: Vec<String>) -> AlarmBlueprint {
    AlarmBlueprint { name: name.into(), description: description.to_owned(), kind, actions, actions_enabled: true }
}

fn metric(namespace: &str, name: &str, dimension: &str, value: &str, stat: &str) -> AlarmMetric {
    AlarmMetric {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions: vec![(dimension.to_owned(), value.to_owned())],
        stat: stat.to_owned(),
        period_s: 60,
    }
}

/// Above the threshold in each of so many minutes. A minute without data is good: these metrics have
/// none when nothing happens (aws-facts §2.2, §2.4).
fn above(metric: AlarmMetric, threshold: f64, minutes: u32) -> AlarmKind {
    AlarmKind::Metric(MetricAlarm {
        metrics: vec![metric],
        expression: None,
        evaluation_periods: minutes,
        datapoints_to_alarm: Some(minutes),
        threshold: Some(threshold),
        comparison: Comparison::Greater,
        treat_missing: TreatMissing::NotBreaching,
    })
}
