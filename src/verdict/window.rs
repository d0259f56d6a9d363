//! Windows of a series: what is newest, how it moves, what it sums to. Gaps stay gaps.

use crate::model::metric::{MetricKey, Series};
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::wording::span;

/// One metric period, seconds.
pub const PERIOD_S: i64 = 60;
/// A series whose newest datapoint is older than this, in seconds, says nothing about now.
pub const STALE_S: i64 = 600;
/// Seconds that a trend looks back, and its newest part.
pub const LONG_S: i64 = 600;
const SHORT_S: i64 = 300;
/// Datapoints below which there is no trend.
const FEWEST: usize = 3;

/// How a series moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    pub newest_at: Timestamp,
    pub newest: f64,
    /// Change a millisecond over the last ten minutes, robust against single dips.
    pub long: f64,
    /// The same over the last five: where it turns.
    pub short: f64,
}

impl Trend {
    /// Up over both windows by more than `least` a millisecond.
    pub fn is_rising(&self, least: f64) -> bool {
        self.long > least && self.short > least / 2.0
    }

    pub fn is_falling(&self, least: f64) -> bool {
        self.short < -least
    }
}

/// The trend of a metric; `None` without three recent datapoints.
pub fn trend(picture: &Picture, now: Timestamp, key: &MetricKey) -> Option<Trend> {
    let series = picture.metrics.get(key)?;
    let (newest_at, newest) = series.newest()?;
    let now = picture.metrics.spoken_at(key, now);
    if now.ms_since(newest_at) > STALE_S * 1000 {
        return None;
    }
    moves(series, newest_at, newest)
}

/// The same without the periods that may not be whole yet: their maximum is of the runs that have been told.
pub fn whole_trend(picture: &Picture, now: Timestamp, key: &MetricKey) -> Option<Trend> {
    let series = picture.metrics.get(key)?;
    let until = picture.metrics.complete_until(key, now);
    let (newest_at, newest) = series.between(until.plus_s(-STALE_S), until).last()?;
    moves(series, newest_at, newest)
}

fn moves(series: &Series, newest_at: Timestamp, newest: f64) -> Option<Trend> {
    let after =
        |s: i64| -> Vec<(Timestamp, f64)> { series.between(newest_at.plus_s(-s), newest_at.plus_ms(1)).collect() };
    let long = slope(&after(LONG_S))?;
    let short = slope(&after(SHORT_S)).unwrap_or(long);
    Some(Trend { newest_at, newest, long, short })
}

/// How many datapoints of the last ten minutes are over `least`, as they were published: a quiet one between,
/// or a lane that one lacks, changes nothing.
pub fn over(picture: &Picture, key: &MetricKey, newest_at: Timestamp, least: f64) -> usize {
    let points = picture.metrics.get(key).map(|series| series.between(newest_at.plus_s(-LONG_S), newest_at.plus_ms(1)));
    points.map_or(0, |points| points.filter(|(_, value)| *value > least).count())
}

