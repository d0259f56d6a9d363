//! A stream consumer whose shards all get later. It lacks capacity, and more lanes, larger batches
//! or a faster handler help; or its runs fail or are refused, and more lanes do not.

use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::mapping::{Mapping, SourceKind};
use crate::model::metric::MetricKey;
use crate::model::picture::Picture;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::bound::Bound;
use crate::verdict::drain;
use crate::verdict::standstill::{NOTHING_DONE, Rise, STANDS};
use crate::verdict::wanted::{
    age_max, age_min, errors, failed_events, invocations, invoked_events, records_in, records_out, throttles,
};
use crate::verdict::window::{Trend, over, rising_since, total, trend, whole_trend};
use crate::verdict::wording::{about, percent, rate, remedy, whole_ms};
use crate::verdict::{NEAR_LOSS_MS, objective_ms};

/// Younger than this, in milliseconds, a rise is noise: records carry whole seconds (aws-facts §2.2),
/// and a batch window is no lag.
pub const NOISE_MS: f64 = 30_000.0;
/// A rise slower than this, in seconds a second, is not one.
pub const LEAST_RISE: f64 = 0.02;
/// From this share of failed or throttled runs on, lag is their doing and not capacity's.
const OTHER_CAUSE: f64 = 0.2;

/// What becomes of a record that the on-failure destination is told of.
pub const GIVEN_UP: &str = "given up";

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Finding> {
    let key = age_max(&mapping.function);
    let age = trend(picture, now, &key).filter(|age| age.newest > NOISE_MS)?;
    // By a single datapoint a lane that stands is not told from all of them being late.
    (over(picture, &key, age.newest_at, NOISE_MS) > 1).then_some(())?;
    if age.is_rising(LEAST_RISE) {
        return Some(falling(picture, now, mapping, age));
    }
    (age.newest > objective_ms(picture, mapping) && !falls(picture, now, mapping, &age))
        .then(|| holding(picture, now, mapping, age))
}

/// It falls, and not only by minutes that are not whole yet: where a lane has not been told of, the worst may
/// be missing.
pub fn falls(picture: &Picture, now: Timestamp, mapping: &Mapping, age: &Trend) -> bool {
    let before = || whole_trend(picture, now, &age_max(&mapping.function));
    age.is_falling(LEAST_RISE) && before().is_none_or(|before| before.is_falling(0.0))
}

fn falling(picture: &Picture, now: Timestamp, mapping: &Mapping, age: Trend) -> Finding {
    let function = &mapping.function;
    let best = trend(picture, now, &age_min(function));
    let cause = other_cause(picture, now, mapping);
    let where_ = match (best, &cause) {
        (Some(best), Some(cause)) if best.is_rising(LEAST_RISE) => format!("all shards: {cause}"),
        (Some(best), None) if best.is_rising(LEAST_RISE) => "all shards: capacity".to_owned(),
        (Some(best), _) => format!("not all shards (the best is {} late)", spoken(whole_ms(best.newest))),
        (None, _) => "shards not told apart: no Minimum".to_owned(),
    };
    let (loss_age_ms, what) = loss_age(picture, mapping);
    let loss_in_ms = (loss_age_ms - age.newest).max(0.0) / age.long;
    let mut evidence = vec![
        format!("age {} ↑ {} s/s, {where_}", spoken(whole_ms(age.newest)), rate(age.long)),
        format!(
            "records are {what}{} from {}: in about {}",
            given_to(picture, mapping),
            about(loss_age_ms),
            about(loss_in_ms)
        ),
    ];
    let mut remedies = vec![remedy("logs", format!("logs of {function}"))];
    if cause.is_none() {
        evidence.extend(throughput(picture, now, mapping, Some(age.long)));
        remedies.insert(0, tune(mapping, age.newest, age.long));
    }
    evidence.push(measured(age.newest_at));
    let near = loss_in_ms < NEAR_LOSS_MS || age.newest > objective_ms(picture, mapping);
    Finding {
        rule: "falling-behind".to_owned(),
        severity: if near { Severity::Harm } else { Severity::Warning },
        subject: Subject::Mapping(mapping.id.clone()),
        headline: format!("{function} is falling behind"),
        since: since(picture, &age_max(function)),
        evidence,
        remedies,
    }
}

fn holding(picture: &Picture, now: Timestamp, mapping: &Mapping, age: Trend) -> Finding {
    let function = &mapping.function;
    let cause = other_cause(picture, now, mapping);
    let why = cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    // It falls in minutes that may miss the worst: too early to call it catching up, or to say that it does not.
    let turned = age.is_falling(LEAST_RISE);
    let moves = if turned { "falling in minutes that may not be whole yet" } else { "neither rising nor falling" };
    let mut evidence = vec![format!("age {}, {moves}{why}", spoken(whole_ms(age.newest)))];
    evidence.extend(throughput(picture, now, mapping, None));
    evidence.push(measured(age.newest_at));
    Finding {
        rule: "behind".to_owned(),
        severity: Severity::Warning,
        subject: Subject::Mapping(mapping.id.clone()),
        headline: match turned {
            true => format!("{function} is behind; its age may begin to fall"),
            false => format!("{function} is behind and does not catch up"),
        },
        since: None,
        evidence,
        remedies: vec![match cause {
            Some(_) => remedy("logs", format!("logs of {function}")),
            None => tune(mapping, age.newest, 0.0),
        }],
    }
}

