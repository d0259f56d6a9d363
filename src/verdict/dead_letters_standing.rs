//! Dead letters that lie there, and when the first of them expires: at the latest, as far as metrics know,
//! and exactly once a scan has seen when they were first sent.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::queue::{Queue, Scanned};
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
    let metric = newest(picture, now, &MetricKey::sqs(&queue.name, "ApproximateAgeOfOldestMessage", Stat::Maximum));
    let came = metric.filter(|(_, age_s)| *age_s > 0.0).map(|(at, age_s)| age_s * 1000.0 + span(now.ms_since(at)));
    let kept_ms = f64::from(queue.retention_s) * 1000.0;
    // On a dead-letter queue the metric counts from the move, retention from the original send.
    let latest_ms = came.map(|came_ms| (kept_ms - came_ms).max(0.0));
    let scan = picture.scanned.get(&queue.name).filter(|scan| scan.listed <= here);
    let scan_ms = scan.map(|scan| (kept_ms - span(now.ms_since(scan.oldest_sent_at))).max(0.0));
    let expires_in_ms = latest_ms.into_iter().chain(scan_ms).reduce(f64::min);
    let since = came.map(|came_ms| now.plus_ms(-whole_ms(came_ms)));
    let evidence_of_age = match (scan, expires_in_ms, came) {
        (Some(scan), Some(left_ms), _) => scanned(queue, scan, now, left_ms, here),
        (None, Some(left_ms), Some(came_ms)) => format!(
            "the oldest came {} ago; kept {} from the first send: the first expires in {} at the latest",
            about(came_ms),
            spoken(whole_ms(kept_ms)),
            about(left_ms)
        ),
        _ => format!("kept {} from the first send; the oldest's age is not known", spoken(whole_ms(kept_ms))),
    };
    let mut evidence = vec![counts(queue), evidence_of_age];
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

/// What a scan adds. Whatever came since, or lies behind what was scanned, may be older still.
fn scanned(queue: &Queue, scan: &Scanned, now: Timestamp, left_ms: f64, here: u64) -> String {
    let more = here > scan.listed || !scan.whole;
    let all = if more { "of those scanned" } else { "of all of them" };
    let latest = if more { ", at the latest" } else { "" };
    format!(
        "{all} ({}) the oldest was first sent {} ago; kept {} from then: the first expires in {}{latest}",
        scan.at.clock(),
        about(span(now.ms_since(scan.oldest_sent_at))),
        spoken(i64::from(queue.retention_s) * 1000),
        about(left_ms)
    )
}

fn counts(queue: &Queue) -> String {
    let counts = queue.counts;
    let mut text = format!("~{} visible", count(exact(counts.visible)));
    if counts.in_flight > 0 {
        text.push_str(&format!(", ~{} held by somebody", count(exact(counts.in_flight))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::QueueName;
    use crate::verdict::examples::{now, put_queue, queue};

    const DAY_S: i64 = 86_400;

    fn finding(scanned: Option<Scanned>) -> Finding {
        let (mut picture, name) = (queue(), QueueName::from("JobDLQ"));
        put_queue(&mut picture, "JobDLQ", &["JobQueue"], |_| 10);
        if let Some(scanned) = scanned {
            picture.scanned.insert(name.clone(), scanned);
        }
        let queue = picture.queues[&name].value.clone();
        check(&picture, now(), &queue).expect("they stand there")
    }

    #[test]
    fn after_a_scan_the_first_expiry_is_exact_and_says_so() {
        assert!(finding(None).evidence[1].contains("the oldest's age is not known"), "{:?}", finding(None).evidence);
        // Kept four days, first sent three and a half ago.
        let scan = Scanned {
            at: now().plus_s(-60),
            listed: 10,
            oldest_sent_at: now().plus_s(-3 * DAY_S - DAY_S / 2),
            whole: true,
        };
        let exact = finding(Some(scan));
        assert!(exact.evidence[1].starts_with("of all of them ("), "{:?}", exact.evidence);
        assert!(exact.evidence[1].ends_with("the first expires in 12 h"), "{:?}", exact.evidence);
        assert_eq!(exact.severity, Severity::Warning, "within a day");
        let part = finding(Some(Scanned { listed: 4, ..scan }));
        assert!(part.evidence[1].starts_with("of those scanned ("), "{:?}", part.evidence);
        assert!(part.evidence[1].ends_with("in 12 h, at the latest"), "{:?}", part.evidence);
        let gone = finding(Some(Scanned { listed: 11, ..scan }));
        assert!(gone.evidence[1].contains("is not known"), "some of those scanned are gone: {:?}", gone.evidence);
    }
}
