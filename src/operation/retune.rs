//! Retune: change an event source mapping, or stop or start it, and follow it until Lambda says it is
//! settled. Lambda has no ETag, so what is there is compared with what the plan saw before anything
//! is written; the answer to a write is never believed (aws-facts §1.3), only a read after it.

mod hold;
mod reserve;
mod telling;

use crate::model::mapping::Mapping;
use crate::model::plan::{Plan, RetunePlan};
use crate::model::service_error::{Outcome, ServiceError};
use crate::model::time::Timestamp;
use crate::operation::card::plan_lines;
use crate::operation::confirm::Confirmed;
use crate::operation::order::{Answer, EndState, JournalEntry, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::pace::Backoff;
use crate::operation::progress::{Cause, Phase, Progress, Report, unwritten};
use crate::operation::retune::telling::said;
use crate::operation::setting::validate_change;
use crate::operation::{Command, Operation, Owner};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Purpose {
    Began,
    /// A look at the mapping, before or after the write.
    Look,
    /// The same at the function's reserve, where the plan changes it.
    LookReserve,
    Write,
    WriteReserve,
    /// A line on the way; nothing waits for it.
    Noted,
    Ended,
}

/// What the next look at the mapping is for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Aim {
    /// Nothing was written: compare, then write.
    Compare,
    /// A write was accepted, or may have been.
    Follow { since: Timestamp, certain: bool },
    /// It is settled, and put back when its time has come.
    Hold,
}

#[derive(Debug)]
pub struct Retune {
    owner: Owner,
    plan: RetunePlan,
    what: String,
    outbox: Outbox<Purpose>,
    phase: Phase,
    aim: Aim,
    started_at: Timestamp,
    now: Timestamp,
    /// When to look next; `None` while an order is out.
    look_at: Option<Timestamp>,
    looks: u32,
    writes: u32,
    backoff: Backoff,
    seen: Option<Mapping>,
    /// The function's reserve as last seen; `None` inside is none of its own.
    reserve: Option<Option<u32>>,
    end: Option<(EndState, Option<String>)>,
    cause: Option<Cause>,
    settled_at: Option<Timestamp>,
    /// When it is put back.
    revert_at: Option<Timestamp>,
    /// The plan is the way back.
    returning: bool,
    told: bool,
}

impl Retune {
    pub fn new(confirmed: Confirmed<RetunePlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let plan = confirmed.into_plan();
        let began = owner.began(now, Plan::Retune(plan.clone()));
        let revert_at = plan.revert_at(now);
        Retune { revert_at, ..Self::begin(plan, owner, seed, now, began) }
    }

    /// Takes up what was cut off: what the mapping says now decides whether there is still to write.
    /// One that was to be put back is, when its time is over: whoever resumes it was asked that.
    pub fn resume(
        confirmed: Confirmed<RetunePlan>,
        owner: Owner,
        seed: u64,
        now: Timestamp,
        began_at: Timestamp,
    ) -> Self {
        let resumed = owner.resumed(now);
        let plan = confirmed.into_plan();
        let revert_at = plan.revert_at(began_at);
        Retune { revert_at, ..Self::begin(plan, owner, seed, now, resumed) }
    }

    fn begin(plan: RetunePlan, owner: Owner, seed: u64, now: Timestamp, first: JournalEntry) -> Self {
        let what = plan_lines(&plan).join(", ");
        let mut outbox = Outbox::new();
        outbox.give(Order::Record(vec![first]), Purpose::Began);
        Retune {
            what: if what.is_empty() { "no change".to_owned() } else { what },
            outbox,
            phase: Phase::Starting,
            aim: Aim::Compare,
            started_at: now,
            now,
            look_at: None,
            looks: 0,
            writes: 0,
            backoff: Backoff::new(seed, "retune"),
            seen: None,
            reserve: None,
            end: None,
            cause: None,
            settled_at: None,
            revert_at: None,
            returning: false,
            told: false,
            owner,
            plan,
        }
    }

    /// The first row is durable, or not: without it nothing is written.
    fn handle_began(&mut self, now: Timestamp, result: &OrderResult) {
        if self.end.is_some() {
            return;
        }
        if matches!(result, Outcome::Done(Answer::Recorded)) {
            self.phase = Phase::Running;
            self.look_at = Some(now);
        } else {
            self.cause = Some(Cause::Journal);
            self.finish(
                EndState::Failed,
                Some(format!("the journal could not be written; nothing was changed: {}", said(result))),
            );
        }
    }

