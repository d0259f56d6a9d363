//! A finding somebody knows about: it stands last until it gets worse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::finding::{Severity, Subject};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// How bad it was; worse than this, it is back.
    pub severity: Severity,
    pub at: Timestamp,
    pub note: String,
    /// The ARN of whoever did it; empty where it was not known.
    pub by: String,
}

/// A rule and its subject: findings are told apart by these.
pub type FindingKey = (String, Subject);

pub type Acknowledged = BTreeMap<FindingKey, Acknowledgement>;

impl Acknowledgement {
    /// The name of a person in the ARN of who did it: `ann` of `…:assumed-role/operator/ann`.
    pub fn by_short(&self) -> &str {
        self.by.rsplit('/').next().unwrap_or(&self.by)
    }

    /// `acknowledged 03:12Z by ann: known, deploy`
    pub fn line(&self) -> String {
        let by = if self.by.is_empty() { String::new() } else { format!(" by {}", self.by_short()) };
        let note = if self.note.is_empty() { String::new() } else { format!(": {}", self.note) };
        format!("acknowledged {}{by}{note}", self.at.clock())
    }
}
