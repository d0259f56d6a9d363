//! What came of a retune: held against what was foretold of it, and against how it was before. Only
//! periods that begin after the mapping was settled count, since a minute that is half of each
//! setting says nothing of either.

use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::id::{FunctionName, MappingId, QueueName};
use crate::model::metric::MetricKey;
use crate::model::picture::Picture;
use crate::model::rehearsal::{Band, Foreseen, wait_ms};
use crate::model::time::{Timestamp, spoken};
use crate::verdict::behind::NOISE_MS;
use crate::verdict::wanted::{age_max, deleted, errors, invocations, oldest_s, throttles, visible};
use crate::verdict::wording::{percent, whole_ms};

pub const RULE: &str = "retune-worse";

/// A change that was made and settled.
#[derive(Debug, Clone, Copy)]
pub struct Retuned<'a> {
    pub mapping: &'a MappingId,
    pub function: &'a FunctionName,
    /// `parallel 1→5`
    pub what: &'a str,
    pub settled_at: Timestamp,
    pub foreseen: Option<&'a Foreseen>,
}

/// How what comes compares with what was foretold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// Too few periods began since, or nothing was foretold.
    NotYet,
    AsForecast,
    /// The newest age, and the most that was foretold for it, milliseconds.
    Worse {
        age_ms: f64,
        at_most_ms: f64,
    },
    Better,
    /// The backlog is gone since; whether that was within what was foretold, where something was.
    Drained {
        at: Timestamp,
        within: Option<Within>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    Earlier,
    Band,
    Later,
}

pub fn standing(picture: &Picture, now: Timestamp, retuned: &Retuned<'_>) -> Standing {
    let ages = ages_ms(picture, retuned, begins(retuned), now);
    if let Some(at) = drained_at(picture, now, retuned) {
        let within = retuned.foreseen.and_then(|foreseen| within(foreseen, at));
        return Standing::Drained { at, within };
    }
    let Some(foreseen) = retuned.foreseen else { return Standing::NotYet };
    let known: Vec<(f64, Band)> =
        ages.iter().rev().filter_map(|(at, age)| Some((*age, foreseen.at(*at)?))).take(PERIODS).collect();
    let Some((age_ms, band)) = known.first().copied().filter(|_| known.len() == PERIODS) else {
        return Standing::NotYet;
    };
    if known.iter().all(|(age, band)| *age > most(band)) {
        return Standing::Worse { age_ms, at_most_ms: band.p90 };
    }
    let below = |(age, band): &(f64, Band)| *age < band.p10 - slack(band.p10);
    if known.iter().all(below) { Standing::Better } else { Standing::AsForecast }
}

impl Standing {
    /// `as forecast`; `None` while there is nothing to say.
    pub fn words(&self, foreseen: Option<&Foreseen>) -> Option<String> {
        let by = foreseen.and_then(window).map(|(first, last)| format!("{}–{}", first.clock(), last.clock()));
        Some(match (self, by) {
            (Standing::NotYet, _) => return None,
            (Standing::AsForecast, Some(by)) => format!("as forecast: drained at {by} (est)"),
            (Standing::AsForecast, None) => "as forecast".to_owned(),
            (Standing::Better, Some(by)) => format!("better than forecast, which was drained at {by} (est)"),
            (Standing::Better, None) => "better than forecast".to_owned(),
            (Standing::Worse { age_ms, at_most_ms }, _) => format!(
                "worse than forecast: age {}, at most {} was foretold",
                spoken(whole_ms(*age_ms)),
                spoken(whole_ms(*at_most_ms))
            ),
            (Standing::Drained { at, within }, by) => {
                let forecast = by.map(|by| format!(" ({by} est)")).unwrap_or_default();
                let how = match within {
                    Some(Within::Band) => format!(", as forecast{forecast}"),
                    Some(Within::Earlier) => format!(", earlier than forecast{forecast}"),
                    Some(Within::Later) => format!(", later than forecast{forecast}"),
                    None => String::new(),
                };
                format!("drained at {}{how}", at.clock())
            }
        })
    }
}

