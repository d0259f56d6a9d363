//! Random consumers of a queue for forecasts to be held against: run message by message, calibrated halfway
//! from what their queue, their runs and those of the other writers publish and nothing else, given another
//! MaximumConcurrency, and followed. Jobs of half of them have several steps: they feed their own queue.

use redrive::forecast::rehearse::{Asked, rehearse};
use redrive::forecast::sight::{Limit, Sight, wanted};
use redrive::forecast::track::drained_s;
use redrive::model::id::QueueName;
use redrive::model::mapping::Mapping;
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::queue::QueueCounts;
use redrive::model::rehearsal::{Setting, SourceQueue, wait_ms};
use redrive::model::time::Timestamp;
use redrive::pipeline::Pipeline;
use redrive::pipeline::blueprint::{Blueprint, Fault, Mix, SwitchBlueprint, TimelineEntry};
use redrive::pipeline::distribution::{Distribution, below};
use redrive::pipeline::request::{LambdaReply, LambdaRequest, MappingUpdate, Reply, Request};
use redrive::pipeline::rng::rng;
use redrive::pipeline::standard::{JOB_QUEUE, standard};

use super::case::{START, Scored, World, ask, read};

/// Of the standard blueprint, the consumer of the queue, and who else writes to it.
const JOB_WORKER: usize = 1;
const JOB_WORKER_MAPPING: usize = 0;
const REQUEST_WORKER: &str = "RequestWorker";
/// Messages a second at most.
const MOST_PER_S: f64 = 8.0;
/// Virtual seconds a backlog is followed at most.
const FOLLOWED_S: i64 = 5 * 3600;
/// As long as it is quiet before it falls behind.
const QUIET_S: i64 = 1_800;
const TWISTS: [&str; 4] = ["slower in a crowd", "a pause", "a step", "refused downstream"];

struct QueueCase {
    blueprint: Blueprint,
    seed: u64,
    history_s: i64,
    places: u32,
    limit: u32,
    /// Arrivals over what the new limit handles, as drawn.
    load: f64,
    /// Jobs have several steps.
    chained: bool,
    twist: Option<&'static str>,
}

/// Steps of a job, and how many of such jobs there are among others.
fn mix(number: usize) -> &'static [(u32, u32)] {
    match number % 4 {
        0 | 2 => &[(1, 1)],
        1 => &[(2, 1)],
        _ => &[(1, 2), (2, 1), (4, 1)],
    }
}

