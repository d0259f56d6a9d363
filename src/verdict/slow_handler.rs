//! A function whose runs take much longer than its own did before, with no more to do in each: what
//! lies behind it got slower, or its code did. Fuller batches and more of them are no slowness.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::FunctionName;
use crate::model::metric::MetricKey;
use crate::model::picture::Picture;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::bound::Bound;
use crate::verdict::wanted::{duration_p95, invocations, invoked_events, received, records_out};
use crate::verdict::window::{PERIOD_S, STALE_S, lasting_since};
use crate::verdict::wording::{count, rate, remedy, span};

/// Minutes that are now; of their datapoints the median counts, so that a cold start does not.
const NOW_MINUTES: i64 = 6;
/// Minutes between then and now, in which it may have turned.
const APART_MINUTES: i64 = 20;
/// Datapoints below which there is no now, and no past.
const FEWEST_NOW: usize = 3;
const FEWEST_PAST: usize = 20;
/// Runs of now below which a p95 is one run's chance.
const FEWEST_RUNS: f64 = 10.0;
/// So much longer than before is slow, milliseconds and times.
const LEAST_MS: f64 = 50.0;
const TIMES: f64 = 1.8;
/// Up to this much more work is the same load.
const SAME_LOAD: f64 = 1.3;

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    let key = duration_p95(function);
    let took = Both::of(picture, now, &key)?;
    let runs = Both::of(picture, now, &invocations(function))?;
    if runs.now * span(NOW_MINUTES) < FEWEST_RUNS || took.now - took.past < LEAST_MS {
        return None;
    }
    let fill = fill(picture, now, function, runs);
    // Without a count of events the runs themselves are all there is to tell the load by.
    let (fuller, more) = match fill {
        Some(fill) => (fill.now / fill.past, fill.now * runs.now / (fill.past * runs.past)),
        None => (1.0, runs.now / runs.past),
    };
    if took.now < took.past * TIMES * fuller.max(1.0) || more > SAME_LOAD {
        return None;
    }
    let series = picture.metrics.get(&key)?;
    let since = lasting_since(series, |ms| ms >= took.past * TIMES);
    let mut evidence = vec![
        format!(
            "p95 {}, {} before: {}× (Duration, medians)",
            about_ms(took.now),
            about_ms(took.past),
            rate(took.now / took.past)
        ),
        format!("{} runs a minute, {} before", rate(runs.now), rate(runs.past)),
    ];
    evidence.extend(
        fill.map(|fill| format!("{} events a run, {} before: not for fuller batches", rate(fill.now), rate(fill.past))),
    );
    evidence.push(format!("before: {} minutes up to {}", count(took.minutes), took.until.clock()));
    Some(Finding {
        rule: "slow-handler".to_owned(),
        severity: Severity::Warning,
        subject: Subject::Function(function.clone()),
        headline: format!("{function} is slower than it was"),
        since,
        evidence,
        remedies: vec![remedy("logs", format!("logs of {function}"))],
    })
}

/// A metric's median now and in its own past.
#[derive(Debug, Clone, Copy)]
struct Both {
    now: f64,
    past: f64,
    /// Datapoints of the past, and its end.
    minutes: f64,
    until: Timestamp,
}

impl Both {
    fn of(picture: &Picture, now: Timestamp, key: &MetricKey) -> Option<Self> {
        let series = picture.metrics.get(key)?;
        let spoken_at = picture.metrics.spoken_at(key, now);
        let (newest_at, _) = series.newest().filter(|(at, _)| spoken_at.ms_since(*at) <= STALE_S * 1000)?;
        let begin = newest_at.plus_s((1 - NOW_MINUTES) * PERIOD_S);
        let until = newest_at.plus_s(-APART_MINUTES * PERIOD_S);
        let values =
            |from: Timestamp, to: Timestamp| -> Vec<f64> { series.between(from, to).map(|(_, v)| v).collect() };
        let (recent, past) = (values(begin, newest_at.plus_ms(1)), values(Timestamp::ZERO, until));
        if recent.len() < FEWEST_NOW || past.len() < FEWEST_PAST {
            return None;
        }
        let minutes = past.len() as f64;
        Some(Both { now: median(recent)?, past: median(past)?.max(f64::MIN_POSITIVE), minutes, until })
    }
}

/// Events a run: what the mapping counts (opt-in), what its queue gave out, what was read of its stream.
fn fill(picture: &Picture, now: Timestamp, function: &FunctionName, runs: Both) -> Option<Both> {
    let mut mappings = picture.mappings_of(function).map(|observed| &observed.value);
    let (mapping, None) = (mappings.next()?, mappings.next()) else { return None };
    let source = || match mapping.kind().is_queue() {
        true => Some(received(&mapping.source.resource().into())),
        false => records_out(&mapping.source),
    };
    let events = Both::of(picture, now, &invoked_events(mapping))
        .or_else(|| Both::of(picture, now, &source()?))
        .filter(|events| events.now > 0.0)?;
    Some(Both { now: events.now / runs.now, past: (events.past / runs.past).max(f64::MIN_POSITIVE), ..events })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn about_ms(ms: f64) -> String {
    if ms < 10_000.0 { format!("{} ms", count(ms)) } else { spoken(crate::verdict::wording::whole_ms(ms)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Stat;
    use crate::verdict::examples::{self, FUNCTION, lambda, mapping, now, put};

    fn slow(times: f64) -> Picture {
        let mut picture = examples::stream();
        lambda(&mut picture, FUNCTION, "Duration", Stat::P95, |m| if m < 45.0 { 200.0 } else { 200.0 * times });
        picture
    }

    #[test]
    fn runs_that_take_longer_at_the_same_load_are_said_with_since_when() {
        let finding = check(&slow(3.0), now(), &FUNCTION.into()).expect("slow");
        assert_eq!(finding.headline, "LogWorker is slower than it was");
        assert_eq!(finding.evidence[0], "p95 600 ms, 200 ms before: 3.0× (Duration, medians)");
        assert_eq!(finding.since, Some(Timestamp::from_s(45 * 60)));
        assert_eq!(check(&slow(1.5), now(), &FUNCTION.into()), None, "half as long again");
    }

    #[test]
    fn fuller_batches_and_more_work_are_no_slowness() {
        let mut picture = slow(3.0);
        let events = invoked_events(mapping(&mut picture));
        put(&mut picture, &events, |m| if m < 45.0 { 6_000.0 } else { 18_000.0 });
        assert_eq!(check(&picture, now(), &FUNCTION.into()), None, "three times as many events a run");
        put(&mut picture, &events, |_| 6_000.0);
        assert!(check(&picture, now(), &FUNCTION.into()).is_some(), "as many as before");
        let mut picture = slow(3.0);
        lambda(&mut picture, FUNCTION, "Invocations", Stat::Sum, |m| if m < 45.0 { 600.0 } else { 1_200.0 });
        assert_eq!(check(&picture, now(), &FUNCTION.into()), None, "twice as many runs");
    }

    #[test]
    fn a_cold_start_is_not_a_trend() {
        let mut picture = examples::stream();
        lambda(
            &mut picture,
            FUNCTION,
            "Duration",
            Stat::P95,
            |m| if (55.0..57.0).contains(&m) { 3_000.0 } else { 200.0 },
        );
        assert_eq!(check(&picture, now(), &FUNCTION.into()), None);
    }
}
