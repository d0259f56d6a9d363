//! What EventTable holds and SearchIndex serves. Small structs with cheap clones: JSON is made only
//! when somebody looks.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::automation::identity::{Identity, ItemKey, Kind};
use crate::model::time::Timestamp;

/// The action of a step, by its name in the definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionName {
    Send,
    SendList,
    Delay,
    Cancel,
    UpdateProfile,
    FetchData,
    Invoke,
    AddToBatch,
    GetProfile,
    /// No step: RequestWorker took the run up.
    Request,
    /// An action this version does not know; kept as it came.
    Other(Arc<String>),
}

impl ActionName {
    pub fn parse(text: &str) -> Self {
        match text {
            "send" => ActionName::Send,
            "send-list" => ActionName::SendList,
            "delay" => ActionName::Delay,
            "cancel" => ActionName::Cancel,
            "update-profile" => ActionName::UpdateProfile,
            "fetch-data" => ActionName::FetchData,
            "invoke" => ActionName::Invoke,
            "add-to-batch" => ActionName::AddToBatch,
            "get-profile" => ActionName::GetProfile,
            "request" => ActionName::Request,
            other => ActionName::Other(Arc::new(other.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            ActionName::Send => "send",
            ActionName::SendList => "send-list",
            ActionName::Delay => "delay",
            ActionName::Cancel => "cancel",
            ActionName::UpdateProfile => "update-profile",
            ActionName::FetchData => "fetch-data",
            ActionName::Invoke => "invoke",
            ActionName::AddToBatch => "add-to-batch",
            ActionName::GetProfile => "get-profile",
            ActionName::Request => "request",
            ActionName::Other(name) => name,
        }
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of a step, in the words of the runs API (aws-facts §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Processing,
    Waiting,
    Processed,
    Skipped,
    Canceled,
    /// The step can never succeed; the run ends here.
    Error,
    /// An unknown action: passed over.
    NotProcessed,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Processing => "PROCESSING",
            Status::Waiting => "WAITING",
            Status::Processed => "PROCESSED",
            Status::Skipped => "SKIPPED",
            Status::Canceled => "CANCELED",
            Status::Error => "ERROR",
            Status::NotProcessed => "NOT PROCESSED",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        const ALL: [Status; 7] = [
            Status::Processing,
            Status::Waiting,
            Status::Processed,
            Status::Skipped,
            Status::Canceled,
            Status::Error,
            Status::NotProcessed,
        ];
        ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What an event carries besides its fixed members: JSON text, or where it was put.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Payload {
    #[default]
    None,
    Inline(Arc<String>),
    /// Above the item limit: in S3 (`offload.rs`).
    Stored(Arc<Reference>),
}

/// Where a payload too large for an item was put, and how to know it again (aws-facts §5.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub bucket: String,
    pub key: String,
    pub size_bytes: u64,
    /// Hex SHA-256 of the object.
    pub sha256: String,
}

impl Reference {
    pub fn to_json(&self) -> Value {
        json!({"bucket": self.bucket, "key": self.key, "size": self.size_bytes, "sha256": self.sha256})
    }
}

/// One write to EventTable. A later event of the same item replaces the earlier one and makes a
/// stream record of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventItem {
    pub identity: Identity,
    pub at: Timestamp,
    pub action: ActionName,
    pub status: Status,
    pub recipient: Option<Arc<str>>,
    pub payload: Payload,
}

/// Bytes of the fixed attribute names and values of an item, about; DynamoDB counts names too.
const FIXED_ITEM_BYTES: usize = 160;

impl EventItem {
    pub fn key(&self) -> ItemKey {
        self.identity.item_key()
    }

    /// What the item counts for against DynamoDB's 400 KB (aws-facts §5.4): never less than the
    /// true size.
    pub fn size_bytes(&self) -> usize {
        let payload = match &self.payload {
            Payload::None => 0,
            Payload::Inline(text) => text.len(),
            Payload::Stored(r) => r.bucket.len() + r.key.len() + r.sha256.len() + 64,
        };
        FIXED_ITEM_BYTES + self.action.as_str().len() + self.recipient.as_ref().map_or(0, |r| r.len()) + payload
    }

    /// The item's key in DynamoDB's typed JSON, as a stream record's `Keys` shows it.
    pub fn keys_image(&self) -> Value {
        let key = self.key();
        json!({"run": {"S": key.run.to_string()}, "sort": {"N": key.sort.to_string()}})
    }

    /// Reads [`EventItem::image`] back; `None` when it is no event's.
    pub fn from_image(image: &Value) -> Option<EventItem> {
        let text = |name: &str| image.get(name)?.get("S")?.as_str();
        let payload = match (text("payload"), image.pointer("/payloadReference/M")) {
            (Some(payload), _) => Payload::Inline(Arc::new(payload.to_owned())),
            (None, None) => Payload::None,
            (None, Some(reference)) => {
                let part = |name: &str| Some(reference.get(name)?.get("S")?.as_str()?.to_owned());
                Payload::Stored(Arc::new(Reference {
                    bucket: part("bucket")?,
                    key: part("key")?,
                    size_bytes: reference.get("size")?.get("N")?.as_str()?.parse().ok()?,
                    sha256: part("sha256")?,
                }))
            }
        };
        Some(EventItem {
            identity: text("identity")?.parse().ok()?,
            at: Timestamp::parse(text("at")?)?,
            action: ActionName::parse(text("action")?),
            status: Status::parse(text("status")?)?,
            recipient: text("recipient").map(Arc::from),
            payload,
        })
    }

    /// The whole item in DynamoDB's typed JSON, as a stream record's `NewImage` shows it.
    pub fn image(&self) -> Value {
        let mut image = self.keys_image();
        let text = |s: &str| json!({ "S": s });
        image["identity"] = text(&self.identity.to_string());
        image["at"] = text(&self.at.to_string());
        image["action"] = text(self.action.as_str());
        image["status"] = text(self.status.as_str());
        if let Some(recipient) = &self.recipient {
            image["recipient"] = text(recipient);
        }
        match &self.payload {
            Payload::None => {}
            Payload::Inline(payload) => image["payload"] = text(payload),
            Payload::Stored(r) => {
                image["payloadReference"] = json!({"M": {
                    "bucket": {"S": r.bucket}, "key": {"S": r.key},
                    "size": {"N": r.size_bytes.to_string()}, "sha256": {"S": r.sha256}}});
            }
        }
        image
    }
}

/// What SearchIndex keeps of an item. Written under its version, so an older one arriving late or
/// twice changes nothing (aws-facts §4.3: external versioning).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub event: EventItem,
    /// The stream sequence number of the record it was made from.
    pub version: u64,
}

impl Document {
    pub fn to_json(&self) -> Value {
        let event = &self.event;
        let mut document = json!({
            "run": event.identity.run.to_string(),
            "identity": event.identity.to_string(),
            "at": event.at.to_string(),
            "action": event.action.as_str(),
            "status": event.status.as_str(),
            "version": self.version,
        });
        if event.identity.kind != Kind::Requested {
            document["step"] = json!(event.identity.step);
        }
        if let Some(recipient) = &event.recipient {
            document["recipient"] = json!(&**recipient);
        }
        match &event.payload {
            Payload::None => {}
            // What does not parse is never indexed; a text is shown rather than lost all the same.
            Payload::Inline(text) => {
                document["payload"] = serde_json::from_str(text).unwrap_or_else(|_| json!(text.as_str()));
            }
            Payload::Stored(reference) => document["payloadReference"] = reference.to_json(),
        }
        document
    }

    /// True when every word of `q` is found: a bare word anywhere in the document, `member:word` in
    /// that member (`run:run-0000002a`, `action:send`). Case does not matter; no words match all.
    pub fn matches(&self, q: &str) -> bool {
        let event = &self.event;
        let identity = event.identity.to_string();
        let run = event.identity.run.to_string();
        let at = event.at.to_string();
        let payload = match &event.payload {
            Payload::Inline(text) => text.as_str(),
            Payload::None | Payload::Stored(_) => "",
        };
        let members = [
            ("run", run.as_str()),
            ("identity", &identity),
            ("action", event.action.as_str()),
            ("status", event.status.as_str()),
            ("recipient", event.recipient.as_deref().unwrap_or("")),
            ("at", &at),
            ("payload", payload),
        ];
        q.split_whitespace().all(|word| match word.split_once(':') {
            Some((member, rest)) if members.iter().any(|(name, _)| *name == member) => {
                members.iter().any(|(name, value)| *name == member && contains(value, rest))
            }
            _ => members.iter().any(|(_, value)| contains(value, word)),
        })
    }
}

fn contains(text: &str, word: &str) -> bool {
    text.to_lowercase().contains(&word.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automation::identity::RunId;

    fn event(payload: Payload) -> EventItem {
        EventItem {
            identity: Identity::finished(RunId::new(42), 1),
            at: Timestamp::from_s(1_767_225_600),
            action: ActionName::Send,
            status: Status::Processed,
            recipient: Some("Ada".into()),
            payload,
        }
    }

    #[test]
    fn an_item_never_counts_for_less_than_its_image() {
        let reference = Reference { bucket: "b".into(), key: "k".into(), size_bytes: 1, sha256: "0".repeat(64) };
        for payload in [Payload::None, Payload::Inline(Arc::new("{}".into())), Payload::Stored(Arc::new(reference))] {
            let item = event(payload);
            let image = item.image();
            let attributes = image.as_object().expect("an image is an object");
            let mut bytes = 0;
            for (name, typed) in attributes {
                bytes += name.len();
                let leaf = |v: &Value| v.as_object().into_iter().flat_map(|o| o.values()).next().cloned();
                match leaf(typed) {
                    Some(Value::String(s)) => bytes += s.len(),
                    Some(Value::Object(map)) => {
                        for (name, inner) in &map {
                            bytes += name.len() + leaf(inner).and_then(|v| v.as_str().map(str::len)).unwrap_or(0);
                        }
                    }
                    other => panic!("unexpected attribute {other:?}"),
                }
            }
            assert!(item.size_bytes() >= bytes, "{} < {bytes}", item.size_bytes());
        }
    }

    #[test]
    fn a_document_is_found_by_word_and_by_member() {
        let document =
            Document { event: event(Payload::Inline(Arc::new(r#"{"template":"welcome"}"#.into()))), version: 9 };
        assert!(document.matches("ada welcome") && document.matches("action:send run:run-0000002a"));
        assert!(document.matches(""));
        assert!(!document.matches("action:ada") && !document.matches("ada nobody"));
        assert_eq!(document.to_json()["payload"]["template"], "welcome");
    }
}
