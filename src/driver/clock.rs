//! The one door time comes in through. `read` and, for the monotonic part, `fine_now` are the only
//! functions of the program that read a clock (in simulated time `simulated_now` asks the runtime's);
//! everything else is told, or asks a [`Clock`] handle that was given to it. A clock decides nothing: it
//! does not pace, wake or wait.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::time::{Mono, Timestamp};

/// What time it is, locally and in the account. Cheap to clone and to share between threads.
#[derive(Debug, Clone)]
pub struct Clock {
    account: Account,
}

impl Clock {
    /// The clock for an AWS account: local time, corrected by what [`Clock::set_skew_ms`] learnt.
    pub fn aws() -> Self {
        read();
        Clock { account: Account::Local(Arc::new(AtomicI64::new(0))) }
    }

    /// The clock of a sandbox: `base` now, and from here on `speed` sandbox seconds a real second.
    pub(super) fn sandbox(base: Timestamp, speed: f64) -> Self {
        let pace = Pace { since: read().0, base, speed, ceiling: NO_CEILING };
        Clock { account: Account::Paced(Arc::new(Mutex::new(pace))) }
    }

    /// A clock that goes with the tokio runtime it was made in: a paused runtime moves it.
    pub(super) fn simulated(base: Timestamp) -> Self {
        Clock { account: Account::Simulated { base, since: simulated_now() } }
    }

    /// Local time since the process first asked; never goes backwards.
    pub fn mono_now(&self) -> Mono {
        match &self.account {
            Account::Simulated { since, .. } => simulated_since(*since),
            Account::Local(_) | Account::Paced(_) => read().0,
        }
    }

    /// The account's time: AWS's as far as known, or the sandbox's.
    pub fn account_now(&self) -> Timestamp {
        match &self.account {
            Account::Local(skew_ms) => read().1.plus_ms(skew_ms.load(Ordering::Relaxed)),
            Account::Paced(pace) => lock(pace).at(read().0),
            Account::Simulated { base, since } => {
                base.plus_ms(i64::try_from(simulated_since(*since).ms()).unwrap_or(i64::MAX))
            }
        }
    }

    /// Tells the clock how far AWS's time (the `Date` header of an answer) is ahead of local time,
    /// in milliseconds. Of no effect in a sandbox, whose clock is its own.
    pub fn set_skew_ms(&self, skew_ms: i64) {
        if let Account::Local(skew) = &self.account {
            skew.store(skew_ms, Ordering::Relaxed);
        }
    }

    /// Sandbox seconds per real second; 1 for AWS.
    pub fn speed(&self) -> f64 {
        match &self.account {
            Account::Local(_) | Account::Simulated { .. } => 1.0,
            Account::Paced(pace) => lock(pace).speed,
        }
    }

    /// From now on the sandbox's time is `base` and runs at `speed`.
    pub(super) fn rebase(&self, base: Timestamp, speed: f64) {
        if let Account::Paced(pace) = &self.account {
            *lock(pace) = Pace { since: read().0, base, speed, ceiling: NO_CEILING };
        }
    }

    /// Time stands still at `ceiling` until it is raised, and then goes on from there: a pipeline that
    /// cannot keep up holds its clock back, and the clock never jumps.
    pub(super) fn hold_below(&self, ceiling: Timestamp) {
        if let Account::Paced(pace) = &self.account {
            let mut pace = lock(pace);
            *pace = pace.held_below(read().0, ceiling);
        }
    }

    /// From now on the sandbox's time runs at `speed`; what time it is does not jump.
    pub(super) fn set_speed(&self, speed: f64) {
        if let Account::Paced(pace) = &self.account {
            let mut pace = lock(pace);
            let now = read().0;
            *pace = Pace { since: now, base: pace.at(now), speed, ceiling: pace.ceiling };
        }
    }
}

/// Real UTC as this machine has it; where a sandbox's history ends.
pub(super) fn wall_now() -> Timestamp {
    read().1
}

#[derive(Debug, Clone)]
enum Account {
    /// Local time plus so many milliseconds.
    Local(Arc<AtomicI64>),
    Paced(Arc<Mutex<Pace>>),
    Simulated {
        base: Timestamp,
        since: tokio::time::Instant,
    },
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    since: Mono,
    base: Timestamp,
    speed: f64,
    ceiling: Timestamp,
}

