//! A consumer that is switched off: nothing is processed, and the clock of what it leaves runs.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::NEAR_LOSS_MS;
use crate::verdict::bound::Bound;
use crate::verdict::window::newest;
use crate::verdict::wording::{about, count, exact, remedy, span};

/// A stream keeps a record for 24 h (aws-facts §4.3), milliseconds.
const TRIMMED_MS: f64 = 86_400_000.0;

/// How soon it speaks.
pub const BOUND: Bound = Bound::SUDDEN;

pub fn check(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Finding> {
    let state = match mapping.state {
        MappingState::Disabled => "stopped",
        MappingState::Disabling => "stopping",
        _ => return None,
    };
    let mut evidence = vec![match (&mapping.state_reason, mapping.last_modified) {
        (Some(reason), Some(at)) => format!("mapping {} at {}: {reason}", mapping.state, at.clock_from(now)),
        (Some(reason), None) => format!("mapping {}: {reason}", mapping.state),
        (None, _) => format!("mapping {}, no reason given", mapping.state),
    }];
    let loss_in_ms = if mapping.kind().is_stream() {
        stream(now, mapping, &mut evidence)
    } else {
        queue(picture, now, mapping, &mut evidence)
    };
    let near = loss_in_ms.is_some_and(|ms| ms < NEAR_LOSS_MS);
    Some(Finding {
        rule: "stopped".to_owned(),
        severity: if near { Severity::Harm } else { Severity::Warning },
        subject: Subject::Mapping(mapping.id.clone()),
        headline: format!("{} is {state}", mapping.function),
        since: mapping.last_modified,
        evidence,
        remedies: vec![remedy("stop-start", format!("start {}", mapping.function))],
    })
}

/// When the first record is trimmed: 24 h after the consumer stopped, if it was up to date then.
fn stream(now: Timestamp, mapping: &Mapping, evidence: &mut Vec<String>) -> Option<f64> {
    let Some(at) = mapping.last_modified else {
        evidence.push("records are lost from 24 h; since when it is stopped is not known".to_owned());
        return None;
    };
    let left_ms = (TRIMMED_MS - span(now.ms_since(at))).max(0.0);
    evidence.push(format!("records are lost from 24 h: in about {}", about(left_ms)));
    Some(left_ms)
}

/// How much waits, and when the oldest of it expires.
fn queue(picture: &Picture, now: Timestamp, mapping: &Mapping, evidence: &mut Vec<String>) -> Option<f64> {
    let observed = picture.queue_by_arn(&mapping.source)?;
    let queue = &observed.value;
    evidence.push(format!("~{} wait in {}", count(exact(queue.counts.visible)), queue.name));
    let age = MetricKey::sqs(&queue.name, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    let (at, age_s) = newest(picture, now, &age).filter(|(_, age_s)| *age_s > 0.0)?;
    let left_ms = (f64::from(queue.retention_s) - age_s).max(0.0) * 1000.0 - span(now.ms_since(at));
    let retention = spoken(i64::from(queue.retention_s) * 1000);
    evidence.push(format!("messages expire after {retention}: the first in about {}", about(left_ms)));
    Some(left_ms)
}
