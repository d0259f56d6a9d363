//! Every candidate is run often enough for a band, on the threads there are: all with the same arrivals,
//! the same errors of estimate and the same delay until the change acts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::forecast::chance::{normal_at, stratum, unit};
use crate::forecast::plant::Ahead;
use crate::forecast::track::Track;
use crate::pipeline::blueprint::Service;
use crate::pipeline::distribution::{Distribution, below};
use crate::pipeline::rng::rng;

/// Told how many runs of how many are done, from any thread; answers whether to go on.
pub(super) type Progress<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// One run of a candidate, by its index and the number of the sample; `None` when it was told to stop.
pub(super) type One<'a> = &'a (dyn Fn(usize, u32, &dyn Fn() -> bool) -> Option<Track> + Sync);

/// All samples of all candidates that are not refused; by candidate, in order. `None` when `progress`
/// said no.
pub(super) fn run_all(refused: &[bool], samples: u32, one: One<'_>, progress: Progress<'_>) -> Option<Vec<Vec<Track>>> {
    let jobs: Vec<(usize, u32)> = (0..samples)
        .flat_map(|sample| (0..refused.len()).map(move |index| (index, sample)))
        .filter(|(index, _)| !refused[*index])
        .collect();
    let (next, done, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut found = Vec::new();
        while let Some((index, sample)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let go_on = || !stop.load(Ordering::Relaxed);
            let Some(track) = one(*index, *sample, &go_on) else { break };
            found.push((*index, *sample, track));
            if !progress(done.fetch_add(1, Ordering::Relaxed) + 1, jobs.len()) {
                stop.store(true, Ordering::Relaxed);
                break;
            }
        }
        found
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(jobs.len().max(1));
    let mut all: Vec<(usize, u32, Track)> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    if stop.load(Ordering::Relaxed) || all.len() < jobs.len() {
        return None;
    }
    all.sort_by_key(|(index, sample, _)| (*index, *sample));
    let mut by_candidate: Vec<Vec<Track>> = refused.iter().map(|_| Vec::new()).collect();
    all.into_iter().for_each(|(index, _, track)| by_candidate[index].push(track));
    Some(by_candidate)
}

/// One sample: how far off, in it, each estimate is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) seed: u64,
    /// Of how many this is one.
    pub(super) samples: u32,
    pub(super) number: u32,
    /// By which draw each quantity is off; where none is said, by a stratum of its own.
    pub(super) draw: Option<u32>,
}

impl Sample {
    /// Where between 0 and 1 a quantity lies.
    pub(super) fn share(&self, quantity: &str) -> f64 {
        match self.draw {
            Some(draw) => unit(&mut rng(self.seed, &format!("rehearsal/draw/{draw}/{quantity}"))),
            None => stratum(self.seed, quantity, self.number, self.samples),
        }
    }

    /// Whether nothing comes in it that nothing foretells.
    pub(super) fn is_quiet(number: u32) -> bool {
        number % 7 != 6
    }

    /// As far off as an estimate of this standard error may be.
    pub(super) fn off(&self, quantity: &str, error: f64) -> f64 {
        error * normal_at(self.share(quantity))
    }

    pub(super) fn crowding(&self, estimated: f64, error: f64) -> f64 {
        (estimated + self.off("crowding", error)).max(0.0)
    }

    /// What runs take, with a capacity as far off as it may be.
    pub(super) fn service(&self, estimated: &Service, capacity_error: f64) -> Service {
        let capacity = 1.0 + self.off("capacity", capacity_error);
        slower(estimated, 1.0 / capacity.max(0.2))
    }

    /// Milliseconds from an update until it acts; between the quantiles evenly.
    pub(super) fn acts_after_ms(&self) -> i64 {
        let place = self.share("acts after").clamp(0.0, 1.0) * (APPLIES_S.len() - 1) as f64;
        let [low, high] = [place.floor(), place.ceil()].map(|place| APPLIES_S[place as usize] as f64);
        ((low + (high - low) * place.fract()) * 1000.0) as i64
    }

    /// Nobody knows what comes: in one sample of seven something does, in turn a step in arrivals and a
    /// pause.
    pub(super) fn ahead(&self) -> Ahead {
        let mut draws = rng(self.seed, &format!("rehearsal/sample/{}", self.number));
        let from_ms = i64::try_from(below(&mut draws, SOON_MS)).unwrap_or(0);
        match (Sample::is_quiet(self.number), self.number / 7 % 2) {
            (true, _) => Ahead::default(),
            (false, 0) => Ahead { surge: Some((from_ms, SURGE)), ..Ahead::default() },
            (false, _) => Ahead { pause: Some((from_ms, from_ms + PAUSE_MS)), ..Ahead::default() },
        }
    }

    /// Of the run itself.
    pub(super) fn seed(&self) -> u64 {
        self.seed.wrapping_mul(1_000).wrapping_add(u64::from(self.number))
    }
}

fn slower(service: &Service, times: f64) -> Service {
    let scaled = |distribution: &Distribution| match distribution {
        Distribution::Fixed(us) => Distribution::Fixed((*us as f64 * times) as u64),
        Distribution::Exponential(us) => Distribution::Exponential((*us as f64 * times) as u64),
        Distribution::Uniform(low, high) => {
            Distribution::Uniform((*low as f64 * times) as u64, (*high as f64 * times) as u64)
        }
        Distribution::Quantiles(points) => {
            Distribution::Quantiles(points.iter().map(|us| (*us as f64 * times) as u64).collect())
        }
    };
    Service { per_run_us: scaled(&service.per_run_us), per_record_us: scaled(&service.per_record_us) }
}

/// What may come that nothing foretells: within the first hour, a third more records, or nobody to take
/// them for five minutes.
const SOON_MS: u64 = 3_600_000;
const SURGE: f64 = 1.33;
const PAUSE_MS: i64 = 300_000;
/// Seconds from an update until it acts: equally spaced quantiles. AWS says "several minutes"
/// (aws-facts §1.3); mostly it is less.
pub(super) const APPLIES_S: [u64; 5] = [5, 20, 40, 75, 165];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_after_each_run_and_whoever_hears_it_may_stop_it() {
        let told = AtomicUsize::new(0);
        let count = |_, of| {
            assert_eq!(of, 60, "four settings, fifteen samples");
            told.fetch_add(1, Ordering::Relaxed) < 5
        };
        let one = |_: usize, _: u32, go_on: &dyn Fn() -> bool| {
            // As long as it takes for the others to be told to stop.
            thread::yield_now();
            go_on().then(Track::default)
        };
        let refused = [false, false, true, false, false];
        assert!(run_all(&refused, 15, &one, &count).is_none(), "it was told to stop");
        // Others may be in the middle of a run when one is told to stop.
        let told = told.load(Ordering::Relaxed);
        assert!((6..30).contains(&told), "{told} runs were told");
        let all = run_all(&refused, 15, &one, &|_, _| true).expect("nobody stopped it");
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [15, 15, 0, 15, 15]);
    }
}
