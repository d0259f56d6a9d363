//! Books that do not balance: what came, what was done and what is there do not add up for a quarter of
//! an hour. Something takes work away that nobody here knows of (a purge, another consumer, an expiry),
//! brings it, or a metric is missing. Only where the sum must hold, and only by a wide margin: all these
//! figures are approximate.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::{FunctionName, QueueName};
use crate::model::metric::MetricKey;
use crate::model::picture::Picture;
use crate::model::queue::{Queue, QueueCounts};
use crate::model::time::{Timestamp, spoken};
use crate::verdict::bound::Bound;
use crate::verdict::dead_letters_arriving::takes_dead_letters;
use crate::verdict::wanted::{async_age, async_dropped, async_received, deleted, errors, invocations, sent, throttles};
use crate::verdict::window::{PERIOD_S, greatest, total};
use crate::verdict::wording::{count, exact, percent};

/// Complete minutes the books are kept over.
const MINUTES: i64 = 15;
/// A poll this near to either end counts as of it, milliseconds.
const NEAR_MS: i64 = 90_000;
/// Of everything that came and went, and at least so many, must be missing.
const SHARE: f64 = 0.15;
const FEWEST: f64 = 30.0;
/// Of the minutes, so many must have a datapoint: a series with holes proves nothing.
const COVERED: usize = 12;

/// How soon it speaks: a window must be wrong, whole.
pub const BOUND: Bound = Bound { fires_s: 1_200, clears_s: 1_500 };

/// Sent − Deleted = Δ(visible + in flight + delayed) + Δ dead letters.
pub fn queue(picture: &Picture, now: Timestamp, queue: &Queue) -> Option<Finding> {
    if takes_dead_letters(picture, queue) || picture.readers_of(&queue.arn).next().is_none() {
        return None;
    }
    let (came, went) = (flow(picture, now, &sent(&queue.name))?, flow(picture, now, &deleted(&queue.name))?);
    let to = picture.metrics.complete_until(&sent(&queue.name), now);
    let from = to.plus_s(-MINUTES * PERIOD_S);
    let here = change(picture, &queue.name, from, to)?;
    let dead = match &queue.redrive {
        None => 0.0,
        Some(policy) => dead(picture, &policy.dead_letter_arn.resource().into(), from, to)?,
    };
    let missing = came - went - here - dead;
    if missing.abs() < FEWEST || missing.abs() < (came + went) * SHARE {
        return None;
    }
    let signed = |n: f64| if n < 0.0 { format!("−{}", count(-n)) } else { format!("+{}", count(n)) };
    let evidence = vec![
        format!(
            "{} sent, {} deleted, {} here, {} dead letters: {} are not accounted for",
            count(came),
            count(went),
            signed(here),
            signed(dead),
            count(missing.abs())
        ),
        if missing > 0.0 {
            format!(
                "a purge, an expiry (kept {}), a dead letter lost to a full reader, or a metric that is missing",
                spoken(i64::from(queue.retention_s) * 1000)
            )
        } else {
            "brought back by a move task or a redrive, or a metric that is missing".to_owned()
        },
        format!("{} to {}, all figures approximate", from.clock(), to.clock()),
    ];
    let what = if missing > 0.0 { "messages leave it undone" } else { "messages come out of nowhere" };
    Some(finding(Subject::Queue(queue.name.clone()), format!("{}: {what}", queue.name), evidence))
}

/// AsyncEventsReceived = Invocations + AsyncEventsDropped (+ retries), where nothing else invokes it.
pub fn events(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    if picture.mappings_of(function).next().is_some() {
        return None;
    }
    let came = flow(picture, now, &async_received(function))?;
    let sum = |key: MetricKey| total(picture, now, &key, MINUTES).map_or(0.0, |total| total.sum);
    let (runs, dropped, failed) = (sum(invocations(function)), sum(async_dropped(function)), sum(errors(function)));
    let margin = FEWEST.max(came * SHARE);
    let waits = sum(throttles(function)) > 0.0
        || greatest(picture, now, &async_age(function), MINUTES).is_some_and(|ms| ms > 60_000.0);
    // Each that fails is run again, twice at most; each that is refused waits.
    let (fewer, more) = (came - dropped - runs, runs - came - failed);
    let (headline, why) = if fewer > margin && !waits {
        ("events are neither run nor dropped", "they wait where nothing shows them, or a metric is missing")
    } else if more > margin {
        ("it runs more often than events come", "somebody else invokes it too, or a metric is missing")
    } else {
        return None;
    };
    let by = percent((fewer.max(more) / came.max(1.0)).abs());
    let evidence = vec![
        format!(
            "{} events came, {} runs, {} dropped, {} failed in {MINUTES} m: {by} do not add up",
            count(came),
            count(runs),
            count(dropped),
            count(failed)
        ),
        why.to_owned(),
    ];
    Some(finding(Subject::Function(function.clone()), format!("{function}: {headline}"), evidence))
}

