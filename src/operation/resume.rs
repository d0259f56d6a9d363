//! Taking up an operation that was cut off, from what the journal knows of it. What is certain is on
//! the card; what each kind of operation does about the rest is its own machine's business.

use crate::model::id::{MessageId, OperationId};
use crate::model::plan::{DropPlan, MoveAllPlan, Plan, RedrivePlan, RestorePlan, RetunePlan};
use crate::model::rerun::RerunPlan;
use crate::model::rescue::RescuePlan;
use crate::model::time::Timestamp;
use crate::operation::card::{self, Card, Facts};
use crate::operation::confirm::{Confirmed, Level, Planned, without_count};
use crate::operation::drop::Drop;
use crate::operation::move_all::MoveAll;
use crate::operation::order::{EndState, JournalEntry, MessageState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::progress::{Kind, Phase, Progress, Report, ScanReport};
use crate::operation::record::Record;
use crate::operation::redrive::{Redrive, as_left};
use crate::operation::rerun::Rerun;
use crate::operation::rescue::Rescue;
use crate::operation::restore::Restore;
use crate::operation::retune::Retune;
use crate::operation::{Command, Operation, Owner};

/// An operation of the journal that has not ended, to be finished.
#[derive(Debug, Clone, PartialEq)]
pub struct ResumePlan {
    pub record: Box<Record>,
}

impl ResumePlan {
    pub fn kind(&self) -> Kind {
        match &self.record.plan {
            Plan::Scan(_) => Kind::Scan,
            Plan::Redrive(_) => Kind::Redrive,
            Plan::MoveAll(_) => Kind::MoveAll,
            Plan::Retune(_) => Kind::Retune,
            Plan::Trial(_) => Kind::Trial,
            Plan::Rescue(_) => Kind::Rescue,
            Plan::Rerun(_) => Kind::Rerun,
            Plan::Drop(_) => Kind::Drop,
            Plan::Restore(_) => Kind::Restore,
            Plan::Note(_) => Kind::Scan,
        }
    }
}

impl ResumePlan {
    /// Messages of a redrive of which nothing is on record that keeps them from being sent.
    fn unsent(&self) -> u64 {
        let Plan::Redrive(plan) = &self.record.plan else { return 0 };
        let open = |id: &&MessageId| matches!(self.record.states.get(*id), None | Some(MessageState::NotSent { .. }));
        plan.ids.iter().filter(open).count() as u64
    }
}

impl Planned for ResumePlan {
    /// It was confirmed before; what is left of it is less.
    fn level(&self, facts: &Facts) -> Level {
        without_count(facts)
    }

    fn card(&self, facts: &Facts) -> Card {
        let mut card = match &self.record.plan {
            Plan::Scan(plan) => plan.card(facts),
            Plan::Redrive(plan) => card::redrive_of(&as_left(plan.clone(), &self.record), facts, self.unsent()),
            Plan::MoveAll(plan) => plan.card(facts),
            Plan::Retune(plan) => plan.card(facts),
            Plan::Trial(plan) => plan.card(facts),
            Plan::Rescue(plan) => plan.card(facts),
            Plan::Rerun(plan) => plan.card(facts),
            Plan::Drop(plan) => plan.card(facts),
            Plan::Restore(plan) => plan.card(facts),
            Plan::Note(_) => card::plain(facts),
        };
        card.title = format!("Resume: {}", self.record.title());
        let mut scope = self.record.certain();
        scope.push(format!("begun {} by {}", self.record.began_at, self.record.who));
        // A redrive's own scope is still what it does with the rest.
        if let Plan::Redrive(_) = &self.record.plan {
            scope.append(&mut card.scope.split_off(1.min(card.scope.len())));
        }
        card.scope = scope;
        card.level = self.level(facts);
        card.button = "Resume".to_owned();
        card
    }

    /// A resume is no plan of its own in the journal.
    fn from_plan(_: Plan) -> Option<Self> {
        None
    }
}

impl Confirmed<ResumePlan> {
    /// The machine that finishes it.
    pub(in crate::operation) fn machine(self, owner: Owner, seed: u64, now: Timestamp) -> Box<dyn Operation> {
        let record = *self.into_plan().record;
        let began = record.began();
        if let Some(plan) = Confirmed::<RedrivePlan>::recorded(&began) {
            Box::new(Redrive::resume(plan, owner, seed, now, &record))
        } else if let Some(plan) = Confirmed::<MoveAllPlan>::recorded(&began) {
            Box::new(MoveAll::resume(plan, owner, seed, now, &record))
        } else if let Some(plan) = Confirmed::<RetunePlan>::recorded(&began) {
            Box::new(Retune::resume(plan, owner, seed, now, record.began_at))
        } else if let Some(plan) = Confirmed::<DropPlan>::recorded(&began) {
            Box::new(Drop::resume(plan, owner, seed, now, &record))
        } else if let Some(plan) = Confirmed::<RestorePlan>::recorded(&began) {
            Box::new(Restore::resume(plan, owner, seed, now, &record))
        } else if let Some(plan) = Confirmed::<RescuePlan>::recorded(&began) {
            Box::new(Rescue::resume(plan, owner, seed, now, &record))
        } else if let Some(plan) = Confirmed::<RerunPlan>::recorded(&began) {
            Box::new(Rerun::resume(plan, owner, seed, now, &record))
        } else {
            let why = record.certain().join("; ");
            Box::new(Closing::new(owner, format!("cut off: {why}"), now))
        }
    }
}

/// Ends an operation of which nothing is left to do: a scan, whose leases have run out; a trial, whose
/// function may have run.
#[derive(Debug)]
struct Closing {
    outbox: Outbox<()>,
    operation: OperationId,
    report: Report,
    finished: bool,
    told: bool,
}

impl Closing {
    fn new(owner: Owner, why: String, now: Timestamp) -> Self {
        let report = Report::Scan(ScanReport {
            operation: owner.operation.clone(),
            state: EndState::Cancelled,
            scanned: 0,
            about: None,
            complete: false,
            at: now,
            requests: 0,
            hidden: 0,
            hidden_until: None,
            problem: Some(why),
            cause: None,
        });
        let mut outbox = Outbox::new();
        let ended: JournalEntry = owner.ended(now, &report);
        outbox.give(Order::Record(vec![ended]), ());
        Closing { outbox, operation: owner.operation, report, finished: false, told: false }
    }
}

impl Operation for Closing {
    fn handle_command(&mut self, _: Timestamp, _: Command) {}

    fn handle_result(&mut self, _: Timestamp, id: OrderId, result: OrderResult) {
        self.report.written(&result);
        self.finished = self.outbox.settle(id).is_some();
        self.told = false;
    }

    fn handle_timeout(&mut self, _: Timestamp) {}

    fn poll_order(&mut self, _: Timestamp) -> Option<(OrderId, Order)> {
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        let phase = if self.finished { Phase::Finished } else { Phase::Ending };
        let report = self.finished.then(|| self.report.clone());
        let operation = self.operation.clone();
        Some(Progress { report, ..Progress::new(operation, Kind::Scan, phase, self.report.line(), 0) })
    }

    fn is_finished(&self) -> bool {
        self.finished
    }
}
