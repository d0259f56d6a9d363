//! A queue whose oldest message has waited too long for a whole window, while the backlog does not grow:
//! too old for the objective, or near the end of its retention. Where it grows, `backlog-growing` says so.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::backlog::objective_ms;
use crate::verdict::bound::Bound;
use crate::verdict::dead_letters_arriving::takes_dead_letters;
use crate::verdict::window::{PERIOD_S, trend};
use crate::verdict::wording::{about, count, exact, remedy, whole_ms};
use crate::verdict::{NEAR_LOSS_MS, is_running};

/// Every datapoint of so many minutes is too old; one that is not, and it was a dip.
const MINUTES: i64 = 8;
/// Datapoints below which there is no window.
const FEWEST: usize = 5;
/// A fall faster than this, in seconds a second, is a backlog that is being worked off.
const LEAST_FALL: f64 = 0.02;

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, queue: &Queue) -> Option<Finding> {
    if takes_dead_letters(picture, queue) {
        return None;
    }
    let consumer = picture.readers_of(&queue.arn).next();
    if consumer.is_some_and(|mapping| !is_running(mapping)) {
        return None;
    }
    let key = MetricKey::sqs(&queue.name, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    let age = trend(picture, now, &key)?;
    let series = picture.metrics.get(&key)?;
    let window: Vec<f64> = series
        .between(age.newest_at.plus_s((1 - MINUTES) * PERIOD_S), age.newest_at.plus_ms(1))
        .map(|(_, s)| s)
        .collect();
    let least_s = window.iter().copied().fold(f64::INFINITY, f64::min);
    let objective_ms = objective_ms(picture, queue, consumer);
    let retention_ms = f64::from(queue.retention_s) * 1000.0;
    // Not with the time since: messages are taken meanwhile, or `stalled` and `stopped` say that none is.
    let oldest_ms = age.newest * 1000.0;
    let left_ms = (retention_ms - oldest_ms).max(0.0);
    let near = left_ms < NEAR_LOSS_MS.min(retention_ms / 2.0);
    if window.len() < FEWEST || !(least_s * 1000.0 > objective_ms || near) {
        return None;
    }
    let falls = age.is_falling(LEAST_FALL / 1000.0);
    let mut evidence = vec![format!(
        "it has waited {}, over {} for {MINUTES} m and more; the objective is {}",
        spoken(whole_ms(oldest_ms)),
        spoken(whole_ms(least_s.max(0.0) * 1000.0)),
        spoken(whole_ms(objective_ms))
    )];
    evidence.push(format!(
        "messages expire after {}: the first in about {}",
        spoken(whole_ms(retention_ms)),
        about(left_ms)
    ));
    if falls {
        evidence.push(format!(
            "it falls: under the objective in about {} est",
            about((oldest_ms - objective_ms).max(0.0) / (-age.short * 1000.0))
        ));
    }
    evidence.push(format!(
        "~{} ready, ~{} in flight",
        count(exact(queue.counts.visible)),
        count(exact(queue.counts.in_flight))
    ));
    evidence.push(format!(
        "ApproximateAgeOfOldestMessage, newest datapoint {}; it does not count what was received three times",
        age.newest_at.clock()
    ));
    Some(Finding {
        rule: "oldest-too-old".to_owned(),
        severity: match (near && !falls, falls) {
            (true, _) => Severity::Harm,
            (false, true) => Severity::Note,
            (false, false) => Severity::Warning,
        },
        subject: Subject::Queue(queue.name.clone()),
        headline: format!("{}: the oldest waits {}", queue.name, about(oldest_ms)),
        since: over_since(picture, &key, objective_ms / 1000.0),
        evidence,
        remedies: consumer.map(|mapping| remedy("logs", format!("logs of {}", mapping.function))).into_iter().collect(),
    })
}

/// Since when every datapoint has been over so many seconds.
fn over_since(picture: &Picture, key: &MetricKey, over_s: f64) -> Option<Timestamp> {
    let series = picture.metrics.get(key)?;
    let under = series.iter().rev().find(|(_, s)| *s <= over_s)?;
    series.iter().find(|(at, _)| *at > under.0).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::examples::{self, now, rules, sqs};
    use crate::verdict::judge;

    fn judged(age_s: impl Fn(f64) -> f64, depth: impl Fn(f64) -> f64) -> Vec<Finding> {
        let mut picture = examples::queue();
        sqs(&mut picture, "JobQueue", "ApproximateAgeOfOldestMessage", age_s);
        sqs(&mut picture, "JobQueue", "ApproximateNumberOfMessagesVisible", depth);
        judge(&picture, now())
    }

    #[test]
    fn too_old_for_a_whole_window_warns_and_one_dip_ends_it() {
        let findings = judged(|m| if m < 30.0 { 10.0 } else { 900.0 }, |_| 300.0);
        assert_eq!((rules(&findings), findings[0].severity), (vec!["oldest-too-old"], Severity::Warning));
        assert_eq!(findings[0].since, Some(Timestamp::from_s(30 * 60)));
        assert_eq!(rules(&judged(|m| if m == 55.0 { 20.0 } else { 900.0 }, |_| 300.0)), Vec::<&str>::new());
    }

    #[test]
    fn near_the_end_of_its_retention_is_harm_and_falling_is_worth_knowing() {
        let findings = judged(|_| 345_600.0 - 3_600.0, |_| 3.0);
        assert_eq!(findings[0].severity, Severity::Harm);
        let findings = judged(|m| 3_000.0 - m * 30.0, |m| 900.0 - m * 10.0);
        assert_eq!((rules(&findings), findings[0].severity), (vec!["oldest-too-old"], Severity::Note));
    }

    #[test]
    fn a_backlog_that_grows_is_said_once() {
        assert_eq!(rules(&judged(|m| m * 20.0, |m| m * 100.0)), ["backlog-growing"]);
    }
}
