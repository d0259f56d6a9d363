//! Move everything in a dead-letter queue by a message move task of SQS's (aws-facts §3.5), and follow
//! it. The task runs in AWS: leaving does not end it, cancelling takes effect some seconds later, and
//! its counters are approximate and late.

mod following;
mod telling;

use crate::model::id::TaskHandle;
use crate::model::move_task::MoveTask;
use crate::model::plan::{MoveAllPlan, Plan};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::confirm::Confirmed;
use crate::operation::order::{Answer, EndState, JournalEntry, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::pace::Backoff;
use crate::operation::progress::{Cause, Phase, Progress, Report, grouped, unwritten};
use crate::operation::record::Record;
use crate::operation::{Command, Operation, Owner};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Purpose {
    Began,
    List,
    Start,
    Cancel,
    Note,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// Is a task running already?
    Looking,
    /// Start was ordered.
    Starting,
    /// Start's end is unknown: does a new task show?
    Unsure,
    Running,
    /// Settled; its counters may still move for a moment.
    Settled {
        at: Timestamp,
    },
}

#[derive(Debug)]
pub struct MoveAll {
    owner: Owner,
    plan: MoveAllPlan,
    outbox: Outbox<Purpose>,
    phase: Phase,
    stage: Stage,
    started_at: Timestamp,
    now: Timestamp,
    list_at: Option<Timestamp>,
    lists: u32,
    starts: u32,
    backoff: Backoff,
    /// When the tasks that were there before ours were started.
    before: Vec<Option<Timestamp>>,
    /// A task that began earlier is not ours.
    not_before: Option<Timestamp>,
    /// Lists in a row that did not show it.
    unseen: u32,
    handle: Option<TaskHandle>,
    task: Option<MoveTask>,
    cancel: Cancelling,
    leaving: bool,
    end: Option<(EndState, Option<String>)>,
    cause: Option<Cause>,
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cancelling {
    No,
    Wanted,
    Ordered,
    Taken,
}

impl MoveAll {
    pub fn new(confirmed: Confirmed<MoveAllPlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let plan = confirmed.into_plan();
        let began = owner.began(now, Plan::MoveAll(plan.clone()));
        Self::begin(plan, owner, seed, now, began)
    }

    /// Looks for the task of an operation that was cut off and follows it; starts none.
    pub fn resume(confirmed: Confirmed<MoveAllPlan>, owner: Owner, seed: u64, now: Timestamp, record: &Record) -> Self {
        let resumed = owner.resumed(now);
        let started = record.notes.iter().rev().find_map(|(_, text)| text.strip_prefix(STARTED));
        let mut machine = Self::begin(confirmed.into_plan(), owner, seed, now, resumed);
        machine.handle = started.map(TaskHandle::from);
        machine.stage = if started.is_some() { Stage::Running } else { Stage::Unsure };
        machine.starts = STARTS_MOST;
        machine.not_before = Some(record.began_at.plus_ms(-CLOCKS_DIFFER_MS));
        machine
    }

    fn begin(plan: MoveAllPlan, owner: Owner, seed: u64, now: Timestamp, first: JournalEntry) -> Self {
        let mut outbox = Outbox::new();
        outbox.give(Order::Record(vec![first]), Purpose::Began);
        MoveAll {
            owner,
            plan,
            outbox,
            phase: Phase::Starting,
            stage: Stage::Looking,
            started_at: now,
            now,
            list_at: None,
            lists: 0,
            starts: 0,
            backoff: Backoff::new(seed, "move-all"),
            before: Vec::new(),
            not_before: None,
            unseen: 0,
            handle: None,
            task: None,
            cancel: Cancelling::No,
            leaving: false,
            end: None,
            cause: None,
            told: false,
        }
    }

    fn handle_list(&mut self, now: Timestamp, result: OrderResult) {
        match result {
            Outcome::Done(Answer::Tasks(tasks)) => {
                self.backoff.succeed();
                match self.stage {
                    Stage::Looking => self.look(&tasks),
                    Stage::Unsure => self.see_whether_it_started(now, &tasks),
                    Stage::Starting => {}
                    Stage::Running | Stage::Settled { .. } => self.follow(now, &tasks),
                }
            }
            Outcome::Refused(error) if !error.is_throttle() => {
                let state = if self.stage == Stage::Looking { EndState::Failed } else { EndState::Partly };
                self.cause = Some(Cause::of(&error));
                self.finish(state, Some(error.to_string()));
            }
            other => self.wait_after(now, &other),
        }
    }

    /// Before the start: one active task a queue, whoever's it is.
    fn look(&mut self, tasks: &[MoveTask]) {
        if let Some(active) = tasks.iter().find(|task| !task.status.is_settled()) {
            let of = active.to_move.map(|n| format!(" of ~{}", grouped(n))).unwrap_or_default();
            let since = active.started_at.map(|at| format!(" since {}", at.clock())).unwrap_or_default();
            let problem = format!(
                "a move task is already at work on this queue{since} (~{}{of} moved, {}); nothing was started",
                grouped(active.moved),
                active.status.as_str()
            );
            return self.finish(EndState::Failed, Some(problem));
        }
        self.before = tasks.iter().map(|task| task.started_at).collect();
        self.start();
    }

    fn start(&mut self) {
        self.stage = Stage::Starting;
        self.starts += 1;
        let order = Order::StartMoveTask {
            source: self.plan.from_arn.clone(),
            destination: self.plan.to.clone(),
            max_per_s: self.plan.max_per_s,
        };
        self.outbox.give(order, Purpose::Start);
    }

    fn handle_start(&mut self, now: Timestamp, result: OrderResult) {
        match result {
            Outcome::Done(Answer::TaskStarted(handle)) => {
                self.backoff.succeed();
                self.note(now, format!("{STARTED}{handle}"));
                self.handle = Some(handle);
                self.stage = Stage::Running;
                self.list_at = Some(now.plus_ms(LIST_MS[0]));
            }
            Outcome::Refused(error) if error.is_throttle() => {
                self.stage = Stage::Looking;
                self.wait_after(now, &Outcome::Refused(error));
            }
            // The first start, whose answer was lost, is at work after all.
            Outcome::Refused(error) if self.starts > 1 && error.message.contains("already a task running") => {
                self.stage = Stage::Running;
                self.list_at = Some(now.plus_ms(LIST_MS[0]));
            }
            Outcome::Refused(error) => {
                self.cause = Some(Cause::of(&error));
                self.finish(EndState::Failed, Some(error.to_string()));
            }
            Outcome::Unknown(_) | Outcome::Done(_) => {
                self.stage = Stage::Unsure;
                self.lists = 0;
                self.list_at = Some(now.plus_ms(LIST_MS[0]));
            }
        }
    }

    /// A task that was not there before is ours: there can be only one at a time.
    fn see_whether_it_started(&mut self, now: Timestamp, tasks: &[MoveTask]) {
        if self.find(tasks).is_some() {
            self.note(now, "the start had no answer; a new task shows".to_owned());
            self.stage = Stage::Running;
            return self.follow(now, tasks);
        }
        self.lists += 1;
        if self.lists < UNSURE_LISTS {
            self.list_at = Some(now.plus_ms(LIST_MS[0]));
        } else if self.starts < STARTS_MOST && self.cancel == Cancelling::No && !self.leaving {
            // A second start is harmless: were the first one at work, it would be refused.
            self.start();
        } else {
            self.finish(EndState::Failed, Some("the start had no answer, and no task shows".to_owned()));
        }
    }

    fn note(&mut self, now: Timestamp, text: String) {
        let entry: JournalEntry = self.owner.noted(now, text);
        self.outbox.give(Order::Record(vec![entry]), Purpose::Note);
    }

    fn finish(&mut self, state: EndState, problem: Option<String>) {
        self.end = Some((state, problem));
        self.phase = Phase::Ending;
        self.list_at = None;
    }
}

impl Operation for MoveAll {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        self.now = now;
        if self.end.is_some() {
            return;
        }
        match command {
            Command::Cancel if matches!(self.stage, Stage::Looking) => {
                self.finish(EndState::Cancelled, Some("nothing was started".to_owned()));
            }
            Command::Cancel if self.cancel == Cancelling::No => {
                self.cancel = Cancelling::Wanted;
                self.order_cancel();
            }
            Command::Leave => {
                self.leaving = true;
                let problem = match self.stage {
                    Stage::Looking => "nothing was started",
                    _ => "the move task goes on in AWS",
                };
                self.finish(EndState::Partly, Some(problem.to_owned()));
            }
            _ => return,
        }
        self.told = false;
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.now = now;
        let purpose = self.outbox.settle(id);
        match purpose {
            Some(Purpose::Ended) => {
                if let Some((state, problem)) = &mut self.end {
                    unwritten(&self.owner.operation, &result, (state, problem, &mut self.cause));
                }
                self.phase = Phase::Finished;
            }
            // After the end only what was under way matters: a task started is noted with its handle.
            Some(Purpose::Start) if self.end.is_some() => {
                if let Outcome::Done(Answer::TaskStarted(handle)) = result {
                    self.note(now, format!("{STARTED}{handle}"));
                    self.handle = Some(handle);
                }
            }
            _ if self.end.is_some() => {}
            Some(Purpose::Began) if matches!(result, Outcome::Done(_)) => {
                self.phase = Phase::Running;
                self.list_at = Some(now);
            }
            Some(Purpose::Began) => {
                self.cause = Some(Cause::Journal);
                self.finish(EndState::Failed, Some("the journal could not be written; nothing was started".to_owned()));
            }
            Some(Purpose::List) => self.handle_list(now, result),
            Some(Purpose::Start) => self.handle_start(now, result),
            Some(Purpose::Cancel) => self.handle_cancel(now, result),
            Some(Purpose::Note) | None => {}
        }
        self.told = false;
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.now = now;
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        self.now = now;
        if self.list_at.is_some_and(|at| at <= now) {
            self.list_at = None;
            self.outbox.give(Order::ListMoveTasks { source: self.plan.from_arn.clone() }, Purpose::List);
        }
        if self.phase == Phase::Ending && self.outbox.is_idle() {
            match self.report().map(Report::MoveAll) {
                // A task that goes on in AWS stays open in the journal, where it can be followed again.
                Some(_) if self.leaving && self.stage != Stage::Looking => {
                    let left = self.owner.noted(now, "left; the move task goes on in AWS");
                    self.outbox.give(Order::Record(vec![left]), Purpose::Ended);
                }
                Some(report) => {
                    let ended = self.owner.ended(now, &report);
                    self.outbox.give(Order::Record(vec![ended]), Purpose::Ended);
                }
                None => {}
            }
        }
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.list_at
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        Some(self.progress())
    }

    fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }
}

/// Pauses between lists: ten at each, then the next.
const LIST_MS: [i64; 3] = [1_000, 2_000, 5_000];
/// COMPLETED can come before the final count (aws-facts §3.5).
const COUNTERS_SETTLE_MS: i64 = 3_000;
/// Looks for a task whose start had no answer, before it counts as not started.
const UNSURE_LISTS: u32 = 5;
const STARTS_MOST: u32 = 2;
/// How the note that holds a task's handle begins: a resume finds it there.
const STARTED: &str = "move task started: ";
/// Our clock and SQS's, at most.
const CLOCKS_DIFFER_MS: i64 = 60_000;
const FAILURES_MOST: u32 = 12;

#[cfg(test)]
mod tests;
