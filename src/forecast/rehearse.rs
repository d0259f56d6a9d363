//! Rehearses a consumer: each candidate is run often enough for a band, all with the same arrivals,
//! the same errors of estimate and the same delay until the change acts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rand_chacha::ChaCha8Rng;

use crate::forecast::backtest::backtest;
use crate::forecast::calibrate::{Calibration, WINDOW_MIN, calibrate};
use crate::forecast::candidate::{Proposed, propose, usual};
use crate::forecast::chance::normal;
use crate::forecast::judge::{Known, recommend};
use crate::forecast::plant::{Ahead, Change, StreamPlant};
use crate::forecast::sight::Sight;
use crate::forecast::stream::{Span, StreamOutcome, run};
use crate::model::rehearsal::{Band, COURSE_MIN, Candidate, Forecast, HORIZON_S, Rehearsal};
use crate::pipeline::blueprint::Service;
use crate::pipeline::distribution::{Distribution, below};
use crate::pipeline::rng::rng;

/// What to rehearse, and how thoroughly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Parallelization factor and batch size; none asks for the usual ones.
    pub candidates: Vec<(u32, u32)>,
    pub samples: u32,
    pub seed: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Asked { candidates: Vec::new(), samples: 15, seed: 1 }
    }
}

/// Rehearses what is seen. `progress` is told how many runs of how many are done, from any thread,
/// and answers whether to go on; `None` when it said no.
pub fn rehearse(
    sight: &Sight<'_>,
    asked: &Asked,
    progress: &(dyn Fn(usize, usize) -> bool + Sync),
) -> Option<Rehearsal> {
    let mut rehearsal = Rehearsal {
        mapping: sight.mapping.id.clone(),
        at: sight.now,
        assumptions: Vec::new(),
        backtest: None,
        candidates: Vec::new(),
        recommended: None,
        declined: None,
    };
    if !sight.mapping.kind().is_stream() {
        rehearsal.declined = Some("only stream consumers are rehearsed".to_owned());
        return Some(rehearsal);
    }
    let calibration = match calibrate(sight, &sight.minutes_under_these_settings(WINDOW_MIN), sight.now) {
        Ok(calibration) => calibration,
        Err(why) => {
            rehearsal.declined = Some(why);
            return Some(rehearsal);
        }
    };
    rehearsal.assumptions = calibration.assumptions.clone();
    rehearsal.assumptions.push(format!("a change acts {} s after it is made (half of the time)", APPLIES_S[2]));
    rehearsal.backtest = backtest(sight, asked.seed);
    let pairs = if asked.candidates.is_empty() { usual(sight, &calibration) } else { with_today(&calibration, asked) };
    let proposed: Vec<Proposed> =
        pairs.iter().map(|(lanes, batch)| propose(sight, &calibration, *lanes, *batch)).collect();
    let outcomes = run_all(&calibration, &proposed, asked, progress)?;
    rehearsal.candidates = proposed
        .iter()
        .zip(outcomes)
        .map(|(proposed, outcomes)| told(sight, &calibration, proposed, &outcomes))
        .collect();
    let age_ms = calibration.plant.shards.iter().map(|shard| shard.behind_ms).max().unwrap_or(0) as f64;
    let known = Known { backtest: rehearsal.backtest.as_ref(), age_ms, unknown_beyond: calibration.unknown_beyond };
    match recommend(&rehearsal.candidates, &known) {
        Ok(index) => rehearsal.recommended = Some(index),
        Err(why) => rehearsal.declined = Some(why),
    }
    Some(rehearsal)
}

/// The settings asked for, today's before them.
fn with_today(calibration: &Calibration, asked: &Asked) -> Vec<(u32, u32)> {
    let today = (calibration.plant.rules.lanes, calibration.plant.rules.batch_size);
    let others = asked.candidates.iter().copied().filter(|pair| *pair != today);
    std::iter::once(today).chain(others).collect()
}

