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
    /// From `least` to `most` at a time it made no difference; a share as large as this may well be.
    None { least: f64, most: f64, share: f64 },
    /// There were always about so many, or it was not told from chance; a share as large as this may well be.
    Unknown { runs: f64, share: f64 },
    /// Runs took longer with `most` at a time than with `least`, but their batches were fuller, too.
    Blurred { least: f64, most: f64 },
}

/// How many are under way when a run begins, itself counted, where so many are on the average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meets {
    /// A stream's lanes: who lags takes the next batch at once.
    Lanes,
    /// At most so many places, taken as messages happen to come.
    Places(u32),
}

impl Meets {
    /// What comes by chance finds as many as there are on the average, and not one less (Erlang: of M/M/c
    /// those who find a place, and those who wait for one and then find all others taken).
    pub(super) fn of(self, runs: f64) -> f64 {
        let places = match self {
            Meets::Places(places) if runs < f64::from(places) * ALL => places,
            Meets::Places(places) => return runs.max(f64::from(places)),
            Meets::Lanes => return runs.max(1.0),
        };
        let lost = |before: f64, place: u32| runs * before / (f64::from(place) + runs * before);
        let all_but_one = (1..places).fold(1.0, lost);
        let all = lost(all_but_one, places.max(1));
        let wait = all / (1.0 - runs / f64::from(places) * (1.0 - all));
        1.0 + (1.0 - wait) * runs * (1.0 - all_but_one) + wait * f64::from(places.saturating_sub(1))
    }
}

impl Crowding {
    pub(super) fn share(self) -> f64 {
        match self {
            Crowding::Seen { share, .. } => share,
            Crowding::None { .. } | Crowding::Unknown { .. } | Crowding::Blurred { .. } => 0.0,
        }
    }

    /// Runs at a time, where nothing is known of more.
    pub(super) fn unknown_beyond(self) -> Option<f64> {
        match self {
            Crowding::Unknown { runs, .. } => Some(runs),
            Crowding::Seen { .. } | Crowding::None { .. } | Crowding::Blurred { .. } => None,
        }
    }

    /// The most runs at a time that were seen, and the share that may well be.
    pub(super) fn unseen(self) -> Option<(f64, f64)> {
        match self {
            Crowding::Unknown { runs: most, share } | Crowding::None { most, share, .. } => Some((most, share)),
            Crowding::Seen { .. } | Crowding::Blurred { .. } => None,
        }
    }

    /// Why nothing is to be recommended.
    pub(super) fn not_sure(self) -> Option<String> {
        match self {
            Crowding::Blurred { least, most } => Some(format!(
                "its runs took longer with {most:.1} at a time than with {least:.1}, by more than chance, and their batches were \
                 fuller, too: whether it is the batches or the crowd is not told apart. A setting can be taken by \
                 hand, a small step first, which shows it"
            )),
            Crowding::Seen { .. } | Crowding::None { .. } | Crowding::Unknown { .. } => None,
        }
    }

    pub(super) fn error(self) -> f64 {
        match self {
            Crowding::Seen { error, .. } => error,
            Crowding::None { .. } | Crowding::Unknown { .. } | Crowding::Blurred { .. } => 0.0,
        }
    }

