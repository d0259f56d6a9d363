//! What a command about dead letters was asked, checked.

use std::path::PathBuf;

use crate::config::letter::Pick;
use crate::config::{Consent, Output};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// Name, ARN or URL.
    pub queue: String,
    pub pick: Pick,
    /// Most messages to look at.
    pub max: u32,
    /// Bodies whole, whatever the context redacts.
    pub reveal: bool,
    pub output: Output,
    pub consent: Consent,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Redrive {
    /// Name, ARN or URL of the dead-letter queue.
    pub queue: String,
    pub what: Which,
    /// Which of the messages found: the console's own language.
    pub expression: Option<String>,
    /// The jq program that makes other bodies of them.
    pub edit: Option<String>,
    /// What it changes whole, whatever the context redacts.
    pub reveal: bool,
    /// Old work too.
    pub stale: bool,
    pub rate: Rate,
    /// `None`: the mover's own.
    pub lanes: Option<u32>,
    pub canary: Canary,
    pub mark: bool,
    pub reason: Option<String>,
    pub output: Output,
    pub consent: Consent,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// A fifth of what the consumers finish.
    Derived,
    Off,
    /// Messages a second.
    Most(f64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canary {
    /// By the number of messages.
    Default,
    Off,
    Rungs(Vec<u64>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// Name, ARN or URL of the dead-letter queue.
    pub queue: String,
    /// `None`: the first that is found.
    pub id: Option<String>,
    /// `None`: the one that reads the queue it came from.
    pub function: Option<String>,
    /// A jq program that makes another body of its own.
    pub edit: Option<String>,
    /// The answer and the log whole, whatever the context redacts.
    pub reveal: bool,
    pub output: Output,
    pub consent: Consent,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// Name, ARN or URL of the on-failure queue.
    pub queue: String,
    /// Message ids of pointers; none: every pointer that is found.
    pub ids: Vec<String>,
    /// A file that is not there yet.
    pub save: Option<PathBuf>,
    pub replay: bool,
    /// Most messages to look at.
    pub max: u32,
    pub output: Output,
    pub consent: Consent,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By our own mover, which touches nothing else.
    Ids(Vec<String>),
    /// Scanned first; then, by id, what was found.
    Found { limit: Option<u32> },
    /// By a message move task: also what is not shown and what still arrives.
    All,
}
