//! The tables, and reading and writing them. One connection, used by the writer's thread alone.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, params};

use crate::journal::JournalError;
use crate::model::id::OperationId;
use crate::operation::order::JournalEntry;

/// Raised when the tables change; an older file is brought up to it, a newer one refused.
const SCHEMA: i64 = 1;

#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    pub fn open(path: Option<&Path>) -> Result<Self, JournalError> {
        let Some(path) = path else {
            let connection = Connection::open_in_memory();
            return Self::prepare(connection, Path::new("(in memory)"));
        };
        if let Some(parent) = path.parent() {
            make_private_directory(parent).map_err(|why| JournalError::Directory { path: parent.to_owned(), why })?;
        }
        make_private_file(path).map_err(|why| JournalError::Directory { path: path.to_owned(), why })?;
        Self::prepare(Connection::open(path), path)
    }

    fn prepare(connection: rusqlite::Result<Connection>, path: &Path) -> Result<Self, JournalError> {
        let open = |why| JournalError::Open { path: path.to_owned(), why };
        let connection = connection.map_err(open)?;
        // Several consoles may write; each waits its turn.
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(open)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(open)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(open)?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(open)?;
        if found > SCHEMA {
            return Err(JournalError::Newer { path: path.to_owned(), found, known: SCHEMA });
        }
        if found < SCHEMA {
            connection.execute_batch(TABLES).map_err(open)?;
            connection.pragma_update(None, "user_version", SCHEMA).map_err(open)?;
        }
        Ok(Store { connection })
    }

    /// All batches in one transaction: durable when this returns, or none of them kept.
    pub fn append(&mut self, batches: &[Vec<JournalEntry>]) -> Result<(), String> {
        let said = |error: rusqlite::Error| error.to_string();
        let transaction = self.connection.transaction().map_err(said)?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO entry (operation, at_ms, body) VALUES (?1, ?2, ?3)")
                .map_err(said)?;
            for entry in batches.iter().flatten() {
                let body = serde_json::to_string(entry).map_err(|error| error.to_string())?;
                let (operation, at_ms) = heading(entry);
                insert.execute(params![operation.as_str(), at_ms, body]).map_err(said)?;
            }
        }
        transaction.commit().map_err(said)
    }

    pub fn read(&self, operation: Option<&OperationId>) -> Result<Vec<JournalEntry>, JournalError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT body FROM entry WHERE ?1 IS NULL OR operation = ?1 ORDER BY seq")
            .map_err(JournalError::Read)?;
        let id = operation.map(OperationId::as_str);
        let bodies = select.query_map(params![id], |row| row.get::<_, String>(0)).map_err(JournalError::Read)?;
        bodies.map(|body| Ok(serde_json::from_str(&body.map_err(JournalError::Read)?)?)).collect()
    }
}

fn heading(entry: &JournalEntry) -> (&OperationId, i64) {
    match entry {
        JournalEntry::Began { operation, at, .. }
        | JournalEntry::Message { operation, at, .. }
        | JournalEntry::Backup { operation, at, .. }
        | JournalEntry::Noted { operation, at, .. }
        | JournalEntry::Ended { operation, at, .. } => (operation, at.ms()),
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

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS entry (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT    NOT NULL,
    at_ms     INTEGER NOT NULL,
    body      TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS entry_by_operation ON entry (operation, seq);
";
