//! The pipeline over hours of virtual time: the story the project began with, and histories that
//! must come out the same for ever.

use std::collections::BTreeMap;

use redrive::model::id::FunctionName;
use redrive::model::time::Timestamp;
use redrive::pipeline::Pipeline;
use redrive::pipeline::blueprint::{Blueprint, Fault, PoisonKind, SwitchBlueprint};
use redrive::pipeline::distribution::Distribution;
use redrive::pipeline::notice::Happening;
use redrive::pipeline::request::{LambdaReply, LambdaRequest, MappingUpdate, Reply, Request, RequestId};
use redrive::pipeline::standard::{LOG_FAILURES, LOG_WORKER, standard};

const START: Timestamp = Timestamp::from_s(1_767_225_600);

fn built(seed: u64, change: impl FnOnce(&mut Blueprint)) -> Pipeline {
    let mut blueprint = standard();
    change(&mut blueprint);
    Pipeline::new(blueprint, seed, START).expect("the blueprint is sound")
}

fn lambda(pipeline: &mut Pipeline, ask: LambdaRequest) -> LambdaReply {
    pipeline.handle_request(pipeline.now(), RequestId(1), Request::Lambda(ask));
    match pipeline.poll_response() {
        Some((_, Ok(Reply::Lambda(reply)))) => reply,
        other => panic!("{other:?}"),
    }
}

/// Sets LogWorker's parallelization factor through the API.
fn retune(pipeline: &mut Pipeline, factor: u32) {
    let list = LambdaRequest::ListMappings { source: None, function: Some(LOG_WORKER.into()), max: None, marker: None };
    let LambdaReply::Mappings { mappings, .. } = lambda(pipeline, list) else { panic!("no mappings") };
    let update = MappingUpdate { parallelization_factor: Some(factor), ..MappingUpdate::default() };
    lambda(pipeline, LambdaRequest::UpdateMapping { id: mappings[0].id.clone(), update });
}

/// What happened between two moments.
#[derive(Debug, Default)]
struct Seen {
    /// Iterator ages, in milliseconds.
    ages: Vec<i64>,
    most_running: u32,
    running: u32,
}

fn watch(pipeline: &mut Pipeline, until: Timestamp, seen: &mut Seen) {
    let log_worker = FunctionName::from(LOG_WORKER);
    pipeline.watch(true);
    while pipeline.now() < until {
        pipeline.handle_timeout(pipeline.now().plus_s(10).min(until));
        while let Some(notice) = pipeline.poll_event() {
            match notice.what {
                Happening::BatchSent { function, age_ms, .. } if function == log_worker => {
                    seen.running += 1;
                    seen.most_running = seen.most_running.max(seen.running);
                    seen.ages.push(age_ms);
                }
                Happening::RunEnded { function, .. } if function == log_worker => seen.running -= 1,
                _ => {}
            }
        }
    }
}

/// Events straight into the table, so many a second, and a handler that takes so long a record.
fn stream_load(b: &mut Blueprint, shards: u32, per_s: u64, per_record_us: u64) {
    b.table.shards = shards;
    b.load.requests_per_ks = 0;
    b.load.events_per_ks = per_s * 1000;
    b.load.event_items = 10_000;
    b.functions[2].service.per_run_us = Distribution::Uniform(40_000, 60_000);
    b.functions[2].service.per_record_us = Distribution::Fixed(per_record_us);
}

#[test]
fn age_grows_for_an_hour_and_falls_below_five_seconds_with_five_lanes() {
    // 4 shards of about 3 records a second each: 12 a second, where 16 arrive.
    let mut pipeline = built(7, |b| stream_load(b, 4, 16, 330_000));
    let mut hour = Seen::default();
    let mut age = 0;
    for quarter in 1..=4 {
        let mut seen = Seen { running: hour.running, ..Seen::default() };
        watch(&mut pipeline, START.plus_s(quarter * 900), &mut seen);
        let mean = seen.ages.iter().sum::<i64>() / seen.ages.len() as i64;
        assert!(mean > age, "quarter {quarter}: {mean} ms after {age} ms");
        assert!(seen.most_running <= 4, "{}", seen.most_running);
        age = mean;
        hour = seen;
    }
    assert!(age > 300_000, "after an hour the age is only {age} ms");
    retune(&mut pipeline, 5);
    let mut drain = Seen { running: hour.running, ..Seen::default() };
    watch(&mut pipeline, START.plus_s(3_600 + 1_800), &mut drain);
    assert!(drain.most_running <= 20 && drain.most_running > 12, "{}", drain.most_running);
    let mut after = Seen { running: drain.running, ..Seen::default() };
    watch(&mut pipeline, START.plus_s(3_600 + 3_600), &mut after);
    let worst = after.ages.iter().max();
    assert!(worst < Some(&5_000), "{worst:?}");
    assert_eq!(pipeline.census().events.lost, 0);
}

