//! Gathers a log that was read while letters died, and finds the lines that name one of them. A hundred
//! thousand messages are looked through, so not where keys are waited for.

use std::sync::Arc;

use crate::console::deaths::Errors;
use crate::model::log::{LogLine, LogReading};
use crate::model::message::Message;
use crate::model::redaction::Redaction;
use crate::query::names::names;
use crate::verdict::log::{self, Naming};

pub async fn errors(reading: LogReading, messages: Vec<Arc<Message>>, redaction: Redaction) -> Errors {
    let gathered = tokio::task::spawn_blocking(move || gather(&reading, &messages, &redaction)).await;
    // It does not panic; and if it did, there is nothing to show.
    gathered.unwrap_or_default()
}

fn gather(reading: &LogReading, messages: &[Arc<Message>], redaction: &Redaction) -> Errors {
    let naming = Naming::new(&reading.lines);
    let named = |message: &Arc<Message>| {
        let names = names(message);
        let line = naming.line_of(names.iter().map(String::as_str))?;
        let text = redaction.line(&line.text).into_owned();
        Some((message.id.clone(), LogLine { text, ..line.clone() }))
    };
    Errors {
        exact: messages.iter().filter_map(named).collect(),
        digest: log::digest(&reading.lines, redaction),
        complete_from: reading.complete_from,
        requests: reading.requests,
        bytes: reading.bytes,
    }
}
