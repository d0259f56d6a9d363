//! What makes a run as long as it is: the run itself, each record in it, and, in some worlds, how many
//! others run beside it. All three are read from one history, minute by minute, where it varied enough.

use crate::forecast::ages::Line;
use crate::forecast::calibrate::LEAST_MIN;
use crate::forecast::plant::stretch;
use crate::forecast::sight::Seen;

/// What of a run's duration a record adds, and how much longer it gets with each run beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// Of a run that is alone, milliseconds.
    pub(super) per_record_ms: f64,
    /// The fill varied threefold, so that this was seen.
    pub(super) seen: bool,
    pub(super) crowding: Crowding,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Crowding {
    /// A run takes `share` of its time longer for each other at the same time.
    Seen { share: f64, error: f64 },
    /// From `least` to `most` at a time it made no difference.
    None { least: f64, most: f64 },
    /// There were always about so many.
    Unknown { runs: f64 },
}

impl Crowding {
    pub(super) fn share(self) -> f64 {
        match self {
            Crowding::Seen { share, .. } => share,
            Crowding::None { .. } | Crowding::Unknown { .. } => 0.0,
        }
    }

    /// Runs at a time, where nothing is known of more.
    pub(super) fn unknown_beyond(self) -> Option<f64> {
        match self {
            Crowding::Unknown { runs } => Some(runs),
            Crowding::Seen { .. } | Crowding::None { .. } => None,
        }
    }

    pub(super) fn error(self) -> f64 {
        match self {
            Crowding::Seen { error, .. } => error,
            Crowding::None { .. } | Crowding::Unknown { .. } => 0.0,
        }
    }

    pub(super) fn sentence(self) -> String {
        match self {
            Crowding::Seen { share, error } => format!(
                "each run at the same time makes a run {:.1} ± {:.1} % longer (Duration against Invocations × Duration)",
                share * 100.0,
                error * 100.0
            ),
            Crowding::None { least, most } => {
                format!(
                    "runs take no longer with {most:.0} at a time than with {least:.0} (Duration), nor with more, est"
                )
            }
            Crowding::Unknown { runs } => format!(
                "there were always about {runs:.0} runs at a time: that they take no longer with more is assumed, never seen"
            ),
        }
    }
}

impl Cost {
    pub(super) fn sentence(&self, fill: f64) -> String {
        if self.seen {
            return format!("a record adds {:.1} ms to a run (Duration against fill)", self.per_record_ms);
        }
        format!(
            "what a record adds is not known, since batches held about {fill:.0} all along; half of a run is assumed"
        )
    }
}

/// A minute of runs.
#[derive(Debug, Clone, Copy)]
struct Point {
    runs: f64,
    duration_ms: f64,
    fill: f64,
    /// Runs at a time, by Little's law.
    beside: f64,
}

/// `spread`: relative standard deviation of one run; `duration_ms` and `fill` are those of now.
pub(super) fn cost(minutes: &[Seen], spread: f64, duration_ms: f64, fill: f64) -> Cost {
    let points: Vec<Point> = minutes
        .iter()
        .filter_map(|seen| {
            let (runs, duration_ms) = (seen.invocations.filter(|runs| *runs > 0.0)?, seen.duration_avg_ms?);
            Some(Point { runs, duration_ms, fill: seen.fill()?, beside: runs * duration_ms / 60_000.0 })
        })
        .collect();
    let crowding = crowding(&points, spread);
    let share = crowding.share();
    let alone: Vec<(f64, f64)> = points.iter().map(|p| (p.fill, p.duration_ms / stretch(share, p.beside))).collect();
    let (least, most) = alone.iter().fold((f64::MAX, 0.0f64), |(low, high), (x, _)| (low.min(*x), high.max(*x)));
    if points.len() >= LEAST_MIN && most >= 3.0 * least {
        // A run holds a record at least, so a threefold range of fills is never too narrow for the line.
        let per_record_ms = Line::through(&alone).slope.clamp(0.0, duration_ms / fill.max(1.0));
        return Cost { per_record_ms, seen: true, crowding };
    }
    Cost { per_record_ms: duration_ms * 0.5 / fill.max(1.0), seen: false, crowding }
}

/// The share that explains the durations best, with the fill's part in it; how sure that is by how much
/// worse others do.
fn crowding(points: &[Point], spread: f64) -> Crowding {
    let beside = |pick: fn(f64, f64) -> f64, from: f64| points.iter().map(|p| p.beside.max(1.0)).fold(from, pick);
    let (least, most) = (beside(f64::min, f64::MAX), beside(f64::max, 1.0));
    let unknown = Crowding::Unknown { runs: most };
    if points.len() < LEAST_MIN || most < 2.0 || most < 1.5 * least {
        return unknown;
    }
    // By how much longer than alone a run takes where most run.
    let tried: Vec<(f64, f64)> = (0..=STEPS)
        .map(|step| {
            let longer = STEP * f64::from(step);
            (longer, misfit(points, longer / (most - 1.0), spread))
        })
        .collect();
    let (best, fits) = tried.iter().copied().fold((0.0, f64::INFINITY), |a, b| if b.1 < a.1 { b } else { a });
    // A model that fits badly says as much less.
    let unit = (fits / (points.len() as f64 - 3.0).max(1.0)).max(1.0);
    let within: Vec<f64> =
        tried.iter().filter(|(_, misfit)| *misfit <= fits + unit).map(|(longer, _)| *longer).collect();
    let (low, high) = (within.first().copied().unwrap_or(best), within.last().copied().unwrap_or(best));
    let error = ((high - low) / 2.0).max(STEP / 2.0);
    if best > LEAST && tried[0].1 > fits + SURE * unit {
        return Crowding::Seen { share: best / (most - 1.0), error: error / (most - 1.0) };
    }
    if high <= LITTLE { Crowding::None { least, most } } else { unknown }
}

