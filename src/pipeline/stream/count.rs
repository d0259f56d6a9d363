//! The load of a rehearsal: so many records of so many items, without the records. A hundred million
//! of them are then arithmetic.

use crate::pipeline::stream::Load;

/// Records of one shard that arrived in the same second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub records: u32,
    /// How many different items they belong to: no lane can share an item.
    pub items: u32,
    pub at_s: i64,
    /// Bytes of one record in an invocation payload.
    pub bytes: u32,
}

impl Load for Count {
    fn share(&self, lane: u32, lanes: u32) -> u32 {
        let (items, lanes) = (u64::from(self.items.max(1)), u64::from(lanes.max(1)));
        // Items of all lanes below `lane`; records are spread over items evenly.
        let items_below = |lane: u64| lane * (items / lanes) + lane.min(items % lanes);
        let records_below = |lane: u64| u64::from(self.records) * items_below(lane) / items;
        let lane = u64::from(lane);
        (records_below(lane + 1) - records_below(lane)) as u32
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_few_items_fill_few_lanes() {
        for (records, items, lanes) in [(1000, 7, 10), (1, 1, 3), (999, 1000, 4), (5, 2, 2)] {
            let count = Count { records, items, at_s: 0, bytes: 1 };
            let shares: Vec<u32> = (0..lanes).map(|lane| count.share(lane, lanes)).collect();
            assert_eq!(shares.iter().sum::<u32>(), records);
            assert!(shares.iter().filter(|share| **share > 0).count() as u32 <= items);
        }
    }
}
