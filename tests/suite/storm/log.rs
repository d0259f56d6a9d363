//! What is on record, and whether the order of things is kept: recorded before sent, acknowledged on
//! record before deleted.

use std::collections::BTreeMap;

use redrive::model::id::MessageId;
use redrive::operation::order::{JournalEntry, MessageState, Order};

use crate::storm::fault::Faults;
use crate::storm::suspicion::{Suspicion, old_id};

#[derive(Default)]
pub struct Log {
    pub journal: Vec<JournalEntry>,
    /// The last durable word on each message.
    pub states: BTreeMap<MessageId, MessageState>,
    pub suspicion: Suspicion,
    pub breaches: Vec<String>,
}

impl Log {
    pub fn keep(&mut self, entries: Vec<JournalEntry>) {
        for entry in entries {
            if let JournalEntry::Message { id, state, .. } = &entry {
                self.states.insert(id.clone(), state.clone());
            }
            self.journal.push(entry);
        }
    }

    /// An order of a living process reaches its queue.
    pub fn arrives(&mut self, order: &Order, faults: &Faults) {
        match order {
            Order::Send { entries, .. } => {
                for id in entries.iter().filter_map(old_id) {
                    if !matches!(self.states.get(&id), Some(MessageState::Recorded { .. })) {
                        self.breaches.push(format!("{id} sent, but not on record as about to be"));
                    }
                }
            }
            // Where the journal fails, what is at its destination is deleted all the same.
            Order::Delete { entries, .. } if faults.journal == 0 => {
                for lease in entries {
                    if matches!(self.states.get(&lease.id), Some(MessageState::Recorded { .. }) | None) {
                        self.breaches.push(format!("{} deleted before its ack was kept", lease.id));
                    }
                }
            }
            Order::Receive { max, visibility_s, .. } if *max > 10 || *visibility_s > 60 => {
                self.breaches.push(format!("a receive of {max} for {visibility_s} s"));
            }
            _ => {}
        }
    }

    /// The process died; what was under way is known by the last durable word.
    pub fn died(&mut self) {
        self.suspicion.died(&self.states);
    }
}
