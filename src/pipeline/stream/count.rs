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
    /// Which records belong to which item: any number, drawn anew for each parcel.
    pub turn: u32,
    pub at_s: i64,
    /// Bytes of one record in an invocation payload.
    pub bytes: u32,
    /// What each lane gets, dealt once and not for each lane anew.
    dealt: Dealt,
}

/// Shares of so many lanes; of none where it was not dealt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Dealt {
    lanes: u32,
    shares: [u16; MOST_LANES],
}

impl Count {
    pub fn new(records: u32, items: u32, salt: u32, turn: u32, at_s: i64, bytes: u32) -> Self {
        Count { records, items, salt, turn, at_s, bytes, dealt: Dealt::default() }
    }

    /// The same, dealt to so many lanes beforehand; it may be asked for the share of others all the same.
    pub fn dealt(self, lanes: u32) -> Self {
        let mut dealt = Dealt { lanes, ..Dealt::default() };
        if lanes as usize > MOST_LANES || self.records > u32::from(u16::MAX) {
            return self;
        }
        let whole = Hand { from: 0, to: lanes, items: self.items.max(1), records: self.records };
        self.deal(whole, lanes, &mut dealt.shares);
        Count { dealt, ..self }
    }

    fn deal(&self, hand: Hand, lanes: u32, shares: &mut [u16; MOST_LANES]) {
        if hand.to - hand.from == 1 {
            // Not more than all, which fit.
            shares[hand.from as usize] = hand.records as u16;
        } else if hand.records > 0 {
            let (first, second) = self.halves(hand, lanes);
            self.deal(first, lanes, shares);
            self.deal(second, lanes, shares);
        }
    }

    /// The lanes of a hand are halved, again and again: of its items as many belong to the first half as
    /// hashing would place there, always the same ones; of the records as many as chance gives to that
    /// share of the items, anew for each parcel. So lanes are as uneven as if each item had been hashed
    /// and each record drawn, for the price of a few draws.
    fn halves(&self, hand: Hand, lanes: u32) -> (Hand, Hand) {
        let Hand { from, to, items, records } = hand;
        let middle = u32::midpoint(from, to);
        let what = u64::from(lanes) << 32 | u64::from(from) << 16 | u64::from(to);
        let half = f64::from(middle - from) / f64::from(to - from);
        let first = binomial(items, half, mix(u64::from(self.salt) << 32 ^ what));
        let share = f64::from(first) / f64::from(items.max(1));
        let turn = mix(u64::from(self.turn) << 32 | u64::from(self.salt));
        let dealt = binomial(records, share, mix(turn ^ what));
        (
            Hand { from, to: middle, items: first, records: dealt },
            Hand { from: middle, to, items: items - first, records: records - dealt },
        )
    }

    fn dealt_to(&self, lane: u32, lanes: u32) -> u32 {
        let mut hand = Hand { from: 0, to: lanes, items: self.items.max(1), records: self.records };
        while hand.to - hand.from > 1 && hand.records > 0 {
            let (first, second) = self.halves(hand, lanes);
            hand = if lane < first.to { first } else { second };
        }
        hand.records
    }
}

/// What the lanes from one to another hold together.
#[derive(Debug, Clone, Copy)]
struct Hand {
    from: u32,
    to: u32,
    items: u32,
    records: u32,
}

/// How many of `n` come true, each with this `chance`; `bits` is all the luck there is.
fn binomial(n: u32, chance: f64, bits: u64) -> u32 {
    if chance <= 0.0 || n == 0 {
        return 0;
    }
    if chance >= 1.0 {
        return n;
    }
    let mean = f64::from(n) * chance;
    let variance = mean * (1.0 - chance);
    if variance > MANY {
        // About normal: eight bytes, each even.
        let sum: u32 = bits.to_le_bytes().iter().map(|byte| u32::from(*byte)).sum();
        let normal = (f64::from(sum) - 1_020.0) / NORMAL_DEVIATION;
        return (mean + variance.sqrt() * normal + 0.5).clamp(0.0, f64::from(n)) as u32;
    }
    if chance > 0.5 {
        return n - binomial(n, 1.0 - chance, bits);
    }
    // Few: the chances of 0, 1, 2 … are added until the draw is reached. Plain arithmetic only, so that it
    // is the same on every machine.
    let odds = chance / (1.0 - chance);
    let mut exactly = (0..n).fold(1.0, |product, _| product * (1.0 - chance));
    let mut left = (bits >> 11) as f64 / (1u64 << 53) as f64;
    for k in 0..n {
        if left < exactly {
            return k;
        }
        left -= exactly;
        exactly *= odds * f64::from(n - k) / f64::from(k + 1);
    }
    n
}

