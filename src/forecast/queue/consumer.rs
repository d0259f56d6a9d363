//! A queue's consumer: more or fewer runs at a time.

use crate::forecast::consumer::{Consumer, Proposed, Unseen};
use crate::forecast::outcome::Span;
use crate::forecast::queue::calibrate::{Calibration, calibrate};
use crate::forecast::queue::candidate::{propose, usual};
use crate::forecast::queue::inflow::Flow;
use crate::forecast::queue::plant::{QueueChange, QueuePlant};
use crate::forecast::queue::run::run;
use crate::forecast::queue::watched::watched;
use crate::forecast::sampling::Sample;
use crate::forecast::sight::{Seen, Sight};
use crate::forecast::track::Track;
use crate::model::rehearsal::Setting;
use crate::model::time::Timestamp;

impl Consumer for Calibration {
    type Plant = QueuePlant;
    /// MaximumConcurrency, where there is one.
    type Lever = Option<u32>;
    type Change = QueueChange;
    const SAMPLES: u32 = 15;

    fn calibrate(sight: &Sight<'_>, minutes: &[Seen], at: Timestamp) -> Result<Self, String> {
        calibrate(sight, minutes, at)
    }

    fn plant(&self) -> &QueuePlant {
        &self.plant
    }

    fn assumptions(&self) -> &[String] {
        &self.assumptions
    }

    fn usual(&self, sight: &Sight<'_>) -> Vec<Setting> {
        usual(sight, self)
    }

    fn propose(&self, sight: &Sight<'_>, setting: Setting) -> Proposed<Option<u32>> {
        propose(sight, self, setting)
    }

    fn off(&self, _: Option<u32>, sample: &Sample) -> QueuePlant {
        let Flow { per_s, chain, backlog_brings } = self.inflow.flow(&|quantity, error| sample.off(quantity, error));
        QueuePlant {
            per_s,
            chain,
            backlog_brings,
            ahead: sample.ahead(),
            crowding: sample.crowding(self.plant.crowding, self.crowding.error()),
            service: sample.service(&self.plant.service, self.capacity_error),
            ..self.plant.clone()
        }
    }

    fn change(&self, max_concurrency: Option<u32>, acts_after_ms: i64) -> Option<QueueChange> {
        let changed = max_concurrency != self.plant.settings.max_concurrency;
        changed.then_some(QueueChange { acts_after_ms, max_concurrency })
    }

    fn play(
        plant: &QueuePlant,
        change: Option<QueueChange>,
        seed: u64,
        span: Span,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Track> {
        run(plant, change, seed, span, go_on).map(|outcome| outcome.track)
    }

    fn published_ms(sight: &Sight<'_>, minutes: &[Seen]) -> Vec<Option<f64>> {
        watched(sight, minutes.to_vec()).iter().map(|minute| minute.oldest_ms).collect()
    }

    fn arrivals_per_s(&self) -> f64 {
        self.plant.arrivals_per_s()
    }

    fn capacity_per_s(&self, max_concurrency: Option<u32>) -> f64 {
        self.plant.capacity_per_s(max_concurrency)
    }

    fn concurrency(&self) -> u32 {
        self.plant.concurrency
    }

    fn age_ms(&self) -> f64 {
        self.oldest_ms
    }

    fn unseen(&self) -> Option<Unseen> {
        let seen = |(most, share): (f64, f64)| Unseen { runs: most.max(self.runs_now), step: STEP, far: FAR, share };
        self.crowding.unseen().map(seen)
    }

    fn not_sure(&self) -> Option<String> {
        self.inflow.not_sure().or_else(|| self.crowding.not_sure())
    }
}

/// Where nothing says what more runs at a time do to each other, at most so many times those seen: a limit can
/// be raised step by step, and each shows what the next will do.
const STEP: f64 = 3.0;
/// At most so many where it would drain even so.
const FAR: f64 = 5.0;