/// `tune: parallel 1→4 drains in ~17 m est`
fn tune(mapping: &Mapping, age_ms: f64, slope: f64) -> Remedy {
    let current = mapping.settings.parallelization_factor.unwrap_or(1);
    let text = match drain::propose(age_ms, slope, &mapping.settings) {
        Some(drain::Proposal { parallel, drain_ms: Some(ms) }) => {
            format!("tune: parallel {current}→{parallel} drains in ~{} est", about(ms))
        }
        Some(drain::Proposal { parallel, drain_ms: None }) => {
            format!("tune: parallel {current}→{parallel} slows the rise; it does not drain (est)")
        }
        None => {
            let batch = mapping.settings.batch_size.unwrap_or(100);
            format!("tune: parallel is at its maximum; a larger batch than {batch}, or a faster handler")
        }
    };
    remedy("tune", text)
}

/// `72/s out, about 120/s in est`: a DynamoDB stream has no metric of what comes in (ux.md, "Honest
/// figures"); Kinesis has.
/// Out is what the function was given, where the mapping tells that (opt-in), else what was read.
pub fn throughput(picture: &Picture, now: Timestamp, mapping: &Mapping, slope: Option<f64>) -> Option<String> {
    let given = total(picture, now, &invoked_events(mapping), 10);
    let read = || records_out(&mapping.source).and_then(|key| total(picture, now, &key, 10));
    let out = given.or_else(read)?.per_s();
    let came = records_in(&mapping.source).and_then(|key| total(picture, now, &key, 10));
    if let Some(came) = came {
        return Some(format!("{}/s out, {}/s in (IncomingRecords)", rate(out), rate(came.per_s())));
    }
    Some(match slope {
        Some(slope) => format!("{}/s out, about {}/s in est", rate(out), rate(out * drain::load(slope))),
        None => format!("{}/s out", rate(out)),
    })
}

pub fn measured(newest_at: Timestamp) -> String {
    format!("IteratorAge, newest datapoint {}", newest_at.clock())
}

/// The age at which a record is gone, in milliseconds, and how: the stream trims it, or the mapping
/// gives it up sooner.
pub fn loss_age(picture: &Picture, mapping: &Mapping) -> (f64, &'static str) {
    let kinesis = mapping.kind() == SourceKind::Kinesis;
    let own_h = picture.streams.get(&mapping.source).filter(|_| kinesis).map(|seen| seen.value.retention_h);
    // DynamoDB keeps 24 h, Kinesis at least that.
    let trimmed = f64::from(own_h.unwrap_or(24)) * 3_600_000.0;
    let given_up = mapping.settings.max_record_age_s.filter(|s| *s > 0).map(|s| f64::from(s) * 1000.0);
    match given_up.filter(|ms| *ms < trimmed) {
        Some(ms) if mapping.settings.on_failure.is_some() => (ms, GIVEN_UP),
        Some(ms) => (ms, "dropped"),
        None if kinesis && own_h.is_none() => (trimmed, "lost, at the shortest retention,"),
        None => (trimmed, "lost"),
    }
}

/// ` to LogFailures`, where a destination takes what is given up.
pub fn given_to(picture: &Picture, mapping: &Mapping) -> String {
    let (_, what) = loss_age(picture, mapping);
    let to = mapping.settings.on_failure.as_ref().filter(|_| what == GIVEN_UP);
    to.map(|arn| format!(" to {}", arn.resource())).unwrap_or_default()
}

/// Why the consumer is late, when it is not for want of capacity.
fn other_cause(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<String> {
    let sum = |key: MetricKey| total(picture, now, &key, 10).map_or(0.0, |total| total.sum);
    let runs = sum(invocations(&mapping.function));
    let (failed, refused) = (sum(errors(&mapping.function)), sum(throttles(&mapping.function)));
    if refused > (runs + refused) * OTHER_CAUSE {
        return Some(format!("{} of its runs are refused (throttles)", percent(refused / (runs + refused))));
    }
    if failed > runs * OTHER_CAUSE {
        return Some(format!("{} of its runs fail", percent(failed / runs.max(failed))));
    }
    // Partial responses leave Errors at 0; a shard that stands still with failing events is theirs.
    let worst = Rise::of_worst(picture, now, mapping).filter(|worst| worst.slope > STANDS)?;
    if sum(failed_events(mapping)) > 0.0 {
        return Some("the same records fail again and again".to_owned());
    }
    // The metric of failing events is opt-in.
    let some_done =
        Rise::of_best(picture, now, mapping).is_some_and(|best| best.is_long() && best.slope <= NOTHING_DONE);
    (worst.slope > NOTHING_DONE && !some_done)
        .then(|| "hardly anything gets done, as where the same records fail again and again".to_owned())
}

fn since(picture: &Picture, key: &MetricKey) -> Option<Timestamp> {
    rising_since(picture.metrics.get(key)?, NOISE_MS)
}
