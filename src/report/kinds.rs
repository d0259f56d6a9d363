//! Kinds of failure as rows, and one letter in full for a terminal.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::id::MessageId;
use crate::model::message::{AttributeValue, Message};
use crate::model::size;
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

/// Kinds as they are counted, a letter at a time.
#[derive(Debug, Default)]
pub struct Kinds(BTreeMap<String, Seen>);

#[derive(Debug)]
struct Seen {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    example: MessageId,
}

impl Kinds {
    pub fn count(&mut self, message: &Message, kind: String) {
        let at = message.system.sent_at;
        let new = || Seen { count: 0, first: at, last: at, example: message.id.clone() };
        let seen = self.0.entry(kind).or_insert_with(new);
        seen.count += 1;
        seen.first = seen.first.min(at);
        if at >= seen.last {
            (seen.last, seen.example) = (at, message.id.clone());
        }
    }

    /// One row a kind, the largest first.
    pub fn rows(self) -> Vec<Row> {
        let row = |(kind, seen): (String, Seen)| Row {
            kind,
            count: seen.count,
            first_sent: seen.first.to_string(),
            last_sent: seen.last.to_string(),
            example: seen.example.to_string(),
        };
        let mut rows: Vec<Row> = self.0.into_iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }
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
            AttributeValue::Binary(bytes) => size::bytes(bytes.len() as u64),
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
