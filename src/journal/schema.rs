//! The tables, their version, and how an older file is brought up to it.

use rusqlite::{Connection, TransactionBehavior};

use crate::journal::insert::Insert;
use crate::operation::order::JournalEntry;

/// Raised when the tables change; an older file is brought up to it, a newer one refused.
pub const SCHEMA: i64 = 3;

pub fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// From any older version, in one transaction: two consoles may open the file at once.
pub fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found < 1 {
        transaction.execute_batch(FIRST)?;
    }
    if found < 2 {
        transaction.execute_batch(SECOND)?;
        count_messages(&transaction)?;
    }
    if found < 3 {
        transaction.execute_batch(THIRD)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()
}

/// Version 1 kept messages only as lines.
fn count_messages(connection: &Connection) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT seq, body FROM entry ORDER BY seq")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    for row in rows {
        let (seq, body) = row?;
        // What this version cannot read stays a line, and is reported when it is read.
        if let Ok(entry @ JournalEntry::Message { .. }) = serde_json::from_str(&body) {
            connection.execute("UPDATE entry SET about_message = 1 WHERE seq = ?1", [seq])?;
            Insert::prepare(connection)?.messages(&[entry])?;
        }
    }
    Ok(())
}

const FIRST: &str = "
CREATE TABLE IF NOT EXISTS entry (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT    NOT NULL,
    at_ms     INTEGER NOT NULL,
    body      TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS entry_by_operation ON entry (operation, seq);
";

const SECOND: &str = "
ALTER TABLE entry ADD COLUMN about_message INTEGER NOT NULL DEFAULT 0;
CREATE INDEX entry_outline ON entry (seq) WHERE NOT about_message;
CREATE TABLE message (
    operation  TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    attributes TEXT    NOT NULL,
    PRIMARY KEY (operation, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE owner (
    operation TEXT    PRIMARY KEY,
    host      TEXT    NOT NULL,
    boot      TEXT    NOT NULL,
    pid       INTEGER NOT NULL,
    started   TEXT    NOT NULL,
    beat_ms   INTEGER NOT NULL,
    held      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Message ids are random: kept in their order, every message of a write had a page of its own, three times
/// over. Rows lie as they came, and what comes together is written together; the index is touched once.
const THIRD: &str = "
ALTER TABLE message RENAME TO message_by_id;
CREATE TABLE message (
    seq        INTEGER PRIMARY KEY,
    operation  TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    attributes TEXT    NOT NULL,
    UNIQUE (operation, id)
) STRICT;
INSERT INTO message (operation, id, at_ms, state, sha256, attributes)
    SELECT operation, id, at_ms, state, sha256, attributes FROM message_by_id;
DROP TABLE message_by_id;
";

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;

    #[test]
    fn a_file_of_the_first_version_is_brought_up_with_all_that_it_holds() {
        let mut connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(FIRST).expect("version 1");
        connection.pragma_update(None, "user_version", 1).expect("version 1");
        let lines = [
            r#"{"entry":"noted","operation":"op","at":1000,"text":"one"}"#,
            r#"{"entry":"message","operation":"op","at":1000,"id":"m","state":{"state":"recorded","to":"q","sha256":"abc"}}"#,
            r#"{"entry":"message","operation":"op","at":2000,"id":"m","state":{"state":"deleted"}}"#,
        ];
        for line in lines {
            connection
                .execute("INSERT INTO entry (operation, at_ms, body) VALUES ('op', 1, ?1)", params![line])
                .expect("a line");
        }
        migrate(&mut connection).expect("brought up");
        migrate(&mut connection).expect("and a second time nothing is done");
        let row: (String, String, i64) = connection
            .query_row("SELECT state, sha256, count(*) FROM message", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .expect("one message");
        assert_eq!(row, ("deleted".to_owned(), "abc".to_owned(), 1));
        let outline: i64 = connection
            .query_row("SELECT count(*) FROM entry WHERE NOT about_message", [], |row| row.get(0))
            .expect("counted");
        assert_eq!((outline, version(&connection).expect("a version")), (1, SCHEMA));
    }

    #[test]
    fn a_file_of_the_second_version_keeps_its_messages_and_one_row_for_each() {
        let mut connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(FIRST).and_then(|()| connection.execute_batch(SECOND)).expect("version 2");
        connection.pragma_update(None, "user_version", 2).expect("version 2");
        let rows = "INSERT INTO message (operation, id, at_ms, state, sha256, attributes) VALUES
             ('op', 'm', 1, 'acknowledged', 'abc', 'def'), ('op', 'n', 1, 'gone', '', ''), ('q', 'm', 2, 'failed', '', '')";
        connection.execute(rows, []).expect("rows");
        migrate(&mut connection).expect("brought up");
        let later = r#"{"entry":"message","operation":"op","at":3000,"id":"m","state":{"state":"deleted"}}"#;
        let later: JournalEntry = serde_json::from_str(later).expect("an entry");
        Insert::prepare(&connection).and_then(|mut insert| insert.messages(&[later])).expect("put");
        let mut select = connection
            .prepare(
                "SELECT operation || id || at_ms || state || sha256 || attributes FROM message ORDER BY operation, id",
            )
            .expect("a query");
        let rows: Vec<String> =
            select.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect("three messages");
        assert_eq!(rows, ["opm3000deletedabcdef", "opn1gone", "qm2failed"]);
        assert_eq!(version(&connection).expect("a version"), SCHEMA);
    }
}
