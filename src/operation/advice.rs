//! What a redrive's plan says when nobody says otherwise: where messages go back to, how fast, in which
//! steps, and whom to watch meanwhile. Each comes with its derivation as a line for the card. From the
//! picture alone; it asks nothing.

use std::collections::BTreeSet;

use crate::model::id::{Arn, FunctionName, QueueUrl};
use crate::model::mapping::Mapping;
use crate::model::message::MAX_MESSAGE_BYTES;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::plan::{Gentle, Ladder};
use crate::model::queue::Queue;
use crate::model::rescue::RescueTarget;
use crate::model::time::{Timestamp, spoken};

/// The queues whose redrive policies name this one.
pub fn origins(picture: &Picture, queue: &Queue) -> Vec<(Arn, QueueUrl)> {
    let url = |arn: &Arn| match picture.queue_by_arn(arn) {
        Some(source) => source.value.url.clone(),
        // Same account and region (aws-facts §3.4), so the same URL but for its last segment.
        None => {
            let own = queue.url.as_str();
            let base = own.rfind('/').map_or("", |slash| &own[..=slash]);
            format!("{base}{}", arn.resource()).into()
        }
    };
    queue.sources.iter().map(|arn| (arn.clone(), url(arn))).collect()
}

/// The smallest of the origins' size limits.
pub fn largest(picture: &Picture, queue: &Queue) -> u64 {
    let sources = queue.sources.iter().filter_map(|arn| picture.queue_by_arn(arn));
    sources.map(|source| source.value.max_message_bytes).min().unwrap_or(MAX_MESSAGE_BYTES as u64)
}

/// A fifth of what the consumers have been measured to finish, between 1 and 50 messages a second,
/// and how that came about.
pub fn rate(picture: &Picture, queue: &Queue, now: Timestamp) -> (f64, String) {
    // The newest periods are incomplete.
    let to = now.plus_s(-3 * 60);
    let measured: Vec<f64> = queue
        .sources
        .iter()
        .filter_map(|arn| {
            let key = MetricKey::sqs(&arn.resource().into(), "NumberOfMessagesDeleted", Stat::Sum);
            let series = picture.metrics.get(&key)?;
            let values: Vec<f64> = series.between(to.plus_s(-15 * 60), to).map(|(_, value)| value / 60.0).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        })
        .collect();
    if measured.is_empty() {
        return (RATE_UNMEASURED, format!("rate: {RATE_UNMEASURED} a second; the consumers' own is not measured"));
    }
    let total: f64 = measured.iter().sum();
    let fifth = (total / 5.0).clamp(RATE_LEAST, RATE_MOST).round();
    let spare = spare(picture, queue, total, to).filter(|spare| spare.per_s / SHARE_OF_SPARE < fifth);
    if let Some(Spare { function, per_s, limit }) = spare {
        let rate = (per_s / SHARE_OF_SPARE * 10.0).floor() / 10.0;
        let rate = rate.max(RATE_LEAST);
        return (
            rate,
            format!(
                "rate: {rate} a second, a third of what {function} has to spare: {total:.1} a second were deleted there \
                 lately, with all {limit} at a time it could be {per_s:.1} more"
            ),
        );
    }
    (
        fifth,
        format!("rate: a fifth of the {total:.1} a second deleted there lately, between {RATE_LEAST} and {RATE_MOST}"),
    )
}

/// What a consumer that may run only so often at a time could do more.
struct Spare {
    function: FunctionName,
    /// Messages a second beyond those it does.
    per_s: f64,
    limit: u32,
}

