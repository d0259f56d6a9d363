//! Rescuing stream records that a mapping gave up: what is meant before it is confirmed.

use serde::{Deserialize, Serialize};

use crate::model::id::{FunctionName, MessageId, QueueUrl};

/// Fetch the records that these pointers name and run them through the function that gave them up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescuePlan {
    /// The on-failure queue.
    pub from: QueueUrl,
    /// The pointers that were shown; nothing else is touched.
    pub ids: Vec<MessageId>,
    /// Where they may go: a pointer of any other function is left alone.
    pub targets: Vec<RescueTarget>,
    /// Records the pointers stand for, as they say themselves.
    pub records: u64,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescueTarget {
    pub function: FunctionName,
    /// Its time-out, where it is known.
    pub timeout_s: Option<u32>,
    /// Records in one invocation at most: the mapping's batch size.
    pub batch: u32,
    /// More than one: a pointer's range may hold records of other lanes, that came through.
    pub parallelization_factor: u32,
}
