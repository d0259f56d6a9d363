//! From what is seen to a plant, and how sure that is. Arrivals have no metric of their own: they are
//! what was handled, divided by how much slower than time the age grew, one age ago
//! (`out ÷ (1 − d age/dt)`).

use crate::forecast::ages::{Ages, Line};
use crate::forecast::plant::{ShardLoad, StreamPlant};
use crate::forecast::sight::{Seen, Sight};
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::Service;
use crate::pipeline::distribution::Distribution;
use crate::pipeline::stream::rules::{POLL_MS, Rules};

/// A plant, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub plant: StreamPlant,
    /// Relative standard error of the arrivals.
    pub arrivals_error: f64,
    /// Relative standard error of what a lane handles.
    pub capacity_error: f64,
    /// What a record costs was seen apart from what a run costs: the fill varied threefold.
    pub fill_varied: bool,
    pub duration_p99_ms: f64,
    /// A line each.
    pub assumptions: Vec<String>,
}

/// Minutes that a calibration looks at.
pub const WINDOW_MIN: i64 = 30;
/// Fewer minutes with figures than this say too little.
pub const LEAST_MIN: usize = 10;
/// From this share of failed or refused runs on, lag is not one of capacity.
const OTHER_CAUSE: f64 = 0.2;
/// A lane that stands still ages by one second a second.
const STANDS: f64 = 0.9;

/// From `minutes`, how the consumer stands at `at`: the newest of them are a few minutes older.
///
/// # Errors
/// Why no plant can be made of what is seen, in a sentence.
pub fn calibrate(sight: &Sight<'_>, minutes: &[Seen], at: Timestamp) -> Result<Calibration, String> {
    let seen: Vec<Seen> = minutes.iter().copied().filter(|seen| seen.invocations.is_some_and(|n| n > 0.0)).collect();
    if seen.len() < LEAST_MIN {
        return Err(format!(
            "only {} of the last {} minutes have figures under the present settings; {LEAST_MIN} are needed",
            seen.len(),
            minutes.len()
        ));
    }
    let rules = Rules::of(&sight.mapping.settings);
    not_for_other_reasons(&seen)?;
    let shards = shards(sight, &seen, &rules);
    let lanes = f64::from(shards.number) * f64::from(rules.lanes);
    let span_s = seen.len() as f64 * 60.0;
    let invocations: f64 = seen.iter().filter_map(|seen| seen.invocations).sum();
    let duration_ms = weighted_duration_ms(&seen).ok_or("Duration is not published for this function")?;
    let ages = Ages::of(&seen, at);
    let saturated = ages.all_behind && invocations > 0.0;
    // A lane that is never idle sends as often as its runs and the pause between them allow.
    let cycle_ms = if saturated { lanes * span_s * 1000.0 / invocations } else { duration_ms };
    let turnaround_ms = if saturated { (cycle_ms - duration_ms).clamp(0.0, duration_ms) } else { 0.0 };
    let fill = fill(&seen, &rules, saturated);
    let out_per_s = invocations * fill.mean / span_s;
    let spread = spread_of_a_run(&seen, duration_ms);
    let (records, runs) = ((out_per_s * span_s).max(1.0), invocations.max(1.0));
    let lanes_seen = Lanes { number: lanes, chance: lanes / records + spread * spread * lanes / runs };
    let loads = loads(&ages, out_per_s, shards.number, &lanes_seen, span_s);
    if let Some(why) = loads.unlikely() {
        return Err(why);
    }
    let cost = cost_of_a_record(&sight.minutes(LONG_WINDOW_MIN), duration_ms, fill.mean);
    let plant = StreamPlant {
        shards: shard_loads(&ages, &loads, shards.number, saturated.then_some(fill.mean * f64::from(rules.lanes))),
        rules,
        service: service(spread, duration_ms, &cost, fill.mean),
        turnaround_ms: turnaround_ms.round() as i64,
        failure_ppm: failures(&seen, invocations),
        record_bytes: 500,
        concurrency: sight.concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        poll_ms: POLL_MS,
    };
    let mut assumptions = vec![loads.sentence(), fill.sentence, shards.sentence, cost.sentence(fill.mean)];
    assumptions.push(format!(
        "a full batch takes {duration_ms:.0} ms{} (Duration, Average over {} minutes)",
        if turnaround_ms >= 1.0 { format!(" and {turnaround_ms:.0} ms until the next") } else { String::new() },
        seen.len(),
    ));
    assumptions.push(match sight.concurrency {
        Some(limit) => format!("at most {limit} runs at a time"),
        None => format!("at most {DEFAULT_CONCURRENCY} runs at a time (AWS's default; the limit was not read)"),
    });
    assumptions.push("arrivals go on as they were one age ago".to_owned());
    Ok(Calibration {
        plant,
        // What was handled and how the age moved err together: what is left is how many happened to come.
        arrivals_error: (1.0 / records + 0.25 * spread * spread / runs).sqrt() + MODEL_ERROR,
        capacity_error: spread / runs.sqrt() + MODEL_ERROR,
        fill_varied: cost.seen,
        duration_p99_ms: seen.iter().filter_map(|seen| seen.duration_p99_ms).fold(duration_ms, f64::max),
        assumptions,
    })
}

