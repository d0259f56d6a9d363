//! Messages as lines of a file, and back: one JSON object a line, with everything a message is made
//! of, byte for byte. What JSON cannot carry is base64.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::model::message::{Attribute, AttributeValue, Message, SystemAttributes};
use crate::model::time::Timestamp;

/// Raised when a line changes its meaning.
pub const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    redrive_export: u32,
    /// The queue it lay in.
    queue: String,
    id: String,
    /// As it was, every character of it.
    body: String,
    /// It was not: the line is for reading and nothing is made of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    redacted: bool,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at_ms: Option<i64>,
    #[serde(default)]
    receive_count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_received_at_ms: Option<i64>,
    /// `DeadLetterQueueSourceArn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deduplication_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sender_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Value {
    #[serde(rename = "type")]
    data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// One line, its end included. Pure ASCII: whatever shows the file cannot be led astray by it.
pub fn line(queue: &str, message: &Message) -> String {
    text(queue, message, false)
}

/// A line for reading. One whose body is redacted says so and is never put back.
pub fn shown(message: &Message, redacted: bool) -> String {
    text("", message, redacted)
}

fn text(queue: &str, message: &Message, redacted: bool) -> String {
    let system = &message.system;
    let value = |attribute: &Attribute| {
        let (text, base64) = match &attribute.value {
            AttributeValue::Text(text) => (Some(text.clone()), None),
            AttributeValue::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
        };
        Value { data_type: attribute.data_type.clone(), text, base64 }
    };
    let line = Line {
        redrive_export: VERSION,
        queue: queue.to_owned(),
        id: message.id.to_string(),
        body: message.body.clone(),
        redacted,
        attributes: message.attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect(),
        sent_at_ms: Some(system.sent_at.ms()),
        receive_count: system.receive_count,
        first_received_at_ms: system.first_received_at.map(Timestamp::ms),
        from: system.dead_letter_source.as_ref().map(ToString::to_string),
        group_id: system.group_id.clone(),
        deduplication_id: system.deduplication_id.clone(),
        sequence_number: system.sequence_number.clone(),
        trace_header: system.trace_header.clone(),
        sender_id: system.sender_id.clone(),
    };
    let mut text = ascii(&serde_json::to_string(&line).unwrap_or_default());
    text.push('\n');
    text
}

/// Every character beyond ASCII, and DEL, as JSON escapes it.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if (' '..='~').contains(&c) {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// A line back to the queue's name and the message.
///
/// # Errors
/// What is wrong with it.
pub fn parse(line: &str) -> Result<(String, Message), String> {
    let line: Line = serde_json::from_str(line).map_err(|error| format!("not a line of an export: {error}"))?;
    if line.redrive_export != VERSION {
        return Err(format!("a line of version {}; this redrive reads {VERSION}", line.redrive_export));
    }
    if line.redacted {
        return Err(format!("the body of {} is redacted here; dlq export writes it whole", line.id));
    }
    let mut attributes = BTreeMap::new();
    for (name, value) in line.attributes {
        let content = match (value.text, value.base64) {
            (Some(text), None) => AttributeValue::Text(text),
            (None, Some(base64)) => AttributeValue::Binary(
                STANDARD.decode(base64).map_err(|error| format!("attribute {name}: not base64: {error}"))?,
            ),
            _ => return Err(format!("attribute {name} has neither text nor base64, or both")),
        };
        attributes.insert(name, Attribute { data_type: value.data_type, value: content });
    }
    let system = SystemAttributes {
        sent_at: line.sent_at_ms.map(Timestamp::from_ms).unwrap_or_default(),
        receive_count: line.receive_count,
        first_received_at: line.first_received_at_ms.map(Timestamp::from_ms),
        dead_letter_source: line.from.map(Into::into),
        trace_header: line.trace_header,
        group_id: line.group_id,
        deduplication_id: line.deduplication_id,
        sequence_number: line.sequence_number,
        sender_id: line.sender_id,
    };
    let message = Message { id: line.id.into(), receipt: String::new().into(), body: line.body, attributes, system };
    Ok((line.queue, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_byte_for_byte_however_hostile() {
        let deep = "[".repeat(10_000);
        let large = "x".repeat(1_048_576);
        for body in
            ["", "plain", "nul\0 esc\u{1b}]0;x\u{7} \u{202e}rtl \u{feff} \"q\" \\ \r\n\t 😀 é \u{7f}", &deep, &large]
        {
            let attributes = (0..10_u8).map(|n| {
                let value = if n % 2 == 0 {
                    AttributeValue::Binary(vec![n, 0, 255, 27])
                } else {
                    AttributeValue::Text(format!("\u{1b}[{n}m"))
                };
                let data_type = if n % 2 == 0 { "Binary.gzip" } else { "String" };
                (format!("a{n}\u{202e}"), Attribute { data_type: data_type.to_owned(), value })
            });
            let message = Message {
                id: "m-1".into(),
                receipt: "".into(),
                body: body.to_owned(),
                attributes: attributes.collect(),
                system: SystemAttributes {
                    sent_at: Timestamp::from_ms(1_767_236_000_123),
                    receive_count: 6,
                    first_received_at: Some(Timestamp::from_ms(1_767_236_001_456)),
                    dead_letter_source: Some("arn:aws:sqs:r:1:JobQueue".into()),
                    trace_header: Some("Root=1".to_owned()),
                    group_id: Some("g".to_owned()),
                    deduplication_id: Some("d".to_owned()),
                    sequence_number: Some("7".to_owned()),
                    sender_id: Some("AIDA".to_owned()),
                },
            };
            let line = line("JobDLQ", &message);
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\n'));
            assert_eq!(line.matches('\n').count(), 1);
            assert_eq!(parse(&line), Ok(("JobDLQ".to_owned(), message)));
        }
    }

    #[test]
    fn a_line_that_is_none_is_told() {
        assert!(parse("{}").is_err_and(|why| why.contains("not a line")));
        assert!(parse(r#"{"redrive_export":2,"queue":"q","id":"i","body":""}"#).is_err_and(|why| why.contains('2')));
        let both = r#"{"redrive_export":1,"queue":"q","id":"i","body":"","attributes":{"a":{"type":"String"}}}"#;
        assert!(parse(both).is_err_and(|why| why.contains("attribute a")));
    }
}
