//! Waits that end when they should. The runtime's timer counts whole milliseconds and rounds up, which
//! is a twentieth of the distances put between a sandbox and its callers; here one thread keeps all
//! waits to some fifty microseconds. For real time only: a paused runtime does not move it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::driver::clock::fine_now;

/// Those who wait, and the thread that wakes them. Dropping it wakes all of them and ends the thread.
#[derive(Debug)]
pub(super) struct Delays(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waits: Mutex<Waits>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waits {
    /// By when they are over; the number tells those of the same moment apart.
    line: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    next: u64,
    closed: bool,
}

impl Delays {
    pub(super) fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let kept = Arc::clone(&shared);
        std::thread::Builder::new().name("distance".to_owned()).spawn(move || kept.keep())?;
        Ok(Delays(shared))
    }

    /// Waits so long from now.
    pub(super) fn wait(&self, delay: Duration) -> impl Future<Output = ()> + Send + use<> {
        let (over, seen) = oneshot::channel();
        let due = fine_now().saturating_add(delay);
        let mut waits = self.0.lock();
        waits.next += 1;
        let key = (due, waits.next);
        waits.line.insert(key, over);
        // The thread sleeps until the first is due: it is told only of a new first.
        if waits.line.first_key_value().is_some_and(|(first, _)| *first == key) {
            self.0.changed.notify_one();
        }
        async move {
            let _ = seen.await;
        }
    }
}

impl Drop for Delays {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn keep(&self) {
        let mut waits = self.lock();
        while !waits.closed {
            let now = fine_now();
            while let Some(first) = waits.line.first_entry()
                && first.key().0 <= now
            {
                // Whoever does not wait any more is not told.
                let _ = first.remove().send(());
            }
            let until_next = waits.line.first_key_value().map(|((due, _), _)| due.saturating_sub(now));
            waits = match until_next {
                Some(left) => self.changed.wait_timeout(waits, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(waits).unwrap_or_else(PoisonError::into_inner),
            };
        }
        waits.line.clear();
    }

    /// Nothing that holds the lock leaves a half-made line.
    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_end_in_the_order_they_are_due_and_never_early() {
        let delays = Delays::start().expect("a thread");
        let began = fine_now();
        let (long, short) = (delays.wait(Duration::from_millis(12)), delays.wait(Duration::from_millis(3)));
        let (long, short) = (tokio::spawn(long), tokio::spawn(short));
        short.await.expect("it ends");
        assert!(fine_now() - began >= Duration::from_millis(3));
        long.await.expect("it ends");
        assert!(fine_now() - began >= Duration::from_millis(12));
    }

    #[tokio::test]
    async fn whoever_still_waits_is_let_go_when_it_ends() {
        let delays = Delays::start().expect("a thread");
        let waiting = delays.wait(Duration::from_secs(86_400));
        drop(delays);
        waiting.await;
    }
}
