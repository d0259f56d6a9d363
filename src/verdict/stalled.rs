//! A consumer that is switched on and gets nothing done although work waits: its runs are refused one
//! and all, none begins, or every one of them fails. Later work is not late by want of capacity then,
//! and neither lanes nor batches help.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::queue::{Queue, QueueCounts};
use crate::model::time::{Timestamp, spoken};
use crate::verdict::behind::{NOISE_MS, loss_age};
use crate::verdict::bound::Bound;
use crate::verdict::objective_ms;
use crate::verdict::standstill::STANDS;
use crate::verdict::wanted::{age_max, age_min, deleted, errors, invocations, throttles};
use crate::verdict::window::{PERIOD_S, greatest, newest, total, trend};
use crate::verdict::wording::{about, count, exact, remedy, span, whole_ms};

/// Complete minutes in which nothing was done, at least; a run may take longer, and then it is more.
const LEAST_MINUTES: i64 = 5;
const MOST_MINUTES: i64 = 11;
/// Minutes that are not complete yet (ux.md, "Verdicts on screen").
const INCOMPLETE: i64 = 3;
/// One run that fails is a failure; three and none that ends well are a standstill.
const FEWEST_RUNS: f64 = 3.0;

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Finding> {
    if mapping.state != MappingState::Enabled {
        return None;
    }
    picture.metrics.asked_at(&invocations(&mapping.function))?;
    let done = Done::of(picture, now, &mapping.function);
    let (how, age_ms, mut evidence) = match picture.queue_by_arn(&mapping.source) {
        Some(queue) => queue_stands(picture, now, mapping, &queue.value, done)?,
        None if mapping.kind().is_stream() => stream_stands(picture, now, mapping, done)?,
        None => return None,
    };
    evidence.push(format!("the mapping is {}: it is not switched off", mapping.state));
    let late = age_ms.is_some_and(|ms| ms > objective_ms(picture, mapping));
    Some(Finding {
        rule: "stalled".to_owned(),
        severity: if late { Severity::Harm } else { Severity::Warning },
        subject: Subject::Mapping(mapping.id.clone()),
        headline: format!("{} stands still: {}", mapping.function, how.words()),
        since: since(picture, mapping),
        evidence,
        remedies: vec![remedy("logs", format!("logs of {}", mapping.function))],
    })
}

/// What the function did of late.
#[derive(Clone, Copy)]
struct Done {
    runs: f64,
    failed: f64,
    refused: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Refused,
    NoRun,
    AllFail,
}

impl How {
    fn words(self) -> &'static str {
        match self {
            How::Refused => "every run is refused",
            How::NoRun => "nothing is run",
            How::AllFail => "every run fails",
        }
    }
}

impl Done {
    fn of(picture: &Picture, now: Timestamp, function: &crate::model::id::FunctionName) -> Self {
        let sum = |key: MetricKey| total(picture, now, &key, LEAST_MINUTES).map_or(0.0, |total| total.sum);
        // What is not complete may only be more: one run that began is enough to say it moves.
        let lately = |key: MetricKey| greatest(picture, now, &key, LEAST_MINUTES + INCOMPLETE).unwrap_or(0.0);
        let runs = sum(invocations(function));
        Done {
            runs: if runs > 0.0 { runs } else { lately(invocations(function)) },
            failed: sum(errors(function)),
            refused: sum(throttles(function)),
        }
    }

    fn how(self) -> Option<How> {
        match self {
            Done { runs: 0.0, refused, .. } if refused > 0.0 => Some(How::Refused),
            Done { runs: 0.0, .. } => Some(How::NoRun),
            Done { runs, failed, .. } if runs >= FEWEST_RUNS && failed >= runs => Some(How::AllFail),
            Done { .. } => None,
        }
    }

    fn line(self) -> String {
        let minutes = format!("in {LEAST_MINUTES} m");
        match self.how() {
            Some(How::Refused) => format!("{} attempts refused {minutes}, none ran (Throttles)", count(self.refused)),
            Some(How::AllFail) => format!("{} runs {minutes}, each ended in an error (Errors)", count(self.runs)),
            _ => format!("no run {minutes} (Invocations)"),
        }
    }
}

