//! Which limits of runs at a time are rehearsed, and which are refused before that.

use crate::forecast::consumer::Proposed;
use crate::forecast::plant::stretch;
use crate::forecast::queue::calibrate::Calibration;
use crate::forecast::sight::Sight;
use crate::model::mapping::MappingChange;
use crate::model::rehearsal::Setting;

/// Today's, some around what is needed, and none at all.
pub(super) fn usual(sight: &Sight<'_>, calibration: &Calibration) -> Vec<Setting> {
    let today = sight.mapping.settings.max_concurrency;
    let plant = &calibration.plant;
    let needed = plant.arrivals_per_s() / plant.capacity_per_s(Some(1)).max(1e-9);
    let from = LADDER.iter().rposition(|limit| f64::from(*limit) <= needed).unwrap_or(0).saturating_sub(1);
    // Today's first: what happens if nobody does anything.
    let mut all = vec![today];
    all.extend(LADDER.iter().skip(from).take(STEPS).map(|limit| Some(*limit)).filter(|limit| *limit != today));
    if today.is_some() {
        all.push(None);
    }
    let batch_size = batch_size(sight);
    all.into_iter().map(|max_concurrency| Setting::Places { max_concurrency, batch_size }).collect()
}

pub(super) fn propose(sight: &Sight<'_>, calibration: &Calibration, setting: Setting) -> Proposed<Option<u32>> {
    let today = sight.mapping.settings.max_concurrency;
    let max_concurrency = match setting {
        Setting::Places { max_concurrency, .. } => max_concurrency,
        // A queue has no lanes: nothing of it is changed.
        Setting::Lanes { .. } => today,
    };
    let changed = max_concurrency != today;
    let duration_p99_ms = duration_p99_ms(calibration, max_concurrency);
    Proposed {
        setting: Setting::Places { max_concurrency, batch_size: batch_size(sight) },
        change: MappingChange { max_concurrency: changed.then_some(max_concurrency), ..MappingChange::default() },
        lever: max_concurrency,
        duration_p99_ms,
        refused: changed.then(|| refusal(sight, max_concurrency, duration_p99_ms)).flatten(),
    }
}

fn batch_size(sight: &Sight<'_>) -> u32 {
    sight.mapping.settings.batch_size.unwrap_or(10)
}

/// As much longer than today as so many at a time make a run.
fn duration_p99_ms(calibration: &Calibration, max_concurrency: Option<u32>) -> f64 {
    let plant = &calibration.plant;
    let then = f64::from(plant.places(max_concurrency)).max(1.0);
    calibration.duration_p99_ms * stretch(plant.crowding, then) / stretch(plant.crowding, calibration.runs_now)
}

fn refusal(sight: &Sight<'_>, max_concurrency: Option<u32>, duration_p99_ms: f64) -> Option<String> {
    if let Some(limit) = max_concurrency.filter(|limit| !(LEAST..=MOST).contains(limit)) {
        return Some(format!("MaximumConcurrency {limit} is not between {LEAST} and {MOST}"));
    }
    let timeout_ms = f64::from(sight.timeout_s?) * 1000.0;
    (duration_p99_ms > timeout_ms / 2.0).then(|| {
        format!(
            "a run would take up to {:.1} s (p99), more than half of the function's time-out of {:.0} s",
            duration_p99_ms / 1000.0,
            timeout_ms / 1000.0
        )
    })
}

const LADDER: [u32; 16] = [2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 300, 500, 750, 1000];
/// So many of them.
const STEPS: usize = 7;
/// What Lambda takes (aws-facts §1.1).
const LEAST: u32 = 2;
const MOST: u32 = 1_000;