fn finding(subject: Subject, headline: String, evidence: Vec<String>) -> Finding {
    Finding {
        rule: "unbalanced".to_owned(),
        severity: Severity::Note,
        subject,
        headline,
        since: None,
        evidence,
        remedies: Vec::new(),
    }
}

/// The sum of a counter over the window, if nearly every minute of it has a datapoint.
fn flow(picture: &Picture, now: Timestamp, key: &MetricKey) -> Option<f64> {
    let series = picture.metrics.get(key)?;
    let to = picture.metrics.complete_until(key, now);
    let points: Vec<f64> = series.between(to.plus_s(-MINUTES * PERIOD_S), to).map(|(_, n)| n).collect();
    (points.len() >= COVERED).then(|| points.iter().sum())
}

/// How many more there are at the end than at the begin, by our own polls.
fn change(picture: &Picture, queue: &QueueName, from: Timestamp, to: Timestamp) -> Option<f64> {
    let at = |moment| near(picture, queue, moment).map(|counts| exact(counts.total()));
    Some(at(to)? - at(from)?)
}

/// Dead letters that came: what a redrive takes out meanwhile is no way back into these books. A
/// dead-letter queue of several sources says nothing of one.
fn dead(picture: &Picture, queue: &QueueName, from: Timestamp, to: Timestamp) -> Option<f64> {
    let seen = picture.queues.get(queue)?;
    if seen.value.sources.len() > 1 {
        return None;
    }
    (near(picture, queue, from).is_some() && near(picture, queue, to).is_some()).then_some(())?;
    let depths = picture.depths.get(queue)?;
    let within: Vec<u64> =
        depths.iter().filter(|(at, _)| *at >= from && *at <= to).map(|(_, counts)| counts.total()).collect();
    Some(within.windows(2).map(|pair| exact(pair[1].saturating_sub(pair[0]))).sum())
}

fn near(picture: &Picture, queue: &QueueName, moment: Timestamp) -> Option<QueueCounts> {
    let depths = picture.depths.get(queue)?;
    let nearest = depths.iter().min_by_key(|(at, _)| at.ms_since(moment).abs())?;
    (nearest.0.ms_since(moment).abs() <= NEAR_MS).then_some(nearest.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Stat;
    use crate::verdict::examples::{self, FUNCTION, lambda, now, put, put_depths};

    fn books(sent_a_minute: f64, deleted_a_minute: f64, depth: impl Fn(i64) -> u64) -> Option<Finding> {
        let mut picture = examples::queue();
        put(&mut picture, &sent(&"JobQueue".into()), |_| sent_a_minute);
        put(&mut picture, &deleted(&"JobQueue".into()), |_| deleted_a_minute);
        put_depths(&mut picture, "JobQueue", 40, depth);
        let seen = picture.queues[&QueueName::from("JobQueue")].value.clone();
        queue(&picture, now(), &seen)
    }

    #[test]
    fn what_leaves_a_queue_undone_is_said_and_a_balance_is_not() {
        assert_eq!(books(100.0, 100.0, |_| 50), None);
        assert_eq!(
            books(100.0, 60.0, |ago| 4_000 - u64::try_from(ago).expect("past") * 40 / 60),
            None,
            "they are here"
        );
        let finding = books(100.0, 60.0, |_| 50).expect("600 are gone");
        assert_eq!(finding.headline, "JobQueue: messages leave it undone");
        assert!(finding.evidence[0].ends_with("600 are not accounted for"), "{:?}", finding.evidence);
        assert_eq!(books(100.0, 95.0, |_| 50), None, "approximate figures differ by so much");
        let purged = books(10.0, 10.0, |ago| if ago > 600 { 900 } else { 0 }).expect("purged");
        assert!(purged.evidence[0].contains("900 are not accounted for"), "{:?}", purged.evidence);
    }

    #[test]
    fn events_that_nobody_ran_are_said_unless_they_wait() {
        let mut picture = Picture::default();
        let put = |picture: &mut Picture, name: &str, n: f64| lambda(picture, FUNCTION, name, Stat::Sum, |_| n);
        put(&mut picture, "AsyncEventsReceived", 60.0);
        put(&mut picture, "Invocations", 60.0);
        assert_eq!(events(&picture, now(), &FUNCTION.into()), None);
        put(&mut picture, "Invocations", 40.0);
        assert!(events(&picture, now(), &FUNCTION.into()).is_some());
        put(&mut picture, "Throttles", 5.0);
        assert_eq!(events(&picture, now(), &FUNCTION.into()), None, "they wait for a run");
        put(&mut picture, "Invocations", 120.0);
        let more = events(&picture, now(), &FUNCTION.into()).expect("twice as many");
        assert_eq!(more.headline, "LogWorker: it runs more often than events come");
        put(&mut picture, "Errors", 60.0);
        assert_eq!(events(&picture, now(), &FUNCTION.into()), None, "each was run again");
    }
}