/// Lag that stands for errors or throttles is not answered with lanes.
fn not_for_other_reasons(seen: &[Seen]) -> Result<(), String> {
    let runs: f64 = seen.iter().filter_map(|seen| seen.invocations).sum();
    let failed: f64 = seen.iter().map(|seen| seen.errors).sum();
    let refused: f64 = seen.iter().map(|seen| seen.throttles).sum();
    let share = |part: f64, of: f64| format!("{:.0} %", part / of * 100.0);
    if refused > (runs + refused) * OTHER_CAUSE {
        return Err(format!(
            "{} of its runs are refused (throttles): the lag is not one of lanes",
            share(refused, runs + refused)
        ));
    }
    if failed > runs * OTHER_CAUSE {
        return Err(format!("{} of its runs fail: the lag is not one of capacity", share(failed, runs)));
    }
    Ok(())
}

struct Shards {
    number: u32,
    sentence: String,
}

fn shards(sight: &Sight<'_>, seen: &[Seen], rules: &Rules) -> Shards {
    if let Some(number) = sight.shards.filter(|number| *number > 0) {
        return Shards { number, sentence: format!("{number} open shards (DescribeStream)") };
    }
    // Every busy lane of a shard that is behind holds one run.
    let most = seen.iter().filter_map(|seen| seen.concurrency_max).fold(1.0, f64::max);
    let number = ((most / f64::from(rules.lanes)).round() as u32).max(1);
    Shards { number, sentence: format!("{number} shards, est from {most:.0} concurrent runs; not read") }
}

fn weighted_duration_ms(seen: &[Seen]) -> Option<f64> {
    let pairs: Vec<(f64, f64)> =
        seen.iter().filter_map(|seen| Some((seen.duration_avg_ms?, seen.invocations?))).collect();
    let runs: f64 = pairs.iter().map(|(_, runs)| runs).sum();
    (runs > 0.0).then(|| pairs.iter().map(|(ms, runs)| ms * runs).sum::<f64>() / runs)
}

struct Fill {
    mean: f64,
    sentence: String,
}

fn fill(seen: &[Seen], rules: &Rules, saturated: bool) -> Fill {
    let pairs: Vec<(f64, f64)> = seen.iter().filter_map(|seen| Some((seen.events?, seen.invocations?))).collect();
    let runs: f64 = pairs.iter().map(|(_, runs)| runs).sum();
    if runs > 0.0 {
        let mean = pairs.iter().map(|(events, _)| events).sum::<f64>() / runs;
        return Fill { mean, sentence: format!("{mean:.1} records a run (InvokedEventCount ÷ Invocations)") };
    }
    let mean = f64::from(rules.batch_size);
    let why = if saturated { "full while it is behind" } else { "taken to be full, though it is not behind" };
    Fill { mean, sentence: format!("{mean:.0} records a run: batches {why}, est; the mapping does not count events") }
}

