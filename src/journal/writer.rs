//! The thread that owns the database. Writes that wait while one is being made durable go into the
//! next transaction together: one sync for many.

use std::sync::mpsc::{Receiver, Sender, channel};

use futures_channel::oneshot;

use crate::journal::JournalError;
use crate::journal::store::Store;
use crate::model::id::OperationId;
use crate::operation::order::JournalEntry;

pub enum Job {
    Write { entries: Vec<JournalEntry>, reply: oneshot::Sender<Result<(), String>> },
    Read { operation: Option<OperationId>, reply: Sender<Result<Vec<JournalEntry>, JournalError>> },
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
    while let Ok(job) = inbox.recv() {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Read { operation, reply } => {
                    let _ = reply.send(store.read(operation.as_ref()));
                }
                Job::Write { entries, reply } => next = write(&mut store, entries, reply, inbox),
            }
        }
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
    let result = store.append(&batches);
    for reply in replies {
        let _ = reply.send(result.clone());
    }
    other
}
