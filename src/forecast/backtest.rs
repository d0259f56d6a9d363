//! Would the same model have foretold the minutes that are known already? Calibrated from what came
//! before them, it runs over them, and the age it ends with is held against the one published.

use crate::forecast::calibrate::{LEAST_MIN, WINDOW_MIN};
use crate::forecast::consumer::Consumer;
use crate::forecast::outcome::Span;
use crate::forecast::sight::Sight;
use crate::forecast::track::Track;
use crate::model::rehearsal::Backtest;

/// Minutes foretold.
const MINUTES: usize = 15;
/// So far off, in milliseconds or as a share of what was seen, is still good: a forecast of a drain
/// needs no better.
const CLOSE_MS: f64 = 60_000.0;
const CLOSE: f64 = 0.25;

/// `None` where the settings are too young for it.
pub(super) fn backtest<C: Consumer>(sight: &Sight<'_>, seed: u64) -> Option<Backtest> {
    let minutes = sight.minutes_under_these_settings(WINDOW_MIN + MINUTES as i64);
    let known = minutes.len().checked_sub(MINUTES).filter(|known| *known >= LEAST_MIN)?;
    let (before, after) = minutes.split_at(known);
    let consumer = C::calibrate(sight, before, after.first()?.at).ok()?;
    let span = Span::whole(MINUTES as i64 * 60_000);
    let tracks = (0..RUNS).filter_map(|sample| C::play(consumer.plant(), None, seed ^ sample, span, &|| true));
    let seen_ms = mean(C::published_ms(sight, after).into_iter().rev().take(TAIL))?;
    let tail =
        |track: &Track| mean(track.minutes().iter().take(MINUTES).skip(MINUTES - TAIL).map(|minute| minute.age_max_ms));
    let mut foretold: Vec<f64> = tracks.filter_map(|track| tail(&track)).collect();
    foretold.sort_by(f64::total_cmp);
    let foretold_ms = *foretold.get(foretold.len() / 2)?;
    let good = (foretold_ms - seen_ms).abs() <= CLOSE_MS.max(seen_ms * CLOSE);
    Some(Backtest { minutes: MINUTES as u32, foretold_ms, seen_ms, good })
}

fn mean(ages: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let ages: Vec<f64> = ages.flatten().collect();
    (!ages.is_empty()).then(|| ages.iter().sum::<f64>() / ages.len() as f64)
}

/// Minutes at the end that are compared.
const TAIL: usize = 3;
const RUNS: u64 = 3;