/// The lanes whose ages were seen, and what differs between them by chance alone: how many records
/// happened to come, how long runs happened to take; a relative variance.
struct Lanes {
    number: f64,
    chance: f64,
}

/// Records a second: those of the shards with the most and the fewest, and how many items make them so
/// uneven.
struct Loads {
    worst_per_s: f64,
    best_per_s: f64,
    out_per_s: f64,
    slope: f64,
    items: u32,
}

fn loads(ages: &Ages, out_per_s: f64, shards: u32, lanes: &Lanes, span_s: f64) -> Loads {
    let each = out_per_s / f64::from(shards);
    let of = |slope: f64| each / (1.0 - slope.clamp(-20.0, STANDS));
    let (max_slope, min_slope, over) = ages.slopes(span_s);
    let lanes = Lanes { chance: lanes.chance * over, ..*lanes };
    let (worst, best) = match (ages.all_behind, ages.any_behind) {
        // All lanes are busy: each shard hands out as much as any other.
        (true, _) => (of(max_slope), of(min_slope)),
        // The best keeps up: it has what it needs, the worst has what its lanes can do.
        (false, true) => (of(ages.max_slope), each),
        (false, false) => (each, each),
    };
    let (worst, best) = (worst.max(best), worst.min(best));
    let (items, lasting) = unevenness(f64::midpoint(worst, best), worst - best, shards, &lanes);
    let slope = ages.max_slope;
    if !ages.all_behind {
        return Loads { worst_per_s: worst, best_per_s: best, out_per_s, slope, items };
    }
    // The worst had bad luck too: only what lasts of its distance from the mean is expected of it.
    let mean = ages.mean_slope.map_or(f64::midpoint(worst, best), of).clamp(best, worst);
    let toward = |rate: f64| mean + (rate - mean) * lasting;
    Loads { worst_per_s: toward(worst), best_per_s: toward(best), out_per_s, slope, items }
}

impl Loads {
    fn unlikely(&self) -> Option<String> {
        (self.slope > STANDS).then(|| {
            format!("the age grows by {:.2} s a second: something stands still, and lanes do not move it", self.slope)
        })
    }

    fn sentence(&self) -> String {
        format!(
            "{:.1}/s out; the worst shard's age moves by {:+.2} s/s, so about {:+.0} % of that arrives, est",
            self.out_per_s,
            self.slope,
            100.0 / (1.0 - self.slope.clamp(-20.0, STANDS)),
        )
        .replace("about +", "about ")
    }
}

/// The worst shard, the best, and the others evenly between. `batches` are the records that a shard's
/// lanes hold, where they always hold some: half of them are sent already, and count as waiting here.
fn shard_loads(ages: &Ages, loads: &Loads, shards: u32, batches: Option<f64>) -> Vec<ShardLoad> {
    let last = f64::from(shards.saturating_sub(1)).max(1.0);
    (0..shards)
        .map(|number| {
            let share = f64::from(number) / last;
            let between = |worst: f64, best: f64| if shards == 1 { worst } else { worst + (best - worst) * share };
            let per_s = between(loads.worst_per_s, loads.best_per_s);
            let held_ms = batches.map_or(0.0, |records| records / per_s.max(1e-9) / 2.0 * 1000.0);
            let behind_ms = between(ages.max_ms, ages.min_ms) + held_ms;
            ShardLoad {
                per_s,
                behind_ms: if behind_ms < 1_000.0 { 0 } else { behind_ms.round() as i64 },
                items: loads.items,
            }
        })
        .collect()
}

