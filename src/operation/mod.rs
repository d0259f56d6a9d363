//! What an operator does, each a sans-IO machine: commands and results in, orders and progress out.
//! A machine never performs an order, reads a clock or draws chance it was not seeded with; whoever
//! drives it (`runner`, or a test in virtual time) decides nothing.

pub mod advice;
pub mod card;
pub mod confirm;
mod course;
mod deletes;
#[cfg(test)]
mod desk;
mod doubts;
pub mod drop;
pub mod move_all;
mod notes;
pub mod order;
mod outbox;
mod pace;
pub mod progress;
pub mod record;
pub mod redrive;
pub mod rerun;
pub mod rescue;
pub mod reserve;
pub mod restore;
pub mod resume;
#[cfg(test)]
mod resume_stories;
pub mod retune;
mod returns;
pub mod scan;
pub mod setting;
#[cfg(test)]
mod soak;
mod sweep;
pub mod trial;
mod unstarted;
pub mod waiting;

use std::collections::BTreeMap;

use crate::model::id::{MessageId, OperationId};
use crate::model::message::Message;
use crate::model::plan::{DropPlan, MoveAllPlan, Plan, RedrivePlan, RestorePlan, RetunePlan, ScanPlan};
use crate::model::rerun::RerunPlan;
use crate::model::rescue::RescuePlan;
use crate::model::time::Timestamp;
use crate::model::trial::TrialPlan;
use crate::operation::confirm::Confirmed;
use crate::operation::drop::Drop;
use crate::operation::move_all::MoveAll;
use crate::operation::order::{JournalEntry, MessageState, Order, OrderId, OrderResult, Pace};
use crate::operation::progress::{Kind, Progress, Report};
use crate::operation::redrive::Redrive;
use crate::operation::rerun::Rerun;
use crate::operation::rescue::Rescue;
use crate::operation::restore::Restore;
use crate::operation::resume::ResumePlan;
use crate::operation::retune::Retune;
use crate::operation::scan::Scan;
use crate::operation::trial::Trial;
use crate::operation::unstarted::Unstarted;

/// What a person, or a program that ends, can tell a machine at work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Command {
    /// Finish what is under way, give the rest back, and wait.
    Pause,
    Resume,
    /// Finish what is under way, give the rest back, and end.
    Cancel,
    /// The process ends: as `Cancel`, but the operation stays open in the journal where it can be
    /// taken up again.
    Leave,
    /// Messages a second from now on; `None` is unlimited. Machines without a rate ignore it.
    Rate(Option<f64>),
}

/// A confirmed plan of any kind: what the console orders and the runner starts.
#[derive(Debug, PartialEq)]
pub enum Undertaking {
    Scan(Confirmed<ScanPlan>),
    Redrive(Confirmed<RedrivePlan>),
    /// With the bodies that are sent instead of their own.
    Edited(Box<Confirmed<RedrivePlan>>, BTreeMap<MessageId, String>),
    MoveAll(Confirmed<MoveAllPlan>),
    Retune(Confirmed<RetunePlan>),
    Trial(Confirmed<TrialPlan>),
    /// With the body that is run instead of its own.
    TryEdited(Box<Confirmed<TrialPlan>>, String),
    Rescue(Confirmed<RescuePlan>),
    Rerun(Confirmed<RerunPlan>),
    Drop(Confirmed<DropPlan>),
    /// With the copies themselves.
    Restore(Confirmed<RestorePlan>, Vec<Message>),
    /// Of any kind, where it was cut off.
    Resume(Confirmed<ResumePlan>),
}

impl Undertaking {
    pub fn kind(&self) -> Kind {
        match self {
            Undertaking::Scan(_) => Kind::Scan,
            Undertaking::Redrive(_) | Undertaking::Edited(..) => Kind::Redrive,
            Undertaking::MoveAll(_) => Kind::MoveAll,
            Undertaking::Retune(_) => Kind::Retune,
            Undertaking::Trial(_) | Undertaking::TryEdited(..) => Kind::Trial,
            Undertaking::Rescue(_) => Kind::Rescue,
            Undertaking::Rerun(_) => Kind::Rerun,
            Undertaking::Drop(_) => Kind::Drop,
            Undertaking::Restore(..) => Kind::Restore,
            Undertaking::Resume(confirmed) => confirmed.plan().kind(),
        }
    }

