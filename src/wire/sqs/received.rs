//! What a receive answers: messages with the system attributes that were asked for.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Serialize, Serializer};

use crate::model::md5;
use crate::model::message::{Attribute, AttributeValue, Attributes, Message, SystemAttributes};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Received<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    body: &'a str,
    #[serde(skip_serializing_if = "System::is_empty")]
    attributes: System<'a>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_attributes: Option<String>,
    #[serde(skip_serializing_if = "Own::is_empty")]
    message_attributes: Own<'a>,
}

pub fn write(messages: &[Message], system_names: &[String]) -> Vec<u8> {
    let shown = |message| Shown::new(message, system_names);
    let received = Received { messages: messages.iter().map(shown).collect() };
    let bytes: usize = messages.iter().map(Message::size_bytes).sum();
    let mut text = Vec::with_capacity(bytes * 5 / 4 + messages.len() * BESIDE_BYTES + 2);
    // Texts and maps of them are always JSON.
    let _ = serde_json::to_writer(&mut text, &received);
    text
}

/// What is written of a message beside its body and attributes, about.
const BESIDE_BYTES: usize = 512;

impl<'a> Shown<'a> {
    fn new(message: &'a Message, system_names: &[String]) -> Self {
        Shown {
            message_id: message.id.as_str(),
            receipt_handle: message.receipt.as_str(),
            md5_of_body: md5::of_body(&message.body),
            body: &message.body,
            attributes: System::new(&message.system, system_names),
            md5_of_attributes: md5::of_attributes(&message.attributes),
            message_attributes: Own(&message.attributes),
        }
    }
}

/// The system attributes that were asked for, all of them strings.
struct System<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl<'a> System<'a> {
    fn new(system: &'a SystemAttributes, names: &[String]) -> Self {
        let all = [
            ("SenderId", system.sender_id.as_deref().map(Cow::Borrowed)),
            ("SentTimestamp", Some(system.sent_at.ms().to_string().into())),
            ("ApproximateReceiveCount", Some(system.receive_count.to_string().into())),
            ("ApproximateFirstReceiveTimestamp", system.first_received_at.map(|at| at.ms().to_string().into())),
            ("DeadLetterQueueSourceArn", system.dead_letter_source.as_ref().map(|arn| arn.as_str().into())),
            ("AWSTraceHeader", system.trace_header.as_deref().map(Cow::Borrowed)),
            ("MessageGroupId", system.group_id.as_deref().map(Cow::Borrowed)),
            ("MessageDeduplicationId", system.deduplication_id.as_deref().map(Cow::Borrowed)),
            ("SequenceNumber", system.sequence_number.as_deref().map(Cow::Borrowed)),
        ];
        let asked = |name: &str| names.iter().any(|asked| asked == "All" || asked == name);
        System(
            all.into_iter().filter_map(|(name, value)| Some((name, value?))).filter(|(name, _)| asked(name)).collect(),
        )
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for System<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The message's own.
struct Own<'a>(&'a Attributes);

impl Own<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Own<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, attribute)| (name, Typed::new(attribute))))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Typed<'a> {
    data_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

impl<'a> Typed<'a> {
    fn new(attribute: &'a Attribute) -> Self {
        let (string_value, binary_value) = match &attribute.value {
            AttributeValue::Text(text) => (Some(text.as_str()), None),
            AttributeValue::Binary(bytes) => (None, Some(BASE64_STANDARD.encode(bytes))),
        };
        Typed { data_type: &attribute.data_type, string_value, binary_value }
    }
}