    fn handle_look(&mut self, now: Timestamp, result: OrderResult) {
        if self.end.is_some() {
            return;
        }
        match result {
            Outcome::Done(Answer::Mapping(mapping)) => {
                self.backoff.succeed();
                self.seen = Some((*mapping).clone());
                match &self.plan.reserve {
                    Some(change) => {
                        let order = Order::GetReserve(change.function.clone());
                        self.outbox.give(order, Purpose::LookReserve);
                    }
                    None => self.looked(now, &mapping),
                }
            }
            Outcome::Done(Answer::Reserve(reserve)) => {
                self.backoff.succeed();
                self.reserve = Some(reserve);
                if let Some(mapping) = self.seen.clone() {
                    self.looked(now, &mapping);
                }
            }
            Outcome::Refused(error) if error.is_missing() && !error.action.ends_with("GetFunctionConcurrency") => {
                self.finish(EndState::Failed, Some("the mapping does not exist any more".to_owned()));
            }
            Outcome::Refused(error) if !error.is_throttle() => self.refused(&error),
            other => {
                self.backoff.fail(now);
                if self.backoff.failures() >= FAILURES_MOST {
                    self.stuck(&said(&other));
                } else {
                    self.look_at = self.backoff.until(now);
                }
            }
        }
    }

    /// Everything that the plan is about was seen.
    fn looked(&mut self, now: Timestamp, mapping: &Mapping) {
        match self.aim {
            Aim::Compare => self.compare(now, mapping),
            Aim::Follow { since, certain } => self.follow(now, mapping, since, certain),
            Aim::Hold => self.turn_back(now, mapping),
        }
    }

    /// Before the write: is this still the mapping the plan was made for?
    fn compare(&mut self, now: Timestamp, mapping: &Mapping) {
        if self.is_about_mapping() && !mapping.state.is_settled() {
            if now.ms_since(self.started_at) > BUSY_MOST_MS {
                return self.unwritten(&format!("the mapping stays {}", mapping.state));
            }
            self.look_at = Some(now.plus_ms(BUSY_PAUSE_MS));
            return;
        }
        if !self.is_expected(mapping) {
            if self.is_applied(mapping) {
                return self.settle(now);
            }
            return self.unwritten(&format!("somebody changed it meanwhile ({})", self.difference(mapping)));
        }
        if let Some(fault) = validate_change(mapping, &self.plan.change).into_iter().next() {
            return self.finish(EndState::Failed, Some(fault.message));
        }
        if self.is_applied(mapping) {
            return self.settle(now);
        }
        if self.is_over(now) {
            self.what.push_str(", which is not in force any more");
            return self.finish(EndState::Done, None);
        }
        self.writes += 1;
        self.write(mapping);
    }

    fn handle_write(&mut self, now: Timestamp, result: OrderResult) {
        match result {
            Outcome::Done(_) => {
                self.aim = Aim::Follow { since: now, certain: true };
                self.looks = 0;
                self.look_at = Some(now.plus_ms(LOOK_MS[0]));
            }
            // Somebody's change, or our own, is under way: look until it is settled, compare again.
            Outcome::Refused(error) if is_busy(&error) => {
                if now.ms_since(self.started_at) > BUSY_MOST_MS {
                    return self.refused(&error);
                }
                self.backoff.fail(now);
                self.look_at = self.backoff.until(now).max(Some(now.plus_ms(BUSY_PAUSE_MS)));
            }
            Outcome::Refused(error) => self.refused(&error),
            Outcome::Unknown(_) => {
                self.aim = Aim::Follow { since: now, certain: false };
                self.looks = 0;
                self.look_at = Some(now.plus_ms(LOOK_MS[0]));
            }
        }
    }

    /// After the write: settled with the new settings, on the way there, or not taken.
    fn follow(&mut self, now: Timestamp, mapping: &Mapping, since: Timestamp, certain: bool) {
        let waited_ms = now.ms_since(since);
        let applied = self.is_applied(mapping);
        let settled = mapping.state.is_settled() || !self.is_about_mapping();
        if settled && applied {
            return self.settle(now);
        }
        if !settled {
            // It moves: the write was taken, whatever its answer was.
            self.aim = Aim::Follow { since, certain: true };
        } else if waited_ms > GRACE_MS {
            if self.is_expected(mapping) && !certain && self.writes < WRITES_MOST {
                // The write whose end was unknown was not taken: the same values may be written again.
                self.aim = Aim::Compare;
                self.look_at = Some(now);
                return;
            }
            let problem = format!("it settled with other settings ({})", self.difference(mapping));
            return self.finish(EndState::Failed, Some(problem));
        }
        if waited_ms > SETTLE_MOST_MS {
            let problem = format!("still {} after {} min; look again later", mapping.state, SETTLE_MOST_MS / 60_000);
            return self.finish(EndState::Partly, Some(problem));
        }
        let pause_ms = LOOK_MS[(self.looks as usize).min(LOOK_MS.len() - 1)];
        self.looks += 1;
        self.look_at = Some(now.plus_ms(pause_ms));
    }

