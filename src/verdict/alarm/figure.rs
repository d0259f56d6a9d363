//! An alarm's value against its threshold, in the metric's unit: `984 s > 300 s`.

use crate::model::alarm::{Alarm, MetricAlarm};
use crate::verdict::wording::count;

/// `None` where the alarm's reason tells no value.
pub fn figure(alarm: &Alarm) -> Option<String> {
    let kind = alarm.metric()?;
    let value = alarm.value()?;
    let sign = kind.comparison.sign();
    Some(match kind.threshold {
        Some(threshold) => format!("{} {sign} {}", say(kind, value), say(kind, threshold)),
        None => format!("{} {sign}", say(kind, value)),
    })
}

/// A value of the alarm's metric, with its unit.
pub(super) fn say(kind: &MetricAlarm, value: f64) -> String {
    let metric = match (kind.metrics.as_slice(), &kind.expression) {
        // What an expression yields, and how many samples there were, has no unit that is known.
        ([metric], None) if metric.stat != "SampleCount" => metric.name.as_str(),
        _ => "",
    };
    if MILLISECONDS.contains(&metric) {
        // Both sides of the comparison in one unit: the threshold's.
        if kind.threshold.unwrap_or(value).abs() >= 1_000.0 {
            return format!("{} s", number(value / 1_000.0));
        }
        return format!("{} ms", number(value));
    }
    match metric {
        "ApproximateAgeOfOldestMessage" => format!("{} s", number(value)),
        "SentMessageSize" => format!("{} bytes", number(value)),
        _ => number(value),
    }
}

/// Whole numbers whole, others to two places at most.
fn number(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    if size.fract() == 0.0 || size >= 100.0 {
        return format!("{sign}{}", count(size));
    }
    let text = format!("{size:.2}");
    format!("{sign}{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Metrics that AWS publishes in milliseconds.
const MILLISECONDS: [&str; 6] = [
    "IteratorAge",
    "Duration",
    "AsyncEventAge",
    "PostRuntimeExtensionsDuration",
    "GetRecords.IteratorAgeMilliseconds",
    "SuccessfulRequestLatency",
];
