//! The durable record of every operation, in SQLite. An entry is answered `Recorded` once it is on
//! disk, never before. Bodies of messages are not kept; ids, digests and states are. What an entry
//! means is `operation`'s business.

mod store;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use futures_channel::oneshot;
use thiserror::Error;

use crate::journal::store::Store;
use crate::journal::writer::Job;
use crate::model::id::OperationId;
use crate::model::service_error::{Outcome, ServiceError};
use crate::operation::order::{Answer, JournalEntry, JournalSink, OrderResult};

/// A handle to the journal; clones write through the same thread.
#[derive(Debug, Clone)]
pub struct Journal {
    jobs: Sender<Job>,
    path: Option<PathBuf>,
}

#[derive(Debug, Error)]
pub enum JournalError {
    #[error("journal: cannot make the directory {path}: {why}; set REDRIVE_STATE_DIR to one that can be written")]
    Directory { path: PathBuf, why: std::io::Error },
    #[error("journal: cannot open {path}: {why}; set REDRIVE_STATE_DIR to a directory that can be written")]
    Open { path: PathBuf, why: rusqlite::Error },
    #[error("journal: {path} was written by a newer redrive (schema {found}, this one knows {known}); use that one")]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("journal: cannot read: {0}")]
    Read(rusqlite::Error),
    #[error("journal: an entry is not readable ({0}); it was perhaps written by another version")]
    Entry(#[from] serde_json::Error),
    #[error("journal: its thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error("journal: its thread has ended")]
    Gone,
}

impl Journal {
    /// Opens (or makes) `journal.db` in `directory`, readable by its owner alone; without a directory
    /// the journal lives in memory and ends with the process.
    ///
    /// # Errors
    /// What kept it from being opened, with the path.
    pub fn open(directory: Option<&Path>) -> Result<Self, JournalError> {
        let path = directory.map(|directory| directory.join("journal.db"));
        let store = Store::open(path.as_deref())?;
        let jobs = writer::start(store).map_err(JournalError::Thread)?;
        Ok(Journal { jobs, path })
    }

    /// The file, or `None` for one in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Every entry, oldest first. Blocks while it reads.
    ///
    /// # Errors
    /// When the file cannot be read, or holds what this version does not understand.
    pub fn entries(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.read(None)
    }

    /// The entries of one operation, oldest first; empty when there is none of that id.
    ///
    /// # Errors
    /// As [`Journal::entries`].
    pub fn operation(&self, id: &OperationId) -> Result<Vec<JournalEntry>, JournalError> {
        self.read(Some(id.clone()))
    }

    fn read(&self, operation: Option<OperationId>) -> Result<Vec<JournalEntry>, JournalError> {
        let (reply, answer) = std::sync::mpsc::channel();
        self.jobs.send(Job::Read { operation, reply }).map_err(|_| JournalError::Gone)?;
        answer.recv().map_err(|_| JournalError::Gone)?
    }
}

impl JournalSink for Journal {
    /// A failure is `Refused`: SQLite has rolled the batch back, so nothing of it was kept.
    async fn record(&self, entries: Vec<JournalEntry>) -> OrderResult {
        let (reply, answer) = oneshot::channel();
        let refused =
            |why: String| Outcome::Refused(ServiceError { http: 0, ..ServiceError::new("journal", "NotWritten", why) });
        if self.jobs.send(Job::Write { entries, reply }).is_err() {
            return refused(JournalError::Gone.to_string());
        }
        match answer.await {
            Ok(Ok(())) => Outcome::Done(Answer::Recorded),
            Ok(Err(why)) => refused(why),
            Err(_) => refused(JournalError::Gone.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::operation::order::EndState;

    fn noted(operation: &str, text: &str) -> JournalEntry {
        JournalEntry::Noted { operation: operation.into(), at: Timestamp::from_s(1), text: text.to_owned() }
    }

    /// The writer answers from its own thread; there is nothing else to wait for here.
    fn record(journal: &Journal, entries: Vec<JournalEntry>) -> OrderResult {
        let (reply, answer) = oneshot::channel();
        journal.jobs.send(Job::Write { entries, reply }).expect("the writer runs");
        let mut answer = answer;
        loop {
            match answer.try_recv() {
                Ok(Some(Ok(()))) => return Outcome::Done(Answer::Recorded),
                Ok(Some(Err(why))) => return Outcome::Unknown(why),
                Ok(None) => std::thread::yield_now(),
                Err(_) => return Outcome::Unknown("gone".to_owned()),
            }
        }
    }

    #[test]
    fn what_was_recorded_is_there_for_the_next_process() {
        let dir = tempfile::tempdir().expect("a directory");
        let ended = JournalEntry::Ended {
            operation: "b".into(),
            at: Timestamp::from_s(2),
            state: EndState::Done,
            summary: "3 moved".to_owned(),
        };
        let first = Journal::open(Some(dir.path())).expect("a journal");
        assert_eq!(record(&first, vec![noted("a", "one"), noted("b", "two")]), Outcome::Done(Answer::Recorded));
        assert_eq!(record(&first, vec![ended.clone()]), Outcome::Done(Answer::Recorded));
        drop(first);
        let second = Journal::open(Some(dir.path())).expect("the same journal");
        assert_eq!(second.entries().expect("readable"), [noted("a", "one"), noted("b", "two"), ended.clone()]);
        assert_eq!(second.operation(&"b".into()).expect("readable"), [noted("b", "two"), ended]);
        assert_eq!(second.operation(&"c".into()).expect("readable"), []);
    }

    #[test]
    #[cfg(unix)]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(Some(&dir.path().join("new/state"))).expect("a journal");
        record(&journal, vec![noted("a", "one")]);
        for file in ["journal.db", "journal.db-wal"] {
            let mode = std::fs::metadata(dir.path().join("new/state").join(file)).expect(file).permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = Journal::open(Some(&file.path().join("below"))).expect_err("a file is no directory");
        assert!(error.to_string().contains("REDRIVE_STATE_DIR"), "{error}");
    }
}
