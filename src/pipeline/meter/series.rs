//! One series: 26 hours of minutes, the newest of them in quarters, because CloudWatch shows a
//! minute before all of it is in.

use std::collections::VecDeque;

use crate::model::time::Timestamp;
use crate::pipeline::meter::minute::{Cell, Sketch};
use crate::pipeline::rng::mix;

#[derive(Debug)]
pub struct Series {
    /// Spreads the publication delay.
    key: u64,
    /// The minute (since the epoch) of the first cell; cells are contiguous, empty ones are gaps.
    first: i64,
    cells: VecDeque<Cell>,
    /// Quarters of the newest minutes, oldest first, for what is not published yet.
    recent: VecDeque<(i64, [Cell; QUARTERS])>,
    /// Sparse, oldest first; `None` for a metric without percentiles.
    sketches: Option<VecDeque<(i64, Sketch)>>,
}

/// 26 hours: the stream's 24 and a little.
const KEPT_MINUTES: usize = 26 * 60;
const QUARTERS: usize = 4;
const QUARTER_MS: i64 = 15_000;
/// By then a minute is published whole: its own 60 s and the longest delay.
const RECENT_MINUTES: i64 = 5;
/// Publication delay, seconds: at least, and how much it varies (aws-facts §10, unconfirmed).
const DELAY_MIN_S: i64 = 60;
const DELAY_SPREAD_S: u64 = 121;

impl Series {
    pub fn new(key: u64, sketched: bool) -> Self {
        Series {
            key,
            first: 0,
            cells: VecDeque::new(),
            recent: VecDeque::new(),
            sketches: sketched.then(VecDeque::new),
        }
    }

    pub fn add(&mut self, at: Timestamp, value: f64, count: u32) {
        let minute = minute_of(at);
        if !self.reach(minute) {
            return;
        }
        let index = usize::try_from(minute - self.first).unwrap_or(usize::MAX);
        let Some(cell) = self.cells.get_mut(index) else { return };
        cell.add(value, count);
        let quarter = usize::try_from(at.ms().rem_euclid(60_000) / QUARTER_MS).unwrap_or(0);
        if let Some(cell) = self.quarters(minute).and_then(|cells| cells.get_mut(quarter)) {
            cell.add(value, count);
        }
        if let Some(sketches) = &mut self.sketches {
            let at = match sketches.binary_search_by_key(&minute, |(minute, _)| *minute) {
                Ok(at) => at,
                Err(at) => {
                    sketches.insert(at, (minute, Sketch::default()));
                    at
                }
            };
            if let Some((_, sketch)) = sketches.get_mut(at) {
                sketch.add(value, count);
            }
        }
    }

    /// What a query at `now` sees of a minute: nothing, a part, or all of it.
    pub fn published(&self, minute: i64, now: Timestamp) -> Cell {
        if let Ok(at) = self.recent.binary_search_by_key(&minute, |(minute, _)| *minute)
            && let Some((_, quarters)) = self.recent.get(at)
        {
            let delay_ms = self.delay_s(minute) * 1000;
            let mut seen = Cell::default();
            let mut end = minute * 60_000;
            for quarter in quarters {
                end += QUARTER_MS;
                if end + delay_ms <= now.ms() {
                    seen.merge(quarter);
                }
            }
            return seen;
        }
        usize::try_from(minute - self.first).ok().and_then(|at| self.cells.get(at)).copied().unwrap_or_default()
    }

    /// The sketch of a minute, if the metric has percentiles and the minute samples.
    pub fn sketch(&self, minute: i64) -> Option<&Sketch> {
        let sketches = self.sketches.as_ref()?;
        let at = sketches.binary_search_by_key(&minute, |(minute, _)| *minute).ok()?;
        sketches.get(at).map(|(_, sketch)| sketch)
    }

    /// The minutes kept.
    pub fn minutes(&self) -> std::ops::Range<i64> {
        self.first..self.first + i64::try_from(self.cells.len()).unwrap_or(0)
    }

