//! Do forecasts hold? Random stream consumers run record by record; halfway, each is calibrated from
//! what its CloudWatch metrics show and nothing else, a change is forecast, made, and followed:
//! `cargo bench --bench forecast -- [BASE] [CASES]`. Figures are kept in CONTRIBUTING.
//!
//! A case: 1–16 shards, batches of 50–500, runs of 0.3–10 s, 5,000–500,000 items, arrivals 1.05–3
//! times what the consumer handles, for 40–90 minutes; then a parallelization factor whose load lies
//! between 0.3 and 1.25. A change takes 10–100 s to act.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use redrive::forecast::rehearse::{Asked, rehearse};
use redrive::forecast::sight::{Sight, wanted};
use redrive::forecast::track::drained_s;
use redrive::model::mapping::Mapping;
use redrive::model::metric::{MetricKey, Metrics, Stat};
use redrive::model::rehearsal::{Candidate, Rehearsal};
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

const START: Timestamp = Timestamp::from_s(1_767_225_600);
/// Virtual seconds a backlog is followed at most.
const FOLLOWED_S: i64 = 5 * 3600;

struct Case {
    blueprint: Blueprint,
    seed: u64,
    history_s: i64,
    lanes: u32,
    /// Arrivals over what the new setting handles, as drawn.
    load: f64,
}

struct Scored {
    number: usize,
    load: f64,
    truth_s: Option<f64>,
    rehearsal: Rehearsal,
}

impl Scored {
    fn candidate(&self) -> Option<&Candidate> {
        self.rehearsal.candidates.last()
    }

    /// 10th, 50th and 90th percentile, seconds.
    fn band(&self) -> Option<(f64, f64, f64)> {
        let drain = self.candidate()?.forecast.as_ref()?.drain_s?;
        Some((drain.p10, drain.p50, drain.p90))
    }
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let base = numbers.first().copied().unwrap_or(1);
    let cases = numbers.get(1).map_or(50, |n| *n as usize);
    let began = now();
    let next = AtomicUsize::new(0);
    let mut scored: Vec<Scored> = std::thread::scope(|scope| {
        let work = || {
            let mut found = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= cases {
                    return found;
                }
                found.push(score(base, number));
            }
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a case panicked")).collect()
    });
    scored.sort_by_key(|scored| scored.number);
    scored.iter().for_each(tell);
    summary(base, &scored, began.elapsed().as_secs_f64());
}

fn case(base: u64, number: usize) -> Case {
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
    // Slower runs where records would be too many for a bench.
    let slowness = (capacity * over / MOST_PER_S).max(1.0);
    let per_s = capacity * over / slowness;
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
    let settings = &mut blueprint.mappings[1].settings;
    settings.batch_size = Some(batch);
    settings.parallelization_factor = Some(lanes_before);
    let load = over * f64::from(lanes_before) / f64::from(lanes);
    Case { blueprint, seed: base * 1_000 + number as u64, history_s, lanes, load }
}

/// Records a second at most in a case.
const MOST_PER_S: f64 = 300.0;

