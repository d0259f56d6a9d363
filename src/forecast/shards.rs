//! A stream's consumer: more lanes, or larger batches.

use crate::forecast::calibrate::{Calibration, calibrate};
use crate::forecast::candidate::{propose, usual};
use crate::forecast::consumer::{Consumer, Proposed, Unseen};
use crate::forecast::luck::{chosen, slowest_s};
use crate::forecast::outcome::Span;
use crate::forecast::plant::{Change, StreamPlant};
use crate::forecast::sampling::Sample;
use crate::forecast::sight::{Seen, Sight};
use crate::forecast::stream::run;
use crate::forecast::track::Track;
use crate::model::rehearsal::Setting;
use crate::model::time::Timestamp;
use crate::pipeline::stream::rules::Rules;

impl Consumer for Calibration {
    type Plant = StreamPlant;
    type Lever = Rules;
    type Change = Change;
    const SAMPLES: u32 = 30;

    fn calibrate(sight: &Sight<'_>, minutes: &[Seen], at: Timestamp) -> Result<Self, String> {
        calibrate(sight, minutes, at)
    }

    fn plant(&self) -> &StreamPlant {
        &self.plant
    }

    fn assumptions(&self) -> &[String] {
        &self.assumptions
    }

    fn usual(&self, sight: &Sight<'_>) -> Vec<Setting> {
        usual(sight, self)
    }

    fn propose(&self, sight: &Sight<'_>, setting: Setting) -> Proposed<Rules> {
        propose(sight, self, setting)
    }

    fn off(&self, rules: Rules, sample: &Sample) -> StreamPlant {
        let arrivals = 1.0 + sample.off("arrivals", self.arrivals_error);
        let mut plant = StreamPlant {
            ahead: sample.ahead(),
            crowding: sample.crowding(self.plant.crowding, self.crowding_error),
            service: sample.service(&self.plant.service, self.capacity_error),
            ..self.plant.clone()
        };
        if rules.lanes == plant.rules.lanes {
            let items = sample.off("items", self.items_error).exp();
            for shard in &mut plant.shards {
                shard.items = (f64::from(shard.items) * items).max(1.0) as u32;
            }
        } else {
            let world = (sample.share("world") * self.redealt.len() as f64) as usize;
            plant.shards.clone_from(self.redealt.get(world).unwrap_or(&self.plant.shards));
        }
        for shard in &mut plant.shards {
            shard.per_s *= arrivals.max(0.0);
        }
        plant.dealt = sample.draw.map(|draw| sample.seed.wrapping_mul(1_000_003).wrapping_add(u64::from(draw)));
        plant
    }

    fn samples(&self, rules: Rules, seed: u64, samples: u32) -> Vec<Sample> {
        chosen(seed, samples, |sample| {
            let acts_after_s = sample.acts_after_ms() as f64 / 1000.0;
            slowest_s(&self.off(rules, sample), &rules, acts_after_s)
        })
    }

    fn change(&self, rules: Rules, acts_after_ms: i64) -> Option<Change> {
        (rules != self.plant.rules).then_some(Change { acts_after_ms, rules })
    }

    fn play(
        plant: &StreamPlant,
        change: Option<Change>,
        seed: u64,
        span: Span,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Track> {
        run(plant, change, seed, span, go_on).map(|outcome| outcome.track)
    }

    fn published_ms(_: &Sight<'_>, minutes: &[Seen]) -> Vec<Option<f64>> {
        minutes.iter().map(|minute| minute.age_max_ms).collect()
    }

    fn arrivals_per_s(&self) -> f64 {
        self.plant.arrivals_per_s()
    }

    fn capacity_per_s(&self, rules: Rules) -> f64 {
        self.plant.capacity_per_s(&rules)
    }

    fn concurrency(&self) -> u32 {
        self.plant.concurrency
    }

    fn age_ms(&self) -> f64 {
        self.plant.shards.iter().map(|shard| shard.behind_ms).max().unwrap_or(0) as f64
    }

    fn unseen(&self) -> Option<Unseen> {
        self.unknown_beyond.map(|runs| Unseen { runs, step: STEP, far: STEP, share: f64::INFINITY })
    }
}

/// Where nothing says what more runs at a time do to each other, at most so many times those seen: a smaller
/// step first, which then shows it. Of ten lanes there are not many steps to make.
const STEP: f64 = 5.0;