    fn delay_s(&self, minute: i64) -> i64 {
        let spread = mix(self.key ^ mix(minute.unsigned_abs())) % DELAY_SPREAD_S;
        DELAY_MIN_S + i64::try_from(spread).unwrap_or(0)
    }

    /// Makes the cells reach `minute`; false when it is older than what is kept.
    fn reach(&mut self, minute: i64) -> bool {
        if self.cells.is_empty() {
            self.first = minute;
        }
        if minute < self.first {
            let missing = usize::try_from(self.first - minute).unwrap_or(usize::MAX);
            if self.cells.len().saturating_add(missing) > KEPT_MINUTES {
                return false;
            }
            for _ in 0..missing {
                self.cells.push_front(Cell::default());
            }
            self.first = minute;
        }
        let ahead = usize::try_from(minute - self.first).unwrap_or(usize::MAX);
        if ahead >= self.cells.len().saturating_add(KEPT_MINUTES) {
            // So long silent that nothing of the old is kept.
            self.cells.clear();
            self.first = minute;
        }
        while minute - self.first >= i64::try_from(self.cells.len()).unwrap_or(i64::MAX) {
            self.cells.push_back(Cell::default());
            if self.cells.len() > KEPT_MINUTES {
                self.cells.pop_front();
                self.first += 1;
            }
        }
        if let Some(sketches) = &mut self.sketches {
            while sketches.front().is_some_and(|(minute, _)| *minute < self.first) {
                sketches.pop_front();
            }
        }
        true
    }

    /// The quarters of a recent minute; `None` when it is published long since.
    fn quarters(&mut self, minute: i64) -> Option<&mut [Cell; QUARTERS]> {
        let newest = self.recent.back().map_or(minute, |(newest, _)| *newest).max(minute);
        if minute <= newest - RECENT_MINUTES {
            return None;
        }
        while self.recent.front().is_some_and(|(oldest, _)| *oldest <= newest - RECENT_MINUTES) {
            self.recent.pop_front();
        }
        let at = match self.recent.binary_search_by_key(&minute, |(minute, _)| *minute) {
            Ok(at) => at,
            Err(at) => {
                self.recent.insert(at, (minute, [Cell::default(); QUARTERS]));
                at
            }
        };
        self.recent.get_mut(at).map(|(_, quarters)| quarters)
    }
}

pub fn minute_of(at: Timestamp) -> i64 {
    at.ms().div_euclid(60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_published_in_parts_after_a_minute_and_whole_within_four() {
        let mut series = Series::new(1, false);
        for second in 0..60 {
            series.add(Timestamp::from_s(second), 1.0, 1);
        }
        let seen: Vec<u32> = (0..=240).map(|s| series.published(0, Timestamp::from_s(s)).count).collect();
        assert!(seen.iter().take(75).all(|count| *count == 0), "too early");
        assert!(seen.contains(&15), "never incomplete");
        assert!(seen.is_sorted());
        assert_eq!(seen.last(), Some(&60));
    }

    #[test]
    fn old_minutes_fall_out_and_gaps_stay_gaps() {
        let mut series = Series::new(1, true);
        for minute in [0, 10, 2000] {
            series.add(Timestamp::from_s(minute * 60), 1.0, 1);
        }
        let late = Timestamp::from_s(3000 * 60);
        let counts = [0, 10, 500, 2000].map(|minute| series.published(minute, late).count);
        assert_eq!(counts, [0, 0, 0, 1]);
        assert_eq!(series.minutes(), 2000..2001);
        assert!(series.sketch(10).is_none() && series.sketch(2000).is_some());
        series.add(Timestamp::from_s(100 * 60), 1.0, 1);
        assert_eq!(series.published(100, late).count, 0, "older than what is kept");
        series.add(Timestamp::from_s(3000 * 60), 1.0, 1);
        series.add(Timestamp::from_s(3700 * 60), 1.0, 1);
        assert_eq!(series.minutes(), 3701 - 1560..3701);
    }
}
