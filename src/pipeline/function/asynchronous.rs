//! Asynchronous invocations: the event is taken at once and tried up to three times, one and two
//! minutes apart; throttles are retried without counting (aws-facts §10).

use crate::automation::identity::RunId;
use crate::model::time::Timestamp;

/// An event on its way to a function that nobody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsyncEvent {
    pub what: AsyncPayload,
    pub received_at: Timestamp,
    /// Runs that failed.
    pub failures: u32,
    /// Times it was refused in a row.
    pub refusals: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsyncPayload {
    /// An object appeared in RequestStore.
    ObjectCreated(RunId),
    /// An `Invoke` of type `Event`.
    Raw { function: usize, payload: String },
}

/// Milliseconds until the next try of an event that failed so often; `None`: it is given up.
pub fn retry_after_ms(failures: u32) -> Option<i64> {
    match failures {
        1 => Some(60_000),
        2 => Some(120_000),
        _ => None,
    }
}

/// An event that could not be run is given up after six hours (aws-facts §10).
pub const MAX_AGE_S: i64 = 6 * 3600;

/// Milliseconds until an event that was throttled so often is tried again.
pub fn throttled_ms(refusals: u32) -> i64 {
    (1_000i64 << refusals.saturating_sub(1).min(9)).min(300_000)
}
