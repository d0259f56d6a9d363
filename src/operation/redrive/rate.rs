//! The rate a person sets while it runs: from then on it counts, and it is on record, so that whoever takes
//! the operation up goes on at it and not at the rate of the plan.

use crate::model::plan::RedrivePlan;
use crate::model::time::Timestamp;
use crate::operation::progress::{Limit, SaidBy};
use crate::operation::redrive::ledger::Fate;
use crate::operation::redrive::{Mode, Redrive};

impl Redrive {
    /// Messages a second from now on; `None` is unlimited. Whoever wants it faster answers for what that does
    /// to the consumers: it gives way no more. Slower, it still does.
    pub(super) fn set_rate(&mut self, now: Timestamp, rate_per_s: Option<f64>) {
        let was = self.bucket.rate_per_s();
        if matches!(self.mode, Mode::Ending(_) | Mode::Finished) || was == rate_per_s {
            return;
        }
        self.bucket.set_rate(rate_per_s, now);
        let gave_way = self.watchful.gives_way();
        if is_faster(was, rate_per_s) {
            self.watchful.let_be();
        }
        self.watchful.spoken(SaidBy::Person, now);
        // What it did before foretells nothing any more.
        self.climb.free_since = (now, self.fate(Fate::Moved));
        let alone = if gave_way && !self.watchful.gives_way() { NO_LONGER } else { "" };
        let entry = self.owner.noted(now, format!("{SET}{}{alone}", worded(rate_per_s)));
        self.notes.add(entry);
    }

    pub(super) fn limit(&self) -> Limit {
        Limit {
            per_s: self.bucket.rate_per_s(),
            by: self.watchful.said_by(),
            gives_way: self.watchful.gives_way() && self.bucket.rate_per_s().is_some(),
        }
    }
}

fn is_faster(was: Option<f64>, to: Option<f64>) -> bool {
    match (was, to) {
        (Some(was), Some(to)) => to > was,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// `20 a second`
pub(super) fn worded(rate_per_s: Option<f64>) -> String {
    rate_per_s.map_or_else(|| OFF.to_owned(), |rate| format!("{rate}{A_SECOND}"))
}

/// The plan as it stood when the operation was cut off: with the rate that its notes named last.
pub(in crate::operation) fn as_left(plan: RedrivePlan, notes: &[(Timestamp, String)]) -> RedrivePlan {
    let named = notes.iter().rev().find_map(|(_, text)| named(text));
    let alone = notes.iter().any(|(_, text)| text.starts_with(SET) && text.contains(NO_LONGER));
    RedrivePlan { rate_per_s: named.unwrap_or(plan.rate_per_s), gentle: plan.gentle.clone().filter(|_| !alone), ..plan }
}

fn named(note: &str) -> Option<Option<f64>> {
    let rest = note.strip_prefix(SET).or_else(|| note.strip_prefix(HALVED))?;
    if rest.starts_with(OFF) {
        return Some(None);
    }
    let (rate, _) = rest.split_once(A_SECOND)?;
    rate.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0).map(Some)
}

/// How the notes that name a rate begin: a resume finds it there.
pub(super) const SET: &str = "rate set to ";
pub(super) const HALVED: &str = "rate halved to ";
const A_SECOND: &str = " a second";
const OFF: &str = "off";
const NO_LONGER: &str = "; it no longer gives way by itself";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Gentle;

    #[test]
    fn a_resume_goes_on_at_the_rate_that_was_named_last() {
        let gentle = Some(Gentle { queues: vec!["JobQueue".into()], functions: Vec::new() });
        let plan = RedrivePlan {
            rate_per_s: Some(40.0),
            gentle,
            ..RedrivePlan::new("q".into(), "a".into(), Vec::new(), Vec::new())
        };
        let at = |texts: &[&str]| {
            let notes: Vec<(Timestamp, String)> = texts.iter().map(|text| (Timestamp::ZERO, (*text).into())).collect();
            let left = as_left(plan.clone(), &notes);
            (left.rate_per_s, left.gentle.is_some())
        };
        assert_eq!(at(&["rung 1 of 4: 1 sent"]), (Some(40.0), true));
        assert_eq!(at(&["rate halved to 12.5 a second: why", "resumed by me"]), (Some(12.5), true));
        assert_eq!(at(&["rate halved to 20 a second: why", "rate set to 5 a second"]), (Some(5.0), true));
        assert_eq!(at(&["rate set to off; it no longer gives way by itself"]), (None, false));
        let both = ["rate set to 50 a second; it no longer gives way by itself", "rate set to 2 a second"];
        assert_eq!(at(&both), (Some(2.0), false), "what was let be stays so");
        assert_eq!(at(&["rate set to NaN a second"]), (Some(40.0), true));
    }
}
