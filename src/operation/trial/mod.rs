//! Try one: one dead letter is leased, its function is invoked with it and waited for, and only when
//! that came through is the message deleted. Whatever else happens it stays where it is; an answer that
//! never came says "may have run". With another body than it died with, both bodies are in the journal
//! before the function runs.

pub(in crate::operation) mod answer;
pub mod card;
mod edited;
pub mod event;
mod removal;
mod said;
pub mod telling;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::model::id::MessageId;
use crate::model::message::Message;
use crate::model::plan::Plan;
use crate::model::service_error::Outcome;
use crate::model::time::{Timestamp, spoken};
use crate::model::trial::{Invoked, LONGEST_RUN_S, TrialPlan, Verdict};
use crate::operation::confirm::Confirmed;
use crate::operation::course::{Course, Step};
use crate::operation::order::{Answer, MessageState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::progress::{Cause, Progress, Report};
use crate::operation::redrive::edit::Edits;
use crate::operation::returns::{Found, Releasing, Returns};
use crate::operation::sweep::{Budget, End, LEASE_MAX_S, Sweep, SweepOrder, Want};
use crate::operation::trial::said::{cause, said};
use crate::operation::{Command, Operation, Owner};

#[derive(Debug)]
enum Purpose {
    Course(Step),
    Sweep(SweepOrder),
    Extend { asked_at: Timestamp },
    Noted,
    Invoke,
    Delete,
    Release(Releasing),
}

impl From<Step> for Purpose {
    fn from(step: Step) -> Self {
        Purpose::Course(step)
    }
}

/// How far it is; each step is taken only when the one before is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Looking,
    /// Found; the lease is made longer than the function may run.
    Leasing,
    /// The journal is told before the function is.
    Noting,
    Invoking,
    Deleting,
    /// Deleted when its lease was over: looked for once more.
    Checking,
    /// Giving back what is held.
    Closing,
}

#[derive(Debug)]
pub struct Trial {
    course: Course,
    plan: TrialPlan,
    edits: Edits,
    sweep: Sweep,
    returns: Returns,
    outbox: Outbox<Purpose>,
    stage: Stage,
    now: Timestamp,
    found: Option<Found>,
    invoked_at: Option<Timestamp>,
    took_ms: Option<i64>,
    invoked: Option<Invoked>,
    verdict: Option<Verdict>,
    deleted: bool,
    deletes: u32,
    /// One of them had no answer: it may have been done.
    unheard: bool,
    /// Deleted when its lease was over, and somebody may have received it since, so that the delete did nothing; or
    /// nobody knows whether it was deleted.
    doubtful: bool,
    /// For one that is doubtful.
    looks: u32,
}

impl Trial {
    pub fn new(confirmed: Confirmed<TrialPlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        Self::start(confirmed.into_plan(), BTreeMap::new(), owner, seed, now)
    }

    fn start(plan: TrialPlan, bodies: BTreeMap<MessageId, String>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let edits = Edits::new(plan.edit.as_deref(), bodies);
        let wanted = Want::Ids([plan.id.clone()].into_iter().collect());
        let budget = Budget { lanes: LANES, lease_s: SWEEP_LEASE_S, time_ms: LOOK_MS };
        let mut first = vec![owner.began(now, Plan::Trial(plan.clone()))];
        first.extend(edits.entries(&owner, now));
        let lost = edits.is_lost(&plan.id);
        let (course, outbox) = Course::open(owner, first);
        let mut trial = Trial {
            edits,
            sweep: Sweep::new(plan.from.clone(), wanted, budget, seed),
            returns: Returns::new(plan.from.clone(), 1, seed),
            outbox,
            stage: Stage::Looking,
            now,
            found: None,
            invoked_at: None,
            took_ms: None,
            invoked: None,
            verdict: None,
            deleted: false,
            deletes: 0,
            unheard: false,
            doubtful: false,
            looks: 0,
            course,
            plan,
        };
        if lost {
            trial.conclude(Verdict::NotRun("its new body is not what was confirmed".to_owned()));
        }
        trial
    }

    /// Seconds the message must stay hidden: the whole run, and what comes before and after it.
    fn lease_s(&self) -> u32 {
        (self.plan.timeout_s.unwrap_or(LONGEST_RUN_S) + MARGIN_S).min(VISIBILITY_MAX_S)
    }

