//! The rules that judge a pipeline from windows of metrics and from our own polls. Each is a pure
//! function of what was seen, in a file of its own; none fetches, remembers or acts. What is not
//! known is said to be not known, and never taken for good.

pub mod alarm;
mod async_events;
mod backlog;
mod behind;
mod blind;
mod bound;
mod catching_up;
mod changed;
pub mod clock;
mod dead_letters_arriving;
mod dead_letters_standing;
mod drain;
#[cfg(test)]
pub(crate) mod examples;
mod failing;
pub mod foretold;
pub mod goal;
mod idle;
mod lane_stuck;
pub mod log;
pub mod lost;
mod near_time_out;
mod oldest_too_old;
pub mod posture;
mod retries_burning;
mod slow_handler;
mod stalled;
mod standstill;
mod stopped;
mod throttled;
mod unbalanced;
mod wanted;
mod window;
mod wording;

pub use bound::{BOUNDS, Bound, bound_of};
pub use wanted::wanted;

use crate::model::finding::{Finding, Subject};
use crate::model::id::{FunctionName, MappingId};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::Timestamp;

/// Harm is near when data is lost within this many milliseconds (ux.md: 6 h).
pub const NEAR_LOSS_MS: f64 = 6.0 * 3_600_000.0;

/// Everything that is wrong or worth knowing, worst first. At most one finding a mapping speaks of
/// its lag: which one depends on why it lags.
pub fn judge(picture: &Picture, now: Timestamp) -> Vec<Finding> {
    let mut findings: Vec<Finding> = alarm::check(picture);
    findings.extend(blind::check_account(picture));
    let mut idle = Vec::new();
    for observed in picture.mappings.values() {
        let mapping = &observed.value;
        findings.extend(stopped::check(picture, now, mapping));
        if is_running(mapping) {
            findings.extend(of_mapping(picture, now, mapping, &mut idle));
        }
    }
    findings.extend(idle::folded(idle));
    let mut functions: Vec<_> = picture.mappings.values().map(|observed| &observed.value.function).collect();
    functions.extend(picture.functions.keys());
    functions.sort();
    functions.dedup();
    for function in functions {
        findings.extend(failing::check(picture, now, function));
        findings.extend(throttled::check(picture, now, function));
        findings.extend(near_time_out::check(picture, now, function));
        findings.extend(slow_handler::check(picture, now, function));
        findings.extend(async_events::check(picture, now, function));
        findings.extend(unbalanced::events(picture, now, function));
    }
    for observed in picture.queues.values() {
        let queue = &observed.value;
        let arriving = dead_letters_arriving::check(picture, now, queue);
        let standing = || dead_letters_standing::check(picture, now, queue);
        findings.extend(arriving.or_else(standing));
        let waiting = waiting(picture, now, queue, &findings);
        findings.extend(waiting);
        findings.extend(retries_burning::check(picture, now, queue));
        findings.extend(unbalanced::queue(picture, now, queue));
    }
    findings.retain(|finding| !picture.objectives.silenced.contains(&finding.rule));
    // Alarms keep their own order among themselves: the sort is stable.
    let place = |finding: &Finding| {
        let subject = alarm::alarm_of(finding).is_none().then(|| finding.subject.clone());
        (finding.severity, order(&finding.rule), subject)
    };
    findings.sort_by_key(place);
    changed::tell(picture, now, &mut findings);
    findings
}

/// How a consumer that is switched on stands: it gets nothing done, it lags, nothing can be said, or
/// there is nothing to do.
fn of_mapping(picture: &Picture, now: Timestamp, mapping: &Mapping, idle: &mut Vec<Finding>) -> Vec<Finding> {
    if let Some(stalled) = stalled::check(picture, now, mapping) {
        return vec![stalled];
    }
    if let Some(nothing_to_do) = idle::check(picture, now, mapping) {
        idle.push(nothing_to_do);
        return Vec::new();
    }
    lag(picture, now, mapping).into_iter().chain(blind::check(picture, now, mapping)).collect()
}

/// Functions that are refused runs now: whose limit it is must be asked.
pub fn throttled(picture: &Picture, now: Timestamp) -> Vec<FunctionName> {
    let refused = |function: &&FunctionName| throttled::check(picture, now, function).is_some();
    picture.functions.keys().filter(refused).cloned().collect()
}

/// What waits in a queue. Where its consumer stands still, that is said and not its consequence.
fn waiting(picture: &Picture, now: Timestamp, queue: &Queue, findings: &[Finding]) -> Option<Finding> {
    let reads = |id: &MappingId| picture.mappings.get(id).is_some_and(|seen| seen.value.source == queue.arn);
    let mut stalled = findings.iter().filter(|finding| finding.rule == "stalled");
    if stalled.any(|finding| matches!(&finding.subject, Subject::Mapping(id) if reads(id))) {
        return None;
    }
    backlog::check(picture, now, queue).or_else(|| oldest_too_old::check(picture, now, queue))
}

