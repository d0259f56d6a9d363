//! How many messages arrive, and when those that wait came.

use crate::forecast::calibrate::{LEAST_MIN, WINDOW_MIN};
use crate::forecast::queue::watched::Watched;
use crate::model::time::Timestamp;

/// Messages a second, and how sure that is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arrivals {
    pub(super) per_s: f64,
    /// Relative standard error.
    pub(super) error: f64,
    pub(super) sentence: String,
    pub(super) step: Option<Step>,
}

/// A change under way: so many minutes ago, to so many times as many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    minutes: usize,
    times: f64,
}

/// How often something happens now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    pub(super) per_s: f64,
    /// Relative standard error.
    pub(super) error: f64,
    /// Of which it was read.
    pub(super) minutes: usize,
    pub(super) step: Option<Step>,
}

impl Rate {
    /// From how often it did a minute, the newest last: as far back as it was the same, but no further than
    /// [`WINDOW_MIN`], since what changes slowly does so unseen.
    pub(super) fn of(a_minute: &[f64]) -> Self {
        if let Some(step) = Step::of(a_minute) {
            let (mean, error) = mean(&a_minute[a_minute.len() - step.minutes..]);
            return Rate { per_s: mean / 60.0, error, minutes: step.minutes, step: Some(step) };
        }
        let newest = a_minute.len().saturating_sub(RECENT);
        let oldest = a_minute.len().saturating_sub(WINDOW_MIN as usize);
        let mut from = newest;
        while from > oldest {
            let before = from.saturating_sub(RECENT).max(oldest);
            if differ(&a_minute[from..], &a_minute[before..from]) {
                break;
            }
            from = before;
        }
        let counted = &a_minute[from..];
        let (mean, error) = mean(counted);
        Rate { per_s: mean / 60.0, error, minutes: counted.len(), step: None }
    }
}

impl Step {
    /// Where the newest minutes, fewer than [`RECENT`], are not as those before.
    fn of(a_minute: &[f64]) -> Option<Self> {
        let step = |minutes: usize| {
            let (before, newest) = a_minute.split_at(a_minute.len().checked_sub(minutes)?);
            let before = &before[before.len().checked_sub(BEFORE)?..];
            let ((was, variance), (is, _)) = (moments(before), moments(newest));
            let a_minute = variance.max(was).max(is);
            let error = (a_minute / minutes as f64 + a_minute / before.len() as f64).sqrt();
            let sure = (is - was).abs() / error.max(1e-9);
            (sure > CLEAR && (is / was.max(1.0) - 1.0).abs() > LARGE)
                .then_some((sure, Step { minutes, times: is / was.max(1.0) }))
        };
        (STEP_MIN..RECENT).filter_map(step).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, step)| step)
    }

    /// Why nothing is to be recommended.
    pub(super) fn not_sure(self) -> String {
        format!(
            "in the newest {} minutes {:.1} times as many came as before: whether they stay so many is not known yet; ask \
             again in five minutes",
            self.minutes, self.times
        )
    }
}

/// `None` where nothing says how many arrive.
pub(super) fn arrivals(minutes: &[Watched]) -> Option<Arrivals> {
    let sent: Vec<f64> = minutes.iter().filter_map(|minute| minute.sent).collect();
    if sent.len() * 2 >= minutes.len() && sent.len() >= LEAST_MIN {
        let Rate { per_s, error, minutes, step } = Rate::of(&sent);
        let sentence = format!("{per_s:.1} arrive a second (NumberOfMessagesSent over {minutes} minutes)");
        return Some(Arrivals { per_s, error, sentence, step });
    }
    balance(minutes)
}

/// What was deleted, and what more is there than was.
fn balance(minutes: &[Watched]) -> Option<Arrivals> {
    let there = |minute: &Watched| Some(minute.visible? + minute.hidden.unwrap_or(0.0));
    let first = minutes.iter().position(|minute| there(minute).is_some())?;
    let last =
        minutes.iter().rposition(|minute| there(minute).is_some()).filter(|last| *last >= first + ACCOUNT_MIN)?;
    let span = minutes.get(first..last)?;
    let deleted: f64 = span.iter().filter_map(|minute| minute.deleted).sum();
    let came = (deleted + there(&minutes[last])? - there(&minutes[first])?).max(0.0);
    let per_s = came / (span.len() as f64 * 60.0);
    let sentence = format!(
        "{per_s:.1} arrive a second, est: NumberOfMessagesDeleted, and by how many more are there; none are told as sent"
    );
    Some(Arrivals { per_s, error: (1.0 / came.max(1.0)).sqrt(), sentence, step: None })
}

/// The mean of minutes and its relative standard error: chance at least, more where they scatter.
fn mean(minutes: &[f64]) -> (f64, f64) {
    let (mean, variance) = moments(minutes);
    let error = (variance.max(mean) / minutes.len().max(1) as f64).sqrt();
    (mean, error / mean.max(1e-9))
}

