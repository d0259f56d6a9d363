//! The durable record of every operation, in SQLite. An entry is answered `Recorded` once it is on
//! disk, never before. Ids, digests and states of messages are kept; bodies only of those that were
//! edited or dropped, and for seven days. What an entry means is `operation`'s business.

mod acknowledgement;
mod insert;
mod ownership;
mod process;
mod schema;
mod store;
mod tally;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use futures_channel::oneshot;
use thiserror::Error;

use crate::journal::process::Process;
use crate::journal::store::Store;
use crate::journal::writer::Job;
use crate::model::acknowledgement::{Acknowledged, Acknowledgement, FindingKey};
use crate::model::id::{MessageId, OperationId};
use crate::model::message::Message;
use crate::model::plan::Plan;
use crate::model::service_error::{Outcome, ServiceError};
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, JournalEntry, JournalSink, OrderResult};
use crate::operation::record::{Holder, Outline, Record};

/// Local time, for heartbeats: this layer reads no clock.
type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A handle to the journal; clones write through the same thread.
#[derive(Clone)]
pub struct Journal {
    jobs: Sender<Job>,
    path: Option<PathBuf>,
    me: Process,
    now: Now,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("path", &self.path).finish_non_exhaustive()
    }
}

#[derive(Debug, Error)]
pub enum JournalError {
    #[error("journal: cannot make the directory {path}: {why}; set REDRIVE_STATE_DIR to one that can be written")]
    Directory { path: PathBuf, why: std::io::Error },
    #[error("journal: cannot open {path}: {why}; {}", mend(why))]
    Open { path: PathBuf, why: rusqlite::Error },
    #[error("journal: {path} was written by a newer redrive (schema {found}, this one knows {known}); use that one")]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("journal: cannot read: {0}")]
    Read(rusqlite::Error),
    #[error("journal: cannot write: {0}")]
    Write(String),
    #[error("journal: an entry is not readable ({0}); it was perhaps written by another version")]
    Entry(#[from] serde_json::Error),
    #[error("journal: its thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error("journal: its thread has ended")]
    Gone,
}

/// What helps where a journal cannot be opened.
fn mend(why: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match why.sqlite_error_code() {
        Some(NotADatabase | DatabaseCorrupt) => {
            "move it away and keep it, or set REDRIVE_STATE_DIR to another directory"
        }
        _ => "set REDRIVE_STATE_DIR to a directory that can be written",
    }
}

impl Journal {
    /// Opens (or makes) `journal.db` in `directory`, readable by its owner alone; without a directory
    /// the journal lives in memory and ends with the process. `now` is local time.
    ///
    /// # Errors
    /// What kept it from being opened, with the path.
    pub fn open(
        directory: Option<&Path>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, JournalError> {
        Self::open_as(Process::this(), directory, Arc::new(now))
    }

    fn open_as(me: Process, directory: Option<&Path>, now: Now) -> Result<Self, JournalError> {
        let path = directory.map(|directory| directory.join("journal.db"));
        let store = Store::open(path.as_deref(), me.clone(), Arc::clone(&now))?;
        let jobs = writer::start(store).map_err(JournalError::Thread)?;
        Ok(Journal { jobs, path, me, now })
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
        self.read(|store| store.read(None))
    }

    /// The entries of one operation, oldest first; empty when there is none of that id.
    ///
    /// # Errors
    /// As [`Journal::entries`].
    pub fn operation(&self, id: &OperationId) -> Result<Vec<JournalEntry>, JournalError> {
        let id = id.clone();
        self.read(move |store| store.read(Some(&id)))
    }

    /// One operation as it can be judged and resumed; `None` when there is none of that id.
    ///
    /// # Errors
    /// As [`Journal::entries`].
    pub fn record_of(&self, id: &OperationId) -> Result<Option<Record>, JournalError> {
        let Some(mut record) = Record::read(&self.operation(id)?) else { return Ok(None) };
        if let Plan::Restore(plan) = &record.plan
            && let Some(from) = plan.operation()
        {
            let copies = self.operation(&from)?.into_iter().filter_map(|entry| match entry {
                JournalEntry::Backup { message, .. } => Some(*message),
                _ => None,
            });
            // Kept twice when a lease ran out in between.
            let by_id: BTreeMap<MessageId, Message> = copies.map(|copy| (copy.id.clone(), copy)).collect();
            record.copies = by_id.into_values().collect();
        }
        Ok(Some(record))
    }

    /// Every operation without its messages line by line: quick, however many there were.
    ///
    /// # Errors
    /// As [`Journal::entries`].
    pub fn outline(&self) -> Result<Outline, JournalError> {
        self.read(Store::outline)
    }

    /// Takes an operation that was cut off, unless its owner lives: then it is left to them. Answers
    /// who held it before.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn claim(&self, id: &OperationId) -> Result<Holder, JournalError> {
        let id = id.clone();
        self.ask(move |store| store.claim(&id))?.map_err(JournalError::Write)
    }

