//! Random consumers for forecasts to be held against: run record by record, calibrated halfway from what
//! their metrics show and nothing else, changed, and followed.

use redrive::forecast::rehearse::{Asked, rehearse};
use redrive::forecast::sight::{Limit, Sight, wanted};
use redrive::forecast::track::{DRAINED_MS, drained_s};
use redrive::model::mapping::Mapping;
use redrive::model::metric::{MetricKey, Metrics, Stat};
use redrive::model::rehearsal::{Candidate, Rehearsal, Setting};
use redrive::model::time::Timestamp;
use redrive::pipeline::Pipeline;
use redrive::pipeline::blueprint::Blueprint;
use redrive::pipeline::distribution::{Distribution, below};
use redrive::pipeline::request::{
    CloudWatchReply, CloudWatchRequest, GetMetricData, LambdaReply, LambdaRequest, MappingUpdate, Reply, Request,
    RequestId,
};
use redrive::pipeline::rng::rng;
use redrive::pipeline::standard::standard;

use super::twist::{after_a_morning, twist};

pub const START: Timestamp = Timestamp::from_s(1_767_225_600);
/// Of the standard blueprint's mappings, the one of the stream.
pub const LOG_WORKER_MAPPING: usize = 1;
/// Virtual seconds a backlog is followed at most.
const FOLLOWED_S: i64 = 5 * 3600;

pub struct Case {
    pub blueprint: Blueprint,
    pub seed: u64,
    pub history_s: i64,
    pub lanes: u32,
    /// Arrivals over what the new setting handles, as drawn.
    pub load: f64,
    /// How its world is not the model's.
    pub twist: Option<&'static str>,
}

pub struct Scored {
    pub number: usize,
    pub load: f64,
    pub twist: Option<&'static str>,
    /// An hour later, milliseconds: the age after the change, and in the same world without it.
    pub ages_ms: Option<(f64, f64)>,
    /// The setting is what the console would recommend.
    pub recommended: bool,
    pub truth_s: Option<f64>,
    pub rehearsal: Rehearsal,
}

impl Scored {
    pub fn candidate(&self) -> Option<&Candidate> {
        self.rehearsal.candidates.last()
    }

    /// The band holds the truth: one that ends in "never" holds that it does not drain.
    pub fn holds(&self) -> bool {
        let truth_s = self.truth_s.unwrap_or(f64::INFINITY);
        self.band().map_or(self.truth_s.is_none(), |(p10, _, p90)| (p10..=p90).contains(&truth_s))
    }

    /// It was recommended, and an hour later the consumer is older than it would be without, by more than
    /// the twentieth that chance makes of two histories that are no longer the same.
    pub fn is_made_worse(&self) -> bool {
        let older = |(changed, unchanged): (f64, f64)| changed > (unchanged * 1.05).max(DRAINED_MS);
        self.recommended && self.ages_ms.is_some_and(older)
    }

    /// 10th, 50th and 90th percentile, seconds.
    pub fn band(&self) -> Option<(f64, f64, f64)> {
        let drain = self.candidate()?.forecast.as_ref()?.drain_s?;
        Some((drain.p10, drain.p50, drain.p90))
    }
}

