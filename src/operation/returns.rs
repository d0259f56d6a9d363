//! Messages on their way back to their queue: given back in batches, tried again when that fails,
//! and left to show again by themselves when it fails for good. It never touches a lease that has
//! run out: the message may be somebody else's by then.

use std::collections::VecDeque;

use crate::model::id::{MessageId, QueueUrl};
use crate::model::message::{MAX_BATCH_ENTRIES, Message};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, EntryError, Lease, Order, OrderResult};
use crate::operation::pace::Backoff;
use crate::operation::progress::grouped;

/// A lease and how long it certainly lasts.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::operation) struct Held {
    pub lease: Lease,
    /// The earliest moment it can end: counted from when the receive was ordered.
    pub until: Timestamp,
    /// And the latest: counted from when its answer came.
    pub at_latest: Timestamp,
}

impl Held {
    /// When it certainly shows again: an extension may have moved its end.
    fn latest(&self) -> Timestamp {
        self.until.max(self.at_latest)
    }
}

/// A message found, and until when it certainly is ours.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::operation) struct Found {
    pub message: Message,
    /// When the receive that brought it was ordered.
    pub asked_at: Timestamp,
    pub until: Timestamp,
    /// When it certainly shows again, left alone.
    pub at_latest: Timestamp,
}

impl Found {
    pub(in crate::operation) fn held(&self) -> Held {
        let lease = Lease { id: self.message.id.clone(), receipt: self.message.receipt.clone() };
        Held { lease, until: self.until, at_latest: self.at_latest }
    }

    /// Its lease was to last so long from when that arrived. Without an answer it is not known whether it does;
    /// what was refused changed nothing.
    pub(in crate::operation) fn extended(
        &mut self,
        now: Timestamp,
        asked_at: Timestamp,
        lease_s: u32,
        result: &OrderResult,
    ) {
        match result {
            Outcome::Done(Answer::Entries(entries)) if matches!(entries.as_slice(), [Ok(())]) => {
                self.until = asked_at.plus_s(i64::from(lease_s));
            }
            Outcome::Unknown(_) => {}
            _ => return,
        }
        self.at_latest = self.at_latest.max(now.plus_s(i64::from(lease_s)));
    }
}

#[derive(Debug)]
struct Waiting {
    held: Held,
    attempts: u32,
}

/// What a release was about, kept until its result comes.
#[derive(Debug)]
pub(in crate::operation) struct Releasing(Vec<Waiting>);

#[derive(Debug)]
pub(in crate::operation) struct Returns {
    queue: QueueUrl,
    lanes: usize,
    waiting: VecDeque<Waiting>,
    releasing: usize,
    releasing_entries: usize,
    releasing_until: Option<Timestamp>,
    backoff: Backoff,
    /// Could not be given back; each shows again by itself by then.
    hidden: Vec<Timestamp>,
}

impl Returns {
    pub(in crate::operation) fn new(queue: QueueUrl, lanes: usize, seed: u64) -> Self {
        Returns {
            queue,
            lanes: lanes.max(1),
            waiting: VecDeque::new(),
            releasing: 0,
            releasing_entries: 0,
            releasing_until: None,
            backoff: Backoff::new(seed, "release"),
            hidden: Vec::new(),
        }
    }

    pub(in crate::operation) fn add(&mut self, held: Held) {
        self.waiting.push_back(Waiting { held, attempts: 0 });
    }

    /// The next batch to give back, at most ten, over at most `lanes` calls at once.
    pub(in crate::operation) fn poll(&mut self, now: Timestamp) -> Option<(Order, Releasing)> {
        if self.releasing >= self.lanes || !self.backoff.is_open(now) {
            return None;
        }
        // In place: there may be a hundred thousand.
        let mut over = Vec::new();
        self.waiting.retain(|waiting| {
            let ours = waiting.held.until > now;
            over.extend((!ours).then_some(waiting.held.at_latest));
            ours
        });
        over.into_iter().for_each(|at_latest| self.lapsed(now, at_latest));
        let batch: Vec<Waiting> = self.waiting.drain(..self.waiting.len().min(MAX_BATCH_ENTRIES)).collect();
        let latest = batch.iter().map(|waiting| waiting.held.until).max()?;
        self.releasing += 1;
        self.releasing_entries += batch.len();
        self.releasing_until = self.releasing_until.max(Some(latest));
        let entries = batch.iter().map(|waiting| waiting.held.lease.clone()).collect();
        Some((Order::Release { queue: self.queue.clone(), entries }, Releasing(batch)))
    }

