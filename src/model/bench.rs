//! What the sandbox offers beyond an account: load, faults and speed to play with. The console sees
//! it as an `Option`; nothing else of the console knows that a sandbox exists.

use serde::{Deserialize, Serialize};

use crate::model::census::Census;
use crate::model::time::Timestamp;

/// A fault or change of load that can be switched on and off while the sandbox runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Switch {
    /// `failing-step`, `surge` …
    pub name: String,
    /// One line a person understands: `the step send fails for one run in 25`.
    pub what: String,
    pub on: bool,
}

/// The state of the sandbox, as its screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    pub scenario: String,
    pub seed: u64,
    /// Sandbox seconds per real second now.
    pub speed: f64,
    /// The speed asked for; higher than `speed` while a lease or a move holds it down.
    pub speed_wanted: f64,
    pub switches: Vec<Switch>,
    /// True until the history before the start has been run.
    pub preparing: bool,
    pub now: Timestamp,
    pub census: Census,
}

/// What the sandbox screen can ask of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum BenchCommand {
    /// Switch a fault on or off, by its name.
    Set { switch: String, on: bool },
    /// Sandbox seconds per real second.
    Speed(f64),
    /// A lease or a mover is open: the speed is held at 10× or less (design, two kinds of time).
    HoldSpeed(bool),
}