/// All samples of all candidates, on the threads there are; by candidate, in order.
fn run_all(
    calibration: &Calibration,
    proposed: &[Proposed],
    asked: &Asked,
    progress: &(dyn Fn(usize, usize) -> bool + Sync),
) -> Option<Vec<Vec<StreamOutcome>>> {
    let jobs: Vec<(usize, u32)> = (0..asked.samples)
        .flat_map(|sample| (0..proposed.len()).map(move |index| (index, sample)))
        .filter(|(index, _)| proposed[*index].refused.is_none())
        .collect();
    let (next, done, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut found = Vec::new();
        while let Some((index, sample)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let go_on = || !stop.load(Ordering::Relaxed);
            let Some(outcome) = one(calibration, &proposed[*index], asked.seed, *sample, &go_on) else { break };
            found.push((*index, *sample, outcome));
            if !progress(done.fetch_add(1, Ordering::Relaxed) + 1, jobs.len()) {
                stop.store(true, Ordering::Relaxed);
                break;
            }
        }
        found
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(jobs.len().max(1));
    let mut all: Vec<(usize, u32, StreamOutcome)> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    if stop.load(Ordering::Relaxed) || all.len() < jobs.len() {
        return None;
    }
    all.sort_by_key(|(index, sample, _)| (*index, *sample));
    let mut by_candidate: Vec<Vec<StreamOutcome>> = proposed.iter().map(|_| Vec::new()).collect();
    all.into_iter().for_each(|(index, _, outcome)| by_candidate[index].push(outcome));
    Some(by_candidate)
}

/// One sample: the plant as far off as the estimate may be.
fn one(
    calibration: &Calibration,
    proposed: &Proposed,
    seed: u64,
    sample: u32,
    go_on: &dyn Fn() -> bool,
) -> Option<StreamOutcome> {
    let mut draws = rng(seed, &format!("rehearsal/sample/{sample}"));
    let arrivals = 1.0 + calibration.arrivals_error * normal(&mut draws);
    let capacity = 1.0 + calibration.capacity_error * normal(&mut draws);
    let acts_after_ms =
        i64::try_from(Distribution::Quantiles(APPLIES_S.map(|s| s * 1000).to_vec()).draw(&mut draws)).unwrap_or(0);
    let crowding = calibration.plant.crowding + calibration.crowding_error * normal(&mut draws);
    let mut plant = StreamPlant {
        ahead: ahead(sample, &mut draws),
        crowding: crowding.max(0.0),
        service: slower(&calibration.plant.service, 1.0 / capacity.max(0.2)),
        ..calibration.plant.clone()
    };
    let items = (ITEMS_ERROR * normal(&mut draws)).exp();
    for shard in &mut plant.shards {
        shard.per_s *= arrivals.max(0.0);
        shard.items = (f64::from(shard.items) * items).max(1.0) as u32;
    }
    let change = (proposed.rules != plant.rules).then_some(Change { acts_after_ms, rules: proposed.rules });
    let span = Span { for_ms: HORIZON_S * 1000, settle_ms: 3_600_000 };
    run(&plant, change, seed.wrapping_mul(1_000).wrapping_add(u64::from(sample)), span, go_on)
}

/// Nobody knows what comes: in one sample of seven something does, in turn a step in arrivals and a pause.
fn ahead(sample: u32, draws: &mut ChaCha8Rng) -> Ahead {
    let from_ms = i64::try_from(below(draws, SOON_MS)).unwrap_or(0);
    match (sample % 7, sample / 7 % 2) {
        (6, 0) => Ahead { surge: Some((from_ms, SURGE)), ..Ahead::default() },
        (6, _) => Ahead { pause: Some((from_ms, from_ms + PAUSE_MS)), ..Ahead::default() },
        _ => Ahead::default(),
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

fn told(sight: &Sight<'_>, calibration: &Calibration, proposed: &Proposed, outcomes: &[StreamOutcome]) -> Candidate {
    let forecast = (!outcomes.is_empty()).then(|| forecast(sight, calibration, proposed, outcomes));
    Candidate {
        change: proposed.change.clone(),
        parallelization_factor: proposed.rules.lanes,
        batch_size: proposed.rules.batch_size,
        refused: proposed.refused.clone(),
        forecast,
    }
}

fn forecast(sight: &Sight<'_>, calibration: &Calibration, proposed: &Proposed, outcomes: &[StreamOutcome]) -> Forecast {
    let plant = &calibration.plant;
    let n = outcomes.len() as f64;
    let mut drains: Vec<f64> =
        outcomes.iter().map(|outcome| outcome.track.drained_s().unwrap_or(f64::INFINITY)).collect();
    let never = drains.iter().filter(|s| s.is_infinite()).count() as f64 / n;
    let age = |minutes: usize| {
        let mut ages: Vec<f64> = outcomes.iter().filter_map(|outcome| outcome.track.age_ms_after(minutes)).collect();
        Band::of(&mut ages)
    };
    let hour = |of: &dyn Fn(&StreamOutcome) -> f64| outcomes.iter().map(of).sum::<f64>() / n;
    let sum = |outcome: &StreamOutcome, of: fn(&crate::forecast::track::Minute) -> f64| {
        outcome.track.minutes().iter().take(60).map(of).sum::<f64>()
    };
    let invocations = hour(&|outcome| sum(outcome, |minute| minute.invocations as f64));
    let duration_ms = hour(&|outcome| sum(outcome, |minute| minute.duration_ms));
    let out = |outcome: &StreamOutcome| {
        let busiest = outcome.track.minutes().iter().map(|minute| minute.records).max().unwrap_or(0);
        busiest as f64 / 60.0
    };
    let throttled = outcomes.iter().filter(|outcome| sum(outcome, |minute| minute.refused as f64) > 0.0).count();
    Forecast {
        age_ms: [age(5), age(15), age(60)],
        drain_s: Band::of(&mut drains).filter(|band| band.p50.is_finite()),
        never,
        load: plant.arrivals_per_s() / plant.capacity_per_s(&proposed.rules).max(1e-9),
        concurrency_peak: outcomes.iter().map(|outcome| outcome.track.concurrency_max()).max().unwrap_or(0),
        concurrency_limit: plant.concurrency,
        throttles: throttled * 2 > outcomes.len(),
        invocations_per_hour: invocations,
        dollars_per_hour: sight.memory_mb.map(|mb| {
            invocations * REQUEST_DOLLARS + duration_ms / 1000.0 * f64::from(mb) / 1024.0 * GB_SECOND_DOLLARS
        }),
        out_per_s_peak: hour(&out),
        out_per_s: plant.arrivals_per_s(),
        duration_p99_ms: proposed.duration_p99_ms,
        course_ms: (0..COURSE_MIN).map(|minute| course_ms(outcomes, minute)).collect(),
    }
}

/// The ages of one minute, where most runs have one.
fn course_ms(outcomes: &[StreamOutcome], minute: usize) -> Option<Band> {
    let age = |outcome: &StreamOutcome| outcome.track.minutes().get(minute)?.age_max_ms;
    let mut ages: Vec<f64> = outcomes.iter().filter_map(age).collect();
    if ages.len() * 2 < outcomes.len() { None } else { Band::of(&mut ages) }
}

/// What may come that nothing foretells: within the first hour, a third more records, or nobody to take
/// them for five minutes.
const SOON_MS: u64 = 3_600_000;
const SURGE: f64 = 1.33;
const PAUSE_MS: i64 = 300_000;
/// How many items there are is known to about this power of e.
const ITEMS_ERROR: f64 = 0.7;
/// Seconds from an update until it acts: equally spaced quantiles. AWS says "several minutes"
/// (aws-facts §1.3); mostly it is less.
const APPLIES_S: [u64; 5] = [5, 15, 30, 60, 150];
/// Lambda's list price in us-east-1: $0.20 a million requests, $0.0000166667 a GB-second.
const REQUEST_DOLLARS: f64 = 0.2e-6;
const GB_SECOND_DOLLARS: f64 = 0.000_016_666_7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::MappingChange;
    use crate::pipeline::stream::rules::Rules;

    fn calibration() -> Calibration {
        let service = Service { per_run_us: Distribution::Fixed(500_000), per_record_us: Distribution::Fixed(5_000) };
        let rules = Rules {
            batch_size: 100,
            window_ms: 0,
            lanes: 1,
            max_retries: None,
            max_age_s: None,
            bisect: false,
            partial: false,
        };
        Calibration {
            plant: StreamPlant::even(2, 20.0, rules, service),
            arrivals_error: 0.0,
            capacity_error: 0.0,
            crowding_error: 0.0,
            unknown_beyond: None,
            runs_now: 2.0,
            fill_varied: false,
            duration_p99_ms: 1_000.0,
            assumptions: Vec::new(),
        }
    }

    fn proposed(calibration: &Calibration) -> Vec<Proposed> {
        let with = |lanes| Proposed {
            change: MappingChange::default(),
            rules: Rules { lanes, ..calibration.plant.rules },
            duration_p99_ms: 1_000.0,
            refused: None,
        };
        (1..=4).map(with).collect()
    }

    #[test]
    fn progress_is_told_after_each_run_and_whoever_hears_it_may_stop_it() {
        let calibration = calibration();
        let proposed = proposed(&calibration);
        let told = AtomicUsize::new(0);
        let count = |_, of| {
            assert_eq!(of, 60, "four settings, fifteen samples");
            told.fetch_add(1, Ordering::Relaxed) < 5
        };
        assert!(run_all(&calibration, &proposed, &Asked::default(), &count).is_none(), "it was told to stop");
        // Others may be in the middle of a run when one is told to stop.
        let told = told.load(Ordering::Relaxed);
        assert!((6..30).contains(&told), "{told} runs were told");
        let all = run_all(&calibration, &proposed, &Asked::default(), &|_, _| true).expect("nobody stopped it");
        assert!(all.iter().all(|outcomes| outcomes.len() == 15));
    }
}
