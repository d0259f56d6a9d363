//! Counts against records: the same consumer, its figures known and not estimated, once as a rehearsal
//! and once record by record. Falls behind for half an hour, is given more lanes, drains.

use redrive::forecast::plant::{Change, StreamPlant};
use redrive::forecast::stream::{Span, run};
use redrive::forecast::track::drained_s;
use redrive::model::metric::{MetricKey, Stat};
use redrive::pipeline::Pipeline;
use redrive::pipeline::blueprint::Service;
use redrive::pipeline::distribution::Distribution;
use redrive::pipeline::request::{LambdaRequest, MappingUpdate, Request};
use redrive::pipeline::standard::standard;
use redrive::pipeline::stream::rules::Rules;

use super::case::{START, ask, mapping, read};

const SHARDS: u32 = 4;
const PER_S: u64 = 40;
const CHANGED_S: i64 = 1_800;
const LANES: (u32, u32) = (1, 4);
const BATCH: u32 = 50;
/// About the age at the change, and the drain.
const DEALT_S: u32 = 320 + 140;

/// What is compared: ages in seconds at the change and ten minutes later, and the drain.
#[derive(Debug, Default, Clone, Copy)]
pub struct Means {
    pub at_change_s: f64,
    pub later_s: f64,
    pub drained_s: f64,
}

impl Means {
    /// How far each figure is from the other's, as a share of it, and in seconds: ages, and the drain.
    pub fn apart(&self, other: &Means) -> [(f64, f64); 3] {
        let pairs =
            [(self.at_change_s, other.at_change_s), (self.later_s, other.later_s), (self.drained_s, other.drained_s)];
        pairs.map(|(ours, theirs)| ((ours / theirs - 1.0).abs(), (ours - theirs).abs()))
    }
}

pub fn counted(seeds: u64) -> Means {
    let rules = Rules {
        batch_size: BATCH,
        window_ms: 0,
        lanes: LANES.0,
        max_retries: None,
        max_age_s: None,
        bisect: false,
        partial: false,
    };
    let mut plant = StreamPlant::even(SHARDS, PER_S as f64, rules, service());
    // Nearly every record has an item of its own, and falls to its lane by chance: lanes are as uneven as
    // the records they are dealt, which are those of the backlog and of the minutes it drains in.
    plant.shards.iter_mut().for_each(|shard| shard.items = PER_S as u32 / SHARDS * DEALT_S);
    let change = Change { acts_after_ms: CHANGED_S * 1000, rules: Rules { lanes: LANES.1, ..rules } };
    mean(seeds, |seed| {
        let outcome = run(&plant, Some(change), seed, Span::whole(2 * 3_600_000), &|| true).expect("not cancelled");
        outcome.track.minutes().iter().map(|minute| minute.age_max_ms).collect()
    })
}

pub fn recorded(seeds: u64) -> Means {
    mean(seeds, |seed| {
        let mut blueprint = standard();
        blueprint.table.shards = SHARDS;
        blueprint.load.requests_per_ks = 0;
        blueprint.load.events_per_ks = PER_S * 1_000;
        blueprint.load.event_items = 1_000_000;
        blueprint.limits.transition_ms = Distribution::Fixed(1);
        blueprint.limits.linger_ms = Distribution::Fixed(1);
        blueprint.functions[2].service = service();
        let settings = &mut blueprint.mappings[1].settings;
        settings.batch_size = Some(BATCH);
        settings.parallelization_factor = Some(LANES.0);
        let mut pipeline = Pipeline::new(blueprint, seed, START).expect("it is sound");
        pipeline.handle_timeout(START.plus_s(CHANGED_S));
        let mapping = mapping(&mut pipeline);
        let update = MappingUpdate { parallelization_factor: Some(LANES.1), ..MappingUpdate::default() };
        ask(&mut pipeline, Request::Lambda(LambdaRequest::UpdateMapping { id: mapping.id.clone(), update }));
        pipeline.handle_timeout(START.plus_s(2 * 3_600 + 600));
        let key = MetricKey::lambda(&mapping.function, "IteratorAge", Stat::Maximum);
        let metrics = read(&mut pipeline, std::slice::from_ref(&key), START, START.plus_s(2 * 3_600));
        let series = metrics.get(&key).expect("it is published");
        (0..120)
            .map(|minute| series.between(START.plus_s(minute * 60), START.plus_s(minute * 60 + 60)).next().map(|p| p.1))
            .collect()
    })
}

fn service() -> Service {
    Service {
        per_run_us: Distribution::Uniform(500_000, 1_500_000),
        per_record_us: Distribution::Uniform(50_000, 150_000),
    }
}

/// From each seed's ages by the minute, milliseconds.
fn mean(seeds: u64, ages: impl Fn(u64) -> Vec<Option<f64>>) -> Means {
    let mut sum = Means::default();
    for seed in 0..seeds {
        let ages = ages(seed);
        let changed = (CHANGED_S / 60) as usize;
        let at = |minute: usize| ages.get(minute).copied().flatten().unwrap_or(0.0) / 1000.0;
        let after = ages.iter().enumerate().skip(changed).filter_map(|(n, age)| Some(((n - changed) as f64, (*age)?)));
        sum.at_change_s += at(changed - 1);
        sum.later_s += at(changed + 10);
        sum.drained_s += drained_s(after).unwrap_or(7_200.0);
    }
    let n = seeds as f64;
    Means { at_change_s: sum.at_change_s / n, later_s: sum.later_s / n, drained_s: sum.drained_s / n }
}
