//! Deleting from the source what its destination has acknowledged, by the newest receipt, until it is
//! certain; what is not certain is named.

use crate::model::id::MessageId;
use crate::model::message::MAX_BATCH_ENTRIES;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, Lease, MessageState, Order, OrderResult};
use crate::operation::progress::Cause;
use crate::operation::redrive::delivery::said;
use crate::operation::redrive::ledger::{Fate, Stage};
use crate::operation::redrive::{Mode, Purpose, Redrive};
use crate::operation::returns::is_lapsed;

impl Redrive {
    pub(super) fn delete(&mut self, now: Timestamp) {
        while self.deleting < self.lanes && self.delete_backoff.is_open(now) && !self.to_delete.is_empty() {
            let ids: Vec<MessageId> = self.to_delete.drain(..self.to_delete.len().min(MAX_BATCH_ENTRIES)).collect();
            let mut leases: Vec<Lease> = Vec::with_capacity(ids.len());
            for id in &ids {
                if let Some(entry) = self.ledger.get_mut(id)
                    && let Some(found) = &entry.found
                {
                    entry.deleting = true;
                    leases.push(found.held().lease);
                }
            }
            if leases.is_empty() {
                continue;
            }
            self.deleting += 1;
            let order = Order::Delete { queue: self.plan.from.clone(), entries: leases.clone() };
            self.outbox.give(order, Purpose::Deleted(leases));
        }
    }

    pub(super) fn handle_deleted(&mut self, now: Timestamp, leases: Vec<Lease>, result: OrderResult) {
        self.deleting -= 1;
        for lease in &leases {
            if let Some(entry) = self.ledger.get_mut(&lease.id) {
                entry.deleting = false;
            }
        }
        match result {
            Outcome::Done(Answer::Entries(results)) => {
                let mut results = results.into_iter();
                let mut slower = false;
                let beside = self.receiving_since();
                for lease in leases {
                    match results.next() {
                        Some(Ok(())) => self.deleted(now, &lease, beside),
                        Some(Err(error)) if is_lapsed(&error) => self.check(&lease.id, true),
                        Some(Err(error)) if error.sender_fault => {
                            self.remains(&lease.id, format!("{}: {}", error.code, error.message));
                        }
                        _ => {
                            slower = true;
                            self.delete_again(&lease.id, "the delete was refused");
                        }
                    }
                }
                if slower { self.delete_backoff.fail(now) } else { self.delete_backoff.succeed() }
            }
            Outcome::Refused(error) if !error.is_throttle() => {
                leases.iter().for_each(|lease| self.remains(&lease.id, error.to_string()));
                self.stop(Cause::of(&error), error.to_string());
            }
            // Deleting twice is deleting once.
            other => {
                self.delete_backoff.fail(now);
                leases.iter().for_each(|lease| self.delete_again(&lease.id, &said(&other)));
            }
        }
    }

    fn deleted(&mut self, now: Timestamp, lease: &Lease, beside: Option<Timestamp>) {
        let Some(entry) = self.ledger.get_mut(&lease.id) else { return };
        if entry.found.as_ref().is_some_and(|found| found.message.receipt != lease.receipt) {
            // It was delivered again meanwhile: only the newest receipt surely deletes.
            return self.to_delete.push_back(lease.id.clone());
        }
        if entry.lapsed || entry.found.as_ref().is_none_or(|found| found.until <= now) {
            return self.check(&lease.id, false);
        }
        self.ledger.doubts.deleted(&lease.id, now);
        self.note_deleted(&lease.id, beside);
        self.ledger.let_go(&lease.id);
        self.ledger.set_stage(&lease.id, Stage::Over(Fate::Moved));
    }

    /// The lease had run out: the delete may not have taken, and somebody may have received it.
    fn check(&mut self, id: &MessageId, refused: bool) {
        let why = "its lease had run out before it was deleted";
        self.duplicate(id, why);
        self.note(id, MessageState::PossibleDuplicate { why: why.to_owned() });
        self.ledger.let_go(id);
        if self.mode == Mode::Running && self.sweep.want_again(id.clone()) {
            self.ledger.set_stage(id, Stage::Checking);
        } else if refused {
            self.remains(id, why.to_owned());
        } else {
            self.ledger.set_stage(id, Stage::Over(Fate::Moved));
        }
    }

    fn delete_again(&mut self, id: &MessageId, why: &str) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.deletes += 1;
        if entry.deletes >= DELETES_MOST {
            self.remains(id, why.to_owned());
        } else {
            self.to_delete.push_back(id.clone());
        }
    }

    /// Sent, and still in the source queue: it exists twice.
    fn remains(&mut self, id: &MessageId, why: String) {
        let why = format!("sent, but not deleted from the source: {why}");
        self.note(id, MessageState::Duplicate { why: why.clone() });
        self.duplicate(id, &why);
        self.ledger.faults.push((id.clone(), why));
        self.ledger.set_stage(id, Stage::Over(Fate::Failed));
        if let Some(held) = self.ledger.let_go(id) {
            self.give_back(held);
        }
    }
}

/// Tries of one delete before its message counts as existing twice.
const DELETES_MOST: u32 = 12;
