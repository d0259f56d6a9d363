//! Messages that are sent with another body than they died with. Both bodies are in the journal before
//! anything is sent: the new one from the beginning, so that a resume sends exactly it, and the original
//! beside the record of its send. A body that is no longer there, or is not what was confirmed, is not
//! made up: its message is set aside.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::model::hexadecimal::hexadecimal;
use crate::model::id::MessageId;
use crate::model::plan::EditPlan;
use crate::model::time::Timestamp;
use crate::operation::Owner;
use crate::operation::order::JournalEntry;

/// What a plan says of these new bodies.
pub fn plan(how: impl Into<String>, bodies: &BTreeMap<MessageId, String>) -> Box<EditPlan> {
    let sha256 = bodies.iter().map(|(id, body)| (id.clone(), digest(body))).collect();
    Box::new(EditPlan { how: how.into(), sha256 })
}

/// Why a plan may not be carried out: many edited messages go by a ladder, or one tells nothing of the
/// others.
pub(super) fn refusal(edit: Option<&EditPlan>, laddered: bool) -> Option<String> {
    let many = edit.is_some_and(|edit| edit.sha256.len() > 1);
    (many && !laddered).then(|| "edited messages go in rungs, the first alone: nothing was sent".to_owned())
}

/// The new bodies of one operation.
#[derive(Debug, Default)]
pub(in crate::operation) struct Edits {
    wanted: BTreeMap<MessageId, String>,
    bodies: BTreeMap<MessageId, String>,
}

impl Edits {
    pub(in crate::operation) fn new(plan: Option<&EditPlan>, bodies: BTreeMap<MessageId, String>) -> Self {
        let wanted = plan.map(|plan| plan.sha256.clone()).unwrap_or_default();
        let is_right = |id: &MessageId, body: &str| wanted.get(id).is_some_and(|sha256| *sha256 == digest(body));
        let bodies = bodies.into_iter().filter(|(id, body)| is_right(id, body)).collect();
        Edits { wanted, bodies }
    }

    /// What is sent instead of the message's own body, if anything is.
    pub(in crate::operation) fn of(&self, id: &MessageId) -> Option<&str> {
        self.bodies.get(id).map(String::as_str)
    }

    /// It is to be edited, and with what is not known.
    pub(in crate::operation) fn is_lost(&self, id: &MessageId) -> bool {
        self.wanted.contains_key(id) && !self.bodies.contains_key(id)
    }

    /// All of them, to be on record before anything is sent.
    pub(in crate::operation) fn entries(&self, owner: &Owner, at: Timestamp) -> impl Iterator<Item = JournalEntry> {
        self.bodies.iter().map(move |(id, body)| JournalEntry::Edited {
            operation: owner.operation.clone(),
            at,
            id: id.clone(),
            body: body.clone(),
        })
    }
}

fn digest(body: &str) -> String {
    hexadecimal(&Sha256::digest(body.as_bytes()))
}

#[cfg(test)]
mod tests;