    /// This process carries it out no longer: anybody may take it up.
    pub fn let_go(&self, id: &OperationId) {
        let id = id.clone();
        let _ = self.jobs.send(Job::Do(Box::new(move |store| store.let_go(&id))));
    }

    /// What was acknowledged in an account and region, by any console that keeps its state here.
    ///
    /// # Errors
    /// As [`Journal::entries`].
    pub fn acknowledged(&self, (account, region): (&str, &str)) -> Result<Acknowledged, JournalError> {
        let place = (account.to_owned(), region.to_owned());
        self.ask(move |store| store.acknowledged(&place))?
    }

    /// Keeps one acknowledgement for each key, or with `None` forgets those there are. Rows of other
    /// keys are left alone, so consoles side by side do not undo each other's.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is kept then.
    pub fn acknowledge(
        &self,
        (account, region): (&str, &str),
        keys: Vec<FindingKey>,
        acknowledgement: Option<Acknowledgement>,
    ) -> Result<(), JournalError> {
        let place = (account.to_owned(), region.to_owned());
        self.ask(move |store| store.acknowledge(&place, &keys, acknowledgement.as_ref()))?
    }

    /// From a connection of its own, so that it holds no write up; what is in memory has only one.
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        match &self.path {
            Some(path) => read(&Store::reader(path, self.me.clone(), Arc::clone(&self.now))?),
            None => self.ask(move |store| read(store))?,
        }
    }