/// Median of the slopes between all pairs (Theil and Sen): one dip does not hide a rise.
pub fn slope(points: &[(Timestamp, f64)]) -> Option<f64> {
    if points.len() < FEWEST {
        return None;
    }
    let mut slopes = Vec::new();
    for (at, (t1, v1)) in points.iter().enumerate() {
        for (t0, v0) in points.iter().take(at) {
            slopes.push((v1 - v0) / span(t1.ms_since(*t0)).max(1.0));
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}

/// Since when the newest value has been reached by rising: the last quiet datapoint (at most
/// `noise`), or the last low. `None` when the rise is older than the series.
pub fn rising_since(series: &Series, noise: f64) -> Option<Timestamp> {
    let (oldest, _) = series.iter().next()?;
    let mut low: Option<(Timestamp, f64)> = None;
    for (at, value) in series.iter().rev() {
        match low {
            _ if value <= noise => return Some(at),
            Some((since, least)) if value > least + noise.max(least * 0.1) => return Some(since),
            Some((_, least)) if value >= least => {}
            _ => low = Some((at, value)),
        }
    }
    low.filter(|(at, _)| *at > oldest).map(|(at, _)| at)
}

/// Since when a counter has not been 0.
pub fn positive_since(series: &Series) -> Option<Timestamp> {
    lasting_since(series, |value| value > 0.0)
}

/// Since when the newest datapoints have been so, single ones between forgiven. `None` when that is older than
/// the series.
pub fn lasting_since(series: &Series, so: impl Fn(f64) -> bool) -> Option<Timestamp> {
    let mut others = 0;
    let mut first = None;
    for (at, value) in series.iter().rev() {
        others = if so(value) { 0 } else { others + 1 };
        first = if so(value) { Some(at) } else { first };
        if first.is_some() && others == 2 {
            return first;
        }
    }
    None
}

/// A sum over complete periods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    pub sum: f64,
    /// Seconds from the first to the end of the last period of the window.
    pub over_s: i64,
}

impl Total {
    pub fn per_s(&self) -> f64 {
        self.sum / span(self.over_s.max(1))
    }
}

/// Sums a counter over the last `minutes` complete periods; `None` when none of them has a
/// datapoint. A gap adds nothing.
pub fn total(picture: &Picture, now: Timestamp, key: &MetricKey, minutes: i64) -> Option<Total> {
    let series = picture.metrics.get(key)?;
    let to = picture.metrics.complete_until(key, now);
    let from = to.plus_s(-minutes * PERIOD_S);
    let mut points = series.between(from, to).peekable();
    points.peek()?;
    Some(Total { sum: points.map(|(_, value)| value).sum(), over_s: minutes * PERIOD_S })
}

/// The greatest datapoint of the last `minutes`, incomplete ones included.
pub fn greatest(picture: &Picture, now: Timestamp, key: &MetricKey, minutes: i64) -> Option<f64> {
    let series = picture.metrics.get(key)?;
    let now = picture.metrics.spoken_at(key, now);
    series.between(now.plus_s(-minutes * PERIOD_S), now.plus_ms(1)).map(|(_, value)| value).max_by(f64::total_cmp)
}

/// The newest datapoint, if it is recent.
pub fn newest(picture: &Picture, now: Timestamp, key: &MetricKey) -> Option<(Timestamp, f64)> {
    let (at, value) = picture.metrics.get(key)?.newest()?;
    let now = picture.metrics.spoken_at(key, now);
    (now.ms_since(at) <= STALE_S * 1000).then_some((at, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Stat;

    fn picture(values: &[(i64, f64)]) -> (Picture, MetricKey) {
        let key = MetricKey::lambda(&"f".into(), "IteratorAge", Stat::Maximum);
        let mut picture = Picture::default();
        let points = values.iter().map(|(minute, value)| (Timestamp::from_s(minute * 60), *value));
        picture.metrics.merge(&key, Timestamp::from_s(600), points);
        (picture, key)
    }

    #[test]
    fn one_dip_does_not_hide_a_rise_and_a_turn_shows_within_five_minutes() {
        let mut values: Vec<(i64, f64)> =
            (0..10).map(|m| (m, f64::from(i32::try_from(m).expect("small")) * 60_000.0)).collect();
        values[6].1 = 0.0;
        let (rising, key) = picture(&values);
        let now = Timestamp::from_s(660);
        assert!(trend(&rising, now, &key).expect("a trend").is_rising(0.5));
        for (m, v) in [(10, 400_000.0), (11, 300_000.0), (12, 200_000.0), (13, 100_000.0)] {
            values.push((m, v));
        }
        let (turned, key) = picture(&values);
        assert!(trend(&turned, Timestamp::from_s(850), &key).expect("a trend").is_falling(0.5));
        assert_eq!(trend(&turned, Timestamp::from_s(13 * 60 + 601), &key), None, "stale");
    }

    #[test]
    fn minutes_that_are_not_whole_yet_turn_no_whole_trend() {
        // As seed 26 of `catching-up` saw it: two of the newest minutes are of some of the lanes only.
        let rise = [(20, 876e3), (21, 950e3), (22, 971e3), (23, 1053e3), (24, 1060e3), (25, 1102e3)];
        let published: Vec<(i64, f64)> = rise.into_iter().chain([(26, 983e3), (28, 1043e3)]).collect();
        let (dips, key) = picture(&published);
        let now = Timestamp::from_s(29 * 60 + 17);
        assert!(trend(&dips, now, &key).expect("a trend").is_falling(0.02));
        assert!(whole_trend(&dips, now, &key).expect("a trend").is_rising(0.02));
    }

    #[test]
    fn sums_leave_out_the_newest_three_periods() {
        let (picture, key) = picture(&[(0, 1.0), (1, 10.0), (2, 100.0), (6, 1000.0), (7, 5000.0)]);
        let now = Timestamp::from_s(10 * 60 + 5);
        assert_eq!(total(&picture, now, &key, 7).map(|total| total.sum), Some(1111.0));
        assert_eq!(total(&picture, now, &key, 6).map(|total| total.sum), Some(1110.0));
        assert_eq!(total(&picture, Timestamp::from_s(3600), &key, 5), None);
    }

    #[test]
    fn failures_began_after_the_last_two_minutes_without() {
        let (errors, key) = picture(&[(0, 5.0), (1, 0.0), (2, 0.0), (3, 1.0), (4, 0.0), (5, 9.0), (6, 0.0)]);
        let series = errors.metrics.get(&key).expect("there");
        assert_eq!(positive_since(series), Some(Timestamp::from_s(180)));
        let (always, key) = picture(&[(0, 5.0), (1, 2.0)]);
        assert_eq!(positive_since(always.metrics.get(&key).expect("there")), None);
    }

    #[test]
    fn a_rise_began_at_the_last_low() {
        let (rise, key) = picture(&[(0, 9e5), (1, 2e3), (2, 1e5), (3, 2e5), (4, 3e5)]);
        let series = rise.metrics.get(&key).expect("there");
        assert_eq!(rising_since(series, 30_000.0), Some(Timestamp::from_s(60)));
        let (older, key) = picture(&[(0, 1e5), (1, 2e5), (2, 3e5)]);
        assert_eq!(rising_since(older.metrics.get(&key).expect("there"), 30_000.0), None);
    }
}
