//! Who gets how much: what arrives on the shards with the most and the fewest records, and how uneven
//! lanes are. Arrivals have no metric of their own: they are what was handled, one age ago
//! (`out ÷ (1 − d age/dt)`), and where the writes of the table or stream are known, these are their
//! shape, also of what no run has seen yet.

use crate::forecast::ages::{Ages, BEHIND_MS};
use crate::forecast::items::{Items, Lanes};
use crate::forecast::sight::Seen;
use crate::forecast::worlds::Apart;
use crate::forecast::writes::Writes;
use crate::model::time::Timestamp;

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

/// How old every shard was when all of them had not been behind for long: when that was, seconds, and the
/// ages, seconds. And how many records a second were handled from then on, where that is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Since {
    s: f64,
    max_s: f64,
    min_s: f64,
    mean_s: f64,
    handled_per_s: Option<f64>,
}

impl Since {
    /// From lines through the first minutes: one minute's greatest and smallest age are also as far apart
    /// as the age moves in it.
    pub(super) fn of(minutes: &[Seen], at: Timestamp) -> Option<Self> {
        let behind = |seen: &&Seen| seen.age_min_ms.is_some_and(|ms| ms > BEHIND_MS);
        let long = minutes.iter().rev().take_while(behind).count();
        let first = &minutes[minutes.len() - long..][..long.min(FIRST_MIN)];
        let middle = first.first().filter(|_| long > FIRST_MIN)?.at.plus_s(first.len() as i64 * 30);
        let ages = Ages::of(first, middle);
        let counted = minutes.iter().filter(|seen| seen.at >= middle).filter_map(Seen::handled);
        let (records, known) = counted.fold((0.0, 0.0), |(sum, n), records| (sum + records, n + 1.0));
        Some(Since {
            handled_per_s: (known > 0.0).then(|| records / (known * 60.0)),
            s: middle.ms_since(at) as f64 / 1000.0,
            max_s: ages.max_ms / 1000.0,
            min_s: ages.min_ms / 1000.0,
            mean_s: ages.mean_s(0.0)?,
        })
    }

    /// Seconds by which the worst and the best have moved away from the mean since then, by what they get and
    /// not by where they happened to begin: the one part of their distance has grown for as long as they have
    /// been behind, the other is as it was, and both together are as far as the root of their squares.
    fn moved_apart(&self, mean_s: f64, max_s: f64, min_s: f64) -> (f64, f64) {
        let (now, then) = ((max_s - min_s).max(0.0), (self.max_s - self.min_s).max(0.0));
        let lasted_s = -self.s;
        let apart = match self.before_s(mean_s) {
            Some(before_s) => {
                let square = (now * now - then * then).max(0.0) / ((before_s + lasted_s).powi(2) - before_s * before_s);
                square.sqrt() * lasted_s
            }
            None => (now - then).max(0.0),
        };
        let part = |distance: f64| if now > 0.0 { apart * (distance / now).clamp(0.0, 1.0) } else { 0.0 };
        (part(max_s - mean_s), part(mean_s - min_s))
    }

    /// For how long they had been behind already, by how the mean has grown since then.
    fn before_s(&self, mean_s: f64) -> Option<f64> {
        let growth = (mean_s - self.mean_s) / -self.s;
        (growth > LEAST_GROWTH).then(|| self.mean_s / growth)
    }

    /// For how long chance has counted in that: what it parts grows by its root, so that of the difference of
    /// two squares as much is left as of both times together.
    fn counted_s(&self, mean_s: f64) -> f64 {
        -self.s + 2.0 * self.before_s(mean_s).unwrap_or(0.0)
    }
}

