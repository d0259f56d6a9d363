//! What a scan found, as a command holds it: in memory up to a budget, beyond it in a file without a
//! name (0600, gone with this process however that ends). Told out again one message at a time, in the
//! order they came.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::sync::Arc;

use crate::command::failure::Failure;
use crate::command::say;
use crate::model::message::Message;
use crate::shell::nameless::nameless;

#[derive(Debug, Default)]
pub struct Pile {
    far: Option<Far>,
    /// All of them, until they are too many; later those the disk did not take.
    near: Vec<Arc<Message>>,
    near_bytes: usize,
    /// Of each, in order, whether it is still meant; `None` means that all are.
    kept: Option<Vec<bool>>,
}

#[derive(Debug)]
struct Far {
    file: File,
    lines: usize,
    broken: bool,
}

impl Pile {
    pub fn push(&mut self, message: Message) {
        let bytes = message.size_bytes() + OVERHEAD;
        let message = Arc::new(message);
        if self.far.as_mut().is_some_and(|far| far.take(&message)) {
            return;
        }
        self.near.push(message);
        self.near_bytes += bytes;
        if self.far.is_none() && self.near_bytes > BUDGET_BYTES {
            self.spill();
        }
    }

    /// All of them onto the disk; where that cannot be, they stay.
    fn spill(&mut self) {
        let mut far = match nameless("pile") {
            Ok(file) => Far { file, lines: 0, broken: false },
            Err(error) => {
                // Not tried again with every message.
                self.near_bytes = 0;
                return say(&format!("redrive: messages stay in memory: {}: {error}", std::env::temp_dir().display()));
            }
        };
        let taken = self.near.iter().take_while(|message| far.take(message)).count();
        self.near.drain(..taken);
        self.near.shrink_to_fit();
        self.far = Some(far);
    }

    /// How many are meant.
    pub fn len(&self) -> usize {
        match &self.kept {
            Some(kept) => kept.iter().filter(|kept| **kept).count(),
            None => self.far.as_ref().map_or(0, |far| far.lines) + self.near.len(),
        }
    }

    /// Those still meant. Only one of these may be read at a time: they share the file's place.
    ///
    /// # Errors
    /// What the disk says.
    pub fn messages(&self) -> Result<Messages, Failure> {
        let far = match &self.far {
            Some(far) => {
                let mut file = far.file.try_clone().map_err(Failure::Disk)?;
                file.rewind().map_err(Failure::Disk)?;
                Some((BufReader::new(file), far.lines))
            }
            None => None,
        };
        Ok(Messages { far, near: self.near.clone().into_iter(), kept: self.kept.clone().map(Vec::into_iter) })
    }

    /// Whole, all of them in memory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn into_vec(self) -> Result<Vec<Message>, Failure> {
        self.messages()?.collect()
    }

    /// # Errors
    /// What the disk says.
    pub fn retain(&mut self, mut meant: impl FnMut(&Message) -> bool) -> Result<(), Failure> {
        let verdicts: Vec<bool> =
            self.messages()?.map(|message| message.map(|message| meant(&message))).collect::<Result<_, _>>()?;
        self.keep(verdicts.into_iter());
        Ok(())
    }

    /// One verdict for each that is still meant; one without a verdict no longer is.
    pub fn keep(&mut self, mut verdicts: impl Iterator<Item = bool>) {
        let all = self.far.as_ref().map_or(0, |far| far.lines) + self.near.len();
        let kept = self.kept.take().unwrap_or_else(|| vec![true; all]);
        self.kept = Some(kept.into_iter().map(|kept| kept && verdicts.next().unwrap_or(false)).collect());
    }
}

impl From<Vec<Message>> for Pile {
    fn from(messages: Vec<Message>) -> Self {
        let mut pile = Pile::default();
        messages.into_iter().for_each(|message| pile.push(message));
        pile
    }
}

impl Far {
    /// False when the disk did not take it: nothing more is written then.
    fn take(&mut self, message: &Message) -> bool {
        if self.broken {
            return false;
        }
        let written = serde_json::to_vec(message).map_err(io::Error::other).and_then(|mut line| {
            line.push(b'\n');
            self.file.write_all(&line)
        });
        match written {
            Ok(()) => self.lines += 1,
            Err(error) => {
                self.broken = true;
                say(&format!("redrive: further messages stay in memory: {}: {error}", std::env::temp_dir().display()));
            }
        }
        !self.broken
    }
}

