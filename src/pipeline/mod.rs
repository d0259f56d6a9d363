//! The embedded copy: AWS's semantics as one sans-IO machine that runs the handlers of `automation`.
//! It never asks what time it is and never waits: inputs are `handle_*`, outputs `poll_*`
//! (the shape of quinn-proto's `Connection`).

pub mod blueprint;
mod bucket;
pub mod distribution;
pub mod external;
pub mod fault;
mod history;
mod index;
mod intern;
mod ledger;
pub mod log;
pub mod meter;
pub mod move_task;
pub mod notice;
pub mod queue;
pub mod queues;
mod record;
pub mod request;
pub mod rng;
pub mod standard;
pub mod stream;
pub mod summary;
mod table;
mod throttle;
mod timer;

use crate::model::bench::Switch;
use crate::model::census::Census;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::{Blueprint, BlueprintError};
use crate::pipeline::external::{Invocation, Outcome};
use crate::pipeline::notice::Notice;
use crate::pipeline::request::{InvocationId, Request, RequestId, Response};
use crate::pipeline::summary::Summary;

/// The pipeline as one machine. Everything it does follows from its blueprint, its seed and the
/// order and times of what is handed to it.
///
/// `now` never goes backwards: an earlier `now` is taken for the latest one seen. Every input first
/// runs all timers up to its `now`; what is due at the same moment runs in the order it was set.
pub struct Pipeline {
    blueprint: Blueprint,
    now: Timestamp,
    start: Timestamp,
}

impl Pipeline {
    /// A pipeline that has just been deployed: everything empty, mappings enabled as they say.
    ///
    /// # Errors
    /// What in the blueprint does not fit together.
    pub fn new(blueprint: Blueprint, seed: u64, start: Timestamp) -> Result<Self, BlueprintError> {
        blueprint.check()?;
        let _ = seed;
        Ok(Pipeline { blueprint, now: start, start })
    }

    /// The latest moment it has been told.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Takes a request. Its answer comes out of [`Pipeline::poll_response`], at once or later.
    pub fn handle_request(&mut self, now: Timestamp, id: RequestId, request: Request) {
        let _ = (id, request);
        self.handle_timeout(now);
    }

    /// The caller is gone: no answer is wanted any more. What the request did stays done.
    pub fn handle_cancel(&mut self, now: Timestamp, id: RequestId) {
        let _ = id;
        self.handle_timeout(now);
    }

    /// Runs every timer up to `now`, in order.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// An external run came back.
    pub fn handle_outcome(&mut self, now: Timestamp, id: InvocationId, outcome: Outcome) {
        let _ = (id, outcome);
        self.handle_timeout(now);
    }

    /// When [`Pipeline::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }

    pub fn poll_response(&mut self) -> Option<(RequestId, Response)> {
        None
    }

    pub fn poll_invocation(&mut self) -> Option<Invocation> {
        None
    }

    /// The oldest notice not yet taken; none unless [`Pipeline::watch`] is on.
    pub fn poll_event(&mut self) -> Option<Notice> {
        None
    }

    /// Whether notices are kept for [`Pipeline::poll_event`].
    pub fn watch(&mut self, on: bool) {
        let _ = on;
    }

    /// Switches a fault or a change of load; an unknown name is `false` and changes nothing.
    pub fn set_switch(&mut self, now: Timestamp, name: &str, on: bool) -> bool {
        self.handle_timeout(now);
        let _ = on;
        self.blueprint.switches.iter().any(|switch| switch.name == name)
    }

    pub fn switches(&self) -> Vec<Switch> {
        let switch = |s: &blueprint::SwitchBlueprint| Switch { name: s.name.clone(), what: s.what.clone(), on: s.on };
        self.blueprint.switches.iter().map(switch).collect()
    }

    /// Counts the identities in every container, afresh (design, day one, 7).
    pub fn census(&self) -> Census {
        Census::default()
    }

    pub fn summary(&self) -> Summary {
        Summary {
            from: self.start,
            to: self.now,
            requests: 0,
            jobs_started: 0,
            jobs_finished: 0,
            jobs_dead: 0,
            jobs_redriven: 0,
            events: 0,
            records_indexed: 0,
            iterator_age_max_ms: None,
            census: self.census(),
            history: self.history_hash(),
        }
    }

    /// A digest of everything that has happened, in order: the golden test's.
    pub fn history_hash(&self) -> String {
        String::new()
    }
}
