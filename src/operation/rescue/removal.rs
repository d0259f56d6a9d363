//! Deleting a pointer once all its records came through, until it is certain. Where its lease had not lasted it
//! is looked for once more, and named where the rescue ends before.

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, EntryError, MessageState, Order, OrderResult};
use crate::operation::rescue::{Purpose, Rescue};
use crate::operation::returns::{Found, is_lapsed};
use crate::operation::sweep::End;

impl Rescue {
    /// A pointer asked for arrived.
    pub(super) fn take(&mut self, found: Found) {
        let id = found.message.id.clone();
        self.missing.remove(&id);
        if self.rescued.contains(&id) {
            self.delete_again(found, 1);
        } else if self.taken.insert(id) && self.course.is_running() {
            self.waiting.push(found);
        } else {
            self.sweep.give_back(found.held());
        }
    }

    pub(super) fn delete(&mut self) {
        let Some(current) = &mut self.current else { return };
        current.deletes += 1;
        let entries = vec![current.found.held().lease];
        self.outbox.give(Order::Delete { queue: self.plan.from.clone(), entries }, Purpose::Delete);
    }

    pub(super) fn removed(&mut self, now: Timestamp, result: &OrderResult) {
        let Some(current) = &self.current else { return };
        match answer(result) {
            Some(Ok(())) => {
                let (id, lasted) = (current.found.message.id.clone(), current.found.until > now);
                self.current = None;
                self.deleted(id, lasted);
                if self.course.is_cancelled() {
                    self.finish();
                }
            }
            Some(Err(error)) if is_lapsed(&error) => {
                self.give_up("all its records came through, but its lease had run out: it is still there");
            }
            _ if current.found.until > now && current.deletes < DELETES => self.delete(),
            _ => self.give_up("all its records came through, but it could not be deleted: it is still there"),
        }
    }

    /// So the service says. Where its lease had not lasted, somebody may have received it since, and the delete
    /// did nothing.
    fn deleted(&mut self, id: MessageId, lasted: bool) {
        if lasted {
            self.doubted.remove(&id);
            self.record(id.clone(), MessageState::DELETED);
        } else {
            self.look_again(id.clone());
        }
        self.rescued.insert(id);
        self.course.tell();
    }

    fn look_again(&mut self, id: MessageId) {
        self.record(id.clone(), MessageState::Doubted);
        self.sweep.want_again(id.clone());
        self.doubted.insert(id);
    }

    /// It shows again after its delete: by this receipt. Its records came through, and are not run again.
    fn delete_again(&mut self, found: Found, tries: u32) {
        let order = Order::Delete { queue: self.plan.from.clone(), entries: vec![found.held().lease] };
        self.outbox.give(order, Purpose::DeleteAgain(Box::new(found), tries));
    }

    pub(super) fn is_deleting_again(&self) -> bool {
        self.outbox.open().any(|purpose| matches!(purpose, Purpose::DeleteAgain(..)))
    }

    pub(super) fn removed_again(&mut self, now: Timestamp, found: Found, tries: u32, result: &OrderResult) {
        let id = found.message.id.clone();
        match answer(result) {
            Some(Ok(())) => self.deleted(id, found.until > now),
            Some(Err(error)) if is_lapsed(&error) => self.look_again(id),
            _ if found.until > now && tries < DELETES => self.delete_again(found, tries + 1),
            _ => {
                self.rescued.remove(&id);
                self.doubted.remove(&id);
                self.record(id, MessageState::Failed { why: THERE.to_owned() });
                self.leave(found, THERE);
            }
        }
    }

    /// The search is over. Where the queue was seen once more, what did not show is gone.
    pub(super) fn settle_doubted(&mut self, end: &End) {
        if matches!(end, End::Found | End::Empty { hidden: false }) {
            for id in std::mem::take(&mut self.doubted) {
                self.record(id, MessageState::DELETED);
            }
        }
    }

    /// It ends, and has not looked again. On record they stay doubted; where it was left to be taken up again,
    /// they are looked for then.
    pub(super) fn name_doubted(&mut self) {
        for id in std::mem::take(&mut self.doubted) {
            self.rescued.remove(&id);
            self.faults.push((id.clone(), UNSEEN.to_owned()));
            self.doubtful.push(id);
        }
    }
}

fn answer(result: &OrderResult) -> Option<Result<(), EntryError>> {
    match result {
        Outcome::Done(Answer::Entries(entries)) => entries.first().cloned(),
        _ => None,
    }
}

/// Tries of a delete.
const DELETES: u32 = 5;
const THERE: &str = "all its records came through; it showed again after its delete, and could not be deleted: it is \
                     still there";
/// What is said of one that is doubted at the end.
const UNSEEN: &str = "all its records came through, and it was deleted when its lease was over, perhaps in vain; it was \
                      not found again, and may still be in its queue: delete it there, and do not rescue it again";
