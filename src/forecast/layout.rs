//! Shards for a rehearsal, from what is known of the busiest and the idlest lane.

use crate::forecast::ages::Ages;
use crate::forecast::chance::normal_at;
use crate::forecast::items::expected_range;
use crate::forecast::loads::Loads;
use crate::forecast::plant::ShardLoad;
use crate::forecast::worlds::{Share, World, worlds};

/// Shards as they may be where lanes are dealt anew: one entry a world, each as likely as any other. `batches`
/// as for [`shard_loads`].
pub(super) fn redealt(
    ages: &Ages,
    loads: &Loads,
    shards: u32,
    lanes: u32,
    batches: Option<f64>,
) -> Vec<Vec<ShardLoad>> {
    let Some((apart, seen)) = loads.apart else {
        let all = shard_loads(ages, loads, shards, batches, shared(shards, lanes));
        let items = |n: u32| {
            let off = loads.items.error * normal_at((f64::from(n) + 0.5) / f64::from(UNSEEN));
            let of =
                |load: &ShardLoad| ShardLoad { items: (f64::from(load.items) * off.exp()).max(1.0) as u32, ..*load };
            all.iter().map(of).collect()
        };
        return (0..UNSEEN).map(items).collect();
    };
    let middle = f64::midpoint(loads.worst_per_s, loads.best_per_s);
    let each = loads.written.map_or(middle, |(per_s, _)| per_s / f64::from(shards.max(1)));
    let centre_ms = centre_ms(ages);
    let of = |world: &World| {
        let load = |share: &Share| {
            let per_s = each * share.gets;
            let age_ms = centre_ms + share.got * (ages.max_ms - ages.min_ms);
            let items = (world.items / f64::from(shards.max(1))).clamp(1.0, f64::from(u32::MAX)) as u32;
            ShardLoad { per_s, behind_ms: behind_ms(age_ms, per_s, batches), items }
        };
        world.shards.iter().map(load).collect()
    };
    worlds(apart, &seen, shards, loads.items).iter().map(of).collect()
}

/// How far behind a shard is by its age and what its lanes hold; one that is up to date not at all.
fn behind_ms(age_ms: f64, per_s: f64, batches: Option<f64>) -> i64 {
    let held_ms = batches.map_or(0.0, |records| records / per_s.max(1e-9) * 1000.0);
    let behind_ms = age_ms + held_ms;
    if behind_ms < 1_000.0 { 0 } else { behind_ms.round() as i64 }
}

/// The mean age, or the middle where no mean is published.
fn centre_ms(ages: &Ages) -> f64 {
    let centre_ms = ages.mean_s(0.0).map_or(f64::midpoint(ages.max_ms, ages.min_ms), |s| s * 1000.0);
    centre_ms.clamp(ages.min_ms.min(ages.max_ms), ages.max_ms)
}

/// The worst shard, the best, and the others between, so that their mean age is the one published. `batches` are
/// the records that a shard's lanes hold, where they always hold some: the age is that of the last record sent,
/// behind which half a batch is gathered already, and of those sent half are not handled yet. `apart` is how far
/// shards are from their mean, as a share of how far lanes are: all of it where lanes stay, less where they are
/// dealt anew (see [`shared`]).
pub(super) fn shard_loads(ages: &Ages, loads: &Loads, shards: u32, batches: Option<f64>, apart: f64) -> Vec<ShardLoad> {
    let middle = f64::midpoint(loads.worst_per_s, loads.best_per_s);
    let all = loads.written.map_or(middle * f64::from(shards), |(per_s, _)| per_s);
    let centre_ms = centre_ms(ages);
    let places = places(shards, (ages.max_ms - centre_ms) / (ages.max_ms - ages.min_ms).max(1.0));
    let between = |worst: f64, best: f64, place: f64| worst + (best - worst) * place;
    let place = places.iter().sum::<f64>() / f64::from(shards.max(1));
    let (mean_ms, mean_per_s) =
        (between(ages.max_ms, ages.min_ms, place), between(loads.worst_per_s, loads.best_per_s, place));
    let even = if mean_per_s > 0.0 { all / (mean_per_s * f64::from(shards)) } else { 0.0 };
    places
        .into_iter()
        .map(|place| {
            let per_s = match (shards, loads.written) {
                (1, Some(_)) => all,
                (1, None) if apart == 1.0 => loads.worst_per_s,
                (1, None) => middle,
                _ => {
                    let off = between(loads.worst_per_s, loads.best_per_s, place) - mean_per_s;
                    (mean_per_s + off * apart) * even
                }
            };
            let off_ms = between(ages.max_ms, ages.min_ms, place) - mean_ms;
            let behind_ms = behind_ms(centre_ms + off_ms * apart, per_s, batches);
            ShardLoad { per_s, behind_ms, items: loads.items.a_shard(shards) }
        })
        .collect()
}

