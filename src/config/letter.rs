//! Which messages a command means, and what it does with them.

use std::path::PathBuf;

use crate::config::{Consent, Output};

/// Some messages of a queue, or of a backup; nothing given means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pick {
    /// In the language of `model/qualifier.rs`; not yet understood.
    pub expression: Option<String>,
    pub ids: Vec<String>,
    pub limit: Option<usize>,
}

/// Messages of a queue, which have to be received to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letters {
    /// Name, ARN or URL.
    pub queue: String,
    pub pick: Pick,
    /// Most messages to look at.
    pub max: u32,
    pub consent: Consent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backup {
    /// What `dlq export` wrote.
    File(PathBuf),
    /// The journal's copies of a drop; `again`: also those that were put back before.
    Operation { id: String, again: bool },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    pub queue: String,
    pub from: Backup,
    pub pick: Pick,
    /// Each to the queue it died in, where that is known.
    pub to_origin: bool,
    pub reason: Option<String>,
    pub consent: Consent,
    pub output: Output,
}
