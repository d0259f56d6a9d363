//! What is wrong, in a form that a screen, a table and JSON can all say: headline, evidence, remedy.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::id::{FunctionName, MappingId, QueueName};
use crate::model::time::Timestamp;

/// How near the harm is. Ordered: worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// `✖`: harm is near (ux.md, "Verdicts on screen").
    Harm,
    /// `▲`: will be harm unless somebody acts.
    Warning,
    /// `○`: worth knowing.
    Note,
    /// `●`: fine.
    Good,
}

impl Severity {
    /// The sign that stands beside the colour, so that colour is never needed.
    pub fn sign(self) -> char {
        match self {
            Severity::Harm => '✖',
            Severity::Warning => '▲',
            Severity::Note => '○',
            Severity::Good => '●',
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sign())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "id")]
pub enum Subject {
    Mapping(MappingId),
    Function(FunctionName),
    Queue(QueueName),
    Account,
}

/// Where the remedy leads: a command of the console's table, by name, never run by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// The command's name in the console's command table: `tune`, `scan`, `redrive`, `stop-start`.
    pub command: String,
    /// `tune: parallel 1→4`
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name, for silencing and JSON: `falling-behind`.
    pub rule: String,
    pub severity: Severity,
    pub subject: Subject,
    /// One line: `LogWorker is falling behind`.
    pub headline: String,
    /// Since when the evidence shows it; `None` when the window does not reach back far enough.
    pub since: Option<Timestamp>,
    /// Lines with figures, each with unit and source.
    pub evidence: Vec<String>,
    pub remedies: Vec<Remedy>,
}
