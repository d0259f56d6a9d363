//! What watching costs: `GetMetricData` is billed by the metric asked for, queue calls by the
//! request. An estimate from what was asked, shown in the header.

use std::collections::VecDeque;

use crate::model::time::Mono;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CostMeter {
    /// What was asked within the last hour: when, and what it cost in micro-dollars.
    asked: VecDeque<(Mono, f64)>,
    /// Metrics asked for since the start.
    pub metrics: u64,
    /// Other requests since the start.
    pub requests: u64,
}

/// $0.01 per 1,000 metrics requested, never in the free tier (CloudWatch pricing).
const METRIC_MICRODOLLARS: f64 = 10.0;
/// $0.40 per million requests on standard queues (SQS pricing).
const SQS_REQUEST_MICRODOLLARS: f64 = 0.4;
const HOUR_MS: u64 = 3_600_000;

impl CostMeter {
    pub fn metrics_asked(&mut self, mono: Mono, metrics: usize) {
        self.metrics += metrics as u64;
        self.add(mono, metrics as f64 * METRIC_MICRODOLLARS);
    }

    pub fn queues_asked(&mut self, mono: Mono, queues: usize) {
        self.requests += queues as u64;
        self.add(mono, queues as f64 * SQS_REQUEST_MICRODOLLARS);
    }

    /// Dollars an hour at the present pace: the last hour's sum, or what was asked so far stretched
    /// to an hour once ten minutes have been seen.
    pub fn dollars_per_hour(&self, mono: Mono) -> Option<f64> {
        let since = mono.ms_since(self.asked.front()?.0);
        let sum: f64 = self.asked.iter().filter(|(at, _)| mono.ms_since(*at) <= HOUR_MS).map(|(_, cost)| cost).sum();
        let window_ms = since.clamp(HOUR_MS / 6, HOUR_MS);
        Some(sum / 1e6 * HOUR_MS as f64 / window_ms as f64)
    }

    fn add(&mut self, mono: Mono, cost: f64) {
        // One entry a minute is enough to know an hour by.
        match self.asked.back_mut() {
            Some((at, sum)) if mono.ms_since(*at) < 60_000 => *sum += cost,
            _ => self.asked.push_back((mono, cost)),
        }
        while self.asked.front().is_some_and(|(at, _)| mono.ms_since(*at) > HOUR_MS) {
            self.asked.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_hour() {
        let mut meter = CostMeter::default();
        assert_eq!(meter.dollars_per_hour(Mono::ZERO), None);
        for minute in 0..180 {
            meter.metrics_asked(Mono::from_ms(minute * 60_000), 12);
        }
        // 12 metrics a minute: 720 an hour, $0.0072.
        let rate = meter.dollars_per_hour(Mono::from_ms(179 * 60_000)).expect("asked");
        assert!((rate - 0.0072).abs() < 0.0002, "{rate}");
        assert_eq!(meter.metrics, 180 * 12);
    }
}
