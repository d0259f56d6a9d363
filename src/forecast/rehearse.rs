//! Rehearses a consumer: calibrates it, runs each candidate often enough for a band, holds the same model
//! against what is known already, and recommends one or says why not.

use crate::forecast::backtest::backtest;
use crate::forecast::calibrate::{Calibration, WINDOW_MIN, calibrate};
use crate::forecast::candidate::{Proposed, propose, usual};
use crate::forecast::chance::{normal_at, stratum};
use crate::forecast::foretell::{Common, forecast};
use crate::forecast::judge::{Known, recommend};
use crate::forecast::plant::{Change, StreamPlant};
use crate::forecast::queue::rehearse::of_queue;
use crate::forecast::sampling::{APPLIES_S, Progress, acts_after_ms, ahead, run_all, slower};
use crate::forecast::sight::Sight;
use crate::forecast::stream::{Span, run};
use crate::forecast::track::Track;
use crate::model::rehearsal::{Candidate, HORIZON_S, Rehearsal, Setting};
use crate::pipeline::rng::rng;

/// What to rehearse, and how thoroughly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// None asks for the usual ones.
    pub candidates: Vec<Setting>,
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
pub fn rehearse(sight: &Sight<'_>, asked: &Asked, progress: Progress<'_>) -> Option<Rehearsal> {
    let mut rehearsal = Rehearsal {
        mapping: sight.mapping.id.clone(),
        at: sight.now,
        assumptions: Vec::new(),
        backtest: None,
        candidates: Vec::new(),
        recommended: None,
        declined: None,
    };
    match sight.mapping.kind() {
        kind if kind.is_stream() => of_stream(sight, asked, progress, &mut rehearsal)?,
        kind if kind.is_queue() => of_queue(sight, asked, progress, &mut rehearsal)?,
        _ => rehearsal.declined = Some("only consumers of streams and queues are rehearsed".to_owned()),
    }
    Some(rehearsal)
}

/// `None` when `progress` said no.
fn of_stream(sight: &Sight<'_>, asked: &Asked, progress: Progress<'_>, rehearsal: &mut Rehearsal) -> Option<()> {
    let calibration = match calibrate(sight, &sight.minutes_under_these_settings(WINDOW_MIN), sight.now) {
        Ok(calibration) => calibration,
        Err(why) => {
            rehearsal.declined = Some(why);
            return Some(());
        }
    };
    rehearsal.assumptions.clone_from(&calibration.assumptions);
    rehearsal.assumptions.push(acts_after());
    rehearsal.backtest = backtest(sight, asked.seed);
    let today = Setting::of(sight.mapping.kind(), &sight.mapping.settings);
    let settings = if asked.candidates.is_empty() { usual(sight, &calibration) } else { with_today(today, asked) };
    let proposed: Vec<Proposed> = settings.iter().map(|setting| propose(sight, &calibration, *setting)).collect();
    let refused: Vec<bool> = proposed.iter().map(|proposed| proposed.refused.is_some()).collect();
    let one =
        |index: usize, sample: u32, go_on: &dyn Fn() -> bool| one(&calibration, &proposed[index], asked, sample, go_on);
    let tracks = run_all(&refused, asked.samples, &one, progress)?;
    rehearsal.candidates = proposed
        .into_iter()
        .zip(tracks)
        .map(|(proposed, tracks)| Candidate {
            forecast: forecast(&tracks, &common(sight, &calibration, &proposed)),
            change: proposed.change,
            setting: proposed.setting,
            refused: proposed.refused,
        })
        .collect();
    let age_ms = calibration.plant.shards.iter().map(|shard| shard.behind_ms).max().unwrap_or(0) as f64;
    conclude(rehearsal, age_ms, calibration.unknown_beyond);
    Some(())
}

/// `a change acts 30 s after it is made`
pub(super) fn acts_after() -> String {
    format!("a change acts {} s after it is made (half of the time)", APPLIES_S[2])
}

/// What is recommended, or why nothing is.
pub(super) fn conclude(rehearsal: &mut Rehearsal, age_ms: f64, unknown_beyond: Option<f64>) {
    let known = Known { backtest: rehearsal.backtest.as_ref(), age_ms, unknown_beyond };
    match recommend(&rehearsal.candidates, &known) {
        Ok(index) => rehearsal.recommended = Some(index),
        Err(why) => rehearsal.declined = Some(why),
    }
}

/// The settings asked for, today's before them.
pub(super) fn with_today(today: Setting, asked: &Asked) -> Vec<Setting> {
    let others = asked.candidates.iter().copied().filter(|setting| *setting != today);
    std::iter::once(today).chain(others).collect()
}

/// One sample: the plant as far off as the estimate may be.
fn one(
    calibration: &Calibration,
    proposed: &Proposed,
    asked: &Asked,
    sample: u32,
    go_on: &dyn Fn() -> bool,
) -> Option<Track> {
    let share = |quantity: &str| stratum(asked.seed, quantity, sample, asked.samples);
    let off = |quantity: &str, error: f64| error * normal_at(share(quantity));
    let arrivals = 1.0 + off("arrivals", calibration.arrivals_error);
    let capacity = 1.0 + off("capacity", calibration.capacity_error);
    let crowding = calibration.plant.crowding + off("crowding", calibration.crowding_error);
    let items = off("items", calibration.items_error).exp();
    let mut draws = rng(asked.seed, &format!("rehearsal/sample/{sample}"));
    let mut plant = StreamPlant {
        ahead: ahead(sample, &mut draws),
        crowding: crowding.max(0.0),
        service: slower(&calibration.plant.service, 1.0 / capacity.max(0.2)),
        ..calibration.plant.clone()
    };
    if proposed.rules.lanes != plant.rules.lanes {
        plant.shards.clone_from(&calibration.redealt);
    }
    for shard in &mut plant.shards {
        shard.per_s *= arrivals.max(0.0);
        shard.items = (f64::from(shard.items) * items).max(1.0) as u32;
    }
    let acts_after_ms = acts_after_ms(share("acts after"));
    let change = (proposed.rules != plant.rules).then_some(Change { acts_after_ms, rules: proposed.rules });
    let span = Span { for_ms: HORIZON_S * 1000, settle_ms: 3_600_000 };
    let outcome = run(&plant, change, asked.seed.wrapping_mul(1_000).wrapping_add(u64::from(sample)), span, go_on)?;
    Some(outcome.track)
}

fn common(sight: &Sight<'_>, calibration: &Calibration, proposed: &Proposed) -> Common {
    let plant = &calibration.plant;
    Common {
        load: plant.arrivals_per_s() / plant.capacity_per_s(&proposed.rules).max(1e-9),
        concurrency_limit: plant.concurrency,
        arrivals_per_s: plant.arrivals_per_s(),
        duration_p99_ms: proposed.duration_p99_ms,
        memory_mb: sight.memory_mb,
    }
}
