//! Following a move task: which one of the list is ours, how far it is, cancelling it, its end.

use crate::model::move_task::{MoveTask, MoveTaskStatus};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::move_all::{COUNTERS_SETTLE_MS, Cancelling, FAILURES_MOST, LIST_MS, MoveAll, Purpose, Stage};
use crate::operation::order::{EndState, Order, OrderResult};
use crate::operation::progress::{Cause, grouped};

impl MoveAll {
    /// Ours: by its handle while it runs, by its start once that is known, else the new one.
    pub(super) fn find<'a>(&self, tasks: &'a [MoveTask]) -> Option<&'a MoveTask> {
        let by_handle = tasks.iter().find(|task| task.handle.is_some() && task.handle == self.handle);
        let known = self.task.as_ref().and_then(|task| task.started_at);
        let by_start = || tasks.iter().find(|task| known.is_some() && task.started_at == known);
        let since =
            |task: &&MoveTask| self.not_before.is_none_or(|least| task.started_at.is_some_and(|at| at >= least));
        let is_new = |task: &&MoveTask| known.is_none() && !self.before.contains(&task.started_at) && since(task);
        let new = || tasks.iter().rev().find(is_new);
        by_handle.or_else(by_start).or_else(new)
    }

    pub(super) fn follow(&mut self, now: Timestamp, tasks: &[MoveTask]) {
        if let Some(task) = self.find(tasks) {
            self.handle = task.handle.clone().or(self.handle.take());
            let status = task.status.clone();
            self.task = Some(task.clone());
            if status.is_settled() && !matches!(self.stage, Stage::Settled { .. }) {
                self.stage = Stage::Settled { at: now };
            }
            self.unseen = 0;
        } else {
            self.unseen += 1;
            if self.unseen >= UNSEEN_LISTS {
                return self.lost_sight();
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

    pub(super) fn order_cancel(&mut self) {
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

    pub(super) fn handle_cancel(&mut self, now: Timestamp, result: OrderResult) {
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

    pub(super) fn wait_after(&mut self, now: Timestamp, result: &OrderResult) {
        self.backoff.fail(now);
        if self.backoff.failures() >= FAILURES_MOST {
            let seen = match result {
                Outcome::Refused(error) => error.to_string(),
                Outcome::Unknown(seen) => seen.clone(),
                Outcome::Done(answer) => format!("answered {answer:?}"),
            };
            self.cause = Some(Cause::Unreachable);
            let (state, whose) = match self.stage {
                Stage::Looking => (EndState::Failed, "nothing was started"),
                _ => (EndState::Partly, "the task may still be at work in AWS"),
            };
            return self.finish(state, Some(format!("no answer {FAILURES_MOST} times ({seen}); {whose}")));
        }
        self.list_at = self.backoff.until(now);
    }

    /// A task that is in no list is not followed for ever.
    fn lost_sight(&mut self) {
        let problem = match &self.task {
            Some(task) => {
                format!("the task shows no longer; ~{} were moved when it was last seen", grouped(task.moved))
            }
            None => "the task was started and never showed: how far it came is not known".to_owned(),
        };
        self.cause = Some(Cause::Unreachable);
        self.finish(EndState::Partly, Some(problem));
    }
}

/// Lists without it before a task counts as gone: some eighty seconds.
const UNSEEN_LISTS: u32 = 30;
