//! Runs that come near the function's time-out: a little slower, and each is cut off and repeated.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::FunctionName;
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::bound::Bound;
use crate::verdict::wanted::duration_p95;
use crate::verdict::window::{STALE_S, lasting_since};
use crate::verdict::wording::{about, percent, remedy};

/// From this share of the time-out on, for p95.
const NEAR: f64 = 0.8;
/// Of the newest five datapoints so many must be near: one slow minute is a cold start.
const AGREE: usize = 3;
const LOOKS: usize = 5;

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    let timeout_s = picture.functions.get(function)?.value.timeout_s.filter(|s| *s > 0)?;
    let timeout_ms = f64::from(timeout_s) * 1000.0;
    let key = duration_p95(function);
    let series = picture.metrics.get(&key)?;
    let spoken_at = picture.metrics.spoken_at(&key, now);
    let newest: Vec<(Timestamp, f64)> = series.iter().rev().take(LOOKS).collect();
    let (at, _) = newest.first().filter(|(at, _)| spoken_at.ms_since(*at) <= STALE_S * 1000)?;
    let near: Vec<f64> = newest.iter().map(|(_, ms)| *ms).filter(|ms| *ms >= timeout_ms * NEAR).collect();
    if near.len() < AGREE {
        return None;
    }
    let longest = near.iter().copied().fold(0.0, f64::max);
    Some(Finding {
        rule: "near-time-out".to_owned(),
        severity: Severity::Warning,
        subject: Subject::Function(function.clone()),
        headline: format!("{function} is near its time-out"),
        since: lasting_since(series, |ms| ms >= timeout_ms * NEAR),
        evidence: vec![
            format!("p95 {} of {timeout_s} s, {} of it", about(longest), percent(longest / timeout_ms)),
            "a run that is cut off is repeated with its whole batch".to_owned(),
            format!("Duration p95, newest datapoint {}", at.clock()),
        ],
        remedies: vec![remedy("logs", format!("logs of {function}"))],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::function::Function;
    use crate::model::metric::Stat;
    use crate::model::observed::Observed;
    use crate::verdict::examples::{FUNCTION, lambda, now, stream};

    #[test]
    fn three_of_five_minutes_near_the_time_out_are_said_and_one_is_not() {
        let mut picture = stream();
        let function = Function {
            name: FUNCTION.into(),
            arn: "arn:aws:lambda:r:1:function:LogWorker".into(),
            timeout_s: Some(10),
            memory_mb: None,
            last_modified: None,
            code_sha256: None,
            reserved_concurrency: None,
            dead_letter: None,
        };
        picture.functions.insert(FUNCTION.into(), Observed::new(function, now()));
        lambda(&mut picture, FUNCTION, "Duration", Stat::P95, |m| if m < 58.0 { 900.0 } else { 9_000.0 });
        assert_eq!(check(&picture, now(), &FUNCTION.into()), None, "two minutes");
        lambda(&mut picture, FUNCTION, "Duration", Stat::P95, |m| if m < 40.0 { 900.0 } else { 8_600.0 });
        let finding = check(&picture, now(), &FUNCTION.into()).expect("near");
        assert_eq!(finding.evidence[0], "p95 9 s of 10 s, 86 % of it");
        assert_eq!(finding.since, Some(Timestamp::from_s(40 * 60)));
    }
}