    /// The machine that carries it out, beginning when it is first told the time.
    pub fn machine(self, owner: Owner, seed: u64) -> Box<dyn Operation> {
        Box::new(Unstarted::Waiting(Box::new((self, owner, seed))))
    }

    /// The machine that carries it out, beginning now. `seed` is all the chance it has: the jitter of its back-offs.
    pub fn begin(self, owner: Owner, seed: u64, now: Timestamp) -> Box<dyn Operation> {
        match self {
            Undertaking::Scan(confirmed) => Box::new(Scan::new(confirmed, owner, seed, now)),
            Undertaking::Redrive(confirmed) => Box::new(Redrive::new(confirmed, owner, seed, now)),
            Undertaking::Edited(confirmed, bodies) => Box::new(Redrive::edited(*confirmed, bodies, owner, seed, now)),
            Undertaking::MoveAll(confirmed) => Box::new(MoveAll::new(confirmed, owner, seed, now)),
            Undertaking::Retune(confirmed) => Box::new(Retune::new(confirmed, owner, seed, now)),
            Undertaking::Trial(confirmed) => Box::new(Trial::new(confirmed, owner, seed, now)),
            Undertaking::TryEdited(confirmed, body) => Box::new(Trial::edited(*confirmed, body, owner, seed, now)),
            Undertaking::Rescue(confirmed) => Box::new(Rescue::new(confirmed, owner, seed, now)),
            Undertaking::Rerun(confirmed) => Box::new(Rerun::new(confirmed, owner, seed, now)),
            Undertaking::Drop(confirmed) => Box::new(Drop::new(confirmed, owner, seed, now)),
            Undertaking::Restore(confirmed, messages) => Box::new(Restore::new(confirmed, messages, owner, seed, now)),
            Undertaking::Resume(confirmed) => confirmed.machine(owner, seed, now),
        }
    }
}

/// Who runs an operation, and where: kept in its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub operation: OperationId,
    /// The caller's ARN, or what is known of them.
    pub who: String,
    pub account: String,
    pub region: String,
}

impl Owner {
    fn began(&self, at: Timestamp, plan: Plan) -> JournalEntry {
        JournalEntry::Began {
            operation: self.operation.clone(),
            at,
            plan: Box::new(plan),
            who: self.who.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
        }
    }

    fn resumed(&self, at: Timestamp) -> JournalEntry {
        self.noted(at, format!("resumed by {}", self.who))
    }

    fn message(&self, at: Timestamp, id: MessageId, state: MessageState) -> JournalEntry {
        JournalEntry::Message { operation: self.operation.clone(), at, id, state }
    }

    fn noted(&self, at: Timestamp, text: impl Into<String>) -> JournalEntry {
        JournalEntry::Noted { operation: self.operation.clone(), at, text: text.into(), pace: None }
    }

    fn paced(&self, at: Timestamp, pace: Pace, text: String) -> JournalEntry {
        JournalEntry::Noted { operation: self.operation.clone(), at, text, pace: Some(pace) }
    }

    fn ended(&self, at: Timestamp, report: &Report) -> JournalEntry {
        JournalEntry::Ended { operation: self.operation.clone(), at, state: report.state(), summary: report.line() }
    }
}

/// One operation at work. `now` is the account's time and never goes backwards.
///
/// After any `handle_*`, drain `poll_order` and `poll_progress`, then sleep until `poll_timeout` or
/// the next result. An order may be held back by whoever performs it, never reordered within
/// [`Order::Record`].
pub trait Operation: Send {
    fn handle_command(&mut self, now: Timestamp, command: Command);
    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult);
    /// Called when `poll_timeout` has been reached; harmless when called early.
    fn handle_timeout(&mut self, now: Timestamp);
    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)>;
    fn poll_timeout(&self) -> Option<Timestamp>;
    /// What is new since the last call; the last one carries the report.
    fn poll_progress(&mut self) -> Option<Progress>;
    /// Nothing is held, nothing outstanding, nothing more will be ordered.
    fn is_finished(&self) -> bool;
}
