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
const PER_S: u64 = 60;
const CHANGED_S: i64 = 1_800;
const LANES: (u32, u32) = (1, 4);
const BATCH: u32 = 50;
/// More than there are records.
const ITEMS: u32 = 1_000_000;

/// What is compared, seconds: the age at the change and five minutes later, halfway through the drain (towards
/// its end the age is the small difference of what the slowest lane got and did, and says more of chance), and
/// the drain.
#[derive(Debug, Default, Clone, Copy)]
pub struct Means(pub [Mean; 3]);

/// Over seeds, with its standard error.
#[derive(Debug, Default, Clone, Copy)]
pub struct Mean {
    pub s: f64,
    pub error_s: f64,
}

/// How far two means are from each other: as a share, in seconds, and the standard error of that.
#[derive(Debug, Clone, Copy)]
pub struct Apart {
    pub share: f64,
    pub s: f64,
    pub error_s: f64,
}

impl Apart {
    /// Within 2 % or 1 s.
    pub fn is_close(&self) -> bool {
        self.share <= 0.02 || self.s <= 1.0
    }
}

impl Means {
    pub fn apart(&self, other: &Means) -> [Apart; 3] {
        [0, 1, 2].map(|n| {
            let (ours, theirs) = (self.0[n], other.0[n]);
            Apart {
                share: (ours.s / theirs.s - 1.0).abs(),
                s: (ours.s - theirs.s).abs(),
                error_s: ours.error_s.hypot(theirs.error_s),
            }
        })
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
    // Nearly every record has an item of its own.
    plant.shards.iter_mut().for_each(|shard| shard.items = ITEMS / SHARDS);
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
        blueprint.load.event_items = ITEMS;
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
    let seen: Vec<[f64; 3]> = (0..seeds)
        .map(|seed| {
            let ages = ages(seed);
            let changed = (CHANGED_S / 60) as usize;
            let at = |minute: usize| ages.get(minute).copied().flatten().unwrap_or(0.0) / 1000.0;
            let after =
                ages.iter().enumerate().skip(changed).filter_map(|(n, age)| Some(((n - changed) as f64, (*age)?)));
            [at(changed - 1), at(changed + 5), drained_s(after).unwrap_or(7_200.0)]
        })
        .collect();
    let n = seeds as f64;
    Means([0, 1, 2].map(|figure| {
        let s = seen.iter().map(|seen| seen[figure]).sum::<f64>() / n;
        let variance = seen.iter().map(|seen| (seen[figure] - s).powi(2)).sum::<f64>() / (n - 1.0);
        Mean { s, error_s: (variance / n).sqrt() }
    }))
}