/// The sum of squared deviations, in standard deviations, from the best line of durations over fills.
fn misfit(points: &[Point], share: f64, spread: f64) -> f64 {
    let weighed = points.iter().map(|p| {
        let longer = stretch(share, p.beside);
        let variance = spread * spread / p.runs + MODEL * MODEL;
        (1.0 / (variance * p.duration_ms * p.duration_ms), longer, longer * p.fill, p.duration_ms)
    });
    let mut sums = [0.0; 5];
    for (weight, a, b, y) in weighed.clone() {
        for (sum, term) in sums.iter_mut().zip([a * a, a * b, b * b, a * y, b * y]) {
            *sum += weight * term;
        }
    }
    let [aa, ab, bb, ay, by] = sums;
    let determinant = aa * bb - ab * ab;
    let (mut per_run, mut per_record) = if determinant > 1e-6 * aa * bb {
        ((ay * bb - by * ab) / determinant, (by * aa - ay * ab) / determinant)
    } else {
        (ay / aa.max(1e-12), 0.0)
    };
    if per_record < 0.0 {
        (per_run, per_record) = (ay / aa.max(1e-12), 0.0);
    } else if per_run < 0.0 {
        (per_run, per_record) = (0.0, by / bb.max(1e-12));
    }
    weighed.map(|(weight, a, b, y)| weight * (y - per_run * a - per_record * b).powi(2)).sum()
}

/// So much longer than alone, in these steps, is tried for the minute in which most ran.
const STEP: f64 = 0.05;
const STEPS: u32 = 120;
/// Less than this is not told from chance and from what the model leaves out.
const LEAST: f64 = 0.1;
/// At most this leaves no doubt that there is none.
const LITTLE: f64 = 0.15;
/// Three standard deviations.
const SURE: f64 = 9.0;
/// What a minute's mean is off by beside chance.
const MODEL: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    /// Minutes of runs with (runs at a time, records in each), each 1 s and 10 ms a record long, and
    /// longer by `share` for each beside it.
    fn seen(minutes: &[(f64, f64)], share: f64) -> Vec<Seen> {
        let minute = |(n, (beside, fill)): (usize, &(f64, f64))| {
            let duration_ms = (1_000.0 + 10.0 * fill) * stretch(share, *beside);
            let invocations = beside * 60_000.0 / duration_ms;
            // What chance makes of it, the same every time.
            let chance = 1.0 + 0.004 * if n.is_multiple_of(2) { 1.0 } else { -1.0 };
            Seen {
                at: Timestamp::from_s(n as i64 * 60),
                invocations: Some(invocations),
                duration_avg_ms: Some(duration_ms * chance),
                events: Some(invocations * fill),
                ..Seen::default()
            }
        };
        minutes.iter().enumerate().map(minute).collect()
    }

    fn morning() -> Vec<(f64, f64)> {
        let rising = (1..=10).map(|n| (f64::from(n), 2.0));
        let filling = (1..=10).map(|n| (10.0, 10.0 * f64::from(n)));
        rising.chain(filling).collect()
    }

    #[test]
    fn a_crowd_that_slows_its_runs_is_told_from_records_that_do() {
        for share in [0.03, 0.1, 0.3] {
            let cost = cost(&seen(&morning(), share), 0.2, 2_000.0 * stretch(share, 10.0), 100.0);
            let Crowding::Seen { share: found, error } = cost.crowding else { panic!("{share}: {cost:?}") };
            assert!((found / share - 1.0).abs() < 0.2 && error < share, "{share}: {cost:?}");
            assert!(cost.seen && (cost.per_record_ms - 10.0).abs() < 2.0, "{cost:?}");
        }
        let cost = cost(&seen(&morning(), 0.0), 0.2, 2_000.0, 100.0);
        assert!(matches!(cost.crowding, Crowding::None { .. }), "{cost:?}");
        assert!((cost.per_record_ms - 10.0).abs() < 1.0, "{cost:?}");
    }

    #[test]
    fn where_as_many_always_ran_nothing_is_known_of_more() {
        let always: Vec<(f64, f64)> = (0..30).map(|_| (8.0, 100.0)).collect();
        let cost = cost(&seen(&always, 0.1), 0.2, 3_400.0, 100.0);
        assert!(matches!(cost.crowding, Crowding::Unknown { .. }), "{cost:?}");
        assert!(cost.crowding.sentence().contains("never seen"));
    }
}
