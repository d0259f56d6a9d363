//! How far the account's clock is ahead of this machine's, learnt from the `Date` of its answers, and
//! a time source corrected by it. The SDK corrects the signature of a read when it repeats it; a
//! change is never repeated, so its first signature must be right.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SystemTimeSource, TimeSource};
use tokio::sync::watch;

/// For the clients that change something.
#[derive(Debug, Clone)]
pub(super) struct Corrected {
    pub ahead_ms: watch::Receiver<i64>,
}

impl TimeSource for Corrected {
    fn now(&self) -> SystemTime {
        shifted(SystemTimeSource::new().now(), *self.ahead_ms.borrow())
    }
}

/// The difference of a `Date` (whole seconds, rounded down) and the time it was read at; what is less
/// than two seconds is no skew.
pub(super) fn ahead_ms(date_s: i64, read_at: SystemTime) -> i64 {
    let local_ms = read_at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let ahead_ms = date_s.saturating_mul(1_000) + 500 - i64::try_from(local_ms).unwrap_or(i64::MAX);
    if ahead_ms.abs() < 2_000 { 0 } else { ahead_ms }
}

fn shifted(time: SystemTime, by_ms: i64) -> SystemTime {
    let by = Duration::from_millis(by_ms.unsigned_abs());
    let shifted = if by_ms < 0 { time.checked_sub(by) } else { time.checked_add(by) };
    shifted.unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_no_skew_and_ten_minutes_are() {
        let at = |s: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(s);
        assert_eq!(ahead_ms(1_000, at(1_001)), 0);
        assert_eq!(ahead_ms(1_600, at(1_000)), 600_500);
        assert_eq!(ahead_ms(400, at(1_000)), -599_500);
        assert_eq!(shifted(at(1_000), -600_000), at(400));
    }
}
