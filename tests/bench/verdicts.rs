//! Do the rules speak when they should, and only then? Every scenario of `assets/scenarios/verdicts/`
//! over many seeds, and quiet weeks: `cargo bench --bench verdicts -- [SEEDS] [QUIET WEEKS]`. Prints the
//! misses and the false alarms. Figures are kept in CONTRIBUTING.

#[path = "../suite/verdicts/case.rs"]
mod case;
#[path = "../suite/verdicts/observer.rs"]
mod observer;
#[path = "../suite/verdicts/quiet.rs"]
mod quiet;
#[path = "../suite/verdicts/shown.rs"]
mod shown;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::case::{Came, Case};

#[derive(Default)]
struct Tally {
    runs: usize,
    /// Never fired, later than its bound, later silent than its bound.
    missed: usize,
    /// The fault never showed: this seed says nothing.
    unseen: usize,
    /// The fault was over before the rule's bound was.
    brief: usize,
    /// Settings were offered as a remedy while it lasted.
    tuned: usize,
    late: usize,
    lingering: usize,
    early: usize,
    worst_s: i64,
    cleared_s: i64,
    lines: Vec<String>,
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let (seeds, weeks) = (numbers.first().copied().unwrap_or(200), numbers.get(1).copied().unwrap_or(20));
    let only: Option<String> =
        std::env::args().skip(1).find(|text| text.chars().any(char::is_alphabetic) && !text.starts_with('-'));
    let mut all = Tally::default();
    for name in case::names() {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let tally = of_scenario(&name, seeds);
        println(&format!(
            "{name:<28} {seeds} seeds: never to be seen {}, over too soon {}, missed {}, later than its bound {}, silent late {}, false before {}; slowest {} s, cleared {} s; settings advised {}",
            tally.unseen,
            tally.brief,
            tally.missed,
            tally.late,
            tally.lingering,
            tally.early,
            tally.worst_s,
            tally.cleared_s,
            tally.tuned
        ));
        tally.lines.iter().take(6).for_each(|line| println(&format!("    {line}")));
        (all.runs, all.missed, all.late) = (all.runs + tally.runs, all.missed + tally.missed, all.late + tally.late);
        (all.lingering, all.early) = (all.lingering + tally.lingering, all.early + tally.early);
    }
    println(&format!(
        "in all {} runs: {} missed, {} late, {} silent late, {} with a false alarm before the fault",
        all.runs, all.missed, all.late, all.lingering, all.early
    ));
    let alarms = parallel(weeks, |seed| quiet::week(seed, 7));
    let count: usize = alarms.iter().map(Vec::len).sum();
    println(&format!("{weeks} quiet weeks: {count} false ✖"));
    alarms.iter().flatten().take(20).for_each(|line| println(&format!("    {line}")));
}

fn of_scenario(name: &str, seeds: u64) -> Tally {
    let came = parallel(seeds, |seed| Case::of(case::scenario(name)).play(seed));
    let case = Case::of(case::scenario(name));
    let mut tally = Tally { runs: came.len(), ..Tally::default() };
    for (seed, came) in (1..).zip(&came) {
        score(&mut tally, seed, came, &case);
    }
    tally
}

fn score(tally: &mut Tally, seed: u64, came: &Came, case: &Case) {
    let bound = case.bound;
    tally.tuned += usize::from(came.tuned);
    if came.tuned && case.rule == "lane-stuck" {
        tally.lines.push(format!("seed {seed}: settings advised for a lane that is stuck"));
    }
    if !came.early.is_empty() {
        tally.early += 1;
        tally.lines.push(format!("seed {seed}: early {}", came.early[0]));
    }
    let (Some(shown), Some(fired)) = (came.shown_s, came.fired_s) else {
        // What cannot be seen cannot be missed, a poison record that never came; but it is counted.
        let over = |shown| shown + i64::from(bound.fires_s) > case.to.ms_since(case.from) / 1000;
        if came.shown_s.is_some_and(over) {
            tally.brief += 1;
        } else if came.shown_s.is_some() {
            tally.missed += 1;
            tally.lines.push(format!("seed {seed}: missed, shown after {:?} s", came.shown_s));
        } else {
            tally.unseen += 1;
        }
        return;
    };
    tally.worst_s = tally.worst_s.max(fired - shown);
    if fired - shown > i64::from(bound.fires_s) {
        tally.late += 1;
        tally.lines.push(format!("seed {seed}: {} s after it was shown", fired - shown));
    }
    let after = came.cleared_s.zip(came.gone_s).map(|(cleared, gone)| cleared - gone);
    tally.cleared_s = tally.cleared_s.max(after.unwrap_or(0));
    if after.is_none_or(|after| after > i64::from(bound.clears_s)) {
        tally.lingering += 1;
        tally.lines.push(format!("seed {seed}: gone {:?}, silent {:?}", came.gone_s, came.cleared_s));
    }
}

/// Seeds 1 to `n`, on two threads, in order.
fn parallel<T: Send>(n: u64, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(1);
    let work = || {
        let mut found = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed) as u64;
            if seed > n {
                return found;
            }
            found.push((seed, run(seed)));
        }
    };
    let mut all: Vec<(u64, T)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a run panicked")).collect()
    });
    all.sort_by_key(|(seed, _)| *seed);
    all.into_iter().map(|(_, found)| found).collect()
}

#[allow(clippy::print_stdout, reason = "its output is its purpose")]
fn println(line: &str) {
    println!("{line}");
}
