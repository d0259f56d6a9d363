//! Running events again out of a bucket: documents of an on-failure destination, which carry theirs, and
//! requests whose run was lost. Each is on record before its function is invoked and after it answered; what
//! was invoked and has no answer on record is named, and is never run a second time.

pub mod card;
mod item;
mod telling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use crate::model::id::MessageId;
use crate::model::plan::Plan;
use crate::model::rerun::{RerunItem, RerunPlan, RerunSource};
use crate::model::service_error::{Outcome, ServiceError};
use crate::model::stream::StreamPointer;
use crate::model::time::Timestamp;
use crate::operation::confirm::Confirmed;
use crate::operation::order::{JournalEntry, MessageState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::pace::Backoff;
use crate::operation::progress::{Cause, Phase, Progress, Report};
use crate::operation::record::Record;
use crate::operation::{Command, Operation, Owner};

pub use telling::certain;

/// Items that fail one after the other until nothing more is tried.
pub const FAILURES_IN_A_ROW: u32 = 5;
/// Requests under way at once; documents go one by one, since the records of a shard have an order.
const LANES: usize = 4;
/// Times a run is asked for that is refused by a throttle.
const TRIES: u32 = 8;

/// The number is the item's, in the plan.
#[derive(Debug)]
enum Purpose {
    Began,
    Fetch(usize),
    Read(usize),
    Noted(usize),
    Invoke(usize),
    Kept,
    Ended,
}

/// An item under way.
#[derive(Debug, Default)]
struct Current {
    /// What is still to be run, the first next.
    events: VecDeque<String>,
    /// A document that carries no event points at its records.
    pointer: Option<StreamPointer>,
    tries: u32,
    /// Refused by a throttle: asked again then.
    again_at: Option<Timestamp>,
}

/// How an item ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Ran,
    Failed(String),
    MayHaveRun(String),
}

#[derive(Debug)]
pub struct Rerun {
    owner: Owner,
    plan: RerunPlan,
    outbox: Outbox<Purpose>,
    backoff: Backoff,
    phase: Phase,
    now: Timestamp,
    waiting: VecDeque<usize>,
    current: BTreeMap<usize, Current>,
    fates: BTreeMap<usize, Fate>,
    records: u64,
    in_a_row: u32,
    problem: Option<String>,
    cause: Option<Cause>,
    cancelled: bool,
    /// The process ends: what is open stays open in the journal.
    left: bool,
    report: Option<Report>,
    told: bool,
}

impl Rerun {
    pub fn new(confirmed: Confirmed<RerunPlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let plan = confirmed.into_plan();
        let began = owner.began(now, Plan::Rerun(plan.clone()));
        Self::start(plan, owner, seed, now, began)
    }

    /// Takes up what was cut off: what has an answer on record is done with, what was being run and has none
    /// is named, the rest is run.
    pub fn resume(confirmed: Confirmed<RerunPlan>, owner: Owner, seed: u64, now: Timestamp, record: &Record) -> Self {
        let resumed = owner.noted(now, format!("resumed by {}", owner.who));
        let mut rerun = Self::start(confirmed.into_plan(), owner, seed, now, resumed);
        for (index, item) in rerun.plan.items.iter().enumerate() {
            let fate = match record.states.get(&item.id()) {
                Some(MessageState::Ran) => Fate::Ran,
                Some(MessageState::Running { .. }) => Fate::MayHaveRun("it was cut off while it ran".to_owned()),
                Some(MessageState::PossibleDuplicate { why }) => Fate::MayHaveRun(why.clone()),
                Some(MessageState::Failed { why }) => Fate::Failed(why.clone()),
                _ => continue,
            };
            rerun.fates.insert(index, fate);
        }
        let fates = &rerun.fates;
        rerun.waiting.retain(|index| !fates.contains_key(index));
        rerun
    }

    fn start(plan: RerunPlan, owner: Owner, seed: u64, now: Timestamp, first: JournalEntry) -> Self {
        let mut rerun = Rerun {
            outbox: Outbox::new(),
            backoff: Backoff::new(seed, "rerun"),
            phase: Phase::Starting,
            now,
            waiting: (0..plan.items.len()).collect(),
            current: BTreeMap::new(),
            fates: BTreeMap::new(),
            records: 0,
            in_a_row: 0,
            problem: None,
            cause: None,
            cancelled: false,
            left: false,
            report: None,
            told: false,
            owner,
            plan,
        };
        rerun.outbox.give(Order::Record(vec![first]), Purpose::Began);
        rerun
    }

    fn step(&mut self, now: Timestamp) {
        self.now = now;
        if self.phase == Phase::Running {
            self.again(now);
            let lanes = if self.plan.source == RerunSource::Documents { 1 } else { LANES };
            while !self.cancelled && self.current.len() < lanes && self.backoff.until(now).is_none() {
                let Some(index) = self.waiting.pop_front() else { break };
                self.begin(index);
            }
            if self.current.is_empty() && (self.waiting.is_empty() || self.cancelled) {
                self.phase = Phase::Ending;
                self.told = false;
            }
        }
        if self.phase == Phase::Ending && self.outbox.is_idle() && self.report.is_none() {
            self.close(now);
        }
    }

