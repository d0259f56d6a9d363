//! The count of identities: every job and every event is in exactly one of these states, or lost.

use serde::{Deserialize, Serialize};

/// Where the identities of one kind (jobs, or events) are. Counted afresh every time from the
/// containers, never kept as running counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    pub waiting: u64,
    pub in_flight: u64,
    pub delayed: u64,
    /// In a dead-letter queue or an on-failure destination.
    pub dead: u64,
    pub done: u64,
    pub cancelled: u64,
    /// Retention or record age ran out.
    pub expired: u64,
    /// Deleted by an operator or an API caller after a copy was put aside.
    pub dropped: u64,
    /// Made, never finished, and no live copy anywhere: the number that must be 0.
    pub lost: u64,
}

impl Count {
    pub fn total(&self) -> u64 {
        self.waiting
            + self.in_flight
            + self.delayed
            + self.dead
            + self.done
            + self.cancelled
            + self.expired
            + self.dropped
            + self.lost
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Census {
    pub jobs: Count,
    pub events: Count,
    /// The first few lost identities, named.
    pub lost: Vec<String>,
}
