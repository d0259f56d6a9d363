//! Deleting what came through its function, until it is certain. While the message is held no receive is out, so
//! none without an answer can make its receipt void; but its lease may be over when the delete arrives, and a delete
//! may have no answer: then it is looked for once more.

use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Order, OrderResult};
use crate::operation::returns::{Found, is_lapsed, of_one};
use crate::operation::sweep::{Budget, End, Sweep, Want};
use crate::operation::trial::said::said;
use crate::operation::trial::{LANES, LOOK_MS, Purpose, SWEEP_LEASE_S, Stage, Trial};

impl Trial {
    /// The message arrived.
    pub(super) fn take(&mut self, found: Found) {
        match self.stage {
            Stage::Looking if self.found.is_none() => self.found = Some(found),
            // Its delete did nothing: once more, by this receipt.
            Stage::Checking => {
                (self.deleted, self.doubtful, self.deletes, self.unheard) = (false, false, 0, false);
                self.found = Some(found);
                self.stage = Stage::Deleting;
                self.delete();
            }
            _ => self.returns.add(found.held()),
        }
    }

    pub(super) fn delete(&mut self) {
        let Some(found) = &self.found else { return self.give_back() };
        let lease = found.held().lease;
        self.deletes += 1;
        self.outbox.give(Order::Delete { queue: self.plan.from.clone(), entries: vec![lease] }, Purpose::Delete);
    }

    pub(super) fn removed(&mut self, now: Timestamp, result: &OrderResult) {
        let held = self.found.as_ref().is_some_and(|found| found.until > now);
        self.unheard |= matches!(result, Outcome::Unknown(_));
        let lapsed = match of_one(result) {
            Some(Ok(())) => {
                (self.deleted, self.doubtful, self.found) = (true, !held, None);
                return self.give_back();
            }
            Some(Err(error)) => is_lapsed(&error),
            None => false,
        };
        // A delete can be repeated: its receipt is ours until the lease ends.
        if !lapsed && held && self.deletes < DELETES {
            return self.delete();
        }
        if self.unheard {
            // Given back, it shows if none of them took.
            (self.deleted, self.doubtful) = (true, true);
        } else {
            self.course.wrong(None, format!("it was done, and could not be deleted: {}", said(result)));
        }
        self.give_back();
    }

    /// All is given back. True where one more look begins.
    pub(super) fn looks_again(&mut self) -> bool {
        if !self.doubtful || self.looks >= LOOKS_MOST {
            return false;
        }
        self.looks += 1;
        self.stage = Stage::Checking;
        let wanted = Want::Ids([self.plan.id.clone()].into_iter().collect());
        let budget = Budget { lanes: LANES, lease_s: SWEEP_LEASE_S, time_ms: LOOK_MS };
        self.sweep = Sweep::new(self.plan.from.clone(), wanted, budget, u64::from(self.looks));
        self.course.tell();
        true
    }

    /// Where the queue, seen whole, did not show it, it is deleted.
    pub(super) fn check(&mut self) {
        let Some(end) = self.sweep.end() else { return };
        if *end == (End::Empty { hidden: false }) {
            self.doubtful = false;
        } else {
            self.looks = LOOKS_MOST;
        }
        self.give_back();
    }

    pub(super) fn look_no_more(&mut self) {
        self.looks = LOOKS_MOST;
        self.sweep.stop();
    }
}

/// Tries of the delete.
pub(super) const DELETES: u32 = 5;
/// Looks after deletes that came too late.
const LOOKS_MOST: u32 = 3;
