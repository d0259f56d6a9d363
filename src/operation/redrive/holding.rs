//! What is held, and for how long: messages that arrive, leases that are extended, leases that ran out.

use crate::model::id::MessageId;
use crate::model::message::{MAX_BATCH_ENTRIES, size_bytes};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, MessageState, Order, OrderResult};
use crate::operation::redrive::ledger::{Fate, Stage};
use crate::operation::redrive::{Destination, EXTEND_BEFORE_MS, Mode, Purpose, Redrive, dress};
use crate::operation::returns::{Found, is_lapsed};
use crate::operation::sweep::LEASE_MAX_S;

impl Redrive {
    /// Receives, and gives back.
    pub(super) fn look(&mut self, now: Timestamp) {
        if self.mode == Mode::Starting {
            return;
        }
        if let Some((order, purpose)) = self.sweep.poll(now, self.room(), self.ledger.leases()) {
            self.outbox.give(order, Purpose::Sweep(purpose));
        }
    }

    /// A copy of a message asked for arrived.
    pub(super) fn arrive(&mut self, found: Found) {
        let id = found.message.id.clone();
        match self.ledger.stage(&id) {
            Some(Stage::Wanted) if self.mode == Mode::Running => self.admit(&id, found),
            Some(Stage::Wanted) => {
                self.sweep.give_back(found.held());
                if self.mode == Mode::Paused {
                    self.sweep.want_again(id);
                    self.sweep.flush();
                }
            }
            // Delivered again while it is ours: the newest receipt is the one to delete by.
            Some(Stage::Waiting | Stage::Batched | Stage::Sent) => self.ledger.hold(&id, found),
            Some(Stage::Checking) => self.delete_found(&id, found),
            Some(Stage::Over(Fate::Moved)) => {
                let why = "it showed again after it was deleted";
                self.duplicate(&id, why);
                self.note(&id, MessageState::PossibleDuplicate { why: why.to_owned() });
                self.delete_found(&id, found);
            }
            Some(Stage::Over(_)) | None => self.sweep.give_back(found.held()),
        }
    }

    /// Sent before, and still there: deleted by its fresh receipt.
    pub(super) fn delete_found(&mut self, id: &MessageId, found: Found) {
        self.hold_afresh(id, found);
        self.ledger.set_stage(id, Stage::Sent);
        self.to_delete.push_back(id.clone());
    }

