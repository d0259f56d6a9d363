//! Ten thousand seeds of the storm, straight onto the pipeline, and a thousand of them through the SDK
//! and the door as well: `cargo bench --bench soak`. `cargo test` runs the first of them.
//! `REDRIVE_SEEDS=n` runs so many instead, `REDRIVE_SEED=n` one.

#[path = "../suite/storm/mod.rs"]
mod storm;

use std::panic::{RefUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::storm::errand::Errand;
use crate::storm::reckoning::Tally;
use crate::storm::run::Run;
use crate::storm::run::judge::Tally as RunTally;
use crate::storm::story::Story;
// What is shared with the unit tests is written against the crate's own paths.
use redrive::{model, operation};

const SEEDS: u64 = 10_000;
/// Scans, drops and restores: one in so many.
const ERRANDS: u64 = 2;
/// One in so many goes through the door too.
const DOOR: u64 = 10;

fn main() {
    let told = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = told("REDRIVE_SEED") {
        storm::straight(seed);
        storm::door::run(seed);
        storm::tell(Story::of_doubts(seed));
        storm::door::tell(Story::of_doubts(seed));
        storm::errand::straight(&Errand::of(seed));
        storm::errand::straight(&Errand::in_doubt(seed));
        storm::door::errand(&Errand::of(seed));
        storm::door::errand(&Errand::in_doubt(seed));
        storm::run::straight(&Run::of(seed));
        storm::run::straight(&Run::in_doubt(seed));
        return;
    }
    let seeds = told("REDRIVE_SEEDS").unwrap_or(SEEDS);
    let tally = Mutex::new(Tally::default());
    let add = |told| tally.lock().unwrap_or_else(PoisonError::into_inner).add(told);
    let failed = run("straight", seeds, storm::straight)
        + run("door", seeds / DOOR, storm::door::run)
        + run("straight, in doubt", seeds / DOOR, |seed| {
            storm::tell(Story::of_doubts(seed));
        })
        + run("door, in doubt", seeds / DOOR / DOOR, |seed| {
            storm::door::tell(Story::of_doubts(seed));
        })
        + run("scans, drops, restores", seeds / ERRANDS, |seed| add(storm::errand::straight(&Errand::of(seed))))
        + run("scans, drops, restores, in doubt", seeds / ERRANDS, |seed| {
            add(storm::errand::straight(&Errand::in_doubt(seed)));
        })
        + run("door, scans, drops, restores", seeds / DOOR, |seed| add(storm::door::errand(&Errand::of(seed))))
        + run("door, scans, drops, restores, in doubt", seeds / DOOR, |seed| {
            add(storm::door::errand(&Errand::in_doubt(seed)));
        });
    let ran = Mutex::new(RunTally::default());
    let add = |told| ran.lock().unwrap_or_else(PoisonError::into_inner).add(told);
    let failed = failed
        + run("tries, rescues, reruns", seeds / ERRANDS, |seed| add(storm::run::straight(&Run::of(seed))))
        + run("tries, rescues, in doubt", seeds / ERRANDS, |seed| add(storm::run::straight(&Run::in_doubt(seed))));
    println(&format!("of tries, rescues and reruns: {:?}", ran.into_inner().unwrap_or_default()));
    println(&format!("of scans, drops and restores: {:?}", tally.into_inner().unwrap_or_default()));
    if failed > 0 {
        std::process::exit(1);
    }
}

/// Over all processors; how many failed.
fn run(road: &str, seeds: u64, one: impl Fn(u64) + Sync + RefUnwindSafe) -> u64 {
    let (next, failed, began) = (AtomicU64::new(0), AtomicU64::new(0), now());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    if catch_unwind(|| one(seed)).is_err() {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println(&format!("{road}: seed {seed} failed: REDRIVE_SEED={seed} cargo bench --bench soak"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    println(&format!("{road}: {} of {seeds} seeds passed in {:.0} s", seeds - failed, began.elapsed().as_secs_f64()));
    failed
}

#[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::print_stdout, reason = "a bench reports")]
fn println(line: &str) {
    println!("{line}");
}
