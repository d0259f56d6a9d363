//! Retune: change an event source mapping, or stop or start it, and follow it until Lambda says it is
//! settled. Lambda has no ETag, so what is there is compared with what the plan saw before anything
//! is written; the answer to a write is never believed (aws-facts §1.3), only a read after it.

use crate::model::mapping::{Mapping, MappingState};
use crate::model::plan::{Plan, RetunePlan};
use crate::model::service_error::{Outcome, ServiceError};
use crate::model::time::Timestamp;
use crate::operation::card::change_lines;
use crate::operation::confirm::Confirmed;
use crate::operation::order::{Answer, EndState, JournalEntry, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::pace::Backoff;
use crate::operation::progress::{Cause, Kind, Phase, Progress, Report, RetuneReport};
use crate::operation::setting::validate_change;
use crate::operation::{Command, Operation, Owner};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Purpose {
    Began,
    /// A look at the mapping, before or after the write.
    Look,
    Write,
    Ended,
}

/// What the next look at the mapping is for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Aim {
    /// Nothing was written: compare, then write.
    Compare,
    /// A write was accepted, or may have been.
    Follow { since: Timestamp, certain: bool },
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
    end: Option<(EndState, Option<String>)>,
    cause: Option<Cause>,
    settled_at: Option<Timestamp>,
    told: bool,
}

impl Retune {
    pub fn new(confirmed: Confirmed<RetunePlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let plan = confirmed.into_plan();
        let began = owner.began(now, Plan::Retune(plan.clone()));
        Self::begin(plan, owner, seed, now, began)
    }

    /// Takes up what was cut off: what the mapping says now decides whether there is still to write.
    pub fn resume(confirmed: Confirmed<RetunePlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let resumed = owner.noted(now, format!("resumed by {}", owner.who));
        Self::begin(confirmed.into_plan(), owner, seed, now, resumed)
    }

