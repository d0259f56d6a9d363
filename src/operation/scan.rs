//! Scan: a budgeted sweep into a local snapshot. Everything is given back at its end and on every
//! way out; looking counts as receiving, so a queue that dead-letters by itself is refused.

use crate::model::message::Message;
use crate::model::plan::{Plan, ScanPlan};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::confirm::Confirmed;
use crate::operation::order::{Answer, EndState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::progress::{Cause, Kind, Phase, Progress, Report, ScanReport, grouped};
use crate::operation::sweep::{Budget, End, Sweep, SweepOrder, Want};
use crate::operation::{Command, Operation, Owner};

#[derive(Debug)]
enum Purpose {
    Began,
    About,
    Sweep(SweepOrder),
    Ended,
}

#[derive(Debug)]
pub struct Scan {
    owner: Owner,
    plan: ScanPlan,
    sweep: Sweep,
    outbox: Outbox<Purpose>,
    phase: Phase,
    started_at: Timestamp,
    now: Timestamp,
    about: Option<u64>,
    scanned: u64,
    found: Vec<Message>,
    /// The moment the last message was copied.
    at: Timestamp,
    cancelled: bool,
    problem: Option<String>,
    report: Option<Report>,
    told: bool,
}

/// Why this queue is not to be scanned at all: looking is receiving, and a message received once too
/// often is moved by the look itself (aws-facts §3.2–3.3).
pub fn refusal(plan: &ScanPlan) -> Option<String> {
    plan.own_max_receive_count.map(|max| {
        format!(
            "{} has a redrive policy of its own (maxReceiveCount {max}): looking counts as receiving and could \
             dead-letter what it looks at; scan its dead-letter queue instead",
            plan.queue.name()
        )
    })
}

impl Scan {
    pub fn new(confirmed: Confirmed<ScanPlan>, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let plan = confirmed.into_plan();
        let lease_s = plan.lease_s.clamp(LEASE_MIN_S, crate::operation::sweep::LEASE_MAX_S);
        let time_ms = i64::from(plan.max_s().clamp(1, crate::operation::sweep::LEASE_MAX_S * 3 / 4)) * 1000;
        let budget = Budget { lanes: LANES, lease_s, time_ms };
        let want = Want::All {
            most: plan.max_messages as usize,
            most_bytes: usize::try_from(plan.max_bytes).unwrap_or(usize::MAX),
            most_receives: plan.max_requests(),
        };
        let mut scan = Scan {
            sweep: Sweep::new(plan.queue.clone(), want, budget, seed),
            outbox: Outbox::new(),
            phase: Phase::Running,
            started_at: now,
            now,
            about: None,
            scanned: 0,
            found: Vec::new(),
            at: now,
            cancelled: false,
            problem: refusal(&plan),
            report: None,
            told: false,
            owner,
            plan,
        };
        let began = scan.owner.began(now, Plan::Scan(scan.plan.clone()));
        scan.outbox.give(Order::Record(vec![began]), Purpose::Began);
        if scan.problem.is_some() {
            scan.sweep.stop();
        } else {
            scan.outbox.give(Order::QueueCounts { queue: scan.plan.queue.clone() }, Purpose::About);
        }
        scan
    }

    fn report(&self) -> ScanReport {
        let (hidden, hidden_until) = self.sweep.hidden(self.now);
        let lost_until = self.sweep.lost_until();
        let end = self.sweep.end();
        let (refused, cause) = match end {
            Some(End::Refused(cause, why)) => (Some(why.clone()), Some(*cause)),
            _ => (None, self.problem.as_ref().map(|_| Cause::Refused)),
        };
        let problem = self.problem.clone().or(refused.clone()).or(self.sweep.left_hidden(self.now));
        let state = match (self.cancelled, self.problem.is_some() || refused.is_some()) {
            (true, _) => EndState::Cancelled,
            (false, true) if self.scanned > 0 => EndState::Partly,
            (false, true) => EndState::Failed,
            (false, false) => EndState::Done,
        };
        ScanReport {
            operation: self.owner.operation.clone(),
            state,
            scanned: self.scanned,
            about: self.about,
            complete: matches!(end, Some(End::Empty { hidden: false })),
            at: self.at,
            requests: self.sweep.receives(),
            hidden,
            hidden_until: hidden_until.max(lost_until),
            problem,
            cause,
        }
    }

    /// Once all is given back: the last line of the journal.
    fn settle(&mut self, now: Timestamp) {
        self.now = now;
        if self.sweep.end().is_some() && self.phase == Phase::Running {
            self.phase = Phase::Ending;
            self.told = false;
        }
        if self.phase == Phase::Ending && self.sweep.is_idle() && self.report.is_none() && self.outbox.is_idle() {
            let report = Report::Scan(self.report());
            let ended = self.owner.ended(now, &report);
            self.report = Some(report);
            self.outbox.give(Order::Record(vec![ended]), Purpose::Ended);
        }
    }

    fn line(&self) -> String {
        match (&self.report, self.about) {
            (Some(report), _) => report.line(),
            (None, Some(about)) if about > self.scanned => {
                format!("{} of ~{} scanned", grouped(self.scanned), grouped(about))
            }
            (None, _) => format!("{} scanned", grouped(self.scanned)),
        }
    }
}

impl Operation for Scan {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        if matches!(command, Command::Cancel | Command::Leave) && self.sweep.end().is_none() {
            self.cancelled = true;
            self.phase = Phase::Ending;
            self.sweep.stop();
        }
        self.settle(now);
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        match self.outbox.settle(id) {
            Some(Purpose::Sweep(order)) => {
                let found = self.sweep.handle(now, order, result);
                if !found.is_empty() {
                    self.scanned += found.len() as u64;
                    self.at = now;
                    self.found.extend(found.into_iter().map(|found| found.message));
                    self.told = false;
                }
            }
            Some(Purpose::About) => {
                if let Outcome::Done(Answer::Counts(counts)) = result {
                    self.about = Some(counts.total());
                    self.told = false;
                }
            }
            // Reading is not worth stopping for a journal that cannot be written, but worth saying.
            Some(Purpose::Began) if !matches!(result, Outcome::Done(_)) => {
                self.problem.get_or_insert("the journal could not be written".to_owned());
            }
            Some(Purpose::Ended) => {
                self.report.iter_mut().for_each(|report| report.written(&result));
                self.phase = Phase::Finished;
                self.told = false;
            }
            Some(Purpose::Began) | None => {}
        }
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.settle(now);
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        if let Some((order, purpose)) = self.sweep.poll(now, usize::MAX, 0) {
            self.outbox.give(order, Purpose::Sweep(purpose));
        }
        self.settle(now);
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.sweep.timeout(self.now)
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        let elapsed_ms = self.at.ms_since(self.started_at);
        Some(Progress {
            operation: self.owner.operation.clone(),
            kind: Kind::Scan,
            phase: self.phase,
            line: self.line(),
            done: self.scanned,
            failed: 0,
            left: self.about.map(|about| about.min(self.plan.max_messages.into()).saturating_sub(self.scanned)),
            unsure: 0,
            rate_per_s: (elapsed_ms > 0).then(|| self.scanned as f64 * 1000.0 / elapsed_ms as f64),
            limit: None,
            eta_ms: None,
            rung: None,
            held: self.sweep.held() as u64,
            held_until: self.sweep.held_until(),
            found: std::mem::take(&mut self.found),
            report: self.report.clone().filter(|_| self.phase == Phase::Finished),
        })
    }

    fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }
}

/// Receives at once: 40 messages a round trip, well under any quota.
const LANES: usize = 4;
const LEASE_MIN_S: u32 = 10;
