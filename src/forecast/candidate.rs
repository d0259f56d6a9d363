//! Which settings are rehearsed, and which are refused before that.

use crate::forecast::calibrate::Calibration;
use crate::forecast::consumer::Proposed;
use crate::forecast::plant::stretch;
use crate::forecast::sight::Sight;
use crate::model::mapping::MappingChange;
use crate::model::rehearsal::Setting;
use crate::pipeline::stream::rules::Rules;

/// Parallelization factors 1 to 10, and larger batches where it was seen what a record costs.
pub(super) fn usual(sight: &Sight<'_>, calibration: &Calibration) -> Vec<Setting> {
    let rules = calibration.plant.rules;
    let mut all: Vec<(u32, u32)> = (1..=MAX_LANES).map(|lanes| (lanes, rules.batch_size)).collect();
    if calibration.fill_varied && sight.mapping.kind().is_stream() {
        let larger = [2, 5, 10].map(|times| rules.batch_size.saturating_mul(times));
        all.extend(larger.into_iter().filter(|size| *size <= MAX_BATCH).map(|size| (rules.lanes, size)));
    }
    // Today's settings first: what happens if nobody does anything.
    all.sort_by_key(|(lanes, batch)| (*lanes != rules.lanes || *batch != rules.batch_size, *batch, *lanes));
    let setting = |(lanes, batch)| Setting::Lanes { parallelization_factor: lanes, batch_size: batch };
    all.into_iter().map(setting).collect()
}

pub(super) fn propose(sight: &Sight<'_>, calibration: &Calibration, setting: Setting) -> Proposed<Rules> {
    let now = calibration.plant.rules;
    let (lanes, batch_size) = match setting {
        Setting::Lanes { parallelization_factor, batch_size } => (parallelization_factor, batch_size),
        // A stream has no limit of runs: nothing of it is changed.
        Setting::Places { batch_size, .. } => (now.lanes, batch_size),
    };
    let rules = Rules { lanes, batch_size, ..now };
    let change = MappingChange {
        parallelization_factor: (lanes != now.lanes).then_some(lanes),
        batch_size: (batch_size != now.batch_size).then_some(batch_size),
        ..MappingChange::default()
    };
    let duration_p99_ms = duration_p99_ms(calibration, &rules);
    let refused = refusal(sight, calibration, &rules, duration_p99_ms);
    Proposed { setting, change, lever: rules, duration_p99_ms, refused }
}

/// As much above the mean as today's p99 is above today's mean.
fn duration_p99_ms(calibration: &Calibration, rules: &Rules) -> f64 {
    let plant = &calibration.plant;
    let mean_ms = |records: u32, runs: f64| {
        let us = plant.service.per_run_us.mean() + plant.service.per_record_us.mean() * u64::from(records);
        us as f64 / 1000.0 * stretch(plant.crowding, runs)
    };
    // As many more run at a time as there are more lanes; they may well be idle.
    let more = f64::from(rules.lanes) / f64::from(plant.rules.lanes.max(1));
    let now_ms = mean_ms(plant.rules.batch_size, calibration.runs_now);
    calibration.duration_p99_ms * mean_ms(rules.batch_size, calibration.runs_now * more) / now_ms.max(1.0)
}

fn refusal(sight: &Sight<'_>, calibration: &Calibration, rules: &Rules, duration_p99_ms: f64) -> Option<String> {
    if !(1..=MAX_LANES).contains(&rules.lanes) {
        return Some(format!("parallel {} is not between 1 and {MAX_LANES}", rules.lanes));
    }
    if !(1..=MAX_BATCH).contains(&rules.batch_size) {
        return Some(format!("batch {} is not between 1 and {MAX_BATCH}", rules.batch_size));
    }
    if rules.batch_size != calibration.plant.rules.batch_size && !calibration.fill_varied {
        return Some("what a record adds to a run was never seen: batches held alike all along".to_owned());
    }
    let timeout_ms = f64::from(sight.timeout_s?) * 1000.0;
    (rules.batch_size > calibration.plant.rules.batch_size && duration_p99_ms > timeout_ms / 2.0).then(|| {
        format!(
            "a run would take up to {:.1} s (p99), more than half of the function's time-out of {:.0} s",
            duration_p99_ms / 1000.0,
            timeout_ms / 1000.0
        )
    })
}

/// Parallelization factor at most (aws-facts §1.1).
const MAX_LANES: u32 = 10;
/// Batch size at most (aws-facts §1.1).
const MAX_BATCH: u32 = 10_000;
