//! Bodies for which the console has no room, on disk: in a file without a name, so that it is gone
//! with this process however that ends. Only its owner could ever open it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use crate::model::id::{MessageId, OperationId, QueueName};
use crate::model::message::Message;
use crate::shell::nameless::nameless;

/// What is kept, by queue: of the newest scan of each.
#[derive(Debug, Default)]
pub struct Hoard {
    kept: BTreeMap<QueueName, Kept>,
}

#[derive(Debug)]
struct Kept {
    operation: OperationId,
    file: File,
    end: u64,
    places: BTreeMap<MessageId, (u64, usize)>,
}

impl Hoard {
    /// # Errors
    /// What the disk says; what was not written then is not kept.
    pub fn keep(&mut self, queue: &QueueName, operation: &OperationId, messages: &[Arc<Message>]) -> io::Result<()> {
        if self.kept.get(queue).is_none_or(|kept| kept.operation != *operation) {
            let kept = Kept {
                operation: operation.clone(),
                file: nameless(operation.as_str())?,
                end: 0,
                places: BTreeMap::new(),
            };
            self.kept.insert(queue.clone(), kept);
        }
        let Some(kept) = self.kept.get_mut(queue) else { return Ok(()) };
        for message in messages {
            kept.file.seek(SeekFrom::Start(kept.end))?;
            kept.file.write_all(message.body.as_bytes())?;
            kept.places.insert(message.id.clone(), (kept.end, message.body.len()));
            kept.end += message.body.len() as u64;
        }
        Ok(())
    }

    /// `None` when the body is not kept here, because all of it is with the console.
    ///
    /// # Errors
    /// What the disk says.
    pub fn body(&mut self, queue: &QueueName, id: &MessageId) -> io::Result<Option<String>> {
        let Some(kept) = self.kept.get_mut(queue) else { return Ok(None) };
        let Some((at, len)) = kept.places.get(id).copied() else { return Ok(None) };
        let mut bytes = vec![0; len];
        kept.file.seek(SeekFrom::Start(at))?;
        kept.file.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map(Some).map_err(io::Error::other)
    }

    /// The message whole, wherever its body lies.
    ///
    /// # Errors
    /// What the disk says.
    pub fn whole(&mut self, queue: &QueueName, message: &Arc<Message>) -> io::Result<Arc<Message>> {
        Ok(match self.body(queue, &message.id)? {
            Some(body) => Arc::new(Message { body, ..Message::clone(message) }),
            None => Arc::clone(message),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attributes, SystemAttributes};

    fn message(id: &str, body: &str) -> Arc<Message> {
        Arc::new(Message {
            id: id.into(),
            receipt: "r".into(),
            body: body.to_owned(),
            attributes: Attributes::new(),
            system: SystemAttributes::default(),
        })
    }

    #[test]
    fn bodies_come_back_byte_for_byte_and_the_next_scan_forgets_them() {
        let mut hoard = Hoard::default();
        let queue = QueueName::from("JobDLQ");
        let odd = "nul\0 esc\u{1b}[2J \u{202e}é日本";
        hoard.keep(&queue, &"hoard-1".into(), &[message("a", odd), message("b", "")]).expect("kept");
        hoard.keep(&queue, &"hoard-1".into(), &[message("c", "third")]).expect("kept");
        let body = |hoard: &mut Hoard, id: &str| hoard.body(&queue, &id.into()).expect("read");
        assert_eq!(body(&mut hoard, "a").as_deref(), Some(odd));
        assert_eq!(body(&mut hoard, "b").as_deref(), Some(""));
        assert_eq!(body(&mut hoard, "c").as_deref(), Some("third"));
        assert_eq!(hoard.whole(&queue, &message("c", "th")).expect("read").body, "third");
        assert_eq!(hoard.whole(&queue, &message("d", "here")).expect("read").body, "here");
        hoard.keep(&queue, &"hoard-2".into(), &[message("c", "anew")]).expect("kept");
        assert_eq!((body(&mut hoard, "a"), body(&mut hoard, "c").as_deref()), (None, Some("anew")));
        let left = std::fs::read_dir(std::env::temp_dir()).expect("readable").flatten().any(|entry| {
            entry.file_name().to_string_lossy().starts_with(&format!("redrive-{}-hoard", std::process::id()))
        });
        assert!(!left, "the file has no name");
    }
}
