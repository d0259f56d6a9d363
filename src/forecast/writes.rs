//! What was written to the table or stream, minute by minute: the shape of the arrivals, also of those
//! that no run has seen yet. How many records a unit stands for follows from what was handled.

use crate::forecast::sight::Seen;
use crate::model::time::Timestamp;

/// Times are seconds before or after `at`, the moment of the calibration: the past is negative.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Writes {
    /// When the first minute began.
    from_s: f64,
    /// Units a second, a minute each; the last ends about now.
    per_s: Vec<f64>,
    /// Of the last minutes that are alike, and how many they are.
    now_per_s: f64,
    lasted: usize,
}

impl Writes {
    /// `None` where the metric is not there for the last minutes.
    pub(super) fn of(minutes: &[Seen], at: Timestamp) -> Option<Self> {
        let first = minutes.iter().position(|seen| seen.writes.is_some_and(|units| units > 0.0))?;
        let minutes = &minutes[first..];
        let known: Vec<f64> = minutes.iter().filter_map(|seen| seen.writes).collect();
        // A minute without a datapoint is one that came late, or nothing was written in it.
        if known.len() < LEAST_MIN || known.len() * 10 < minutes.len() * 9 {
            return None;
        }
        let mut last = known[0];
        let per_s: Vec<f64> = minutes
            .iter()
            .map(|seen| {
                last = seen.writes.unwrap_or(last);
                last / 60.0
            })
            .collect();
        let (now_per_s, lasted) = alike(&per_s);
        (now_per_s > 0.0).then(|| Writes {
            from_s: minutes[0].at.ms_since(at) as f64 / 1000.0,
            per_s,
            now_per_s,
            lasted,
        })
    }

    /// Units between two moments; `None` where the first of them is before all that is known. What is not
    /// published yet is taken to be as now.
    pub(super) fn between(&self, from_s: f64, to_s: f64) -> Option<f64> {
        if from_s < self.from_s {
            return None;
        }
        let until = |s: f64| {
            let minutes = ((s - self.from_s) / 60.0).max(0.0);
            let whole = (minutes.floor() as usize).min(self.per_s.len());
            let before: f64 = self.per_s[..whole].iter().sum();
            let rest = minutes - whole as f64;
            (before + rest * self.per_s.get(whole).copied().unwrap_or(self.now_per_s)) * 60.0
        };
        Some(until(to_s) - until(from_s))
    }

    pub(super) fn now_per_s(&self) -> f64 {
        self.now_per_s
    }

    /// Minutes for which it has been as it is now.
    pub(super) fn lasted_min(&self) -> usize {
        self.lasted
    }

    /// Of each minute before now, the newest first, as a share of now.
    pub(super) fn past(&self) -> Vec<f64> {
        let published_until_s = self.from_s + self.per_s.len() as f64 * 60.0;
        let late = (-published_until_s / 60.0).round().max(0.0) as usize;
        let known = self.per_s.iter().rev().map(|per_s| per_s / self.now_per_s);
        std::iter::repeat_n(1.0, late).chain(known).collect()
    }
}

/// The mean of the last minutes, as far back as they are alike but for chance, and how many.
fn alike(per_s: &[f64]) -> (f64, usize) {
    let mut jumps: Vec<f64> = per_s.windows(2).rev().take(30).map(|pair| (pair[1] - pair[0]).abs()).collect();
    jumps.sort_by(f64::total_cmp);
    // The median distance of two draws is about 0.95 standard deviations.
    let deviation = jumps.get(jumps.len() / 2).map_or(0.0, |jump| jump / 0.95);
    let newest = &per_s[per_s.len().saturating_sub(LEAST_MIN)..];
    let (mut sum, mut n) = (newest.iter().sum::<f64>(), newest.len());
    for value in per_s.iter().rev().skip(LEAST_MIN).take(MOST_MIN - LEAST_MIN) {
        let mean = sum / n as f64;
        if (value - mean).abs() > (4.0 * deviation).max(0.05 * mean) {
            break;
        }
        sum += value;
        n += 1;
    }
    (sum / n.max(1) as f64, n)
}

/// Minutes that say what "now" is, at least and at most.
const LEAST_MIN: usize = 3;
const MOST_MIN: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(writes: &[Option<f64>]) -> Vec<Seen> {
        let minute = |(n, writes): (usize, &Option<f64>)| Seen {
            at: Timestamp::from_s(n as i64 * 60),
            writes: *writes,
            ..Seen::default()
        };
        writes.iter().enumerate().map(minute).collect()
    }

    #[test]
    fn a_step_ends_what_counts_as_now() {
        let minutes: Vec<Option<f64>> =
            (0..30).map(|n| Some(if n < 22 { 600.0 } else { 900.0 } + f64::from(n % 3) * 10.0)).collect();
        // The calibration is made two minutes after the last of them began to be known.
        let writes = Writes::of(&seen(&minutes), Timestamp::from_s(30 * 60 + 120)).expect("they are published");
        assert_eq!(writes.lasted_min(), 8);
        assert!((writes.now_per_s() - 15.2).abs() < 0.1, "{writes:?}");
        let past = writes.past();
        assert_eq!((past.len(), past[0], past[1]), (32, 1.0, 1.0));
        assert!((past[5] - 1.0).abs() < 0.03 && (past[12] - 0.67).abs() < 0.03, "{past:?}");
        // A minute of the calm before and one that is not published yet.
        let calm = writes.between(-1_920.0, -1_860.0).expect("known");
        let coming = writes.between(-60.0, 0.0).expect("as now");
        assert!((calm - 600.0).abs() < 1.0 && (coming / 60.0 - writes.now_per_s()).abs() < 1e-6, "{calm} {coming}");
        assert_eq!(writes.between(-2_000.0, 0.0), None, "before all that is known");
    }

    #[test]
    fn late_datapoints_are_filled_and_too_few_are_nothing() {
        let mut minutes = vec![Some(600.0); 30];
        minutes[12] = None;
        let at = Timestamp::from_s(30 * 60);
        let writes = Writes::of(&seen(&minutes), at).expect("one is missing");
        assert_eq!(writes.between(-1_800.0, 0.0), Some(18_000.0));
        assert_eq!(Writes::of(&seen(&[None; 30]), at), None);
        minutes.iter_mut().step_by(3).for_each(|minute| *minute = None);
        assert_eq!(Writes::of(&seen(&minutes), at), None);
    }
}