    pub(super) fn sentence(self) -> String {
        match self {
            Crowding::Seen { share, error } => format!(
                "each run at the same time makes a run {:.1} ± {:.1} % longer (Duration against Invocations × Duration)",
                share * 100.0,
                error * 100.0
            ),
            Crowding::None { least, most, .. } => {
                format!(
                    "runs take no longer with {most:.0} at a time than with {least:.0} (Duration), nor with more, est"
                )
            }
            Crowding::Unknown { runs, .. } => format!(
                "there were always about {runs:.0} runs at a time: that they take no longer with more is assumed, never seen"
            ),
            Crowding::Blurred { least, most } => format!(
                "runs take longer with {most:.1} at a time than with {least:.1}, and their batches were fuller, too: that \
                 it is the batches alone is assumed, not seen (Duration)"
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
    /// Runs at a time that one finds, itself counted.
    beside: f64,
}

/// `spread`: relative standard deviation of one run; `duration_ms` and `fill` are those of now.
pub(super) fn cost(minutes: &[Seen], spread: f64, duration_ms: f64, fill: f64, meets: Meets) -> Cost {
    let points: Vec<Point> = minutes
        .iter()
        .filter_map(|seen| {
            let (runs, duration_ms) = (seen.invocations.filter(|runs| *runs > 0.0)?, seen.duration_avg_ms?);
            Some(Point { runs, duration_ms, fill: seen.fill()?, beside: meets.of(runs * duration_ms / 60_000.0) })
        })
        .collect();
    let crowding = crowding(&points, spread, meets);
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
fn crowding(points: &[Point], spread: f64, meets: Meets) -> Crowding {
    let range = |of: fn(&Point) -> f64| {
        points.iter().map(of).fold((f64::MAX, 0.0f64), |(low, high), x| (low.min(x), high.max(x)))
    };
    let (least, most) = range(|point| point.beside);
    // Full batches and busy lanes come together: only a wide range tells the one from the other.
    let alike = meets == Meets::Lanes && most < 1.5 * least;
    if points.len() < LEAST_MIN || most < 2.0 || alike {
        return Crowding::Unknown { runs: most.max(1.0), share: f64::INFINITY };
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
    let (emptiest, fullest) = range(|point| point.fill);
    if best > LEAST && tried[0].1 > fits + SURE * unit {
        // More wait when batches are fuller: which of the two it is, a queue's minutes cannot tell.
        let blurred = meets != Meets::Lanes && fullest > ALIKE * emptiest;
        if blurred {
            return Crowding::Blurred { least, most };
        }
        return Crowding::Seen { share: best / (most - 1.0), error: error / (most - 1.0) };
    }
    let share = high / (most - 1.0);
    if high <= LITTLE { Crowding::None { least, most, share } } else { Crowding::Unknown { runs: most, share } }
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
/// Fills that differ by less are alike.
const ALIKE: f64 = 1.2;
/// From this share of them on all places are taken: minutes scatter.
const ALL: f64 = 0.98;
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
            let cost = cost(&seen(&morning(), share), 0.2, 2_000.0 * stretch(share, 10.0), 100.0, Meets::Lanes);
            let Crowding::Seen { share: found, error } = cost.crowding else { panic!("{share}: {cost:?}") };
            assert!((found / share - 1.0).abs() < 0.2 && error < share, "{share}: {cost:?}");
            assert!(cost.seen && (cost.per_record_ms - 10.0).abs() < 2.0, "{cost:?}");
        }
        let cost = cost(&seen(&morning(), 0.0), 0.2, 2_000.0, 100.0, Meets::Lanes);
        assert!(matches!(cost.crowding, Crowding::None { .. }), "{cost:?}");
        assert!((cost.per_record_ms - 10.0).abs() < 1.0, "{cost:?}");
    }

    #[test]
    fn who_comes_by_chance_finds_as_many_as_there_are_or_all_places_taken() {
        let close = |meets: Meets, runs: f64, theory: f64| assert!((meets.of(runs) - theory).abs() < 1e-3, "{meets:?}");
        close(Meets::Places(1), 0.5, 1.0);
        // One of three waits and then finds the other place taken; of the rest half find one run.
        close(Meets::Places(2), 1.0, 1.0 + 2.0 / 3.0);
        close(Meets::Places(1_000), 5.0, 6.0);
        close(Meets::Places(4), 3.99, 4.0);
        close(Meets::Lanes, 5.0, 5.0);
    }

    /// Half an hour at so many runs at a time, an hour with all four places taken.
    fn quiet_then_full(share: f64, fill: impl Fn(f64) -> f64) -> Vec<Seen> {
        let meets = Meets::Places(4);
        let minute = |n: i32| {
            let quiet = 1.6 + 0.4 * f64::from(n % 5);
            let under_way = if n < 30 { quiet } else { 4.0 };
            let duration_ms = (1_000.0 + 100.0 * fill(under_way)) * stretch(share, meets.of(under_way));
            let chance = 1.0 + 0.004 * if n % 2 == 0 { 1.0 } else { -1.0 };
            let invocations = under_way * 60_000.0 / duration_ms;
            Seen {
                invocations: Some(invocations),
                duration_avg_ms: Some(duration_ms * chance),
                events: Some(invocations * fill(under_way)),
                ..Seen::default()
            }
        };
        (0..90).map(minute).collect()
    }

    #[test]
    fn a_queues_runs_show_a_crowd_only_where_their_batches_are_alike() {
        let of = |share: f64, fill: &dyn Fn(f64) -> f64| {
            cost(&quiet_then_full(share, fill), 0.3, 1_100.0, 1.0, Meets::Places(4)).crowding
        };
        let Crowding::Seen { share, error } = of(0.2, &|_| 1.0) else { panic!("{:?}", of(0.2, &|_| 1.0)) };
        assert!((share - 0.2).abs() < 0.04 && error < 0.05, "{share} ± {error}");
        let none = of(0.0, &|_| 1.0);
        assert!(none.unseen().is_some_and(|(most, share)| most > 3.9 && share < 0.1), "{none:?}");
        let blurred = of(0.4, &|under_way| 1.0 + (4.0 - under_way) / 4.0);
        assert!(matches!(blurred, Crowding::Blurred { .. }), "{blurred:?}");
        assert!(blurred.not_sure().is_some_and(|why| why.contains("not told apart")) && blurred.share() == 0.0);
        // Nothing but the batches, and they were fuller the more ran: how much a crowd may add is not known well.
        let fuller = of(0.0, &|under_way| under_way);
        let share = |crowding: Crowding| crowding.unseen().map_or(0.0, |(_, share)| share);
        assert!(fuller.not_sure().is_none() && share(fuller) > share(none), "{fuller:?}");
    }

    #[test]
    fn where_as_many_always_ran_nothing_is_known_of_more() {
        let always: Vec<(f64, f64)> = (0..30).map(|_| (8.0, 100.0)).collect();
        let cost = cost(&seen(&always, 0.1), 0.2, 3_400.0, 100.0, Meets::Lanes);
        assert!(matches!(cost.crowding, Crowding::Unknown { .. }), "{cost:?}");
        assert!(cost.crowding.sentence().contains("never seen"));
    }
}