/// Records a second: those of the shards with the most and the fewest, and how many items make them so
/// uneven.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loads {
    pub(super) worst_per_s: f64,
    pub(super) best_per_s: f64,
    pub(super) out_per_s: f64,
    pub(super) slope: f64,
    pub(super) items: Items,
    /// How far lanes lie apart and by how much of chance, where all of them tell.
    pub(super) apart: Option<(Apart, Lanes)>,
    /// All that arrives, and for how many minutes it has been as it is; where writes say so.
    pub(super) written: Option<(f64, usize)>,
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
    let (max_slope, min_slope, long) = ages.slopes(handled.span_s());
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
        items: Items::default(),
        apart: None,
        written: None,
    };
    let by_shape = writes.and_then(|writes| plain.by_shape(ages, handled, writes, since.filter(|_| ages.all_behind)));
    // The longer their distance grew, the less chance is in it: by either way, not by both.
    let (loads, longer) = by_shape.unwrap_or((plain, None));
    let lanes = lanes.over(longer.unwrap_or(long));
    let mean = f64::midpoint(loads.worst_per_s, loads.best_per_s);
    let range = if mean > 0.0 { (loads.worst_per_s - loads.best_per_s) / mean } else { 0.0 };
    let items = Items::of(range, &lanes);
    let lasting = items.lasting(&lanes);
    let loads = Loads { items, ..loads };
    if !ages.all_behind {
        return loads;
    }
    // The worst had bad luck too: only what lasts of its distance from the mean is expected of it.
    let mean = match loads.written {
        Some((per_s, _)) => per_s / f64::from(handled.shards),
        None => ages.mean_slope.map_or(mean, of).clamp(loads.best_per_s, loads.worst_per_s),
    };
    let share = |off: f64| (off / mean.max(f64::MIN_POSITIVE)).max(0.0);
    let apart = Apart { most: share(loads.worst_per_s - mean), least: share(mean - loads.best_per_s) };
    let toward = |rate: f64| mean + (rate - mean) * lasting;
    let apart = Some((apart, lanes));
    Loads { apart, worst_per_s: toward(loads.worst_per_s), best_per_s: toward(loads.best_per_s), ..loads }
}

impl Loads {
    /// The same by what was written: what was handled is what was written one age ago, so a unit stands
    /// for so many records; and of two shards that handled as many, the one that came less far in time
    /// gets more. Also by how much less chance there is in that than in the window, where it is not told by
    /// the slopes.
    fn by_shape(
        self,
        ages: &Ages,
        handled: &Handled,
        writes: &Writes,
        since: Option<Since>,
    ) -> Option<(Loads, Option<f64>)> {
        let age_s = |s: f64| if ages.any_behind { ages.mean_s(s) } else { Some(0.0) };
        let units = |from_s: f64| writes.between(from_s, handled.to_s - age_s(handled.to_s)?);
        // An age is known to some seconds: they count for less the longer ago the other end is.
        let since_then = since.and_then(|since| {
            let records = since.handled_per_s? * (handled.to_s - since.s);
            (since.s < handled.from_s).then_some((records, units(since.s - since.mean_s)?))
        });
        let (records, units) = match since_then {
            Some(both) => both,
            None => (handled.per_s * handled.span_s(), units(handled.from_s - age_s(handled.from_s)?)?),
        };
        let total = records / units.max(1e-9) * writes.now_per_s();
        if !total.is_finite() || total <= 0.0 {
            return None;
        }
        let written = Some((total, writes.lasted_min()));
        let mean = total / f64::from(handled.shards);
        let Some(since) = since else {
            let spread = if ages.all_behind { mean / f64::midpoint(self.worst_per_s, self.best_per_s) } else { 1.0 };
            let (worst, best) = (self.worst_per_s * spread, self.best_per_s * spread);
            let (worst, best) = if ages.any_behind { (worst, best) } else { (mean, mean) };
            return Some((Loads { worst_per_s: worst, best_per_s: best, written, ..self }, None));
        };
        let mean_s = ages.mean_s(0.0)?;
        let came = |now_s: f64| writes.between(since.s - since.mean_s, -now_s).filter(|units| *units > 0.0);
        let (worst_s, best_s) = since.moved_apart(mean_s, ages.max_ms / 1000.0, ages.min_ms / 1000.0);
        let worst = mean * came(mean_s)? / came(mean_s + worst_s)?;
        let best = mean * came(mean_s)? / came(mean_s - best_s)?;
        let over = (handled.span_s() / since.counted_s(mean_s)).clamp(0.0, 1.0);
        Some((Loads { worst_per_s: worst.max(best), best_per_s: worst.min(best), written, ..self }, Some(over)))
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

    pub(super) fn until(&self) -> String {
        let so_far = if self.written.is_some() { "in these last minutes" } else { "they were one age ago" };
        format!(
            "arrivals go on as {so_far}; in one run of seven a third more come, or the consumer pauses for five minutes: \
             those widen the band (10–90 %), the median is of the other runs"
        )
    }

    pub(super) fn items_error(&self) -> f64 {
        self.items.error
    }

    /// Relative error of taking the last minutes for what comes.
    pub(super) fn error(&self) -> f64 {
        self.written.map_or(0.0, |(per_s, minutes)| 1.0 / (per_s * 60.0 * minutes as f64).max(1.0))
    }
}

/// Slower growth than this, seconds a second, does not say for how long they were behind before.
const LEAST_GROWTH: f64 = 0.05;
/// Minutes that say how old shards were at first.
const FIRST_MIN: usize = 10;
/// A lane that stands still ages by one second a second.
const STANDS: f64 = 0.9;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::forecast::items::expected_range;

