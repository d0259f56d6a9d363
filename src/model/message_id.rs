//! A message's id, kept where it stands: thousands of them are compared, copied and sorted, and as a
//! `String` each would be a visit elsewhere in memory and an allocation.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id SQS gave a message. Kept by dead-lettering, new after a redrive. In the order of its text.
#[derive(Clone)]
pub struct MessageId(Text);

#[derive(Clone)]
enum Text {
    /// SQS's own: a UUID of 36 characters.
    Short {
        length: u8,
        bytes: [u8; SHORT],
    },
    Long(Box<str>),
}

/// Bytes that are kept in place.
const SHORT: usize = 38;

impl MessageId {
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(start), Ok(length)) => {
                start.copy_from_slice(text.as_bytes());
                MessageId(Text::Short { length, bytes })
            }
            _ => MessageId(Text::Long(text.into())),
        }
    }

    pub fn as_str(&self) -> &str {
        // It was text when it was put in, whole.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Text::Long(text) => text.as_bytes(),
        }
    }

    /// The first eight characters, enough to tell messages apart on screen.
    pub fn short(&self) -> &str {
        let text = self.as_str();
        text.get(..8).unwrap_or(text)
    }
}

impl PartialEq for MessageId {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for MessageId {}

impl PartialOrd for MessageId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MessageId {
    fn cmp(&self, other: &Self) -> Ordering {
        // Behind its text an id in place holds zeroes, so the first bytes compare as one number, whatever the
        // length; nearly always they decide.
        match (&self.0, &other.0) {
            (Text::Short { bytes: mine, .. }, Text::Short { bytes: theirs, .. }) if first(mine) != first(theirs) => {
                first(mine).cmp(&first(theirs))
            }
            _ => self.as_bytes().cmp(other.as_bytes()),
        }
    }
}

fn first(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

impl Hash for MessageId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MessageId").field(&self.as_str()).finish()
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<&str> for MessageId {
    fn from(text: &str) -> Self {
        MessageId::new(text)
    }
}

impl From<String> for MessageId {
    fn from(text: String) -> Self {
        MessageId::new(text)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyText;

        impl Visitor<'_> for AnyText {
            type Value = MessageId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message's id")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<MessageId, E> {
                Ok(MessageId::new(text))
            }
        }

        deserializer.deserialize_str(AnyText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_length_are_kept_whole_and_in_the_order_of_their_text() {
        let uuid = "0f8fad5b-d9cd-469f-a165-70867728950e".to_owned();
        let texts = [
            "".into(),
            "\0".into(),
            "ä".repeat(19),
            "ä".repeat(20),
            uuid.clone(),
            uuid.to_uppercase(),
            "m".into(),
            "m\0".into(),
            "m\0-".into(),
            "m-1".into(),
            "x".repeat(300),
        ];
        let mut ids: Vec<MessageId> = texts.iter().map(MessageId::new).collect();
        assert!(ids.iter().map(MessageId::as_str).eq(texts.iter().map(String::as_str)));
        ids.sort();
        let mut sorted = texts.to_vec();
        sorted.sort();
        assert!(ids.iter().map(MessageId::as_str).eq(sorted.iter().map(String::as_str)));
        let id = MessageId::new(&uuid);
        assert_eq!((id.short(), format!("{id:>40}").len()), ("0f8fad5b", 40));
        assert_eq!(format!("{id:?}"), format!("MessageId({uuid:?})"));
        let text = serde_json::to_string(&id).expect("JSON");
        assert_eq!(text, format!("{uuid:?}"));
        assert_eq!(serde_json::from_str::<MessageId>(&text).expect("JSON"), id);
        assert_eq!(serde_json::from_str::<MessageId>(r#""\u0061-\n""#).expect("JSON"), MessageId::new("a-\n"));
    }

    #[test]
    fn an_id_takes_no_more_room_than_a_text_and_half() {
        assert_eq!(size_of::<MessageId>(), 40);
    }
}
