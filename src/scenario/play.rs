//! Every built-in scenario run to the end it promises, in virtual time.

use crate::model::metric::{MetricKey, Stat};
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::request::{CloudWatchReply, CloudWatchRequest, GetMetricData, Reply, Request, RequestId};
use crate::pipeline::standard::LOG_WORKER;
use crate::scenario::{Scenario, find};

const START: Timestamp = Timestamp::from_s(1_767_225_600);
/// The sandbox's default.
const SEED: u64 = 1;

/// Runs a scenario to the end of its expectation, doing what its operator does on the way.
fn play(scenario: &Scenario, seed: u64) -> Pipeline {
    let expect = scenario.expect.as_ref().expect("every built-in scenario expects something");
    let history_s = expect.history_s.unwrap_or(scenario.history_s);
    let blueprint = scenario.blueprint(history_s);
    let mut pipeline = Pipeline::new(blueprint, seed, START).expect("checked when it was read");
    for (number, (after_s, request)) in (1..).zip(scenario.operations(history_s)) {
        let at = START.plus_s(i64::try_from(after_s).expect("seconds of a run"));
        pipeline.handle_request(at, RequestId(number), request);
        let (_, answer) = pipeline.poll_response().expect("these calls are answered at once");
        assert!(answer.is_ok(), "{}: {answer:?}", scenario.name);
    }
    pipeline.handle_timeout(START.plus_s(i64::try_from(expect.run_s).expect("seconds of a run")));
    pipeline
}

fn ends_as_it_says(name: &str) {
    let scenario = find(name).unwrap_or_else(|error| panic!("{error}"));
    let summary = play(&scenario, SEED).summary();
    let missed = scenario.expect.as_ref().map(|expect| expect.missed(&summary)).unwrap_or_default();
    assert!(missed.is_empty(), "{name}: {missed:#?}\n{summary:#?}");
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)+) => {$(
        #[test]
        fn $test() {
            ends_as_it_says($name);
        }
    )+};
}

scenarios! {
    night_shift: "night-shift",
    steady: "steady",
    surge: "surge",
    poison: "poison",
    poison_partial: "poison-partial",
    slow_index: "slow-index",
    recursion: "recursion",
    log_failures: "log-failures",
    fifo: "fifo",
    retune: "retune",
    fleet: "fleet",
    unprepared: "unprepared",
}

/// LogWorker's iterator age, the highest of each minute, as CloudWatch publishes it.
fn iterator_age_ms(pipeline: &mut Pipeline, from_s: i64, to_s: i64) -> Vec<f64> {
    let key = MetricKey::lambda(&LOG_WORKER.into(), "IteratorAge", Stat::Maximum);
    let query = GetMetricData {
        queries: vec![("age".to_owned(), key, 60)],
        from: START.plus_s(from_s),
        to: START.plus_s(to_s),
        ascending: true,
        max_datapoints: None,
        token: None,
    };
    let request = Request::CloudWatch(CloudWatchRequest::GetMetricData(query));
    pipeline.handle_request(pipeline.now(), RequestId(99), request);
    match pipeline.poll_response() {
        Some((_, Ok(Reply::CloudWatch(CloudWatchReply::MetricData { results, .. })))) => {
            results.iter().flat_map(|result| result.points.iter().map(|(_, value)| *value)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_age_grows_until_the_retune_and_then_falls_below_five_seconds() {
    let scenario = find("retune").unwrap_or_else(|error| panic!("{error}"));
    let mut pipeline = play(&scenario, SEED + 1);
    let before = iterator_age_ms(&mut pipeline, 300, 1_800);
    assert!(before.len() > 20 && before.windows(5).all(|five| five[4] > five[0]), "{before:?}");
    let after = iterator_age_ms(&mut pipeline, 2_700, 3_000);
    assert!(after.len() == 5 && after.iter().all(|age| *age < 5_000.0), "{after:?}");
}