type Stands = (How, Option<f64>, Vec<String>);

/// Attempts that are refused are proof that records wait, and so are runs that fail while every shard
/// gets later. A stream that nothing is read from may as well be idle: that is not said here.
fn stream_stands(picture: &Picture, now: Timestamp, mapping: &Mapping, done: Done) -> Option<Stands> {
    let how = done.how().filter(|how| *how != How::NoRun)?;
    let key = age_max(&mapping.function);
    let age_ms = match how {
        // Nothing is read, so nothing says how old it is but time.
        How::Refused => {
            picture.metrics.get(&key).and_then(|series| series.newest()).map(|(at, ms)| ms + span(now.ms_since(at)))
        }
        _ => {
            let stands = |key| trend(picture, now, &key).filter(|age| age.newest > NOISE_MS && age.is_rising(STANDS));
            stands(age_min(&mapping.function))?;
            stands(key).map(|age| age.newest)
        }
    };
    let (lost_at_ms, what) = loss_age(picture, mapping);
    let mut evidence = vec![done.line()];
    evidence.extend(age_ms.map(|ms| {
        let left_ms = (lost_at_ms - ms).max(0.0);
        format!(
            "the oldest is about {} old; {what} from {}: in {} at least",
            about(ms),
            about(lost_at_ms),
            about(left_ms)
        )
    }));
    Some((how, age_ms, evidence))
}

