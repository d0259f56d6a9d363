//! Five minutes in which a FIFO queue takes a message once: a second send with the same id is
//! answered as the first was and adds nothing, also when the first is long received and deleted
//! (aws-facts §3.8).

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest, Sha256};

use crate::model::hexadecimal::hexadecimal;
use crate::model::time::Timestamp;

/// What a send is known by: its deduplication id, and its group where the queue's
/// `DeduplicationScope` is `messageGroup`.
pub type Key = (Option<String>, String);

/// What the first send was answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Original {
    pub id: u128,
    pub sequence: u64,
}

#[derive(Debug, Default)]
pub struct Deduplication {
    seen: BTreeMap<Key, Original>,
    /// Oldest first.
    order: VecDeque<(Timestamp, Key)>,
}

/// The deduplication interval, in seconds.
const INTERVAL_S: i64 = 300;

impl Deduplication {
    /// The send of the last five minutes that this one repeats.
    pub fn find(&mut self, now: Timestamp, key: &Key) -> Option<Original> {
        while let Some((_, old)) = self.order.pop_front_if(|(at, _)| at.plus_s(INTERVAL_S) <= now) {
            self.seen.remove(&old);
        }
        self.seen.get(key).copied()
    }

    /// A new message was taken; [`Deduplication::find`] has just found nothing.
    pub fn note(&mut self, now: Timestamp, key: Key, original: Original) {
        self.order.push_back((now, key.clone()));
        self.seen.insert(key, original);
    }
}

/// The id of a body where the queue has `ContentBasedDeduplication`: attributes do not count.
pub fn of_content(body: &str) -> String {
    hexadecimal(&Sha256::digest(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_for_five_minutes_from_the_first_send() {
        let mut seen = Deduplication::default();
        let (key, original) = ((None, "id".to_owned()), Original { id: 7, sequence: 1 });
        assert_eq!(seen.find(Timestamp::ZERO, &key), None);
        seen.note(Timestamp::ZERO, key.clone(), original);
        assert_eq!(seen.find(Timestamp::from_s(299), &key), Some(original), "a repeat does not renew it");
        assert_eq!(seen.find(Timestamp::from_s(300), &key), None);
        assert!(seen.seen.is_empty() && seen.order.is_empty());
    }

    #[test]
    fn content_is_known_by_its_sha_256() {
        assert_eq!(of_content("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
