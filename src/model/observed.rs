//! A value and where it comes from: every figure on screen names its source and its age.

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// Something read from the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed<T> {
    pub value: T,
    /// Account time of the answer.
    pub at: Timestamp,
    /// Why the value is older than it should be: the last refresh's error, in one line.
    pub stale: Option<String>,
}

impl<T> Observed<T> {
    pub fn new(value: T, at: Timestamp) -> Self {
        Observed { value, at, stale: None }
    }

    /// Milliseconds since the value was read.
    pub fn age_ms(&self, now: Timestamp) -> i64 {
        now.ms_since(self.at).max(0)
    }
}
