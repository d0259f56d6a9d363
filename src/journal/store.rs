//! The tables, and reading and writing them. One connection writes and is used by the writer's thread
//! alone; whoever reads a file opens one of its own, so that a long read holds no write up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::journal::insert::Insert;
use crate::journal::process::Process;
use crate::journal::schema::{self, SCHEMA};
use crate::journal::tally::Tallies;
use crate::journal::{JournalError, Now, acknowledgement, ownership};
use crate::model::id::OperationId;
use crate::model::time::Timestamp;
use crate::operation::order::JournalEntry;
use crate::operation::record::{Holder, Outline, Tally};

pub struct Store {
    pub(super) connection: Connection,
    me: Process,
    now: Now,
    beat_at: Option<Timestamp>,
    tallies: Tallies,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("me", &self.me).finish_non_exhaustive()
    }
}

impl Store {
    pub fn open(path: Option<&Path>, me: Process, now: Now) -> Result<Self, JournalError> {
        let Some(path) = path else {
            return Self::prepare(Connection::open_in_memory(), Path::new("(in memory)"), me, now);
        };
        if let Some(parent) = path.parent() {
            make_private_directory(parent).map_err(|why| JournalError::Directory { path: parent.to_owned(), why })?;
        }
        make_private_file(path).map_err(|why| JournalError::Directory { path: path.to_owned(), why })?;
        let store = Self::prepare(Connection::open(path), path, me, now)?;
        store.prune().map_err(|why| JournalError::Open { path: path.to_owned(), why })?;
        Ok(store)
    }

    /// For reading what another connection writes.
    pub fn reader(path: &Path, me: Process, now: Now) -> Result<Self, JournalError> {
        Self::prepare(Connection::open(path), path, me, now)
    }

    fn prepare(
        connection: rusqlite::Result<Connection>,
        path: &Path,
        me: Process,
        now: Now,
    ) -> Result<Self, JournalError> {
        let open = |why| JournalError::Open { path: path.to_owned(), why };
        let mut connection = connection.map_err(open)?;
        // Several consoles may write; each waits its turn.
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(open)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(open)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(open)?;
        // A write is durable once it is in the log. Moving the log into the tables holds the next write up,
        // so it is done in larger pieces, and the pages that random ids touch are kept at hand.
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(open)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(open)?;
        let found = schema::version(&connection).map_err(open)?;
        if found > SCHEMA {
            return Err(JournalError::Newer { path: path.to_owned(), found, known: SCHEMA });
        }
        if found < SCHEMA {
            schema::migrate(&mut connection).map_err(open)?;
        }
        // Beside the numbered tables: an older redrive does not look at it.
        connection.execute_batch(acknowledgement::TABLE).map_err(open)?;
        Ok(Store { connection, me, now, beat_at: None, tallies: Tallies::default() })
    }

    /// Bodies are kept for a while only; what was done stays.
    fn prune(&self) -> rusqlite::Result<usize> {
        let before = (self.now)().plus_s(-BODIES_KEPT_S);
        self.connection.execute(
            "DELETE FROM entry WHERE about_message AND at_ms < ?1
                 AND (body LIKE '{\"entry\":\"backup\"%' OR body LIKE '{\"entry\":\"edited\"%')",
            params![before.ms()],
        )
    }

    /// All batches in one transaction: durable when this returns. A batch of an operation that is
    /// somebody else's by now is refused alone.
    pub fn append(&mut self, batches: &[Vec<JournalEntry>]) -> Vec<Result<(), String>> {
        // Taken out: what is in it is true only once it is durable.
        let mut tallies = std::mem::take(&mut self.tallies);
        match self.append_all(batches, &mut tallies) {
            Ok(results) => {
                self.tallies = tallies;
                results
            }
            Err(why) => batches.iter().map(|_| Err(why.clone())).collect(),
        }
    }