fn moments(minutes: &[f64]) -> (f64, f64) {
    let n = minutes.len().max(1) as f64;
    let mean = minutes.iter().sum::<f64>() / n;
    (mean, minutes.iter().map(|sent| (sent - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0))
}

/// By more than three standard errors.
fn differ(recent: &[f64], before: &[f64]) -> bool {
    if before.len() * 2 < RECENT {
        return false;
    }
    let ((a, va), (b, vb)) = (moments(recent), moments(before));
    let error = (va.max(a) / recent.len() as f64 + vb.max(b) / before.len() as f64).sqrt();
    (a - b).abs() > 3.0 * error
}

/// How old those are that wait at `at`, the oldest first: the last that were sent, since a queue is
/// handed out about in order. Of what was sent before `minutes` it is taken that as many came.
pub(super) fn backlog(minutes: &[Watched], at: Timestamp, waiting: u64, per_s: f64) -> Vec<(i64, u32)> {
    let mut left = waiting;
    let mut lots = Vec::new();
    let mut age_ms = 0;
    let mut newest_first = minutes.iter().rev().filter(|minute| minute.seen.at < at).peekable();
    while left > 0 && age_ms < OLDEST_MS {
        let from = at.plus_ms(-age_ms - SLICE_MS);
        while newest_first.peek().is_some_and(|minute| minute.seen.at > from) {
            newest_first.next();
        }
        let sent = newest_first.peek().filter(|minute| from < minute.seen.at.plus_s(60)).and_then(|minute| minute.sent);
        let a_minute = sent.unwrap_or(per_s * 60.0);
        // Rounded so that the slices of a minute come to its sum.
        let slice = (age_ms / SLICE_MS % SLICES) as f64;
        let upto = |slices: f64| (a_minute * slices / SLICES as f64).round() as u64;
        let n = (upto(slice + 1.0) - upto(slice)).min(left);
        lots.push((age_ms + SLICE_MS / 2, u32::try_from(n).unwrap_or(u32::MAX)));
        left -= n;
        age_ms += SLICE_MS;
    }
    if left > 0 {
        lots.push((age_ms, u32::try_from(left).unwrap_or(u32::MAX)));
    }
    lots.reverse();
    lots.retain(|(_, n)| *n > 0);
    lots
}

const SLICES: i64 = 6;
const SLICE_MS: i64 = 60_000 / SLICES;
/// Further back nobody looks.
const OLDEST_MS: i64 = 14 * 86_400_000;
/// Minutes that are the newest.
const RECENT: usize = 5;
/// A step is told from chance by so many minutes at least, so many standard errors and so large a part of what
/// came before it, in so many minutes.
const STEP_MIN: usize = 2;
const CLEAR: f64 = 5.0;
const LARGE: f64 = 0.15;
const BEFORE: usize = 10;
/// Minutes of which an account of what came and went is made at least.
const ACCOUNT_MIN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::sight::Seen;

    fn minutes(sent: &[f64]) -> Vec<Watched> {
        let minute = |(n, sent): (usize, &f64)| Watched {
            seen: Seen { at: Timestamp::from_s(n as i64 * 60), ..Seen::default() },
            sent: Some(*sent),
            ..Watched::default()
        };
        sent.iter().enumerate().map(minute).collect()
    }

    #[test]
    fn a_step_leaves_only_the_newest_minutes_to_count() {
        let steady = arrivals(&minutes(&[300.0; 30])).expect("it is published");
        assert!((steady.per_s - 5.0).abs() < 1e-9 && steady.error < 0.02, "{steady:?}");
        let mut stepped = vec![300.0; 20];
        stepped.extend([600.0; 10]);
        let stepped = arrivals(&minutes(&stepped)).expect("it is published");
        assert!((stepped.per_s - 10.0).abs() < 1e-9, "{stepped:?}");
    }

    #[test]
    fn a_step_under_way_is_counted_by_itself_and_said_to_be_young() {
        let mut sent: Vec<f64> = (0..30).map(|n| 300.0 + 10.0 * f64::from(n % 3)).collect();
        assert_eq!(Rate::of(&sent).step, None);
        sent.push(420.0);
        assert_eq!(Rate::of(&sent).step, None, "one minute may be anything");
        sent.push(410.0);
        let rate = Rate::of(&sent);
        assert!((rate.per_s * 60.0 - 415.0).abs() < 0.1 && rate.minutes == 2 && rate.error > 0.03, "{rate:?}");
        let why = rate.step.map(Step::not_sure).expect("it is young");
        assert!(why.contains("newest 2 minutes 1.3 times as many"), "{why}");
        sent.extend([415.0; 4]);
        assert_eq!(Rate::of(&sent).step, None, "it has stayed");
    }

    #[test]
    fn without_what_is_sent_it_is_what_went_and_what_more_is_there() {
        let mut seen = minutes(&[0.0; 21]);
        for (minute, n) in seen.iter_mut().zip(0u32..) {
            (minute.sent, minute.deleted) = (None, Some(120.0));
            (minute.visible, minute.hidden) = (Some(60.0 * f64::from(n)), Some(20.0));
        }
        let balance = arrivals(&seen).expect("it is published");
        assert!((balance.per_s - 3.0).abs() < 1e-9 && balance.sentence.contains("est"), "{balance:?}");
        assert_eq!(arrivals(&minutes(&[])), None);
    }

    #[test]
    fn those_that_wait_are_the_last_that_were_sent() {
        let sent = minutes(&[600.0, 600.0, 60.0]);
        let at = Timestamp::from_s(180);
        assert_eq!(backlog(&sent, at, 5, 1.0), [(5_000, 5)]);
        let lots = backlog(&sent, at, 700, 1.0);
        assert_eq!(lots.iter().map(|(_, n)| u64::from(*n)).sum::<u64>(), 700);
        // 60 of the last minute, 600 of the one before, 40 of the first.
        assert_eq!(lots.first(), Some(&(125_000, 40)));
        let older = backlog(&sent, at, 1_320, 1.0);
        assert_eq!(older.first().map(|(age_ms, _)| age_ms / 60_000), Some(3), "as many came before");
        assert!(backlog(&sent, at, 0, 1.0).is_empty());
    }
}