/// Messages wait, by our own polls as long as anything may take, and none is done.
fn queue_stands(picture: &Picture, now: Timestamp, mapping: &Mapping, queue: &Queue, done: Done) -> Option<Stands> {
    let timeout_s = picture.functions.get(&mapping.function).and_then(|function| function.value.timeout_s).unwrap_or(0);
    let minutes = (i64::from(timeout_s) / PERIOD_S + 1).clamp(LEAST_MINUTES, MOST_MINUTES);
    let in_flight = queue.counts.in_flight > 0;
    if in_flight && i64::from(timeout_s) > MOST_MINUTES * PERIOD_S {
        return None;
    }
    if !waits(picture, now, queue, minutes + INCOMPLETE) {
        return None;
    }
    picture.metrics.asked_at(&deleted(&queue.name))?;
    if greatest(picture, now, &deleted(&queue.name), minutes + INCOMPLETE).is_some_and(|n| n > 0.0) {
        return None;
    }
    let how = done.how()?;
    let age = MetricKey::sqs(&queue.name, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    let age_ms = newest(picture, now, &age).map(|(at, s)| s * 1000.0 + span(now.ms_since(at)));
    let mut evidence = vec![
        format!(
            "~{} wait in {}, {} in flight, none deleted in {} m",
            count(exact(queue.counts.visible)),
            queue.name,
            count(exact(queue.counts.in_flight)),
            minutes + INCOMPLETE
        ),
        done.line(),
    ];
    evidence.extend(age_ms.map(|ms| {
        let left_ms = (f64::from(queue.retention_s) * 1000.0 - ms).max(0.0);
        let kept = spoken(i64::from(queue.retention_s) * 1000);
        format!("the oldest waits {}; messages expire after {kept}: in about {}", spoken(whole_ms(ms)), about(left_ms))
    }));
    Some((how, age_ms, evidence))
}

/// Every poll of so many minutes saw something there, ready or held by a mapping that cannot run it, and there were polls all along.
fn waits(picture: &Picture, now: Timestamp, queue: &Queue, minutes: i64) -> bool {
    let Some(depths) = picture.depths.get(&queue.name) else { return false };
    let from = now.plus_s(-minutes * PERIOD_S);
    let before = depths.iter().rev().find(|(at, _)| *at <= from);
    let ready = |(_, counts): &&(Timestamp, QueueCounts)| counts.visible + counts.in_flight > 0;
    before.is_some_and(|seen| ready(&seen))
        && depths.iter().filter(|(at, _)| *at > from).all(|seen| ready(&seen))
        && queue.counts.visible + queue.counts.in_flight > 0
}

/// The end of the last minute in which a run began.
fn since(picture: &Picture, mapping: &Mapping) -> Option<Timestamp> {
    let ran = picture.metrics.get(&invocations(&mapping.function))?;
    let failed = picture.metrics.get(&errors(&mapping.function));
    let failed_at =
        |at: Timestamp| failed.and_then(|series| series.between(at, at.plus_ms(1)).next()).map_or(0.0, |(_, n)| n);
    let well = ran.iter().rev().find(|(at, runs)| *runs > failed_at(*at));
    well.map(|(at, _)| at.plus_s(PERIOD_S))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::examples::{self, FUNCTION, lambda, mapping, now, put_queue, rules, sqs};
    use crate::verdict::judge;

    fn quiet(picture: &mut Picture, function: &str) {
        let silent = |m: f64| if m < 45.0 { 600.0 } else { 0.0 };
        lambda(picture, function, "Invocations", Stat::Sum, silent);
    }

    #[test]
    fn a_stream_whose_runs_are_all_refused_stands_still() {
        let mut picture = examples::stream();
        quiet(&mut picture, FUNCTION);
        lambda(&mut picture, FUNCTION, "Throttles", Stat::Sum, |m| if m < 45.0 { 0.0 } else { 40.0 });
        let findings = judge(&picture, now());
        assert_eq!(rules(&findings), ["stalled", "throttled"]);
        assert_eq!(findings[0].headline, "LogWorker stands still: every run is refused");
        assert_eq!(findings[0].evidence[0], "200 attempts refused in 5 m, none ran (Throttles)");
        assert_eq!(findings[0].since, Some(Timestamp::from_s(45 * 60)));
    }

    #[test]
    fn a_stream_that_nothing_is_read_from_may_be_idle_and_is_not_called_stalled() {
        let mut picture = examples::stream();
        quiet(&mut picture, FUNCTION);
        let mapping = mapping(&mut picture).clone();
        assert_eq!(check(&picture, now(), &mapping), None);
    }

    #[test]
    fn runs_that_all_fail_are_a_standstill_when_every_shard_gets_later() {
        let mut picture = examples::stream();
        let rising = |m: f64| 500.0 + (m - 20.0).max(0.0) * 60_000.0;
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Maximum, rising);
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Minimum, rising);
        lambda(&mut picture, FUNCTION, "Errors", Stat::Sum, |_| 600.0);
        let findings = judge(&picture, now());
        assert_eq!(rules(&findings), ["stalled", "failing"]);
        assert_eq!(findings[0].severity, Severity::Harm, "over the objective");
        assert!(findings[0].remedies.iter().all(|remedy| remedy.command != "tune"));
    }

    #[test]
    fn a_queue_that_waits_while_nothing_runs_is_stalled_and_one_run_ends_that() {
        let mut picture = examples::queue();
        quiet(&mut picture, "JobWorker");
        put_queue(&mut picture, "JobQueue", &[], |_| 40);
        lambda(&mut picture, "JobWorker", "Errors", Stat::Sum, |_| 0.0);
        let key = deleted(&"JobQueue".into());
        examples::put(&mut picture, &key, |m| if m < 45.0 { 9.0 } else { 0.0 });
        let mapping = mapping(&mut picture).clone();
        let finding = check(&picture, now(), &mapping).expect("it stands");
        assert_eq!(finding.headline, "JobWorker stands still: nothing is run");
        sqs(&mut picture, "JobQueue", "NumberOfMessagesDeleted", |_| 0.0);
        lambda(&mut picture, "JobWorker", "Invocations", Stat::Sum, |m| if m < 57.0 { 0.0 } else { 1.0 });
        assert_eq!(check(&picture, now(), &mapping), None, "it moves");
    }
}
