//! The account's time for operations: in a sandbox it runs faster than local time, so a wait is
//! worked out again every so often.

use std::time::Duration;

use crate::driver;
use crate::model::time::Timestamp;
use crate::runner::Clock;

/// Longest single wait, in local milliseconds: how late a change of speed is noticed.
const SLICE_MS: f64 = 250.0;

#[derive(Debug, Clone)]
pub struct Pace(pub driver::clock::Clock);

impl Clock for Pace {
    fn now(&self) -> Timestamp {
        self.0.account_now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left_ms = at.ms_since(self.0.account_now());
            if left_ms <= 0 {
                return;
            }
            let local_ms = (left_ms as f64 / self.0.speed().max(0.001)).clamp(1.0, SLICE_MS);
            tokio::time::sleep(Duration::from_micros((local_ms * 1000.0) as u64)).await;
        }
    }
}