pub fn case(base: u64, number: usize) -> Case {
    let mut draws = rng(base, &format!("forecast/case/{number}"));
    let mut draw = |low: u64, high: u64| low + below(&mut draws, high - low + 1);
    let mut between = |low: f64, high: f64| low + (high - low) * draw(0, 10_000) as f64 / 10_000.0;
    let shards = 1 << (between(0.0, 4.99) as u32);
    let batch = [50, 100, 200, 500][between(0.0, 3.99) as usize];
    let run_ms = between(300.0_f64.ln(), 10_000.0_f64.ln()).exp();
    let by_record = between(0.2, 0.9);
    let items = between(5_000.0_f64.ln(), 500_000.0_f64.ln()).exp() as u32;
    let over = between(1.05, 3.0);
    let load = between(0.3, 1.25);
    let history_s = between(40.0, 90.0) as i64 * 60;
    let lanes_before = 1 + between(0.0, 1.99) as u32;
    let capacity = f64::from(shards * lanes_before) * f64::from(batch) / (run_ms / 1000.0);
    // Slower runs where records would be too many for a bench, and smaller batches where that would
    // make a run of minutes.
    let slowness = (capacity * over / MOST_PER_S).max(1.0).min(10_000.0 / run_ms);
    let batch = (f64::from(batch) * (MOST_PER_S / (capacity * over / slowness)).min(1.0)).max(10.0) as u32;
    let per_s = f64::from(shards * lanes_before) * f64::from(batch) / (run_ms * slowness / 1000.0) * over;
    let lanes = ((f64::from(lanes_before) * over / load).round() as u32).clamp(lanes_before + 1, 10);
    let spread = |ms: f64| {
        let us = (ms * slowness * 1000.0) as u64;
        Distribution::Uniform(us / 2, us + us / 2)
    };
    let mut blueprint = standard();
    blueprint.table.shards = shards;
    blueprint.load.requests_per_ks = 0;
    blueprint.load.events_per_ks = (per_s * 1000.0) as u64;
    blueprint.load.event_items = items;
    blueprint.limits.transition_ms = Distribution::Uniform(5_000, 40_000);
    blueprint.limits.linger_ms = Distribution::Uniform(5_000, 60_000);
    let worker = &mut blueprint.functions[2];
    worker.timeout_s = 900;
    worker.service.per_run_us = spread(run_ms * (1.0 - by_record));
    worker.service.per_record_us = spread(run_ms * by_record / f64::from(batch));
    let settings = &mut blueprint.mappings[LOG_WORKER_MAPPING].settings;
    settings.batch_size = Some(batch);
    settings.parallelization_factor = Some(lanes_before);
    let load = over * f64::from(lanes_before) / f64::from(lanes);
    Case { blueprint, seed: base * 1_000 + number as u64, history_s, lanes, load, twist: None }
}

/// Records a second at most in a case.
const MOST_PER_S: f64 = 100.0;

/// Which world a case is run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// The model's own.
    Plain,
    /// The model's own, after an hour in which arrivals rose.
    Morning,
    /// One with something that the model does not have (see `twist`), after a morning.
    Twisted,
}

pub fn score(base: u64, number: usize, world: World) -> Scored {
    let mut case = case(base, number);
    match world {
        World::Plain => {}
        World::Morning => after_a_morning(&mut case),
        World::Twisted => twist(&mut case, base, number),
    }
    let (mut pipeline, mapping) = before_the_change(&case);
    let changed_at = START.plus_s(case.history_s);
    let metrics = read(&mut pipeline, &wanted(&mapping, None), START, changed_at);
    let sight = Sight {
        mapping: &mapping,
        metrics: &metrics,
        now: changed_at,
        shards: Some(case.blueprint.table.shards),
        timeout_s: Some(case.blueprint.functions[2].timeout_s),
        memory_mb: Some(256),
        limit: Some(Limit::Unreserved(1_000)),
        siblings: 0,
        queue: None,
    };
    let batch = mapping.settings.batch_size.unwrap_or(100);
    let asked = Asked {
        candidates: vec![Setting::Lanes { parallelization_factor: case.lanes, batch_size: batch }],
        ..Asked::default()
    };
    let rehearsal = rehearse(&sight, &asked, &|_, _| true).expect("not cancelled");
    let update = MappingUpdate { parallelization_factor: Some(case.lanes), ..MappingUpdate::default() };
    ask(&mut pipeline, Request::Lambda(LambdaRequest::UpdateMapping { id: mapping.id.clone(), update }));
    let truth_s = follow(&mut pipeline, &mapping, changed_at);
    let ages_ms = (world != World::Plain).then(|| {
        let (mut unchanged, _) = before_the_change(&case);
        let an_hour_later =
            [&mut pipeline, &mut unchanged].map(|pipeline| age_an_hour_later(pipeline, &mapping, changed_at));
        (an_hour_later[0], an_hour_later[1])
    });
    let recommended = rehearsal.recommended == Some(rehearsal.candidates.len().saturating_sub(1));
    Scored { number, load: case.load, twist: case.twist, ages_ms, recommended, truth_s, rehearsal }
}

