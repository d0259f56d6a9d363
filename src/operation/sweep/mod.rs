//! The one way to look into a queue: SQS cannot address a message by its id, so messages are received
//! under a short lease, the wanted ones kept and the rest given back. One empty answer is not an
//! empty queue, and an id that is not found is told as such, never guessed.
//!
//! A sweep holds what it found unwanted until it ends (given back sooner, it would only come again),
//! and never longer than one lease.

mod doubt;
mod sorting;
mod sought;
mod width;

use std::collections::{BTreeSet, VecDeque};

use crate::model::id::{MessageId, QueueUrl};
use crate::model::message::MAX_BATCH_ENTRIES;
use crate::model::time::Timestamp;
use crate::operation::order::{Order, OrderResult};
use crate::operation::pace::Backoff;
use crate::operation::progress::Cause;
use crate::operation::returns::{Found, Held, Releasing, Returns};
use crate::operation::sweep::doubt::Blocked;
pub(in crate::operation) use crate::operation::sweep::sought::Sought;
use crate::operation::sweep::width::Width;

#[derive(Debug, Clone, PartialEq)]
pub(in crate::operation) enum Want {
    /// Copies of whatever comes, up to so many messages and bytes; every lease stays with the sweep.
    All { most: usize, most_bytes: usize, most_receives: u64 },
    /// These; their leases go to the caller. All others are given back.
    Ids(Sought),
    /// Copies of these, and of later messages of these runs; every lease stays with the sweep.
    Signs { ids: BTreeSet<MessageId>, runs: BTreeSet<String>, since: Timestamp },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::operation) struct Budget {
    /// Receives outstanding at once, at most.
    pub lanes: usize,
    /// Seconds a receive hides a message, at most [`LEASE_MAX_S`].
    pub lease_s: u32,
    /// Ends when nothing wanted came for so long; for [`Want::All`], so long after it began.
    pub time_ms: i64,
}

/// Why a sweep looks no further.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::operation) enum End {
    /// Everything wanted was found.
    Found,
    /// The queue showed itself empty several times. `hidden`: somebody else holds messages of it.
    Empty {
        hidden: bool,
    },
    /// Messages, bytes or time ran out.
    Budget,
    Stopped,
    /// The queue refuses, or does not answer.
    Refused(Cause, String),
}

/// What an order of the sweep was about, kept by the caller until its result comes.
#[derive(Debug)]
pub(in crate::operation) enum SweepOrder {
    Receive {
        asked_at: Timestamp,
        max: usize,
    },
    Release(Releasing),
    /// Messages held when it was ordered, by the sweep and by its caller.
    Counts {
        own: usize,
        callers: usize,
    },
}

#[derive(Debug)]
pub(in crate::operation) struct Sweep {
    queue: QueueUrl,
    want: Want,
    budget: Budget,
    /// `Want::All`: copied already.
    seen: BTreeSet<MessageId>,
    seen_bytes: usize,
    rest: VecDeque<Held>,
    returns: Returns,
    receiving: usize,
    asked: usize,
    receives: u64,
    width: Width,
    empties: u32,
    backoff: Backoff,
    not_before: Timestamp,
    /// When the time budget runs out.
    give_up_at: Option<Timestamp>,
    counting: bool,
    /// Until when somebody else's leases are waited for.
    doubt_until: Option<Timestamp>,
    second_looks: u32,
    /// A receive without an answer may have hidden messages until then.
    lost_until: Option<Timestamp>,
    /// What kept the rest from showing, when it ended without having found it.
    blocked: Blocked,
    end: Option<End>,
}

impl Sweep {
    pub(in crate::operation) fn new(queue: QueueUrl, want: Want, budget: Budget, seed: u64) -> Self {
        let budget = Budget { lanes: budget.lanes.max(1), lease_s: budget.lease_s.clamp(1, LEASE_MAX_S), ..budget };
        Sweep {
            returns: Returns::new(queue.clone(), budget.lanes, seed),
            width: match &want {
                Want::Ids(_) => Width::wide(budget.lanes),
                Want::All { .. } | Want::Signs { .. } => Width::new(budget.lanes),
            },
            queue,
            want,
            budget,
            seen: BTreeSet::new(),
            seen_bytes: 0,
            rest: VecDeque::new(),
            receiving: 0,
            asked: 0,
            receives: 0,
            empties: 0,
            backoff: Backoff::new(seed, "receive"),
            not_before: Timestamp::ZERO,
            give_up_at: None,
            counting: false,
            doubt_until: None,
            second_looks: 0,
            lost_until: None,
            blocked: Blocked::default(),
            end: None,
        }
    }

