//! Dead letters that lie there, and when the first of them expires.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::bound::Bound;
use crate::verdict::dead_letters_arriving::{is_failure_destination, takes_dead_letters};
use crate::verdict::window::newest;
use crate::verdict::wording::{about, count, exact, remedy, span, whole_ms};

/// A warning when the first expires within 24 h (ux.md), milliseconds.
const SOON_MS: f64 = 86_400_000.0;

/// How soon it speaks.
pub const BOUND: Bound = Bound::SUDDEN;

pub fn check(picture: &Picture, now: Timestamp, queue: &Queue) -> Option<Finding> {
    let here = queue.counts.total();
    if here == 0 || !takes_dead_letters(picture, queue) {
        return None;
    }
    let key = MetricKey::sqs(&queue.name, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    let age = newest(picture, now, &key).filter(|(_, age_s)| *age_s > 0.0);
    let mut evidence = vec![counts(queue)];
    let mut expires_in_ms = None;
    let mut since = None;
    if let Some((at, age_s)) = age {
        let came_ms = age_s * 1000.0 + span(now.ms_since(at));
        let left_ms = (f64::from(queue.retention_s) * 1000.0 - came_ms).max(0.0);
        since = Some(now.plus_ms(-whole_ms(came_ms)));
        // On a dead-letter queue the metric counts from the move, retention from the original send.
        evidence.push(format!(
            "the oldest came {} ago; kept {} from the first send: the first expires in {} at the latest",
            about(came_ms),
            spoken(i64::from(queue.retention_s) * 1000),
            about(left_ms)
        ));
        expires_in_ms = Some(left_ms);
    } else {
        evidence.push(format!(
            "kept {} from the first send; the oldest's age is not known",
            spoken(i64::from(queue.retention_s) * 1000)
        ));
    }
    let soon = expires_in_ms.is_some_and(|ms| ms <= SOON_MS);
    let mut remedies = vec![remedy("scan", format!("scan {}", queue.name))];
    if queue.is_dead_letter() {
        remedies.push(remedy("redrive", format!("redrive {}", queue.name)));
    } else if is_failure_destination(picture, queue) {
        evidence.push("these name stream records; they cannot be redriven to a queue".to_owned());
    }
    Some(Finding {
        rule: "dead-letters-standing".to_owned(),
        severity: if soon { Severity::Warning } else { Severity::Note },
        subject: Subject::Queue(queue.name.clone()),
        headline: format!("{}: ~{} dead letters", queue.name, count(exact(here))),
        since,
        evidence,
        remedies,
    })
}

fn counts(queue: &Queue) -> String {
    let counts = queue.counts;
    let mut text = format!("~{} visible", count(exact(counts.visible)));
    if counts.in_flight > 0 {
        text.push_str(&format!(", ~{} held by somebody", count(exact(counts.in_flight))));
    }
    text
}