const NO_CEILING: Timestamp = Timestamp::from_ms(i64::MAX);

impl Pace {
    fn unheld(&self, now: Mono) -> Timestamp {
        self.base.plus_ms((now.ms_since(self.since) as f64 * self.speed) as i64)
    }

    fn at(&self, now: Mono) -> Timestamp {
        self.unheld(now).min(self.ceiling.max(self.base))
    }

    fn held_below(self, now: Mono, ceiling: Timestamp) -> Pace {
        // While it was held back, time did not pass: it starts anew from what was read last. So it
        // does when the new ceiling is lower than what has been read already.
        let at = self.at(now);
        let anew = self.unheld(now) > at || at > ceiling;
        let (since, base) = if anew { (now, at) } else { (self.since, self.base) };
        Pace { since, base, speed: self.speed, ceiling }
    }
}

/// A panic while the lock was held cannot have left a half-written pace: it is assigned whole.
fn lock(pace: &Mutex<Pace>) -> std::sync::MutexGuard<'_, Pace> {
    pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Reads the clocks: local monotonic time since the first reading, and UTC.
#[allow(clippy::disallowed_methods)]
fn read() -> (Mono, Timestamp) {
    let mono = Mono::from_ms(u64::try_from(fine_now().as_millis()).unwrap_or(u64::MAX));
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (mono, Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)))
}

/// [`Mono`] before it is rounded, for waits of a few milliseconds.
#[allow(clippy::disallowed_methods)]
pub(super) fn fine_now() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// The runtime's clock: the same one where nothing pauses it.
#[allow(clippy::disallowed_methods)]
fn simulated_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

fn simulated_since(since: tokio::time::Instant) -> Mono {
    let passed = simulated_now().saturating_duration_since(since).as_millis();
    Mono::from_ms(u64::try_from(passed).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sandbox_time_is_its_base_plus_elapsed_times_speed() {
        let pace = Pace { since: Mono::from_ms(500), base: Timestamp::from_s(100), speed: 60.0, ceiling: NO_CEILING };
        assert_eq!(pace.at(Mono::from_ms(500)), Timestamp::from_s(100));
        assert_eq!(pace.at(Mono::from_ms(1500)), Timestamp::from_s(160));
    }

    #[test]
    fn a_clock_held_back_goes_on_from_where_it_stood() {
        let free = Pace { since: Mono::ZERO, base: Timestamp::ZERO, speed: 10.0, ceiling: NO_CEILING };
        let held = free.held_below(Mono::ZERO, Timestamp::from_ms(500));
        assert_eq!(held.at(Mono::from_ms(20)).ms(), 200);
        assert_eq!(held.at(Mono::from_ms(900)).ms(), 500);
        let raised = held.held_below(Mono::from_ms(900), Timestamp::from_ms(5_000));
        assert_eq!(raised.at(Mono::from_ms(900)).ms(), 500);
        assert_eq!(raised.at(Mono::from_ms(910)).ms(), 600);
        // Lowered below what was read, it stands still; it does not go back.
        let lowered = raised.held_below(Mono::from_ms(910), Timestamp::ZERO);
        assert_eq!(lowered.at(Mono::from_ms(2_000)).ms(), 600);
    }

    #[test]
    fn a_change_of_speed_does_not_make_time_jump() {
        let clock = Clock::sandbox(Timestamp::from_s(1_000_000), 1.0);
        let before = clock.account_now();
        clock.set_speed(600.0);
        let after = clock.account_now();
        assert!(after >= before && after.ms_since(before) < 600_000, "{before} then {after}");
        assert_eq!(clock.speed(), 600.0);
    }

    #[test]
    fn skew_corrects_an_account_clock_and_leaves_a_sandbox_alone() {
        let aws = Clock::aws();
        let local = aws.account_now();
        aws.set_skew_ms(3_600_000);
        assert!(aws.account_now().ms_since(local) >= 3_600_000);
        let sandbox = Clock::sandbox(Timestamp::from_s(5), 1.0);
        sandbox.set_skew_ms(3_600_000);
        assert!(sandbox.account_now() < Timestamp::from_s(3000));
    }
}
