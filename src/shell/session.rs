//! What makes this process's operations its own, and the local clock's distance from UTC.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::driver::clock::Clock;
use crate::model::id::OperationId;
use crate::model::time::Timestamp;

/// Unlike that of any other process that writes the same journal: when it started, and its id.
pub fn session() -> String {
    let started_s = Clock::aws().account_now().s();
    format!("{started_s:x}-{:x}", std::process::id())
}

/// Local time: for what processes on one machine compare with each other.
pub fn local_now() -> Timestamp {
    Clock::aws().account_now()
}

/// An id for the next operation of a command: one that scans before it redrives has two.
pub fn operation_id() -> OperationId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    OperationId::new(format!("op-{}-{}", session(), NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// A seed for the jitter of one operation's back-offs: different between operations.
pub fn seed_of(id: &OperationId) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// Local time minus UTC, in seconds; `None` where local time is UTC, and one clock is enough.
pub fn utc_offset_s() -> Option<i32> {
    let now = jiff::Timestamp::from_millisecond(Clock::aws().account_now().ms()).ok()?;
    let offset = jiff::tz::TimeZone::try_system().ok()?.to_offset(now).seconds();
    (offset != 0).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_operations_of_one_process_are_two_in_the_journal() {
        assert_ne!(operation_id(), operation_id());
    }
}
