//! The way of a batch to its destination: packed, recorded, sent, acknowledged; and what each answer
//! means.

use crate::model::id::{MessageId, QueueUrl};
use crate::model::message::{MAX_BATCH_ENTRIES, Outgoing};
use crate::model::service_error::{Outcome, ServiceError};
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, EntryError, JournalEntry, MessageState, Order, OrderResult};
use crate::operation::progress::Cause;
use crate::operation::redrive::ledger::{Fate, Stage};
use crate::operation::redrive::{Batch, Mode, Purpose, Redrive, dress};

impl Redrive {
    /// Takes what waits into batches and has them recorded, as far as rate and lanes allow.
    pub(super) fn pack(&mut self, now: Timestamp) {
        while self.mode == Mode::Running && self.recording + self.ready.len() < self.lanes {
            let tokens = self.bucket.ready(now);
            let Some(batch) = self.next_batch(now, tokens) else { return };
            self.bucket.take(batch.ids.len());
            let mut entries = Vec::with_capacity(batch.ids.len());
            for (id, outgoing) in batch.ids.iter().zip(&batch.entries) {
                let (sha256, attributes) = dress::digests(outgoing);
                let state = MessageState::Recorded { to: batch.to.clone(), sha256, attributes };
                entries.extend(self.original(now, id));
                entries.push(self.owner.message(now, id.clone(), state));
                self.ledger.set_stage(id, Stage::Batched);
            }
            if let Some(destination) = self.destinations.get_mut(&batch.to) {
                destination.batches += 1;
            }
            self.recording += 1;
            self.record(entries, Purpose::Recorded(batch));
        }
    }

    /// Greedy: as many of one destination's line as fit ten entries, the size limit and the rate.
    fn next_batch(&mut self, now: Timestamp, tokens: usize) -> Option<Batch> {
        if tokens == 0 {
            return None;
        }
        let certain = now.plus_ms(SEND_MARGIN_MS);
        for (to, destination) in &mut self.destinations {
            // A FIFO queue keeps the order it is sent in: one batch at a time.
            let busy = dress::is_fifo(to) && destination.batches > 0;
            if busy || destination.waiting.is_empty() || !destination.backoff.is_open(now) {
                continue;
            }
            // After a send without an answer, one message at a time: each may be a duplicate.
            let most = if destination.unknowns > 0 { 1 } else { MAX_BATCH_ENTRIES.min(tokens) };
            let mut batch = Batch { to: to.clone(), ids: Vec::new(), entries: Vec::new() };
            let mut bytes = 0;
            let mut index = 0;
            while batch.ids.len() < most
                && let Some(id) = destination.waiting.get(index)
            {
                let entry = self.ledger.get(id);
                let found = entry.and_then(|entry| entry.found.as_ref()).filter(|found| found.until > certain);
                let (Some(entry), Some(found)) = (entry, found) else {
                    // Too little of its lease is left; it is being extended.
                    index += 1;
                    continue;
                };
                let outgoing: Outgoing =
                    dress::outgoing(&found.message, self.edits.of(id), to, &self.plan, &self.owner.operation);
                bytes += outgoing.size_bytes();
                if !batch.ids.is_empty() && (entry.alone || bytes as u64 > self.plan.max_message_bytes) {
                    break;
                }
                let alone = entry.alone;
                batch.entries.push(outgoing);
                batch.ids.extend(destination.waiting.remove(index));
                if alone {
                    break;
                }
            }
            if !batch.ids.is_empty() {
                return Some(batch);
            }
        }
        None
    }

    /// A message that is sent with another body, as it was: on record before the other is sent.
    fn original(&self, at: Timestamp, id: &MessageId) -> Option<JournalEntry> {
        self.edits.of(id)?;
        let message = Box::new(self.ledger.message(id)?.clone());
        let (operation, queue) = (self.owner.operation.clone(), self.plan.from.clone());
        Some(JournalEntry::Backup { operation, at, queue, message })
    }

    pub(super) fn handle_recorded(&mut self, batch: Batch, result: &OrderResult) {
        self.recording -= 1;
        if matches!(result, Outcome::Done(Answer::Recorded)) {
            self.ready.push_back(batch);
            return;
        }
        // What is not on record is not sent.
        self.stop(Cause::Journal, format!("the journal could not be written: {}", said(result)));
        self.withdraw(batch, None);
    }

