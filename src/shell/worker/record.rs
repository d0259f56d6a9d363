//! What effects do to the journal beside the operations: notes, last lines, and reading it.

use std::sync::Arc;

use crate::console::msg::Msg;
use crate::journal::Journal;
use crate::model::id::OperationId;
use crate::model::plan::{NotePlan, Plan};
use crate::model::service_error::Outcome;
use crate::operation::order::{EndState, JournalEntry, JournalSink};
use crate::operation::record::{Holder, Record};
use crate::shell::copies;
use crate::shell::session;
use crate::shell::worker::{Worker, claimed};

impl Worker {
    pub(super) fn note(&self, note: NotePlan) {
        let (journal, outbox) = (Arc::clone(&self.ground.journal), self.outbox.clone());
        let (identity, at) = (self.identity.borrow().clone(), self.ground.clock.account_now());
        let operation = OperationId::new(format!("note-{:x}-{}", at.ms(), session::session()));
        let text = note.text.clone();
        let began = JournalEntry::Began {
            operation: operation.clone(),
            at,
            plan: Box::new(Plan::Note(note)),
            who: identity.arn,
            account: identity.account,
            region: identity.region,
        };
        let ended = JournalEntry::Ended { operation, at, state: EndState::Done, summary: text };
        tokio::spawn(async move {
            if let Outcome::Refused(error) = journal.record(vec![began, ended]).await {
                let _ = outbox.send(Msg::Trouble(format!("the note is not kept: {error}")));
            }
            let read = tokio::task::spawn_blocking(move || journal.outline().map_err(|error| error.to_string()));
            if let Ok(result) = read.await {
                let _ = outbox.send(Msg::JournalArrived { result });
            }
        });
    }

    pub(super) fn load_journal(&self) {
        let (journal, outbox) = (Arc::clone(&self.ground.journal), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let result = journal.outline().map_err(|error| error.to_string());
            let _ = outbox.send(Msg::JournalArrived { result });
        });
    }

    /// Ours first, so that two consoles do not both close it.
    pub(super) fn close_record(&self, operation: OperationId, line: String) {
        let (journal, outbox) = (Arc::clone(&self.ground.journal), self.outbox.clone());
        let at = self.ground.clock.account_now();
        tokio::spawn(async move {
            let result = match claimed(&journal, Some(operation.clone())).await {
                Ok(()) => {
                    let ended =
                        JournalEntry::Ended { operation: operation.clone(), at, state: EndState::Done, summary: line };
                    match journal.record(vec![ended]).await {
                        Outcome::Refused(error) => Err(error.to_string()),
                        _ => Ok(()),
                    }
                }
                Err(why) => Err(why),
            };
            journal.let_go(&operation);
            if let Err(why) = result {
                let _ = outbox.send(Msg::Trouble(format!("the journal does not keep it: {why}")));
            }
            let read = tokio::task::spawn_blocking(move || journal.outline().map_err(|error| error.to_string()));
            if let Ok(result) = read.await {
                let _ = outbox.send(Msg::JournalArrived { result });
            }
        });
    }

    pub(super) fn load_record(&self, id: OperationId) {
        let (journal, outbox) = (Arc::clone(&self.ground.journal), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let _ = outbox.send(Msg::RecordArrived { result: record(&journal, &id) });
        });
    }
}

fn record(journal: &Journal, id: &OperationId) -> Result<(Box<Record>, Holder), String> {
    let record = journal.record_of(id).map_err(|error| error.to_string())?;
    let outline = journal.outline().map_err(|error| error.to_string())?;
    let mut record = record.ok_or_else(|| format!("the journal has no operation {id}"))?;
    copies::supply(&mut record);
    let holder = outline.holders.get(id).cloned().unwrap_or_default();
    Ok((Box::new(record), holder))
}
