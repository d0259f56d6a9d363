//! What may be named as a possible duplicate, found by other means than the machine's: from the orders
//! and answers an operator could have written down, and from what a death left on record. A message is
//! named with a reason only when its send ended unknown, its lease ran out while it was under way or was
//! refused by the service, or its delete did not certainly take; where a redrive ended without a last look,
//! also when it was deleted while a receive was out that was never answered. The suite compiles this too.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{MessageId, ReceiptHandle};
use crate::model::message::{AttributeValue, Outgoing};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, EntryError, Lease, MessageState, Order, OrderId, OrderResult};
use crate::operation::redrive::MARK;

#[derive(Default)]
pub struct Suspicion {
    asked: BTreeMap<OrderId, (Timestamp, Order)>,
    /// The newest receive of each.
    leases: BTreeMap<MessageId, Hold>,
    /// Sent, or being sent, and not certainly deleted.
    under_way: BTreeSet<MessageId>,
    deleted: BTreeMap<MessageId, Deleted>,
    /// From when to when receives were out that were never answered.
    pub unheard: Vec<(Timestamp, Timestamp)>,
    delete_failed: BTreeSet<MessageId>,
    reasons: BTreeMap<MessageId, &'static str>,
    /// Sent with less of their lease left than a request and its answer may take.
    pub hasty: BTreeSet<MessageId>,
}

/// As the service said.
struct Deleted {
    at: Timestamp,
    received: Timestamp,
    /// When the oldest receive that had no answer then was ordered.
    beside: Option<Timestamp>,
}

struct Hold {
    asked_at: Timestamp,
    receive_count: u32,
    receipt: ReceiptHandle,
    /// Until when it certainly hides the message.
    until: Timestamp,
}

/// The dead letter a message is the redrive of.
pub fn old_id(outgoing: &Outgoing) -> Option<MessageId> {
    match &outgoing.attributes.get(MARK)?.value {
        AttributeValue::Text(id) => Some(id.as_str().into()),
        AttributeValue::Binary(_) => None,
    }
}

impl Suspicion {
    pub fn ordered(&mut self, now: Timestamp, id: OrderId, order: &Order) {
        if let Order::Send { entries, .. } = order {
            for id in entries.iter().filter_map(old_id) {
                let left_ms = self.leases.get(&id).map(|hold| hold.until.ms_since(now));
                if left_ms.is_some_and(|left_ms| left_ms < LEAST_LEFT_MS) {
                    self.hasty.insert(id.clone());
                }
                self.under_way.insert(id);
            }
        }
        self.asked.insert(id, (now, order.clone()));
    }

    pub fn answered(&mut self, now: Timestamp, id: OrderId, result: &OrderResult) {
        let Some((asked_at, order)) = self.asked.remove(&id) else { return };
        match (order, result) {
            (Order::Receive { visibility_s, .. }, Outcome::Done(Answer::Received(messages))) => {
                for message in messages {
                    let until = asked_at.plus_s(i64::from(visibility_s));
                    let (receive_count, receipt) = (message.system.receive_count, message.receipt.clone());
                    self.received(now, &message.id, Hold { asked_at, receive_count, receipt, until });
                }
            }
            (Order::Receive { .. }, Outcome::Unknown(_)) => self.unheard.push((asked_at, now)),
            (Order::Extend { entries, visibility_s, .. }, Outcome::Done(Answer::Entries(results))) => {
                let until = asked_at.plus_s(i64::from(visibility_s));
                for (lease, result) in entries.iter().zip(results) {
                    self.extended(now, &lease.id, until, result);
                }
            }
            (Order::Send { entries, .. }, result) => {
                let ids: Vec<MessageId> = entries.iter().filter_map(old_id).collect();
                self.sent(&ids, result);
            }
            (Order::Delete { entries, .. }, result) => {
                let results = match result {
                    Outcome::Done(Answer::Entries(results)) => results.as_slice(),
                    _ => &[],
                };
                for (n, lease) in entries.iter().enumerate() {
                    self.deleted(now, lease, results.get(n));
                }
            }
            _ => {}
        }
    }

    fn received(&mut self, now: Timestamp, id: &MessageId, hold: Hold) {
        self.watch(now, id);
        if self.deleted.contains_key(id) {
            self.reason(id, "it showed again after its delete");
        }
        if self.leases.get(id).is_none_or(|newest| newest.receive_count <= hold.receive_count) {
            self.leases.insert(id.clone(), hold);
        }
    }