/// Errors, throttles or an age that the change made worse: `✖`, and what puts the settings back.
/// Nothing is written for it.
pub fn check(picture: &Picture, now: Timestamp, retuned: &Retuned<'_>) -> Option<Finding> {
    let evidence = tripped(picture, now, retuned);
    if evidence.is_empty() {
        return None;
    }
    Some(Finding {
        rule: RULE.to_owned(),
        severity: Severity::Harm,
        subject: Subject::Mapping(retuned.mapping.clone()),
        headline: format!("{}: worse since {}", retuned.function, retuned.what),
        since: Some(retuned.settled_at),
        evidence,
        remedies: vec![Remedy {
            command: "undo".to_owned(),
            text: "put the settings back, by way of its card".to_owned(),
        }],
    })
}

/// What got worse, a line each.
fn tripped(picture: &Picture, now: Timestamp, retuned: &Retuned<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let runs = |from, to| sum(picture, &invocations(retuned.function), from, to);
    let to = picture.metrics.complete_until(&invocations(retuned.function), now);
    let (from, before) = (begins(retuned), retuned.settled_at.floor_to(60).plus_s(-BEFORE_S));
    let enough = to.ms_since(from) >= PERIODS as i64 * 60_000;
    for (name, key, counted) in [
        ("errors", errors(retuned.function), true),
        // What is refused is no run.
        ("throttles", throttles(retuned.function), false),
    ] {
        let share = |from, to| {
            let (part, runs) = (sum(picture, &key, from, to), runs(from, to));
            let of = if counted { runs.max(part) } else { runs + part };
            (of >= FEWEST_RUNS).then(|| part / of)
        };
        // The quarter of an hour before ends where the change began to act.
        let (Some(after), was) = (share(from, to), share(before, from.plus_s(-60 * PERIODS as i64))) else { continue };
        let was = was.unwrap_or(0.0);
        if enough && after > (was * 2.0).max(was + LEAST_SHARE) {
            lines.push(format!("{name} {} since {}, {} before", percent(after), from.clock(), percent(was)));
        }
    }
    if let Standing::Worse { age_ms, at_most_ms } = standing(picture, now, retuned) {
        lines.push(format!(
            "age {}, at most {} was foretold, three periods in a row",
            spoken(whole_ms(age_ms)),
            spoken(whole_ms(at_most_ms))
        ));
    }
    lines
}

/// The first period that begins after the mapping was settled.
fn begins(retuned: &Retuned<'_>) -> Timestamp {
    retuned.settled_at.floor_to(60).plus_s(60)
}

fn points(picture: &Picture, key: &MetricKey, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, f64)> {
    picture.metrics.get(key).map(|series| series.between(from, to).collect()).unwrap_or_default()
}

/// The greatest ages: of the records of a stream's consumer, or of the messages of the queue it reads.
fn ages_ms(picture: &Picture, retuned: &Retuned<'_>, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, f64)> {
    let Some(queue) = queue_of(picture, retuned) else {
        return points(picture, &age_max(retuned.function), from, to);
    };
    let oldest = points(picture, &oldest_s(&queue), from, to);
    oldest.into_iter().map(|(at, s)| (at, s * 1000.0)).collect()
}

/// What tells whether there is a backlog. Of a queue that is how long it takes to handle what waits: a few
/// messages that are tried again and again keep it old.
fn lags_ms(picture: &Picture, retuned: &Retuned<'_>, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, f64)> {
    let Some(queue) = queue_of(picture, retuned) else { return ages_ms(picture, retuned, from, to) };
    let handled = points(picture, &deleted(&queue), from, to);
    let handled_at = |at| handled.iter().find(|(when, _)| *when == at).map(|(_, n)| *n);
    let waiting = points(picture, &visible(&queue), from, to);
    waiting.into_iter().filter_map(|(at, n)| Some((at, wait_ms(n, handled_at(at)?)))).collect()
}

