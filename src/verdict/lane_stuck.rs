//! One lane of a stream consumer that does not move: its age grows by a second each second while
//! other shards are up to date. A record that always fails holds it; more lanes do not help.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::behind::{NOISE_MS, given_to, loss_age, measured};
use crate::verdict::bound::Bound;
use crate::verdict::standstill::Lane;
use crate::verdict::wanted::{age_max, failed_events};
use crate::verdict::window::{rising_since, total};
use crate::verdict::wording::{about, count, rate, remedy, whole_ms};
use crate::verdict::{NEAR_LOSS_MS, objective_ms};

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn finding(picture: &Picture, now: Timestamp, mapping: &Mapping, lane: &Lane) -> Finding {
    let (function, worst) = (&mapping.function, &lane.worst);
    let (loss_age_ms, what) = loss_age(picture, mapping);
    let loss_in_ms = (loss_age_ms - worst.newest).max(0.0) / worst.slope;
    let mut evidence = vec![
        format!(
            "age {} ↑ {} s/s in the worst lane; the best is {} late",
            spoken(whole_ms(worst.newest)),
            rate(worst.slope),
            spoken(whole_ms(lane.best_ms))
        ),
        format!(
            "its records are {what}{} from {}: in about {}",
            given_to(picture, mapping),
            about(loss_age_ms),
            about(loss_in_ms)
        ),
        posture(mapping),
    ];
    if let Some(failed) = total(picture, now, &failed_events(mapping), 10).filter(|total| total.sum > 0.0) {
        evidence.push(format!("{} events failed in 10 m (FailedInvokeEventCount)", count(failed.sum)));
    }
    evidence.push(measured(worst.newest_at));
    let near = loss_in_ms < NEAR_LOSS_MS || worst.newest > objective_ms(picture, mapping);
    Finding {
        rule: "lane-stuck".to_owned(),
        severity: if near { Severity::Harm } else { Severity::Warning },
        subject: Subject::Mapping(mapping.id.clone()),
        headline: format!("one lane of {function} is stuck"),
        since: picture.metrics.get(&age_max(function)).and_then(|series| rising_since(series, NOISE_MS)),
        evidence,
        remedies: vec![remedy("logs", format!("logs of {function}: which record fails, and why"))],
    }
}

/// What the mapping does with a record that always fails.
fn posture(mapping: &Mapping) -> String {
    let settings = &mapping.settings;
    let retries = match settings.max_retry_attempts {
        Some(attempts) if attempts >= 0 => format!("{attempts} retries"),
        _ => "retries until the record expires".to_owned(),
    };
    let bisect = if settings.bisect == Some(true) { "batches are halved" } else { "batches are not halved" };
    let to = settings
        .on_failure
        .as_ref()
        .map_or("no on-failure destination".to_owned(), |arn| format!("then to {}", arn.resource()));
    format!("{retries}, {bisect}, {to}")
}