    /// The next order, if any. `room` is how many wanted messages the caller can take now, `held` how
    /// many it holds.
    pub(in crate::operation) fn poll(
        &mut self,
        now: Timestamp,
        room: usize,
        held: usize,
    ) -> Option<(Order, SweepOrder)> {
        self.look(now, room, held).or_else(|| {
            let (order, releasing) = self.returns.poll(now)?;
            Some((order, SweepOrder::Release(releasing)))
        })
    }

    /// How many wanted ones are not found, where they are known.
    fn missing(&self) -> Option<usize> {
        match &self.want {
            Want::Ids(sought) => Some(sought.missing()),
            Want::All { .. } | Want::Signs { .. } => None,
        }
    }

    fn look(&mut self, now: Timestamp, room: usize, held: usize) -> Option<(Order, SweepOrder)> {
        while let Some(held) = self.rest.pop_front_if(|held| held.until <= now) {
            self.returns.lapsed(now, held.at_latest);
        }
        if self.end.is_some() || self.counting {
            return None;
        }
        let room = self.room(now, room)?;
        if self.empties >= EMPTIES_NEEDED {
            return self.conclude(now, held);
        }
        let wide = self.width.allows(self.receiving, self.asked, self.missing());
        if !wide || !self.backoff.is_open(now) || self.not_before > now {
            return None;
        }
        let max = room.checked_sub(self.asked).filter(|max| *max > 0)?.min(MAX_BATCH_ENTRIES);
        self.receiving += 1;
        self.asked += max;
        self.receives += 1;
        let order = Order::Receive {
            queue: self.queue.clone(),
            max: max as u32,
            visibility_s: self.budget.lease_s,
            wait_s: WAIT_S,
        };
        Some((order, SweepOrder::Receive { asked_at: now, max }))
    }

    /// How many more messages are wanted now; ends the sweep when none is, or time is up.
    fn room(&mut self, now: Timestamp, room: usize) -> Option<usize> {
        let give_up_at = *self.give_up_at.get_or_insert(now.plus_ms(self.budget.time_ms));
        let room = match self.want {
            Want::All { most, most_bytes, most_receives } => {
                let left = most.saturating_sub(self.seen.len());
                if left == 0 || self.seen_bytes >= most_bytes || self.receives >= most_receives {
                    self.finish(End::Budget);
                    return None;
                }
                left
            }
            Want::Signs { .. } => usize::MAX,
            Want::Ids(ref sought) if sought.missing() == 0 && self.lost_until.is_none() => {
                self.finish(End::Found);
                return None;
            }
            // A receive whose answer was lost may have made void the receipts that were deleted by: once
            // its lease is over, one more look tells.
            Want::Ids(ref sought) if sought.missing() == 0 && self.lost_until.is_some_and(|until| until > now) => {
                self.not_before = self.lost_until.unwrap_or(now);
                self.give_up_at = Some(self.not_before.plus_ms(self.budget.time_ms));
                self.empties = 0;
                return None;
            }
            Want::Ids(_) if room == 0 => {
                // The caller is busy: its time is not the sweep's.
                self.give_up_at = Some(now.plus_ms(self.budget.time_ms));
                return None;
            }
            Want::Ids(_) => room,
        };
        if give_up_at <= now {
            self.finish(End::Budget);
            return None;
        }
        Some(room)
    }

    /// Takes a result in; answers what was found by it.
    pub(in crate::operation) fn handle(
        &mut self,
        now: Timestamp,
        order: SweepOrder,
        result: OrderResult,
    ) -> Vec<Found> {
        match order {
            SweepOrder::Release(releasing) => {
                self.returns.handle(now, releasing, result);
                Vec::new()
            }
            SweepOrder::Counts { own, callers } => {
                self.handle_counts(now, own, callers, &result);
                Vec::new()
            }
            SweepOrder::Receive { asked_at, max } => {
                self.receiving -= 1;
                self.asked -= max;
                self.handle_received(now, asked_at, max, result)
            }
        }
    }

