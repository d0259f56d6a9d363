//! Asynchronous events of a function: dropped for good, or waiting longer and longer for a run. There
//! is no queue to look at: what is dropped without a destination is gone.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::FunctionName;
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::bound::Bound;
use crate::verdict::wanted::{async_age, async_dropped};
use crate::verdict::window::{positive_since, rising_since, total, trend};
use crate::verdict::wording::{about, count, rate, remedy};

/// Minutes looked back over.
const MINUTES: i64 = 15;
/// Younger than this, in milliseconds, an event was only retried once or twice.
const NOISE_MS: f64 = 180_000.0;
/// A rise slower than this, in seconds a second, is not one.
const LEAST_RISE: f64 = 0.1;

/// How soon it speaks.
pub const BOUND: Bound = Bound::SUDDEN;

pub fn check(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    dropped(picture, now, function).or_else(|| ageing(picture, now, function))
}

fn dropped(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    let key = async_dropped(function);
    let lost = total(picture, now, &key, MINUTES).filter(|total| total.sum > 0.0)?.sum;
    let kept = picture.functions.get(function).and_then(|function| function.value.dead_letter.as_ref());
    let settings = picture.function_settings.get(function).map(|settings| &settings.value.asynchronous);
    let destination = settings.and_then(|known| known.known().ok()?.on_failure.as_ref()).or(kept);
    let where_ = match destination {
        Some(arn) => format!("they went to {}", arn.resource()),
        None => "no on-failure destination is known: they are gone".to_owned(),
    };
    Some(Finding {
        rule: "events-dropped".to_owned(),
        severity: if destination.is_some() { Severity::Warning } else { Severity::Harm },
        subject: Subject::Function(function.clone()),
        headline: format!("{function} drops events"),
        since: picture.metrics.get(&key).and_then(positive_since),
        evidence: vec![format!("{} events in {MINUTES} m (AsyncEventsDropped)", count(lost)), where_],
        remedies: vec![remedy("logs", format!("logs of {function}"))],
    })
}

fn ageing(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    let key = async_age(function);
    let age = trend(picture, now, &key).filter(|age| age.newest > NOISE_MS && age.is_rising(LEAST_RISE))?;
    Some(Finding {
        rule: "events-ageing".to_owned(),
        severity: Severity::Warning,
        subject: Subject::Function(function.clone()),
        headline: format!("{function}: its events wait longer and longer"),
        since: picture.metrics.get(&key).and_then(|series| rising_since(series, NOISE_MS)),
        evidence: vec![
            format!("age {} ↑ {} s/s (AsyncEventAge)", about(age.newest), rate(age.long)),
            "Lambda drops them after 6 h, or sooner where MaximumEventAgeInSeconds says so".to_owned(),
        ],
        remedies: vec![remedy("logs", format!("logs of {function}"))],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Stat;
    use crate::verdict::examples::{FUNCTION, lambda, now, stream};

    #[test]
    fn what_is_dropped_without_a_destination_is_harm() {
        let mut picture = stream();
        assert_eq!(check(&picture, now(), &FUNCTION.into()), None);
        lambda(&mut picture, FUNCTION, "AsyncEventsDropped", Stat::Sum, |m| if m < 50.0 { 0.0 } else { 3.0 });
        let finding = check(&picture, now(), &FUNCTION.into()).expect("dropped");
        assert_eq!((finding.rule.as_str(), finding.severity), ("events-dropped", Severity::Harm));
        assert_eq!(finding.since, Some(Timestamp::from_s(50 * 60)));
    }

    #[test]
    fn events_that_wait_longer_and_longer_are_said() {
        let mut picture = stream();
        lambda(&mut picture, FUNCTION, "AsyncEventAge", Stat::Maximum, |m| m * 30_000.0);
        assert_eq!(check(&picture, now(), &FUNCTION.into()).map(|found| found.rule), Some("events-ageing".to_owned()));
        lambda(&mut picture, FUNCTION, "AsyncEventAge", Stat::Maximum, |_| 60_000.0);
        assert_eq!(check(&picture, now(), &FUNCTION.into()), None);
    }
}
