//! What watching costs, from what really left: the account's own count of its requests arrives as a
//! message, repeats, discovery and operations included. An hour is one of the account's time, so that
//! a sandbox that runs fast costs what an account would.

use std::collections::VecDeque;

use crate::model::time::Timestamp;
use crate::model::usage::Usage;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CostMeter {
    usage: Usage,
    /// What had been used when, oldest first: one entry a minute.
    seen: VecDeque<(Timestamp, Usage)>,
}

const HOUR_MS: i64 = 3_600_000;
/// Below this there is nothing to know an hour by: the first questions reach back furthest.
const LEAST_MS: i64 = HOUR_MS / 6;

impl CostMeter {
    pub fn took(&mut self, now: Timestamp, usage: Usage) {
        if self.seen.is_empty() {
            self.seen.push_back((now, Usage::default()));
        }
        self.usage = usage;
        let minutes = |at: Timestamp| at.floor_to(60);
        let begun = self.seen.len() > 1;
        match self.seen.back_mut() {
            Some((at, last)) if begun && minutes(*at) == minutes(now) => *last = usage,
            _ => self.seen.push_back((now, usage)),
        }
        while self.seen.get(1).is_some_and(|(at, _)| now.ms_since(*at) > HOUR_MS) {
            self.seen.pop_front();
        }
    }

    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Dollars since the start.
    pub fn total(&self) -> f64 {
        self.usage.dollars()
    }

    /// Dollars an hour at the present pace: the last hour's, or what was asked so far as if it had
    /// taken ten minutes at least.
    pub fn dollars_per_hour(&self, now: Timestamp) -> Option<f64> {
        let (since, before) = self.seen.front()?;
        let window_ms = now.ms_since(*since).clamp(LEAST_MS, HOUR_MS);
        Some((self.total() - before.dollars()) * HOUR_MS as f64 / window_ms as f64)
    }

    /// Answers "slower" within the last one to two minutes.
    pub fn throttled_lately(&self, now: Timestamp) -> u64 {
        let before = self.seen.iter().rev().find(|(at, _)| now.ms_since(*at) > 60_000);
        let before = before.or(self.seen.front()).map_or(0, |(_, usage)| usage.throttled);
        if self.seen.back().is_some_and(|(at, _)| now.ms_since(*at) <= 120_000) {
            self.usage.throttled.saturating_sub(before)
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(metrics: u64, throttled: u64) -> Usage {
        Usage { metrics, throttled, ..Usage::default() }
    }

    #[test]
    fn the_rate_is_that_of_the_last_hour_and_the_total_that_of_all() {
        let mut meter = CostMeter::default();
        assert_eq!(meter.dollars_per_hour(Timestamp::ZERO), None);
        for minute in 0..180_u32 {
            meter.took(Timestamp::from_s(i64::from(minute) * 60), used(u64::from(minute) * 12, 0));
        }
        // 12 metrics a minute: 720 an hour, $0.0072.
        let rate = meter.dollars_per_hour(Timestamp::from_s(179 * 60)).expect("asked");
        assert!((rate - 0.0072).abs() < 0.0002, "{rate}");
        assert!((meter.total() - 179.0 * 12.0 * 1e-5).abs() < 1e-9);
    }

    #[test]
    fn being_told_to_go_slower_is_remembered_for_a_minute_or_two() {
        let mut meter = CostMeter::default();
        meter.took(Timestamp::from_s(0), used(1, 0));
        meter.took(Timestamp::from_s(70), used(2, 5));
        assert_eq!(meter.throttled_lately(Timestamp::from_s(75)), 5);
        meter.took(Timestamp::from_s(140), used(3, 5));
        meter.took(Timestamp::from_s(210), used(4, 5));
        assert_eq!(meter.throttled_lately(Timestamp::from_s(212)), 0);
    }
}