    fn ask<T: Send + 'static>(&self, work: impl FnOnce(&mut Store) -> T + Send + 'static) -> Result<T, JournalError> {
        let (reply, answer) = std::sync::mpsc::channel();
        let work = move |store: &mut Store| {
            let _ = reply.send(work(store));
        };
        self.jobs.send(Job::Do(Box::new(work))).map_err(|_| JournalError::Gone)?;
        answer.recv().map_err(|_| JournalError::Gone)
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
    use crate::model::plan::RedrivePlan;
    use crate::operation::order::{EndState, MessageState};

    fn open(directory: &Path) -> Result<Journal, JournalError> {
        Journal::open(Some(directory), || Timestamp::from_s(1_000_000))
    }

    fn noted(operation: &str, text: &str) -> JournalEntry {
        JournalEntry::Noted { operation: operation.into(), at: Timestamp::from_s(1), text: text.to_owned(), pace: None }
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
    fn a_file_that_is_no_journal_is_told_with_what_to_do() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("journal.db"), "garbage ".repeat(1_000)).expect("written");
        let why = open(directory.path()).expect_err("no journal").to_string();
        assert!(why.contains("journal.db: file is not a database; move it away and keep it"), "{why}");
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
        let first = open(dir.path()).expect("a journal");
        assert_eq!(record(&first, vec![noted("a", "one"), noted("b", "two")]), Outcome::Done(Answer::Recorded));
        assert_eq!(record(&first, vec![ended.clone()]), Outcome::Done(Answer::Recorded));
        drop(first);
        let second = open(dir.path()).expect("the same journal");
        assert_eq!(second.entries().expect("readable"), [noted("a", "one"), noted("b", "two"), ended.clone()]);
        assert_eq!(second.operation(&"b".into()).expect("readable"), [noted("b", "two"), ended]);
        assert_eq!(second.operation(&"c".into()).expect("readable"), []);
    }

    #[test]
    #[cfg(unix)]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let journal = open(&dir.path().join("new/state")).expect("a journal");
        record(&journal, vec![noted("a", "one")]);
        for file in ["journal.db", "journal.db-wal"] {
            let mode = std::fs::metadata(dir.path().join("new/state").join(file)).expect(file).permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = open(&file.path().join("below")).expect_err("a file is no directory");
        assert!(error.to_string().contains("REDRIVE_STATE_DIR"), "{error}");
    }

    fn began(operation: &str) -> JournalEntry {
        let plan = RedrivePlan::new("https://q/1/dlq".into(), "arn:dlq".into(), vec!["m".into()], Vec::new());
        JournalEntry::Began {
            operation: operation.into(),
            at: Timestamp::from_s(1),
            plan: Box::new(Plan::Redrive(plan)),
            who: "w".to_owned(),
            account: "1".to_owned(),
            region: "r".to_owned(),
        }
    }

    fn message(operation: &str, state: MessageState) -> JournalEntry {
        JournalEntry::Message { operation: operation.into(), at: Timestamp::from_s(1), id: "m".into(), state }
    }

    #[test]
    fn messages_are_counted_and_the_outline_leaves_their_lines_out() {
        for directory in [None, Some(tempfile::tempdir().expect("a directory"))] {
            let path = directory.as_ref().map(tempfile::TempDir::path);
            let journal = Journal::open(path, || Timestamp::from_s(1)).expect("a journal");
            let recorded =
                MessageState::Recorded { to: "q".into(), sha256: "b".to_owned(), attributes: "a".to_owned() };
            record(&journal, vec![began("a"), message("a", recorded), message("a", MessageState::DELETED)]);
            let outline = journal.outline().expect("readable");
            assert_eq!(outline.entries, [began("a")]);
            assert_eq!(outline.tallies[&OperationId::from("a")].moved, 1);
            assert_eq!(outline.holders[&OperationId::from("a")], Holder::Us);
            assert_eq!(journal.record_of(&"a".into()).expect("readable").map(|record| record.states.len()), Some(1));
        }
    }

    #[test]
    fn a_large_write_is_kept_whole_and_in_order_with_the_last_word_on_each_message() {
        let journal = Journal::open(None, || Timestamp::from_s(1)).expect("a journal");
        let message = |n: usize, state| JournalEntry::Message {
            operation: "a".into(),
            at: Timestamp::from_s(1),
            id: MessageId::new(format!("m-{n}")),
            state,
        };
        let recorded = || MessageState::Recorded { to: "q".into(), sha256: "b".to_owned(), attributes: "a".to_owned() };
        let mut all = vec![began("a")];
        all.extend((0..23).map(|n| message(n, recorded())));
        // Of the same message twice in one statement, too.
        all.extend([message(22, MessageState::Gone), message(22, MessageState::DELETED)]);
        all.extend((0..20).map(|n| message(n, MessageState::DELETED)));
        all.push(noted("a", "one"));
        assert_eq!(record(&journal, all.clone()), Outcome::Done(Answer::Recorded));
        assert_eq!(journal.entries().expect("readable"), all);
        let outline = journal.outline().expect("readable");
        assert_eq!(outline.entries, [began("a"), noted("a", "one")]);
        let tally = &outline.tallies[&OperationId::from("a")];
        assert_eq!((tally.moved, tally.open), (21, 2), "{tally:?}");
    }

    #[test]
    fn bodies_are_kept_for_seven_days() {
        let dir = tempfile::tempdir().expect("a directory");
        let letter = Message {
            id: "m".into(),
            receipt: "r".into(),
            body: "precious".to_owned(),
            attributes: [].into(),
            system: Default::default(),
        };
        let kept = JournalEntry::Backup {
            operation: "a".into(),
            queue: "q".into(),
            at: Timestamp::from_s(1_000_000),
            message: Box::new(letter),
        };
        let day = |n: i64| Journal::open(Some(dir.path()), move || Timestamp::from_s(1_000_000 + n * 86_400));
        record(&day(0).expect("a journal"), vec![began("a"), kept.clone()]);
        assert_eq!(day(6).expect("a journal").operation(&"a".into()).expect("readable"), [began("a"), kept]);
        let later = day(8).expect("a journal");
        assert_eq!(later.operation(&"a".into()).expect("readable"), [began("a")], "what was done stays");
    }

    #[test]
    fn whoever_is_not_the_owner_any_more_writes_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let process =
            |pid| Process { host: "elsewhere".to_owned(), boot: "b".to_owned(), pid, started: "1".to_owned() };
        let open = |pid, s: i64| {
            Journal::open_as(process(pid), Some(dir.path()), Arc::new(move || Timestamp::from_s(s))).expect("a journal")
        };
        let (asleep, other) = (open(1, 0), open(u32::MAX, 10));
        record(&asleep, vec![began("a"), message("a", MessageState::Doubted)]);
        // The other cannot see whether that one lives: its boot is not this machine's, its pid not there.
        assert!(matches!(other.claim(&"a".into()).expect("written"), Holder::Dead { .. }));
        assert_eq!(other.claim(&"a".into()).expect("written"), Holder::Us);
        let refused = record(&asleep, vec![message("a", MessageState::DELETED)]);
        assert!(matches!(&refused, Outcome::Unknown(why) if why.contains("taken over by elsewhere")), "{refused:?}");
        assert_eq!(record(&other, vec![message("a", MessageState::Gone)]), Outcome::Done(Answer::Recorded));
        other.let_go(&"a".into());
        assert!(matches!(asleep.claim(&"a".into()).expect("written"), Holder::Dead { .. }), "it was let go of");
        // What the other wrote meanwhile is counted once, not as this one remembers it.
        assert_eq!(record(&asleep, vec![message("a", MessageState::DELETED)]), Outcome::Done(Answer::Recorded));
        let tally = asleep.outline().expect("readable").tallies[&OperationId::from("a")];
        assert_eq!((tally.moved, tally.failed, tally.open), (1, 0, 0));
    }
}
