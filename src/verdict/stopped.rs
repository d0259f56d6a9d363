//! A consumer that is switched off: nothing is processed, and the clock of what it leaves runs.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::behind::{given_to, loss_age};
use crate::verdict::bound::Bound;
use crate::verdict::window::newest;
use crate::verdict::wording::{about, count, exact, remedy, span};
use crate::verdict::{NEAR_LOSS_MS, clock};

/// How soon it speaks.
pub const BOUND: Bound = Bound::SUDDEN;

pub fn check(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Finding> {
    let state = match mapping.state {
        MappingState::Disabled => "stopped",
        MappingState::Disabling => "stopping",
        _ => return None,
    };
    let mut evidence = vec![match (&mapping.state_reason, mapping.last_modified) {
        (Some(reason), Some(at)) => {
            format!("mapping {} at {}: {reason}{}", mapping.state, at.clock_from(now), by_whom(reason))
        }
        (Some(reason), None) => format!("mapping {}: {reason}", mapping.state),
        (None, _) => format!("mapping {}, no reason given", mapping.state),
    }];
    let loss_in_ms = if mapping.kind().is_stream() {
        stream(picture, now, mapping, &mut evidence)
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

/// Lambda says that it was a call and never whose.
fn by_whom(reason: &str) -> &'static str {
    let call = reason.eq_ignore_ascii_case("user action") || reason == "USER_INITIATED";
    if call { " (a call; whose, only CloudTrail knows)" } else { "" }
}

/// When the first record is gone, at the earliest: what was up to date when it stopped has aged since then,
/// and what was late already longer.
fn stream(picture: &Picture, now: Timestamp, mapping: &Mapping, evidence: &mut Vec<String>) -> Option<f64> {
    let (lost_at_ms, what) = loss_age(picture, mapping);
    let from = format!("records are {what}{} from {}", given_to(picture, mapping), about(lost_at_ms));
    let since_stop = mapping.last_modified.map(|at| (lost_at_ms - span(now.ms_since(at))).max(0.0));
    let since_seen = clock::of(picture, now, mapping).loss.at_least_ms;
    let Some(left_ms) = since_stop.into_iter().chain(since_seen).min_by(f64::total_cmp) else {
        evidence.push(format!("{from}; since when it is stopped is not known"));
        return None;
    };
    // Never rounded up.
    evidence.push(format!("{from}: in {} at least", spoken(left_ms as i64)));
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