    fn step(&mut self, now: Timestamp) {
        self.now = now;
        if self.stage == Stage::Looking && self.course.is_running() {
            self.look(now);
        }
        if self.stage == Stage::Checking {
            self.check();
        }
        if self.stage == Stage::Closing {
            self.close(now);
        }
    }

    fn look(&mut self, now: Timestamp) {
        if let Some(found) = &self.found {
            self.sweep.stop();
            self.stage = Stage::Leasing;
            let order = Order::Extend {
                queue: self.plan.from.clone(),
                entries: vec![found.held().lease],
                visibility_s: self.lease_s(),
            };
            self.outbox.give(order, Purpose::Extend { asked_at: now });
            self.course.tell();
        } else if let Some(end) = self.sweep.end() {
            let why = match end {
                End::Refused(cause, why) => {
                    self.course.blame(Some(*cause));
                    why.clone()
                }
                End::Stopped => "cancelled".to_owned(),
                End::Empty { hidden: true } => {
                    format!("it was not found: {}", self.sweep.blocked_by())
                }
                End::Empty { hidden: false } | End::Found => "it is not in the queue any more".to_owned(),
                End::Budget => format!("it was not found within {}", spoken(LOOK_MS)),
            };
            self.conclude(Verdict::NotRun(why));
        }
    }