    fn extended(&mut self, now: Timestamp, id: &MessageId, until: Timestamp, result: &Result<(), EntryError>) {
        self.watch(now, id);
        match (result, self.leases.get_mut(id)) {
            (Ok(()), Some(hold)) if hold.until > now => hold.until = hold.until.max(until),
            (Err(error), _) if is_over(error) && self.under_way.contains(id) => {
                self.reason(id, "the service says its lease is over");
            }
            _ => {}
        }
    }

    fn sent(&mut self, ids: &[MessageId], result: &OrderResult) {
        for (n, id) in ids.iter().enumerate() {
            match result {
                Outcome::Done(Answer::Sent(answers)) if answers.get(n).is_some_and(Result::is_ok) => {}
                Outcome::Done(Answer::Sent(answers)) if n < answers.len() => {
                    self.under_way.remove(id);
                }
                Outcome::Refused(_) => {
                    self.under_way.remove(id);
                }
                _ => self.reason(id, "its send ended unknown"),
            }
        }
    }

    fn deleted(&mut self, now: Timestamp, lease: &Lease, result: Option<&Result<(), EntryError>>) {
        let id = &lease.id;
        self.watch(now, id);
        match result {
            // It was received again meanwhile: only a delete by the newest receipt is sure to have taken.
            Some(Ok(())) if self.leases.get(id).is_some_and(|hold| hold.receipt != lease.receipt) => {}
            Some(Ok(())) => {
                self.delete_failed.remove(id);
                self.under_way.remove(id);
                let received = self.leases.get(id).map_or(now, |hold| hold.asked_at);
                let beside = self.oldest_receive();
                self.deleted.insert(id.clone(), Deleted { at: now, received, beside });
            }
            Some(Err(error)) if is_over(error) => self.reason(id, "the service says its lease was over"),
            _ => {
                self.delete_failed.insert(id.clone());
            }
        }
    }

    /// The process died: what was under way is known by the journal's last durable word.
    pub fn died(&mut self, states: &BTreeMap<MessageId, MessageState>) {
        let mut answered_before = None;
        for (id, state) in states {
            match state {
                MessageState::Recorded { .. } => self.reason(id, "on record as being sent at a death"),
                MessageState::Acknowledged { .. } => self.reason(id, "at a death its delete was not on record"),
                // It was ending early, and had named this; what is named stays so.
                MessageState::PossibleDuplicate { .. } if self.may_be_void(id) => {
                    self.reason(id, "on record as deleted beside a receive without an answer");
                }
                // Receives ordered before were answered, as far as the record can tell.
                MessageState::Deleted { .. } => {
                    let since = self.deleted.get(id).map(|deleted| deleted.beside.unwrap_or(deleted.at.plus_ms(1)));
                    answered_before = answered_before.max(since);
                }
                _ => {}
            }
        }
        let Suspicion { reasons, deleted, mut unheard, hasty, .. } = std::mem::take(self);
        let until = deleted.values().map(|deleted| deleted.at).max();
        unheard.extend(answered_before.zip(until));
        *self = Suspicion { reasons, deleted, unheard, hasty, ..Suspicion::default() };
    }

    /// `early`: it ended without a last look.
    pub fn allows(&self, id: &MessageId, early: bool) -> bool {
        self.reasons.contains_key(id) || self.delete_failed.contains(id) || (early && self.may_be_void(id))
    }

    /// It was held or deleted while a receive was out that may have been handed it too.
    fn may_be_void(&self, id: &MessageId) -> bool {
        let Some(Deleted { at, received, .. }) = self.deleted.get(id) else { return false };
        self.unheard.iter().any(|(from, until)| from <= at && received <= until)
    }

    fn oldest_receive(&self) -> Option<Timestamp> {
        let receives = self.asked.values().filter(|(_, order)| matches!(order, Order::Receive { .. }));
        receives.map(|(at, _)| *at).min()
    }

    fn watch(&mut self, now: Timestamp, id: &MessageId) {
        let lapsed = self.leases.get(id).is_some_and(|hold| hold.until <= now);
        if lapsed && self.under_way.contains(id) {
            self.reason(id, "its lease ran out while it was under way");
        }
    }

    fn reason(&mut self, id: &MessageId, why: &'static str) {
        self.reasons.entry(id.clone()).or_insert(why);
    }
}

/// What must be left of a lease when a send is begun.
const LEAST_LEFT_MS: i64 = 10_000;

/// The service's word that a receipt holds nothing any more.
fn is_over(error: &EntryError) -> bool {
    ["MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"]
        .iter()
        .any(|code| error.code.contains(code))
}
