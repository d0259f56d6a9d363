//! How long a rehearsal runs, and what comes of it.

use crate::forecast::track::Track;

/// What came of one run of the plant.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamOutcome {
    pub track: Track,
    /// Records that arrived, backlog included.
    pub arrived: u64,
    pub handled: u64,
    /// Given up: too old, or out of retries.
    pub dropped: u64,
    /// Mean wait from arrival to sending, milliseconds; only where polls take no time.
    pub mean_wait_ms: Option<f64>,
}

/// How long a rehearsal runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// At most.
    pub for_ms: i64,
    /// After this, only as long as a backlog is there.
    pub settle_ms: i64,
}

impl Span {
    /// To the end, whatever happens.
    pub fn whole(for_ms: i64) -> Self {
        Span { for_ms, settle_ms: for_ms }
    }
}
