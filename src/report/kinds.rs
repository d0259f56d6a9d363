//! Kinds of failure as rows, and one letter in full for a terminal.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::message::{AttributeValue, Message};
use crate::model::time::{Timestamp, spoken};
use crate::report::table::{Table, clean};

#[derive(Debug, Serialize)]
pub struct Row {
    pub kind: String,
    pub count: u64,
    /// First and last send of them.
    pub first_sent: String,
    pub last_sent: String,
    /// The id of one of them.
    pub example: String,
}

/// One row a kind, the largest first.
pub fn rows<'a>(letters: impl Iterator<Item = (&'a Message, String)>) -> Vec<Row> {
    struct Seen<'a> {
        count: u64,
        first: &'a Message,
        last: &'a Message,
    }
    let mut kinds: BTreeMap<String, Seen<'a>> = BTreeMap::new();
    for (message, kind) in letters {
        let seen = kinds.entry(kind).or_insert(Seen { count: 0, first: message, last: message });
        seen.count += 1;
        if message.system.sent_at < seen.first.system.sent_at {
            seen.first = message;
        }
        if message.system.sent_at >= seen.last.system.sent_at {
            seen.last = message;
        }
    }
    let mut rows: Vec<Row> = kinds
        .into_iter()
        .map(|(kind, seen)| Row {
            kind,
            count: seen.count,
            first_sent: seen.first.system.sent_at.to_string(),
            last_sent: seen.last.system.sent_at.to_string(),
            example: seen.last.id.to_string(),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

pub fn table(rows: &[Row], now: Timestamp) -> String {
    let mut table = Table::new(&["COUNT", "KIND", "FIRST SENT", "LAST SENT", "EXAMPLE"]);
    let ago = |text: &str| Timestamp::parse(text).map_or(String::new(), |at| spoken(now.ms_since(at)) + " ago");
    for row in rows {
        table.row([
            row.count.to_string(),
            row.kind.clone(),
            ago(&row.first_sent),
            ago(&row.last_sent),
            row.example.clone(),
        ]);
    }
    table.text()
}

/// Everything of a message, nothing of it able to move the cursor.
pub fn letter(message: &Message, kind: &str) -> String {
    let system = &message.system;
    let mut text = String::new();
    let mut pair = |name: &str, value: &str| text.push_str(&format!("{name:<10}{}\n", clean(value)));
    pair("id", message.id.as_str());
    pair("kind", kind);
    pair("sent", &system.sent_at.to_string());
    pair("received", &format!("{} times", system.receive_count));
    if let Some(from) = &system.dead_letter_source {
        pair("from", from.as_str());
    }
    for (name, attribute) in &message.attributes {
        let value = match &attribute.value {
            AttributeValue::Text(value) => value.clone(),
            AttributeValue::Binary(bytes) => format!("{} bytes", bytes.len()),
        };
        pair("attribute", &format!("{name} ({}) = {value}", attribute.data_type));
    }
    for line in message.body.split('\n') {
        text.push_str(&clean(line));
        text.push('\n');
    }
    text.push('\n');
    text
}
