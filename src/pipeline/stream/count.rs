//! The load of a rehearsal: so many records of so many items, without the records. A hundred million
//! of them are then arithmetic.

use crate::pipeline::rng::mix;
use crate::pipeline::stream::Load;

/// Records of one shard that arrived in the same second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub records: u32,
    /// How many different items they belong to: no lane can share an item.
    pub items: u32,
    /// Which items fall to which lane: the same for all parcels of one shard.
    pub salt: u32,
    /// Where this parcel's records begin among the items, so that few records do not always fall to
    /// the same lanes: any number, drawn anew for each parcel.
    pub turn: u32,
    pub at_s: i64,
    /// Bytes of one record in an invocation payload.
    pub bytes: u32,
}

impl Count {
    /// Share of the items that belongs to the lanes below `lane`, in 2³² parts.
    fn items_below(&self, lane: u32, lanes: u32) -> u64 {
        if lane == 0 {
            return 0;
        }
        if lane >= lanes {
            return ONE;
        }
        if self.items <= FEW_ITEMS {
            let items = self.items.max(1);
            let below = (0..items).filter(|item| self.hashed(u64::from(*item)) % u64::from(lanes) < u64::from(lane));
            return ONE * below.count() as u64 / u64::from(items);
        }
        let even = ONE * u64::from(lane) / u64::from(lanes);
        // Hashing many items to lanes leaves each lane with a share whose variance is
        // (1/lanes)(1 − 1/lanes)/items; a lane lies between two bounds, so each has half of it.
        let lanes_wide = u64::from(lanes);
        let variance = ONE / lanes_wide * (lanes_wide - 1) / lanes_wide / (2 * u64::from(self.items));
        let deviation = (variance * ONE).isqrt();
        let noise = i64::try_from(deviation).unwrap_or(0) * self.normal_milli(lane, lanes) / 1000;
        let room = i64::try_from(ONE / lanes_wide / 2 - 1).unwrap_or(0);
        even.saturating_add_signed(noise.clamp(-room, room))
    }

    /// A number of about the normal distribution, in thousandths: the sum of twelve uniform ones.
    fn normal_milli(&self, lane: u32, lanes: u32) -> i64 {
        let bits = [0, 1, 2].map(|part| self.hashed((u64::from(lane) << 16) | (u64::from(lanes) << 8) | part));
        let parts = bits.iter().flat_map(|bits| [0, 16, 32, 48].map(|shift| (bits >> shift) & 0xffff));
        let sum: u64 = parts.sum();
        (i64::try_from(sum).unwrap_or(0) - 6 * 0xffff) * 1000 / 0xffff
    }

    fn hashed(&self, what: u64) -> u64 {
        mix((u64::from(self.salt) << 32) ^ what)
    }
}

impl Load for Count {
    fn share(&self, lane: u32, lanes: u32) -> u32 {
        if lanes <= 1 {
            return self.records;
        }
        // Records lie evenly over the items, from the parcel's own beginning on: over many parcels
        // each lane gets what its items are worth.
        let below = |lane: u32| (u64::from(self.records) * self.items_below(lane, lanes) + u64::from(self.turn)) >> 32;
        let end = |lane: u32| if lane >= lanes { u64::from(self.records) } else { below(lane) };
        (end(lane + 1) - end(lane)) as u32
    }

    fn without(&self, lanes: u32, done: &dyn Fn(u32) -> u32) -> Option<Self> {
        let gone: u32 = (0..lanes).map(|lane| done(lane).min(self.share(lane, lanes))).sum();
        let records = self.records - gone;
        (records > 0).then_some(Count { records, ..*self })
    }

    fn at_s(&self) -> i64 {
        self.at_s
    }

    fn bytes(&self) -> u32 {
        self.bytes
    }
}

/// The whole, in 2³² parts.
const ONE: u64 = 1 << 32;
/// Up to so many items are dealt one by one.
const FEW_ITEMS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(records: u32, items: u32, turn: u32) -> Count {
        Count { records, items, salt: 7, turn, at_s: 0, bytes: 1 }
    }

    #[test]
    fn shares_add_up_and_few_items_fill_few_lanes() {
        for (records, items, lanes) in [(1000, 7, 10), (1, 1, 3), (999, 1000, 4), (5, 2, 2), (3, 100_000, 10)] {
            for turn in [0, 1 << 31, u32::MAX] {
                let count = count(records, items, turn);
                let shares: Vec<u32> = (0..lanes).map(|lane| count.share(lane, lanes)).collect();
                assert_eq!(shares.iter().sum::<u32>(), records);
                assert!(shares.iter().filter(|share| **share > 0).count() as u32 <= items);
            }
        }
    }

    #[test]
    fn single_records_of_many_items_reach_every_lane_alike() {
        let mut got = [0u32; 5];
        for n in 0..10_000u64 {
            let count = count(1, 1_000_000, mix(n) as u32);
            for (lane, got) in (0..).zip(&mut got) {
                *got += count.share(lane, 5);
            }
        }
        assert!(got.iter().all(|n| (1_850..2_150).contains(n)), "{got:?}");
    }

    #[test]
    fn a_lane_is_as_uneven_as_hashing_makes_it() {
        let (lanes, items, shards) = (5u32, 400u32, 2_000u32);
        let shares = (0..shards).flat_map(|salt| {
            let count = Count { records: 1_000_000, items, salt, turn: 0, at_s: 0, bytes: 1 };
            (0..lanes).map(move |lane| f64::from(count.share(lane, lanes)) / 1e6)
        });
        let even = 1.0 / f64::from(lanes);
        let variance = shares.map(|share| (share - even).powi(2)).sum::<f64>() / f64::from(lanes * shards);
        let hashed = even * (1.0 - even) / f64::from(items);
        // The outer lanes have one bound that does not move: a fifth less than hashing at five lanes.
        assert!((0.6..1.1).contains(&(variance / hashed)), "{variance} against {hashed}");
    }
}