fn job(steps: u32) -> String {
    let step = r#"{"action":"send","recipient":{"$ref":"recipient"},"template":"welcome"}"#;
    format!(r#"{{"automation":{{"steps":[{}]}}}}"#, vec![step; steps as usize].join(","))
}

fn queue_case(base: u64, number: usize) -> QueueCase {
    let mut draws = rng(base, &format!("forecast/queue/{number}"));
    let mut draw = |low: u64, high: u64| low + below(&mut draws, high - low + 1);
    let mut between = |low: f64, high: f64| low + (high - low) * draw(0, 10_000) as f64 / 10_000.0;
    let places = between(2.0, 6.99) as u32;
    let batch = [1, 2, 5, 10][between(0.0, 3.99) as usize];
    let by_record = between(0.2, 0.9);
    let over = between(1.2, 2.5);
    let load = between(0.3, 1.2);
    let history_s = QUIET_S + between(40.0, 70.0) as i64 * 60;
    // As slow as so many messages a second allow.
    let per_s = between(3.0, MOST_PER_S);
    let run_ms = f64::from(places * batch) * 1000.0 * over / per_s;
    let limit = ((f64::from(places) * over / load).round() as u32).max(places + 1);
    let spread = |ms: f64| {
        let us = (ms * 1000.0) as u64;
        Distribution::Uniform(us / 2, us + us / 2)
    };
    let mix = mix(number);
    let (jobs, steps) = mix.iter().fold((0, 0), |(jobs, all), (steps, weight)| (jobs + weight, all + steps * weight));
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = (per_s * 1000.0 * f64::from(jobs) / f64::from(steps)) as u64;
    blueprint.load.mix = mix.iter().map(|(steps, weight)| Mix { weight: *weight, body: job(*steps) }).collect();
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
    let chained = mix.len() > 1 || mix[0].0 > 1;
    QueueCase { blueprint, seed: base * 1_000 + number as u64, history_s, places, limit, load, chained, twist: None }
}

/// The same case in a world that is not the model's (as `twist` says for streams).
fn twist(case: &mut QueueCase, base: u64, number: usize) {
    // Whether jobs have several steps has a period of two and of four.
    let name = TWISTS[number / 2 % TWISTS.len()];
    case.twist = Some(name);
    let mut draws = rng(base, &format!("forecast/queue/twist/{number}"));
    let mut draw = |low: u64, high: u64| low + below(&mut draws, high - low + 1);
    let at_s = case.history_s.unsigned_abs() + draw(0, 3_600) - 1_200;
    let function = || case.blueprint.functions[JOB_WORKER].name.clone();
    let (fault, from_s, to_s) = match name {
        "slower in a crowd" => {
            let runs = u64::from(case.limit);
            let per_mille = (draw(200, 3_000) / (runs - 1)).clamp(1, 1_000) as u32;
            let longer = |runs: u32| 1.0 + f64::from(runs - 1) * f64::from(per_mille) / 1000.0;
            case.load *= longer(case.limit) / longer(case.places);
            (Fault::Crowded { function: function(), per_mille }, None, None)
        }
        "a pause" => (Fault::StoppedConsumer { function: function() }, Some(at_s), Some(at_s + 180)),
        "a step" => (Fault::Surge { percent: 130 }, Some(at_s), None),
        _ => (Fault::FailingStep { action: "send".into(), one_in: draw(20, 400) as u32 }, None, None),
    };
    let on = from_s.is_none();
    case.blueprint.switches.push(SwitchBlueprint { name: "twist".into(), what: name.into(), on, fault });
    let entry = |after_s: u64, on| TimelineEntry { after_s, switch: "twist".into(), on };
    case.blueprint.timeline.extend(from_s.map(|from_s| entry(from_s, true)));
    case.blueprint.timeline.extend(to_s.map(|to_s| entry(to_s, false)));
}

fn before_the_change(case: &QueueCase) -> (Pipeline, Mapping) {
    let mut pipeline = Pipeline::new(case.blueprint.clone(), case.seed, START).expect("the case is sound");
    pipeline.handle_timeout(START.plus_s(case.history_s));
    let mapping = mapping(&mut pipeline);
    (pipeline, mapping)
}

pub fn score_queue(base: u64, number: usize, world: World) -> Scored {
    let mut case = queue_case(base, number);
    if world == World::Twisted {
        twist(&mut case, base, number);
    }
    let (mut pipeline, mapping) = before_the_change(&case);
    let changed_at = START.plus_s(case.history_s);
    let worker = &case.blueprint.functions[JOB_WORKER];
    let queue = SourceQueue {
        // Counted so long ago that what is published counts.
        counts: QueueCounts::default(),
        at: Timestamp::ZERO,
        visibility_s: 900,
        other_readers: 0,
        feeds_itself: case.chained,
        writers: if case.chained { vec![REQUEST_WORKER.into()] } else { Vec::new() },
        set_off: None,
    };
    let metrics = read(&mut pipeline, &wanted(&mapping, Some(&queue)), START, changed_at);
    let sight = Sight {
        mapping: &mapping,
        metrics: &metrics,
        now: changed_at,
        shards: None,
        timeout_s: Some(worker.timeout_s),
        memory_mb: Some(256),
        limit: Some(Limit::Unreserved(1_000)),
        siblings: 0,
        queue: Some(&queue),
    };
    let setting = Setting::Places { max_concurrency: Some(case.limit), batch_size: 10 };
    let asked = Asked { candidates: vec![setting], ..Asked::default() };
    let rehearsal = rehearse(&sight, &asked, &|_, _| true).expect("not cancelled");
    let update = MappingUpdate { max_concurrency: Some(Some(case.limit)), ..MappingUpdate::default() };
    ask(&mut pipeline, Request::Lambda(LambdaRequest::UpdateMapping { id: mapping.id.clone(), update }));
    let truth_s = follow(&mut pipeline, changed_at);
    let ages_ms = (world == World::Twisted).then(|| {
        let (mut unchanged, _) = before_the_change(&case);
        let [changed, unchanged] =
            [&mut pipeline, &mut unchanged].map(|pipeline| oldest_an_hour_later(pipeline, changed_at));
        (changed, unchanged)
    });
    let recommended = rehearsal.recommended == Some(rehearsal.candidates.len().saturating_sub(1));
    Scored { number, load: case.load, twist: case.twist, ages_ms, recommended, truth_s, rehearsal }
}

/// The greatest published age of the five minutes that end an hour after the change, milliseconds.
fn oldest_an_hour_later(pipeline: &mut Pipeline, changed_at: Timestamp) -> f64 {
    pipeline.handle_timeout(changed_at.plus_s(3_900));
    let age = MetricKey::sqs(&QueueName::new(JOB_QUEUE), "ApproximateAgeOfOldestMessage", Stat::Maximum);
    let (from, to) = (changed_at.plus_s(3_300), changed_at.plus_s(3_600));
    let metrics = read(pipeline, std::slice::from_ref(&age), from, to);
    let ages = metrics.get(&age).map(|series| series.between(from, to).map(|(_, s)| s * 1000.0).fold(0.0, f64::max));
    ages.unwrap_or(0.0)
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
