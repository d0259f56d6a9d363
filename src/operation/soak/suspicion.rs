//! What may be named as a possible duplicate, found by other means than the machine's: from the orders
//! and answers an operator could have written down, and from what a death left on record. A message is
//! named with a reason only when its send ended unknown, its lease ran out while it was under way or was
//! refused by the service, or its delete did not certainly take.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, MessageState, Order, OrderId, OrderResult};
use crate::operation::returns::is_lapsed;
use crate::operation::soak::world::{identity_of, number_of};

#[derive(Default)]
pub struct Suspicion {
    asked: BTreeMap<OrderId, (Timestamp, Order)>,
    /// The newest receive of each, and until when it certainly hides it.
    leases: BTreeMap<usize, (u32, Timestamp)>,
    /// Sent, or being sent, and not certainly deleted.
    under_way: BTreeSet<usize>,
    deleted: BTreeSet<usize>,
    delete_failed: BTreeSet<usize>,
    reasons: BTreeMap<usize, &'static str>,
}

impl Suspicion {
    pub fn ordered(&mut self, now: Timestamp, id: OrderId, order: &Order) {
        if let Order::Send { entries, .. } = order {
            self.under_way.extend(entries.iter().map(identity_of));
        }
        self.asked.insert(id, (now, order.clone()));
    }

    pub fn answered(&mut self, now: Timestamp, id: OrderId, result: &OrderResult) {
        let Some((asked_at, order)) = self.asked.remove(&id) else { return };
        match (order, result) {
            (Order::Receive { visibility_s, .. }, Outcome::Done(Answer::Received(messages))) => {
                for message in messages {
                    let identity = number_of(&message.id);
                    self.watch(now, identity);
                    if self.deleted.contains(&identity) {
                        self.reason(identity, "it showed again after its delete");
                    }
                    let lease = (message.system.receive_count, asked_at.plus_s(i64::from(visibility_s)));
                    let newest = self.leases.entry(identity).or_insert(lease);
                    *newest = if newest.0 > lease.0 { *newest } else { lease };
                }
            }
            (Order::Extend { entries, visibility_s, .. }, Outcome::Done(Answer::Entries(results))) => {
                for (lease, result) in entries.iter().zip(results) {
                    let identity = number_of(&lease.id);
                    self.watch(now, identity);
                    match (result, self.leases.get_mut(&identity)) {
                        (Ok(()), Some((_, until))) if *until > now => {
                            *until = (*until).max(asked_at.plus_s(i64::from(visibility_s)));
                        }
                        (Err(error), _) if is_lapsed(error) && self.under_way.contains(&identity) => {
                            self.reason(identity, "the service says its lease is over");
                        }
                        _ => {}
                    }
                }
            }
            (Order::Send { entries, .. }, result) => self.sent(entries.iter().map(identity_of), result),
            (Order::Delete { entries, .. }, result) => {
                let results = match result {
                    Outcome::Done(Answer::Entries(results)) => results.clone(),
                    _ => Vec::new(),
                };
                let mut results = results.into_iter();
                for lease in &entries {
                    self.deleted(now, number_of(&lease.id), results.next());
                }
            }
            _ => {}
        }
    }

    fn sent(&mut self, identities: impl Iterator<Item = usize>, result: &OrderResult) {
        let answers = match result {
            Outcome::Done(Answer::Sent(answers)) => answers.iter().map(Result::is_ok).collect(),
            _ => Vec::new(),
        };
        for (n, identity) in identities.enumerate() {
            match (result, answers.get(n)) {
                (_, Some(true)) => {}
                (Outcome::Refused(_), _) | (_, Some(false)) => {
                    self.under_way.remove(&identity);
                }
                _ => self.reason(identity, "its send ended unknown"),
            }
        }
    }

    fn deleted(&mut self, now: Timestamp, identity: usize, result: Option<Result<(), impl Sized>>) {
        self.watch(now, identity);
        if matches!(result, Some(Ok(()))) {
            self.delete_failed.remove(&identity);
            self.under_way.remove(&identity);
            self.deleted.insert(identity);
        } else {
            self.delete_failed.insert(identity);
        }
    }

    /// The process died: what was under way is known by the journal's last durable word.
    pub fn died(&mut self, states: &BTreeMap<MessageId, MessageState>) {
        for (id, state) in states {
            match state {
                MessageState::Recorded { .. } => self.reason(number_of(id), "on record as being sent at a death"),
                MessageState::Acknowledged { .. } => {
                    self.reason(number_of(id), "at a death its delete was not on record");
                }
                _ => {}
            }
        }
        let reasons = std::mem::take(&mut self.reasons);
        *self = Suspicion { reasons, deleted: std::mem::take(&mut self.deleted), ..Suspicion::default() };
    }

    pub fn allows(&self, identity: usize) -> bool {
        self.reasons.contains_key(&identity) || self.delete_failed.contains(&identity)
    }

    fn watch(&mut self, now: Timestamp, identity: usize) {
        let lapsed = self.leases.get(&identity).is_some_and(|(_, until)| *until <= now);
        if lapsed && self.under_way.contains(&identity) {
            self.reason(identity, "its lease ran out while it was under way");
        }
    }

    fn reason(&mut self, identity: usize, why: &'static str) {
        self.reasons.entry(identity).or_insert(why);
    }
}
