//! Runs of *external* functions: they leave the pipeline as an [`Invocation`] and come back as an
//! [`Outcome`]. Nothing here runs anything.

use crate::model::id::FunctionName;
use crate::model::time::Timestamp;
use crate::pipeline::request::InvocationId;

/// What an external function is to be invoked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    pub id: InvocationId,
    pub function: FunctionName,
    /// The event as Lambda hands it to a function, JSON.
    pub payload: String,
    /// When it is timed out.
    pub deadline: Timestamp,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What the function returned, JSON; `batchItemFailures` in it counts.
    Returned(String),
    /// An exception, out of memory, an exit: the error, JSON.
    Failed(String),
}