    /// Sends recorded batches, each on a lane of its own; withdraws what must not be sent any more.
    pub(super) fn send(&mut self, now: Timestamp) {
        while self.sending < self.lanes
            && let Some(mut batch) = self.ready.pop_front()
        {
            let open =
                self.destinations.get(&batch.to).is_some_and(|to| to.backoff.is_open(now) && to.broken.is_none());
            if self.mode != Mode::Running || !open {
                self.withdraw(batch, Some("not tried"));
                continue;
            }
            let certain = now.plus_ms(SEND_MARGIN_MS);
            let (mut ids, mut entries) = (Vec::new(), Vec::new());
            for (id, outgoing) in batch.ids.drain(..).zip(batch.entries.drain(..)) {
                let until = self.ledger.get(&id).and_then(|entry| entry.found.as_ref()).map(|found| found.until);
                let lapsed = self.ledger.get(&id).is_none_or(|entry| entry.lapsed);
                if !lapsed && until.is_some_and(|until| until > certain) {
                    ids.push(id);
                    entries.push(outgoing);
                } else {
                    self.unsend(&batch.to, &id, "its lease was about to end");
                }
            }
            if ids.is_empty() {
                self.batch_over(&batch.to);
                continue;
            }
            self.sending += 1;
            let order = Order::Send { queue: batch.to.clone(), entries };
            self.outbox.give(order, Purpose::Sent(Batch { to: batch.to, ids, entries: Vec::new() }));
        }
    }

    pub(super) fn handle_sent(&mut self, now: Timestamp, batch: Batch, result: OrderResult) {
        self.sending -= 1;
        self.batch_over(&batch.to);
        match result {
            Outcome::Done(Answer::Sent(results)) => self.handle_acks(now, &batch, results),
            Outcome::Refused(error) => self.handle_refused(now, batch, &error),
            Outcome::Unknown(seen) => self.handle_unknown(now, &batch, &seen),
            // An answer that does not fit says nothing about what was done.
            Outcome::Done(other) => self.handle_unknown(now, &batch, &format!("answered {other:?}")),
        }
    }

    /// Each entry by itself: a batch answered 200 may hold refusals (lessons, pitfall 7).
    fn handle_acks(&mut self, now: Timestamp, batch: &Batch, results: Vec<Result<MessageId, EntryError>>) {
        if let Some(destination) = self.destinations.get_mut(&batch.to) {
            destination.unknowns = 0;
            if results.iter().any(Result::is_ok) {
                destination.refusals = 0;
                destination.backoff.succeed();
            }
        }
        let mut acknowledged = Vec::new();
        let mut entries = Vec::new();
        let mut results = results.into_iter();
        for id in &batch.ids {
            match results.next() {
                Some(Ok(new_id)) => {
                    self.ledger.set_stage(id, Stage::Sent);
                    let body = self.edits.of(id).or(self.ledger.message(id).map(|message| message.body.as_str()));
                    self.climb.acknowledged(now, &new_id, id, body);
                    entries.push(self.owner.message(now, id.clone(), MessageState::Acknowledged { new_id }));
                    acknowledged.push(id.clone());
                }
                Some(Err(error)) => self.handle_entry_refused(now, &batch.to, id, &error),
                None => self.suspect(id, "the answer does not mention it"),
            }
        }
        if !acknowledged.is_empty() {
            self.record(entries, Purpose::Acknowledged(acknowledged));
        }
    }

