//! Do forecasts hold? Random stream consumers run record by record; halfway, each is calibrated from
//! what its CloudWatch metrics show and nothing else, a change is forecast, made, and followed:
//! `cargo bench --bench forecast -- [BASE] [CASES]`. With `twisted` at the end, cases whose world is not
//! the model's (`tests/suite/foresight/twist.rs` says how), with `morning` the same ones without a twist.
//! Figures are kept in CONTRIBUTING.
//!
//! A case: 1–16 shards, batches of 50–500, runs of 0.3–10 s, 5,000–500,000 items, arrivals 1.05–3
//! times what the consumer handles, for 40–90 minutes; then a parallelization factor whose load lies
//! between 0.3 and 1.25. A change takes 10–100 s to act.
//!
//! With `queues`, random consumers of a queue (`tests/suite/foresight/queue_case.rs`): one to four steps a job, 3–8
//! messages a second, 2–6 runs at a time, batches of 1–10, arrivals 1.2–2.5 times what is handled, for 40–70
//! minutes after a quiet half hour; then a MaximumConcurrency whose load lies between 0.3 and 1.2.
//!
//! `-- speed` times ten candidates, three seeds, one virtual hour at 1,000 records a second on 16 shards;
//! `-- agreement` holds counts against records over 20 seeds.

#[path = "../suite/foresight/agreement.rs"]
mod agreement;
#[path = "../suite/foresight/case.rs"]
mod case;
#[path = "../suite/foresight/queue_case.rs"]
mod queue_case;
#[path = "../suite/foresight/twist.rs"]
mod twist;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use redrive::forecast::plant::{Change, StreamPlant};
use redrive::forecast::stream::{Span, run};
use redrive::pipeline::blueprint::Service;
use redrive::pipeline::distribution::Distribution;
use redrive::pipeline::stream::rules::Rules;

use crate::case::{Scored, World, score};
use crate::queue_case::score_queue;

fn main() {
    if std::env::args().any(|text| text == "speed") {
        return speed();
    }
    if std::env::args().any(|text| text == "agreement") {
        return agree();
    }
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let base = numbers.first().copied().unwrap_or(1);
    let cases = numbers.get(1).map_or(50, |n| *n as usize);
    let says = |word: &str| std::env::args().any(|text| text == word);
    let world = match (says("twisted"), says("morning")) {
        (true, _) => World::Twisted,
        (false, true) => World::Morning,
        (false, false) => World::Plain,
    };
    let score = if says("queues") { score_queue } else { score };
    let began = now();
    let next = AtomicUsize::new(0);
    let scored: Vec<Scored> = std::thread::scope(|scope| {
        let work = || {
            let mut found = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= cases {
                    return found;
                }
                let scored = score(base, number, world);
                tell(&scored);
                found.push(scored);
            }
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a case panicked")).collect()
    });
    let took_s = began.elapsed().as_secs_f64();
    if world == World::Twisted { summary_of_twisted(base, &scored, took_s) } else { summary(base, &scored, took_s) }
}

fn speed() {
    let rules = Rules {
        batch_size: 100,
        window_ms: 0,
        lanes: 1,
        max_retries: None,
        max_age_s: None,
        bisect: false,
        partial: false,
    };
    let service =
        Service { per_run_us: Distribution::Uniform(500_000, 1_500_000), per_record_us: Distribution::Fixed(5_000) };
    let plant = StreamPlant::even(16, 1_000.0, rules, service);
    let jobs: Vec<(u32, u64)> = (1..=10).flat_map(|lanes| (0..3).map(move |seed| (lanes, seed))).collect();
    let (next, began) = (AtomicUsize::new(0), now());
    let work = || {
        while let Some((lanes, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let change = Change { acts_after_ms: 30_000, rules: Rules { lanes: *lanes, ..rules } };
            run(&plant, Some(change), *seed, Span::whole(3_600_000), &|| true).expect("not cancelled");
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("a run panicked"));
    });
    let took_s = began.elapsed().as_secs_f64();
    println(&format!("10 candidates, 3 seeds, 1 h at 1,000/s on 16 shards: {took_s:.1} s on two threads (bar: 10 s)"));
}

fn agree() {
    let seeds = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(20);
    let (counted, recorded) = (agreement::counted(seeds), agreement::recorded(seeds));
    let names = ["age at the change", "five minutes later", "drained"];
    for ((name, apart), (ours, theirs)) in
        names.iter().zip(counted.apart(&recorded)).zip(counted.0.iter().zip(recorded.0))
    {
        let verdict = if apart.is_close() { "within 2 % or 1 s" } else { "NOT within 2 % or 1 s" };
        println(&format!(
            "{seeds} seeds, {name}: counts {:.1} s, records {:.1} s: {:.1} % or {:.1} ± {:.1} s apart: {verdict}",
            ours.s,
            theirs.s,
            apart.share * 100.0,
            apart.s,
            apart.error_s
        ));
    }
}

fn tell(scored: &Scored) {
    let truth = scored.truth_s.map_or("never".to_owned(), |s| format!("{s:.0} s"));
    let foretold = match (scored.band(), &scored.rehearsal.declined) {
        (Some((p10, p50, p90)), _) => format!("{p50:.0} s ({p10:.0}–{p90:.0})"),
        (None, Some(_)) if scored.rehearsal.candidates.is_empty() => "none".to_owned(),
        _ => "never".to_owned(),
    };
    let forecast = scored.candidate().and_then(|candidate| candidate.forecast.as_ref());
    let load = forecast.map_or(f64::NAN, |forecast| forecast.load);
    println(&format!(
        "{:>3}  load {:.2} (est {load:.2})  truth {truth:>8}  forecast {foretold}; {} {}",
        scored.number,
        scored.load,
        scored.twist.unwrap_or_default(),
        match &scored.rehearsal.declined {
            Some(why) => format!("declined: {why}"),
            None if scored.is_made_worse() => "MADE WORSE".to_owned(),
            None if scored.holds() => "holds".to_owned(),
            None => "missed".to_owned(),
        }
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
    let recommended = clear.iter().filter(|scored| scored.recommended).count();
    let mut widths: Vec<f64> = both.iter().map(|(_, (p10, p50, p90))| (p90 - p10) / p50).collect();
    widths.sort_by(f64::total_cmp);
    let over: Vec<&Scored> = scored.iter().filter(|scored| scored.load > 1.1).collect();
    let over_right = over.iter().filter(|scored| scored.truth_s.is_none() == scored.band().is_none()).count();
    let share = |n: usize, of: usize| if of == 0 { f64::NAN } else { n as f64 / of as f64 * 100.0 };
    println(&format!(
        "base {base}: {} cases in {took_s:.0} s; load under 0.9: {} ({recommended} recommended), both drain: {}; median within 10 %: {:.0} %; \
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

/// The band holds the truth, or nothing is recommended; and what is recommended never makes it worse
/// than the same world would be without.
fn summary_of_twisted(base: u64, scored: &[Scored], took_s: f64) {
    let held = scored.iter().filter(|scored| !scored.recommended || scored.holds()).count();
    let declined = scored.iter().filter(|scored| !scored.recommended).count();
    let worse = scored.iter().filter(|scored| scored.is_made_worse()).count();
    println(&format!(
        "base {base}: {} twisted cases in {took_s:.0} s; held or declined: {:.0} % ({declined} declined); \
         recommended and worse than unchanged after an hour: {worse}",
        scored.len(),
        held as f64 / scored.len().max(1) as f64 * 100.0,
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
