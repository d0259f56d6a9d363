//! The sandbox as one thing: start it, get the SDK's door, its clock and its bench, stop it. What
//! the console and the commands use; it knows no SDK client and draws nothing.

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::watch;

use crate::driver::clock::Clock;
use crate::model::bench::{Bench, BenchCommand};

/// The endpoint to give to SDK clients that use [`Sandbox::client`]. Nothing listens there: the
/// in-process door takes whatever is sent, whatever the host.
pub const ENDPOINT: &str = "http://sandbox.invalid";

#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// A built-in scenario's name, or the path of a scenario file.
    pub scenario: String,
    /// `None`: the scenario's own.
    pub seed: Option<u64>,
    /// Sandbox seconds per real second, 1–600.
    pub speed: f64,
    /// Virtual time to run before the real now, in seconds.
    pub history_s: u32,
}

/// Three hours: what the charts of the console show.
pub const DEFAULT_HISTORY_S: u32 = 3 * 3600;

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("sandbox: cannot read scenario {name}: {why}")]
    Scenario { name: String, why: String },
    #[error("sandbox: cannot start its thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A running embedded pipeline. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    clock: Clock,
    client: SharedHttpClient,
    bench: watch::Receiver<Bench>,
    region: String,
}

impl Sandbox {
    /// Starts the pipeline of `options.scenario` on a thread of its own and returns at once; its
    /// history is run there while `bench().preparing` is true, and requests wait for its end.
    pub fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        Err(SandboxError::Scenario { name: options.scenario, why: "the pipeline has not landed yet".to_owned() })
    }

    /// The way in for `aws-sdk-*` clients: the real serializers, no socket. Configure them with
    /// [`ENDPOINT`], [`Sandbox::region`], any credentials, and no time-outs (this door needs none
    /// and the SDK's would count real, not sandbox, time).
    pub fn client(&self) -> SharedHttpClient {
        self.client.clone()
    }

    /// Sandbox time as account time.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The bench as of now, and a wake-up when it changes.
    pub fn bench(&self) -> watch::Receiver<Bench> {
        self.bench.clone()
    }

    /// Asks for a change of load, fault or speed; the next bench shows it.
    pub fn command(&self, command: BenchCommand) {
        let _ = command;
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// Stops the pipeline; requests still waiting are answered as cut off.
    pub async fn stop(self) {}
}
