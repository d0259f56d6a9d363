//! Who gets how much: what arrives on the shards with the most and the fewest records, and how uneven
//! lanes are. Arrivals have no metric of their own: they are what was handled, one age ago
//! (`out ÷ (1 − d age/dt)`), and where the writes of the table or stream are known, these are their
//! shape, also of what no run has seen yet.

use crate::forecast::ages::{Ages, BEHIND_MS};
use crate::forecast::plant::ShardLoad;
use crate::forecast::sight::Seen;
use crate::forecast::writes::Writes;
use crate::model::time::Timestamp;

/// The lanes whose ages were seen, and what differs between them by chance alone: how many records
/// happened to come, how long runs happened to take; a relative variance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lanes {
    pub(super) number: f64,
    pub(super) chance: f64,
}

/// What was handled, and in which stretch of time: seconds before the moment of the calibration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handled {
    pub(super) per_s: f64,
    pub(super) from_s: f64,
    pub(super) to_s: f64,
    pub(super) shards: u32,
}

impl Handled {
    fn span_s(&self) -> f64 {
        self.to_s - self.from_s
    }
}

/// Since when every shard has been behind, seconds, and how old each was then, seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    s: f64,
    max_s: f64,
    min_s: f64,
    mean_s: f64,
}

impl Since {
    pub(super) fn of(minutes: &[Seen], at: Timestamp) -> Option<Self> {
        let behind = |seen: &&Seen| seen.age_min_ms.is_some_and(|ms| ms > BEHIND_MS);
        let first = minutes.iter().rev().take_while(behind).last()?;
        Some(Since {
            s: first.at.plus_s(30).ms_since(at) as f64 / 1000.0,
            max_s: first.age_max_ms? / 1000.0,
            min_s: first.age_min_ms? / 1000.0,
            mean_s: first.age_avg_ms? / 1000.0,
        })
    }
}

/// Records a second: those of the shards with the most and the fewest, and how many items make them so
/// uneven.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loads {
    worst_per_s: f64,
    best_per_s: f64,
    out_per_s: f64,
    slope: f64,
    items: u32,
    /// All that arrives, and for how many minutes it has been as it is; where writes say so.
    written: Option<(f64, usize)>,
}

pub(super) fn loads(
    ages: &Ages,
    handled: &Handled,
    lanes: &Lanes,
    writes: Option<&Writes>,
    since: Option<Since>,
) -> Loads {
    let each = handled.per_s / f64::from(handled.shards);
    let of = |slope: f64| each / (1.0 - slope.clamp(-20.0, STANDS));
    let (max_slope, min_slope, over) = ages.slopes(handled.span_s());
    let lanes = Lanes { chance: lanes.chance * over, ..*lanes };
    let (worst, best) = match (ages.all_behind, ages.any_behind) {
        // All lanes are busy: each shard hands out as much as any other.
        (true, _) => (of(max_slope), of(min_slope)),
        // The best keeps up: it has what it needs, the worst has what its lanes can do.
        (false, true) => (of(ages.max_slope), each),
        (false, false) => (each, each),
    };
    let plain = Loads {
        worst_per_s: worst.max(best),
        best_per_s: worst.min(best),
        out_per_s: handled.per_s,
        slope: ages.max_slope,
        items: 0,
        written: None,
    };
    let by_shape = writes.and_then(|writes| plain.by_shape(ages, handled, writes, since.filter(|_| ages.all_behind)));
    let (loads, over) = by_shape.unwrap_or((plain, 1.0));
    let lanes = Lanes { chance: lanes.chance * over, ..lanes };
    let mean = f64::midpoint(loads.worst_per_s, loads.best_per_s);
    let (items, lasting) = unevenness(mean, loads.worst_per_s - loads.best_per_s, handled.shards, &lanes);
    let loads = Loads { items, ..loads };
    if !ages.all_behind {
        return loads;
    }
    // The worst had bad luck too: only what lasts of its distance from the mean is expected of it.
    let mean = match loads.written {
        Some((per_s, _)) => per_s / f64::from(handled.shards),
        None => ages.mean_slope.map_or(mean, of).clamp(loads.best_per_s, loads.worst_per_s),
    };
    let toward = |rate: f64| mean + (rate - mean) * lasting;
    Loads { worst_per_s: toward(loads.worst_per_s), best_per_s: toward(loads.best_per_s), ..loads }
}

