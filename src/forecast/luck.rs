//! How long a drain takes hangs on luck that few runs hold too much or too little of: which items fall to
//! which lane, how far off every estimate is, when the change acts. So many more draws are made than there
//! are runs, put in the order of how long the slowest lane of each would take as a fluid, and the runs get
//! evenly spaced ones: their median and their tenths are those of all draws.

use crate::forecast::plant::StreamPlant;
use crate::forecast::sampling::Sample;
use crate::forecast::stream::salt;
use crate::pipeline::stream::Load;
use crate::pipeline::stream::count::Count;
use crate::pipeline::stream::rules::Rules;

/// The samples of a setting; `drains_s` says about how long one will take. Those in which something comes
/// that nothing foretells are spaced evenly by themselves.
pub(super) fn chosen(seed: u64, samples: u32, drains_s: impl Fn(&Sample) -> f64) -> Vec<Sample> {
    let drawn = |number: u32, draw: u32| Sample { seed, samples, number, draw: Some(draw) };
    let mut draws: Vec<(f64, u32)> = (0..DRAWS).map(|draw| (drains_s(&drawn(0, draw)), draw)).collect();
    draws.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let quiet = (0..samples).filter(|number| Sample::is_quiet(*number)).count();
    let (mut nth, of) = ([0, 0], [quiet, samples as usize - quiet]);
    (0..samples)
        .map(|number| {
            let kind = usize::from(!Sample::is_quiet(number));
            let place = (nth[kind] as f64 + 0.5) / of[kind] as f64;
            nth[kind] += 1;
            drawn(number, draws[(place * draws.len() as f64) as usize].1)
        })
        .collect()
}

/// About how many seconds the slowest lane needs under `rules`, which act after `acts_after_s`. One that never
/// ends needs the longer the less it can handle of what it gets.
pub(super) fn slowest_s(plant: &StreamPlant, rules: &Rules, acts_after_s: f64) -> f64 {
    let shards = plant.shards.len().max(1) as f64;
    let lanes = rules.lanes.max(1);
    let lane_per_s = (plant.capacity_per_s(rules) / (f64::from(lanes) * shards)).max(f64::MIN_POSITIVE);
    let shard_per_s = plant.capacity_per_s(&plant.rules) / shards;
    let of_shards = plant.shards.iter().zip(0u32..).map(|(shard, number)| {
        let dealt = Count::new(ALL, shard.items, salt(plant.dealt.unwrap_or(0), number), 0, 0, 0);
        let most = (0..lanes).map(|lane| dealt.share(lane, lanes)).max().unwrap_or(0);
        let share = f64::from(most) / f64::from(ALL);
        let by_then = plant.backlog(shard.per_s, shard.behind_ms) + (shard.per_s - shard_per_s) * acts_after_s;
        let gets_per_s = shard.per_s * share;
        if gets_per_s >= lane_per_s {
            return NEVER_S * gets_per_s / lane_per_s;
        }
        acts_after_s + (by_then.max(0.0) * share / (lane_per_s - gets_per_s)).min(NEVER_S)
    });
    of_shards.fold(0.0, f64::max)
}

/// Draws made, of which samples are chosen.
const DRAWS: u32 = 500;
/// So many records that their own chance does not count.
const ALL: u32 = 1_000_000_000;
const NEVER_S: f64 = 1e9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::blueprint::Service;
    use crate::pipeline::distribution::Distribution;

    fn rules(lanes: u32) -> Rules {
        Rules { batch_size: 50, window_ms: 0, lanes, max_retries: None, max_age_s: None, bisect: false, partial: false }
    }

    /// Four shards half an hour behind: two lanes handle 100 records a second, 120 come.
    fn plant(items: u32) -> StreamPlant {
        let service =
            Service { per_run_us: Distribution::Fixed(3_500_000), per_record_us: Distribution::Fixed(10_000) };
        let mut plant = StreamPlant::even(4, 120.0, rules(2), service);
        plant.shards.iter_mut().for_each(|shard| (shard.behind_ms, shard.items) = (1_800_000, items));
        plant
    }

    fn middle(mut all: Vec<f64>) -> f64 {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }

    #[test]
    fn a_fluid_of_even_lanes_drains_as_arithmetic_has_it() {
        // 216,000 and 20 a second for a minute, by 250 a second less 120, of which each lane has the same.
        let drained_s = slowest_s(&plant(1_000_000_000), &rules(5), 60.0);
        let theory_s = 60.0 + (216_000.0 + 20.0 * 60.0) / 130.0;
        assert!((drained_s / theory_s - 1.0).abs() < 0.01, "{drained_s} s against {theory_s} s");
        let uneven = slowest_s(&plant(200), &rules(5), 60.0);
        assert!(uneven > 1.2 * theory_s, "{uneven} s");
        assert!(slowest_s(&plant(1_000_000_000), &rules(2), 60.0) > NEVER_S);
    }

    #[test]
    fn samples_have_the_luck_of_many_more() {
        let plant = plant(2_000);
        let of = |sample: &Sample| {
            let plant =
                StreamPlant { dealt: sample.draw.map(|draw| sample.seed << 32 | u64::from(draw)), ..plant.clone() };
            slowest_s(&plant, &rules(5), sample.acts_after_ms() as f64 / 1000.0)
        };
        let free = |seed, draws: u32| {
            let draw = |draw| Sample { seed, samples: draws, number: 0, draw: Some(draw) };
            middle((0..draws).map(|n| of(&draw(n))).collect())
        };
        let truth = free(1_000, 4_000);
        let mut off = (0.0f64, 0.0f64);
        for seed in 1..10 {
            let all = chosen(seed, 30, of);
            let quiet = all.iter().filter(|sample| Sample::is_quiet(sample.number)).map(of).collect();
            off = (off.0 + (middle(quiet) / truth).ln().powi(2), off.1 + (free(seed, 26) / truth).ln().powi(2));
        }
        assert!(off.0 * 4.0 < off.1, "squares off, chosen and drawn freely: {off:?}");
    }

    #[test]
    fn what_nothing_foretells_comes_to_the_lucky_and_the_unlucky_alike() {
        let all = chosen(1, 30, |sample| f64::from(sample.draw.unwrap_or(0)));
        let draws = |quiet: bool| {
            all.iter().filter(move |sample| Sample::is_quiet(sample.number) == quiet).filter_map(|sample| sample.draw)
        };
        assert_eq!(draws(false).collect::<Vec<_>>(), [62, 187, 312, 437]);
        assert!(
            draws(true).count() == 26 && draws(true).is_sorted() && draws(true).sum::<u32>().abs_diff(26 * 250) < 50
        );
        assert_eq!(chosen(1, 1, |_| 1.0).len(), 1, "one run is the middle one");
    }
}