/// Messages of a pile, one after the other.
#[derive(Debug)]
pub struct Messages {
    far: Option<(BufReader<File>, usize)>,
    near: std::vec::IntoIter<Arc<Message>>,
    kept: Option<std::vec::IntoIter<bool>>,
}

impl Messages {
    /// One that is in memory, or its line in the file.
    fn advance(&mut self) -> Option<Result<Place, Failure>> {
        if let Some((reader, left)) = &mut self.far
            && *left > 0
        {
            *left -= 1;
            let mut line = Vec::new();
            return Some(reader.read_until(b'\n', &mut line).map(|_| Place::Far(line)).map_err(Failure::Disk));
        }
        self.near.next().map(|message| Ok(Place::Near(message)))
    }
}

enum Place {
    Far(Vec<u8>),
    Near(Arc<Message>),
}

impl Iterator for Messages {
    type Item = Result<Message, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let place = self.advance()?;
            if self.kept.as_mut().is_some_and(|kept| kept.next() == Some(false)) {
                continue;
            }
            return Some(place.and_then(|place| match place {
                Place::Near(message) => Ok(Arc::unwrap_or_clone(message)),
                Place::Far(line) => {
                    serde_json::from_slice(&line).map_err(|error| Failure::Disk(io::Error::other(error)))
                }
            }));
        }
    }
}

/// Bytes of messages a command keeps in memory before all of them go to disk.
const BUDGET_BYTES: usize = 8 * 1024 * 1024;
/// Bytes a message costs beside its body and attributes: ids, receipt, origin, sender.
const OVERHEAD: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attribute, AttributeValue, Attributes, SystemAttributes};

    fn message(id: usize, body: &str) -> Message {
        let binary = Attribute { data_type: "Binary".to_owned(), value: AttributeValue::Binary(vec![0, 27, 255]) };
        Message {
            id: format!("m-{id:06}").into(),
            receipt: "r".into(),
            body: body.to_owned(),
            attributes: Attributes::from([("b".to_owned(), binary)]),
            system: SystemAttributes { receive_count: 6, ..SystemAttributes::default() },
        }
    }

    fn ids(pile: &Pile) -> Vec<String> {
        let messages = pile.messages().expect("readable");
        messages.map(|message| message.map(|message| message.id.to_string())).collect::<Result<_, _>>().expect("read")
    }

    #[test]
    fn messages_come_back_byte_for_byte_and_in_order_from_memory_and_from_disk() {
        let odd = "nul\0 esc\u{1b}[2J \u{202e}é日本 \r\n";
        let deep = "[".repeat(10_000);
        let large = "x".repeat(1_000_000);
        let bodies = [odd, "", deep.as_str(), large.as_str()];
        let small: Vec<Message> = bodies.iter().enumerate().map(|(id, body)| message(id, body)).collect();
        let pile = Pile::from(small.clone());
        assert!(pile.far.is_none());
        assert_eq!(pile.into_vec().expect("in memory"), small);
        let many: Vec<Message> =
            bodies.iter().cycle().take(60).enumerate().map(|(id, body)| message(id, body)).collect();
        let pile = Pile::from(many.clone());
        assert!(pile.far.is_some() && pile.near.is_empty(), "beyond the budget they lie on disk");
        assert_eq!(pile.len(), 60);
        assert_eq!(pile.into_vec().expect("readable"), many);
    }

    #[test]
    fn what_is_meant_is_said_again_and_again_and_only_narrows() {
        let body = "y".repeat(1_000_000);
        let mut pile = Pile::from((0..20).map(|id| message(id, &body)).collect::<Vec<_>>());
        assert!(pile.far.is_some());
        pile.retain(|message| message.id.as_str() >= "m-000010").expect("readable");
        assert_eq!((pile.len(), ids(&pile).first().map(String::as_str)), (10, Some("m-000010")));
        pile.keep([true, false, true].into_iter());
        assert_eq!(ids(&pile), ["m-000010", "m-000012"]);
        pile.retain(|_| false).expect("readable");
        assert!(pile.len() == 0 && ids(&pile).is_empty());
    }

    #[test]
    fn what_the_disk_does_not_take_stays_in_memory() {
        let body = "z".repeat(1_000_000);
        let mut pile = Pile::from((0..20).map(|id| message(id, &body)).collect::<Vec<_>>());
        pile.far.as_mut().expect("on disk").broken = true;
        pile.push(message(20, "last"));
        assert_eq!((pile.near.len(), pile.len()), (1, 21));
        assert_eq!(ids(&pile).last().map(String::as_str), Some("m-000020"));
    }
}
