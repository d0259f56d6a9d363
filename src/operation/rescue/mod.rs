//! Rescue: pointers of an on-failure queue, one after the other. The records a pointer names are read
//! from the stream while they exist, run through the function that gave them up, in order and a batch at
//! a time, and only when all of them came through is the pointer deleted. One that shows again is deleted
//! again, and nothing is run for it a second time. While a pointer is at hand no receive is out: none without
//! an answer can make its receipt void.

pub(in crate::operation) mod batch;
pub mod card;
mod removal;
mod replay;
mod telling;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;

use crate::model::id::MessageId;
use crate::model::plan::Plan;
use crate::model::rescue::{RescuePlan, RescueTarget};
use crate::model::service_error::Outcome;
use crate::model::stream::StreamPointer;
use crate::model::time::{Timestamp, spoken};
use crate::model::trial::LONGEST_RUN_S;
use crate::operation::confirm::Confirmed;
use crate::operation::course::{Course, Step};
use crate::operation::order::{Answer, JournalEntry, MessageState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::progress::{Cause, Progress, Report};
use crate::operation::record::Record;
use crate::operation::rescue::batch::Batches;
use crate::operation::returns::{Found, Releasing, Returns};
use crate::operation::sweep::{Budget, End, LEASE_MAX_S, Sweep, SweepOrder, Want};
use crate::operation::{Command, Operation, Owner};

#[derive(Debug)]
enum Purpose {
    Course(Step),
    Sweep(SweepOrder),
    Extend {
        asked_at: Timestamp,
    },
    Read,
    /// The journal knows that these records are about to be run.
    Noted(Range<usize>, String),
    Invoke(Range<usize>),
    /// So many were tried of it.
    Delete(Box<Found>, u32),
    Release(Releasing),
    Kept,
}

impl From<Step> for Purpose {
    fn from(step: Step) -> Self {
        Purpose::Course(step)
    }
}

/// The pointer at hand.
#[derive(Debug)]
struct Current {
    found: Found,
    pointer: StreamPointer,
    target: RescueTarget,
    batches: Option<Batches>,
}

#[derive(Debug)]
pub struct Rescue {
    course: Course,
    plan: RescuePlan,
    sweep: Sweep,
    returns: Returns,
    outbox: Outbox<Purpose>,
    now: Timestamp,
    current: Option<Current>,
    /// Found, and not begun with.
    waiting: Vec<Found>,
    /// Not found yet.
    missing: BTreeSet<MessageId>,
    /// Found once: should one come again, it is not begun with again.
    taken: BTreeSet<MessageId>,
    /// Rescued: all their records came through, and they are deleted as far as is known.
    rescued: BTreeSet<MessageId>,
    /// Those of them that were deleted when their lease was over: looked for once more.
    doubted: BTreeSet<MessageId>,
    doubtful: Vec<MessageId>,
    replayed: u64,
    faults: Vec<(MessageId, String)>,
}

impl Rescue {
    pub fn new(confirmed: Confirmed<RescuePlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let plan = confirmed.into_plan();
        let began = owner.began(now, Plan::Rescue(plan.clone()));
        Self::start(plan, owner, seed, now, began)
    }

    /// Takes up what was cut off: pointers that are deleted are done, those whose delete is doubted are looked
    /// for once more, all others are begun with anew.
    pub fn resume(confirmed: Confirmed<RescuePlan>, owner: Owner, seed: u64, now: Timestamp, record: &Record) -> Self {
        let resumed = owner.resumed(now);
        let mut rescue = Self::start(confirmed.into_plan(), owner, seed, now, resumed);
        let done = |id: &MessageId| {
            matches!(record.states.get(id), Some(MessageState::Deleted { .. } | MessageState::Doubted))
        };
        rescue.rescued = rescue.missing.extract_if(.., |id| done(id)).collect();
        rescue.doubted = rescue.rescued.intersection(&record.doubted).cloned().collect();
        let wanted = Want::Ids(rescue.missing.union(&rescue.doubted).cloned().collect());
        let budget = Budget { lanes: LANES, lease_s: LEASE_MAX_S, time_ms: LOOK_MS };
        rescue.sweep = Sweep::new(rescue.plan.from.clone(), wanted, budget, seed);
        rescue
    }

    fn start(plan: RescuePlan, owner: Owner, seed: u64, now: Timestamp, first: JournalEntry) -> Self {
        let ids: BTreeSet<MessageId> = plan.ids.iter().cloned().collect();
        let budget = Budget { lanes: LANES, lease_s: LEASE_MAX_S, time_ms: LOOK_MS };
        let (course, outbox) = Course::open(owner, vec![first]);
        Rescue {
            sweep: Sweep::new(plan.from.clone(), Want::Ids(ids.iter().cloned().collect()), budget, seed),
            returns: Returns::new(plan.from.clone(), 1, seed),
            outbox,
            now,
            current: None,
            waiting: Vec::new(),
            missing: ids,
            taken: BTreeSet::new(),
            rescued: BTreeSet::new(),
            doubted: BTreeSet::new(),
            doubtful: Vec::new(),
            replayed: 0,
            faults: Vec::new(),
            course,
            plan,
        }
    }

    fn step(&mut self, now: Timestamp) {
        self.now = now;
        if self.course.is_running() && self.current.is_none() {
            self.next(now);
        }
        self.close(now);
    }

    fn next(&mut self, now: Timestamp) {
        if let Some(found) = self.waiting.pop() {
            return self.begin(now, found);
        }
        if let Some(end) = self.sweep.end().cloned().filter(|_| self.deleting() == 0) {
            self.settle_doubted(&end);
            // Gone is only what the queue, seen whole, did not show.
            let unseen = match end {
                End::Refused(cause, why) => {
                    self.course.blame(Some(cause));
                    Some(why)
                }
                End::Empty { hidden: true } => Some(format!("it was not found: {}", self.sweep.blocked_by())),
                End::Budget => Some(format!("it was not found within {}; it may still be there", spoken(LOOK_MS))),
                End::Empty { hidden: false } | End::Found | End::Stopped => None,
            };
            if let Some(why) = unseen {
                let missing = std::mem::take(&mut self.missing);
                self.faults.extend(missing.into_iter().map(|id| (id, why.clone())));
            }
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.course.end();
        self.sweep.stop();
        self.waiting.drain(..).for_each(|found| self.returns.add(found.held()));
    }

    /// A pointer is found: its lease is made longer than all that is to come for its first batch.
    fn begin(&mut self, now: Timestamp, found: Found) {
        let Some(pointer) = StreamPointer::parse(&found.message.body) else {
            return self.leave(found, "it is no pointer into a DynamoDB stream");
        };
        let name = pointer.function_name();
        let Some(target) = self.plan.targets.iter().find(|target| Some(&target.function) == name.as_ref()).cloned()
        else {
            let name = name.map_or("no function".to_owned(), |name| name.to_string());
            return self.leave(found, &format!("it was given up by {name}, which is not on the card"));
        };
        self.current = Some(Current { found, pointer, target, batches: None });
        self.extend(now);
    }

    /// Found, and neither deleted nor given back.
    fn held(&self) -> usize {
        self.waiting.len() + usize::from(self.current.is_some()) + self.deleting()
    }

    fn extend(&mut self, now: Timestamp) {
        let Some(current) = &self.current else { return };
        let visibility_s = lease_s(&current.target);
        let entries = vec![current.found.held().lease];
        let order = Order::Extend { queue: self.plan.from.clone(), entries, visibility_s };
        self.outbox.give(order, Purpose::Extend { asked_at: now });
        self.course.tell();
    }

    fn leave(&mut self, found: Found, why: &str) {
        self.faults.push((found.message.id.clone(), why.to_owned()));
        // Given back now it would only come again.
        self.sweep.give_back(found.held());
        self.course.tell();
    }

    /// The pointer at hand stays where it is.
    fn give_up(&mut self, why: &str) {
        let Some(current) = self.current.take() else { return };
        let done = current.batches.as_ref().map_or(0, Batches::done);
        let why = match current.batches.as_ref().map(Batches::len) {
            Some(of) if done > 0 => format!("{why} ({done} of its {of} records came through before)"),
            _ => why.to_owned(),
        };
        self.record(current.found.message.id.clone(), MessageState::Failed { why: why.clone() });
        self.leave(current.found, &why);
        if self.course.is_cancelled() {
            self.finish();
        }
    }

    fn record(&mut self, id: MessageId, state: MessageState) {
        self.course.note(self.now, &id, state);
        self.course.write(Vec::new(), Purpose::Kept, &mut self.outbox);
    }

    fn extended(&mut self, now: Timestamp, asked_at: Timestamp, result: &OrderResult) {
        let done = matches!(result, Outcome::Done(Answer::Entries(entries)) if matches!(entries.as_slice(), [Ok(())]));
        if let Some(current) = &mut self.current {
            current.found.extended(now, asked_at, lease_s(&current.target), result);
        }
        if !done {
            return self.give_up("its lease could not be made long enough");
        }
        if self.course.is_cancelled() {
            return self.give_up("cancelled");
        }
        let Some(current) = &self.current else { return };
        if current.batches.is_some() {
            return self.note_batch(now);
        }
        self.outbox.give(Order::ReadStream { pointer: current.pointer.clone() }, Purpose::Read);
    }

    fn close(&mut self, now: Timestamp) {
        let idle = self.sweep.is_idle() && self.returns.is_idle() && self.current.is_none();
        if idle && self.course.may_close(&self.outbox) {
            self.name_doubted();
            let report = Report::Rescue(self.report());
            self.course.close(now, report, &mut self.outbox);
        }
    }
}

impl Operation for Rescue {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        if self.course.is_told_to_end(command) && self.current.is_none() {
            self.finish();
        }
        // An invocation cannot be called back, and whoever leaves does not wait for it.
        if command == Command::Leave && self.outbox.open().any(|purpose| matches!(purpose, Purpose::Invoke(_))) {
            self.outbox.forget(|purpose| matches!(purpose, Purpose::Invoke(_)));
            self.give_up("left before the function answered: it may have run");
        }
        self.step(now);
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.now = now;
        self.course.heard(id, &result);
        match self.outbox.settle(id) {
            Some(Purpose::Course(step)) if self.course.handle(step, &result) => {}
            Some(Purpose::Course(_)) => {
                let missing = std::mem::take(&mut self.missing);
                let why = "the journal could not be written, so nothing was run";
                self.course.wrong(Some(Cause::Journal), why);
                self.faults.extend(missing.into_iter().map(|id| (id, why.to_owned())));
                self.finish();
            }
            Some(Purpose::Sweep(order)) => {
                self.sweep.handle(now, order, result).into_iter().for_each(|found| self.take(found));
            }
            Some(Purpose::Extend { asked_at }) => self.extended(now, asked_at, &result),
            Some(Purpose::Read) => self.read(now, result),
            Some(Purpose::Noted(range, event)) => self.invoke(range, event, &result),
            Some(Purpose::Invoke(range)) => self.invoked(now, &range, result),
            Some(Purpose::Delete(found, tries)) => self.removed(now, *found, tries, &result),
            Some(Purpose::Release(releasing)) => self.returns.handle(now, releasing, result),
            Some(Purpose::Kept) | None => {}
        }
        self.step(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.step(now);
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        if self.course.is_open() {
            let held = self.held();
            // One at a time: what waits would only lose its lease.
            let room = usize::from(held == 0 && self.course.is_running());
            if let Some((order, purpose)) = self.sweep.poll(now, room, held) {
                self.outbox.give(order, Purpose::Sweep(purpose));
            }
            if let Some((order, releasing)) = self.returns.poll(now) {
                self.outbox.give(order, Purpose::Release(releasing));
            }
        }
        self.step(now);
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        [self.sweep.timeout(self.now), self.returns.timeout(self.now)].into_iter().flatten().min()
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        self.course.has_news().then(|| self.progress())
    }

    fn is_finished(&self) -> bool {
        self.course.is_finished()
    }
}

/// Seconds a pointer must stay hidden for the next step, whatever that is.
fn lease_s(target: &RescueTarget) -> u32 {
    (target.timeout_s.unwrap_or(LONGEST_RUN_S) + MARGIN_S).min(VISIBILITY_MAX_S)
}

/// Receives at once while it looks.
const LANES: usize = 2;
/// Milliseconds it looks without finding anything.
const LOOK_MS: i64 = 40_000;
/// Seconds of lease beyond the function's time-out: reading the stream is in it.
const MARGIN_S: u32 = 120;
/// `VisibilityTimeout` at most (aws-facts §3.1).
const VISIBILITY_MAX_S: u32 = 43_200;
