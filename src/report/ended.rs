//! What came of any operation: as text, by name what failed and what nobody can vouch for; and, where it
//! was taken up again, as JSON.

use serde::Serialize;

use crate::model::id::{MessageId, OperationId};
use crate::operation::order::EndState;
use crate::operation::progress::{Cause, Report};
use crate::report::redrive::{Outcome, line};
use crate::report::table::clean;

/// The line of a report, and its messages that a person has to look after.
pub fn text(report: &Report) -> String {
    let others = [("may exist twice", twice(report)), ("may have run", perhaps_run(report))];
    named(&report.line(), faults(report), &others)
}

fn faults(report: &Report) -> &[(MessageId, String)] {
    match report {
        Report::Rescue(rescue) => &rescue.faults,
        Report::Rerun(rerun) => &rerun.faults,
        Report::Drop(drop) => &drop.faults,
        Report::Restore(restore) => &restore.faults,
        Report::Redrive(redrive) => &redrive.faults,
        Report::Scan(_) | Report::MoveAll(_) | Report::Retune(_) | Report::Trial(_) => &[],
    }
}

fn twice(report: &Report) -> &[MessageId] {
    match report {
        Report::Restore(restore) => &restore.duplicates_possible,
        Report::Redrive(redrive) => &redrive.duplicates_possible,
        _ => &[],
    }
}

fn perhaps_run(report: &Report) -> &[MessageId] {
    if let Report::Rerun(rerun) = report { &rerun.may_have_run } else { &[] }
}

/// A line, then who failed and why, then who else is to be looked after.
pub fn named(line: &str, faults: &[(MessageId, String)], others: &[(&str, &[MessageId])]) -> String {
    let mut text = clean(line) + "\n";
    for (id, why) in faults {
        text.push_str(&format!("  {}: {}\n", clean(id.as_str()), clean(why)));
    }
    for (what, ids) in others {
        ids.iter().for_each(|id| text.push_str(&format!("  {}: {what}\n", clean(id.as_str()))));
    }
    text
}

/// What came of an operation that was taken up again: a redrive's in its own words.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Resumed {
    Redrive(Box<Outcome>),
    Other(Ended),
}

/// The end of an operation that moved nothing between queues by itself.
#[derive(Debug, Serialize)]
pub struct Ended {
    pub operation: OperationId,
    pub state: EndState,
    pub summary: String,
    pub problem: Option<String>,
    pub cause: Option<Cause>,
    /// Put back, perhaps twice: a restore's.
    pub duplicates_possible: Vec<MessageId>,
    /// Run, perhaps: events run again.
    pub may_have_run: Vec<MessageId>,
    pub faults: Vec<(MessageId, String)>,
    #[serde(skip)]
    text: String,
}

impl Resumed {
    pub fn of(operation: OperationId, report: &Report) -> Self {
        if let Some(outcome) = Outcome::of(report, Vec::new()) {
            return Resumed::Redrive(Box::new(outcome));
        }
        Resumed::Other(Ended {
            operation,
            state: report.state(),
            summary: report.line(),
            problem: report.problem().map(str::to_owned),
            cause: report.cause(),
            duplicates_possible: twice(report).to_vec(),
            may_have_run: perhaps_run(report).to_vec(),
            faults: faults(report).to_vec(),
            text: text(report),
        })
    }

    pub fn line(&self) -> String {
        match self {
            Resumed::Redrive(outcome) => line(outcome),
            Resumed::Other(ended) => ended.text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::progress::RestoreReport;

    #[test]
    fn who_may_exist_twice_is_named_also_where_a_restore_was_taken_up_again() {
        let report = Report::Restore(RestoreReport {
            operation: "op".into(),
            state: EndState::Partly,
            asked: 3,
            restored: 1,
            failed: 2,
            returned: 0,
            duplicates_possible: vec!["m-2".into()],
            faults: vec![("m-3".into(), "too large".to_owned()), ("m-2".into(), "no answer".to_owned())],
            problem: None,
            cause: None,
            took_ms: 1,
        });
        let told =
            "1 of 3 put back, 1 failed, 1 perhaps sent\n  m-3: too large\n  m-2: no answer\n  m-2: may exist twice\n";
        assert_eq!(text(&report), told);
        let resumed = Resumed::of("op".into(), &report);
        assert_eq!(resumed.line(), told);
        let json = serde_json::to_value(&resumed).expect("plain data");
        assert_eq!((&json["duplicates_possible"][0], &json["faults"][0][1]), (&"m-2".into(), &"too large".into()));
    }
}
