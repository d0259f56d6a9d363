//! When waiting is over: a consumer has drained, a queue is empty, nothing is wrong any more. Judged
//! from what was read, as it is read; what is not known is never reached.

use crate::model::finding::{Finding, Severity};
use crate::model::mapping::Mapping;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::queue::{Queue, QueueCounts};
use crate::model::time::{Timestamp, spoken};
use crate::verdict::behind::NOISE_MS;
use crate::verdict::wanted::age_max;
use crate::verdict::window::{newest, trend};
use crate::verdict::wording::{exact, span, whole_ms};
use crate::verdict::{is_running, objective_ms};

/// How far one consumer or queue is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distance {
    pub reached: bool,
    /// Age of the oldest work, milliseconds, and the period it was published for.
    pub age: Option<(Timestamp, f64)>,
    /// Messages, approximate: ready ones for `drained`, all for `empty`.
    pub depth: Option<(Timestamp, u64)>,
    /// What age or depth changes by: milliseconds a second of a stream, messages a second of a queue;
    /// negative is towards the end.
    pub rate_per_s: Option<f64>,
    /// Milliseconds, an estimate; `None` when it does not come nearer.
    pub left_ms: Option<f64>,
    /// What is still in the way, or that nothing is.
    pub why: String,
}

/// Ready messages that are no backlog: what a busy queue holds between two polls of its consumer.
const FEW: u64 = 10;
/// Reads of an empty queue in a row, and how long they span: the counts are approximate and settle a
/// minute after the last producer stops (aws-facts §3.1).
const EMPTY_READS: usize = 3;
const EMPTY_MS: i64 = 60_000;
const APART_MS: i64 = 1_000;
/// What a rate is measured over.
const RATE_MS: i64 = 300_000;