    pub(in crate::operation) fn handle(&mut self, now: Timestamp, batch: Releasing, result: OrderResult) {
        let batch = batch.0;
        self.releasing -= 1;
        self.releasing_entries -= batch.len();
        if self.releasing == 0 {
            self.releasing_until = None;
        }
        match result {
            Outcome::Done(Answer::Entries(results)) => {
                self.backoff.succeed();
                let mut slower = false;
                let mut results = results.into_iter();
                for waiting in batch {
                    match results.next() {
                        Some(Ok(())) => {}
                        // The lease is over by the service's word: nothing is held any more.
                        Some(Err(error)) if is_lapsed(&error) => {}
                        Some(Err(error)) if error.sender_fault => self.leave_hidden(waiting.held.latest()),
                        Some(Err(_)) | None => {
                            slower = true;
                            self.again(waiting);
                        }
                    }
                }
                if slower {
                    self.backoff.fail(now);
                }
            }
            Outcome::Refused(error) if !error.is_throttle() => {
                batch.iter().for_each(|waiting| self.leave_hidden(waiting.held.latest()));
            }
            // A release can be repeated: its receipt is ours until the lease ends.
            Outcome::Refused(_) | Outcome::Unknown(_) | Outcome::Done(_) => {
                self.backoff.fail(now);
                batch.into_iter().for_each(|waiting| self.again(waiting));
            }
        }
    }

    pub(in crate::operation) fn timeout(&self, now: Timestamp) -> Option<Timestamp> {
        if self.waiting.is_empty() { None } else { self.backoff.until(now) }
    }

    pub(in crate::operation) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.releasing == 0
    }

    pub(in crate::operation) fn held(&self) -> usize {
        self.waiting.len() + self.releasing_entries
    }

    /// Those that wait, and certainly are held.
    pub(in crate::operation) fn held_ids(&self, now: Timestamp) -> impl Iterator<Item = &MessageId> {
        self.waiting.iter().filter(move |waiting| waiting.held.until > now).map(|waiting| &waiting.held.lease.id)
    }

    pub(in crate::operation) fn held_until(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|waiting| waiting.held.until).max().max(self.releasing_until)
    }

    /// How many could not be given back and are still hidden, and when the last of them shows again.
    pub(in crate::operation) fn hidden(&self, now: Timestamp) -> (u64, Option<Timestamp>) {
        let hidden = || self.hidden.iter().copied().filter(|until| *until > now);
        (hidden().count() as u64, hidden().max())
    }

    /// What could not be given back, in one line; `None` when all was.
    pub(in crate::operation) fn left_hidden(&self, now: Timestamp) -> Option<String> {
        let (hidden, until) = self.hidden(now);
        let noun = if hidden == 1 { "message" } else { "messages" };
        Some(format!("{} {noun} could not be given back, hidden until {}", grouped(hidden), until?.clock_s()))
    }

    fn again(&mut self, mut waiting: Waiting) {
        waiting.attempts += 1;
        if waiting.attempts < ATTEMPTS {
            self.waiting.push_back(waiting);
        } else {
            self.leave_hidden(waiting.held.latest());
        }
    }

    /// A lease that may be over is not touched. Of one whose answer was long on its way it is not known: its
    /// message may stay hidden for as long as that took.
    pub(in crate::operation) fn lapsed(&mut self, now: Timestamp, at_latest: Timestamp) {
        if at_latest > now {
            self.leave_hidden(at_latest);
        }
    }

    fn leave_hidden(&mut self, until: Timestamp) {
        self.hidden.push(until);
    }
}

/// Tries of one release before the message is left to show again by itself, a minute later at most.
const ATTEMPTS: u32 = 6;

/// What was said of the one entry of a batch; nothing where the answer is no such one.
pub(in crate::operation) fn of_one(result: &OrderResult) -> Option<Result<(), EntryError>> {
    match result {
        Outcome::Done(Answer::Entries(entries)) => entries.first().cloned(),
        _ => None,
    }
}

/// The service says that the receipt no longer holds anything (aws-facts §3.2, §3.6).
pub(in crate::operation) fn is_lapsed(error: &EntryError) -> bool {
    ["MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"]
        .iter()
        .any(|code| error.code.contains(code))
}
