//! Random consumers of a queue for forecasts to be held against: run message by message, calibrated halfway
//! from what their queue and their runs publish and nothing else, given another MaximumConcurrency, and
//! followed. Jobs are of one step: a consumer that feeds itself is recommended nothing unless it was seen how
//! much.

use redrive::forecast::rehearse::{Asked, rehearse};
use redrive::forecast::sight::{Limit, Sight, wanted};
use redrive::forecast::track::drained_s;
use redrive::model::id::QueueName;
use redrive::model::mapping::Mapping;
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::queue::QueueCounts;
use redrive::model::rehearsal::{Rehearsal, Setting, SourceQueue, wait_ms};
use redrive::model::time::Timestamp;
use redrive::pipeline::Pipeline;
use redrive::pipeline::blueprint::{Blueprint, Fault, Mix, SwitchBlueprint, TimelineEntry};
use redrive::pipeline::distribution::{Distribution, below};
use redrive::pipeline::request::{LambdaReply, LambdaRequest, MappingUpdate, Reply, Request};
use redrive::pipeline::rng::rng;
use redrive::pipeline::standard::{JOB_QUEUE, standard};

use super::case::{START, ask, read};

/// Of the standard blueprint, the consumer of the queue.
const JOB_WORKER: usize = 1;
const JOB_WORKER_MAPPING: usize = 0;
const ONE_STEP: &str =
    r#"{"automation":{"steps":[{"action":"send","recipient":{"$ref":"recipient"},"template":"welcome"}]}}"#;
/// Messages a second at most.
const MOST_PER_S: f64 = 8.0;
/// Virtual seconds a backlog is followed at most.
const FOLLOWED_S: i64 = 5 * 3600;
/// As long as it is quiet before it falls behind.
const QUIET_S: i64 = 1_200;

pub struct QueueCase {
    blueprint: Blueprint,
    seed: u64,
    history_s: i64,
    limit: u32,
    /// Arrivals over what the new limit handles.
    pub load: f64,
}

pub struct QueueScored {
    pub load: f64,
    pub truth_s: Option<f64>,
    pub rehearsal: Rehearsal,
}

impl QueueScored {
    /// 10th, 50th and 90th percentile, seconds.
    pub fn band(&self) -> Option<(f64, f64, f64)> {
        let drain = self.rehearsal.candidates.last()?.forecast.as_ref()?.drain_s?;
        Some((drain.p10, drain.p50, drain.p90))
    }
}

pub fn queue_case(base: u64, number: usize) -> QueueCase {
    let mut draws = rng(base, &format!("forecast/queue/{number}"));
    let mut draw = |low: u64, high: u64| low + below(&mut draws, high - low + 1);
    let mut between = |low: f64, high: f64| low + (high - low) * draw(0, 10_000) as f64 / 10_000.0;
    let places = between(2.0, 6.99) as u32;
    let batch = [1, 2, 5, 10][between(0.0, 3.99) as usize];
    let by_record = between(0.2, 0.9);
    let over = between(1.2, 2.5);
    let load = between(0.3, 0.85);
    let history_s = QUIET_S + between(40.0, 70.0) as i64 * 60;
    // As slow as so many messages a second allow.
    let per_s = between(3.0, MOST_PER_S);
    let run_ms = f64::from(places * batch) * 1000.0 * over / per_s;
    let limit = ((f64::from(places) * over / load).round() as u32).max(places + 1);
    let spread = |ms: f64| {
        let us = (ms * 1000.0) as u64;
        Distribution::Uniform(us / 2, us + us / 2)
    };
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = (per_s * 1000.0) as u64;
    blueprint.load.mix = vec![Mix { weight: 1, body: ONE_STEP.to_owned() }];
    blueprint.limits.transition_ms = Distribution::Uniform(5_000, 40_000);
    blueprint.limits.linger_ms = Distribution::Uniform(5_000, 60_000);
    let queue = blueprint.queues.iter_mut().find(|queue| queue.name.as_str() == JOB_QUEUE).expect("it is there");
    queue.visibility_s = 900;
    let worker = &mut blueprint.functions[JOB_WORKER];
    worker.timeout_s = 120;
    worker.service.per_run_us = spread(run_ms * (1.0 - by_record));
    worker.service.per_record_us = spread(run_ms * by_record / f64::from(batch));
    let settings = &mut blueprint.mappings[JOB_WORKER_MAPPING].settings;
    (settings.batch_size, settings.max_concurrency) = (Some(batch), Some(places));
    let percent = (70.0 / over) as u32;
    let fault = Fault::Surge { percent };
    blueprint.switches.push(SwitchBlueprint { name: "quiet".into(), what: "a quiet night".into(), on: true, fault });
    let ends = TimelineEntry { after_s: QUIET_S.unsigned_abs(), switch: "quiet".into(), on: false };
    blueprint.timeline.push(ends);
    let load = over * f64::from(places) / f64::from(limit);
    QueueCase { blueprint, seed: base * 1_000 + number as u64, history_s, limit, load }
}

