//! Trying one dead letter: what is meant before it is confirmed, and what a function answered.

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, FunctionName, MessageId, QueueUrl};
use crate::model::plan::EditPlan;

/// Run one dead letter through its function, and look at the answer before anything moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialPlan {
    /// The dead-letter queue.
    pub from: QueueUrl,
    pub id: MessageId,
    pub function: FunctionName,
    /// The function's own time-out, where it is known.
    pub timeout_s: Option<u32>,
    /// The queue it died in: the event says that it comes from there.
    pub source: Arn,
    pub region: String,
    pub reason: Option<String>,
    /// It is run with another body than it died with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Box<EditPlan>>,
}

/// What came back from a function that was invoked and waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoked {
    /// `Unhandled` or `Handled` when the function failed.
    pub error: Option<String>,
    /// What it returned, or its error, JSON.
    pub payload: String,
    /// The last 4 KB of what the run wrote, and of what Lambda wrote about it.
    pub log_tail: Option<String>,
}

/// What a trial showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", content = "why")]
pub enum Verdict {
    /// It came through: no error, and not named as failed.
    Succeeded,
    /// The function ran and failed.
    Failed(String),
    /// There was no answer: it may have run, in whole or in part.
    MayHaveRun(String),
    /// It certainly did not run.
    NotRun(String),
}

/// Longest time-out a function can have, in seconds (aws-facts §7); assumed where it is not known.
pub const LONGEST_RUN_S: u32 = 900;
