//! The sandbox as one thing: start it, get the SDK's door, its clock and its bench, stop it. What
//! the console and the commands use; it knows no SDK client and draws nothing.

use std::net::SocketAddr;
use std::sync::mpsc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::watch;

use crate::driver::clock::{Clock, wall_now};
use crate::driver::door::InProcess;
use crate::driver::gate::Gate;
use crate::driver::inlet::{Ask, Inlet, Stopped};
use crate::driver::listen::{ListenError, Listener};
use crate::driver::real_time::{RealTime, clamp_speed};
use crate::driver::service::{Back, Service};
use crate::driver::traffic::Traffic;
use crate::model::bench::{Bench, BenchCommand};
use crate::model::census::Census;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::{Blueprint, BlueprintError};
use crate::pipeline::summary::Summary;

/// The endpoint to give to SDK clients that use [`Sandbox::client`]. Nothing listens there: the
/// in-process door takes whatever is sent, whatever the host.
pub const ENDPOINT: &str = "http://sandbox.invalid";
/// Three hours: what the charts of the console show.
pub const DEFAULT_HISTORY_S: u32 = 3 * 3600;

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The scenario's name, for the screen.
    pub scenario: String,
    pub blueprint: Blueprint,
    pub seed: u64,
    /// Sandbox seconds per real second, 1–600.
    pub speed: f64,
    /// Virtual time to run before the real now, in seconds.
    pub history_s: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("sandbox: scenario {scenario}: {source}")]
    Blueprint { scenario: String, source: BlueprintError },
    #[error("sandbox: cannot start its thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A running embedded pipeline. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    clock: Clock,
    inlet: Inlet,
    bench: watch::Receiver<Bench>,
    gate: Gate,
    traffic: Traffic,
    region: String,
    account: String,
}

impl Sandbox {
    /// Starts the pipeline on a thread of its own and returns at once; its history, which ends at the
    /// real now, is run there while `bench().preparing` is true, and requests wait for its end.
    pub fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        Self::behind(options, Traffic::default())
    }

    /// The same with the way to it arranged before anybody calls.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub fn behind(options: SandboxOptions, traffic: Traffic) -> Result<Self, SandboxError> {
        let SandboxOptions { scenario, blueprint, seed, speed, history_s } = options;
        let (region, account) = (blueprint.region.clone(), blueprint.account.clone());
        let now = wall_now();
        let pipeline = Pipeline::new(blueprint, seed, now.plus_s(-i64::from(history_s)))
            .map_err(|source| SandboxError::Blueprint { scenario: scenario.clone(), source })?;
        // Until the history is done time passes as it does outside.
        let clock = Clock::sandbox(now, 1.0);
        let (bench, bench_seen) = watch::channel(Bench {
            scenario,
            seed,
            speed: 1.0,
            speed_wanted: clamp_speed(speed),
            switches: pipeline.switches(),
            preparing: true,
            now: pipeline.now(),
            census: Census::default(),
        });
        let (asks, inbox) = mpsc::channel();
        let real_time = RealTime::new(pipeline, clock.clone(), inbox, bench);
        std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || real_time.run(now))?;
        let gate = Gate::new(&account, &region);
        Ok(Sandbox { clock, inlet: Inlet::new(asks), bench: bench_seen, gate, traffic, region, account })
    }

    /// The way in for `aws-sdk-*` clients: the real serializers, no socket. Configure them with
    /// [`ENDPOINT`], [`Sandbox::region`], any credentials, and no time-outs (this door needs none
    /// and the SDK's would count real, not sandbox, time).
    pub fn client(&self) -> SharedHttpClient {
        InProcess::client(self.service())
    }

    /// Sandbox time as account time.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// What stands before this pipeline: permissions, credentials, the services' clock.
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// The bench as of now, and a wake-up when it changes.
    pub fn bench(&self) -> watch::Receiver<Bench> {
        self.bench.clone()
    }

    /// Asks for a change of load, fault or speed; the next bench shows it. A sandbox that has stopped
    /// takes no notice.
    pub fn command(&self, command: BenchCommand) {
        let _ = self.inlet.tell(Ask::Bench(command));
    }

    /// How far away and how strict it is, and what came in.
    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    /// Waits until the history has been run.
    pub async fn ready(&self) -> Result<(), Stopped> {
        self.bench().wait_for(|bench| !bench.preparing).await.map(|_| ()).map_err(|_| Stopped)
    }

    /// Lets `ms` milliseconds of sandbox time pass at once.
    pub async fn advance(&self, ms: i64) -> Result<(), Stopped> {
        self.inlet.ask(|done| Ask::Advance(ms, done)).await
    }

    /// What the run has come to so far.
    pub async fn summary(&self) -> Result<Summary, Stopped> {
        self.inlet.ask(Ask::Summary).await
    }

    /// Serves the same wire over HTTP on a loopback address; port 0 takes a free one. Must be called
    /// within a tokio runtime.
    pub async fn listen(&self, address: SocketAddr) -> Result<Listener, ListenError> {
        Listener::bind(address, self.service()).await
    }

    /// Stops the pipeline; requests still waiting are answered as cut off.
    pub async fn stop(self) {
        let _ = self.inlet.ask(Ask::Stop).await;
    }

    fn service(&self) -> Service {
        Service::new(Back::Thread(self.inlet.clone()), self.clock.clone(), self.gate.clone(), self.traffic.clone())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let (done, _) = tokio::sync::oneshot::channel();
        // After `stop` the thread is gone already.
        let _ = self.inlet.tell(Ask::Stop(done));
    }
}
