//! Runs that Lambda refused to start for want of concurrency.

use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::id::FunctionName;
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::bound::Bound;
use crate::verdict::wanted::{concurrency, invocations, throttles};
use crate::verdict::window::{greatest, total};
use crate::verdict::wording::{count, percent, remedy};

/// Minutes looked back over.
const MINUTES: i64 = 15;
/// From this share of attempts on it is a warning; below it, a burst that was retried.
const WARNS: f64 = 0.01;
/// `MaximumConcurrency` (aws-facts §1.1).
const LEAST_MAX_CONCURRENCY: u32 = 2;

/// How soon it speaks.
pub const BOUND: Bound = Bound::SUDDEN;

pub fn check(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    let refused = total(picture, now, &throttles(function), MINUTES).filter(|total| total.sum > 0.0)?.sum;
    let runs = total(picture, now, &invocations(function), MINUTES).map_or(0.0, |total| total.sum);
    let share = refused / (refused + runs);
    let mut evidence = vec![format!("{} attempts refused in {MINUTES} m ({})", count(refused), percent(share))];
    let reserved = picture.reserved_concurrency(function);
    let running = greatest(picture, now, &concurrency(function), MINUTES);
    evidence.push(match (running, reserved) {
        (Some(running), Some(reserved)) => format!("{} ran at a time, reserved concurrency {reserved}", count(running)),
        (Some(running), None) => {
            format!("{} ran at a time, no reserved concurrency: the account's limit", count(running))
        }
        (None, Some(reserved)) => format!("reserved concurrency {reserved}"),
        (None, None) => "reserved concurrency not known".to_owned(),
    });
    if picture.mappings_of(function).any(|observed| observed.value.kind().is_queue()) {
        evidence.push("each refusal costs a receive: throttling alone can fill a dead-letter queue".to_owned());
    }
    Some(Finding {
        rule: "throttled".to_owned(),
        severity: if share >= WARNS { Severity::Warning } else { Severity::Note },
        subject: Subject::Function(function.clone()),
        headline: format!("{function} is throttled"),
        since: None,
        evidence,
        remedies: remedies(picture, function, reserved),
    })
}

/// A queue's mapping can be held to what the function may run; a stream's cannot.
fn remedies(picture: &Picture, function: &FunctionName, reserved: Option<u32>) -> Vec<Remedy> {
    let Some(reserved) = reserved.filter(|reserved| *reserved >= LEAST_MAX_CONCURRENCY) else { return Vec::new() };
    let queue = picture
        .mappings_of(function)
        .map(|observed| &observed.value)
        .find(|mapping| mapping.kind().is_queue() && mapping.settings.max_concurrency.is_none_or(|max| max > reserved));
    queue.map(|_| remedy("tune", format!("tune: maximum concurrency →{reserved}"))).into_iter().collect()
}
