//! The journal as rows: one an operation, or one an entry.

use serde::Serialize;

use crate::operation::order::{EndState, JournalEntry};
use crate::operation::record::{self, Holder, Outline};
use crate::report::table::Table;

#[derive(Debug, Serialize)]
pub struct Row {
    pub operation: String,
    pub began: String,
    pub kind: &'static str,
    /// `Redrive 3 from JobDLQ`
    pub title: String,
    pub who: String,
    pub account: String,
    pub region: String,
    /// `done`, `partly`, `cancelled`, `failed`; `running` while its owner lives, `cut-off` when it
    /// does not.
    pub state: &'static str,
    /// Who holds it, while it has not ended.
    pub owner: Option<String>,
    /// Messages by the last that was recorded of them.
    pub moved: u64,
    pub failed: u64,
    pub open: u64,
    pub summary: String,
    pub reason: Option<String>,
}

/// One row an operation, newest first, from entries oldest first.
pub fn rows(outline: &Outline) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in &outline.entries {
        match entry {
            JournalEntry::Began { operation, at, plan, who, account, region } => {
                let (kind, reason) = kind_of(plan);
                let tally = outline.tallies.get(operation).copied().unwrap_or_default();
                let holder = outline.holders.get(operation);
                rows.push(Row {
                    operation: operation.to_string(),
                    began: at.to_string(),
                    kind,
                    title: record::title(plan),
                    who: who.clone(),
                    account: account.clone(),
                    region: region.clone(),
                    state: if holder.is_some_and(Holder::is_alive) { "running" } else { "cut-off" },
                    owner: holder.and_then(Holder::name),
                    moved: tally.moved,
                    failed: tally.failed,
                    open: tally.open,
                    summary: String::new(),
                    reason,
                });
            }
            JournalEntry::Ended { operation, state, summary, .. } => {
                let row = rows.iter_mut().rev().find(|row| row.operation == operation.as_str());
                if let Some(row) = row {
                    row.owner = None;
                    row.state = end(*state);
                    row.summary.clone_from(summary);
                }
            }
            JournalEntry::Noted { operation, text, .. } => {
                if let Some(row) = rows.iter_mut().rev().find(|row| row.operation == operation.as_str()) {
                    row.summary.clone_from(text);
                }
            }
            JournalEntry::Message { .. } | JournalEntry::Backup { .. } | JournalEntry::Edited { .. } => {}
        }
    }
    rows.reverse();
    rows
}

pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new(&["OPERATION", "BEGAN", "WHAT", "STATE", "WHAT CAME OF IT", "WHY"]);
    for row in rows {
        table.row([
            row.operation.clone(),
            row.began.clone(),
            row.title.clone(),
            row.owner.as_ref().map_or(row.state.to_owned(), |owner| format!("{}: {owner}", row.state)),
            row.summary.clone(),
            row.reason.clone().unwrap_or_default(),
        ]);
    }
    table.text()
}

pub(super) fn end(state: EndState) -> &'static str {
    match state {
        EndState::Done => "done",
        EndState::Partly => "partly",
        EndState::Cancelled => "cancelled",
        EndState::Failed => "failed",
    }
}

pub(super) fn kind_of(plan: &crate::model::plan::Plan) -> (&'static str, Option<String>) {
    use crate::model::plan::Plan;
    match plan {
        Plan::Scan(_) => ("scan", None),
        Plan::Redrive(plan) => ("redrive", plan.reason.clone()),
        Plan::MoveAll(plan) => ("move-all", plan.reason.clone()),
        Plan::Retune(plan) => ("retune", plan.reason.clone()),
        Plan::Trial(plan) => ("try", plan.reason.clone()),
        Plan::Rescue(plan) => ("rescue", plan.reason.clone()),
        Plan::Rerun(plan) => ("rerun", plan.reason.clone()),
        Plan::Drop(plan) => ("drop", plan.reason.clone()),
        Plan::Restore(plan) => ("restore", plan.reason.clone()),
        Plan::Note(plan) => ("note", Some(format!("{}: {}", plan.kind, plan.text))),
    }
}