    pub(super) fn hold_afresh(&mut self, id: &MessageId, found: Found) {
        self.ledger.hold(id, found);
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.lapsed = false;
        }
    }

    /// A wanted message: to its destination's line, or aside with the reason.
    pub(super) fn admit(&mut self, id: &MessageId, found: Found) {
        let Some(to) = dress::destination(&found.message, &self.plan) else {
            self.sweep.give_back(found.held());
            let why = match &found.message.system.dead_letter_source {
                Some(origin) => format!("its origin {origin} is none of the queues this goes back to"),
                None => "it does not say which queue it came from".to_owned(),
            };
            return self.over(id, Fate::Skipped, why);
        };
        if self.edits.is_lost(id) {
            self.sweep.give_back(found.held());
            let why = "the body it was to be sent with is no longer in the journal".to_owned();
            return self.over(id, Fate::Skipped, why);
        }
        let body = self.edits.of(id).unwrap_or(&found.message.body);
        let bytes = size_bytes(body, &found.message.attributes) as u64;
        if bytes > self.plan.max_message_bytes {
            self.sweep.give_back(found.held());
            let why = format!("{bytes} bytes are more than {} takes ({})", to.name(), self.plan.max_message_bytes);
            return self.over(id, Fate::Failed, why);
        }
        let seed = self.seed;
        let destination = self.destinations.entry(to).or_insert_with_key(|to| Destination::new(seed, to));
        if let Some(why) = destination.broken.clone() {
            self.sweep.give_back(found.held());
            return self.over(id, Fate::Failed, why);
        }
        destination.waiting.push_back(id.clone());
        self.hold_afresh(id, found);
        self.ledger.set_stage(id, Stage::Waiting);
    }

    /// Leases that ran out: what waits is looked for again; what is under way is marked.
    pub(super) fn lapse(&mut self, now: Timestamp) {
        for id in self.ledger.lapse(now) {
            self.lost(&id);
        }
    }

    pub(super) fn lost(&mut self, id: &MessageId) {
        if self.ledger.stage(id) != Some(Stage::Waiting) {
            return;
        }
        self.destinations.values_mut().for_each(|destination| destination.waiting.retain(|other| other != id));
        self.ledger.let_go(id);
        self.want_again(id);
    }

    /// Back to the search, if there still is one.
    pub(super) fn want_again(&mut self, id: &MessageId) {
        if matches!(self.mode, Mode::Running | Mode::Paused) && self.sweep.want_again(id.clone()) {
            self.ledger.set_stage(id, Stage::Wanted);
        } else {
            self.ledger.set_stage(id, Stage::Over(Fate::Returned));
        }
    }

    pub(super) fn extend(&mut self, now: Timestamp) {
        while self.extending < self.lanes && self.extend_backoff.is_open(now) {
            let ending: Vec<MessageId> = self.ledger.ending(now.plus_ms(EXTEND_BEFORE_MS)).take(10).cloned().collect();
            let mut entries = Vec::with_capacity(ending.len());
            for id in &ending {
                if let Some(entry) = self.ledger.get_mut(id)
                    && let Some(found) = &entry.found
                {
                    entry.extending = true;
                    entries.push(found.held().lease);
                }
            }
            if entries.is_empty() {
                return;
            }
            self.extending += 1;
            let order = Order::Extend { queue: self.plan.from.clone(), entries, visibility_s: LEASE_MAX_S };
            self.outbox.give(order, Purpose::Extended { asked_at: now, ids: ending });
        }
    }

    pub(super) fn handle_extended(
        &mut self,
        now: Timestamp,
        asked_at: Timestamp,
        ids: &[MessageId],
        result: OrderResult,
    ) {
        self.extending -= 1;
        let until = asked_at.plus_s(LEASE_MAX_S.into());
        match result {
            Outcome::Done(Answer::Entries(results)) => {
                self.extend_backoff.succeed();
                let mut results = results.into_iter();
                for id in ids {
                    match results.next() {
                        Some(Ok(())) => self.ledger.extend(now, id, until),
                        Some(Err(_)) if self.ledger.get(id).is_some_and(|entry| entry.deleting) => {
                            self.not_extending(id);
                        }
                        Some(Err(error)) if is_lapsed(&error) => {
                            self.ledger.lapse_one(id);
                            self.lost(id);
                        }
                        Some(Err(_)) | None => {
                            self.extend_backoff.fail(now);
                            self.not_extending(id);
                        }
                    }
                }
            }
            // The lease runs until its old end, and perhaps longer: only the old end is certain.
            _ => {
                self.extend_backoff.fail(now);
                ids.iter().for_each(|id| self.not_extending(id));
            }
        }
    }

    pub(super) fn not_extending(&mut self, id: &MessageId) {
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.extending = false;
        }
    }

    /// How many more messages may be held: about twenty seconds' worth, for what waits must be
    /// extended and is hidden from others.
    pub(super) fn room(&self) -> usize {
        if self.mode != Mode::Running || self.ledger.bytes() >= HELD_BYTES_MOST {
            return 0;
        }
        let held = self.ledger.leases();
        let room = match self.bucket.rate_per_s() {
            // Filled up again in one go, not one message at a time.
            Some(rate) => {
                let most = ((rate * 20.0) as usize).clamp(self.lanes * 20, HELD_MOST);
                if held > most / 2 { 0 } else { most - held }
            }
            // By whole batches, at once: a receive that waits here is a lane that stands still.
            None => Some(HELD_MOST.saturating_sub(held)).filter(|room| *room >= MAX_BATCH_ENTRIES).unwrap_or(0),
        };
        room.min(self.climb.room(self.ledger.in_stage(Stage::Waiting) + self.ledger.in_stage(Stage::Batched)))
    }
}

/// Messages and bytes held at once, at most: each must be extended every half minute.
const HELD_MOST: usize = 1_000;
const HELD_BYTES_MOST: usize = 64 * 1024 * 1024;
