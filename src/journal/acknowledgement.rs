//! Acknowledged findings, a row each, by account and region. One transaction a change, and only of the
//! rows it names.

use rusqlite::{TransactionBehavior, params};

use crate::journal::JournalError;
use crate::journal::store::Store;
use crate::model::acknowledgement::{Acknowledged, Acknowledgement, FindingKey};

/// Account and region.
pub(super) type Place = (String, String);

impl Store {
    pub(super) fn acknowledged(&self, (account, region): &Place) -> Result<Acknowledged, JournalError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT rule, subject, body FROM acknowledgement WHERE account = ?1 AND region = ?2")
            .map_err(JournalError::Read)?;
        let text = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        };
        let rows = select.query_map(params![account, region], text).map_err(JournalError::Read)?;
        let read = |row: rusqlite::Result<(String, String, String)>| {
            let (rule, subject, body) = row.map_err(JournalError::Read)?;
            Ok(((rule, serde_json::from_str(&subject)?), serde_json::from_str(&body)?))
        };
        rows.map(read).collect()
    }

    pub(super) fn acknowledge(
        &mut self,
        (account, region): &Place,
        keys: &[FindingKey],
        acknowledgement: Option<&Acknowledgement>,
    ) -> Result<(), JournalError> {
        let write = |error: rusqlite::Error| JournalError::Write(error.to_string());
        let body = acknowledgement.map(serde_json::to_string).transpose()?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(write)?;
        for (rule, subject) in keys {
            let subject = serde_json::to_string(subject)?;
            match &body {
                Some(body) => transaction.execute(PUT, params![account, region, rule, subject, body]),
                None => transaction.execute(DROP, params![account, region, rule, subject]),
            }
            .map_err(write)?;
        }
        transaction.commit().map_err(write)
    }
}

pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS acknowledgement (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    rule    TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (account, region, rule, subject)
) STRICT;
";

const PUT: &str = "INSERT INTO acknowledgement (account, region, rule, subject, body) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (account, region, rule, subject) DO UPDATE SET body = excluded.body";

const DROP: &str = "DELETE FROM acknowledgement WHERE account = ?1 AND region = ?2 AND rule = ?3 AND subject = ?4";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Journal;
    use crate::model::finding::{Severity, Subject};
    use crate::model::time::Timestamp;

    const HERE: (&str, &str) = ("123456789012", "eu-west-1");

    fn known(note: &str) -> Acknowledgement {
        let by = "arn:aws:sts::123456789012:assumed-role/operator/ann".to_owned();
        Acknowledgement { severity: Severity::Warning, at: Timestamp::from_s(1), note: note.to_owned(), by }
    }

    fn key(queue: &str) -> (String, Subject) {
        ("posture/no-dead-letter-queue".to_owned(), Subject::Queue(queue.into()))
    }

    #[test]
    fn it_is_there_for_the_next_process_and_in_its_place_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(Some(dir.path()), || Timestamp::from_s(1)).expect("a journal");
        journal.acknowledge(HERE, vec![key("a"), key("b")], Some(known("first"))).expect("kept");
        drop(journal);
        let journal = Journal::open(Some(dir.path()), || Timestamp::from_s(1)).expect("a journal");
        let expected = [(key("a"), known("first")), (key("b"), known("first"))].into();
        assert_eq!(journal.acknowledged(HERE).expect("read"), expected);
        assert_eq!(journal.acknowledged(("123456789012", "us-east-1")).expect("read"), Acknowledged::new());
    }

    #[test]
    fn consoles_side_by_side_change_only_what_they_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let open = || Journal::open(Some(dir.path()), || Timestamp::from_s(1)).expect("a journal");
        let (one, other) = (open(), open());
        one.acknowledge(HERE, vec![key("a")], Some(known("one"))).expect("kept");
        other.acknowledge(HERE, vec![key("b")], Some(known("other"))).expect("kept");
        other.acknowledge(HERE, vec![key("a")], Some(known("newer"))).expect("kept");
        one.acknowledge(HERE, vec![key("b")], None).expect("forgotten");
        assert_eq!(one.acknowledged(HERE).expect("read"), [(key("a"), known("newer"))].into());
        assert_eq!(other.acknowledged(HERE).expect("read"), one.acknowledged(HERE).expect("read"));
    }
}
