//! The thread that owns the database. Writes that wait while one is being made durable go into the
//! next transaction together: one sync for many. Between them it keeps the heartbeat.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use futures_channel::oneshot;

use crate::journal::ownership::BEAT_MS;
use crate::journal::store::Store;
use crate::operation::order::JournalEntry;

pub enum Job {
    Write {
        entries: Vec<JournalEntry>,
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// Anything else that needs the writer's connection, in its turn.
    Do(Box<dyn FnOnce(&mut Store) + Send>),
}

/// Batches in one transaction at most.
const MAX_GROUP: usize = 256;

/// Starts the thread; it ends when the last sender is gone.
pub fn start(store: Store) -> std::io::Result<Sender<Job>> {
    let (jobs, inbox) = channel();
    std::thread::Builder::new().name("journal".to_owned()).spawn(move || serve(store, &inbox))?;
    Ok(jobs)
}

fn serve(mut store: Store, inbox: &Receiver<Job>) {
    let pause = Duration::from_millis(BEAT_MS.unsigned_abs());
    loop {
        match inbox.recv_timeout(pause) {
            Ok(job) => {
                let mut next = Some(job);
                while let Some(job) = next.take() {
                    match job {
                        Job::Do(work) => work(&mut store),
                        Job::Write { entries, reply } => next = write(&mut store, entries, reply, inbox),
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        store.beat();
    }
}

/// Writes one batch and whatever writes wait behind it; answers the job that ended the run of writes.
fn write(
    store: &mut Store,
    entries: Vec<JournalEntry>,
    reply: oneshot::Sender<Result<(), String>>,
    inbox: &Receiver<Job>,
) -> Option<Job> {
    let (mut batches, mut replies) = (vec![entries], vec![reply]);
    let mut other = None;
    while batches.len() < MAX_GROUP {
        match inbox.try_recv() {
            Ok(Job::Write { entries, reply }) => {
                batches.push(entries);
                replies.push(reply);
            }
            Ok(job) => {
                other = Some(job);
                break;
            }
            Err(_) => break,
        }
    }
    let results = store.append(&batches);
    death::after_a_write();
    for (reply, result) in replies.into_iter().zip(results) {
        let _ = reply.send(result);
    }
    other
}

/// For the test that kills the real program: `REDRIVE_TEST_DIE_AFTER_WRITE=n` lets it be killed once
/// its n-th write is durable and before anybody hears of it. Not in a release.
mod death {
    #[cfg(debug_assertions)]
    pub fn after_a_write() {
        use std::sync::atomic::{AtomicU64, Ordering};
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let Some(n) = std::env::var("REDRIVE_TEST_DIE_AFTER_WRITE").ok().and_then(|text| text.parse::<u64>().ok())
        else {
            return;
        };
        if WRITES.fetch_add(1, Ordering::SeqCst) + 1 == n {
            let pid = std::process::id().to_string();
            // No handler, no destructor: as the kernel ends it.
            let _ = std::process::Command::new("kill").args(["-KILL", &pid]).status();
            loop {
                std::thread::park();
            }
        }
    }

    #[cfg(not(debug_assertions))]
    pub fn after_a_write() {}
}