pub fn score_queue(base: u64, number: usize) -> QueueScored {
    let case = queue_case(base, number);
    let mut pipeline = Pipeline::new(case.blueprint.clone(), case.seed, START).expect("the case is sound");
    let changed_at = START.plus_s(case.history_s);
    pipeline.handle_timeout(changed_at);
    let mapping = mapping(&mut pipeline);
    let metrics = read(&mut pipeline, &wanted(&mapping), START, changed_at);
    let worker = &case.blueprint.functions[JOB_WORKER];
    let sight = Sight {
        mapping: &mapping,
        metrics: &metrics,
        now: changed_at,
        shards: None,
        timeout_s: Some(worker.timeout_s),
        memory_mb: Some(256),
        limit: Some(Limit::Unreserved(1_000)),
        siblings: 0,
        // Counted so long ago that what is published counts.
        queue: Some(SourceQueue {
            counts: QueueCounts::default(),
            at: Timestamp::ZERO,
            visibility_s: 900,
            other_readers: 0,
            feeds_itself: false,
        }),
    };
    let setting = Setting::Places { max_concurrency: Some(case.limit), batch_size: 10 };
    let asked = Asked { candidates: vec![setting], ..Asked::default() };
    let rehearsal = rehearse(&sight, &asked, &|_, _| true).expect("not cancelled");
    let update = MappingUpdate { max_concurrency: Some(Some(case.limit)), ..MappingUpdate::default() };
    ask(&mut pipeline, Request::Lambda(LambdaRequest::UpdateMapping { id: mapping.id.clone(), update }));
    let truth_s = follow(&mut pipeline, changed_at);
    QueueScored { load: case.load, truth_s, rehearsal }
}

/// Seconds until the backlog is gone by what is published, by the rule the forecast is read by.
fn follow(pipeline: &mut Pipeline, changed_at: Timestamp) -> Option<f64> {
    let queue = QueueName::new(JOB_QUEUE);
    let waiting = MetricKey::sqs(&queue, "ApproximateNumberOfMessagesVisible", Stat::Maximum);
    let deleted = MetricKey::sqs(&queue, "NumberOfMessagesDeleted", Stat::Sum);
    let mut to = changed_at;
    while to < changed_at.plus_s(FOLLOWED_S) {
        to = to.plus_s(1_200);
        pipeline.handle_timeout(to.plus_s(600));
        let metrics = read(pipeline, &[waiting.clone(), deleted.clone()], changed_at, to);
        let handled = metrics.get(&deleted)?;
        let lags = metrics.get(&waiting)?.iter().filter_map(|(at, n)| {
            let (_, handled) = handled.between(at, at.plus_s(60)).next()?;
            Some((at.ms_since(changed_at) as f64 / 60_000.0, wait_ms(n, handled)))
        });
        if let Some(s) = drained_s(lags.filter(|(minute, _)| *minute >= 0.0)) {
            return Some(s);
        }
    }
    None
}

fn mapping(pipeline: &mut Pipeline) -> Mapping {
    let ask_for = LambdaRequest::ListMappings { source: None, function: None, max: None, marker: None };
    match ask(pipeline, Request::Lambda(ask_for)) {
        Reply::Lambda(LambdaReply::Mappings { mappings, .. }) => {
            mappings.into_iter().find(|mapping| mapping.kind().is_queue()).expect("a queue's mapping")
        }
        other => panic!("{other:?}"),
    }
}
