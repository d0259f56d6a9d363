//! EventTable and its stream: a put of a new event makes a record on the shard of its partition key.
//! Records stay for 24 h. Lanes and batches are the business of `stream`.

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
}

impl Table {
    pub fn new(blueprint: &TableBlueprint) -> Self {
        Table {
            payload_bucket: blueprint.payload_bucket.clone(),
            retention_s: blueprint.retention_s,
            shards: (0..blueprint.shards).map(|_| Log::default()).collect(),
            texts: Texts::default(),
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

    /// Forgets records older than the stream keeps them.
    pub fn trim(&mut self, now: Timestamp) {
        let oldest_s = now.s() - i64::from(self.retention_s);
        for (shard, log) in (0u32..).zip(&mut self.shards) {
            if log.trim(oldest_s) > 0 {
                self.texts.trim(shard, log.base());
            }
        }
    }
}

/// A shard's id as DynamoDB spells it (aws-facts §4.1).
pub fn shard_id(shard: u32) -> String {
    format!("shardId-{:020}-{:08x}", 1_573_689_847_184u64 + u64::from(shard), 0x864_758bb_u32.wrapping_add(shard))
}

/// The shard a shard id names.
pub fn shard_of_id(id: &str) -> Option<u32> {
    let number: u64 = id.strip_prefix("shardId-")?.get(..20)?.parse().ok()?;
    u32::try_from(number.checked_sub(1_573_689_847_184)?).ok()
}

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
            assert_eq!(shard_of_id(&shard_id(shard)), Some(shard));
        }
        assert_eq!(place_of("12"), None);
        assert_eq!(shard_of_id("shard-1"), None);
        assert!((28..=65).contains(&shard_id(0).len()));
    }
}
