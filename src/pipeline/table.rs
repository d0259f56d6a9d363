//! EventTable and its stream: a put of a new event makes a record on the shard of its partition key.
//! Records stay for 24 h. Lanes and batches are the business of `stream`.
//!
//! DynamoDB closes a shard after some hours and goes on in a child. Here each log is one such line of
//! shards: where one ends and the next begins is a seam, and no batch crosses it.

use crate::automation::event::EventItem;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::TableBlueprint;
use crate::pipeline::ledger::Ledger;
use crate::pipeline::record::{Record, Texts};
use crate::pipeline::stream::log::Log;

#[derive(Debug)]
pub struct Table {
    pub payload_bucket: String,
    retention_s: u32,
    shards: Vec<Log<Record>>,
    texts: Texts,
    /// When the shard that each log writes to is closed.
    closes_at: Vec<Timestamp>,
}

/// One shard as the API has it: which log, and which stretch of it between two seams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardKey {
    pub log: u32,
    pub generation: u32,
}

/// Log indexes of a shard; an open one has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    pub start: u64,
    pub end: Option<u64>,
}

/// Seconds a shard is written to, and from the start to the first close: the stream is older than
/// the history, and its shards do not close all at once.
const SHARD_LIVES_S: i64 = 4 * 3600;
const FIRST_CLOSE_S: i64 = 3600;
const BETWEEN_CLOSES_S: i64 = 600;

impl Table {
    pub fn new(blueprint: &TableBlueprint, start: Timestamp) -> Self {
        let close = |shard: u32| start.plus_s(FIRST_CLOSE_S + i64::from(shard) * BETWEEN_CLOSES_S % SHARD_LIVES_S);
        Table {
            payload_bucket: blueprint.payload_bucket.clone(),
            retention_s: blueprint.retention_s,
            shards: (0..blueprint.shards).map(|_| Log::default()).collect(),
            texts: Texts::default(),
            closes_at: (0..blueprint.shards).map(close).collect(),
        }
    }

    /// Writes an event. The shard its record went to; `None` when the event was there already (a put
    /// that changes nothing makes no record; aws-facts §4.3) or belongs to no run.
    pub fn put(&mut self, event: &EventItem, ledger: &mut Ledger) -> Option<u32> {
        if !ledger.record(event.identity) {
            return None;
        }
        let shards = self.shards.len() as u64;
        // The remainder is below the number of shards, which is a u32.
        let shard = ((event.key().partition_hash() >> 8) % shards) as u32;
        let log = self.shards.get_mut(shard as usize)?;
        let record = self.texts.pack(event, shard, log.next());
        log.push(record);
        Some(shard)
    }

    pub fn shards(&self) -> u32 {
        self.shards.len() as u32
    }

    pub fn log(&self, shard: u32) -> Option<&Log<Record>> {
        self.shards.get(shard as usize)
    }

    pub fn event(&self, record: &Record, shard: u32, index: u64) -> EventItem {
        self.texts.unpack(record, shard, index)
    }

    /// Every shard with records that can be read, or that is written to, parents first.
    pub fn shard_keys(&self) -> Vec<ShardKey> {
        let all = (0u32..).zip(&self.shards).flat_map(|(shard, log)| {
            let generations = 0..=u32::try_from(log.seams().len()).unwrap_or(u32::MAX);
            generations.map(move |generation| ShardKey { log: shard, generation })
        });
        let readable = |key: &ShardKey| {
            let log = self.log(key.log);
            let end = self.range(*key).and_then(|range| range.end);
            log.is_some_and(|log| end.is_none_or(|end| end > log.base()))
        };
        all.filter(readable).collect()
    }

    pub fn range(&self, key: ShardKey) -> Option<Stretch> {
        let seams = self.log(key.log)?.seams();
        let generation = usize::try_from(key.generation).ok()?;
        let start = match generation.checked_sub(1) {
            None => 0,
            Some(before) => *seams.get(before)?,
        };
        Some(Stretch { start, end: seams.get(generation).copied() })
    }

    /// The shard with this id, if it can be read.
    pub fn find_shard(&self, id: &str) -> Option<ShardKey> {
        self.shard_keys().into_iter().find(|key| shard_id(*key) == id)
    }

    /// The shard that the record at an index is in.
    pub fn shard_of(&self, shard: u32, index: u64) -> ShardKey {
        let seams = self.log(shard).map_or(0, |log| log.seams().partition_point(|seam| *seam <= index));
        ShardKey { log: shard, generation: u32::try_from(seams).unwrap_or(u32::MAX) }
    }

    /// Forgets records older than the stream keeps them; closes the shards whose time is over.
    pub fn trim(&mut self, now: Timestamp) {
        for (log, closes_at) in self.shards.iter_mut().zip(&mut self.closes_at) {
            if *closes_at <= now {
                *closes_at = now.plus_s(SHARD_LIVES_S);
                log.seam();
            }
        }
        let oldest_s = now.s() - i64::from(self.retention_s);
        for (shard, log) in (0u32..).zip(&mut self.shards) {
            if log.trim(oldest_s) > 0 {
                self.texts.trim(shard, log.base());
            }
        }
    }
}

impl ShardKey {
    /// The shard it goes on from.
    pub fn parent(self) -> Option<ShardKey> {
        Some(ShardKey { generation: self.generation.checked_sub(1)?, ..self })
    }
}

/// A shard's id as DynamoDB spells it (aws-facts §4.1).
pub fn shard_id(key: ShardKey) -> String {
    let number = u64::from(key.generation) * MAX_LOGS + u64::from(key.log);
    format!("shardId-{:020}-{:08x}", SHARD_BASE + number, 0x864_758bb_u32.wrapping_add(number as u32))
}

/// The log of the shard that a shard id names.
pub fn shard_of_id(id: &str) -> Option<u32> {
    let number: u64 = id.strip_prefix("shardId-")?.get(..20)?.parse().ok()?;
    u32::try_from(number.checked_sub(SHARD_BASE)? % MAX_LOGS).ok()
}

const SHARD_BASE: u64 = 1_573_689_847_184;
/// A table has at most so many shards that are written to (`Blueprint::check`).
const MAX_LOGS: u64 = 10_000;

/// The sequence number of a record: 21 decimal digits, in order within its shard.
pub fn sequence_number(shard: u32, index: u64) -> String {
    let number = SEQUENCE_BASE + u128::from(shard) * SHARD_SPAN + u128::from(index);
    number.to_string()
}

/// Shard and log index of a sequence number.
pub fn place_of(sequence_number: &str) -> Option<(u32, u64)> {
    let number = sequence_number.parse::<u128>().ok()?.checked_sub(SEQUENCE_BASE)?;
    Some((u32::try_from(number / SHARD_SPAN).ok()?, u64::try_from(number % SHARD_SPAN).ok()?))
}

const SEQUENCE_BASE: u128 = 100_000_000_000_000_000_000;
const SHARD_SPAN: u128 = 1_000_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_their_names() {
        for (shard, index) in [(0, 0), (3, 12), (9_999, 999_999_999)] {
            let number = sequence_number(shard, index);
            assert_eq!(number.len(), 21);
            assert_eq!(place_of(&number), Some((shard, index)));
            assert_eq!(shard_of_id(&shard_id(ShardKey { log: shard, generation: 3 })), Some(shard));
        }
        assert_eq!(place_of("12"), None);
        assert_eq!(shard_of_id("shard-1"), None);
        assert!((28..=65).contains(&shard_id(ShardKey { log: 0, generation: 0 }).len()));
    }
}
