//! What came of any operation: as text, by name what failed and what nobody can vouch for; and, where it
//! was taken up again, as JSON.

use serde::Serialize;

use crate::model::id::{MessageId, OperationId};
use crate::operation::order::EndState;
use crate::operation::progress::{Cause, Report, grouped};
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

/// A line, then who failed and why, then who else is to be looked after: each reason once.
pub fn named(line: &str, faults: &[(MessageId, String)], others: &[(&str, &[MessageId])]) -> String {
    let mut reasons: Vec<(&str, Vec<&MessageId>)> = Vec::new();
    let of_others = others.iter().flat_map(|(what, ids)| ids.iter().map(|id| (id, *what)));
    for (id, why) in faults.iter().map(|(id, why)| (id, why.as_str())).chain(of_others) {
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, ids)) => ids.push(id),
            None => reasons.push((why, vec![id])),
        }
    }
    let mut text = clean(line) + "\n";
    for (why, ids) in reasons {
        let names: Vec<String> = ids.iter().map(|id| clean(id.as_str())).collect();
        match names.as_slice() {
            [name] => text.push_str(&format!("  {name}: {}\n", clean(why))),
            names => {
                text.push_str(&format!("  {} of them: {}\n", grouped(names.len() as u64), clean(why)));
                beside_each_other(names).iter().for_each(|row| text.push_str(&format!("    {row}\n")));
            }
        }
    }
    text
}

/// As many names a row as a narrow terminal holds.
fn beside_each_other(names: &[String]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for name in names {
        match rows.last_mut().filter(|row| row.len() + 1 + name.len() <= ROW) {
            Some(row) => row.extend([" ", name.as_str()]),
            None => rows.push(name.clone()),
        }
    }
    rows
}

/// Of 80 columns, those behind the indent.
const ROW: usize = 76;

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
    fn a_reason_that_many_share_is_told_once_and_all_of_them_by_name() {
        let id = |n: u32| MessageId::from(format!("{n:08x}-0000-4000-8000-000000000000").as_str());
        let mut faults: Vec<(MessageId, String)> =
            (0..5).map(|n| (id(n), "it was not looked for".to_owned())).collect();
        faults.insert(2, (id(9), "too large".to_owned()));
        let text = named("some are left", &faults, &[("may have run", &[])]);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[..2], ["some are left", "  5 of them: it was not looked for"]);
        assert_eq!(rows[2], format!("    {} {}", id(0), id(1)));
        assert_eq!((rows[4], rows[5]), (format!("    {}", id(4)).as_str(), format!("  {}: too large", id(9)).as_str()));
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|row| row.len() <= 80), "{text}");
    }

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