    /// Asks again for what a throttle refused, when it is time.
    fn again(&mut self, now: Timestamp) {
        let due = |current: &Current| current.again_at.is_some_and(|at| at <= now);
        let due: Vec<usize> =
            self.current.iter().filter(|(_, current)| due(current)).map(|(index, _)| *index).collect();
        for index in due {
            if self.cancelled {
                self.end(index, Fate::Failed("cancelled before it was run".to_owned()));
            } else {
                self.invoke(index);
            }
        }
    }

    /// An item is over: on record before anything else happens because of it.
    fn end(&mut self, index: usize, fate: Fate) {
        let Some(item) = self.plan.items.get(index) else { return };
        let state = match &fate {
            Fate::Ran => MessageState::Ran,
            Fate::Failed(why) => MessageState::Failed { why: why.clone() },
            Fate::MayHaveRun(why) => MessageState::PossibleDuplicate { why: why.clone() },
        };
        let line = self.owner.message(self.now, item.id(), state);
        self.in_a_row = if fate == Fate::Ran { 0 } else { self.in_a_row + 1 };
        self.current.remove(&index);
        self.fates.insert(index, fate);
        self.told = false;
        self.outbox.give(Order::Record(vec![line]), Purpose::Kept);
        if self.in_a_row >= FAILURES_IN_A_ROW && !self.waiting.is_empty() {
            let why = format!("{FAILURES_IN_A_ROW} in a row did not come through: the rest was not tried");
            self.stop(why, None);
        }
    }

    /// Nothing more is begun with.
    fn stop(&mut self, why: String, cause: Option<Cause>) {
        self.waiting.clear();
        self.problem.get_or_insert(why);
        self.cause = self.cause.or(cause);
        self.told = false;
    }

    fn id(&self, index: usize) -> MessageId {
        self.plan.items.get(index).map_or_else(|| MessageId::from(""), RerunItem::id)
    }

    fn refuse(&mut self, index: usize, error: &ServiceError) {
        self.cause.get_or_insert(Cause::of(error));
        self.end(index, Fate::Failed(format!("not run: {error}")));
        if error.is_denied() || error.is_expired() {
            self.stop(format!("not allowed: {}", error.action), Some(Cause::Denied));
        }
    }

    fn close(&mut self, now: Timestamp) {
        let report = Report::Rerun(self.report());
        // Left in the middle, it stays open and can be taken up again.
        if self.left && self.fates.len() < self.plan.items.len() {
            self.report = Some(report);
            self.phase = Phase::Finished;
            self.told = false;
            return;
        }
        let ended = self.owner.ended(now, &report);
        self.report = Some(report);
        self.outbox.give(Order::Record(vec![ended]), Purpose::Ended);
    }

    fn began(&mut self, result: &OrderResult) {
        if self.phase != Phase::Starting {
            return;
        }
        self.phase = Phase::Running;
        if !matches!(result, Outcome::Done(_)) {
            self.stop("the journal could not be written, so nothing was run".to_owned(), Some(Cause::Journal));
        }
    }
}

impl Operation for Rerun {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        if matches!(command, Command::Cancel | Command::Leave) && self.report.is_none() {
            self.cancelled = true;
            self.left |= command == Command::Leave;
            self.told = false;
        }
        // An invocation cannot be called back, and whoever leaves does not wait for it.
        if command == Command::Leave {
            let under_way = |purpose: &Purpose| match purpose {
                Purpose::Invoke(index) => Some(*index),
                _ => None,
            };
            let open: Vec<usize> = self.outbox.open().filter_map(under_way).collect();
            self.outbox.forget(|purpose| matches!(purpose, Purpose::Invoke(_)));
            for index in open {
                self.end(index, Fate::MayHaveRun("left before the function answered".to_owned()));
            }
        }
        self.step(now);
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.now = now;
        match self.outbox.settle(id) {
            Some(Purpose::Began) => self.began(&result),
            Some(Purpose::Fetch(index)) => self.fetched(index, result),
            Some(Purpose::Read(index)) => self.read(index, result),
            Some(Purpose::Noted(index)) => self.noted(index, &result),
            Some(Purpose::Invoke(index)) => self.invoked(index, result),
            Some(Purpose::Kept) if !matches!(result, Outcome::Done(_)) => {
                self.stop("the journal could not be written, so nothing more was run".to_owned(), Some(Cause::Journal));
            }
            Some(Purpose::Ended) => {
                self.report.iter_mut().for_each(|report| report.written(&result));
                self.phase = Phase::Finished;
                self.told = false;
            }
            Some(Purpose::Kept) | None => {}
        }
        self.step(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.step(now);
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        self.step(now);
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        let again = self.current.values().filter_map(|current| current.again_at);
        let begin = self.backoff.until(self.now).filter(|_| !self.waiting.is_empty());
        again.chain(begin).min().filter(|_| self.phase == Phase::Running)
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        (!std::mem::replace(&mut self.told, true)).then(|| self.progress())
    }

    fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }
}
