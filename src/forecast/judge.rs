//! Which candidate is recommended, or why none is.

use crate::forecast::consumer::Unseen;
use crate::forecast::plant::stretch;
use crate::model::rehearsal::{Backtest, Candidate, Forecast, SOON_S, Setting};

/// A setting whose arrivals take more of it than this has no room for a busy hour.
const ROOMY: f64 = 0.8;
/// A setting that is used up settles nothing.
const FULL: f64 = 0.95;
/// Lanes end at ten, places do not: one that is used to more than this takes hours, arrivals that are 3 % off
/// move them by a fifth, and with a sixth more it never ends.
const FULL_PLACES: f64 = 0.85;
/// Share of the runs that may end without a drain: those in which something unforeseen comes.
const UNFORESEEN: f64 = 0.15;
/// Rather the cheaper one when the faster saves less than this.
const WORTH_IT: f64 = 0.8;

/// What counts beside the forecasts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) backtest: Option<&'a Backtest>,
    /// How old the oldest record is now.
    pub(super) age_ms: f64,
    pub(super) unseen: Option<Unseen>,
}

/// Index of the candidate, or why there is none. The first candidate is today's setting.
pub(super) fn recommend(candidates: &[Candidate], known: &Known<'_>) -> Result<usize, String> {
    if let Some(bad) = known.backtest.filter(|backtest| !backtest.good) {
        return Err(format!(
            "the same model would have foretold an age of {:.0} s where {:.0} s were seen: it does not know this consumer",
            bad.foretold_ms / 1000.0,
            bad.seen_ms / 1000.0
        ));
    }
    let today = candidates.first().and_then(|candidate| candidate.forecast.as_ref());
    if let Some(today) = today
        && today.load <= ROOMY
        && today.never == 0.0
        && today.drain_s.is_some_and(|drain| drain.p90 <= SOON_S)
    {
        return Err(format!("today's settings keep up: {:.0} % of what they can handle arrives", today.load * 100.0));
    }
    let full = if is_queue(candidates) { FULL_PLACES } else { FULL };
    let mut sound: Vec<(usize, &Forecast, f64)> = candidates
        .iter()
        .enumerate()
        .filter_map(|(index, candidate)| {
            let forecast = candidate.forecast.as_ref()?;
            let drain_s = forecast.drain_s?.p50;
            let later = forecast.age_ms[2].map_or(f64::INFINITY, |age| age.p90);
            let sound = index > 0
                && forecast.never <= UNFORESEEN
                && forecast.load <= full
                && !forecast.throttles
                && later <= known.age_ms.max(60_000.0);
            sound.then_some((index, forecast, drain_s))
        })
        .collect();
    if let Some(unseen) = known.unseen
        && !sound.is_empty()
    {
        sound.retain(|(_, forecast, _)| unseen.leaves(forecast));
        if sound.is_empty() {
            return Err(format!(
                "what would drain it runs more than {:.0} at a time, {:.0} times as many as were ever seen: nothing says \
                 that its runs take no longer then; a smaller step would show it",
                unseen.runs * unseen.step,
                unseen.step
            ));
        }
    }
    // Cheapest first.
    sound.sort_by_key(|(_, forecast, _)| forecast.concurrency_peak);
    let fastest = sound.iter().map(|(_, _, drain_s)| *drain_s).fold(f64::INFINITY, f64::min);
    let roomy = |forecast: &Forecast| forecast.load <= ROOMY;
    let soon = sound.iter().find(|(_, forecast, drain_s)| roomy(forecast) && *drain_s <= SOON_S.max(fastest));
    let good = sound.iter().find(|(_, forecast, drain_s)| roomy(forecast) && *drain_s * WORTH_IT <= fastest);
    soon.or(good).or(sound.last()).map(|(index, _, _)| *index).ok_or_else(|| nothing_helps(candidates))
}

impl Unseen {
    /// It is a small step, or drains even if its runs got in each other's way as much as may be.
    fn leaves(self, forecast: &Forecast) -> bool {
        let times = f64::from(forecast.concurrency_peak) / self.runs;
        let longer = || stretch(self.share, self.runs * times) / stretch(self.share, self.runs);
        times <= self.step || (times <= self.far && forecast.load * longer() <= FULL)
    }
}

fn is_queue(candidates: &[Candidate]) -> bool {
    matches!(candidates.first(), Some(Candidate { setting: Setting::Places { .. }, .. }))
}

