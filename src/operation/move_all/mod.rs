//! Move everything in a dead-letter queue by a message move task of SQS's (aws-facts §3.5), and follow
//! it. The task runs in AWS: leaving does not end it, cancelling takes effect some seconds later, and
//! its counters are approximate and late.

mod telling;

use crate::model::id::TaskHandle;
use crate::model::move_task::{MoveTask, MoveTaskStatus};
use crate::model::plan::{MoveAllPlan, Plan};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::confirm::Confirmed;
use crate::operation::order::{Answer, EndState, JournalEntry, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::pace::Backoff;
use crate::operation::progress::{Phase, Progress, Report, grouped};
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
    handle: Option<TaskHandle>,
    task: Option<MoveTask>,
    cancel: Cancelling,
    leaving: bool,
    end: Option<(EndState, Option<String>)>,
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
        let mut outbox = Outbox::new();
        outbox.give(Order::Record(vec![owner.began(now, Plan::MoveAll(plan.clone()))]), Purpose::Began);
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
            handle: None,
            task: None,
            cancel: Cancelling::No,
            leaving: false,
            end: None,
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
                self.note(now, format!("move task started: {handle}"));
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
            Outcome::Refused(error) => self.finish(EndState::Failed, Some(error.to_string())),
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

    /// Ours: by its handle while it runs, by its start once that is known, else the new one.
    fn find<'a>(&self, tasks: &'a [MoveTask]) -> Option<&'a MoveTask> {
        let by_handle = tasks.iter().find(|task| task.handle.is_some() && task.handle == self.handle);
        let known = self.task.as_ref().and_then(|task| task.started_at);
        let by_start = || tasks.iter().find(|task| known.is_some() && task.started_at == known);
        let new = || tasks.iter().rev().find(|task| known.is_none() && !self.before.contains(&task.started_at));
        by_handle.or_else(by_start).or_else(new)
    }

    fn follow(&mut self, now: Timestamp, tasks: &[MoveTask]) {
        if let Some(task) = self.find(tasks) {
            self.handle = task.handle.clone().or(self.handle.take());
            let status = task.status.clone();
            self.task = Some(task.clone());
            if status.is_settled() && !matches!(self.stage, Stage::Settled { .. }) {
                self.stage = Stage::Settled { at: now };
            }
        }
        self.lists += 1;
        if let Stage::Settled { at } = self.stage {
            let whole = self.task.as_ref().is_some_and(|task| Some(task.moved) == task.to_move);
            if whole || now.ms_since(at) >= COUNTERS_SETTLE_MS {
                return self.settled();
            }
        }
        let pause_ms = LIST_MS[(self.lists as usize / 10).min(LIST_MS.len() - 1)];
        self.list_at = Some(now.plus_ms(pause_ms));
        self.order_cancel();
    }

    fn settled(&mut self) {
        let (state, problem) = match self.task.as_ref().map(|task| (&task.status, &task.failure)) {
            Some((MoveTaskStatus::Completed, _)) => (EndState::Done, None),
            Some((MoveTaskStatus::Cancelled, _)) => (EndState::Cancelled, None),
            Some((_, failure)) => {
                let moved = self.task.as_ref().is_some_and(|task| task.moved > 0);
                let why = failure.clone().unwrap_or_else(|| "no reason given".to_owned());
                (if moved { EndState::Partly } else { EndState::Failed }, Some(format!("the task failed: {why}")))
            }
            None => (EndState::Failed, Some("the task was never seen".to_owned())),
        };
        self.finish(state, problem);
    }

    fn order_cancel(&mut self) {
        let running = matches!(&self.task, Some(task) if task.status == MoveTaskStatus::Running) || self.task.is_none();
        if self.cancel == Cancelling::Wanted
            && running
            && self.stage == Stage::Running
            && let Some(handle) = self.handle.clone()
        {
            self.cancel = Cancelling::Ordered;
            self.outbox.give(Order::CancelMoveTask { handle }, Purpose::Cancel);
        }
    }

    fn handle_cancel(&mut self, now: Timestamp, result: OrderResult) {
        match result {
            Outcome::Done(_) => self.cancel = Cancelling::Taken,
            // Not running any more, or unknown by now: the next list tells.
            Outcome::Refused(error) if !error.is_throttle() => self.cancel = Cancelling::Taken,
            other => {
                self.cancel = Cancelling::Wanted;
                self.wait_after(now, &other);
            }
        }
    }

    fn wait_after(&mut self, now: Timestamp, result: &OrderResult) {
        self.backoff.fail(now);
        if self.backoff.failures() >= FAILURES_MOST {
            let seen = match result {
                Outcome::Refused(error) => error.to_string(),
                Outcome::Unknown(seen) => seen.clone(),
                Outcome::Done(answer) => format!("answered {answer:?}"),
            };
            let (state, whose) = match self.stage {
                Stage::Looking => (EndState::Failed, "nothing was started"),
                _ => (EndState::Partly, "the task may still be at work in AWS"),
            };
            return self.finish(state, Some(format!("no answer {FAILURES_MOST} times ({seen}); {whose}")));
        }
        self.list_at = self.backoff.until(now);
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
            Some(Purpose::Ended) => self.phase = Phase::Finished,
            // After the end only what was under way matters: a task started is noted with its handle.
            Some(Purpose::Start) if self.end.is_some() => {
                if let Outcome::Done(Answer::TaskStarted(handle)) = result {
                    self.note(now, format!("move task started: {handle}"));
                    self.handle = Some(handle);
                }
            }
            _ if self.end.is_some() => {}
            Some(Purpose::Began) if matches!(result, Outcome::Done(_)) => {
                self.phase = Phase::Running;
                self.list_at = Some(now);
            }
            Some(Purpose::Began) => {
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
const FAILURES_MOST: u32 = 12;

#[cfg(test)]
mod tests;