/// Lanes differ as items are hashed to them: the more items, the less. So their range, without what is
/// chance, tells how uneven other lanes will be, which are hashed the same way. Answers items a shard,
/// and what share of the range lasts.
fn unevenness(mean: f64, range: f64, shards: u32, lanes: &Lanes) -> (u32, f64) {
    let n = lanes.number;
    let each = |items: f64| (items / f64::from(shards)).clamp(20.0, 1_000_000.0) as u32;
    if n < 2.0 || mean <= 0.0 {
        return (each(USUAL_ITEMS), 1.0);
    }
    // The expected range of n normal draws, in standard deviations.
    let deviation = range / mean / (0.35 + 1.15 * n.ln());
    let seen = (deviation * deviation - lanes.chance).max(0.0);
    // Few lanes say little: what is usual counts beside them.
    let weight = (n - 1.0) / (n + 7.0);
    let hashed = weight * seen + (1.0 - weight) * (n - 1.0) / USUAL_ITEMS;
    (each((n - 1.0) / hashed.max(1e-6)), (hashed / (hashed + lanes.chance)).clamp(0.0, 1.0))
}

/// What of a run's duration a record adds.
struct Cost {
    per_record_ms: f64,
    seen: bool,
}

impl Cost {
    fn sentence(&self, fill: f64) -> String {
        if self.seen {
            return format!("a record adds {:.1} ms to a run (Duration against fill)", self.per_record_ms);
        }
        format!(
            "what a record adds is not known, since batches held about {fill:.0} all along; half of a run is assumed"
        )
    }
}

fn cost_of_a_record(minutes: &[Seen], duration_ms: f64, fill: f64) -> Cost {
    let points: Vec<(f64, f64)> =
        minutes.iter().filter_map(|seen| Some((seen.fill()?, seen.duration_avg_ms?))).collect();
    let (least, most) = points.iter().fold((f64::MAX, 0.0f64), |(low, high), (x, _)| (low.min(*x), high.max(*x)));
    if points.len() >= LEAST_MIN && most >= 3.0 * least {
        // A run holds a record at least, so a threefold range of fills is never too narrow for the line.
        let per_record_ms = Line::through(&points).slope.clamp(0.0, duration_ms / fill.max(1.0));
        return Cost { per_record_ms, seen: true };
    }
    Cost { per_record_ms: duration_ms * 0.5 / fill.max(1.0), seen: false }
}

/// Durations lie about their mean as widely as the shortest and the longest say.
fn service(spread: f64, duration_ms: f64, cost: &Cost, fill: f64) -> Service {
    // Two parts drawn apart are less spread together than each alone.
    let by_record = (cost.per_record_ms * fill / duration_ms.max(1e-9)).clamp(0.0, 1.0);
    let spread = spread / by_record.hypot(1.0 - by_record);
    let around = |mean_ms: f64| {
        let (mean_us, half_us) = (mean_ms * 1000.0, (mean_ms * spread * 1.7 * 1000.0).min(mean_ms * 1000.0));
        Distribution::Uniform((mean_us - half_us).max(0.0) as u64, (mean_us + half_us) as u64)
    };
    Service {
        per_run_us: around((duration_ms - cost.per_record_ms * fill).max(0.0)),
        per_record_us: around(cost.per_record_ms),
    }
}

/// Relative standard deviation of one run, from the extremes of the minutes.
fn spread_of_a_run(seen: &[Seen], duration_ms: f64) -> f64 {
    let mean_of = |of: fn(&Seen) -> Option<f64>| {
        let values: Vec<f64> = seen.iter().filter_map(of).collect();
        if values.is_empty() { duration_ms } else { values.iter().sum::<f64>() / values.len() as f64 }
    };
    let range = mean_of(|seen| seen.duration_max_ms) - mean_of(|seen| seen.duration_min_ms);
    (range / duration_ms.max(1.0) / 4.0).clamp(0.0, 1.0)
}

fn failures(seen: &[Seen], invocations: f64) -> u32 {
    let failed: f64 = seen.iter().map(|seen| seen.errors).sum();
    (failed / invocations.max(1.0) * 1e6).clamp(0.0, 500_000.0) as u32
}

/// Where fills vary, they vary over hours.
const LONG_WINDOW_MIN: i64 = 180;
/// Items of a whole stream, where nothing says how many there are.
const USUAL_ITEMS: f64 = 50_000.0;
/// AWS's default for an account (aws-facts §10).
const DEFAULT_CONCURRENCY: u32 = 1_000;
/// What no figure shows: a model is not the thing.
const MODEL_ERROR: f64 = 0.01;