fn queue_of(picture: &Picture, retuned: &Retuned<'_>) -> Option<QueueName> {
    let mapping = &picture.mappings.get(retuned.mapping)?.value;
    mapping.kind().is_queue().then(|| QueueName::new(mapping.source.resource()))
}

fn sum(picture: &Picture, key: &MetricKey, from: Timestamp, to: Timestamp) -> f64 {
    picture.metrics.get(key).map_or(0.0, |series| series.between(from, to).map(|(_, value)| value).sum())
}

/// When the lag fell and stayed low for two periods; only where there was a backlog before.
fn drained_at(picture: &Picture, now: Timestamp, retuned: &Retuned<'_>) -> Option<Timestamp> {
    let from = retuned.settled_at.floor_to(60).plus_s(-BEFORE_S);
    let lags = lags_ms(picture, retuned, from, now);
    let was_behind = lags.iter().any(|(_, lag)| *lag > NOISE_MS);
    let calm = |pair: &[(Timestamp, f64)]| pair.iter().all(|(_, lag)| *lag <= NOISE_MS);
    let since = lags.iter().position(|(at, _)| *at >= begins(retuned))?;
    let pair = lags[since..].windows(2).find(|pair| was_behind && calm(pair))?;
    Some(pair[0].0)
}

/// The datapoint of a minute is that of its beginning while an age falls: one minute either way.
fn within(foreseen: &Foreseen, at: Timestamp) -> Option<Within> {
    let (first, last) = window(foreseen)?;
    Some(match at {
        at if at < first.floor_to(60).plus_s(-60) => Within::Earlier,
        at if at > last.floor_to(60).plus_s(60) => Within::Later,
        _ => Within::Band,
    })
}

/// When the backlog was foretold to be gone, from and to.
fn window(foreseen: &Foreseen) -> Option<(Timestamp, Timestamp)> {
    let drain = foreseen.drain_s.filter(|drain| drain.p90.is_finite())?;
    let at = |s: f64| foreseen.from.plus_ms(whole_ms(s * 1000.0));
    Some((at(drain.p10), at(drain.p90)))
}

fn most(band: &Band) -> f64 {
    band.p90 + slack(band.p90)
}

/// A datapoint is a minute wide, and records carry whole seconds.
fn slack(ms: f64) -> f64 {
    NOISE_MS.max(ms * 0.1)
}

