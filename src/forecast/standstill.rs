//! One lane that stands still. A record that fails again and again holds its lane up and nobody else: its age
//! grows by a second each second while the others are up to date. The rest of the figures look well then, and
//! a plant made of them would have every setting drain at once.

use crate::forecast::sight::Seen;

/// Minutes looked at, and how many of them must have an age.
const MINUTES: usize = 9;
const LEAST: usize = 6;
/// A minute may lack a lane that waits longer to be tried again.
const LACKS: usize = 3;
/// From this rise on, in seconds a second, hardly anything of the lane gets done. A lane that only gets too
/// much would have to get twenty times what it can handle.
const STANDS: f64 = 0.95;
/// Younger than this it may be a pause.
const YOUNG_MS: f64 = 120_000.0;
/// The best lane is up to date when it is younger than this share of the worst.
const UP_TO_DATE: f64 = 0.05;

/// Of minutes with runs, oldest first.
pub(super) fn of_one_lane(seen: &[Seen]) -> bool {
    let ages: Vec<(f64, f64, f64)> = seen
        .iter()
        .rev()
        .take(MINUTES)
        .rev()
        .filter_map(|seen| Some((seen.at.ms() as f64, seen.age_max_ms?, seen.age_min_ms?)))
        .collect();
    if ages.len() < LEAST {
        return false;
    }
    let whole: Vec<(f64, f64, f64)> = ages
        .windows(LACKS)
        .map(|few| {
            let worst = few.iter().map(|(_, worst, _)| *worst).fold(0.0, f64::max);
            let best = few.iter().map(|(_, _, best)| *best).fold(f64::INFINITY, f64::min);
            (few[LACKS - 1].0, worst, best)
        })
        .collect();
    let (Some(first), Some(last)) = (whole.first(), whole.last()) else { return false };
    let passed = last.0 - first.0;
    let others = whole.iter().all(|(_, worst, best)| *best <= worst * UP_TO_DATE);
    passed > 0.0 && last.1 >= YOUNG_MS && (last.1 - first.1) / passed >= STANDS && others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn minutes(worst: impl Fn(i64) -> f64, best: impl Fn(i64) -> f64) -> Vec<Seen> {
        let minute = |m: i64| Seen {
            at: Timestamp::from_s(m * 60),
            age_max_ms: Some(worst(m)),
            age_min_ms: Some(best(m)),
            ..Seen::default()
        };
        (0..30).map(minute).collect()
    }

    #[test]
    fn one_that_ages_as_time_passes_beside_others_that_are_up_to_date() {
        let stands = |m: i64| (m * 60_000) as f64;
        assert!(of_one_lane(&minutes(stands, |_| 400.0)));
        let skipping = |m: i64| if m % 2 == 0 { 400.0 } else { stands(m) };
        assert!(of_one_lane(&minutes(skipping, |_| 400.0)), "it is not tried in every minute");
        assert!(!of_one_lane(&minutes(|m| stands(m) * 0.8, |_| 400.0)), "some of its work gets done");
        assert!(!of_one_lane(&minutes(stands, stands)), "all of them");
        assert!(!of_one_lane(&minutes(|m| 1_800_000.0 - stands(m), |_| 400.0)), "it gets younger");
        assert!(!of_one_lane(&minutes(|_| 900.0, |_| 400.0)));
        assert!(!of_one_lane(&minutes(stands, |_| 400.0)[..5]), "too few to tell");
    }
}
