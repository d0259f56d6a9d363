//! A sandbox in simulated time: the runtime's own clock, which a paused runtime moves from timer to
//! timer. The same door, gate and wire as the real one, no thread and no waiting, so that seconds can
//! be measured that are the same every time. It serves no sockets.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::driver::clock::Clock;
use crate::driver::door::InProcess;
use crate::driver::gate::Gate;
use crate::driver::service::{Back, Service};
use crate::driver::traffic::Traffic;
use crate::driver::virtual_time::{START, VirtualTime};
use crate::model::census::Census;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::{Blueprint, BlueprintError};
use crate::pipeline::request::{Request, RequestId, Response};

/// A pipeline that lives where it is asked.
#[derive(Debug)]
pub struct Simulated {
    here: Arc<Here>,
    clock: Clock,
    gate: Gate,
    traffic: Traffic,
    region: String,
}

impl Simulated {
    /// Runs `history_s` at once; from then on time is the runtime's. Within a runtime only.
    ///
    /// # Errors
    /// What in the blueprint does not fit together.
    pub fn start(blueprint: Blueprint, seed: u64, history_s: u32) -> Result<Self, BlueprintError> {
        let region = blueprint.region.clone();
        let gate = Gate::new(&blueprint.account, &region);
        let mut run = VirtualTime::start(blueprint, seed)?;
        run.run_for(i64::from(history_s) * 1000, |_| true);
        let here = Here { run: Mutex::new(run), next_id: AtomicU64::new(1) };
        let clock = Clock::simulated(START.plus_s(i64::from(history_s)));
        Ok(Simulated { here: Arc::new(here), clock, gate, traffic: Traffic::default(), region })
    }

    /// The way in for `aws-sdk-*` clients, as [`Sandbox::client`](super::sandbox::Sandbox::client).
    pub fn client(&self) -> SharedHttpClient {
        let back = Back::Here(Arc::clone(&self.here));
        InProcess::client(Service::new(back, self.clock.clone(), self.gate.clone(), self.traffic.clone()))
    }

    /// Asks the pipeline itself, as what lives in the account does: past door, gate and wire.
    pub fn ask(&self, request: Request) -> Option<Response> {
        self.here.ask(self.clock.account_now(), request)
    }

    /// The count of identities now.
    pub fn census(&self) -> Census {
        let mut run = self.here.lock();
        run.pipeline_mut().handle_timeout(self.clock.account_now());
        run.pipeline().census()
    }

    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }

    pub fn region(&self) -> &str {
        &self.region
    }
}

pub(super) struct Here {
    run: Mutex<VirtualTime>,
    next_id: AtomicU64,
}

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Here")
    }
}

impl Here {
    pub(super) fn next_id(&self) -> RequestId {
        RequestId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// What takes its time (a long poll) is answered at once, from the time it would have taken.
    pub(super) fn ask(&self, now: Timestamp, request: Request) -> Option<Response> {
        let mut run = self.lock();
        run.pipeline_mut().handle_timeout(now);
        run.ask(request)
    }

    fn lock(&self) -> MutexGuard<'_, VirtualTime> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