/// Of the consumer with the least to spare: how busy it is follows from how often it runs and for how
/// long (Little's law). A fifth more, where only a fifth is free, would make everything wait.
fn spare(picture: &Picture, queue: &Queue, per_s: f64, to: Timestamp) -> Option<Spare> {
    let mappings = picture.mappings.values().map(|mapping| &mapping.value);
    let of_one = |mapping: &Mapping| {
        let limit = limit(picture, mapping)?;
        let mean = |key: MetricKey| {
            let values: Vec<f64> =
                picture.metrics.get(&key)?.between(to.plus_s(-15 * 60), to).map(|(_, value)| value).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let runs_per_s = mean(MetricKey::lambda(&mapping.function, "Invocations", Stat::Sum))? / 60.0;
        let busy = runs_per_s * mean(MetricKey::lambda(&mapping.function, "Duration", Stat::Average))? / 1000.0;
        let free = (f64::from(limit) - busy).max(0.0);
        (busy > 0.0).then(|| Spare { function: mapping.function.clone(), per_s: per_s * free / busy, limit })
    };
    let all = mappings.filter(|mapping| queue.sources.contains(&mapping.source)).filter_map(of_one);
    all.min_by(|a, b| a.per_s.total_cmp(&b.per_s))
}

/// How often a mapping's function may run at a time; `None` where only the account's limit holds.
pub fn limit(picture: &Picture, mapping: &Mapping) -> Option<u32> {
    let function = picture.functions.get(&mapping.function);
    let reserved = function.and_then(|function| function.value.reserved_concurrency);
    [mapping.settings.max_concurrency, reserved].into_iter().flatten().min()
}

/// The steps, and how long each is watched: as long as a message can take to fail as often as its
/// queue allows, and a minute.
pub fn ladder(picture: &Picture, queue: &Queue, rungs: Vec<u64>) -> (Ladder, String) {
    let sources = queue.sources.iter().filter_map(|arn| picture.queue_by_arn(arn)).map(|source| &source.value);
    let waits = sources.map(|source| {
        let receives = source.redrive.as_ref().map_or(UNKNOWN_RECEIVES, |policy| policy.max_receive_count);
        let each_s = source.visibility_s.saturating_add(source.delay_s);
        (i64::from(receives) * i64::from(each_s), receives, each_s)
    });
    let (longest_s, receives, each_s) = waits.max().unwrap_or((
        i64::from(UNKNOWN_RECEIVES * UNKNOWN_VISIBILITY_S),
        UNKNOWN_RECEIVES,
        UNKNOWN_VISIBILITY_S,
    ));
    let wait_ms = longest_s * 1000 + 60_000;
    let why = format!("a rung is watched for {}: {receives} receives × {each_s} s, and a minute", spoken(wait_ms));
    (Ladder { rungs, wait_ms }, why)
}

/// Whether a ladder is worth its waits when nobody asked for one: it risks as many in any case.
pub fn wants_ladder(messages: u64) -> bool {
    messages > Ladder::DEFAULT_RUNGS.iter().take(3).sum()
}

/// The queues messages go back to, and who consumes them.
pub fn gentle(picture: &Picture, queue: &Queue) -> Gentle {
    let consumers = picture.mappings.values().filter(|mapping| queue.sources.contains(&mapping.value.source));
    let mut functions: Vec<_> = consumers.map(|mapping| mapping.value.function.clone()).collect();
    functions.sort();
    functions.dedup();
    Gentle { queues: queue.sources.iter().map(|arn| arn.resource().into()).collect(), functions }
}

/// A careful pace while nothing is known.
const RATE_UNMEASURED: f64 = 10.0;
const RATE_LEAST: f64 = 1.0;
const RATE_MOST: f64 = 50.0;
/// A third of what is free is taken: near its limit a consumer's waits grow much faster than its load
/// (`tests/suite/mover/gentle.rs` has the figures).
const SHARE_OF_SPARE: f64 = 3.0;
/// AWS's defaults (aws-facts §3.1, §3.3), where a queue could not be read.
const UNKNOWN_RECEIVES: u32 = 10;
const UNKNOWN_VISIBILITY_S: u32 = 30;

/// The functions of these names, with what their mappings say of batches and lanes; one that is not here is
/// left out.
pub fn rescuers(picture: &Picture, names: &BTreeSet<FunctionName>) -> Vec<RescueTarget> {
    let target = |function: &FunctionName| {
        let known = picture.functions.get(function)?;
        let mut own = picture.mappings.values().map(|mapping| &mapping.value);
        let mapping = own.find(|mapping| mapping.function == *function && mapping.source.service() == "dynamodb");
        let settings = mapping.map(|mapping| &mapping.settings);
        Some(RescueTarget {
            timeout_s: known.value.timeout_s,
            batch: settings.and_then(|settings| settings.batch_size).unwrap_or(STREAM_BATCH),
            parallelization_factor: settings.and_then(|settings| settings.parallelization_factor).unwrap_or(1),
            function: function.clone(),
        })
    };
    names.iter().filter_map(target).collect()
}

/// Lambda's default for a stream (aws-facts §1.1).
const STREAM_BATCH: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::queue::RedrivePolicy;

    fn queue(name: &str) -> Queue {
        Queue {
            name: name.into(),
            url: format!("https://sqs/1/{name}").into(),
            arn: format!("arn:aws:sqs:r:1:{name}").into(),
            fifo: false,
            counts: Default::default(),
            visibility_s: 60,
            retention_s: 345_600,
            delay_s: 5,
            max_message_bytes: 262_144,
            redrive: None,
            sources: Vec::new(),
            last_modified: None,
        }
    }

    fn picture() -> (Picture, Queue) {
        let dlq = Queue { sources: vec!["arn:aws:sqs:r:1:Jobs".into()], ..queue("JobDLQ") };
        let policy = RedrivePolicy { dead_letter_arn: dlq.arn.clone(), max_receive_count: 5 };
        let mut picture = Picture::default();
        picture.put_queue(Queue { redrive: Some(policy), ..queue("Jobs") }, Timestamp::ZERO);
        (picture, dlq)
    }

    #[test]
    fn a_consumer_near_its_limit_is_given_a_third_of_what_it_has_to_spare() {
        let (mut picture, dlq) = picture();
        let now = Timestamp::from_s(10_000 * 60);
        let put = |picture: &mut Picture, key: MetricKey, value: f64| {
            let points = (5..15).map(|n| (now.plus_s(-n * 60), value));
            picture.metrics.merge(&key, now, points);
        };
        put(&mut picture, MetricKey::sqs(&"Jobs".into(), "NumberOfMessagesDeleted", Stat::Sum), 960.0);
        put(&mut picture, MetricKey::lambda(&"Worker".into(), "Invocations", Stat::Sum), 960.0);
        put(&mut picture, MetricKey::lambda(&"Worker".into(), "Duration", Stat::Average), 1_000.0);
        let mapping = |limit| Mapping {
            id: "m".into(),
            source: "arn:aws:sqs:r:1:Jobs".into(),
            function: "Worker".into(),
            function_arn: "arn:aws:lambda:r:1:function:Worker".into(),
            state: crate::model::mapping::MappingState::Enabled,
            state_reason: None,
            settings: crate::model::mapping::MappingSettings { max_concurrency: limit, ..Default::default() },
            last_processing_result: None,
            last_modified: None,
        };
        let with = |picture: &mut Picture, limit| {
            picture.mappings.insert("m".into(), crate::model::observed::Observed::new(mapping(limit), now));
            rate(picture, &dlq, now)
        };
        assert_eq!(with(&mut picture, None).0, 3.0, "a fifth of sixteen");
        assert_eq!(with(&mut picture, Some(100)).0, 3.0, "there is room for a fifth");
        let (near, why) = with(&mut picture, Some(20));
        assert_eq!(near, 1.3, "{why}");
        assert!(why.contains("Worker has to spare") && why.contains("4.0 more"), "{why}");
        assert_eq!(with(&mut picture, Some(12)).0, RATE_LEAST, "busier than its limit now says");
    }

    #[test]
    fn a_rung_lasts_as_long_as_a_message_can_take_to_come_back() {
        let (picture, dlq) = picture();
        let (ladder, why) = ladder(&picture, &dlq, vec![1, 5]);
        assert_eq!(ladder.wait_ms, 5 * 65_000 + 60_000);
        assert_eq!(why, "a rung is watched for 6 m 25 s: 5 receives × 65 s, and a minute");
        assert_eq!(largest(&picture, &dlq), 262_144);
        assert!(!wants_ladder(26) && wants_ladder(27));
    }

    #[test]
    fn the_rate_is_a_fifth_of_what_was_measured_within_bounds() {
        let (mut picture, dlq) = picture();
        let now = Timestamp::from_s(10_000 * 60);
        assert_eq!(rate(&picture, &dlq, now).0, RATE_UNMEASURED);
        let key = MetricKey::sqs(&"Jobs".into(), "NumberOfMessagesDeleted", Stat::Sum);
        let points = |sum: f64| (5..15).map(move |n| (now.plus_s(-n * 60), sum));
        picture.metrics.merge(&key, now, points(3_000.0));
        assert_eq!(rate(&picture, &dlq, now).0, 10.0, "a fifth of 50 a second");
        picture.metrics.merge(&key, now, points(60.0));
        assert_eq!(rate(&picture, &dlq, now).0, 1.0);
        picture.metrics.merge(&key, now, points(600_000.0));
        assert_eq!(rate(&picture, &dlq, now).0, 50.0);
    }
}