fn lag(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Finding> {
    if !mapping.kind().is_stream() {
        return None;
    }
    match standstill::one_lane(picture, now, mapping) {
        Some(lane) if lane.worst.is_sure() => Some(lane_stuck::finding(picture, now, mapping, &lane)),
        // It seems to be one lane: too early to call it that, and want of capacity it is not.
        Some(_) => None,
        None => behind::check(picture, now, mapping).or_else(|| catching_up::check(picture, now, mapping)),
    }
}

/// The age of a mapping's work that is still all right, milliseconds: its function's objective, its
/// source's, or the default.
fn objective_ms(picture: &Picture, mapping: &Mapping) -> f64 {
    picture.objectives.age_ms([mapping.function.as_str(), mapping.source.resource()])
}

fn is_running(mapping: &Mapping) -> bool {
    !matches!(mapping.state, MappingState::Disabled | MappingState::Disabling | MappingState::Deleting)
}

/// Every rule but those of alarms and of a retune's guards, in the order they are shown in within one
/// severity.
pub const RULES: [&str; 22] = [
    "stopped",
    "stalled",
    "falling-behind",
    "lane-stuck",
    "dead-letters-arriving",
    "backlog-growing",
    "oldest-too-old",
    "events-dropped",
    "failing",
    "throttled",
    "retries-burning",
    "near-time-out",
    "slow-handler",
    "events-ageing",
    "behind",
    "dead-letters-standing",
    "unbalanced",
    "metrics-unavailable",
    "alarms-without-data",
    "blind",
    "catching-up",
    "idle",
];

/// A rule by that name can be silenced.
pub fn is_rule(name: &str) -> bool {
    RULES.contains(&name) || name.starts_with(alarm::PREFIX)
}

/// Within one severity: what paged somebody, then what loses data before what merely waits.
fn order(rule: &str) -> usize {
    if rule.starts_with(alarm::PREFIX) {
        return 0;
    }
    if rule == foretold::RULE {
        return 1;
    }
    2 + RULES.iter().position(|known| *known == rule).unwrap_or(RULES.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::model::metric::Stat;
    use crate::verdict::examples::{FUNCTION, lambda, mapping, now, put, put_queue, queue, rules, sqs, stream};

    fn age(picture: &mut Picture, max: impl Fn(f64) -> f64, min: impl Fn(f64) -> f64) {
        lambda(picture, FUNCTION, "IteratorAge", Stat::Maximum, max);
        lambda(picture, FUNCTION, "IteratorAge", Stat::Minimum, min);
    }

    /// Grows by `slope` seconds a second from minute 20 on, milliseconds.
    fn from_20(slope: f64) -> impl Fn(f64) -> f64 {
        move |m| 500.0 + (m - 20.0).max(0.0) * 60_000.0 * slope
    }

    #[test]
    fn a_healthy_pipeline_has_no_findings() {
        assert_eq!(judge(&stream(), now()), []);
        assert_eq!(judge(&queue(), now()), []);
    }

    #[test]
    fn a_silenced_rule_is_not_heard_and_the_others_are() {
        let mut picture = stream();
        age(&mut picture, from_20(0.4), from_20(0.4));
        lambda(&mut picture, FUNCTION, "Errors", Stat::Sum, |_| 7.0);
        picture.objectives.silenced.insert("falling-behind".to_owned());
        assert_eq!(rules(&judge(&picture, now())), ["failing"]);
        assert!(BOUNDS.iter().all(|(rule, _)| is_rule(rule)) && !is_rule("fallling-behind"));
    }

    #[test]
    fn all_shards_late_is_capacity_and_answered_with_lanes() {
        let mut picture = stream();
        age(&mut picture, from_20(0.4), from_20(0.35));
        let findings = judge(&picture, now());
        assert_eq!(rules(&findings), ["falling-behind"]);
        let finding = &findings[0];
        assert_eq!(finding.severity, Severity::Harm, "over the objective and rising");
        assert_eq!(finding.headline, "LogWorker is falling behind");
        assert_eq!(finding.evidence[0], "age 14 m 48 s ↑ 0.4 s/s, all shards: capacity");
        assert_eq!(finding.evidence[1], "records are lost from 24 h: in about 59 h");
        assert!(finding.remedies[0].text.starts_with("tune: parallel 1→"), "{:?}", finding.remedies);
        assert_eq!(finding.since, Some(Timestamp::from_s(21 * 60)), "the last minute under the noise");
    }

    #[test]
    fn one_lane_late_is_stuck_and_never_answered_with_lanes() {
        let mut picture = stream();
        age(&mut picture, from_20(1.0), |_| 300.0);
        let findings = judge(&picture, now());
        assert_eq!(rules(&findings), ["lane-stuck"]);
        assert!(findings[0].evidence[2].contains("retries until the record expires, batches are not halved"));
        assert!(findings[0].remedies.iter().all(|remedy| remedy.command != "tune"));
    }

    #[test]
    fn a_slow_rise_below_the_objective_warns_only() {
        let mut picture = stream();
        age(&mut picture, from_20(0.05), from_20(0.05));
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["falling-behind"], Severity::Warning));
    }

    #[test]
    fn an_objective_of_its_own_decides_what_is_harm() {
        let mut picture = stream();
        age(&mut picture, from_20(0.1), from_20(0.1));
        assert_eq!(judge(&picture, now())[0].severity, Severity::Warning, "under five minutes");
        picture.objectives.by_name.insert(FUNCTION.to_owned(), 60);
        assert_eq!(judge(&picture, now())[0].severity, Severity::Harm, "over a minute of its own");
        picture.objectives.by_name.clear();
        picture.objectives.age_s = 60;
        assert_eq!(judge(&picture, now())[0].severity, Severity::Harm, "over a minute for all");
    }

    #[test]
    fn after_the_turn_it_catches_up() {
        let mut picture = stream();
        let turned = |m: f64| if m < 50.0 { from_20(0.4)(m) } else { 720_000.0 - (m - 50.0) * 60_000.0 };
        age(&mut picture, turned, turned);
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["catching-up"], Severity::Note));
        assert_eq!(findings[0].evidence[1], "caught up in about 5 m est");
    }

    #[test]
    fn at_the_turn_it_is_not_said_that_it_does_not_catch_up() {
        let mut picture = stream();
        let turned = |m: f64| 900_000.0 - (m - 55.0).max(0.0) * 60_000.0;
        age(&mut picture, turned, turned);
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["behind"], Severity::Warning));
        assert_eq!(findings[0].headline, "LogWorker is behind; its age may begin to fall");
        assert_eq!(findings[0].evidence[0], "age 13 m, falling in minutes that may not be whole yet");
        age(&mut picture, |_| 900_000.0, |_| 900_000.0);
        assert!(judge(&picture, now())[0].headline.ends_with("does not catch up"));
    }

    #[test]
    fn lag_by_errors_or_throttles_is_not_called_capacity() {
        for (metric, rule, cause) in [
            ("Errors", "failing", "all shards: 67 % of its runs fail"),
            ("Throttles", "throttled", "all shards: 40 % of its runs are refused (throttles)"),
        ] {
            let mut picture = stream();
            age(&mut picture, from_20(0.9), from_20(0.9));
            lambda(&mut picture, FUNCTION, metric, Stat::Sum, |_| 400.0);
            let findings = judge(&picture, now());
            assert_eq!(rules(&findings), ["falling-behind", rule]);
            assert_eq!(findings[0].severity, Severity::Harm);
            assert!(findings[0].evidence[0].ends_with(cause), "{:?}", findings[0].evidence);
            assert!(findings[0].remedies.iter().all(|remedy| remedy.command != "tune"));
        }
    }

    #[test]
    fn standing_lag_by_errors_is_not_answered_with_lanes() {
        let mut picture = stream();
        age(&mut picture, |_| 900_000.0, |_| 850_000.0);
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].remedies[0].command.as_str()), (vec!["behind"], "tune"));
        lambda(&mut picture, FUNCTION, "Throttles", Stat::Sum, |_| 400.0);
        let findings = judge(&picture, now());
        let behind = findings.iter().find(|finding| finding.rule == "behind").expect("it is still behind");
        assert!(behind.evidence[0].ends_with("40 % of its runs are refused (throttles)"), "{:?}", behind.evidence);
        assert!(behind.remedies.iter().all(|remedy| remedy.command != "tune"));
    }

    #[test]
    fn every_lane_stuck_by_partial_responses_is_not_called_capacity() {
        let mut picture = stream();
        age(&mut picture, from_20(1.0), from_20(1.0));
        let key =
            crate::model::metric::MetricKey::mapping(&mapping(&mut picture).id, "FailedInvokeEventCount", Stat::Sum);
        put(&mut picture, &key, |_| 8.0);
        let findings = judge(&picture, now());
        assert_eq!(rules(&findings), ["falling-behind", "failing"]);
        assert!(findings[0].evidence[0].ends_with("all shards: the same records fail again and again"));
        assert!(findings[0].remedies.iter().all(|remedy| remedy.command != "tune"));
    }

    #[test]
    fn failures_that_errors_does_not_count_are_seen() {
        let mut picture = stream();
        let id = mapping(&mut picture).id.clone();
        let key = crate::model::metric::MetricKey::mapping(&id, "FailedInvokeEventCount", Stat::Sum);
        put(&mut picture, &key, |_| 8.0);
        let findings = judge(&picture, now());
        assert_eq!(rules(&findings), ["failing"]);
        assert!(findings[0].evidence[0].contains("120 events failed in 15 m"), "{:?}", findings[0].evidence);
    }

    #[test]
    fn a_stopped_consumer_says_since_when_why_and_how_long_there_is() {
        let mut picture = stream();
        mapping(&mut picture).state = MappingState::Disabled;
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["stopped"], Severity::Warning));
        assert_eq!(
            findings[0].evidence,
            [
                "mapping Disabled at 00:00Z: User action (a call; whose, only CloudTrail knows)",
                "records are lost from 24 h: in 23 h at least"
            ]
        );
        let late = Timestamp::from_s(19 * 3600);
        assert_eq!(judge(&picture, late)[0].severity, Severity::Harm);
    }

    #[test]
    fn dead_letters_arriving_are_told_from_depths_and_standing_ones_are_not_alarming() {
        let mut picture = queue();
        // One every ten seconds.
        put_queue(&mut picture, "JobDLQ", &["JobQueue"], |ago| u64::try_from(100 - ago / 10).expect("positive"));
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["dead-letters-arriving"], Severity::Harm));
        assert_eq!(findings[0].headline, "JobDLQ: dead letters arriving, 6.0/min");
        assert_eq!(findings[0].evidence[1], "from JobQueue");
        assert_eq!(findings[0].remedies[1].text, "logs of JobWorker");
        put_queue(&mut picture, "JobDLQ", &["JobQueue"], |_| 312);
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["dead-letters-standing"], Severity::Note));
        sqs(&mut picture, "JobDLQ", "ApproximateAgeOfOldestMessage", |_| 345_600.0 - 20.0 * 3600.0);
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["dead-letters-standing"], Severity::Warning));
        assert!(
            findings[0].evidence[1].ends_with("the first expires in 20 h at the latest"),
            "{:?}",
            findings[0].evidence
        );
    }

    #[test]
    fn a_redrive_out_of_the_queue_does_not_hide_what_comes_in() {
        let mut picture = queue();
        // 50 taken out every minute, 12 come in between.
        put_queue(&mut picture, "JobDLQ", &["JobQueue"], |ago| {
            u64::try_from(ago / 60 * 38 + (60 - ago % 60) / 10 * 2).expect("positive")
        });
        assert_eq!(rules(&judge(&picture, now())), ["dead-letters-arriving"]);
    }

    #[test]
    fn a_growing_backlog_warns_and_is_harm_over_the_objective() {
        let mut picture = queue();
        sqs(&mut picture, "JobQueue", "ApproximateAgeOfOldestMessage", |m| (m - 55.0).max(0.0) * 40.0);
        sqs(&mut picture, "JobQueue", "ApproximateNumberOfMessagesVisible", |m| m * 100.0);
        // Two minutes of rise are no trend yet.
        assert_eq!(rules(&judge(&picture, now())), Vec::<&str>::new());
        sqs(&mut picture, "JobQueue", "ApproximateAgeOfOldestMessage", |m| m * 20.0);
        let findings = judge(&picture, now());
        assert_eq!((rules(&findings), findings[0].severity), (vec!["backlog-growing"], Severity::Harm));
        assert_eq!(findings[0].evidence[0], "the oldest waits 19 m ↑ 0.3 s/s");
    }

    #[test]
    fn nothing_published_is_never_taken_for_good() {
        let mut picture = stream();
        let later = now().plus_s(1200);
        let findings = judge(&picture, later);
        assert_eq!(rules(&findings), ["blind"]);
        picture.metrics_error = Some("metrics unavailable: 501".to_owned());
        assert_eq!(rules(&judge(&picture, later)), ["metrics-unavailable"]);
        let mut waiting = queue();
        waiting.metrics = crate::model::metric::Metrics::default();
        let findings = judge(&waiting, later);
        assert_eq!((rules(&findings), findings[0].severity), (vec!["blind"], Severity::Note), "not asked yet");
    }

    #[test]
    fn the_worst_comes_first() {
        let mut picture = stream();
        age(&mut picture, from_20(0.4), from_20(0.4));
        lambda(&mut picture, FUNCTION, "Errors", Stat::Sum, |_| 7.0);
        put_queue(&mut picture, "JobDLQ", &["JobQueue"], |_| 3);
        let findings = judge(&picture, now());
        assert_eq!(rules(&findings), ["falling-behind", "failing", "dead-letters-standing"]);
        assert!(findings.is_sorted_by_key(|finding| finding.severity));
    }
}
