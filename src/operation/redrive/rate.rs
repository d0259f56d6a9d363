//! The rate a person sets while it runs: from then on it counts, and it is on record, so that whoever takes
//! the operation up goes on at it and not at the rate of the plan.

use crate::model::plan::RedrivePlan;
use crate::model::time::Timestamp;
use crate::operation::order::Pace;
use crate::operation::progress::{Limit, SaidBy};
use crate::operation::record::Record;
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
        self.note_pace(now, format!("{SET}{}{alone}", worded(rate_per_s)));
    }

    /// As it is from now on: for people, and for a resume.
    pub(super) fn note_pace(&mut self, now: Timestamp, text: String) {
        let pace = Pace { per_s: self.bucket.rate_per_s(), gives_way: self.watchful.gives_way() };
        let entry = self.owner.paced(now, pace, text);
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

/// The plan as it stood when the operation was cut off.
pub(in crate::operation) fn as_left(plan: RedrivePlan, record: &Record) -> RedrivePlan {
    match record.pace {
        Some(Pace { per_s, gives_way }) => {
            RedrivePlan { rate_per_s: per_s, gentle: plan.gentle.filter(|_| gives_way), ..plan }
        }
        None => plan,
    }
}

/// The pace after a note, before which it was `was`; one that no redrive can go at says nothing.
pub(in crate::operation) fn pace_after(was: Option<Pace>, text: &str, noted: Option<Pace>) -> Option<Pace> {
    let goes = |pace: &Pace| pace.per_s.is_none_or(|rate| rate.is_finite() && rate > 0.0);
    noted.or_else(|| read(was, text)).filter(goes).or(was)
}

/// Journals that were written before a note had a [`Pace`] have it in words alone.
fn read(was: Option<Pace>, text: &str) -> Option<Pace> {
    let rest = text.strip_prefix(SET).or_else(|| text.strip_prefix(HALVED))?;
    let per_s = if rest.starts_with(OFF) { None } else { Some(rest.split_once(A_SECOND)?.0.parse().ok()?) };
    let lets_be = text.starts_with(SET) && rest.contains(NO_LONGER);
    Some(Pace { per_s, gives_way: !lets_be && was.is_none_or(|was| was.gives_way) })
}

/// How the notes that name a rate begin. Older journals are read by these words: they stay as they are.
pub(super) const SET: &str = "rate set to ";
pub(super) const HALVED: &str = "rate halved to ";
const A_SECOND: &str = " a second";
const OFF: &str = "off";
const NO_LONGER: &str = "; it no longer gives way by itself";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Gentle, Plan};
    use crate::operation::order::JournalEntry;

    /// What a resume goes on at after these lines of an operation at 40 a second that gives way.
    fn left(lines: &[&str]) -> (Option<f64>, bool) {
        let gentle = Some(Gentle { queues: vec!["JobQueue".into()], functions: Vec::new() });
        let plan = RedrivePlan {
            rate_per_s: Some(40.0),
            gentle,
            ..RedrivePlan::new("q".into(), "a".into(), Vec::new(), Vec::new())
        };
        let mut entries = vec![JournalEntry::Began {
            operation: "op".into(),
            at: Timestamp::ZERO,
            plan: Box::new(Plan::Redrive(plan.clone())),
            who: String::new(),
            account: String::new(),
            region: String::new(),
        }];
        entries.extend(lines.iter().map(|line| serde_json::from_str(line).expect("a line of a journal")));
        let left = as_left(plan, &Record::read(&entries).expect("it began"));
        (left.rate_per_s, left.gentle.is_some())
    }

    fn noted(text: &str, more: &str) -> String {
        format!(r#"{{"entry":"noted","operation":"op","at":1,"text":"{text}"{more}}}"#)
    }

    #[test]
    fn a_resume_goes_on_at_the_pace_that_was_noted_last_whatever_the_words() {
        let at = |notes: &[(&str, &str)]| {
            let lines: Vec<String> = notes.iter().map(|(text, more)| noted(text, more)).collect();
            left(&lines.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let halved = ("by half", r#","pace":{"per_s":12.5,"gives_way":true}"#);
        let set = ("rate set to 7 a second", r#","pace":{"per_s":50.0,"gives_way":false}"#);
        let off = ("as fast as it can", r#","pace":{"per_s":null,"gives_way":false}"#);
        let none = ("the rate set to 3 a second is a word of somebody's", "");
        assert_eq!(at(&[none]), (Some(40.0), true));
        assert_eq!(at(&[halved, none]), (Some(12.5), true));
        assert_eq!(at(&[halved, set]), (Some(50.0), false), "not the rate of the words");
        assert_eq!(at(&[set, off]), (None, false));
        let nonsense = ("standing still", r#","pace":{"per_s":0.0,"gives_way":true}"#);
        assert_eq!(at(&[halved, nonsense]), (Some(12.5), true), "it would never end");
        let older = ("rate set to 5 a second", "");
        assert_eq!(at(&[set, older]), (Some(5.0), false), "an older redrive had taken it up in between");
    }

    #[test]
    fn a_pace_is_written_beside_words_that_an_older_redrive_reads() {
        let pace = Pace { per_s: Some(5.0), gives_way: true };
        let entry = JournalEntry::Noted {
            operation: "op".into(),
            at: Timestamp::from_s(1),
            text: format!("{SET}{}", worded(pace.per_s)),
            pace: Some(pace),
        };
        let line = serde_json::to_string(&entry).expect("plain data");
        let begins = r#"{"entry":"noted","operation":"op","at":1000,"text":"rate set to 5 a second","#;
        assert!(line.starts_with(begins), "{line}");
        assert_eq!(serde_json::from_str::<JournalEntry>(&line).expect("as it was written"), entry);
    }

    #[test]
    fn the_words_of_an_older_journal_are_read() {
        let at = |texts: &[&str]| {
            let lines: Vec<String> = texts.iter().map(|text| noted(text, "")).collect();
            left(&lines.iter().map(String::as_str).collect::<Vec<_>>())
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
