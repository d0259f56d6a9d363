//! What a dead letter is sent as: byte for byte what it was, but for what must differ, and where to.

use sha2::{Digest, Sha256};

use crate::model::hexadecimal::hexadecimal;
use crate::model::id::{OperationId, QueueUrl};
use crate::model::message::{Attribute, AttributeValue, MAX_ATTRIBUTES, Message, Outgoing};
use crate::model::plan::RedrivePlan;

/// The queue this message goes back to; `None` when its origin is not known and the plan has no
/// fallback. Each to its own: a dead-letter queue may serve several (lessons, pitfall 5).
pub(super) fn destination(message: &Message, plan: &RedrivePlan) -> Option<QueueUrl> {
    let origin = message.system.dead_letter_source.as_ref();
    let known = origin.and_then(|origin| plan.origins.iter().find(|(arn, _)| arn == origin));
    known.map(|(_, url)| url.clone()).or_else(|| plan.fallback.clone())
}

/// The message as it is sent to `to`, with `edited` for its body where it was changed.
pub(super) fn outgoing(
    message: &Message,
    edited: Option<&str>,
    to: &QueueUrl,
    plan: &RedrivePlan,
    operation: &OperationId,
) -> Outgoing {
    let fifo = is_fifo(to);
    let system = &message.system;
    let mut outgoing = Outgoing {
        body: edited.unwrap_or(&message.body).to_owned(),
        attributes: message.attributes.clone(),
        delay_s: None,
        trace_header: system.trace_header.as_deref().and_then(without_lineage),
        group_id: system.group_id.clone().or_else(|| fifo.then(|| message.id.to_string())),
        // The old one would be taken for a repetition and dropped in silence (lessons, pitfall 10).
        deduplication_id: fifo.then(|| fresh_deduplication_id(operation, message)),
    };
    let slot = outgoing.attributes.len() < MAX_ATTRIBUTES || outgoing.attributes.contains_key(MARK);
    if plan.mark && slot {
        let before = outgoing.attributes.insert(MARK.to_owned(), Attribute::text(message.id.as_str()));
        if outgoing.size_bytes() as u64 > plan.max_message_bytes {
            match before {
                Some(attribute) => outgoing.attributes.insert(MARK.to_owned(), attribute),
                None => outgoing.attributes.remove(MARK),
            };
        }
    }
    outgoing
}

pub(super) fn is_fifo(queue: &QueueUrl) -> bool {
    queue.as_str().ends_with(".fifo")
}

/// SHA-256 of the body, and of the attributes with their lengths, in hexadecimal.
pub(super) fn digests(outgoing: &Outgoing) -> (String, String) {
    let mut hash = Sha256::new();
    let mut put = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for (name, attribute) in &outgoing.attributes {
        put(name.as_bytes());
        put(attribute.data_type.as_bytes());
        match &attribute.value {
            AttributeValue::Text(text) => put(text.as_bytes()),
            AttributeValue::Binary(bytes) => put(bytes),
        }
    }
    (hexadecimal(&Sha256::digest(outgoing.body.as_bytes())), hexadecimal(&hash.finalize()))
}

/// The trace header without its hop count: a message sent again with it is refused at once by the
/// recursion guard (aws-facts §1.9). `None` when nothing else is in it.
fn without_lineage(header: &str) -> Option<String> {
    let parts: Vec<&str> = header.split(';').filter(|part| !part.trim_start().starts_with("Lineage=")).collect();
    let kept = parts.join(";");
    (!kept.trim().is_empty()).then_some(kept)
}

fn fresh_deduplication_id(operation: &OperationId, message: &Message) -> String {
    let id = format!("{operation}-{}", message.id);
    id.chars().filter(char::is_ascii_graphic).take(DEDUPLICATION_ID_MAX).collect()
}

/// Names the message this one was redriven from.
pub const MARK: &str = "redrive-from";
/// `MessageDeduplicationId`: at most 128 characters.
const DEDUPLICATION_ID_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::SystemAttributes;

    fn plan() -> RedrivePlan {
        let origins = vec![
            ("arn:aws:sqs:r:1:a".into(), "https://sqs/1/a".into()),
            ("arn:aws:sqs:r:1:b".into(), "https://sqs/1/b".into()),
        ];
        RedrivePlan::new("https://sqs/1/dlq".into(), "arn:aws:sqs:r:1:dlq".into(), vec!["m-1".into()], origins)
    }

    fn message() -> Message {
        Message {
            id: "m-1".into(),
            receipt: "r-1".into(),
            body: "body".to_owned(),
            attributes: [
                (
                    "n".to_owned(),
                    Attribute { data_type: "Number.int".to_owned(), value: AttributeValue::Text("7".to_owned()) },
                ),
                (
                    "b".to_owned(),
                    Attribute { data_type: "Binary".to_owned(), value: AttributeValue::Binary(vec![0, 255]) },
                ),
            ]
            .into(),
            system: SystemAttributes {
                dead_letter_source: Some("arn:aws:sqs:r:1:b".into()),
                trace_header: Some(
                    "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=25:a87bd80c:1;Sampled=1".to_owned(),
                ),
                group_id: Some("tenant".to_owned()),
                deduplication_id: Some("old".to_owned()),
                ..SystemAttributes::default()
            },
        }
    }

    #[test]
    fn each_goes_back_to_the_queue_it_came_from() {
        let mut lost = message();
        lost.system.dead_letter_source = None;
        assert_eq!(destination(&message(), &plan()), Some("https://sqs/1/b".into()));
        assert_eq!(destination(&lost, &plan()), None);
        let fallback = RedrivePlan { fallback: Some("https://sqs/1/c".into()), ..plan() };
        assert_eq!(destination(&lost, &fallback), Some("https://sqs/1/c".into()));
    }

    #[test]
    fn everything_is_carried_but_the_hop_count_and_the_old_deduplication_id() {
        let sent = outgoing(&message(), None, &"https://sqs/1/b".into(), &plan(), &"op-1".into());
        assert_eq!(sent.body, "body");
        assert_eq!(sent.attributes.len(), 3);
        assert_eq!(sent.attributes["b"].value, AttributeValue::Binary(vec![0, 255]));
        assert_eq!(sent.attributes[MARK], Attribute::text("m-1"));
        assert_eq!(sent.trace_header.as_deref(), Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"));
        assert_eq!((sent.group_id.as_deref(), sent.deduplication_id), (Some("tenant"), None));
        let fifo = outgoing(&message(), None, &"https://sqs/1/b.fifo".into(), &plan(), &"op-1".into());
        assert_eq!(fifo.deduplication_id.as_deref(), Some("op-1-m-1"));
    }

    #[test]
    fn the_mark_takes_no_slot_that_is_not_free() {
        let mut full = message();
        for n in 0..8 {
            full.attributes.insert(format!("x{n}"), Attribute::text("v"));
        }
        assert_eq!(outgoing(&full, None, &"q".into(), &plan(), &"op".into()).attributes, full.attributes);
        let tight = RedrivePlan { max_message_bytes: message().size_bytes() as u64, ..plan() };
        assert_eq!(outgoing(&message(), None, &"q".into(), &tight, &"op".into()).attributes, message().attributes);
    }
}