    fn append_all(
        &mut self,
        batches: &[Vec<JournalEntry>],
        tallies: &mut Tallies,
    ) -> Result<Vec<Result<(), String>>, String> {
        let said = |error: rusqlite::Error| error.to_string();
        let now = (self.now)();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(said)?;
        let mut checked: BTreeMap<&OperationId, Result<(), String>> = BTreeMap::new();
        let mut results = Vec::with_capacity(batches.len());
        let mut insert = Insert::prepare(&transaction).map_err(said)?;
        for batch in batches {
            let mut right = Ok(());
            for operation in batch.iter().map(JournalEntry::operation).collect::<BTreeSet<_>>() {
                if !checked.contains_key(operation) {
                    let may = ownership::may_write(&transaction, &self.me, operation).map_err(said)?;
                    if may.is_ok() {
                        tallies.catch_up(&transaction, operation).map_err(said)?;
                    }
                    checked.insert(operation, may);
                }
                if let Some(Err(why)) = checked.get(operation) {
                    right = Err(why.clone());
                }
            }
            if right.is_ok() {
                insert.entries(batch)?;
                tallies.note(batch);
                for entry in batch {
                    if let JournalEntry::Began { operation, .. } = entry {
                        ownership::put(&transaction, &self.me, operation, now).map_err(said)?;
                    }
                }
            }
            results.push(right);
        }
        drop(insert);
        for operation in checked.keys() {
            tallies.write(&transaction, operation).map_err(said)?;
        }
        transaction.commit().map_err(said)?;
        for entry in batches.iter().flatten() {
            if let JournalEntry::Ended { operation, .. } = entry {
                tallies.forget(operation);
            }
        }
        Ok(results)
    }

    /// The heartbeat, when it is due.
    pub fn beat(&mut self) {
        let now = (self.now)();
        if self.beat_at.is_none_or(|at| now.ms_since(at) >= ownership::BEAT_MS) {
            // A beat that fails is made up for by the next; several missed are what they look like.
            let _ = ownership::beat(&self.connection, &self.me, now);
            self.beat_at = Some(now);
        }
    }

    pub fn claim(&mut self, operation: &OperationId) -> Result<Holder, String> {
        ownership::claim(&mut self.connection, &self.me, operation, (self.now)())
    }

    pub fn let_go(&mut self, operation: &OperationId) {
        let _ = ownership::let_go(&self.connection, &self.me, operation);
    }

    pub fn holder(&self, operation: &OperationId) -> Result<Holder, JournalError> {
        ownership::holder(&self.connection, &self.me, operation, (self.now)()).map_err(JournalError::Read)
    }

    pub fn read(&self, operation: Option<&OperationId>) -> Result<Vec<JournalEntry>, JournalError> {
        let id = operation.map(OperationId::as_str);
        self.select("SELECT body FROM entry WHERE ?1 IS NULL OR operation = ?1 ORDER BY seq", params![id])
    }

    pub fn outline(&self) -> Result<Outline, JournalError> {
        let entries: Vec<JournalEntry> =
            self.select("SELECT body FROM entry WHERE NOT about_message ORDER BY seq", params![])?;
        let mut outline = Outline { tallies: self.tallies()?, ..Outline::default() };
        let mut open = BTreeSet::new();
        for entry in &entries {
            match entry {
                JournalEntry::Began { operation, .. } => drop(open.insert(operation)),
                JournalEntry::Ended { operation, .. } => drop(open.remove(operation)),
                _ => {}
            }
        }
        for operation in open {
            outline.holders.insert(operation.clone(), self.holder(operation)?);
        }
        outline.entries = entries;
        Ok(outline)
    }

    fn tallies(&self) -> Result<BTreeMap<OperationId, Tally>, JournalError> {
        let mut select =
            self.connection.prepare_cached("SELECT operation, state, n FROM tally").map_err(JournalError::Read)?;
        let mut rows = select.query(params![]).map_err(JournalError::Read)?;
        let mut tallies: BTreeMap<OperationId, Tally> = BTreeMap::new();
        while let Some(row) = rows.next().map_err(JournalError::Read)? {
            let text = |column| row.get_ref(column).and_then(|value| Ok(value.as_str()?)).map_err(JournalError::Read);
            let n: i64 = row.get(2).map_err(JournalError::Read)?;
            tallies.entry(OperationId::new(text(0)?)).or_default().count(text(1)?, u64::try_from(n).unwrap_or(0));
        }
        Ok(tallies)
    }

    fn select<T: serde::de::DeserializeOwned>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<T>, JournalError> {
        let mut select = self.connection.prepare_cached(sql).map_err(JournalError::Read)?;
        let bodies = select.query_map(values, |row| row.get::<_, String>(0)).map_err(JournalError::Read)?;
        bodies.map(|body| Ok(serde_json::from_str(&body.map_err(JournalError::Read)?)?)).collect()
    }
}

#[cfg(unix)]
fn make_private_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private_directory(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)
}

/// SQLite gives its side files (`-wal`, `-shm`) the mode of the database.
#[cfg(unix)]
fn make_private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(|_| ())
}

#[cfg(not(unix))]
fn make_private_file(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Pages of 4 KiB the log may grow by before it is moved into the tables.
const LOG_PAGES: i64 = 4_000;
const CACHE_KIB: i64 = 8 * 1024;
/// Seven days: long enough for a mistake to be seen, short enough for what may be personal.
const BODIES_KEPT_S: i64 = 7 * 86_400;
