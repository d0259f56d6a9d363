//! The tables, their version, and how an older file is brought up to it.

use rusqlite::{Connection, TransactionBehavior};

use crate::journal::tally::{self, Tallies};
use crate::model::id::OperationId;
use crate::operation::order::JournalEntry;

/// Raised when the tables change; an older file is brought up to it, a newer one refused.
pub const SCHEMA: i64 = 4;

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
        mark_messages(&transaction)?;
    }
    if found < 4 {
        transaction.execute_batch(FOURTH)?;
        transaction.execute_batch(tally::TABLE)?;
        count_messages(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()
}

/// Version 1 did not tell lines about messages from others.
fn mark_messages(connection: &Connection) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT seq, body FROM entry ORDER BY seq")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    for row in rows {
        let (seq, body) = row?;
        // What this version cannot read stays a line, and is reported when it is read.
        if let Ok(JournalEntry::Message { .. }) = serde_json::from_str(&body) {
            connection.execute("UPDATE entry SET about_message = 1 WHERE seq = ?1", [seq])?;
        }
    }
    Ok(())
}

fn count_messages(connection: &Connection) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT DISTINCT operation FROM entry WHERE about_message")?;
    let operations = select.query_map([], |row| row.get::<_, String>(0))?;
    for operation in operations {
        let (operation, mut tallies) = (OperationId::new(operation?), Tallies::default());
        tallies.catch_up(connection, &operation)?;
        tallies.write(connection, &operation)?;
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

/// Versions 2 and 3 kept the newest state of each message as a row, though only their number was read.
const FOURTH: &str = "DROP TABLE IF EXISTS message;";

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
        assert_eq!(counted(&connection), ["op deleted 1"]);
        let outline: i64 = connection
            .query_row("SELECT count(*) FROM entry WHERE NOT about_message", [], |row| row.get(0))
            .expect("counted");
        assert_eq!((outline, version(&connection).expect("a version")), (1, SCHEMA));
    }

    /// Operations, states and how many messages, but for states that none is in.
    fn counted(connection: &Connection) -> Vec<String> {
        let sql = "SELECT operation || ' ' || state || ' ' || n FROM tally WHERE n > 0 ORDER BY operation, state";
        let mut select = connection.prepare(sql).expect("a query");
        select.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect("counted")
    }

    #[test]
    fn a_file_with_a_row_for_each_message_keeps_their_number() {
        let mut connection = Connection::open_in_memory().expect("a database");
        let message =
            "CREATE TABLE message (seq INTEGER PRIMARY KEY, operation TEXT NOT NULL, id TEXT NOT NULL) STRICT;";
        connection.execute_batch(&[FIRST, SECOND, message].concat()).expect("version 3");
        connection.pragma_update(None, "user_version", 3).expect("version 3");
        let line = |operation: &str, id: &str, state: &str| {
            let body = format!(
                r#"{{"entry":"message","operation":"{operation}","at":1000,"id":"{id}","state":{{"state":"{state}"}}}}"#
            );
            connection
                .execute(
                    "INSERT INTO entry (operation, at_ms, body, about_message) VALUES (?1, 1, ?2, 1)",
                    params![operation, body],
                )
                .expect("a line");
        };
        for (operation, id, state) in
            [("op", "m", "doubted"), ("op", "n", "gone"), ("q", "m", "gone"), ("op", "m", "gone")]
        {
            line(operation, id, state);
        }
        line("op", "x", "of another version");
        migrate(&mut connection).expect("brought up");
        assert_eq!(counted(&connection), ["op gone 2", "q gone 1"]);
        assert_eq!(version(&connection).expect("a version"), SCHEMA);
        let gone = connection.prepare("SELECT * FROM message").expect_err("it is not kept");
        assert!(gone.to_string().contains("no such table"), "{gone}");
    }
}
