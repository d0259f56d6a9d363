//! What may be behind what is seen. Of the lanes of now only the oldest, the youngest and the mean are
//! published: how many items there are, what each shard gets and what of it was chance is not. So worlds are
//! drawn, as likely each as what is usual makes it, and those are kept whose lanes lie apart as those seen do.

use rand_chacha::ChaCha8Rng;

use crate::forecast::chance::{normal, unit};
use crate::forecast::items::{Items, LEAST, Lanes, MOST, usual};
use crate::pipeline::rng::rng;

/// How far the busiest of the lanes seen lies above their mean, and the idlest below, as shares of the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Apart {
    pub(super) most: f64,
    pub(super) least: f64,
}

/// One way it may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct World {
    /// Of the whole stream.
    pub(super) items: f64,
    /// One entry a shard, the busiest first.
    pub(super) shards: Vec<Share>,
}

/// What one shard has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    /// Of what arrives, 1 being as much as any other.
    pub(super) gets: f64,
    /// How much more than the mean its lanes have got so far, chance included, as a share of how far the
    /// busiest and the idlest lane lie apart.
    pub(super) got: f64,
}

/// Worlds in which so many shards of as many lanes each would look like what is seen. `about` says which numbers
/// of items are worth a try; how likely one is, is weighed by what is usual.
pub(super) fn worlds(apart: Apart, lanes: &Lanes, shards: u32, about: Items) -> Vec<World> {
    let number = (lanes.number as usize).max(1);
    let drawn = (MOST_DRAWS / number).clamp(LEAST_DRAWN, MOST_DRAWN);
    let span = (about.error * FAR).max(1.0);
    let [low, high] = [-span, span].map(|off| (about.number.ln() + off).clamp(LEAST.ln(), MOST.ln()));
    let mut draws = rng(0, "rehearsal/worlds");
    let mut all: Vec<Draw> = (0..drawn)
        .map(|_| {
            let log = low + (high - low) * unit(&mut draws);
            Draw::of(&mut draws, log.exp(), lanes, number)
        })
        .collect();
    let distance = |draw: &Draw| draw.apart().distance(apart);
    if NEAREST < all.len() && number > 1 {
        all.select_nth_unstable_by(NEAREST, |a, b| distance(a).total_cmp(&distance(b)));
        all.truncate(NEAREST);
    }
    let mut left = 0.0;
    let each = all.iter().map(Draw::weight).sum::<f64>() / KEPT as f64;
    let mut kept = Vec::with_capacity(KEPT);
    for draw in &all {
        left += draw.weight();
        while left > each / 2.0 && kept.len() < KEPT {
            left -= each;
            kept.push(draw.world(&mut draws, lanes, shards as usize));
        }
    }
    kept
}

impl Apart {
    fn distance(self, seen: Apart) -> f64 {
        (self.most - seen.most).hypot(self.least - seen.least)
    }
}

/// A number of items, and what each lane got by them and by chance, off its mean.
struct Draw {
    items: f64,
    off: Vec<f64>,
}

impl Draw {
    fn of(draws: &mut ChaCha8Rng, items: f64, lanes: &Lanes, number: usize) -> Self {
        let deviation = (number as f64 / items + lanes.chance()).sqrt();
        let mut off: Vec<f64> = (0..number).map(|_| deviation * normal(draws)).collect();
        let mean = off.iter().sum::<f64>() / number as f64;
        off.iter_mut().for_each(|off| *off -= mean);
        Draw { items, off }
    }

    fn weight(&self) -> f64 {
        usual(self.items.ln())
    }

    fn apart(&self) -> Apart {
        let (most, least) =
            self.off.iter().fold((0.0f64, 0.0f64), |(most, least), off| (most.max(*off), least.min(*off)));
        Apart { most, least: -least }
    }

    /// Of what each lane is off, the items' part lasts, and chance has the rest.
    fn world(&self, draws: &mut ChaCha8Rng, lanes: &Lanes, shards: usize) -> World {
        let number = self.off.len();
        let (hashed, chance) = (number as f64 / self.items, lanes.chance());
        let lasting = hashed / (hashed + chance).max(f64::MIN_POSITIVE);
        let unknown = (lasting * chance).sqrt();
        let gets: Vec<f64> = self.off.iter().map(|off| lasting * off + unknown * normal(draws)).collect();
        let each = (number / shards.max(1)).max(1);
        let mean = |lanes: &[f64]| lanes.iter().sum::<f64>() / lanes.len() as f64;
        let apart = self.apart();
        let range = (apart.most + apart.least).max(f64::MIN_POSITIVE);
        let mut shards: Vec<Share> = gets
            .chunks(each)
            .zip(self.off.chunks(each))
            .map(|(gets, off)| Share { gets: (1.0 + mean(gets)).max(IDLEST), got: mean(off) / range })
            .collect();
        let mean = shards.iter().map(|share| share.gets).sum::<f64>() / shards.len() as f64;
        shards.iter_mut().for_each(|share| share.gets /= mean);
        shards.sort_by(|a, b| b.got.total_cmp(&a.got));
        World { items: self.items, shards }
    }
}

