//! Deletes that may not have taken, for whatever deletes. A standard queue may hand out what is leased, and
//! a delete by the older receipt is then answered well and does nothing. Whoever hears of the newer receipt
//! deletes by that; but the answer to a receive may be lost. What was held or deleted while such a receive
//! was out is doubted, until the queue has been seen once more.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{MessageId, QueueUrl};
use crate::model::time::Timestamp;
use crate::operation::sweep::SweepOrder;

#[derive(Debug, Default)]
pub(in crate::operation) struct Doubts {
    /// When the service said of each that it is deleted.
    deleted_at: BTreeMap<MessageId, Timestamp>,
    doubted: BTreeSet<MessageId>,
    /// When the last receive that was never answered was given up.
    blind_until: Option<Timestamp>,
}

impl Doubts {
    /// A receive that was ordered at `asked_at` is given up at `now`: it may have been handed whatever is
    /// `held`, or was when it was ordered, and what another one brings that is out as well. Answers those
    /// newly doubted that are deleted.
    pub(in crate::operation) fn lost(
        &mut self,
        asked_at: Timestamp,
        now: Timestamp,
        held: impl Iterator<Item = MessageId>,
    ) -> Vec<MessageId> {
        self.blind_until = Some(now);
        self.doubted.extend(held);
        let since = self.deleted_at.iter().filter(|(_, at)| **at >= asked_at).map(|(id, _)| id.clone());
        let deleted: Vec<MessageId> = since.filter(|id| !self.doubted.contains(id)).collect();
        self.doubted.extend(deleted.iter().cloned());
        deleted
    }

    /// A copy is held that was asked for then: by its receipt.
    pub(in crate::operation) fn hold(&mut self, id: &MessageId, asked_at: Timestamp) {
        self.deleted_at.remove(id);
        if self.blind_until.is_some_and(|until| asked_at <= until) {
            self.doubted.insert(id.clone());
        } else {
            self.doubted.remove(id);
        }
    }

    pub(in crate::operation) fn deleted(&mut self, id: &MessageId, now: Timestamp) {
        self.deleted_at.insert(id.clone(), now);
    }

    /// By what the journal knows.
    pub(in crate::operation) fn doubt(&mut self, id: &MessageId) {
        self.doubted.insert(id.clone());
    }

    pub(in crate::operation) fn is_doubted(&self, id: &MessageId) -> bool {
        self.doubted.contains(id)
    }

    /// The doubted of these; they are not any more.
    pub(in crate::operation) fn take(&mut self, of: impl Fn(&MessageId) -> bool) -> Vec<MessageId> {
        self.doubted.extract_if(.., |id| of(id)).collect()
    }
}

/// A FIFO queue refuses a delete by an older receipt, so there nothing is doubted.
pub(in crate::operation) fn may_arise(queue: &QueueUrl) -> bool {
    !queue.as_str().ends_with(".fifo")
}

/// Since when the oldest of these is out that is a receive; it may make void what is deleted meanwhile.
pub(in crate::operation) fn beside<'a>(
    queue: &QueueUrl,
    out: impl Iterator<Item = &'a SweepOrder>,
) -> Option<Timestamp> {
    let receives = out.filter_map(|order| match order {
        SweepOrder::Receive { asked_at, .. } => Some(*asked_at),
        _ => None,
    });
    receives.min().filter(|_| may_arise(queue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_receive_makes_doubtful_what_it_may_have_been_handed_and_nothing_else() {
        let at = Timestamp::from_s;
        let mut doubts = Doubts::default();
        for (id, asked_s, deleted_s) in [("before", 1, 9), ("beside", 1, 10)] {
            doubts.hold(&id.into(), at(asked_s));
            doubts.deleted(&id.into(), at(deleted_s));
        }
        let held = ["held".into()];
        assert_eq!(doubts.lost(at(10), at(20), held.iter().cloned()), ["beside".into()]);
        assert!(!doubts.is_doubted(&"before".into()) && doubts.is_doubted(&"held".into()));
        doubts.hold(&"late".into(), at(20));
        doubts.hold(&"held".into(), at(21));
        assert!(doubts.is_doubted(&"late".into()), "it was under way beside the lost one");
        assert!(!doubts.is_doubted(&"held".into()), "received anew, after it");
        assert_eq!(doubts.take(|id| *id == "beside".into()), ["beside".into()]);
        assert_eq!(doubts.take(|_| true), ["late".into()]);
    }
}
