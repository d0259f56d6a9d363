//! Which deletes on record may not have taken, by what stands around them in the journal.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::MessageId;
use crate::model::time::Timestamp;
use crate::operation::order::MessageState;

/// Deletes as they were put on record, and which of them a receive may have made void.
#[derive(Debug, Default)]
pub(super) struct Deletes<'a> {
    at: BTreeMap<&'a MessageId, Timestamp>,
    /// No receive that was ordered before has no answer.
    answered_before: Option<Timestamp>,
    doubted: BTreeSet<MessageId>,
}

impl<'a> Deletes<'a> {
    pub(super) fn note(&mut self, at: Timestamp, id: &'a MessageId, state: &MessageState) {
        self.at.remove(id);
        self.doubted.remove(id);
        match state {
            MessageState::Deleted { beside } | MessageState::Dropped { beside } => {
                self.at.insert(id, at);
                self.answered_before = self.answered_before.max(Some(beside.unwrap_or(at.plus_ms(1))));
            }
            MessageState::Doubted => drop(self.doubted.insert(id.clone())),
            _ => {}
        }
    }

    pub(super) fn doubted(mut self) -> BTreeSet<MessageId> {
        let since = self.at.iter().filter(|(_, at)| Some(**at) >= self.answered_before);
        self.doubted.extend(since.map(|(id, _)| (*id).clone()));
        self.doubted
    }
}
