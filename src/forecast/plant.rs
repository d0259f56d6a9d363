//! A consumer in numbers: what a rehearsal runs. Made by calibration from live figures, and by tests;
//! plain data.

use crate::pipeline::blueprint::Service;
use crate::pipeline::distribution::Distribution;
use crate::pipeline::stream::rules::{POLL_MS, Rules};

/// A stream consumer.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamPlant {
    /// One entry a shard.
    pub shards: Vec<ShardLoad>,
    /// The mapping's settings before the change.
    pub rules: Rules,
    pub service: Service,
    /// Milliseconds from the end of a run until its lane sends the next batch.
    pub turnaround_ms: i64,
    /// Runs in a million that fail and are sent again.
    pub failure_ppm: u32,
    /// Bytes of one record in an invocation payload.
    pub record_bytes: u32,
    /// Runs the function may have at a time, beside what others use.
    pub concurrency: u32,
    /// Milliseconds between two polls of a shard; 0 for the theory of queues, where a record is seen
    /// the moment it arrives.
    pub poll_ms: i64,
    /// How much longer than alone a run takes for each other at the same time, as a share.
    pub crowding: f64,
    /// What arrived in each minute before the start, the newest first, as a share of what arrives now;
    /// as much as now where the backlog is older.
    pub past: Vec<f64>,
    pub ahead: Ahead,
    /// Which items fall to which lane; by the seed of a run where it is not said.
    pub dealt: Option<u64>,
}

/// What comes that nothing foretells, milliseconds after the start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ahead {
    /// From then on so many times the records arrive.
    pub surge: Option<(i64, f64)>,
    /// From and until: nothing is sent.
    pub pause: Option<(i64, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShardLoad {
    pub per_s: f64,
    /// How old its oldest unread record is at the start.
    pub behind_ms: i64,
    /// How many different items its records belong to: lanes cannot share one.
    pub items: u32,
}

impl StreamPlant {
    /// `shards` alike, up to date, with AWS's pace of polling.
    pub fn even(shards: u32, per_s: f64, rules: Rules, service: Service) -> Self {
        let load = ShardLoad { per_s: per_s / f64::from(shards.max(1)), behind_ms: 0, items: 1_000_000 };
        StreamPlant {
            shards: vec![load; shards as usize],
            rules,
            service,
            turnaround_ms: 0,
            failure_ppm: 0,
            record_bytes: 500,
            concurrency: 1000,
            poll_ms: POLL_MS,
            crowding: 0.0,
            past: Vec::new(),
            ahead: Ahead::default(),
            dealt: None,
        }
    }

    /// Records a second that arrive.
    pub fn arrivals_per_s(&self) -> f64 {
        self.shards.iter().map(|shard| shard.per_s).sum()
    }

    /// Records that arrived in the last so many milliseconds, of what `per_s` arrives now.
    pub fn backlog(&self, per_s: f64, behind_ms: i64) -> f64 {
        let behind_s = behind_ms.max(0) as f64 / 1000.0;
        let whole = (behind_s / 60.0) as usize;
        let of = |minute: usize| self.past.get(minute).copied().unwrap_or(1.0);
        let minutes = (0..whole).map(of).sum::<f64>() * 60.0;
        per_s * (minutes + of(whole) * (behind_s - whole as f64 * 60.0))
    }

    /// Records a second that all lanes together can handle with full batches under `rules`.
    pub fn capacity_per_s(&self, rules: &Rules) -> f64 {
        let us = mean(&self.service.per_run_us) + mean(&self.service.per_record_us) * f64::from(rules.batch_size);
        let lanes = (f64::from(rules.lanes) * self.shards.len() as f64).min(f64::from(self.concurrency));
        let cycle_s = us / 1e6 * stretch(self.crowding, lanes) + self.turnaround_ms as f64 / 1000.0;
        lanes * f64::from(rules.batch_size) / cycle_s.max(0.001)
    }
}

/// How many times longer than alone a run takes with `runs` at a time, itself counted.
pub fn stretch(crowding: f64, runs: f64) -> f64 {
    1.0 + crowding * (runs - 1.0).max(0.0)
}

fn mean(distribution: &Distribution) -> f64 {
    distribution.mean() as f64
}

/// A change of settings on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Milliseconds after the start at which the new settings act: AWS takes its time (aws-facts §1.3).
    pub acts_after_ms: i64,
    pub rules: Rules,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_is_what_came_minute_by_minute() {
        let service = Service { per_run_us: Distribution::Fixed(1), per_record_us: Distribution::Fixed(1) };
        let rules = Rules {
            batch_size: 1,
            window_ms: 0,
            lanes: 1,
            max_retries: None,
            max_age_s: None,
            bisect: false,
            partial: false,
        };
        let plant = StreamPlant { past: vec![1.0, 0.5], ..StreamPlant::even(1, 10.0, rules, service) };
        assert_eq!(plant.backlog(10.0, 90_000), 600.0 + 150.0);
        assert_eq!(plant.backlog(10.0, 180_000), 600.0 + 300.0 + 600.0, "before what is known it was as now");
        assert_eq!((plant.backlog(10.0, 0), plant.backlog(10.0, -5)), (0.0, 0.0));
    }
}