    fn begin(plan: RetunePlan, owner: Owner, seed: u64, now: Timestamp, first: JournalEntry) -> Self {
        let what = change_lines(&plan.before, plan.enabled_before, &plan.change).join(", ");
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
            end: None,
            cause: None,
            settled_at: None,
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
                match self.aim {
                    Aim::Compare => self.compare(now, &mapping),
                    Aim::Follow { since, certain } => self.follow(now, &mapping, since, certain),
                }
            }
            Outcome::Refused(error) if error.is_missing() => {
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

    /// Before the write: is this still the mapping the plan was made for?
    fn compare(&mut self, now: Timestamp, mapping: &Mapping) {
        if !mapping.state.is_settled() {
            if now.ms_since(self.started_at) > BUSY_MOST_MS {
                let problem = format!("the mapping stays {}; nothing was written", mapping.state);
                return self.finish(EndState::Failed, Some(problem));
            }
            self.look_at = Some(now.plus_ms(BUSY_PAUSE_MS));
            return;
        }
        let enabled = mapping.state == MappingState::Enabled;
        if mapping.settings != self.plan.before || enabled != self.plan.enabled_before {
            if self.is_applied(mapping) {
                self.settled_at = Some(now);
                return self.finish(EndState::Done, None);
            }
            let problem = format!("somebody changed it meanwhile ({}); nothing was written", self.difference(mapping));
            return self.finish(EndState::Failed, Some(problem));
        }
        if let Some(fault) = validate_change(mapping, &self.plan.change).into_iter().next() {
            return self.finish(EndState::Failed, Some(fault.message));
        }
        if self.is_applied(mapping) {
            self.settled_at = Some(now);
            return self.finish(EndState::Done, None);
        }
        self.writes += 1;
        let order = Order::UpdateMapping { mapping: self.plan.mapping.clone(), change: self.plan.change.clone() };
        self.outbox.give(order, Purpose::Write);
    }

    fn handle_write(&mut self, now: Timestamp, result: OrderResult) {
        match result {
            Outcome::Done(_) => {
                self.aim = Aim::Follow { since: now, certain: true };
                self.looks = 0;
                self.look_at = Some(now.plus_ms(LOOK_MS[0]));
            }
            // Somebody's change, or our own, is under way: look until it is settled, compare again.
            Outcome::Refused(error) if error.code.contains("ResourceInUse") || error.is_throttle() => {
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
        if mapping.state.is_settled() && applied {
            self.settled_at = Some(now);
            return self.finish(EndState::Done, None);
        }
        if !mapping.state.is_settled() {
            // It moves: the write was taken, whatever its answer was.
            self.aim = Aim::Follow { since, certain: true };
        } else if waited_ms > GRACE_MS {
            let untouched = mapping.settings == self.plan.before
                && (mapping.state == MappingState::Enabled) == self.plan.enabled_before;
            if untouched && !certain && self.writes < WRITES_MOST {
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

    fn is_applied(&self, mapping: &Mapping) -> bool {
        let enabled = self.plan.change.enabled.unwrap_or(self.plan.enabled_before);
        self.plan.change.applied_to(&mapping.settings) == mapping.settings
            && (mapping.state == MappingState::Enabled) == enabled
    }

    /// How the mapping differs from what the plan saw.
    fn difference(&self, mapping: &Mapping) -> String {
        let now = &mapping.settings;
        let change = crate::model::mapping::MappingChange {
            batch_size: now.batch_size,
            window_s: now.window_s,
            parallelization_factor: now.parallelization_factor,
            max_concurrency: Some(now.max_concurrency),
            enabled: Some(mapping.state == MappingState::Enabled),
        };
        let lines = change_lines(&self.plan.before, self.plan.enabled_before, &change);
        if lines.is_empty() { "settings this program does not tune".to_owned() } else { lines.join(", ") }
    }

    fn refused(&mut self, error: &ServiceError) {
        self.cause = Some(Cause::of(error));
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

    fn report(&self) -> Option<RetuneReport> {
        let (state, problem) = self.end.clone()?;
        Some(RetuneReport {
            operation: self.owner.operation.clone(),
            state,
            settled_at: self.settled_at,
            mapping: self.seen.clone(),
            what: self.what.clone(),
            cause: self.cause.or(problem.as_ref().map(|_| Cause::Refused)),
            problem,
        })
    }

    fn line(&self) -> String {
        if let Some(report) = self.report() {
            return report.line();
        }
        match (self.aim, &self.seen) {
            (Aim::Follow { .. }, Some(mapping)) => format!("{}: {}", self.what, mapping.state),
            (Aim::Compare, Some(mapping)) if !mapping.state.is_settled() => {
                format!("{}: waits, the mapping is {}", self.what, mapping.state)
            }
            _ => self.what.clone(),
        }
    }
}

impl Operation for Retune {
    /// A written change cannot be taken back by leaving: it is put back by an undo of its own.
    fn handle_command(&mut self, _: Timestamp, command: Command) {
        if !matches!(command, Command::Cancel | Command::Leave) || self.end.is_some() {
            return;
        }
        let written = self.outbox.open().any(|purpose| *purpose == Purpose::Write) || self.aim != Aim::Compare;
        let problem = if written { "sent, not followed to its end" } else { "cancelled; nothing was written" };
        self.finish(EndState::Cancelled, Some(problem.to_owned()));
        self.told = false;
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.now = now;
        match self.outbox.settle(id) {
            Some(Purpose::Began) => self.handle_began(now, &result),
            Some(Purpose::Look) => self.handle_look(now, result),
            Some(Purpose::Write) if self.end.is_none() => self.handle_write(now, result),
            Some(Purpose::Ended) => self.phase = Phase::Finished,
            Some(Purpose::Write) | None => {}
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
        let report = self.report().map(Report::Retune).filter(|_| self.phase == Phase::Finished);
        Some(Progress {
            operation: self.owner.operation.clone(),
            kind: Kind::Retune,
            phase: self.phase,
            line: self.line(),
            done: u64::from(self.settled_at.is_some()),
            failed: u64::from(matches!(self.end, Some((EndState::Failed, _)))),
            left: None,
            rate_per_s: None,
            eta_ms: None,
            held: 0,
            held_until: None,
            found: Vec::new(),
            report,
        })
    }

    fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }
}

fn said(result: &OrderResult) -> String {
    match result {
        Outcome::Refused(error) => error.to_string(),
        Outcome::Unknown(seen) => seen.clone(),
        Outcome::Done(answer) => format!("answered {answer:?}"),
    }
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
mod tests {
    use super::*;
    use crate::model::mapping::{MappingChange, MappingSettings};
    use crate::operation::soak::play::{Played, play, refused};
    use crate::operation::soak::{START, confirm, owner};

    /// Lambda as far as one mapping goes: a change takes five seconds, and shows only at its end.
    struct Lambda {
        mapping: Mapping,
        pending: Option<(Timestamp, Mapping)>,
        writes: u32,
    }

    impl Lambda {
        fn new(parallel: u32) -> Self {
            let settings = MappingSettings {
                batch_size: Some(100),
                parallelization_factor: Some(parallel),
                ..MappingSettings::default()
            };
            let mapping = Mapping {
                id: "u-1".into(),
                source: "arn:aws:dynamodb:r:1:table/t/stream/x".into(),
                function: "f".into(),
                function_arn: "arn:aws:lambda:r:1:function:f".into(),
                state: MappingState::Enabled,
                state_reason: None,
                settings,
                last_processing_result: None,
                last_modified: None,
            };
            Lambda { mapping, pending: None, writes: 0 }
        }

        fn answer(&mut self, now: Timestamp, order: &Order) -> OrderResult {
            if let Some((_, after)) = self.pending.take_if(|(at, _)| *at <= now) {
                self.mapping = after;
            }
            Outcome::Done(match order {
                Order::Record(_) => Answer::Recorded,
                Order::GetMapping(_) => Answer::Mapping(Box::new(self.mapping.clone())),
                Order::UpdateMapping { .. } if self.pending.is_some() => {
                    return refused("ResourceInUseException", "in use");
                }
                Order::UpdateMapping { change, .. } => {
                    self.writes += 1;
                    let mut after = self.mapping.clone();
                    after.settings = change.applied_to(&after.settings);
                    if let Some(enabled) = change.enabled {
                        after.state = if enabled { MappingState::Enabled } else { MappingState::Disabled };
                    }
                    self.pending = Some((now.plus_s(5), after));
                    self.mapping.state = MappingState::Updating;
                    // The echo shows the new settings already: not to be believed.
                    let mut echo = self.mapping.clone();
                    echo.settings = change.applied_to(&echo.settings);
                    Answer::Mapping(Box::new(echo))
                }
                other => panic!("a retune does not order {other:?}"),
            })
        }
    }

    fn parallel(to: u32) -> RetunePlan {
        RetunePlan {
            mapping: "u-1".into(),
            before: Lambda::new(1).mapping.settings,
            enabled_before: true,
            change: MappingChange { parallelization_factor: Some(to), ..MappingChange::default() },
            reason: None,
        }
    }

    fn run(plan: RetunePlan, answer: impl FnMut(Timestamp, &Order) -> OrderResult) -> (RetuneReport, Played) {
        let played = play(&mut Retune::new(confirm(plan), owner(), 7, START), START, Vec::new(), answer);
        match played.report.clone() {
            Report::Retune(report) => (report, played),
            other => panic!("a retune ends with its report, not {other:?}"),
        }
    }

    #[test]
    fn a_change_is_followed_until_a_read_shows_it_settled() {
        let mut lambda = Lambda::new(1);
        let (report, played) = run(parallel(5), |now, order| lambda.answer(now, order));
        assert_eq!((report.state, lambda.writes), (EndState::Done, 1));
        assert!(report.settled_at.is_some_and(|at| at.ms_since(START) >= 5_000), "not by the echo: {report:?}");
        assert!(played.told.iter().any(|told| told.line == "parallel 1→5: Updating"), "{:?}", played.told);
    }

    #[test]
    fn what_somebody_changed_meanwhile_is_not_written_over() {
        let mut lambda = Lambda::new(2);
        let (report, _) = run(parallel(5), |now, order| lambda.answer(now, order));
        assert_eq!((report.state, lambda.writes), (EndState::Failed, 0));
        assert_eq!(
            report.problem.as_deref(),
            Some("somebody changed it meanwhile (parallel 1→2); nothing was written")
        );
    }

    #[test]
    fn a_mapping_in_use_is_waited_for_and_then_compared_again() {
        let mut lambda = Lambda::new(1);
        // A colleague's change is under way when ours is written.
        let mut after = lambda.mapping.clone();
        after.settings.batch_size = Some(500);
        lambda.pending = Some((START.plus_s(8), after));
        let (report, _) = run(parallel(5), |now, order| lambda.answer(now, order));
        assert_eq!((report.state, lambda.writes), (EndState::Failed, 0));
        assert!(report.problem.is_some_and(|why| why.contains("batch 100→500")));
    }

    #[test]
    fn a_write_without_an_answer_is_looked_after() {
        for (taken, writes) in [(true, 1), (false, 2)] {
            let mut lambda = Lambda::new(1);
            let mut lost = false;
            let (report, _) = run(parallel(5), |now, order| {
                let write = matches!(order, Order::UpdateMapping { .. });
                if write && !std::mem::replace(&mut lost, true) {
                    if taken {
                        lambda.answer(now, order);
                    } else {
                        lambda.writes += 1;
                    }
                    return Outcome::Unknown("cut".to_owned());
                }
                lambda.answer(now, order)
            });
            assert_eq!((report.state, lambda.writes), (EndState::Done, writes), "taken: {taken}");
        }
    }

    #[test]
    fn throttles_are_waited_out_and_a_refusal_is_told() {
        let mut lambda = Lambda::new(1);
        let mut calls = 0;
        let (report, _) = run(parallel(5), |now, order| {
            calls += 1;
            match order {
                Order::GetMapping(_) if calls % 3 != 0 => refused("TooManyRequestsException", "rate"),
                _ => lambda.answer(now, order),
            }
        });
        assert_eq!(report.state, EndState::Done);
        let mut lambda = Lambda::new(1);
        let (report, _) = run(parallel(5), |now, order| match order {
            Order::UpdateMapping { .. } => refused("AccessDeniedException", "no"),
            _ => lambda.answer(now, order),
        });
        assert_eq!(report.problem.as_deref(), Some("test: AccessDeniedException: no"));
        let (report, _) = run(parallel(11), |now, order| lambda.answer(now, order));
        assert_eq!((report.state, lambda.writes), (EndState::Failed, 0), "a fault is found before the call");
    }

    #[test]
    fn stopping_settles_at_disabled() {
        let mut lambda = Lambda::new(1);
        let change = MappingChange { enabled: Some(false), ..MappingChange::default() };
        let (report, _) = run(RetunePlan { change, ..parallel(1) }, |now, order| lambda.answer(now, order));
        assert_eq!((report.state, report.what.as_str()), (EndState::Done, "started→stopped"));
        assert_eq!(report.mapping.map(|mapping| mapping.state), Some(MappingState::Disabled));
    }

    #[test]
    fn nothing_is_written_that_is_not_on_record() {
        let mut lambda = Lambda::new(1);
        let (report, _) = run(parallel(5), |now, order| match order {
            Order::Record(_) => refused("Full", "disk full"),
            _ => lambda.answer(now, order),
        });
        assert_eq!((report.state, lambda.writes), (EndState::Failed, 0));
    }
}
