//! Drop: the messages chosen, and nothing else, deleted from their queue, each only after its whole
//! copy is durable in the journal. Never a purge: what was not chosen stays. What the journal keeps can
//! be put back by `restore`.

mod doubt;
mod ending;
mod removal;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::id::{MessageId, ReceiptHandle};
use crate::model::message::MAX_BATCH_ENTRIES;
use crate::model::plan::{DropPlan, Plan};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::confirm::Confirmed;
use crate::operation::course::{Course, Step};
use crate::operation::doubts::Doubts;
use crate::operation::order::{JournalEntry, Lease, MessageState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::pace::Backoff;
use crate::operation::progress::{Cause, Progress};
use crate::operation::record::Record;
use crate::operation::returns::Found;
use crate::operation::sweep::{Budget, LEASE_MAX_S, Sweep, SweepOrder, Want};
use crate::operation::{Command, Operation, Owner};

#[derive(Debug)]
enum Purpose {
    Course(Step),
    Sweep(SweepOrder),
    /// Copies on their way into the journal.
    Kept(Vec<Found>),
    Deleted(Vec<Found>),
}

impl From<Step> for Purpose {
    fn from(step: Step) -> Self {
        Purpose::Course(step)
    }
}

#[derive(Debug)]
pub struct Drop {
    course: Course,
    plan: DropPlan,
    sweep: Sweep,
    outbox: Outbox<Purpose>,
    now: Timestamp,
    started_at: Timestamp,
    /// Found and not kept yet.
    found: VecDeque<Found>,
    /// Kept, to be deleted.
    kept: VecDeque<Found>,
    keeping: usize,
    deleting: usize,
    backoff: Backoff,
    /// Not yet at an end.
    open: BTreeSet<MessageId>,
    /// The newest receipt of each that was found: a message may be delivered again while it is held, and
    /// only the newest surely deletes.
    newest: BTreeMap<MessageId, ReceiptHandle>,
    /// Deletes tried, of those tried more than once.
    tries: BTreeMap<MessageId, u32>,
    /// Not at an end, and yet perhaps deleted: the delete had no answer, or its lease had run out. Whether it
    /// took is looked for.
    perhaps: BTreeSet<MessageId>,
    /// Whose receipt may be void.
    doubts: Doubts,
    dropped: BTreeSet<MessageId>,
    doubtful: Vec<MessageId>,
    gone: u64,
    faults: Vec<(MessageId, String)>,
}

impl Drop {
    pub fn new(confirmed: Confirmed<DropPlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let plan = confirmed.into_plan();
        let began = owner.began(now, Plan::Drop(plan.clone()));
        Self::start(plan, owner, seed, now, vec![began])
    }

    /// Takes up what was cut off: what was dropped is dropped, what failed is left; the rest is looked for
    /// and dropped. One that is not found, and whose copy is in the journal, was deleted by us.
    pub fn resume(confirmed: Confirmed<DropPlan>, owner: Owner, seed: u64, now: Timestamp, record: &Record) -> Self {
        let mut first = vec![owner.resumed(now)];
        first.extend(record.doubted.iter().map(|id| owner.message(now, id.clone(), MessageState::Doubted)));
        let mut drop = Self::start(confirmed.into_plan(), owner, seed, now, first);
        for (id, state) in &record.states {
            if !drop.open.contains(id) {
                continue;
            }
            match state {
                // Deleted beside a receive that was perhaps never answered: looked for once more.
                MessageState::Dropped { .. } if record.doubted.contains(id) => continue,
                MessageState::Dropped { .. } => {
                    drop.dropped.insert(id.clone());
                }
                MessageState::Gone => drop.gone += 1,
                MessageState::Failed { why } => drop.faults.push((id.clone(), why.clone())),
                _ => continue,
            }
            drop.open.remove(id);
        }
        drop.perhaps = drop.open.intersection(&record.kept).cloned().collect();
        let budget = Budget { lanes: LANES, lease_s: LEASE_MAX_S, time_ms: SEARCH_MOST_MS };
        drop.sweep = Sweep::new(drop.plan.from.clone(), Want::Ids(drop.open.iter().cloned().collect()), budget, seed);
        drop
    }

    fn start(plan: DropPlan, owner: Owner, seed: u64, now: Timestamp, first: Vec<JournalEntry>) -> Self {
        let open: BTreeSet<MessageId> = plan.ids.iter().cloned().collect();
        let budget = Budget { lanes: LANES, lease_s: LEASE_MAX_S, time_ms: SEARCH_MOST_MS };
        let (course, outbox) = Course::open(owner, first);
        Drop {
            sweep: Sweep::new(plan.from.clone(), Want::Ids(open.iter().cloned().collect()), budget, seed),
            course,
            plan,
            outbox,
            now,
            started_at: now,
            found: VecDeque::new(),
            kept: VecDeque::new(),
            keeping: 0,
            deleting: 0,
            backoff: Backoff::new(seed, "drop"),
            open,
            newest: BTreeMap::new(),
            tries: BTreeMap::new(),
            perhaps: BTreeSet::new(),
            doubts: Doubts::default(),
            dropped: BTreeSet::new(),
            doubtful: Vec::new(),
            gone: 0,
            faults: Vec::new(),
        }
    }

    fn held(&self) -> usize {
        self.found.len() + self.kept.len() + self.keeping + self.deleting
    }

    fn note(&mut self, id: &MessageId, state: MessageState) {
        self.course.note(self.now, id, state);
    }

    fn fail(&mut self, id: &MessageId, why: String) {
        if self.open.remove(id) {
            self.note(id, MessageState::Failed { why: why.clone() });
            self.faults.push((id.clone(), why));
        }
    }

    /// Looks for no more; what is held and not on its way goes back.
    fn stop(&mut self) {
        if self.course.is_at_work() {
            self.sweep.stop();
        }
        self.course.end();
        let back: Vec<Found> = self.found.drain(..).chain(self.kept.drain(..)).collect();
        back.iter().for_each(|found| self.sweep.give_back(found.held()));
    }

    fn take(&mut self, found: Found) {
        self.reopen(&found.message.id);
        if !self.open.contains(&found.message.id) {
            return self.sweep.give_back(found.held());
        }
        // Also one that is given back: a delete by an older receipt may be under way.
        self.hold(&found);
        if self.course.is_running() { self.found.push_back(found) } else { self.sweep.give_back(found.held()) }
    }

    fn hold(&mut self, found: &Found) {
        let id = &found.message.id;
        self.newest.insert(id.clone(), found.message.receipt.clone());
        self.doubts.hold(id, found.asked_at);
        self.perhaps.remove(id);
    }

    /// It shows again after its delete: the receipt was void, another receive had been handed it too.
    fn reopen(&mut self, id: &MessageId) {
        if self.dropped.remove(id) {
            self.note(id, MessageState::Doubted);
            self.open.insert(id.clone());
        }
    }

    fn is_newest(&self, found: &Found) -> bool {
        self.newest.get(&found.message.id).is_some_and(|receipt| *receipt == found.message.receipt)
    }

    /// Found copies into the journal; kept ones out of the queue.
    fn work(&mut self, now: Timestamp) {
        while self.course.is_running() && !self.found.is_empty() && self.keeping < KEEPING_MOST {
            let batch: Vec<Found> = self.found.drain(..self.found.len().min(MAX_BATCH_ENTRIES)).collect();
            let mut entries = Vec::with_capacity(batch.len());
            for found in &batch {
                entries.push(JournalEntry::Backup {
                    operation: self.course.owner.operation.clone(),
                    at: now,
                    queue: self.plan.from.clone(),
                    message: Box::new(found.message.clone()),
                });
            }
            self.keeping += batch.len();
            self.course.write(entries, Purpose::Kept(batch), &mut self.outbox);
        }
        while !self.kept.is_empty() && self.backoff.is_open(now) && self.deleting < LANES * MAX_BATCH_ENTRIES {
            let batch: Vec<Found> = self.kept.drain(..self.kept.len().min(MAX_BATCH_ENTRIES)).collect();
            let (held, lapsed): (Vec<Found>, Vec<Found>) = batch.into_iter().partition(|found| found.until > now);
            let lapsed: Vec<Found> = lapsed.into_iter().filter(|found| self.is_newest(found)).collect();
            lapsed.into_iter().for_each(|found| self.again(found.message.id));
            if held.is_empty() {
                continue;
            }
            let entries: Vec<Lease> = held.iter().map(|found| found.held().lease).collect();
            self.deleting += held.len();
            self.outbox.give(Order::Delete { queue: self.plan.from.clone(), entries }, Purpose::Deleted(held));
        }
    }

    fn handle_kept(&mut self, batch: Vec<Found>, result: &OrderResult) {
        self.keeping -= batch.len();
        if !matches!(result, Outcome::Done(_)) {
            let why = "the journal could not keep a copy, so nothing more is dropped";
            self.course.wrong(Some(Cause::Journal), why);
            batch.into_iter().for_each(|found| self.sweep.give_back(found.held()));
            return self.stop();
        }
        if self.course.is_running() {
            self.kept.extend(batch);
        } else {
            batch.into_iter().for_each(|found| self.sweep.give_back(found.held()));
        }
    }
}

impl Operation for Drop {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        if self.course.is_told_to_end(command) {
            self.stop();
        }
        self.settle(now);
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.now = now;
        self.course.heard(id, &result);
        match self.outbox.settle(id) {
            Some(Purpose::Course(step)) if self.course.handle(step, &result) => {}
            Some(Purpose::Course(_)) => {
                self.course.wrong(Some(Cause::Journal), "the journal could not be written");
                self.stop();
            }
            Some(Purpose::Sweep(order)) => {
                self.doubt(now, &order, &result);
                self.sweep.handle(now, order, result).into_iter().for_each(|found| self.take(found));
            }
            Some(Purpose::Kept(batch)) => self.handle_kept(batch, &result),
            Some(Purpose::Deleted(batch)) => self.handle_deleted(now, batch, result),
            None => {}
        }
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.settle(now);
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        self.now = now;
        if self.course.is_finished() {
            return None;
        }
        self.work(now);
        let room = HELD_MOST.saturating_sub(self.held());
        if self.course.is_open()
            && let Some((order, purpose)) = self.sweep.poll(now, room, self.held())
        {
            self.outbox.give(order, Purpose::Sweep(purpose));
        }
        self.settle(now);
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        let delete = self.backoff.until(self.now).filter(|_| !self.kept.is_empty());
        self.sweep.timeout(self.now).into_iter().chain(delete).min()
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        self.course.has_news().then(|| self.progress())
    }

    fn is_finished(&self) -> bool {
        self.course.is_finished()
    }
}

const LANES: usize = 4;
/// Messages held at once: each is kept and deleted well within its lease.
const HELD_MOST: usize = 200;
/// Copies on their way into the journal at once.
const KEEPING_MOST: usize = 100;
const SEARCH_MOST_MS: i64 = 5 * 60_000;