    fn handle_entry_refused(&mut self, now: Timestamp, to: &QueueUrl, id: &MessageId, error: &EntryError) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.sends += 1;
        let why = format!("{}: {}", error.code, error.message);
        if error.sender_fault || entry.sends >= SENDS_MOST {
            return self.fail(id, why);
        }
        if let Some(destination) = self.destinations.get_mut(to) {
            destination.backoff.fail(now);
        }
        self.unsend(to, id, &why);
    }

    /// The whole call was refused: nothing of it was done.
    fn handle_refused(&mut self, now: Timestamp, batch: Batch, error: &ServiceError) {
        let why = error.to_string();
        let Some(destination) = self.destinations.get_mut(&batch.to) else { return };
        destination.unknowns = 0;
        if error.is_throttle() {
            destination.backoff.fail(now);
            return batch.ids.iter().rev().for_each(|id| self.unsend(&batch.to, id, &why));
        }
        if error.is_expired() {
            self.stop(Cause::Denied, why.clone());
            return batch.ids.iter().rev().for_each(|id| self.unsend(&batch.to, id, &why));
        }
        destination.refusals += 1;
        let hopeless = error.is_denied() || error.is_missing() || destination.refusals >= REFUSALS_MOST;
        if !hopeless && batch.ids.len() > 1 {
            // One bad entry may have spoilt it: each alone.
            for id in batch.ids.iter().rev() {
                if let Some(entry) = self.ledger.get_mut(id) {
                    entry.alone = true;
                }
                self.unsend(&batch.to, id, &why);
            }
            return;
        }
        if hopeless {
            self.cause.get_or_insert(Cause::of(error));
            destination.broken = Some(why.clone());
            let waiting: Vec<MessageId> = destination.waiting.drain(..).collect();
            waiting.iter().for_each(|id| self.fail(id, why.clone()));
        }
        batch.ids.iter().for_each(|id| self.fail(id, why.clone()));
    }

    /// It may have been done: every message of the batch may exist twice. Not repeated, not deleted.
    fn handle_unknown(&mut self, now: Timestamp, batch: &Batch, seen: &str) {
        batch.ids.iter().for_each(|id| self.suspect(id, seen));
        let Some(destination) = self.destinations.get_mut(&batch.to) else { return };
        destination.unknowns += 1;
        destination.backoff.fail(now);
        if destination.unknowns >= UNKNOWNS_MOST {
            self.stop(Cause::Unreachable, format!("{UNKNOWNS_MOST} sends in a row ended unknown: {seen}"));
        }
    }

    fn suspect(&mut self, id: &MessageId, seen: &str) {
        self.climb.suspected();
        let why = format!("the send's end is unknown ({seen}); its source copy was kept");
        self.note(id, MessageState::PossibleDuplicate { why: why.clone() });
        self.duplicate(id, &why);
        self.ledger.faults.push((id.clone(), why));
        self.ledger.set_stage(id, Stage::Over(Fate::Failed));
        if let Some(held) = self.ledger.let_go(id) {
            self.give_back(held);
        }
    }

    pub(super) fn handle_acknowledged(&mut self, ids: Vec<MessageId>, result: &OrderResult) {
        // They are at their destination, whatever the journal says: what is deleted now is no loss.
        self.to_delete.extend(ids);
        if !matches!(result, Outcome::Done(Answer::Recorded)) {
            self.stop(Cause::Journal, format!("the journal could not be written: {}", said(result)));
        }
    }

    /// Not sent, for good: back to its queue, with the reason.
    fn fail(&mut self, id: &MessageId, why: String) {
        if let Some(held) = self.ledger.let_go(id) {
            self.give_back(held);
        }
        self.over(id, Fate::Failed, why);
    }

    /// Not sent this time: waits again, in front of the others, or goes back when the redrive does not
    /// go on. Several are put back last one first, or a FIFO queue would get them in reverse.
    fn unsend(&mut self, to: &QueueUrl, id: &MessageId, why: &str) {
        self.note(id, MessageState::NotSent { why: why.to_owned() });
        self.wait_again(to, id);
    }

    fn wait_again(&mut self, to: &QueueUrl, id: &MessageId) {
        let lapsed = self.ledger.get(id).is_none_or(|entry| entry.lapsed);
        match self.destinations.get_mut(to) {
            Some(destination) if self.mode == Mode::Running && !lapsed && destination.broken.is_none() => {
                destination.waiting.push_front(id.clone());
                self.ledger.set_stage(id, Stage::Waiting);
            }
            _ => self.release(id),
        }
    }

    fn withdraw(&mut self, batch: Batch, why: Option<&str>) {
        self.batch_over(&batch.to);
        for id in batch.ids.iter().rev() {
            match why {
                Some(why) => self.unsend(&batch.to, id, why),
                None => self.wait_again(&batch.to, id),
            }
        }
    }

    fn batch_over(&mut self, to: &QueueUrl) {
        if let Some(destination) = self.destinations.get_mut(to) {
            destination.batches -= 1;
        }
    }
}

pub(super) fn said(result: &OrderResult) -> String {
    match result {
        Outcome::Refused(error) => error.to_string(),
        Outcome::Unknown(seen) => seen.clone(),
        Outcome::Done(answer) => format!("answered {answer:?}"),
    }
}

/// A message is sent only while its lease lasts at least this much longer; a slower answer is what
/// extending is for.
const SEND_MARGIN_MS: i64 = 10_000;
/// Tries of one entry that is refused for the service's own reasons.
const SENDS_MOST: u32 = 6;
/// Whole calls refused in a row before a destination counts as closed.
const REFUSALS_MOST: u32 = 5;
/// Sends without an answer in a row before the redrive stops.
const UNKNOWNS_MOST: u32 = 3;