    fn refused(&mut self, error: &ServiceError) {
        self.cause = Some(Cause::of(error));
        if self.plan.reserve.is_some() && self.writes > 0 {
            return self.unwritten(&error.to_string());
        }
        self.finish(EndState::Failed, Some(error.to_string()));
    }

    fn stuck(&mut self, seen: &str) {
        let state = if self.aim == Aim::Compare { EndState::Failed } else { EndState::Partly };
        self.cause = Some(Cause::Unreachable);
        self.finish(state, Some(format!("no answer {FAILURES_MOST} times: {seen}")));
    }

    fn finish(&mut self, state: EndState, problem: Option<String>) {
        self.end = Some((state, problem));
        self.phase = Phase::Ending;
        self.look_at = None;
    }
}

impl Operation for Retune {
    /// A written change cannot be taken back by leaving: it is put back by an undo of its own.
    fn handle_command(&mut self, _: Timestamp, command: Command) {
        if !matches!(command, Command::Cancel | Command::Leave) || self.end.is_some() {
            return;
        }
        if self.aim == Aim::Hold {
            self.let_stand(command == Command::Leave);
            self.told = false;
            return;
        }
        let is_write = |purpose: &Purpose| matches!(purpose, Purpose::Write | Purpose::WriteReserve);
        let written = self.outbox.open().any(is_write) || self.aim != Aim::Compare;
        let problem = if written { "sent, not followed to its end" } else { "cancelled; nothing was written" };
        self.finish(EndState::Cancelled, Some(problem.to_owned()));
        self.told = false;
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.now = now;
        match self.outbox.settle(id) {
            Some(Purpose::Began) => self.handle_began(now, &result),
            Some(Purpose::Look | Purpose::LookReserve) => self.handle_look(now, result),
            Some(Purpose::Write) if self.end.is_none() => self.handle_write(now, result),
            Some(Purpose::WriteReserve) if self.end.is_none() => self.handle_reserve(now, result),
            Some(Purpose::Ended) => {
                if let Some((state, problem)) = &mut self.end {
                    unwritten(&self.owner.operation, &result, (state, problem, &mut self.cause));
                }
                self.phase = Phase::Finished;
            }
            Some(Purpose::Write | Purpose::WriteReserve | Purpose::Noted) | None => {}
        }
        self.told = false;
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.now = now;
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        self.now = now;
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = None;
            self.outbox.give(Order::GetMapping(self.plan.mapping.clone()), Purpose::Look);
        }
        if self.phase == Phase::Ending
            && self.outbox.is_idle()
            && let Some(report) = self.report()
        {
            let ended = self.owner.ended(now, &Report::Retune(report));
            self.outbox.give(Order::Record(vec![ended]), Purpose::Ended);
        }
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.look_at
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

/// Somebody's change, or our own, is under way, or too many ask at once.
fn is_busy(error: &ServiceError) -> bool {
    let codes = ["ResourceInUse", "ResourceConflict"];
    error.is_throttle() || codes.iter().any(|code| error.code.contains(code))
}

/// Pauses between looks after a write: soon first, then sparing the control plane, whose 15 requests
/// a second the whole account shares (aws-facts §1.4).
const LOOK_MS: [i64; 6] = [1_000, 1_000, 2_000, 2_000, 3_000, 5_000];
/// Between looks while a change is under way that is not ours.
const BUSY_PAUSE_MS: i64 = 3_000;
/// How long such a change is waited for: "several minutes" (aws-facts §1.3).
const BUSY_MOST_MS: i64 = 10 * 60_000;
/// How long our own change is followed.
const SETTLE_MOST_MS: i64 = 15 * 60_000;
/// A read right after the write may still show the old settings, settled.
const GRACE_MS: i64 = 15_000;
/// Writes of the same values, when the end of one was unknown and it was seen not to be taken.
const WRITES_MOST: u32 = 3;
const FAILURES_MOST: u32 = 12;

#[cfg(test)]
mod tests;