    /// Minutes in which the mean age grows by half a minute a minute, and lanes lie apart by `first` seconds at
    /// first and by `rate` seconds a second more.
    pub(in crate::forecast) fn minutes(number: i64, first: f64, rate: f64) -> Vec<Seen> {
        let minute = |n: i64| {
            let (from_s, to_s) = (n as f64 * 60.0, (n + 1) as f64 * 60.0);
            let mean = |s: f64| 100.0 + 0.5 * s;
            let half = |s: f64| (first + rate * s) / 2.0;
            Seen {
                at: Timestamp::from_s(n * 60),
                age_max_ms: Some((mean(to_s) + half(to_s)) * 1000.0),
                age_min_ms: Some((mean(from_s) - half(from_s)) * 1000.0),
                age_avg_ms: Some(f64::midpoint(mean(from_s), mean(to_s)) * 1000.0),
                invocations: Some(10.0),
                ..Seen::default()
            }
        };
        (0..number).map(minute).collect()
    }

    #[test]
    fn what_the_age_moves_in_a_minute_is_no_distance_between_lanes() {
        let minutes = minutes(60, 0.0, 0.0);
        let at = Timestamp::from_s(3_600);
        let since = Since::of(&minutes, at).expect("behind for an hour");
        assert!((since.s + 3_300.0).abs() < 1e-6, "the middle of the first ten minutes: {since:?}");
        assert!((since.mean_s - 250.0).abs() < 1.0 && (since.max_s - since.min_s).abs() < 1.0, "{since:?}");
        assert_eq!(Since::of(&minutes[..10], at), None, "nothing came after the first minutes");
    }

    #[test]
    fn where_lanes_happened_to_begin_is_not_what_they_get() {
        let now = |first: f64, rate: f64| {
            let since = Since::of(&minutes(60, first, rate), Timestamp::from_s(3_600)).expect("behind");
            let distance = first + rate * 3_600.0;
            let mean = 100.0 + 0.5 * 3_600.0;
            let (worst, best) = since.moved_apart(mean, mean + distance / 2.0, mean - distance / 2.0);
            worst + best
        };
        // Over 55 minutes, 0.02 s a second apart; 200 s before the first minute the age was nothing.
        assert!((now(4.0, 0.02) / 66.0 - 1.0).abs() < 0.05, "{}", now(4.0, 0.02));
        assert!(now(60.0, 0.0) < 1.0, "{}", now(60.0, 0.0));
        let both = now(40.0, 0.02);
        assert!((66.0..120.0).contains(&both), "{both}");
    }

    #[test]
    fn lanes_no_further_apart_than_chance_puts_them_say_nothing_of_few_items() {
        let lanes = Lanes { number: 8.0, records: 0.0, runs: 0.024 };
        let handled = Handled { per_s: 10.0, from_s: -1_800.0, to_s: 0.0, shards: 8 };
        let items = |rate: f64| {
            let all: Vec<Seen> =
                minutes(180, 0.0, rate).into_iter().map(|seen| Seen { writes: Some(1_200.0), ..seen }).collect();
            let at = Timestamp::from_s(180 * 60);
            let before =
                (-10..0).map(|n| Seen { at: Timestamp::from_s(n * 60), writes: Some(1_200.0), ..Seen::default() });
            let writes = Writes::of(&before.chain(all.iter().copied()).collect::<Vec<_>>(), at);
            let ages = Ages::of(&all[150..], at);
            loads(&ages, &handled, &lanes, writes.as_ref(), Since::of(&all, at)).items.number
        };
        // The window's chance, over so much longer a time: a sixth of it.
        let by_chance = expected_range(8.0) * (lanes.chance() * 1_800.0 / 10_500.0).sqrt();
        let rate = by_chance * 0.5;
        assert!(items(rate) > 15_000.0, "{}", items(rate));
        assert!(items(3.0 * rate) < 1_500.0, "{}", items(3.0 * rate));
    }
}
