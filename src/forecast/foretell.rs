//! What many runs of one candidate come to: bands, a load, a cost.

use crate::forecast::track::{Minute, Track};
use crate::model::rehearsal::{Band, COURSE_MIN, Forecast};

/// What is the same in every run of a candidate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common {
    /// Arrivals as a share of what the setting can handle.
    pub(super) load: f64,
    pub(super) concurrency_limit: u32,
    pub(super) arrivals_per_s: f64,
    pub(super) duration_p99_ms: f64,
    pub(super) memory_mb: Option<u32>,
}

/// `None` of no runs.
pub(super) fn forecast(tracks: &[Track], common: &Common) -> Option<Forecast> {
    if tracks.is_empty() {
        return None;
    }
    let n = tracks.len() as f64;
    let mut drains: Vec<f64> = tracks.iter().map(|track| track.drained_s().unwrap_or(f64::INFINITY)).collect();
    let never = drains.iter().filter(|s| s.is_infinite()).count() as f64 / n;
    let age = |minutes: usize| {
        let mut ages: Vec<f64> = tracks.iter().filter_map(|track| track.age_ms_after(minutes)).collect();
        Band::of(&mut ages)
    };
    let mean = |of: &dyn Fn(&Track) -> f64| tracks.iter().map(of).sum::<f64>() / n;
    let hour = |track: &Track, of: fn(&Minute) -> f64| track.minutes().iter().take(60).map(of).sum::<f64>();
    let invocations = mean(&|track| hour(track, |minute| minute.invocations as f64));
    let duration_ms = mean(&|track| hour(track, |minute| minute.duration_ms));
    let busiest = |track: &Track| track.minutes().iter().map(|minute| minute.records).max().unwrap_or(0) as f64 / 60.0;
    let throttled = tracks.iter().filter(|track| hour(track, |minute| minute.refused as f64) > 0.0).count();
    Some(Forecast {
        age_ms: [age(5), age(15), age(60)],
        drain_s: Band::of(&mut drains).filter(|band| band.p50.is_finite()),
        never,
        load: common.load,
        concurrency_peak: tracks.iter().map(Track::concurrency_max).max().unwrap_or(0),
        concurrency_limit: common.concurrency_limit,
        throttles: throttled * 2 > tracks.len(),
        invocations_per_hour: invocations,
        dollars_per_hour: common.memory_mb.map(|mb| {
            invocations * REQUEST_DOLLARS + duration_ms / 1000.0 * f64::from(mb) / 1024.0 * GB_SECOND_DOLLARS
        }),
        out_per_s_peak: mean(&busiest),
        out_per_s: common.arrivals_per_s,
        duration_p99_ms: common.duration_p99_ms,
        course_ms: (0..COURSE_MIN).map(|minute| course_ms(tracks, minute)).collect(),
    })
}

/// The ages of one minute, where most runs have one.
fn course_ms(tracks: &[Track], minute: usize) -> Option<Band> {
    let mut ages: Vec<f64> = tracks.iter().filter_map(|track| track.minutes().get(minute)?.age_max_ms).collect();
    if ages.len() * 2 < tracks.len() { None } else { Band::of(&mut ages) }
}

/// Lambda's list price in us-east-1: $0.20 a million requests, $0.0000166667 a GB-second.
const REQUEST_DOLLARS: f64 = 0.2e-6;
const GB_SECOND_DOLLARS: f64 = 0.000_016_666_7;
