//! A queue's consumer rehearsed: limits of runs at a time instead of lanes.

use crate::forecast::backtest::{MINUTES, RUNS, compare};
use crate::forecast::calibrate::{LEAST_MIN, WINDOW_MIN};
use crate::forecast::chance::{normal_at, stratum};
use crate::forecast::foretell::{Common, forecast};
use crate::forecast::outcome::Span;
use crate::forecast::queue::again;
use crate::forecast::queue::calibrate::{Calibration, calibrate};
use crate::forecast::queue::candidate::{Proposed, propose, usual};
use crate::forecast::queue::plant::{QueueChange, QueuePlant};
use crate::forecast::queue::run::run;
use crate::forecast::queue::watched::watched;
use crate::forecast::rehearse::{Asked, acts_after, conclude, with_today};
use crate::forecast::sampling::{Progress, acts_after_ms, ahead, run_all, slower};
use crate::forecast::sight::Sight;
use crate::forecast::track::Track;
use crate::model::rehearsal::{Backtest, Candidate, HORIZON_S, Rehearsal, Setting};
use crate::pipeline::rng::rng;

/// `None` when `progress` said no.
pub(in crate::forecast) fn of_queue(
    sight: &Sight<'_>,
    asked: &Asked,
    progress: Progress<'_>,
    rehearsal: &mut Rehearsal,
) -> Option<()> {
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
    let limits = if asked.candidates.is_empty() { usual(sight, &calibration) } else { asked_for(sight, asked) };
    let proposed: Vec<Proposed> = limits.into_iter().map(|limit| propose(sight, &calibration, limit)).collect();
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
    if calibration.again_error > SURE {
        // Over ten random consumers that feed themselves medians were off by half and more.
        rehearsal.declined = Some(format!(
            "it feeds the queue it reads, and how much more each message brings is not known well enough ({:.2} ± {:.2}): \
             a setting can be taken by hand, a small step first",
            calibration.plant.again, calibration.again_error
        ));
        return Some(());
    }
    conclude(rehearsal, calibration.oldest_ms, calibration.unknown_beyond);
    Some(())
}

fn asked_for(sight: &Sight<'_>, asked: &Asked) -> Vec<Option<u32>> {
    let today = Setting::of(sight.mapping.kind(), &sight.mapping.settings);
    let limit = |setting| match setting {
        Setting::Places { max_concurrency, .. } => max_concurrency,
        // A queue has no lanes: nothing of it is changed.
        Setting::Lanes { .. } => sight.mapping.settings.max_concurrency,
    };
    with_today(today, asked).into_iter().map(limit).collect()
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
    let sent = calibration.sent_per_s * (1.0 + off("arrivals", calibration.sent_error));
    let capacity = 1.0 + off("capacity", calibration.capacity_error);
    let crowding = calibration.plant.crowding + off("crowding", calibration.crowding_error);
    let again = (calibration.plant.again + off("again", calibration.again_error)).clamp(0.0, again::MOST);
    let mut draws = rng(asked.seed, &format!("rehearsal/sample/{sample}"));
    let plant = QueuePlant {
        // What it sends itself is not sent by others.
        per_s: (sent - again * calibration.handled_per_s).max(0.0),
        again,
        ahead: ahead(sample, &mut draws),
        crowding: crowding.max(0.0),
        service: slower(&calibration.plant.service, 1.0 / capacity.max(0.2)),
        ..calibration.plant.clone()
    };
    let (max_concurrency, acts_after_ms) = (proposed.max_concurrency, acts_after_ms(share("acts after")));
    let change =
        (max_concurrency != plant.settings.max_concurrency).then_some(QueueChange { acts_after_ms, max_concurrency });
    let span = Span { for_ms: HORIZON_S * 1000, settle_ms: 3_600_000 };
    let outcome = run(&plant, change, asked.seed.wrapping_mul(1_000).wrapping_add(u64::from(sample)), span, go_on)?;
    Some(outcome.track)
}

fn common(sight: &Sight<'_>, calibration: &Calibration, proposed: &Proposed) -> Common {
    let plant = &calibration.plant;
    Common {
        load: plant.arrivals_per_s() / plant.capacity_per_s(proposed.max_concurrency).max(1e-9),
        concurrency_limit: plant.concurrency,
        arrivals_per_s: plant.arrivals_per_s(),
        duration_p99_ms: proposed.duration_p99_ms,
        memory_mb: sight.memory_mb,
    }
}

/// A consumer that feeds itself is known when what it brings is known as well as this.
const SURE: f64 = 0.1;

/// Would the same model have foretold the age of the oldest message that is known already?
fn backtest(sight: &Sight<'_>, seed: u64) -> Option<Backtest> {
    let minutes = sight.minutes_under_these_settings(WINDOW_MIN + MINUTES as i64);
    let known = minutes.len().checked_sub(MINUTES).filter(|known| *known >= LEAST_MIN)?;
    let (before, after) = minutes.split_at(known);
    let calibration = calibrate(sight, before, after.first()?.at).ok()?;
    let tracks = (0..RUNS).filter_map(|sample| {
        let span = Span::whole(MINUTES as i64 * 60_000);
        run(&calibration.plant, None, seed ^ sample, span, &|| true).map(|outcome| outcome.track)
    });
    let seen = watched(sight, after.to_vec());
    compare(tracks, seen.iter().map(|minute| minute.oldest_ms))
}
