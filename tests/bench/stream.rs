//! How fast stream records go from the table to the index in virtual time, and how much memory the
//! default sandbox has after a day: `cargo bench --bench stream`. Figures are kept in CONTRIBUTING.

use std::time::Instant;

use redrive::model::time::Timestamp;
use redrive::pipeline::Pipeline;
use redrive::pipeline::distribution::Distribution;
use redrive::pipeline::standard::standard;

const START: Timestamp = Timestamp::from_s(1_767_225_600);

fn main() {
    throughput();
    a_day();
}

/// 64 shards, 100,000 events a virtual second, batches of 100.
fn throughput() {
    let mut blueprint = standard();
    blueprint.table.shards = 64;
    blueprint.load.requests_per_ks = 0;
    blueprint.load.events_per_ks = 100_000_000;
    blueprint.load.event_items = 100_000;
    blueprint.functions[2].service.per_run_us = Distribution::Fixed(10_000);
    blueprint.functions[2].service.per_record_us = Distribution::Fixed(100);
    blueprint.mappings[1].settings.parallelization_factor = Some(2);
    let mut pipeline = Pipeline::new(blueprint, 7, START).expect("the blueprint is sound");
    let began = now();
    pipeline.handle_timeout(START.plus_s(10));
    let took_s = began.elapsed().as_secs_f64();
    let summary = pipeline.summary();
    let age_ms = summary.iterator_age_max_ms.unwrap_or(0);
    println(&format!(
        "stream: {} records indexed of {} in {took_s:.2} s: {:.0} a second (highest age {age_ms} ms)",
        summary.records_indexed,
        summary.events,
        summary.records_indexed as f64 / took_s,
    ));
}

/// The default scenario over 24 virtual hours.
fn a_day() {
    let scenario = redrive::scenario::find("night-shift").expect("it is built in");
    let history_s = 3 * 3_600;
    let mut pipeline = Pipeline::new(scenario.blueprint(history_s), 7, START).expect("the scenario is sound");
    for hours in [3, 24] {
        let began = now();
        pipeline.handle_timeout(START.plus_s(hours * 3_600));
        let took_s = began.elapsed().as_secs_f64();
        let began = now();
        let census = pipeline.census();
        let census_ms = began.elapsed().as_secs_f64() * 1000.0;
        println(&format!(
            "night-shift after {hours} h: {took_s:.2} s, resident {} MB, {} events, census in {census_ms:.1} ms, lost {}",
            resident_mb(),
            census.events.total(),
            census.events.lost + census.jobs.lost,
        ));
    }
}

/// Resident memory of this process, where /proc tells it.
fn resident_mb() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let resident = pages.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    resident.unwrap_or(0) * 4096 / 1_000_000
}

#[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::print_stdout, reason = "its output is its purpose")]
fn println(line: &str) {
    println!("{line}");
}
