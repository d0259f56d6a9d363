//! Drops that may not have taken ([`doubts`]): one that sees the queue once more knows better, one that ends
//! before names them.

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::doubts;
use crate::operation::drop::{Drop, Purpose};
use crate::operation::order::{MessageState, OrderResult};
use crate::operation::sweep::{End, SweepOrder};

impl Drop {
    /// The result of a sweep's order, before it is taken in.
    pub(super) fn doubt(&mut self, now: Timestamp, order: &SweepOrder, result: &OrderResult) {
        let (SweepOrder::Receive { asked_at, .. }, Outcome::Unknown(_)) = (order, result) else { return };
        if !doubts::may_arise(&self.plan.from) {
            return;
        }
        // What was found is held until it is dropped, or its lease is over.
        let held: Vec<MessageId> = self.newest.keys().filter(|id| self.open.contains(*id)).cloned().collect();
        for id in self.doubts.lost(*asked_at, now, held.into_iter()) {
            if self.dropped.contains(&id) {
                self.note(&id, MessageState::Doubted);
            }
        }
    }

    /// Deleted, as far as was answered: with what a resume must know if it comes to doubt it.
    pub(super) fn note_dropped(&mut self, id: &MessageId) {
        let out = self.outbox.open().filter_map(|purpose| match purpose {
            Purpose::Sweep(order) => Some(order),
            _ => None,
        });
        let beside = doubts::beside(&self.plan.from, out);
        let doubted = self.doubts.is_doubted(id);
        self.note(id, if doubted { MessageState::Doubted } else { MessageState::Dropped { beside } });
    }

    /// The search is over. Where the queue was seen once more, after all that a lost receive could hide was
    /// visible again, what did not show is gone.
    pub(super) fn settle_doubted(&mut self, end: &End) {
        if matches!(end, End::Found | End::Empty { hidden: false }) {
            for id in self.doubts.take(|id| self.dropped.contains(id)) {
                self.note(&id, MessageState::DROPPED);
            }
        }
    }

    /// It ends, and has not looked again. What is left to be taken up again stays doubted on record, and is
    /// looked for then.
    pub(super) fn name_doubted(&mut self) {
        for id in self.doubts.take(|id| self.dropped.contains(id)) {
            self.dropped.remove(&id);
            self.name(id, UNSEEN);
        }
        for id in std::mem::take(&mut self.perhaps) {
            if self.open.remove(&id) {
                self.note(&id, MessageState::Doubted);
                self.name(id, UNANSWERED);
            }
        }
        // What was found and is given back is there, whatever was said of it before.
        for id in self.open.clone() {
            if self.newest.contains_key(&id) {
                self.note(&id, MessageState::NotSent { why: "it was given back".to_owned() });
            }
        }
    }

    /// Nobody knows whether it was our delete.
    pub(super) fn name(&mut self, id: MessageId, why: &str) {
        self.faults.push((id.clone(), why.to_owned()));
        self.doubtful.push(id);
    }
}

/// What is said of one that was dropped and is doubted at the end.
const UNSEEN: &str = "it was deleted while a receive had no answer, which may have been handed it too, and was not \
                      looked for again: it may still be in its queue; its copy is kept";
const UNANSWERED: &str = "its delete had no answer that is certain, and it was not looked for again: it may still be in \
                          its queue; its copy is kept";
/// Of one that is out of its queue, perhaps by another hand.
pub(super) const LAPSED: &str = "it is out of its queue, by our delete or by somebody else's hand: its lease had run \
                                 out before the delete was certain; its copy is kept";