fn score(base: u64, number: usize) -> Scored {
    let case = case(base, number);
    let shards = case.blueprint.table.shards;
    let timeout_s = case.blueprint.functions[2].timeout_s;
    let mut pipeline = Pipeline::new(case.blueprint, case.seed, START).expect("the case is sound");
    let changed_at = START.plus_s(case.history_s);
    pipeline.handle_timeout(changed_at);
    let mapping = mapping(&mut pipeline);
    let metrics = read(&mut pipeline, &wanted(&mapping), START, changed_at);
    let sight = Sight {
        mapping: &mapping,
        metrics: &metrics,
        now: changed_at,
        shards: Some(shards),
        timeout_s: Some(timeout_s),
        memory_mb: Some(256),
        concurrency: Some(1_000),
    };
    let batch = mapping.settings.batch_size.unwrap_or(100);
    let asked = Asked { candidates: vec![(case.lanes, batch)], ..Asked::default() };
    let rehearsal = rehearse(&sight, &asked, &|_, _| true).expect("not cancelled");
    let update = MappingUpdate { parallelization_factor: Some(case.lanes), ..MappingUpdate::default() };
    ask(&mut pipeline, Request::Lambda(LambdaRequest::UpdateMapping { id: mapping.id.clone(), update }));
    let truth_s = follow(&mut pipeline, &mapping, changed_at);
    Scored { number, load: case.load, truth_s, rehearsal }
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

fn mapping(pipeline: &mut Pipeline) -> Mapping {
    let ask_for = LambdaRequest::ListMappings { source: None, function: None, max: None, marker: None };
    match ask(pipeline, Request::Lambda(ask_for)) {
        Reply::Lambda(LambdaReply::Mappings { mappings, .. }) => {
            mappings.into_iter().find(|mapping| mapping.kind().is_stream()).expect("a stream mapping")
        }
        other => panic!("{other:?}"),
    }
}

fn read(pipeline: &mut Pipeline, keys: &[MetricKey], from: Timestamp, to: Timestamp) -> Metrics {
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

fn ask(pipeline: &mut Pipeline, request: Request) -> Reply {
    pipeline.handle_request(pipeline.now(), RequestId(1), request);
    loop {
        if let Some((_, answer)) = pipeline.poll_response() {
            return answer.expect("it is answered");
        }
        let at = pipeline.poll_timeout().expect("an answer comes");
        pipeline.handle_timeout(at);
    }
}

fn tell(scored: &Scored) {
    let truth = scored.truth_s.map_or("never".to_owned(), |s| format!("{s:.0} s"));
    let foretold = match (scored.band(), &scored.rehearsal.declined) {
        (Some((p10, p50, p90)), _) => format!("{p50:.0} s ({p10:.0}–{p90:.0})"),
        (None, Some(why)) if scored.rehearsal.candidates.is_empty() => format!("declined: {why}"),
        _ => "never".to_owned(),
    };
    let forecast = scored.candidate().and_then(|candidate| candidate.forecast.as_ref());
    let load = forecast.map_or(f64::NAN, |forecast| forecast.load);
    println(&format!(
        "{:>3}  load {:.2} (est {load:.2})  truth {truth:>8}  forecast {foretold}",
        scored.number, scored.load
    ));
}

fn summary(base: u64, scored: &[Scored], took_s: f64) {
    let near = |scored: &&Scored| (0.9..=1.1).contains(&scored.load);
    let edge: Vec<&Scored> = scored.iter().filter(near).collect();
    let settles_right = edge.iter().filter(|scored| scored.truth_s.is_some() == scored.band().is_some()).count();
    let clear: Vec<&Scored> = scored.iter().filter(|scored| !near(scored) && scored.load < 0.9).collect();
    let both: Vec<(f64, (f64, f64, f64))> =
        clear.iter().filter_map(|scored| Some((scored.truth_s?, scored.band()?))).collect();
    let close = both.iter().filter(|(truth, (_, p50, _))| (p50 / truth - 1.0).abs() <= 0.1).count();
    let held = both.iter().filter(|(truth, (p10, _, p90))| (p10..=p90).contains(&truth)).count();
    let mut widths: Vec<f64> = both.iter().map(|(_, (p10, p50, p90))| (p90 - p10) / p50).collect();
    widths.sort_by(f64::total_cmp);
    let over: Vec<&Scored> = scored.iter().filter(|scored| scored.load > 1.1).collect();
    let over_right = over.iter().filter(|scored| scored.truth_s.is_none() == scored.band().is_none()).count();
    let share = |n: usize, of: usize| if of == 0 { f64::NAN } else { n as f64 / of as f64 * 100.0 };
    println(&format!(
        "base {base}: {} cases in {took_s:.0} s; load under 0.9: {}, both drain: {}; median within 10 %: {:.0} %; \
         band holds: {:.0} %; median width {:.0} %; load 0.9–1.1 told right: {settles_right} of {}; \
         over 1.1 told right: {over_right} of {}",
        scored.len(),
        clear.len(),
        both.len(),
        share(close, both.len()),
        share(held, both.len()),
        widths.get(widths.len() / 2).copied().unwrap_or(f64::NAN) * 100.0,
        edge.len(),
        over.len(),
    ));
}

#[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::print_stdout, reason = "its output is its purpose")]
fn println(line: &str) {
    println!("{line}");
}
