//! How many different items a stream's records belong to. Lanes cannot share an item, so the fewer there
//! are, the more uneven lanes will be, and the last one ends a drain. No metric counts items: how far apart
//! the lanes of now are says something, chance takes some of that away, and what is usual counts beside it.

use crate::forecast::chance::normal_at;

/// The lanes whose ages were seen, and what differs between them by chance alone, as relative variances: how
/// many records happened to come, were they drawn by lot, and how long runs happened to take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lanes {
    pub(super) number: f64,
    pub(super) records: f64,
    pub(super) runs: f64,
}

impl Lanes {
    /// So much less chance, as a share.
    pub(super) fn over(self, share: f64) -> Self {
        Lanes { records: self.records * share, runs: self.runs * share, ..self }
    }

    pub(super) fn chance(&self) -> f64 {
        self.records + self.runs
    }
}

/// Items of a whole stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Items {
    pub(super) number: f64,
    /// It is known to this power of e.
    pub(super) error: f64,
}

impl Default for Items {
    fn default() -> Self {
        Items { number: USUAL, error: USUAL_ERROR }
    }
}

impl Items {
    /// From the distance between what the busiest and the idlest lane get, as a share of the mean. Each
    /// number of items is as likely as what is usual makes it, times the chance of such a distance: items are
    /// hashed to the lanes, so lanes vary by `lanes ÷ items` beside chance.
    pub(super) fn of(range: f64, lanes: &Lanes) -> Self {
        let n = lanes.number;
        if n < 2.0 || !range.is_finite() {
            return Items::default();
        }
        let range = range.max(TOGETHER);
        let steps = ((MOST.ln() - LEAST.ln()) / STEP) as u32;
        let tried = (0..=steps).map(|step| {
            let log = LEAST.ln() + STEP * f64::from(step);
            let deviation = ((n - 1.0) / log.exp() + lanes.chance()).sqrt();
            (log, likelihood(range / deviation, n) - deviation.ln() + usual(log).ln())
        });
        let best = tried.clone().map(|(_, likely)| likely).fold(f64::NEG_INFINITY, f64::max);
        let weighed = tried.map(|(log, likely)| (log, (likely - best).exp()));
        let [all, first, second] = weighed.fold([0.0; 3], |[all, first, second], (log, weight)| {
            [all + weight, first + weight * log, second + weight * log * log]
        });
        let mean = first / all;
        Items { number: mean.exp(), error: (second / all - mean * mean).max(0.0).sqrt() }
    }

    /// Of one shard of so many.
    pub(super) fn a_shard(self, shards: u32) -> u32 {
        (self.number / f64::from(shards)).clamp(2.0, MOST) as u32
    }

    /// What share of the distance between lanes lasts: what is not chance.
    pub(super) fn lasting(self, lanes: &Lanes) -> f64 {
        let hashed = (lanes.number - 1.0).max(0.0) / self.number;
        if hashed + lanes.chance() > 0.0 { hashed / (hashed + lanes.chance()) } else { 1.0 }
    }
}

/// How likely items are of this number, by its logarithm, as a share of the likeliest: Student's distribution
/// with three degrees of freedom, since far from the usual nothing is ruled out.
pub(super) fn usual(log: f64) -> f64 {
    let off = (log - USUAL.ln()) / USUAL_ERROR;
    (1.0 + off * off / 3.0).powi(-2)
}

/// Of `n` normal draws, in standard deviations (Blom).
pub(super) fn expected_range(n: f64) -> f64 {
    2.0 * normal_at((n - 0.375) / (n + 0.25))
}

/// The logarithm, but for a constant, of how likely `n` normal draws lie so many standard deviations apart:
/// about a gamma distribution with the known mean and deviation of that range.
fn likelihood(range: f64, n: f64) -> f64 {
    let mean = expected_range(n);
    let deviation = (0.9 - 0.06 * n.ln()).max(0.5);
    let shape = (mean / deviation).powi(2);
    (shape - 1.0) * range.ln() - range * shape / mean
}

/// Items of a stream, where nothing says how many there are, and the power of e to which that is known.
const USUAL: f64 = 50_000.0;
const USUAL_ERROR: f64 = 1.5;
/// No two lanes are closer than chance puts them; that they were measured so says no more than this does.
const TOGETHER: f64 = 1e-6;
/// What is tried, in steps of this power of e.
pub(super) const LEAST: f64 = 2.0;
pub(super) const MOST: f64 = 10_000_000.0;
const STEP: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::chance::normal;
    use crate::pipeline::rng::{mix, rng};

    /// Lanes as uneven as hashing and chance make them, many times over.
    fn guesses(items: f64, number: u32, chance: f64) -> Vec<Items> {
        let n = f64::from(number);
        (0..400)
            .map(|seed| {
                let mut draws = rng(mix(seed), "test/items");
                let lanes: Vec<f64> = (0..number).map(|_| normal(&mut draws)).collect();
                let ends = lanes.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
                let range = (ends.1 - ends.0) * ((n - 1.0) / items + chance).sqrt();
                Items::of(range, &Lanes { number: n, records: 0.0, runs: chance })
            })
            .collect()
    }

    #[test]
    fn many_lanes_say_how_many_items_there_are_and_few_say_that_they_do_not_know() {
        for (items, lanes, chance) in
            [(64.0, 16, 1e-5), (5_000.0, 32, 1e-4), (5_000.0, 16, 1e-4), (300_000.0, 32, 1e-5)]
        {
            let guesses = guesses(items, lanes, chance);
            let mut off: Vec<f64> = guesses.iter().map(|guess| (guess.number / items).ln()).collect();
            off.sort_by(f64::total_cmp);
            assert!(off[200].abs() < 0.5, "{items} items, {lanes} lanes: off by {} in the middle", off[200]);
            let known = guesses.iter().filter(|guess| (guess.number / items).ln().abs() < 1.3 * guess.error).count();
            assert!((260..=399).contains(&known), "{items} items, {lanes} lanes: {known} of 400 within 1.3 errors");
        }
        let nothing = Items::of(0.1, &Lanes { number: 1.0, records: 0.0, runs: 1e-4 });
        assert_eq!(nothing, Items::default());
        // Chance alone would put them so far apart: then there are many, as usual, or more.
        let lanes = Lanes { number: 8.0, records: 0.0, runs: 1e-2 };
        assert!(Items::of(0.25, &lanes).number > 30_000.0);
        assert!(Items::of(2.0, &lanes).number < 200.0);
        assert!(Items::of(0.25, &lanes).lasting(&lanes) < 0.1 && Items::of(2.0, &lanes).lasting(&lanes) > 0.8);
    }

    #[test]
    fn a_shard_has_its_part_of_them() {
        assert_eq!(Items { number: 1_000.0, error: 0.5 }.a_shard(4), 250);
        assert_eq!(Items { number: 3.0, error: 0.5 }.a_shard(16), 2);
    }
}
