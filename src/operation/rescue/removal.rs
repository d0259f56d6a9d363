//! Deleting a pointer once all its records came through, until it is certain. Where its lease had not lasted it
//! is looked for once more, and named where the rescue ends before.

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{MessageState, Order, OrderResult};
use crate::operation::rescue::{Purpose, Rescue};
use crate::operation::returns::{Found, is_lapsed, of_one};
use crate::operation::sweep::End;

impl Rescue {
    /// A pointer asked for arrived.
    pub(super) fn take(&mut self, found: Found) {
        let id = found.message.id.clone();
        self.missing.remove(&id);
        if self.rescued.contains(&id) {
            // It shows again after its delete: its records came through, and are not run again.
            self.delete(found, 1);
        } else if self.taken.insert(id) && self.course.is_running() {
            self.waiting.push(found);
        } else {
            self.sweep.give_back(found.held());
        }
    }

    /// All records of the pointer at hand came through.
    pub(super) fn delete_current(&mut self) {
        if let Some(current) = self.current.take() {
            self.delete(current.found, 1);
        }
    }

    fn delete(&mut self, found: Found, tries: u32) {
        let order = Order::Delete { queue: self.plan.from.clone(), entries: vec![found.held().lease] };
        self.outbox.give(order, Purpose::Delete(Box::new(found), tries));
    }

    pub(super) fn deleting(&self) -> usize {
        self.outbox.open().filter(|purpose| matches!(purpose, Purpose::Delete(..))).count()
    }

    pub(super) fn removed(&mut self, now: Timestamp, found: Found, tries: u32, result: &OrderResult) {
        let id = found.message.id.clone();
        let again = self.rescued.contains(&id);
        match of_one(result) {
            Some(Ok(())) => self.deleted(id, found.until > now),
            Some(Err(error)) if is_lapsed(&error) && again => self.look_again(id),
            Some(Err(error)) if is_lapsed(&error) => self.stays(found, LAPSED),
            _ if found.until > now && tries < DELETES => return self.delete(found, tries + 1),
            None if matches!(result, Outcome::Unknown(_)) && !again => self.unheard(found),
            None if matches!(result, Outcome::Unknown(_)) => self.stays(found, PERHAPS),
            _ => self.stays(found, if again { THERE } else { UNDELETED }),
        }
        if self.course.is_cancelled() {
            self.finish();
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

    /// It may have been deleted. Given back now, it shows if it was not.
    fn unheard(&mut self, found: Found) {
        let id = found.message.id.clone();
        self.returns.add(found.held());
        self.look_again(id.clone());
        self.rescued.insert(id);
        self.course.tell();
    }

    fn look_again(&mut self, id: MessageId) {
        self.record(id.clone(), MessageState::Doubted);
        self.sweep.want_again(id.clone());
        self.doubted.insert(id);
    }

    fn stays(&mut self, found: Found, why: &str) {
        let id = &found.message.id;
        self.rescued.remove(id);
        self.doubted.remove(id);
        self.record(id.clone(), MessageState::Failed { why: why.to_owned() });
        self.leave(found, why);
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

/// Tries of a delete.
const DELETES: u32 = 5;
const LAPSED: &str = "all its records came through, but its lease had run out: it is still there";
const UNDELETED: &str = "all its records came through, but it could not be deleted: it is still there";
const THERE: &str = "all its records came through; it showed again after its delete, and could not be deleted: it is \
                     still there";
const PERHAPS: &str = "all its records came through; it showed again after its delete, and the next had no answer: it may \
                       still be there";
/// What is said of one that is doubted at the end.
const UNSEEN: &str = "all its records came through, and it was deleted, perhaps in vain: its lease was over, or there was \
                      no answer; it was not found again, and may still be in its queue: delete it there, and do not \
                      rescue it again";
