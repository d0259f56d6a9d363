//! What differs between the kinds of consumers that are rehearsed: what they publish, what their plant
//! is and what a setting changes of it. The rest of a rehearsal is the same for all, and `rehearse`'s.

use crate::forecast::outcome::Span;
use crate::forecast::sampling::Sample;
use crate::forecast::sight::{Seen, Sight};
use crate::forecast::track::Track;
use crate::model::mapping::MappingChange;
use crate::model::rehearsal::Setting;
use crate::model::time::Timestamp;

/// A consumer as it was calibrated.
pub(super) trait Consumer: Sized + Sync {
    type Plant;
    /// What of the plant a setting decides.
    type Lever: Copy + Sync;
    /// A change of that on its way.
    type Change;
    /// Runs of each setting that make a steady band: more where more is left to chance.
    const SAMPLES: u32;

    /// # Errors
    /// Why no plant can be made of what is seen, in a sentence.
    fn calibrate(sight: &Sight<'_>, minutes: &[Seen], at: Timestamp) -> Result<Self, String>;

    fn plant(&self) -> &Self::Plant;

    fn assumptions(&self) -> &[String];

    /// The settings rehearsed where none are asked for, today's first.
    fn usual(&self, sight: &Sight<'_>) -> Vec<Setting>;

    fn propose(&self, sight: &Sight<'_>, setting: Setting) -> Proposed<Self::Lever>;

    /// What its runs differ by, for one setting.
    fn samples(&self, _lever: Self::Lever, seed: u64, samples: u32) -> Vec<Sample> {
        (0..samples).map(|number| Sample { seed, samples, number, draw: None }).collect()
    }

    /// The plant as far off as the estimate may be; in one sample, for one setting.
    fn off(&self, lever: Self::Lever, sample: &Sample) -> Self::Plant;

    /// `None` where nothing is changed.
    fn change(&self, lever: Self::Lever, acts_after_ms: i64) -> Option<Self::Change>;

    /// `None` when `go_on` said no.
    fn play(
        plant: &Self::Plant,
        change: Option<Self::Change>,
        seed: u64,
        span: Span,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Track>;

    /// How old the oldest that waits was in these minutes, as published.
    fn published_ms(sight: &Sight<'_>, minutes: &[Seen]) -> Vec<Option<f64>>;

    fn arrivals_per_s(&self) -> f64;

    fn capacity_per_s(&self, lever: Self::Lever) -> f64;

    /// Runs its function may have at a time.
    fn concurrency(&self) -> u32;

    /// How old the oldest that waits is now.
    fn age_ms(&self) -> f64;

    /// What more runs at a time would do to each other, as far as it is not known.
    fn unseen(&self) -> Option<Unseen>;

    /// Why nothing is recommended, though it is rehearsed.
    fn not_sure(&self) -> Option<String> {
        None
    }
}

/// How many runs at a time were seen, and what is not known of more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unseen {
    pub(super) runs: f64,
    /// So many times as many is a small step, and so many the largest to be thought of.
    pub(super) step: f64,
    pub(super) far: f64,
    /// A run may well take this share of its time longer for each other, and it would not have been seen.
    pub(super) share: f64,
}

/// A setting to rehearse.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Proposed<L> {
    pub(super) setting: Setting,
    pub(super) change: MappingChange,
    pub(super) lever: L,
    pub(super) duration_p99_ms: f64,
    pub(super) refused: Option<String>,
}