impl Load for Count {
    fn share(&self, lane: u32, lanes: u32) -> u32 {
        if lanes <= 1 {
            return self.records;
        }
        if self.dealt.lanes == lanes {
            return self.dealt.shares.get(lane as usize).copied().map_or(0, u32::from);
        }
        self.dealt_to(lane, lanes)
    }

    fn without(&self, lanes: u32, done: &dyn Fn(u32) -> u32) -> Option<Self> {
        // Most entries are wholly before or wholly behind every lane, and need no dealing.
        let gone: u32 = (0..lanes)
            .map(|lane| match done(lane) {
                0 => 0,
                done => done.min(self.share(lane, lanes)),
            })
            .sum();
        if gone == 0 {
            return Some(*self).filter(|count| count.records > 0);
        }
        let records = self.records - gone;
        (records > 0).then_some(Count { records, dealt: Dealt::default(), ..*self })
    }

    fn at_s(&self) -> i64 {
        self.at_s
    }

    fn bytes(&self) -> u32 {
        self.bytes
    }
}

/// Parallelization factor at most (aws-facts §1.1).
const MOST_LANES: usize = 10;
/// From this variance on the normal distribution stands for the binomial one.
const MANY: f64 = 6.0;
/// Of the sum of eight bytes.
const NORMAL_DEVIATION: f64 = 209.021;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(records: u32, items: u32, turn: u32) -> Count {
        Count::new(records, items, 7, turn, 0, 1)
    }

    #[test]
    fn shares_add_up_and_few_items_fill_few_lanes() {
        for (records, items, lanes) in [(1000, 7, 10), (1, 1, 3), (999, 1000, 4), (5, 2, 2), (3, 100_000, 10)] {
            for turn in [0, 1 << 31, u32::MAX] {
                let count = count(records, items, turn);
                let shares: Vec<u32> = (0..lanes).map(|lane| count.share(lane, lanes)).collect();
                assert_eq!(shares.iter().sum::<u32>(), records);
                let dealt = count.dealt(lanes);
                assert!(
                    (0..lanes).all(|lane| dealt.share(lane, lanes) == shares[lane as usize]),
                    "as if asked one by one"
                );
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
    fn a_draw_has_the_mean_and_the_variance_of_the_binomial() {
        for (n, chance) in [(1, 0.5), (7, 0.2), (20, 0.5), (60, 0.05), (60, 0.4), (900, 0.9), (5_000, 0.3)] {
            let drawn: Vec<f64> = (0..40_000).map(|luck| f64::from(binomial(n, chance, mix(luck)))).collect();
            let (mean, wanted) = (drawn.iter().sum::<f64>() / 40_000.0, f64::from(n) * chance);
            let variance = drawn.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / 40_000.0;
            assert!((mean / wanted - 1.0).abs() < 0.015, "{n}, {chance}: {mean}");
            assert!((variance / (wanted * (1.0 - chance)) - 1.0).abs() < 0.04, "{n}, {chance}: {variance}");
        }
    }

    /// Items are hashed once and records drawn for each parcel, so over many parcels a lane's share varies
    /// by its items alone, and within one by its records too.
    #[test]
    fn a_lane_is_as_uneven_as_hashing_makes_it() {
        let even = |lanes: u32| 1.0 / f64::from(lanes);
        let (items, shards) = (400u32, 2_000u32);
        for (lanes, records) in [(5u32, 1_000_000u32), (2, 1_000_000), (10, 1_000_000), (5, 400), (10, 100)] {
            let shares = (0..shards).flat_map(|salt| {
                let count = Count::new(records, items, salt, salt, 0, 1);
                (0..lanes).map(move |lane| f64::from(count.share(lane, lanes)) / f64::from(records))
            });
            let each = even(lanes);
            let variance = shares.map(|share| (share - each).powi(2)).sum::<f64>() / f64::from(lanes * shards);
            let theory = each * (1.0 - each) * (1.0 / f64::from(items) + 1.0 / f64::from(records));
            assert!((0.9..1.1).contains(&(variance / theory)), "{lanes} lanes: {variance} against {theory}");
        }
    }
}