/// Periods that must agree.
const PERIODS: usize = 3;
/// What it is compared with: the quarter of an hour before.
const BEFORE_S: i64 = 15 * 60;
/// Fewer runs than this have no share worth comparing.
const FEWEST_RUNS: f64 = 20.0;
/// A share that rose by less than this is chance.
const LEAST_SHARE: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Stat;
    use crate::verdict::examples::{self, FUNCTION, lambda, mapping, now, put, stream};

    /// The change acts at minute 40 of the example's 60; foretold to drain by minute 50.
    fn foreseen() -> Foreseen {
        let band = |m: usize| {
            let p50 = (600_000.0 - 60_000.0 * m as f64).max(1_000.0);
            Some(Band { p10: p50 * 0.9, p50, p90: p50 * 1.1 })
        };
        Foreseen {
            from: Timestamp::from_s(40 * 60),
            course_ms: (0..60).map(band).collect(),
            drain_s: Some(Band { p10: 540.0, p50: 600.0, p90: 660.0 }),
        }
    }

    fn standing_of(age: impl Fn(f64) -> f64) -> (Standing, Option<Finding>) {
        let mut picture = stream();
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Maximum, age);
        let (id, foreseen) = (mapping(&mut picture).id.clone(), foreseen());
        let function = FUNCTION.into();
        let retuned = Retuned {
            mapping: &id,
            function: &function,
            what: "parallel 1→5",
            settled_at: Timestamp::from_s(41 * 60),
            foreseen: Some(&foreseen),
        };
        (standing(&picture, now(), &retuned), check(&picture, now(), &retuned))
    }

    #[test]
    fn what_comes_is_held_against_what_was_foretold() {
        let drains = |m: f64| if m < 40.0 { 600_000.0 } else { (600_000.0 - (m - 40.0) * 60_000.0).max(500.0) };
        let (standing, finding) = standing_of(drains);
        assert_eq!(
            (standing, finding),
            (Standing::Drained { at: Timestamp::from_s(50 * 60), within: Some(Within::Band) }, None)
        );
        let said = standing.words(Some(&foreseen())).expect("something");
        assert_eq!(said, "drained at 00:50Z, as forecast (00:49Z–00:51Z est)");
        let (standing, _) = standing_of(|m| drains(m - 6.0));
        assert_eq!(standing, Standing::Drained { at: Timestamp::from_s(56 * 60), within: Some(Within::Later) });
    }

    #[test]
    fn a_queue_is_drained_when_what_waits_is_soon_handled_however_old_the_oldest_is() {
        let mut picture = examples::queue();
        let (id, foreseen, function) = (mapping(&mut picture).id.clone(), foreseen(), "JobWorker".into());
        let queue = QueueName::from("JobQueue");
        let retuned = Retuned {
            mapping: &id,
            function: &function,
            what: "maximum concurrency 2→10",
            settled_at: Timestamp::from_s(41 * 60),
            foreseen: Some(&foreseen),
        };
        put(&mut picture, &deleted(&queue), |_| 600.0);
        let waits = |m: f64| if m < 40.0 { 6_000.0 } else { (6_000.0 - (m - 40.0) * 600.0).max(200.0) };
        put(&mut picture, &visible(&queue), waits);
        // One that fails is tried again and again: the oldest stays a minute old.
        put(&mut picture, &oldest_s(&queue), |m| if m < 40.0 { 600.0 } else { (600.0 - (m - 40.0) * 60.0).max(60.0) });
        let standing = standing(&picture, now(), &retuned);
        assert_eq!(standing, Standing::Drained { at: Timestamp::from_s(50 * 60), within: Some(Within::Band) });
        assert_eq!(check(&picture, now(), &retuned), None);
        put(&mut picture, &visible(&queue), |_| 6_000.0);
        put(&mut picture, &oldest_s(&queue), |_| 600.0);
        let finding = check(&picture, now(), &retuned).expect("older than was foretold");
        assert!(finding.evidence[0].starts_with("age 10 m"), "{:?}", finding.evidence);
    }

    #[test]
    fn an_age_above_the_band_three_times_trips_and_offers_to_put_it_back() {
        let (standing, finding) = standing_of(|_| 600_000.0);
        assert!(matches!(standing, Standing::Worse { .. }), "{standing:?}");
        let finding = finding.expect("it trips");
        assert_eq!((finding.severity, finding.remedies[0].command.as_str()), (Severity::Harm, "undo"));
        assert!(finding.evidence[0].starts_with("age 10 m"), "{:?}", finding.evidence);
    }

    #[test]
    fn errors_and_throttles_are_compared_with_before() {
        for (metric, word) in [("Errors", "errors"), ("Throttles", "throttles")] {
            let mut picture = stream();
            let rises = |m: f64| if m < 42.0 { 0.0 } else { 400.0 };
            lambda(&mut picture, FUNCTION, metric, Stat::Sum, rises);
            let (id, function) = (mapping(&mut picture).id.clone(), FUNCTION.into());
            let mut retuned = Retuned {
                mapping: &id,
                function: &function,
                what: "parallel 1→5",
                settled_at: Timestamp::from_s(41 * 60),
                foreseen: None,
            };
            let finding = check(&picture, now(), &retuned).expect("it trips");
            assert!(finding.evidence[0].starts_with(word), "{:?}", finding.evidence);
            // As bad before as after: not the change's doing.
            lambda(&mut picture, FUNCTION, metric, Stat::Sum, |_| 400.0);
            assert_eq!(check(&picture, now(), &retuned), None);
            // Two periods are too few.
            retuned.settled_at = now().plus_s(-5 * 60);
            lambda(&mut picture, FUNCTION, metric, Stat::Sum, |m| if m < 56.0 { 0.0 } else { 400.0 });
            assert_eq!(check(&picture, now(), &retuned), None);
        }
    }
}