#[test]
fn a_hundred_shards_and_two_lanes_run_two_hundred_at_a_time() {
    let mut pipeline = built(3, |b| {
        stream_load(b, 100, 2_000, 500_000);
        b.mappings[1].settings.parallelization_factor = Some(2);
        b.mappings[1].settings.batch_size = Some(10);
    });
    let mut seen = Seen::default();
    watch(&mut pipeline, START.plus_s(120), &mut seen);
    assert_eq!(seen.most_running, 200);
}

#[test]
fn records_of_an_item_are_indexed_in_order_while_the_lanes_change() {
    for seed in 0..4 {
        let mut pipeline = built(seed, |b| {
            stream_load(b, 3, 40, 20_000);
            b.load.event_items = 50;
            b.functions[2].failure_ppm = 150_000;
            b.mappings[1].settings.max_retry_attempts = Some(-1);
        });
        pipeline.watch(true);
        let mut newest: BTreeMap<u64, u64> = BTreeMap::new();
        let mut indexed = 0;
        for (turn, factor) in [5, 2, 10, 1, 7].into_iter().enumerate() {
            pipeline.handle_timeout(START.plus_s((turn as i64 + 1) * 120));
            retune(&mut pipeline, factor);
            while let Some(notice) = pipeline.poll_event() {
                if let Happening::Indexed { item, sequence } = notice.what {
                    indexed += 1;
                    let before = newest.insert(item, sequence);
                    assert!(before < Some(sequence), "seed {seed}: item {item}: {sequence} after {before:?}");
                }
            }
        }
        assert!(indexed > 10_000, "seed {seed}: {indexed}");
        assert_eq!(pipeline.census().events.lost, 0);
    }
}

fn troubled(seed: u64) -> Pipeline {
    let switch = |name: &str, fault| SwitchBlueprint { name: name.to_owned(), what: name.to_owned(), on: true, fault };
    built(seed, |b| {
        b.switches = vec![
            switch("failing-step", Fault::FailingStep { action: "send".to_owned(), one_in: 25 }),
            switch("poison", Fault::Poison { one_in: 300, how: PoisonKind::PartialBatch }),
        ];
        b.functions[0].failure_ppm = 20_000;
        b.functions[0].on_failure = Some(LOG_FAILURES.into());
        b.functions[1].failure_ppm = 20_000;
        b.functions[2].failure_ppm = 20_000;
        b.mappings[1].settings.max_retry_attempts = Some(2);
    })
}

#[test]
fn nothing_is_lost_over_seeds() {
    for seed in 0..8 {
        let mut pipeline = troubled(seed);
        for minute in 1..=30 {
            pipeline.handle_timeout(START.plus_s(minute * 60));
            let summary = pipeline.summary();
            let (jobs, events) = (summary.census.jobs, summary.census.events);
            assert_eq!((jobs.lost, events.lost), (0, 0), "seed {seed}, minute {minute}: {summary:?}");
            assert_eq!(
                (jobs.total(), events.total()),
                (summary.jobs_started, summary.events),
                "seed {seed}: {summary:?}"
            );
        }
        assert!(pipeline.summary().jobs_dead > 50, "seed {seed}");
    }
}

#[test]
fn a_longer_history_has_the_digest_it_always_had() {
    let mut pipeline = troubled(42);
    pipeline.handle_timeout(START.plus_s(2 * 3_600));
    let summary = pipeline.summary();
    // A new digest here means that every history is another: say why in the commit that changes it.
    assert_eq!(summary.history, GOLDEN, "{summary:?}");
}

const GOLDEN: &str = "f37a4004a5ec8e0917c4dca2ae4b5d45";
