//! Redrive by our mover: the ids chosen, and nothing else, back to where each came from. For every
//! message: recorded, then sent, then acknowledged per entry, then deleted, never another order. A
//! send whose end is unknown is not repeated and its source copy not deleted: it is named. Leases are
//! extended while sends are slow; a message whose lease ran out is not sent.

mod delivery;
mod doubt;
mod dress;
pub mod edit;
mod ending;
mod gentle;
mod holding;
mod ladder;
mod ledger;
mod rate;
mod removal;
mod telling;

pub use dress::MARK;
pub(in crate::operation) use ladder::run_of;
pub(in crate::operation) use rate::{as_left, pace_after};

use std::collections::{BTreeMap, VecDeque};

use crate::model::id::{MessageId, QueueUrl};
use crate::model::message::Outgoing;
use crate::model::plan::{Plan, RedrivePlan};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::confirm::Confirmed;
use crate::operation::notes::Notes;
use crate::operation::order::{Answer, JournalEntry, Lease, MessageState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::pace::{Backoff, Bucket};
use crate::operation::progress::{Cause, Phase, Progress, Report};
use crate::operation::record::Record;
use crate::operation::redrive::edit::Edits;
use crate::operation::redrive::gentle::Watchful;
use crate::operation::redrive::ladder::Climb;
use crate::operation::redrive::ledger::{Fate, Ledger, Stage};
use crate::operation::sweep::{Budget, LEASE_MAX_S, Sweep, SweepOrder, Want};
use crate::operation::{Command, Operation, Owner};

#[derive(Debug)]
enum Purpose {
    Began,
    Sweep(SweepOrder),
    Recorded(Batch),
    Sent(Batch),
    Acknowledged(Vec<MessageId>),
    Deleted(Vec<Lease>),
    Extended {
        asked_at: Timestamp,
        ids: Vec<MessageId>,
    },
    /// The sweep of a rung's watch.
    Look(SweepOrder),
    WatchCounts,
    Vitals,
    Noted,
    Ended,
}

/// Entries for one destination, on their way.
#[derive(Debug)]
struct Batch {
    to: QueueUrl,
    ids: Vec<MessageId>,
    /// Until they are sent.
    entries: Vec<Outgoing>,
}

/// One queue messages go back to.
#[derive(Debug)]
struct Destination {
    waiting: VecDeque<MessageId>,
    /// Batches recorded or sent and not answered.
    batches: usize,
    backoff: Backoff,
    /// Refusals, and unknown ends, in a row.
    refusals: u32,
    unknowns: u32,
    /// Why nothing more is sent to it.
    broken: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Starting,
    Running,
    Paused,
    Ending(Ending),
    Finished,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Complete,
    Cancelled,
    /// The process ends: the journal keeps the operation open.
    Left,
    /// `problem` says why.
    Stopped,
}

#[derive(Debug)]
pub struct Redrive {
    owner: Owner,
    plan: RedrivePlan,
    edits: Edits,
    lanes: usize,
    seed: u64,
    mode: Mode,
    started_at: Timestamp,
    now: Timestamp,
    sweep: Sweep,
    ledger: Ledger,
    outbox: Outbox<Purpose>,
    bucket: Bucket,
    destinations: BTreeMap<QueueUrl, Destination>,
    /// Recorded batches that wait for a lane.
    ready: VecDeque<Batch>,
    recording: usize,
    sending: usize,
    to_delete: VecDeque<MessageId>,
    deleting: usize,
    delete_backoff: Backoff,
    extending: usize,
    extend_backoff: Backoff,
    climb: Climb,
    watchful: Watchful,
    notes: Notes,
    problem: Option<String>,
    cause: Option<Cause>,
    report: Option<Report>,
    told: bool,
}

impl Redrive {
    pub fn new(confirmed: Confirmed<RedrivePlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        Self::edited(confirmed, BTreeMap::new(), owner, seed, now)
    }

    /// With these bodies instead of those they died with, for the messages the plan says are edited.
    pub fn edited(
        confirmed: Confirmed<RedrivePlan>,
        bodies: BTreeMap<MessageId, String>,
        owner: Owner,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let plan = confirmed.into_plan();
        let edits = Edits::new(plan.edit.as_deref(), bodies);
        let mut first = vec![owner.began(now, Plan::Redrive(plan.clone()))];
        first.extend(edits.entries(&owner, now));
        Self::start(plan, edits, owner, seed, now, first, None)
    }

    /// Takes up what was cut off, by the last recorded state of each message. A message that was
    /// recorded and not acknowledged may have been sent: it is named, not sent again.
    pub fn resume(confirmed: Confirmed<RedrivePlan>, owner: Owner, seed: u64, now: Timestamp, record: &Record) -> Self {
        let mut first = vec![owner.resumed(now)];
        first.extend(record.doubted.iter().map(|id| owner.message(now, id.clone(), MessageState::Doubted)));
        let plan = as_left(confirmed.into_plan(), record);
        let edits = Edits::new(plan.edit.as_deref(), record.edits.clone());
        Self::start(plan, edits, owner, seed, now, first, Some(record))
    }

    fn start(
        plan: RedrivePlan,
        edits: Edits,
        owner: Owner,
        seed: u64,
        now: Timestamp,
        first: Vec<JournalEntry>,
        before: Option<&Record>,
    ) -> Self {
        let mut ledger = Ledger::new(plan.ids.iter().cloned());
        let mut climb = Climb::new(plan.ladder.as_ref(), ledger.len(), now);
        if let Some(record) = before {
            record.states.iter().for_each(|(id, state)| take_up(&mut ledger, id, state));
            record.doubted.iter().for_each(|id| ledger.doubts.doubt(id));
            climb.take_up(record.sent(), &record.sent_as);
        }
        let watchful = Watchful::new(plan.gentle.clone(), now);
        let lanes = (plan.lanes as usize).clamp(1, LANES_MOST);
        let mut wanted = ledger.ids_in(Stage::Wanted);
        wanted.extend(ledger.ids_in(Stage::Checking));
        let budget = Budget { lanes, lease_s: LEASE_MAX_S, time_ms: SEARCH_MOST_MS };
        let mut outbox = Outbox::new();
        outbox.give(Order::Record(first), Purpose::Began);
        let refused = edit::refusal(plan.edit.as_deref(), plan.ladder.is_some());
        let mut redrive = Redrive {
            edits,
            sweep: Sweep::new(plan.from.clone(), Want::Ids(wanted.into_iter().collect()), budget, seed),
            bucket: Bucket::new(plan.rate_per_s, now),
            owner,
            plan,
            lanes,
            seed,
            mode: Mode::Starting,
            started_at: now,
            now,
            ledger,
            outbox,
            destinations: BTreeMap::new(),
            ready: VecDeque::new(),
            recording: 0,
            sending: 0,
            to_delete: VecDeque::new(),
            deleting: 0,
            delete_backoff: Backoff::new(seed, "delete"),
            extending: 0,
            extend_backoff: Backoff::new(seed, "extend"),
            climb,
            watchful,
            notes: Notes::default(),
            problem: None,
            cause: None,
            report: None,
            told: false,
        };
        if let Some(why) = refused {
            redrive.stop(Cause::Refused, why);
        }
        redrive
    }
}

impl Destination {
    fn new(seed: u64, to: &QueueUrl) -> Self {
        Destination {
            waiting: VecDeque::new(),
            batches: 0,
            backoff: Backoff::new(seed, to.as_str()),
            refusals: 0,
            unknowns: 0,
            broken: None,
        }
    }
}

/// What the journal knows of a message, for a resume.
fn take_up(ledger: &mut Ledger, id: &MessageId, state: &MessageState) {
    let fault = |ledger: &mut Ledger, fate: Fate, why: &str| {
        ledger.faults.push((id.clone(), why.to_owned()));
        ledger.set_stage(id, Stage::Over(fate));
    };
    if ledger.stage(id).is_none() {
        return;
    }
    match state {
        // The others are never of a redrive.
        MessageState::NotSent { .. } | MessageState::Dropped { .. } => {}
        MessageState::Running { .. } | MessageState::Ran => {}
        MessageState::Recorded { .. } => {
            let why = "cut off while it was sent: it may exist twice";
            ledger.duplicates.insert(id.clone(), why.to_owned());
            fault(ledger, Fate::Failed, why);
        }
        // Its delete may not have been ordered, and its lease has run out since.
        MessageState::Acknowledged { .. } => {
            ledger.set_stage(id, Stage::Checking);
            ledger.lapse_one(id);
        }
        // Deleted, as far as was answered: whether it is gone is looked for, not believed.
        MessageState::Deleted { .. } | MessageState::Doubted => ledger.set_stage(id, Stage::Checking),
        MessageState::PossibleDuplicate { why } | MessageState::Duplicate { why } => {
            ledger.duplicates.insert(id.clone(), why.clone());
            fault(ledger, Fate::Failed, why);
        }
        MessageState::Failed { why } => fault(ledger, Fate::Failed, why),
        MessageState::Skipped { why } => fault(ledger, Fate::Skipped, why),
        MessageState::Gone => ledger.set_stage(id, Stage::Over(Fate::Gone)),
    }
}

impl Operation for Redrive {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        self.now = now;
        self.told = false;
        match command {
            Command::Pause if self.mode == Mode::Running => {
                self.mode = Mode::Paused;
                self.let_waiting_go();
            }
            Command::Resume if self.mode == Mode::Paused => self.mode = Mode::Running,
            Command::Rate(rate) => self.set_rate(now, rate),
            Command::Cancel => self.end(Ending::Cancelled),
            Command::Leave => self.end(Ending::Left),
            Command::Pause | Command::Resume => {}
        }
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.now = now;
        self.notes.heard(id, &result);
        match self.outbox.settle(id) {
            Some(Purpose::Began) => match result {
                Outcome::Done(Answer::Recorded) if self.mode == Mode::Starting => self.mode = Mode::Running,
                Outcome::Done(_) => {}
                other => {
                    self.stop(Cause::Journal, format!("the journal could not be written: {}", delivery::said(&other)))
                }
            },
            Some(Purpose::Sweep(order)) => {
                self.doubt(now, &order, &result);
                let found = self.sweep.handle(now, order, result);
                found.into_iter().for_each(|found| self.arrive(found));
            }
            Some(Purpose::Recorded(batch)) => self.handle_recorded(batch, &result),
            Some(Purpose::Sent(batch)) => self.handle_sent(now, batch, result),
            Some(Purpose::Acknowledged(ids)) => self.handle_acknowledged(ids, &result),
            Some(Purpose::Deleted(leases)) => self.handle_deleted(now, leases, result),
            Some(Purpose::Extended { asked_at, ids }) => self.handle_extended(now, asked_at, &ids, result),
            Some(Purpose::Noted) if !matches!(result, Outcome::Done(_)) => {
                self.stop(Cause::Journal, format!("the journal could not be written: {}", delivery::said(&result)));
            }
            Some(Purpose::Look(order)) => {
                self.doubt(now, &order, &result);
                self.look_back(now, order, result);
            }
            Some(Purpose::WatchCounts) => self.handle_watch_counts(now, &result),
            Some(Purpose::Vitals) => self.handle_vitals(now, result),
            Some(Purpose::Ended) => {
                self.report.iter_mut().for_each(|report| report.written(&result));
                self.mode = Mode::Finished;
            }
            Some(Purpose::Noted) | None => {}
        }
        self.told = false;
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.now = now;
        self.lapse(now);
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        self.now = now;
        if self.mode == Mode::Finished {
            return None;
        }
        self.lapse(now);
        self.delete(now);
        self.extend(now);
        self.send(now);
        self.pack(now);
        self.be_gentle(now);
        self.climb(now);
        self.look(now);
        if self.conclude() {
            self.look(now);
        }
        if !self.notes.is_empty() {
            self.record(Vec::new(), Purpose::Noted);
        }
        self.close(now);
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.next_timeout()
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        Some(self.progress())
    }

    fn is_finished(&self) -> bool {
        self.mode == Mode::Finished
    }
}

impl Mode {
    fn phase(self) -> Phase {
        match self {
            Mode::Starting => Phase::Starting,
            Mode::Running => Phase::Running,
            Mode::Paused => Phase::Paused,
            Mode::Ending(_) => Phase::Ending,
            Mode::Finished => Phase::Finished,
        }
    }
}

/// More lanes bring no more throughput and only more to take back.
const LANES_MOST: usize = 16;
/// A lease with less left than this is extended.
const EXTEND_BEFORE_MS: i64 = 25_000;
/// How long it looks for messages without finding any.
const SEARCH_MOST_MS: i64 = 5 * 60_000;
