//! What cannot be judged: metrics that never came, or stopped coming. A gap is not 0 and not good:
//! a consumer that is idle, throttled to nothing or hung publishes nothing (aws-facts §2.2).

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::bound::Bound;
use crate::verdict::wanted::{age_max, invocations, throttles};
use crate::verdict::window::{STALE_S, greatest};
use crate::verdict::wording::{count, exact, remedy};

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

/// Metrics as a whole are not to be had.
pub fn check_account(picture: &Picture) -> Option<Finding> {
    let error = picture.metrics_error.as_ref()?;
    Some(Finding {
        rule: "metrics-unavailable".to_owned(),
        severity: Severity::Warning,
        subject: Subject::Account,
        headline: "nothing can be said about age, errors and throttles".to_owned(),
        since: None,
        evidence: vec![error.clone()],
        remedies: Vec::new(),
    })
}

pub fn check(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Finding> {
    if picture.metrics_error.is_some() {
        return None;
    }
    let key = if mapping.kind().is_stream() { age_max(&mapping.function) } else { invocations(&mapping.function) };
    let newest = picture.metrics.get(&key).and_then(|series| series.newest()).map(|(at, _)| at);
    let spoken_at = picture.metrics.spoken_at(&key, now);
    if newest.is_some_and(|at| spoken_at.ms_since(at) <= STALE_S * 1000) {
        return None;
    }
    let refused = greatest(picture, now, &throttles(&mapping.function), 15).filter(|n| *n > 0.0);
    let asked = picture.metrics.asked_at(&key).is_some();
    // Nothing waits and nothing is held: it has nothing to do, and silence is what that looks like.
    let source = picture.queue_by_arn(&mapping.source);
    if asked
        && refused.is_none()
        && source.is_some_and(|queue| queue.stale.is_none() && queue.value.counts.total() == 0)
    {
        return None;
    }
    let mut evidence = Vec::new();
    let mut waits = false;
    match (newest, picture.metrics.asked_at(&key)) {
        (Some(at), _) => evidence.push(format!("newest {} datapoint {}", key.name, at.clock())),
        (None, Some(at)) => evidence.push(format!("no {} datapoint, asked {}", key.name, at.clock_s())),
        (None, None) => evidence.push(format!("{} was not answered yet", key.name)),
    }
    evidence.push("idle, refused altogether or hung: no datapoint tells them apart".to_owned());
    if let Some(queue) = picture.queue_by_arn(&mapping.source).filter(|queue| queue.value.counts.visible > 0) {
        waits = newest.is_some() || picture.metrics.asked_at(&key).is_some();
        evidence.push(format!("~{} wait in {}", count(exact(queue.value.counts.visible)), queue.value.name));
    }
    if let Some(refused) = refused {
        waits = true;
        evidence.push(format!("{} throttles in a minute", count(refused)));
    }
    Some(Finding {
        rule: "blind".to_owned(),
        severity: if waits { Severity::Warning } else { Severity::Note },
        subject: Subject::Mapping(mapping.id.clone()),
        headline: format!("{}: no metrics to judge by", mapping.function),
        since: newest,
        evidence,
        remedies: vec![remedy("logs", format!("logs of {}", mapping.function))],
    })
}