/// A consumer's lag is within its objective, and its backlog gone.
pub fn drained(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Distance {
    if !is_running(mapping) {
        let why = format!("{} is {}: it will not drain", mapping.function, mapping.state);
        return Distance { why, ..Distance::default() };
    }
    if mapping.kind().is_queue() { queue_drained(picture, now, mapping) } else { stream_drained(picture, now, mapping) }
}

fn stream_drained(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Distance {
    let key = age_max(&mapping.function);
    let Some((at, age_ms)) = newest(picture, now, &key) else {
        let why = format!("no recent IteratorAge of {}: nothing arrives, or nothing is published", mapping.function);
        return Distance { why, ..Distance::default() };
    };
    let slope = trend(picture, now, &key).map(|trend| trend.short);
    let rising = age_ms > NOISE_MS && slope.is_some_and(|slope| slope > 0.0);
    let objective_ms = objective_ms(picture, mapping);
    let reached = age_ms <= objective_ms && !rising;
    let age = spoken(whole_ms(age_ms));
    let within = spoken(whole_ms(objective_ms));
    let why = match (reached, rising) {
        (true, _) => format!("age {age}, within {within}"),
        (_, true) => format!("age {age} and rising"),
        _ => format!("age {age}, objective {within}"),
    };
    let falls = slope.filter(|slope| *slope < 0.0);
    Distance {
        reached,
        age: Some((at, age_ms)),
        rate_per_s: slope.map(|slope| slope * 1000.0),
        left_ms: if reached { Some(0.0) } else { falls.map(|slope| ((age_ms - objective_ms).max(0.0)) / -slope) },
        why,
        ..Distance::default()
    }
}

fn queue_drained(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Distance {
    let Some(seen) = picture.queue_by_arn(&mapping.source) else {
        return Distance { why: format!("{} was not read", mapping.source.resource()), ..Distance::default() };
    };
    let queue = &seen.value;
    let key = MetricKey::sqs(&queue.name, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    let age = newest(picture, now, &key).map(|(at, s)| (at, s * 1000.0));
    let ready = queue.counts.visible;
    let old = age.is_some_and(|(_, ms)| ms > objective_ms(picture, mapping));
    // With nothing waiting there is no oldest message to be late; a metric is minutes behind.
    let late = old && ready > 0;
    let unknown = age.is_none() && ready > 0;
    let reached = ready <= FEW && !late && !unknown;
    let why = match age {
        _ if reached => format!("~{ready} ready"),
        Some((_, ms)) => format!("~{ready} ready, the oldest waits {}", spoken(whole_ms(ms))),
        None => format!("~{ready} ready, the age of the oldest is not known"),
    };
    let depth = |counts: &QueueCounts| counts.visible;
    let (rate_per_s, left_ms) = pace(picture, now, queue, depth);
    Distance {
        reached,
        age,
        depth: Some((seen.at, ready)),
        rate_per_s,
        left_ms: if reached { Some(0.0) } else { left_ms },
        why,
    }
}

/// A queue had nothing visible, in flight or delayed in several reads over a minute. The counts are
/// approximate, so one read proves nothing.
pub fn empty(picture: &Picture, now: Timestamp, queue: &Queue) -> Distance {
    let depths = picture.depths.get(&queue.name);
    let zeros: Vec<Timestamp> = depths
        .into_iter()
        .flat_map(|depths| depths.iter().rev())
        .take_while(|(_, counts)| counts.total() == 0)
        .map(|(at, _)| *at)
        .collect();
    // Reads in one moment are one read.
    let mut reads = zeros.clone();
    reads.dedup_by(|older, newer| newer.ms_since(*older) < APART_MS);
    let for_ms = zeros.first().zip(zeros.last()).map_or(0, |(newest, oldest)| newest.ms_since(*oldest));
    let reached = reads.len() >= EMPTY_READS && for_ms >= EMPTY_MS;
    let total = queue.counts.total();
    let QueueCounts { visible, in_flight, delayed } = queue.counts;
    let why = match (reached, total) {
        (true, _) => format!("0 in {} reads over {} (approximate counts)", reads.len(), spoken(for_ms)),
        (_, 0) => format!("0 for {}, {} are waited for: the counts are approximate", spoken(for_ms), spoken(EMPTY_MS)),
        _ => format!("~{visible} ready, ~{in_flight} in flight, ~{delayed} delayed"),
    };
    let (rate_per_s, left_ms) = pace(picture, now, queue, QueueCounts::total);
    Distance {
        reached,
        depth: depths.and_then(|depths| depths.back()).map(|(at, counts)| (*at, counts.total())),
        rate_per_s,
        left_ms: if reached { Some(0.0) } else { left_ms },
        why,
        ..Distance::default()
    }
}

/// Nothing of these findings says harm.
pub fn ok(findings: &[&Finding]) -> Distance {
    let mut harm = findings.iter().filter(|finding| finding.severity == Severity::Harm);
    match (harm.next(), harm.count()) {
        (None, _) => Distance { reached: true, why: "no ✖".to_owned(), ..Distance::default() },
        (Some(first), 0) => Distance { why: format!("✖ {}", first.headline), ..Distance::default() },
        (Some(first), more) => {
            Distance { why: format!("✖ {} (and {more} more)", first.headline), ..Distance::default() }
        }
    }
}

/// What the depth changes by in a second, by our own reads, and how long it takes to 0 like that.
fn pace(
    picture: &Picture,
    now: Timestamp,
    queue: &Queue,
    depth: impl Fn(&QueueCounts) -> u64,
) -> (Option<f64>, Option<f64>) {
    let recent = |(at, _): &&(Timestamp, QueueCounts)| now.ms_since(*at) <= RATE_MS;
    let Some(depths) = picture.depths.get(&queue.name) else { return (None, None) };
    let (Some(first), Some(last)) = (depths.iter().find(recent), depths.back()) else { return (None, None) };
    let over_ms = last.0.ms_since(first.0);
    if over_ms <= 0 {
        return (None, None);
    }
    let per_s = (exact(depth(&last.1)) - exact(depth(&first.1))) * 1000.0 / span(over_ms);
    (Some(per_s), (per_s < 0.0).then(|| exact(depth(&last.1)) * 1000.0 / -per_s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::examples::{self, FUNCTION, lambda, mapping, now, put_queue, sqs};

    fn stream_age(age: impl Fn(f64) -> f64) -> Distance {
        let mut picture = examples::stream();
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Maximum, age);
        let mapping = mapping(&mut picture).clone();
        drained(&picture, now(), &mapping)
    }

    #[test]
    fn a_stream_has_drained_when_its_age_is_within_the_objective_and_not_rising() {
        assert!(stream_age(|_| 900.0).reached);
        // Ten minutes late, falling by half a minute each minute.
        let falling = stream_age(|m| 600_000.0 + (57.0 - m) * 30_000.0);
        assert!(!falling.reached && falling.rate_per_s.is_some_and(|rate| (rate + 500.0).abs() < 1.0), "{falling:?}");
        assert!(falling.left_ms.is_some_and(|ms| (ms - 600_000.0).abs() < 1_000.0), "{falling:?}");
        let rising = stream_age(|m| m * 4_000.0);
        assert!(!rising.reached && rising.left_ms.is_none() && rising.why.ends_with("and rising"), "{rising:?}");
    }

    #[test]
    fn nothing_published_is_not_drained_and_neither_is_a_stopped_consumer() {
        let mut picture = examples::stream();
        let known = mapping(&mut picture).clone();
        let later = drained(&picture, now().plus_s(3600), &known);
        assert!(!later.reached && later.why.starts_with("no recent IteratorAge"), "{later:?}");
        mapping(&mut picture).state = crate::model::mapping::MappingState::Disabled;
        let stopped = mapping(&mut picture).clone();
        assert!(drained(&picture, now(), &stopped).why.contains("will not drain"));
    }

    #[test]
    fn a_queue_has_drained_when_few_are_ready_and_none_is_old() {
        let mut picture = examples::queue();
        let mapping = mapping(&mut picture).clone();
        put_queue(&mut picture, "JobQueue", &[], |ago| u64::try_from(100 + ago).expect("positive"));
        sqs(&mut picture, "JobQueue", "ApproximateAgeOfOldestMessage", |_| 20.0);
        let backlog = drained(&picture, now(), &mapping);
        assert!(!backlog.reached && backlog.rate_per_s == Some(-1.0), "{backlog:?}");
        assert_eq!(backlog.left_ms, Some(100_000.0));
        put_queue(&mut picture, "JobQueue", &[], |_| 3);
        assert!(drained(&picture, now(), &mapping).reached);
        sqs(&mut picture, "JobQueue", "ApproximateAgeOfOldestMessage", |_| 900.0);
        assert!(!drained(&picture, now(), &mapping).reached, "three old ones are a backlog");
        put_queue(&mut picture, "JobQueue", &[], |_| 0);
        assert!(drained(&picture, now(), &mapping).reached, "the metric is minutes behind");
    }

    #[test]
    fn a_queue_is_empty_after_a_minute_of_zeros() {
        let judged = |total: fn(i64) -> u64| {
            let mut picture = examples::queue();
            put_queue(&mut picture, "JobDLQ", &["JobQueue"], total);
            empty(&picture, now(), &picture.queues[&"JobDLQ".into()].value)
        };
        assert!(judged(|_| 0).reached);
        let short = judged(|ago| u64::from(ago > 50));
        assert!(!short.reached && short.why.starts_with("0 for 50 s"), "{short:?}");
        let full = judged(|ago| u64::try_from(60 + ago).expect("positive"));
        assert!(!full.reached && full.left_ms == Some(60_000.0), "{full:?}");
    }
}