fn before_the_change(case: &Case) -> (Pipeline, Mapping) {
    let mut pipeline = Pipeline::new(case.blueprint.clone(), case.seed, START).expect("the case is sound");
    pipeline.handle_timeout(START.plus_s(case.history_s));
    let mapping = mapping(&mut pipeline);
    (pipeline, mapping)
}

/// The greatest published age of the five minutes that end an hour after the change, milliseconds. None
/// is published where nothing runs for so long; nothing here stands still for an hour.
fn age_an_hour_later(pipeline: &mut Pipeline, mapping: &Mapping, changed_at: Timestamp) -> f64 {
    pipeline.handle_timeout(changed_at.plus_s(3_900));
    let age = MetricKey::lambda(&mapping.function, "IteratorAge", Stat::Maximum);
    let (from, to) = (changed_at.plus_s(3_300), changed_at.plus_s(3_600));
    let metrics = read(pipeline, std::slice::from_ref(&age), from, to);
    let ages = metrics.get(&age).map(|series| series.between(from, to).map(|(_, ms)| ms).fold(0.0, f64::max));
    ages.unwrap_or(0.0)
}

/// Seconds until the backlog is gone by the published age, by the rule the forecast is read by.
fn follow(pipeline: &mut Pipeline, mapping: &Mapping, changed_at: Timestamp) -> Option<f64> {
    let key = MetricKey::lambda(&mapping.function, "IteratorAge", Stat::Maximum);
    let mut to = changed_at;
    while to < changed_at.plus_s(FOLLOWED_S) {
        to = to.plus_s(1_200);
        pipeline.handle_timeout(to.plus_s(600));
        let metrics = read(pipeline, std::slice::from_ref(&key), changed_at, to);
        let points = metrics.get(&key)?.iter().map(|(at, age)| (at.ms_since(changed_at) as f64 / 60_000.0, age));
        if let Some(s) = drained_s(points) {
            return Some(s);
        }
    }
    None
}

pub fn mapping(pipeline: &mut Pipeline) -> Mapping {
    let ask_for = LambdaRequest::ListMappings { source: None, function: None, max: None, marker: None };
    match ask(pipeline, Request::Lambda(ask_for)) {
        Reply::Lambda(LambdaReply::Mappings { mappings, .. }) => {
            mappings.into_iter().find(|mapping| mapping.kind().is_stream()).expect("a stream mapping")
        }
        other => panic!("{other:?}"),
    }
}

pub fn read(pipeline: &mut Pipeline, keys: &[MetricKey], from: Timestamp, to: Timestamp) -> Metrics {
    let queries = keys.iter().enumerate().map(|(n, key)| (format!("q{n}"), key.clone(), 60)).collect();
    let ask_for = GetMetricData {
        queries,
        from,
        to: to.floor_to(60).plus_s(60),
        ascending: true,
        max_datapoints: None,
        token: None,
    };
    let mut metrics = Metrics::default();
    match ask(pipeline, Request::CloudWatch(CloudWatchRequest::GetMetricData(ask_for))) {
        Reply::CloudWatch(CloudWatchReply::MetricData { results, .. }) => {
            for result in results {
                let index: usize = result.id[1..].parse().expect("an id of ours");
                metrics.merge(&keys[index], to, result.points);
            }
        }
        other => panic!("{other:?}"),
    }
    metrics
}

pub fn ask(pipeline: &mut Pipeline, request: Request) -> Reply {
    pipeline.handle_request(pipeline.now(), RequestId(1), request);
    loop {
        if let Some((_, answer)) = pipeline.poll_response() {
            return answer.expect("it is answered");
        }
        let at = pipeline.poll_timeout().expect("an answer comes");
        pipeline.handle_timeout(at);
    }
}
