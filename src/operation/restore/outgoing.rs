//! What a copy is sent as.

use crate::model::id::QueueUrl;
use crate::model::message::{Message, Outgoing};
use crate::operation::Owner;

/// What it was, but for what must differ: a fresh deduplication id where there is one, and no hop
/// count that would make the recursion guard refuse it.
pub(super) fn outgoing(message: &Message, to: &QueueUrl, owner: &Owner) -> Outgoing {
    let fifo = to.as_str().ends_with(".fifo");
    let trace = message.system.trace_header.as_ref().map(|trace| {
        trace.split(';').filter(|part| !part.trim_start().starts_with("Lineage=")).collect::<Vec<_>>().join(";")
    });
    let deduplication = format!("{}-{}", owner.operation, message.id);
    Outgoing {
        body: message.body.clone(),
        attributes: message.attributes.clone(),
        delay_s: None,
        trace_header: trace.filter(|trace| !trace.is_empty()),
        group_id: message.system.group_id.clone().or_else(|| fifo.then(|| message.id.to_string())),
        deduplication_id: fifo
            .then(|| deduplication.chars().filter(char::is_ascii_graphic).take(DEDUPLICATION_ID_MAX).collect()),
    }
}

/// `MessageDeduplicationId`: at most 128 characters.
const DEDUPLICATION_ID_MAX: usize = 128;