    /// The verdict stands; what is held goes back, unless the message may be deleted first.
    fn conclude(&mut self, verdict: Verdict) {
        let succeeded = verdict == Verdict::Succeeded;
        self.verdict = Some(verdict);
        self.course.tell();
        if succeeded {
            self.stage = Stage::Deleting;
            self.delete();
        } else {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        self.stage = Stage::Closing;
        self.course.end();
        self.sweep.stop();
        if let Some(found) = self.found.take() {
            self.returns.add(found.held());
        }
    }

    /// The next receive, and what is to be given back.
    fn ask(&mut self, now: Timestamp) {
        if !self.course.is_open() {
            return;
        }
        let looking = matches!(self.stage, Stage::Looking | Stage::Checking);
        let room = usize::from(self.found.is_none() && looking);
        let held = usize::from(self.found.is_some());
        if let Some((order, purpose)) = self.sweep.poll(now, room, held) {
            self.outbox.give(order, Purpose::Sweep(purpose));
        }
        if let Some((order, releasing)) = self.returns.poll(now) {
            self.outbox.give(order, Purpose::Release(releasing));
        }
    }

    /// Once nothing is held: the last lines of the journal.
    fn close(&mut self, now: Timestamp) {
        let idle = self.sweep.is_idle() && self.returns.is_idle();
        if !idle || !self.course.may_close(&self.outbox) || self.looks_again() {
            return;
        }
        let report = self.report();
        let id = self.plan.id.clone();
        let state = match (&report.verdict, report.deleted) {
            (Verdict::Succeeded, true) => MessageState::DELETED,
            (Verdict::Succeeded, false) if report.doubtful => MessageState::PossibleDuplicate {
                why: "done by its function, and perhaps still in the queue".to_owned(),
            },
            (Verdict::Succeeded, false) => {
                MessageState::Duplicate { why: "done by its function, and still in the queue".to_owned() }
            }
            (Verdict::Failed(why), _) => MessageState::Failed { why: why.clone() },
            (Verdict::MayHaveRun(why), _) => MessageState::PossibleDuplicate { why: why.clone() },
            (Verdict::NotRun(why), _) => MessageState::Skipped { why: why.clone() },
        };
        self.course.note(now, &id, state);
        self.course.close(now, Report::Trial(report), &mut self.outbox);
    }

    fn extended(&mut self, now: Timestamp, asked_at: Timestamp, result: &OrderResult) {
        let done = matches!(result, Outcome::Done(Answer::Entries(entries)) if matches!(entries.as_slice(), [Ok(())]));
        let lease_s = self.lease_s();
        if let Some(found) = &mut self.found {
            found.extended(now, asked_at, lease_s, result);
        }
        if !done {
            self.course.blame(cause(result));
            let why = format!("its lease could not be made long enough for {}: {}", self.plan.function, said(result));
            return self.conclude(Verdict::NotRun(why));
        }
        self.stage = Stage::Noting;
        let text = format!("invoking {} with message {}", self.plan.function, self.plan.id);
        let mut lines = vec![self.course.owner.noted(now, text)];
        lines.extend(self.original(now));
        self.outbox.give(Order::Record(lines), Purpose::Noted);
    }

    fn noted(&mut self, now: Timestamp, result: &OrderResult) {
        if self.stage != Stage::Noting {
            return;
        }
        let Some(found) = &self.found else { return };
        if !matches!(result, Outcome::Done(_)) {
            self.course.blame(Some(Cause::Journal));
            let why = format!("the journal could not be written, so nothing was run: {}", said(result));
            return self.conclude(Verdict::NotRun(why));
        }
        let edited =
            self.edits.of(&self.plan.id).map(|body| Message { body: body.to_owned(), ..found.message.clone() });
        let message = edited.as_ref().unwrap_or(&found.message);
        let payload = event::event(message, &self.plan.source, &self.plan.region).to_string();
        let timeout_s = self.plan.timeout_s.unwrap_or(LONGEST_RUN_S);
        let order = Order::Invoke { function: self.plan.function.clone(), payload, timeout_s };
        self.stage = Stage::Invoking;
        self.invoked_at = Some(now);
        self.course.tell();
        self.outbox.give(order, Purpose::Invoke);
    }

    fn invoked(&mut self, now: Timestamp, result: OrderResult) {
        if self.stage != Stage::Invoking {
            return;
        }
        self.took_ms = self.invoked_at.map(|at| now.ms_since(at));
        let verdict = match result {
            Outcome::Done(Answer::Invoked(invoked)) => {
                let verdict = answer::verdict(&invoked, self.plan.id.as_str());
                self.invoked = Some(*invoked);
                verdict
            }
            Outcome::Done(other) => Verdict::MayHaveRun(format!("an invocation was answered {other:?}")),
            Outcome::Refused(error) => {
                self.course.blame(Some(Cause::of(&error)));
                Verdict::NotRun(error.to_string())
            }
            Outcome::Unknown(seen) => Verdict::MayHaveRun(seen),
        };
        self.conclude(verdict);
    }
}

impl Operation for Trial {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        match (command, self.stage) {
            (Command::Cancel | Command::Leave, Stage::Looking | Stage::Leasing | Stage::Noting) => {
                self.conclude(Verdict::NotRun(CANCELLED.to_owned()));
            }
            // An invocation cannot be called back: whoever cancels is told how it ends, whoever leaves
            // does not wait for it.
            (Command::Leave, Stage::Invoking) => {
                self.outbox.forget(|purpose| matches!(purpose, Purpose::Invoke));
                self.conclude(Verdict::MayHaveRun("left before the function answered".to_owned()));
            }
            (Command::Cancel | Command::Leave, Stage::Checking) => self.look_no_more(),
            _ => {}
        }
        self.step(now);
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.course.heard(id, &result);
        match self.outbox.settle(id) {
            Some(Purpose::Course(step)) if self.course.handle(step, &result) => {}
            Some(Purpose::Course(_)) => {
                self.course.blame(Some(Cause::Journal));
                let why = format!("the journal could not be written, so nothing was run: {}", said(&result));
                self.conclude(Verdict::NotRun(why));
            }
            Some(Purpose::Sweep(order)) => {
                self.sweep.handle(now, order, result).into_iter().for_each(|found| self.take(found));
            }
            Some(Purpose::Extend { asked_at }) if self.stage == Stage::Leasing => {
                self.extended(now, asked_at, &result);
            }
            Some(Purpose::Noted) => self.noted(now, &result),
            Some(Purpose::Invoke) => self.invoked(now, result),
            Some(Purpose::Delete) => self.removed(now, &result),
            Some(Purpose::Release(releasing)) => self.returns.handle(now, releasing, result),
            Some(Purpose::Extend { .. }) | None => {}
        }
        self.step(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.step(now);
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        self.ask(now);
        self.step(now);
        // The step may have begun another look.
        if self.stage == Stage::Checking {
            self.ask(now);
        }
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

const CANCELLED: &str = "cancelled";
/// Receives at once while it looks.
const LANES: usize = 4;
/// Seconds others are hidden at most while it looks.
const SWEEP_LEASE_S: u32 = LEASE_MAX_S / 2;
/// Milliseconds it looks without finding anything.
const LOOK_MS: i64 = 25_000;
/// Seconds of lease beyond the function's time-out.
const MARGIN_S: u32 = 60;
/// `VisibilityTimeout` at most (aws-facts §3.1).
const VISIBILITY_MAX_S: u32 = 43_200;