/// Worlds drawn: so many lanes in all, but so many worlds at least and at most.
const MOST_DRAWS: usize = 200_000;
const LEAST_DRAWN: usize = 2_000;
const MOST_DRAWN: usize = 10_000;
/// Numbers of items are tried up to so many errors from the likeliest.
const FAR: f64 = 4.0;
/// So many that look most like what is seen are weighed, and so many are kept.
const NEAREST: usize = 300;
const KEPT: usize = 200;
/// However few items there are, a shard gets something.
const IDLEST: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::rng::mix;

    const LANES: Lanes = Lanes { number: 16.0, records: 2e-4, runs: 1e-4 };

    /// What would be seen of a stream of so many items, and what each of its shards truly gets.
    fn seen(items: f64, seed: u64, shards: usize) -> (Apart, Vec<f64>) {
        let mut draws = rng(mix(seed), "test/worlds");
        let number = LANES.number as usize;
        let hashed: Vec<f64> = (0..number).map(|_| (number as f64 / items).sqrt() * normal(&mut draws)).collect();
        let off: Vec<f64> = hashed.iter().map(|off| off + LANES.chance().sqrt() * normal(&mut draws)).collect();
        let mean = off.iter().sum::<f64>() / number as f64;
        let apart = Draw { items, off: off.iter().map(|off| off - mean).collect() }.apart();
        let gets = hashed.chunks(number / shards).map(|lanes| 1.0 + lanes.iter().sum::<f64>() / lanes.len() as f64);
        (apart, gets.collect())
    }

    /// What is kept where that is seen.
    fn kept(apart: Apart, lanes: &Lanes, shards: u32) -> Vec<World> {
        worlds(apart, lanes, shards, Items::of(apart.most + apart.least, lanes))
    }

    fn middle(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    #[test]
    fn worlds_kept_are_such_as_what_is_seen_came_from() {
        for items in [2_000.0f64, 50_000.0] {
            let (mut held, mut off) = (0, Vec::new());
            for seed in 0..12 {
                let mut logs: Vec<f64> =
                    kept(seen(items, seed, 8).0, &LANES, 8).iter().map(|world| world.items.ln()).collect();
                logs.sort_by(f64::total_cmp);
                held += usize::from((logs[KEPT / 10]..logs[KEPT * 9 / 10]).contains(&items.ln()));
                off.push(logs[KEPT / 2] - items.ln());
            }
            assert!((6..=12).contains(&held), "{items} items: within the middle four fifths in {held} of 12");
            assert!(middle(off.clone()).abs() < 1.0, "{items} items: {off:?}");
        }
    }

    #[test]
    fn the_busiest_shard_is_known_as_far_as_its_lanes_are() {
        // A lane a shard: what is seen is the busiest shard's, less what of that was luck.
        for (items, lasts) in [(2_000.0, 0.9..1.1), (1_000_000.0, 0.0..0.6)] {
            let ratios = (0..5).map(|seed| {
                let (apart, _) = seen(items, seed, 16);
                let busiest = kept(apart, &LANES, 16).iter().map(|world| world.shards[0].gets - 1.0).collect();
                middle(busiest) / apart.most
            });
            let ratio = middle(ratios.collect());
            assert!(lasts.contains(&ratio), "{items} items: {ratio}");
        }
        let (apart, _) = seen(2_000.0, 3, 8);
        for world in kept(apart, &LANES, 8) {
            assert_eq!(world.shards.len(), 8);
            assert!((world.shards.iter().map(|share| share.gets).sum::<f64>() - 8.0).abs() < 1e-9);
            assert!(world.shards.is_sorted_by(|a, b| a.got >= b.got));
            assert!(world.shards.iter().all(|share| share.got.abs() <= 1.0), "no shard is further off than its lanes");
        }
    }

    #[test]
    fn lanes_further_apart_than_any_world_has_them_leave_the_nearest() {
        let all = kept(Apart { most: 3.0, least: 0.9 }, &LANES, 4);
        assert!(middle(all.iter().map(|world| world.items).collect()) < 100.0);
        assert!(all.iter().all(|world| world.shards.iter().all(|share| share.gets > 0.0)));
        let none = Lanes { number: 1.0, records: 1e-5, runs: 1e-5 };
        let one = kept(Apart { most: 0.0, least: 0.0 }, &none, 1);
        assert!(one.iter().all(|world| world.shards.len() == 1 && world.shards[0].gets == 1.0));
        assert!((middle(one.iter().map(|world| world.items.ln()).collect()) - 50_000.0f64.ln()).abs() < 0.5);
    }
}
