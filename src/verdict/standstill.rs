//! Whether lanes of a stream consumer stand still. The age of a record that nobody gets past grows by a
//! second each second; where capacity is wanting it grows slower, since some of the work gets done.

use crate::model::mapping::Mapping;
use crate::model::metric::{MetricKey, Series};
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::behind::NOISE_MS;
use crate::verdict::wanted::{age_max, age_min};
use crate::verdict::window::{LONG_S, PERIOD_S, STALE_S, slope};

/// From this rise on, in seconds a second, a lane stands.
pub const STANDS: f64 = 0.7;
/// And from this one on it may: the newest minute is not whole, and a record that fails is tried by steps.
const MAY_STAND: f64 = 0.5;
/// From this one on a tenth of the work gets done at most: no number of lanes is the answer.
pub const NOTHING_DONE: f64 = 0.9;
/// The best shard is up to date when it is younger than this share of the worst.
const UP_TO_DATE: f64 = 0.2;
/// A minute may lack a lane: it is not whole yet, or the lane waits longer than that to be tried again.
const LACKS_S: i64 = 3 * PERIOD_S;
/// Datapoints over the noise by which a rise is suspected, and by which it is sure.
const SUSPECTED: usize = 2;
const SURE: usize = 4;

/// A rise since it was quiet last, ten minutes back at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    pub newest_at: Timestamp,
    /// The newest age with the lanes that its minute may lack; that of a
    /// [`Trend`](crate::verdict::window::Trend) is as it was published.
    pub newest: f64,
    /// Seconds a second.
    pub slope: f64,
    /// Over the noise, since it was quiet last.
    points: usize,
}

impl Rise {
    /// The rise of the worst lane.
    pub fn of_worst(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Self> {
        Self::of(picture, now, &age_max(&mapping.function), f64::max)
    }

    /// The rise of the best lane.
    pub fn of_best(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Self> {
        Self::of(picture, now, &age_min(&mapping.function), f64::min)
    }

    fn of(picture: &Picture, now: Timestamp, key: &MetricKey, of_lanes: fn(f64, f64) -> f64) -> Option<Self> {
        let points = recent(picture, now, key, of_lanes)?;
        let quiet = points.iter().rposition(|(_, age)| *age <= NOISE_MS);
        // With the quiet one, from which it rose.
        let risen = &points[quiet.unwrap_or(0)..];
        let &(newest_at, newest) = risen.last()?;
        let greatest = risen.iter().map(|(_, age)| *age).fold(0.0, f64::max);
        // Lower than it was: somebody got past.
        (newest > NOISE_MS && newest + NOISE_MS >= greatest).then_some(())?;
        let points = risen.len() - usize::from(quiet.is_some());
        Some(Self { newest_at, newest, slope: slope(risen)?, points })
    }

    /// Not by two or three minutes that are not whole yet.
    pub fn is_long(&self) -> bool {
        self.points >= SURE
    }

    /// That lane stands.
    pub fn is_sure(&self) -> bool {
        self.is_long() && self.slope > STANDS
    }
}

/// One lane stands, or seems to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lane {
    pub worst: Rise,
    /// How late the best lane is, milliseconds.
    pub best_ms: f64,
}

/// The worst lane stands while the best is up to date.
pub fn one_lane(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Lane> {
    let worst =
        Rise::of_worst(picture, now, mapping).filter(|rise| rise.points >= SUSPECTED && rise.slope > MAY_STAND)?;
    let (_, best_ms) = *recent(picture, now, &age_min(&mapping.function), f64::min)?.last()?;
    let best_stands = Rise::of_best(picture, now, mapping).is_some_and(|best| best.slope > STANDS / 2.0);
    (best_ms <= worst.newest * UP_TO_DATE && !best_stands).then_some(Lane { worst, best_ms })
}

/// The last ten minutes, each datapoint with those of the minutes before that it may lack a lane of.
fn recent(
    picture: &Picture,
    now: Timestamp,
    key: &MetricKey,
    of_lanes: fn(f64, f64) -> f64,
) -> Option<Vec<(Timestamp, f64)>> {
    let series = picture.metrics.get(key)?;
    let (newest_at, _) = series.newest()?;
    if picture.metrics.spoken_at(key, now).ms_since(newest_at) > STALE_S * 1000 {
        return None;
    }
    let whole = |at: Timestamp| whole(series, at, of_lanes).map(|age| (at, age));
    Some(series.between(newest_at.plus_s(-LONG_S), newest_at.plus_ms(1)).filter_map(|(at, _)| whole(at)).collect())
}

fn whole(series: &Series, at: Timestamp, of_lanes: fn(f64, f64) -> f64) -> Option<f64> {
    series.between(at.plus_s(PERIOD_S - LACKS_S), at.plus_ms(1)).map(|(_, age)| age).reduce(of_lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Stat;
    use crate::verdict::examples::{FUNCTION, mapping, stream};

    /// Ages of the worst and of the best lane by the minute, seconds.
    fn at_the_end_of(worst: &[f64], best: &[f64]) -> Option<Lane> {
        let mut picture = stream();
        picture.metrics = crate::model::metric::Metrics::default();
        let mapping = mapping(&mut picture).clone();
        for (stat, ages) in [(Stat::Maximum, worst), (Stat::Minimum, best)] {
            let key = MetricKey::lambda(&FUNCTION.into(), "IteratorAge", stat);
            let points = (0..).zip(ages).map(|(minute, age)| (Timestamp::from_s(minute * 60), age * 1000.0));
            picture.metrics.merge(&key, Timestamp::from_s(1_200), points);
        }
        let (newest_at, _) = picture.metrics.get(&age_max(&FUNCTION.into())).and_then(Series::newest).expect("ages");
        one_lane(&picture, newest_at.plus_s(120), &mapping)
    }

    const QUIET: [f64; 8] = [1.0; 8];

    #[test]
    fn a_lane_is_suspected_by_two_minutes_and_sure_by_four() {
        let sure = |rise: &[f64]| {
            let worst: Vec<f64> = QUIET.into_iter().chain(rise.iter().copied()).collect();
            at_the_end_of(&worst, &vec![0.04; worst.len()]).map(|lane| lane.worst.is_sure())
        };
        assert_eq!(sure(&[32.0, 92.0, 122.0, 152.0]), Some(false), "seed 10 of the bench");
        assert_eq!(sure(&[61.0]), None);
        assert_eq!(sure(&[61.0, 121.0]), Some(false));
        assert_eq!(sure(&[61.0, 121.0, 181.0, 241.0]), Some(true));
        assert_eq!(sure(&[61.0, 121.0, 181.0, 1.0]), Some(true), "a minute that lacks the lane");
        assert_eq!(sure(&[61.0, 121.0, 181.0, 241.0, 1.0, 1.0, 1.0]), None, "somebody got past");
        assert_eq!(sure(&[31.0, 51.0, 71.0, 91.0]), None, "a third of a second each second is capacity");
    }

    #[test]
    fn where_the_best_lane_is_late_too_it_is_not_one() {
        let worst: Vec<f64> = (0..12).map(|minute| f64::from(minute) * 60.0).collect();
        assert!(at_the_end_of(&worst, &[0.04; 12]).is_some());
        assert_eq!(at_the_end_of(&worst, &[200.0; 12]), None);
        let rises: Vec<f64> = worst.iter().map(|age| age * 0.19).collect();
        assert!(at_the_end_of(&worst, &rises).is_some(), "a fifth as late, and rising slowly");
    }
}
