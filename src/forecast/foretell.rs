//! What many runs of one candidate come to: bands, a load, a cost.

use crate::forecast::sampling::Sample;
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

/// Of the samples' tracks, in their order; `None` of no runs.
pub(super) fn forecast(tracks: &[Track], common: &Common) -> Option<Forecast> {
    if tracks.is_empty() {
        return None;
    }
    let n = tracks.len() as f64;
    let drained_s = |track: &Track| track.drained_s().unwrap_or(f64::INFINITY);
    let never = tracks.iter().filter(|track| drained_s(track).is_infinite()).count() as f64 / n;
    let age = |minutes: usize| band(tracks, |track| track.age_ms_after(minutes));
    let mean = |of: &dyn Fn(&Track) -> f64| tracks.iter().map(of).sum::<f64>() / n;
    let hour = |track: &Track, of: fn(&Minute) -> f64| track.minutes().iter().take(60).map(of).sum::<f64>();
    let invocations = mean(&|track| hour(track, |minute| minute.invocations as f64));
    let duration_ms = mean(&|track| hour(track, |minute| minute.duration_ms));
    let busiest = |track: &Track| track.minutes().iter().map(|minute| minute.records).max().unwrap_or(0) as f64 / 60.0;
    let throttled = tracks.iter().filter(|track| hour(track, |minute| minute.refused as f64) > 0.0).count();
    Some(Forecast {
        age_ms: [age(5), age(15), age(60)],
        drain_s: band(tracks, |track| Some(drained_s(track))).filter(|band| band.p50.is_finite()),
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
    let age_ms = |track: &Track| track.minutes().get(minute)?.age_max_ms;
    let known = tracks.iter().filter_map(age_ms).count();
    if known * 2 < tracks.len() { None } else { band(tracks, age_ms) }
}

/// What is most likely is told by the runs in which nothing comes that nothing foretells; how far it may be
/// from that, by all of them.
fn band(tracks: &[Track], of: impl Fn(&Track) -> Option<f64>) -> Option<Band> {
    let all = || (0u32..).zip(tracks).filter_map(|(number, track)| Some((number, of(track)?)));
    let quiet =
        Band::of(&mut all().filter(|(number, _)| Sample::is_quiet(*number)).map(|(_, of)| of).collect::<Vec<_>>());
    let all = Band::of(&mut all().map(|(_, of)| of).collect::<Vec<_>>())?;
    let p50 = quiet.map_or(all.p50, |quiet| quiet.p50);
    Some(Band { p10: all.p10.min(p50), p50, p90: all.p90.max(p50) })
}

/// Lambda's list price in us-east-1: $0.20 a million requests, $0.0000166667 a GB-second.
const REQUEST_DOLLARS: f64 = 0.2e-6;
const GB_SECOND_DOLLARS: f64 = 0.000_016_666_7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_foretells_widens_a_band_and_does_not_move_its_middle() {
        let tracks = |unforeseen: f64| -> Vec<Track> {
            (0..14u32)
                .map(|number| {
                    let mut track = Track::default();
                    let age = if Sample::is_quiet(number) { f64::from(100 + number) } else { unforeseen };
                    track.at(0).age_max_ms = Some(age);
                    track
                })
                .collect()
        };
        let of = |unforeseen| band(&tracks(unforeseen), |track| track.minutes()[0].age_max_ms).expect("there are runs");
        let (calm, late) = (of(106.0), of(900.0));
        assert_eq!((calm.p50, late.p50), (106.0, 106.0));
        assert!(calm.p90 < 113.0 && late.p90 > 200.0, "{calm:?} {late:?}");
        assert_eq!(band(&[], |_| Some(1.0)), None);
    }
}
