//! What a rehearsal measures, minute by minute, as CloudWatch would publish it of the real thing: so
//! that a forecast can be held against metrics, and both be read by one rule.

use crate::model::rehearsal::wait_ms;

/// One minute of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Minute {
    /// IteratorAge, Maximum and Minimum, milliseconds; `None` when nothing was sent.
    pub age_max_ms: Option<f64>,
    pub age_min_ms: Option<f64>,
    pub invocations: u64,
    pub records: u64,
    pub errors: u64,
    pub refused: u64,
    pub duration_ms: f64,
    pub concurrency_max: u32,
    /// Messages that waited at the beginning of the minute; `None` of a stream.
    pub waiting: Option<u64>,
}

impl Minute {
    /// What tells whether there is a backlog, milliseconds: of a queue how long it takes to handle what
    /// waits, since what is tried again and again keeps it old.
    fn lag_ms(&self) -> Option<f64> {
        match self.waiting {
            Some(waiting) => Some(wait_ms(waiting as f64, self.records as f64)),
            None => self.age_max_ms,
        }
    }
}

/// Minutes from the start on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    minutes: Vec<Minute>,
}

impl Track {
    pub fn minutes(&self) -> &[Minute] {
        &self.minutes
    }

    pub(super) fn at(&mut self, since_start_ms: i64) -> &mut Minute {
        let index = usize::try_from(since_start_ms.max(0) / 60_000).unwrap_or(0);
        if index >= self.minutes.len() {
            self.minutes.resize(index + 1, Minute::default());
        }
        &mut self.minutes[index]
    }

    /// The greatest age of the minute that ends `minutes` after the start; the last one known before
    /// it when nothing was sent in it.
    pub fn age_ms_after(&self, minutes: usize) -> Option<f64> {
        self.minutes.iter().take(minutes).rev().find_map(|minute| minute.age_max_ms)
    }

    /// The age has grown clearly for half an hour, long after any change: what does not change any
    /// more does not drain either, and hours of it need not be run.
    pub(super) fn is_hopeless(&self) -> bool {
        let Some(from) = self.minutes.len().checked_sub(SURE_MIN + 10).filter(|from| *from >= SURE_MIN) else {
            return false;
        };
        let mean = |minutes: &[Minute]| {
            let ages: Vec<f64> = minutes.iter().filter_map(|minute| minute.age_max_ms).collect();
            (!ages.is_empty()).then(|| ages.iter().sum::<f64>() / ages.len() as f64)
        };
        let last = self.minutes.len() - 10;
        let (then, now) = (mean(&self.minutes[from..from + 10]), mean(&self.minutes[last..]));
        then.zip(now).is_some_and(|(then, now)| now > then + SURE_RISE_MS)
    }

    /// The backlog is gone by the first `minutes`, which are complete, and the last of them says so again. Of
    /// one that has only begun nothing is known: who sends first in it is seldom the lane that is behind.
    pub(super) fn is_drained_within(&self, minutes: usize) -> bool {
        let by = |minutes: usize| lagged_s(self.minutes.iter().take(minutes)).is_some();
        by(minutes) && by(minutes.saturating_sub(1))
    }

    /// Runs at a time, greatest over all minutes.
    pub fn concurrency_max(&self) -> u32 {
        self.minutes.iter().map(|minute| minute.concurrency_max).max().unwrap_or(0)
    }

    /// Seconds from the start until the backlog is gone (see [`drained_s`]).
    pub fn drained_s(&self) -> Option<f64> {
        lagged_s(self.minutes.iter())
    }
}

fn lagged_s<'a>(minutes: impl Iterator<Item = &'a Minute>) -> Option<f64> {
    drained_s(minutes.zip(0i32..).filter_map(|(minute, n)| Some((f64::from(n), minute.lag_ms()?))))
}

/// From `(minute, IteratorAge Maximum in ms)`, oldest first: seconds from minute 0 until the age falls
/// below [`DRAINED_MS`] and stays there for two datapoints. A minute's maximum is that of its
/// beginning while an age falls; within the minute in which the backlog ends it goes on falling as it
/// did in the minute before, and evenly where that is not known.
pub fn drained_s(ages: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let ages: Vec<(f64, f64)> = ages.into_iter().collect();
    let calm = |n: usize| ages.get(n).is_none_or(|(_, age)| *age <= DRAINED_MS);
    let first = (0..ages.len()).find(|n| calm(*n) && calm(n + 1))?;
    let (minute, age) = ages[first];
    let Some((before, high)) = first.checked_sub(1).map(|n| ages[n]) else { return Some(0.0) };
    let evenly = (high - age) / (minute - before);
    let earlier = first.checked_sub(2).map(|n| (ages[n].1 - high) / (before - ages[n].0));
    let a_minute = earlier.filter(|fall| *fall > evenly).unwrap_or(evenly).max(1.0);
    Some((before + (high - DRAINED_MS) / a_minute).min(minute) * 60.0)
}

/// Minutes over which a rise is looked for, and how much of one there must be, in milliseconds.
const SURE_MIN: usize = 30;
const SURE_RISE_MS: f64 = 60_000.0;

/// Younger than this, in milliseconds, there is no backlog to speak of: records carry whole seconds,
/// and a batch window is no lag.
pub const DRAINED_MS: f64 = 30_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_rise_long_after_the_change_is_hopeless() {
        let track = |age: fn(usize) -> f64, minutes: usize| Track {
            minutes: (0..minutes).map(|n| Minute { age_max_ms: Some(age(n)), ..Minute::default() }).collect(),
        };
        assert!(track(|n| 600_000.0 + n as f64 * 3_000.0, 90).is_hopeless());
        assert!(!track(|n| 600_000.0 + n as f64 * 3_000.0, 60).is_hopeless(), "too early");
        assert!(!track(|n| 600_000.0 + n as f64 * 1_000.0, 90).is_hopeless(), "it may still turn");
        assert!(!track(|n| 600_000.0 - n as f64 * 3_000.0, 90).is_hopeless());
    }

    #[test]
    fn a_minute_that_has_only_begun_says_nothing() {
        let ages = |all: &[f64]| Track {
            minutes: all.iter().map(|s| Minute { age_max_ms: Some(s * 1_000.0), ..Minute::default() }).collect(),
        };
        // In the third minute one has sent so far, and that one is not behind.
        assert!(!ages(&[600.0, 500.0, 1.0]).is_drained_within(2));
        assert!(!ages(&[600.0, 20.0, 500.0, 1.0]).is_drained_within(3), "one dip");
        assert!(!ages(&[600.0, 20.0, 1.0]).is_drained_within(2), "it may be a dip still");
        assert!(ages(&[600.0, 20.0, 10.0, 1.0]).is_drained_within(3));
    }

    #[test]
    fn a_backlog_is_gone_when_the_age_stays_low() {
        // It falls by 300 s a minute: from 300 s, 30 s are reached after 0.9 of one; from 150 s, after 0.4.
        assert_eq!(drained_s([(0.0, 600_000.0), (1.0, 300_000.0), (2.0, 0.0), (3.0, 0.0)]), Some(114.0));
        assert_eq!(drained_s([(0.0, 450_000.0), (1.0, 150_000.0), (2.0, 0.0), (3.0, 0.0)]), Some(84.0));
        assert_eq!(drained_s([(0.0, 600_000.0), (1.0, 20_000.0), (2.0, 90_000.0), (3.0, 95_000.0)]), None, "one dip");
        assert_eq!(drained_s([(0.0, 100.0), (1.0, 100.0)]), Some(0.0));
        assert_eq!(drained_s([]), None);
    }
}