    /// Puts a message aside to be given back: at once when the sweep is over, else at its end.
    pub(in crate::operation) fn give_back(&mut self, held: Held) {
        if self.end.is_some() { self.returns.add(held) } else { self.rest.push_back(held) }
    }

    /// A wanted message was lost again (its lease lapsed): looks for it once more. False when the
    /// sweep looks no further.
    pub(in crate::operation) fn want_again(&mut self, id: MessageId) -> bool {
        match self.end {
            None | Some(End::Found | End::Empty { .. }) => {
                self.end = None;
                self.empties = 0;
                self.give_up_at = None;
                self.doubt_until = None;
                if let Want::Ids(sought) = &mut self.want {
                    sought.want_again(id);
                }
                true
            }
            Some(End::Budget | End::Stopped | End::Refused(..)) => false,
        }
    }

    /// Gives back what is put aside now, without ending.
    pub(in crate::operation) fn flush(&mut self) {
        self.rest.drain(..).for_each(|held| self.returns.add(held));
    }

    /// Receives no more; what is put aside, and what outstanding receives still bring, goes back.
    pub(in crate::operation) fn stop(&mut self) {
        if self.end.is_none() || self.end == Some(End::Found) {
            self.finish(End::Stopped);
        }
    }

    fn finish(&mut self, end: End) {
        self.end = Some(end);
        self.flush();
    }

    pub(in crate::operation) fn timeout(&self, now: Timestamp) -> Option<Timestamp> {
        let looking = self.end.is_none() && !self.counting;
        let own = [self.backoff.until(now), Some(self.not_before).filter(|at| *at > now), self.give_up_at]
            .into_iter()
            .flatten()
            .filter(|_| looking);
        own.chain(self.returns.timeout(now)).min()
    }

    /// Why it looks no further, once no receive is outstanding.
    pub(in crate::operation) fn end(&self) -> Option<&End> {
        self.end.as_ref().filter(|_| self.receiving == 0 && !self.counting)
    }

    /// Over, and nothing held.
    pub(in crate::operation) fn is_idle(&self) -> bool {
        self.end().is_some() && self.rest.is_empty() && self.returns.is_idle()
    }

    pub(in crate::operation) fn receives(&self) -> u64 {
        self.receives
    }

    pub(in crate::operation) fn held(&self) -> usize {
        self.rest.len() + self.returns.held()
    }

    pub(in crate::operation) fn held_until(&self) -> Option<Timestamp> {
        self.rest.back().map(|held| held.until).max(self.returns.held_until())
    }

    /// Messages that could not be given back, and when the last shows again by itself.
    pub(in crate::operation) fn hidden(&self, now: Timestamp) -> (u64, Option<Timestamp>) {
        self.returns.hidden(now)
    }

    /// The same in one line, and what a receive without an answer may hide.
    pub(in crate::operation) fn left_hidden(&self, now: Timestamp) -> Option<String> {
        let lost = self.lost_until.filter(|until| *until > now);
        let lost =
            lost.map(|until| format!("a receive had no answer: what it took shows again by {}", until.clock_s()));
        let words: Vec<String> = self.returns.left_hidden(now).into_iter().chain(lost).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Until when a receive without an answer may hide messages.
    pub(in crate::operation) fn lost_until(&self) -> Option<Timestamp> {
        self.lost_until
    }
}

/// A lease of at most a minute (ux.md): nobody's alarm goes quiet because somebody reads.
pub const LEASE_MAX_S: u32 = 60;
/// Long enough that SQS asks all its servers and not a sample, short enough to leave quickly.
const WAIT_S: u32 = 1;
/// Empty answers in a row before a queue counts as empty (lessons, pitfall 3).
const EMPTIES_NEEDED: u32 = 3;
/// Receives in a row that may fail before the sweep gives up.
const FAILURES_MOST: u32 = 12;
