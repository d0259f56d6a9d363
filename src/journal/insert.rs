//! Entries as rows, many by one statement: what a statement costs by itself (looking it up, starting it, the
//! count that numbers the entries) is more than a row.

use rusqlite::types::ToSqlOutput;
use rusqlite::{CachedStatement, Connection, params_from_iter};

use crate::operation::order::JournalEntry;

/// The statement of one transaction.
pub struct Insert<'c>(Rows<'c>);

impl<'c> Insert<'c> {
    pub fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Insert(Rows::prepare(connection, ENTRY, "(?, ?, ?, ?)")?))
    }

    /// In this order.
    pub fn entries(&mut self, entries: &[JournalEntry]) -> Result<(), String> {
        let rows = entries.iter().map(|entry| {
            let mut body = Vec::with_capacity(BODY_BYTES);
            serde_json::to_writer(&mut body, entry).map_err(|error| error.to_string())?;
            let body = String::from_utf8(body).map_err(|error| error.to_string())?;
            let about_message = matches!(
                entry,
                JournalEntry::Message { .. } | JournalEntry::Backup { .. } | JournalEntry::Edited { .. }
            );
            Ok([entry.operation().as_str().into(), entry.at().ms().into(), body.into(), about_message.into()])
        });
        self.0.put(&rows.collect::<Result<Vec<_>, String>>()?).map_err(|error| error.to_string())
    }
}

/// One statement in two sizes.
struct Rows<'c> {
    one: CachedStatement<'c>,
    many: CachedStatement<'c>,
}

impl<'c> Rows<'c> {
    fn prepare(connection: &'c Connection, head: &str, row: &str) -> rusqlite::Result<Self> {
        let of = |rows: &[&str]| connection.prepare_cached(&format!("{head} {}", rows.join(", ")));
        Ok(Rows { one: of(&[row])?, many: of(&[row; MANY])? })
    }

    fn put<const N: usize>(&mut self, rows: &[[ToSqlOutput<'_>; N]]) -> rusqlite::Result<()> {
        let chunks = rows.chunks_exact(MANY);
        let rest = chunks.remainder();
        for chunk in chunks {
            self.many.execute(params_from_iter(chunk.iter().flatten()))?;
        }
        for row in rest {
            self.one.execute(params_from_iter(row))?;
        }
        Ok(())
    }
}

/// Rows of one statement: a batch of messages.
const MANY: usize = 10;
/// Room for what most entries are written as.
const BODY_BYTES: usize = 512;
const ENTRY: &str = "INSERT INTO entry (operation, at_ms, body, about_message) VALUES";
