//! What an SQS mapping keeps besides its settings: how many batches may run at a time, what it is
//! gathering, and batches the function refused (aws-facts §1.8).

use std::collections::VecDeque;

use crate::model::id::QueueName;
use crate::model::mapping::MappingSettings;
use crate::model::message::Message;
use crate::model::time::Timestamp;

#[derive(Debug)]
pub struct QueueFeed {
    pub queue: QueueName,
    /// Concurrent batches it may have, in thousandths.
    allowed_milli: u64,
    scaled_at: Timestamp,
    /// Since when there was nothing to do.
    idle_since: Option<Timestamp>,
    pub running: u32,
    pub gathering: Vec<Message>,
    pub gathering_since: Timestamp,
    pub held: VecDeque<Held>,
    /// The earliest tick that is timed.
    tick_at: Option<Timestamp>,
}

/// A batch the function could not be invoked with.
#[derive(Debug)]
pub struct Held {
    pub messages: Vec<Message>,
    pub retry_at: Timestamp,
    pub refusals: u32,
    /// When its messages come back to the queue by themselves.
    pub until: Timestamp,
}

/// Concurrent batches at the start and at rest (aws-facts §1.8).
const START: u64 = 5;
/// Fewest that errors bring it down to.
const LEAST: u64 = 2;
/// Most concurrent batches of one mapping.
pub const MOST: u64 = 1_250;
/// Concurrent batches added in a minute under load.
const GROWTH_PER_MIN: u64 = 300;
/// Without work for so long it goes back to where it started.
const REST_MS: i64 = 60_000;
/// Milliseconds between two looks at the queue.
pub const TICK_MS: i64 = 100;

impl QueueFeed {
    pub fn new(queue: QueueName, now: Timestamp) -> Self {
        QueueFeed {
            queue,
            allowed_milli: START * 1000,
            scaled_at: now,
            idle_since: None,
            running: 0,
            gathering: Vec::new(),
            gathering_since: now,
            held: VecDeque::new(),
            tick_at: None,
        }
    }

    /// It has grown to so many batches at a time already.
    #[must_use]
    pub fn grown_to(mut self, batches: u32) -> Self {
        self.allowed_milli = u64::from(batches).clamp(START, MOST) * 1000;
        self
    }

    /// Whether a timer must be set to look at the queue at `at`.
    pub fn plan_tick(&mut self, at: Timestamp) -> bool {
        match self.tick_at {
            Some(set) if set <= at => false,
            _ => {
                self.tick_at = Some(at);
                true
            }
        }
    }

    /// A tick is due; false for one that an earlier replaced.
    pub fn tick_begins(&mut self, at: Timestamp) -> bool {
        let current = self.tick_at == Some(at);
        if current {
            self.tick_at = None;
        }
        current
    }

    /// Batches that may be started now.
    pub fn room(&self, settings: &MappingSettings) -> u32 {
        // At most 1,250.
        let allowed = (self.allowed_milli / 1000).min(self.most(settings)) as u32;
        allowed.saturating_sub(self.running + self.held.len() as u32)
    }

    /// Grows under load and goes back at rest; `backlog` is what waits in the queue.
    pub fn scale(&mut self, now: Timestamp, settings: &MappingSettings, backlog: usize) {
        let passed_ms = now.ms_since(self.scaled_at).max(0).unsigned_abs();
        self.scaled_at = now;
        if backlog > 0 && self.room(settings) == 0 {
            let grown = self.allowed_milli + passed_ms * GROWTH_PER_MIN / 60;
            self.allowed_milli = grown.min(self.most(settings) * 1000);
        }
        if backlog > 0 || self.running > 0 {
            self.idle_since = None;
        } else if now.ms_since(*self.idle_since.get_or_insert(now)) >= REST_MS {
            self.allowed_milli = START * 1000;
        }
    }

    /// A function error: fewer at a time, unless it answers which messages failed.
    pub fn back_off(&mut self, settings: &MappingSettings) {
        if !settings.report_batch_item_failures {
            self.allowed_milli = (self.allowed_milli * 4 / 5).max(LEAST * 1000);
        }
    }

    /// The mapping is disabled: what it holds comes back to the queue by itself.
    pub fn stop(&mut self) {
        self.gathering.clear();
        self.held.clear();
    }

    fn most(&self, settings: &MappingSettings) -> u64 {
        settings.max_concurrency.map_or(MOST, u64::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_AT: Timestamp = Timestamp::from_s(1000);

    #[test]
    fn it_grows_by_300_a_minute_and_rests_at_five() {
        let settings = MappingSettings::default();
        let mut feed = QueueFeed::new("q".into(), START_AT);
        assert_eq!(feed.room(&settings), 5);
        let mut now = START_AT;
        for _ in 0..600 {
            now = now.plus_ms(100);
            feed.running += feed.room(&settings);
            feed.scale(now, &settings, 1_000);
        }
        assert!((300..=306).contains(&feed.running), "{}", feed.running);
        for _ in 0..6000 {
            now = now.plus_ms(100);
            feed.running += feed.room(&settings);
            feed.scale(now, &settings, 1_000);
        }
        assert_eq!(feed.running, 1_250);
        feed.running = 0;
        feed.scale(now, &settings, 0);
        feed.scale(now.plus_s(61), &settings, 0);
        assert_eq!(feed.room(&settings), 5);
    }

    #[test]
    fn maximum_concurrency_and_errors_hold_it_down() {
        let settings = MappingSettings { max_concurrency: Some(3), ..MappingSettings::default() };
        let mut feed = QueueFeed::new("q".into(), START_AT);
        assert_eq!(feed.room(&settings), 3);
        let unlimited = MappingSettings::default();
        (0..50).for_each(|_| feed.back_off(&unlimited));
        assert_eq!(feed.room(&unlimited), 2);
        let reporting = MappingSettings { report_batch_item_failures: true, ..unlimited.clone() };
        let mut feed = QueueFeed::new("q".into(), START_AT);
        feed.back_off(&reporting);
        assert_eq!(feed.room(&unlimited), 5);
    }
}
