//! A queue and its consumer in numbers: what a rehearsal runs. Made by calibration from live figures,
//! and by tests; plain data.

use crate::forecast::plant::{Ahead, stretch};
use crate::forecast::queue::chain::Chain;
use crate::model::mapping::MappingSettings;
use crate::pipeline::blueprint::Service;
use crate::pipeline::mapping::queue::MOST;

#[derive(Debug, Clone, PartialEq)]
pub struct QueuePlant {
    /// What others send, messages a second.
    pub per_s: f64,
    /// What each of those that is handled brings into the queue: a consumer may feed itself.
    pub chain: Chain,
    /// How probably one that waits at the start brings another.
    pub backlog_brings: f64,
    /// Messages that wait at the start: how old, in milliseconds, and how many; the oldest first.
    pub backlog: Vec<(i64, u32)>,
    /// BatchSize, window and MaximumConcurrency count.
    pub settings: MappingSettings,
    /// Messages a batch holds where enough wait: the batch size, or less where less was seen.
    pub fill: f64,
    pub service: Service,
    /// Milliseconds from the end of a run until its place is taken again.
    pub turnaround_ms: i64,
    /// How much longer than alone a run takes for each other at the same time, as a share.
    pub crowding: f64,
    /// Runs in a million that fail: all their messages come back, and fewer run at a time for a while.
    pub failed_ppm: u32,
    /// Messages in a million that are answered as failed, one by one, and come back.
    pub returned_ppm: u32,
    /// After so long they come back.
    pub visibility_ms: i64,
    /// Runs the function may have at a time.
    pub concurrency: u32,
    /// Runs at a time the mapping has grown to.
    pub grown_to: u32,
    /// Milliseconds between two looks at the queue; 0 sees a message the moment it arrives.
    pub tick_ms: i64,
    pub ahead: Ahead,
}

/// A change of the limit on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueChange {
    pub acts_after_ms: i64,
    /// `None` is no limit.
    pub max_concurrency: Option<u32>,
}

impl QueuePlant {
    /// Runs at a time under this limit.
    pub fn places(&self, max_concurrency: Option<u32>) -> u32 {
        // At most 1,250.
        max_concurrency.unwrap_or(MOST as u32).min(self.concurrency)
    }

    /// Messages a second that are handled under this limit while enough wait.
    pub fn capacity_per_s(&self, max_concurrency: Option<u32>) -> f64 {
        let places = f64::from(self.places(max_concurrency));
        places * self.fill * self.done_share() / self.cycle_s(places).max(0.001)
    }

    /// Seconds from the beginning of one run to that of the next in the same place.
    pub fn cycle_s(&self, places: f64) -> f64 {
        let us = self.service.per_run_us.mean() as f64 + self.service.per_record_us.mean() as f64 * self.fill;
        us / 1e6 * stretch(self.crowding, places) + self.turnaround_ms as f64 / 1000.0
    }

    /// Messages a second that arrive when none wait, those that the consumer sends itself counted.
    pub fn arrivals_per_s(&self) -> f64 {
        self.per_s * self.chain.total()
    }

    /// Of the messages that are handed over, those that are done.
    fn done_share(&self) -> f64 {
        let share = |ppm: u32| 1.0 - f64::from(ppm) / 1e6;
        share(self.failed_ppm) * share(self.returned_ppm)
    }
}