impl Loads {
    /// The same by what was written: what was handled is what was written one age ago, so a unit stands
    /// for so many records; and of two shards that handled as many, the one that came less far in time
    /// gets more. Also by how much less chance there is in that than in the window's slopes.
    fn by_shape(self, ages: &Ages, handled: &Handled, writes: &Writes, since: Option<Since>) -> Option<(Loads, f64)> {
        let age_s = |s: f64| if ages.any_behind { ages.mean_s(s) } else { Some(0.0) };
        let units = writes.between(handled.from_s - age_s(handled.from_s)?, handled.to_s - age_s(handled.to_s)?)?;
        let total = handled.per_s * handled.span_s() / units.max(1e-9) * writes.now_per_s();
        if !total.is_finite() || total <= 0.0 {
            return None;
        }
        let written = Some((total, writes.lasted_min()));
        let mean = total / f64::from(handled.shards);
        let Some(since) = since else {
            let spread = if ages.all_behind { mean / f64::midpoint(self.worst_per_s, self.best_per_s) } else { 1.0 };
            let (worst, best) = (self.worst_per_s * spread, self.best_per_s * spread);
            let (worst, best) = if ages.any_behind { (worst, best) } else { (mean, mean) };
            return Some((Loads { worst_per_s: worst, best_per_s: best, written, ..self }, 1.0));
        };
        let came = |then_s: f64, now_s: f64| writes.between(since.s - then_s, -now_s).filter(|units| *units > 0.0);
        let all = came(since.mean_s, ages.mean_s(0.0)?)?;
        let worst = mean * all / came(since.max_s, ages.max_ms / 1000.0)?;
        let best = mean * all / came(since.min_s, ages.min_ms / 1000.0)?;
        let over = (handled.span_s() / -since.s).clamp(0.0, 1.0);
        Some((Loads { worst_per_s: worst.max(best), best_per_s: worst.min(best), written, ..self }, over))
    }

    pub(super) fn unlikely(&self) -> Option<String> {
        (self.slope > STANDS).then(|| {
            format!("the age grows by {:.2} s a second: something stands still, and lanes do not move it", self.slope)
        })
    }

    pub(super) fn sentence(&self) -> String {
        if let Some((per_s, minutes)) = self.written {
            return format!(
                "{:.1}/s out, {per_s:.1}/s in, est: what was handled against the writes one age ago, and those of the \
                 last {minutes} minutes",
                self.out_per_s
            );
        }
        format!(
            "{:.1}/s out; the worst shard's age moves by {:+.2} s/s, so about {:+.0} % of that arrives, est",
            self.out_per_s,
            self.slope,
            100.0 / (1.0 - self.slope.clamp(-20.0, STANDS)),
        )
        .replace("about +", "about ")
    }

    pub(super) fn until(&self) -> &'static str {
        if self.written.is_some() {
            "arrivals go on as in these last minutes; in one run of seven a third more come, or it pauses"
        } else {
            "arrivals go on as they were one age ago; in one run of seven a third more come, or it pauses"
        }
    }

    /// Relative error of taking the last minutes for what comes.
    pub(super) fn error(&self) -> f64 {
        self.written.map_or(0.0, |(per_s, minutes)| 1.0 / (per_s * 60.0 * minutes as f64).max(1.0))
    }
}

/// The worst shard, the best, and the others evenly between. `batches` are the records that a shard's
/// lanes hold, where they always hold some: half of them are sent already, and count as waiting here.
pub(super) fn shard_loads(ages: &Ages, loads: &Loads, shards: u32, batches: Option<f64>) -> Vec<ShardLoad> {
    let last = f64::from(shards.saturating_sub(1)).max(1.0);
    let middle = f64::midpoint(loads.worst_per_s, loads.best_per_s) * f64::from(shards);
    let even = loads.written.map_or(1.0, |(per_s, _)| if shards == 1 { 1.0 } else { per_s / middle });
    (0..shards)
        .map(|number| {
            let share = f64::from(number) / last;
            let between = |worst: f64, best: f64| worst + (best - worst) * share;
            let per_s = match (shards, loads.written) {
                (1, Some((per_s, _))) => per_s,
                (1, None) => loads.worst_per_s,
                _ => between(loads.worst_per_s, loads.best_per_s) * even,
            };
            let held_ms = batches.map_or(0.0, |records| records / per_s.max(1e-9) / 2.0 * 1000.0);
            let behind_ms = if shards == 1 { ages.max_ms } else { between(ages.max_ms, ages.min_ms) } + held_ms;
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
    let each = |items: f64| (items / f64::from(shards)).clamp(2.0, 1_000_000.0) as u32;
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

/// A lane that stands still ages by one second a second.
const STANDS: f64 = 0.9;
/// Items of a whole stream, where nothing says how many there are.
const USUAL_ITEMS: f64 = 50_000.0;