fn nothing_helps(candidates: &[Candidate]) -> String {
    let forecasts = || candidates.iter().filter_map(|candidate| candidate.forecast.as_ref());
    if forecasts().any(|forecast| forecast.throttles) {
        return "what would drain it is throttled: the function may not run so often at a time".to_owned();
    }
    let least = forecasts().map(|forecast| forecast.load).fold(f64::INFINITY, f64::min);
    if least.is_finite() && is_queue(candidates) {
        return format!(
            "no limit drains it for sure: the best is used to {:.0} %; a faster handler, or larger batches, are needed",
            least * 100.0
        );
    }
    if least <= FULL {
        return format!(
            "no setting drains it for sure: the best is used to {:.0} % on the whole, but its lanes are uneven, and some \
             get more than they can handle",
            least * 100.0
        );
    }
    if least.is_finite() {
        return format!(
            "no setting drains it: even the best is used to {:.0} %; a faster handler, or a larger batch, is needed",
            least * 100.0
        );
    }
    "no candidate could be rehearsed".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::MappingChange;
    use crate::model::rehearsal::Band;

    fn candidate(lanes: u32, load: f64, drain_s: Option<f64>) -> Candidate {
        let band = |p50: f64| Band { p10: p50 * 0.9, p50, p90: p50 * 1.1 };
        Candidate {
            change: MappingChange::default(),
            setting: Setting::Lanes { parallelization_factor: lanes, batch_size: 100 },
            refused: None,
            forecast: Some(Forecast {
                age_ms: [None, None, Some(band(if drain_s.is_some() { 1_000.0 } else { 9e6 }))],
                drain_s: drain_s.map(band),
                never: if drain_s.is_some() { 0.0 } else { 1.0 },
                load,
                concurrency_peak: lanes * 4,
                concurrency_limit: 1_000,
                throttles: false,
                invocations_per_hour: 1.0,
                dollars_per_hour: None,
                out_per_s_peak: 1.0,
                out_per_s: 1.0,
                duration_p99_ms: 1.0,
                course_ms: Vec::new(),
            }),
        }
    }

    fn known(age_ms: f64) -> Known<'static> {
        Known { backtest: None, age_ms, unseen: None }
    }

    #[test]
    fn a_step_into_the_unknown_is_a_small_one() {
        let all = [candidate(1, 1.6, None), candidate(2, 0.7, Some(2_000.0)), candidate(5, 0.33, Some(1_100.0))];
        let seen = |runs, step, share| {
            let unseen = Some(Unseen { runs, step, far: 6.0, share });
            recommend(&all, &Known { unseen, ..known(3_600_000.0) })
        };
        let never_more_than = |runs| seen(runs, 5.0, f64::INFINITY);
        assert_eq!(recommend(&all, &known(3_600_000.0)), Ok(2));
        assert_eq!(never_more_than(3.0), Ok(1), "8 at a time are few enough, 20 are not");
        assert!(never_more_than(1.0).is_err_and(|why| why.contains("5 times") && why.contains("a smaller step")));
        assert_eq!(seen(3.5, 2.0, 0.02), Ok(2), "it drains even if each run took 2 % longer for each other");
        assert_eq!(seen(3.0, 2.0, 0.02), Ok(1), "but not seven times as many");
        assert!(seen(3.5, 2.0, 0.5).is_err());
    }

    #[test]
    fn the_fewest_lanes_that_drain_soon_and_leave_room() {
        let all = [
            candidate(1, 1.6, None),
            candidate(2, 0.85, Some(9_000.0)),
            candidate(3, 0.55, Some(2_400.0)),
            candidate(4, 0.4, Some(1_150.0)),
            candidate(5, 0.33, Some(900.0)),
        ];
        assert_eq!(recommend(&all, &known(3_600_000.0)), Ok(3));
        assert_eq!(recommend(&all[..3], &known(3_600_000.0)), Ok(2), "the fastest there is");
        assert!(recommend(&all[..1], &known(3_600_000.0)).is_err_and(|why| why.contains("160 %")));
    }

    #[test]
    fn a_limit_without_room_is_not_recommended_since_a_higher_one_can_be_had() {
        let places = |number: u32, load, drain_s| Candidate {
            setting: Setting::Places { max_concurrency: Some(number), batch_size: 10 },
            ..candidate(number, load, drain_s)
        };
        let of = |lanes_or_places: fn(u32, f64, Option<f64>) -> Candidate| {
            recommend(&[lanes_or_places(1, 1.8, None), lanes_or_places(2, 0.9, Some(15_000.0))], &known(3_600_000.0))
        };
        assert_eq!(of(candidate), Ok(1), "lanes end at ten");
        assert!(of(places).is_err_and(|why| why.contains("no limit drains it for sure: the best is used to 90 %")));
    }

    #[test]
    fn nothing_is_recommended_where_the_model_is_wrong_or_nothing_is_needed() {
        let all = [candidate(1, 1.6, None), candidate(4, 0.4, Some(1_500.0))];
        let bad = Backtest { minutes: 15, foretold_ms: 900_000.0, seen_ms: 100_000.0, good: false };
        assert!(recommend(&all, &Known { backtest: Some(&bad), ..known(1e6) }).is_err());
        let calm = [candidate(1, 0.5, Some(0.0)), candidate(4, 0.1, Some(0.0))];
        assert!(recommend(&calm, &known(500.0)).is_err_and(|why| why.contains("keep up")));
    }
}
