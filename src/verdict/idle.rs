//! A consumer that has nothing to do. It is no trouble and not proof of health either: that it would
//! work is seen only when something comes. Silence alone is not idleness (that is `blind`): something
//! must say that nothing is there, a queue that is empty or a poll that came back empty.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::bound::Bound;
use crate::verdict::wanted::{invocations, polled_events, throttles};
use crate::verdict::window::{STALE_S, greatest, newest};

/// Minutes without work before it is called idle.
const MINUTES: i64 = 10;
/// So many idle consumers have a line each; more are one line.
const LINES: usize = 3;
/// Names in that line.
const NAMED: usize = 5;

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Finding> {
    if mapping.state != MappingState::Enabled || picture.metrics_error.is_some() {
        return None;
    }
    let runs = invocations(&mapping.function);
    let asked_at = picture.metrics.asked_at(&runs)?;
    if now.ms_since(asked_at) > STALE_S * 1000 {
        return None;
    }
    let some = |key| greatest(picture, now, &key, MINUTES).is_some_and(|n| n > 0.0);
    if some(runs.clone()) || some(throttles(&mapping.function)) {
        return None;
    }
    let proof =
        if mapping.kind().is_queue() { queue_is_empty(picture, mapping) } else { polls_empty(picture, now, mapping) }?;
    let last = picture.metrics.get(&runs).and_then(|series| series.iter().rev().find(|(_, n)| *n > 0.0));
    Some(Finding {
        rule: "idle".to_owned(),
        severity: Severity::Note,
        subject: Subject::Mapping(mapping.id.clone()),
        headline: format!("{} is idle", mapping.function),
        since: last.map(|(at, _)| at.plus_s(60)),
        evidence: vec![proof, format!("no run in {MINUTES} m (Invocations)")],
        remedies: Vec::new(),
    })
}

/// Many idle consumers are one line: an account has dozens, and none of them is why anybody looks.
pub fn folded(findings: Vec<Finding>) -> Vec<Finding> {
    if findings.len() <= LINES {
        return findings;
    }
    let name = |finding: &Finding| finding.headline.trim_end_matches(" is idle").to_owned();
    let mut names: Vec<String> = findings.iter().map(name).collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    vec![Finding {
        rule: "idle".to_owned(),
        severity: Severity::Note,
        subject: Subject::Account,
        headline: format!("{} consumers are idle", findings.len()),
        since: None,
        evidence: vec![format!("{}{more}", names.join(", "))],
        remedies: Vec::new(),
    }]
}

fn queue_is_empty(picture: &Picture, mapping: &Mapping) -> Option<String> {
    let seen = picture.queue_by_arn(&mapping.source)?;
    (seen.stale.is_none() && seen.value.counts.total() == 0)
        .then(|| format!("{} is empty, by our own poll {}", seen.value.name, seen.at.clock_s()))
}

/// A mapping with `EventCount` metrics says 0 when it polls and finds nothing (aws-facts §2.3).
fn polls_empty(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<String> {
    let key = polled_events(mapping);
    let (at, _) = newest(picture, now, &key)?;
    let found = greatest(picture, now, &key, MINUTES).is_some_and(|n| n > 0.0);
    (!found).then(|| format!("it polls and finds nothing (PolledEventCount), newest datapoint {}", at.clock()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Stat;
    use crate::verdict::examples::{self, FUNCTION, STREAM, lambda, now, put, put_queue, rules};
    use crate::verdict::judge;

    #[test]
    fn an_empty_queue_that_nothing_runs_for_is_idle_and_one_that_waits_is_not() {
        let mut picture = examples::queue();
        put_queue(&mut picture, "JobQueue", &[], |_| 0);
        lambda(&mut picture, "JobWorker", "Invocations", Stat::Sum, |m| if m < 40.0 { 5.0 } else { 0.0 });
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["idle"], Severity::Note));
        assert_eq!(findings[0].since, Some(Timestamp::from_s(40 * 60)));
        put_queue(&mut picture, "JobQueue", &[], |_| 3);
        assert!(!rules(&judge(&picture, now())).contains(&"idle"));
    }

    #[test]
    fn a_silent_stream_is_idle_only_when_its_polls_say_so() {
        let mut picture = examples::stream();
        for (name, stat) in [("IteratorAge", Stat::Maximum), ("IteratorAge", Stat::Minimum), ("Invocations", Stat::Sum)]
        {
            let key = crate::model::metric::MetricKey::lambda(&FUNCTION.into(), name, stat);
            picture.metrics.merge(&key, now(), []);
        }
        let later = now().plus_s(1_200);
        for name in ["IteratorAge", "Invocations"] {
            for stat in [Stat::Maximum, Stat::Minimum, Stat::Sum] {
                let key = crate::model::metric::MetricKey::lambda(&FUNCTION.into(), name, stat);
                picture.metrics.merge(&key, later, []);
            }
        }
        assert_eq!(rules(&judge(&picture, later)), ["blind"]);
        let key = polled_events(examples::mapping(&mut picture));
        put(&mut picture, &key, |_| 0.0);
        picture.metrics.merge(&key, later, [(later.plus_s(-120), 0.0)]);
        assert_eq!(rules(&judge(&picture, later)), ["idle"]);
        assert!(STREAM.contains("stream"));
    }

    #[test]
    fn many_are_one_line() {
        let one = |n: u32| Finding {
            rule: "idle".to_owned(),
            severity: Severity::Note,
            subject: Subject::Mapping(format!("m{n}").as_str().into()),
            headline: format!("worker-{n} is idle"),
            since: None,
            evidence: Vec::new(),
            remedies: Vec::new(),
        };
        assert_eq!(folded((0..3).map(one).collect()).len(), 3);
        let many = folded((0..7).map(one).collect());
        assert_eq!((many.len(), many[0].headline.as_str()), (1, "7 consumers are idle"));
        assert_eq!(many[0].evidence, ["worker-0, worker-1, worker-2, worker-3, worker-4 and 2 more"]);
    }
}
