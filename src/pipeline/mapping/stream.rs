//! What a stream mapping keeps besides its settings: a reader a shard and which timers are set.

use std::collections::BTreeMap;

use crate::model::mapping::MappingSettings;
use crate::model::time::Timestamp;
use crate::pipeline::stream::reader::Reader;
use crate::pipeline::stream::rules::{POLL_MS, Rules};

#[derive(Debug)]
pub struct StreamFeed {
    pub rules: Rules,
    readers: Vec<Reader>,
    /// Shards whose next poll is timed.
    polls: Vec<bool>,
    /// When a lane is asked again: the earliest timer set for it.
    wakes: BTreeMap<(u32, u32), Timestamp>,
}

impl StreamFeed {
    /// Reads every shard from its first record.
    pub fn new(shards: u32, settings: &MappingSettings, now: Timestamp) -> Self {
        let rules = Rules::of(settings);
        StreamFeed {
            rules,
            readers: (0..shards).map(|_| Reader::new(0, rules.lanes, now)).collect(),
            polls: vec![false; shards as usize],
            wakes: BTreeMap::new(),
        }
    }

    pub fn set_rules(&mut self, now: Timestamp, settings: &MappingSettings) {
        self.rules = Rules::of(settings);
        for reader in &mut self.readers {
            reader.set_lanes(now, self.rules.lanes);
        }
    }

    pub fn reader(&self, shard: u32) -> Option<&Reader> {
        self.readers.get(shard as usize)
    }

    pub fn reader_mut(&mut self, shard: u32) -> Option<&mut Reader> {
        self.readers.get_mut(shard as usize)
    }

    /// When to poll a shard in which there is something new; `None` when a poll is timed already.
    pub fn plan_poll(&mut self, now: Timestamp, shard: u32) -> Option<Timestamp> {
        let planned = self.polls.get_mut(shard as usize)?;
        if std::mem::replace(planned, true) {
            return None;
        }
        // Each shard is polled at its own phase.
        let phase = i64::from(shard) * 37 % POLL_MS;
        let since = (now.ms() - phase).rem_euclid(POLL_MS);
        Some(now.plus_ms(POLL_MS - since))
    }

    /// The timed poll of a shard is due.
    pub fn poll_begins(&mut self, shard: u32) {
        if let Some(planned) = self.polls.get_mut(shard as usize) {
            *planned = false;
        }
    }

    /// Whether a timer must be set to ask a lane again at `at`.
    pub fn plan_wake(&mut self, shard: u32, lane: u32, at: Timestamp) -> bool {
        match self.wakes.get(&(shard, lane)) {
            Some(set) if *set <= at => false,
            _ => {
                self.wakes.insert((shard, lane), at);
                true
            }
        }
    }

    /// A lane's timer is due.
    pub fn wake_begins(&mut self, shard: u32, lane: u32, at: Timestamp) {
        if self.wakes.get(&(shard, lane)) == Some(&at) {
            self.wakes.remove(&(shard, lane));
        }
    }

    pub fn shards(&self) -> u32 {
        self.readers.len() as u32
    }
}
