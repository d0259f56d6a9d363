//! How many messages of an operation are in which state, kept beside its lines. What each message is in is
//! known in memory, by whoever writes: as rows of their own, found by their random ids, they dirtied more
//! pages than the lines themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, params};

use crate::model::id::{MessageId, OperationId};
use crate::operation::order::JournalEntry;

pub const TABLE: &str = "
CREATE TABLE tally (
    operation TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (operation, state)
) STRICT, WITHOUT ROWID;
";

/// Of the operations written lately.
#[derive(Debug, Default)]
pub struct Tallies(BTreeMap<OperationId, Newest>);

/// The newest state of each message, by the lines of one operation.
#[derive(Debug, Default)]
struct Newest {
    /// The last line that is in it.
    until: i64,
    /// What SQLite says when it was last looked for more: it says something else once another connection wrote.
    version: Option<i64>,
    states: HashMap<MessageId, &'static str>,
    counts: BTreeMap<&'static str, i64>,
    changed: BTreeSet<&'static str>,
}

impl Tallies {
    /// Before lines are written, in the same transaction: reads what is not known yet, be it another process's.
    pub fn catch_up(&mut self, connection: &Connection, operation: &OperationId) -> rusqlite::Result<()> {
        let version = connection.prepare_cached("PRAGMA data_version")?.query_row(params![], |row| row.get(0))?;
        let newest = self.0.entry(operation.clone()).or_default();
        if newest.version.replace(version) == Some(version) { Ok(()) } else { newest.read(connection, operation) }
    }

    /// What these lines say, which are written now.
    pub fn note(&mut self, entries: &[JournalEntry]) {
        for entry in entries {
            if let Some(newest) = self.0.get_mut(entry.operation()) {
                newest.note(entry);
            }
        }
    }

    /// After lines were written, in the same transaction.
    pub fn write(&mut self, connection: &Connection, operation: &OperationId) -> rusqlite::Result<()> {
        let Some(newest) = self.0.get_mut(operation) else { return Ok(()) };
        // Nobody else writes before this is over, so nothing of it lies beyond the last line.
        newest.until = newest.until.max(connection.last_insert_rowid());
        let mut put = connection.prepare_cached(PUT)?;
        for state in std::mem::take(&mut newest.changed) {
            put.execute(params![operation.as_str(), state, newest.counts.get(state)])?;
        }
        Ok(())
    }

    /// It is over, or what was noted was not kept: read again when there is more to write.
    pub fn forget(&mut self, operation: &OperationId) {
        self.0.remove(operation);
    }
}

impl Newest {
    fn read(&mut self, connection: &Connection, operation: &OperationId) -> rusqlite::Result<()> {
        let mut select = connection.prepare_cached(
            "SELECT seq, body FROM entry WHERE operation = ?1 AND seq > ?2 AND about_message ORDER BY seq",
        )?;
        let mut rows = select.query(params![operation.as_str(), self.until])?;
        while let Some(row) = rows.next()? {
            self.until = row.get(0)?;
            // What this version cannot read stays a line, and is reported when it is read.
            if let Ok(entry) = serde_json::from_str(row.get_ref(1)?.as_str()?) {
                self.note(&entry);
            }
        }
        Ok(())
    }

    fn note(&mut self, entry: &JournalEntry) {
        let JournalEntry::Message { id, state, .. } = entry else { return };
        let state = state.name();
        let before = match self.states.get_mut(id) {
            Some(known) => Some(std::mem::replace(known, state)),
            None => self.states.insert(id.clone(), state),
        };
        for (state, change) in before.map(|before| (before, -1)).into_iter().chain([(state, 1)]) {
            *self.counts.entry(state).or_default() += change;
            self.changed.insert(state);
        }
    }
}

const PUT: &str = "INSERT INTO tally (operation, state, n) VALUES (?1, ?2, ?3)
ON CONFLICT (operation, state) DO UPDATE SET n = excluded.n";