/// Where between the worst and the best each shard is, from 0 to 1, so that they are there on the average.
fn places(shards: u32, mean: f64) -> Vec<f64> {
    let last = f64::from(shards.saturating_sub(1)).max(1.0);
    let of = |bent: f64| (0..shards).map(|number| (f64::from(number) / last).powf(bent)).collect::<Vec<f64>>();
    let (mut low, mut high) = (1.0 / MOST_BENT, MOST_BENT);
    for _ in 0..30 {
        let bent = f64::sqrt(low * high);
        if of(bent).iter().sum::<f64>() > mean * f64::from(shards) { low = bent } else { high = bent }
    }
    of(low)
}

/// Lanes dealt anew share what those of their shard had: so far are shards from their mean then, as a share
/// of how far lanes were. Items are hashed to shards as they are to lanes, and fewer are less far apart.
pub(super) fn shared(shards: u32, lanes: u32) -> f64 {
    if shards <= 1 || lanes <= 1 {
        return if lanes <= 1 { 1.0 } else { 0.0 };
    }
    let (shards, all) = (f64::from(shards), f64::from(shards * lanes));
    expected_range(shards) / expected_range(all) * ((shards - 1.0) / (all - 1.0)).sqrt()
}

/// Numbers of items tried where lanes do not tell.
const UNSEEN: u32 = 50;
/// How far from even shards may lie between the worst and the best.
const MOST_BENT: f64 = 4.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::items::Items;
    use crate::forecast::loads::tests::minutes;
    use crate::forecast::sight::Seen;
    use crate::model::time::Timestamp;

    /// The worst shard has half as much again as the best; so much is written a second.
    fn uneven(written_per_s: f64) -> Loads {
        Loads {
            worst_per_s: 12.0,
            best_per_s: 8.0,
            out_per_s: 10.0,
            slope: 0.5,
            items: Items::default(),
            apart: None,
            written: Some((written_per_s, 30)),
        }
    }

    #[test]
    fn shards_are_as_old_on_the_average_as_was_published() {
        for mean in [0.3, 0.5, 0.7] {
            let places = places(8, mean);
            assert!((places.iter().sum::<f64>() / 8.0 - mean).abs() < 1e-6, "{places:?}");
            assert!(places[0] == 0.0 && places[7] == 1.0 && places.is_sorted(), "the worst first, the best last");
        }
        // Six of eight lanes are nearly as old as the oldest.
        let skewed = minutes(30, 0.0, 0.02)
            .into_iter()
            .map(|seen| Seen { age_avg_ms: seen.age_avg_ms.map(|ms| ms + 6_000.0), ..seen });
        let ages = Ages::of(&skewed.collect::<Vec<_>>(), Timestamp::from_s(1_800));
        let loads = uneven(80.0);
        let shards = shard_loads(&ages, &loads, 8, None, 1.0);
        let mean_s = shards.iter().map(|shard| shard.behind_ms as f64 / 8_000.0).sum::<f64>();
        let published_s = ages.mean_s(0.0).expect("published");
        assert!((mean_s - published_s).abs() < 0.1, "{mean_s} s against {published_s} s");
        assert!((shards[0].behind_ms as f64 - ages.max_ms).abs() < 1.0, "the oldest is as old as it is");
        assert!((shards.iter().map(|shard| shard.per_s).sum::<f64>() - 80.0).abs() < 1e-6, "{shards:?}");
    }

    #[test]
    fn lanes_dealt_anew_share_what_their_shard_had() {
        assert_eq!((shared(4, 1), shared(1, 2), shared(1, 1)), (1.0, 0.0, 1.0));
        assert!((0.3..0.4).contains(&shared(2, 2)) && (0.45..0.6).contains(&shared(8, 2)));
        let ages = Ages::of(&minutes(30, 0.0, 0.02), Timestamp::from_s(1_800));
        let loads = uneven(40.0);
        let apart = |part: f64| {
            let shards = shard_loads(&ages, &loads, 4, None, part);
            assert!((shards.iter().map(|shard| shard.per_s).sum::<f64>() - 40.0).abs() < 1e-6, "{shards:?}");
            (shards[0].per_s - shards[3].per_s, shards[0].behind_ms - shards[3].behind_ms)
        };
        let (whole, half, none) = (apart(1.0), apart(0.5), apart(0.0));
        assert!((whole.0 - 4.0).abs() < 1e-6 && (half.0 - 2.0).abs() < 1e-6 && none.0.abs() < 1e-6);
        assert!((35_000..37_000).contains(&whole.1) && (half.1 * 2 - whole.1).abs() < 10 && none.1 == 0);
    }
}
