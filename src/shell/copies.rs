//! Copies of messages in a file that `dlq export` wrote, and whether it still is the file a restore was
//! begun with.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::model::hexadecimal::hexadecimal;
use crate::model::message::Message;
use crate::model::plan::{FileMark, Plan};
use crate::operation::progress::grouped;
use crate::operation::record::Record;
use crate::report::export;

#[derive(Debug)]
pub struct Copies {
    pub mark: FileMark,
    /// Or the first line that is none, and why.
    pub messages: Result<Vec<Message>, (usize, String)>,
}

/// Reads all of it once, so that the mark is of what was read.
///
/// # Errors
/// What the disk says.
pub fn read(path: &Path) -> io::Result<Copies> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut messages: Result<Vec<Message>, (usize, String)> = Ok(Vec::new());
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        hash.update(&line);
        bytes += length as u64;
        if let Ok(all) = &mut messages {
            match parsed(&line) {
                Ok(message) => all.extend(message),
                Err(why) => messages = Err((number, why)),
            }
        }
    }
    let sha256 = hexadecimal(&hash.finalize());
    let path = std::path::absolute(path)?.display().to_string();
    Ok(Copies { mark: FileMark { path, bytes, sha256 }, messages })
}

fn parsed(line: &[u8]) -> Result<Option<Message>, String> {
    let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    if line.trim().is_empty() {
        return Ok(None);
    }
    export::parse(line).map(|(_, message)| Some(message))
}

/// Gives a restore that was cut off the copies it has in a file, if that still is the file it was begun
/// with; else the reason why it has none.
pub fn supply(record: &mut Record) {
    let Plan::Restore(plan) = &record.plan else { return };
    let Some(was) = plan.file.as_ref().filter(|_| record.is_open()) else { return };
    let path = &was.path;
    let found = match read(Path::new(path)) {
        Err(error) => Err(format!("{path} cannot be read: {error}")),
        Ok(Copies { mark, .. }) if mark.bytes != was.bytes => {
            let (then, now) = (grouped(was.bytes), grouped(mark.bytes));
            Err(format!("{path} has changed since: {then} bytes then, {now} now"))
        }
        Ok(Copies { mark, .. }) if mark.sha256 != was.sha256 => {
            Err(format!("{path} has changed since: as long, but with another SHA-256"))
        }
        Ok(Copies { messages, .. }) => messages.map_err(|(line, why)| format!("{path}, line {line}: {why}")),
    };
    match found {
        Ok(messages) => record.copies = messages,
        Err(why) => record.copies_lost = Some(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::OperationId;
    use crate::model::message::{Attributes, SystemAttributes};
    use crate::model::plan::RestorePlan;
    use crate::model::time::Timestamp;
    use crate::operation::order::JournalEntry;

    fn message(id: &str) -> Message {
        Message {
            id: id.into(),
            receipt: "".into(),
            body: format!("body of {id}"),
            attributes: Attributes::new(),
            system: SystemAttributes::default(),
        }
    }

    fn record(file: FileMark) -> Record {
        let plan = RestorePlan {
            messages: ["a", "b"].map(|id| (id.into(), "https://q/1/dlq".into())).into(),
            source: file.path.clone(),
            file: Some(file),
            max_message_bytes: 1_000,
            reason: None,
        };
        let began = JournalEntry::Began {
            operation: OperationId::from("op-1"),
            at: Timestamp::from_s(1),
            plan: Box::new(Plan::Restore(plan)),
            who: "who".to_owned(),
            account: "1".to_owned(),
            region: "r".to_owned(),
        };
        Record::read(&[began]).expect("it began")
    }

    #[test]
    fn a_file_is_read_again_only_while_it_is_what_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("copies");
        let text = ["a", "b"].map(|id| export::line("JobDLQ", &message(id))).concat();
        std::fs::write(&path, &text).expect("written");
        let copies = read(&path).expect("readable");
        assert_eq!(copies.mark.bytes, text.len() as u64);
        assert_eq!(copies.messages.expect("an export"), [message("a"), message("b")]);
        let supplied = || {
            let mut record = record(copies.mark.clone());
            supply(&mut record);
            (record.copies.len(), record.copies_lost.unwrap_or_default())
        };
        assert_eq!(supplied(), (2, String::new()));
        std::fs::write(&path, text.replace("body of a", "body of x")).expect("written");
        let (count, why) = supplied();
        assert!(count == 0 && why.contains("another SHA-256"), "{why}");
        std::fs::write(&path, text.clone() + "\n").expect("written");
        let (count, why) = supplied();
        assert!(count == 0 && why.contains("has changed since"), "{why}");
        std::fs::remove_file(&path).expect("removed");
        let (count, why) = supplied();
        assert!(count == 0 && why.contains("cannot be read"), "{why}");
    }

    #[test]
    fn a_line_that_is_none_is_told_with_its_number() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("copies");
        std::fs::write(&path, export::line("JobDLQ", &message("a")) + "\n{}\n").expect("written");
        let copies = read(&path).expect("readable");
        assert!(matches!(copies.messages, Err((3, _))), "{copies:?}");
    }
}
