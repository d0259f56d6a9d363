//! What came of a redrive, as one object whose members a script can rely on.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::id::MessageId;
use crate::operation::order::EndState;
use crate::operation::progress::{Cause, Report};

#[derive(Debug, Serialize)]
pub struct Outcome {
    /// `null` when nothing was begun.
    pub operation: Option<String>,
    pub moved: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Not tried; still in the queue.
    pub returned: u64,
    pub duplicates_possible: Vec<MessageId>,
    pub state: EndState,
    pub gone: u64,
    /// Why messages were skipped, and how many for each reason.
    pub skipped_why: BTreeMap<String, u64>,
    /// Sent and dead again: old id, new id.
    pub bounced: Vec<(MessageId, MessageId)>,
    pub later_steps: Vec<MessageId>,
    pub faults: Vec<(MessageId, String)>,
    pub problem: Option<String>,
    pub cause: Option<Cause>,
    pub took_ms: i64,
    #[serde(skip)]
    line: String,
}

impl Outcome {
    /// `left_out`: what was not begun with, and why. `None` for a report of another kind.
    pub fn of(report: &Report, left_out: Vec<(String, u64)>) -> Option<Self> {
        let mut outcome = Outcome::nothing(left_out);
        outcome.line = report.line();
        match report {
            Report::Redrive(report) => {
                outcome.operation = Some(report.operation.to_string());
                outcome.moved = report.moved;
                outcome.failed = report.failed;
                outcome.skipped += report.skipped;
                outcome.returned = report.returned;
                outcome.duplicates_possible.clone_from(&report.duplicates_possible);
                outcome.state = report.state;
                outcome.gone = report.gone;
                for (why, count) in &report.skipped_why {
                    *outcome.skipped_why.entry(why.clone()).or_default() += count;
                }
                outcome.bounced.clone_from(&report.bounced);
                outcome.later_steps.clone_from(&report.later_steps);
                outcome.faults.clone_from(&report.faults);
                outcome.took_ms = report.took_ms;
            }
            // A move task knows neither ids nor faults.
            Report::MoveAll(report) => {
                outcome.operation = Some(report.operation.to_string());
                outcome.moved = report.moved;
                outcome.returned = report.to_move.unwrap_or(report.moved).saturating_sub(report.moved);
                outcome.state = report.state;
                outcome.took_ms = report.took_ms;
            }
            _ => return None,
        }
        outcome.problem = report.problem().map(str::to_owned);
        outcome.cause = report.cause();
        Some(outcome)
    }

    /// There was nothing to redrive.
    pub fn nothing(left_out: Vec<(String, u64)>) -> Self {
        Outcome {
            operation: None,
            moved: 0,
            failed: 0,
            skipped: left_out.iter().map(|(_, count)| count).sum(),
            returned: 0,
            duplicates_possible: Vec::new(),
            state: EndState::Done,
            gone: 0,
            skipped_why: left_out.into_iter().collect(),
            bounced: Vec::new(),
            later_steps: Vec::new(),
            faults: Vec::new(),
            problem: None,
            cause: None,
            took_ms: 0,
            line: "nothing to redrive".to_owned(),
        }
    }
}

/// The line of the report, and what may exist twice by name.
pub fn line(outcome: &Outcome) -> String {
    let mut text = crate::report::table::clean(&outcome.line) + "\n";
    if outcome.operation.is_none() {
        for (why, count) in &outcome.skipped_why {
            text.push_str(&format!("  {count} skipped: {}\n", crate::report::table::clean(why)));
        }
    }
    if !outcome.duplicates_possible.is_empty() {
        text.push_str("may exist twice:\n");
        for id in &outcome.duplicates_possible {
            text.push_str(&format!("  {}\n", crate::report::table::clean(id.as_str())));
        }
    }
    text
}
