//! Messages between SQS's shapes and ours, whole: every attribute type, every system attribute.

use std::collections::HashMap;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    Message as SqsMessage, MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use aws_smithy_types::error::operation::BuildError;

use crate::model::id::Arn;
use crate::model::message::{Attribute, AttributeValue, Message, Outgoing, SystemAttributes};
use crate::model::time::Timestamp;

/// `None` for an answer without id or receipt, which cannot be acted on.
pub(super) fn received(message: SqsMessage) -> Option<Message> {
    let system = system_from(&message.attributes.unwrap_or_default());
    let attributes = message.message_attributes.unwrap_or_default();
    Some(Message {
        id: message.message_id?.into(),
        receipt: message.receipt_handle?.into(),
        body: message.body.unwrap_or_default(),
        attributes: attributes.into_iter().map(|(name, value)| (name, attribute_from(value))).collect(),
        system,
    })
}

pub(super) fn entry(index: usize, outgoing: &Outgoing) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(&outgoing.body)
        .set_delay_seconds(outgoing.delay_s.and_then(|s| i32::try_from(s).ok()))
        .set_message_group_id(outgoing.group_id.clone())
        .set_message_deduplication_id(outgoing.deduplication_id.clone());
    for (name, attribute) in &outgoing.attributes {
        entry = entry.message_attributes(name, attribute_to(attribute)?);
    }
    if let Some(trace) = &outgoing.trace_header {
        let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build()?;
        entry = entry.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
    }
    entry.build()
}

fn attribute_from(value: MessageAttributeValue) -> Attribute {
    let content = match value.binary_value {
        Some(bytes) => AttributeValue::Binary(bytes.into_inner()),
        None => AttributeValue::Text(value.string_value.unwrap_or_default()),
    };
    Attribute { data_type: value.data_type, value: content }
}

fn attribute_to(attribute: &Attribute) -> Result<MessageAttributeValue, BuildError> {
    let builder = MessageAttributeValue::builder().data_type(&attribute.data_type);
    match &attribute.value {
        AttributeValue::Text(text) => builder.string_value(text),
        AttributeValue::Binary(bytes) => builder.binary_value(Blob::new(bytes.clone())),
    }
    .build()
}

fn system_from(attributes: &HashMap<MessageSystemAttributeName, String>) -> SystemAttributes {
    let text = |name: MessageSystemAttributeName| attributes.get(&name).cloned();
    let moment = |name| text(name).and_then(|ms| ms.parse().ok()).map(Timestamp::from_ms);
    SystemAttributes {
        sent_at: moment(MessageSystemAttributeName::SentTimestamp).unwrap_or_default(),
        receive_count: text(MessageSystemAttributeName::ApproximateReceiveCount)
            .and_then(|n| n.parse().ok())
            .unwrap_or_default(),
        first_received_at: moment(MessageSystemAttributeName::ApproximateFirstReceiveTimestamp),
        dead_letter_source: text(MessageSystemAttributeName::DeadLetterQueueSourceArn).map(Arn::new),
        trace_header: text(MessageSystemAttributeName::AwsTraceHeader),
        group_id: text(MessageSystemAttributeName::MessageGroupId),
        deduplication_id: text(MessageSystemAttributeName::MessageDeduplicationId),
        sequence_number: text(MessageSystemAttributeName::SequenceNumber),
        sender_id: text(MessageSystemAttributeName::SenderId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_attribute_survives_the_way_there_and_back() {
        let mut outgoing = Outgoing { body: "message-1".to_owned(), ..Outgoing::default() };
        outgoing.attributes.insert(
            "n".to_owned(),
            Attribute { data_type: "Number.int".to_owned(), value: AttributeValue::Text("7".to_owned()) },
        );
        outgoing.attributes.insert(
            "b".to_owned(),
            Attribute { data_type: "Binary".to_owned(), value: AttributeValue::Binary(vec![0, 255]) },
        );
        outgoing.trace_header = Some("Root=1".to_owned());
        let entry = entry(3, &outgoing).expect("complete");
        assert_eq!(entry.id(), "3");
        let sent = entry.message_attributes().expect("two").clone();
        let back = sent.into_iter().map(|(name, value)| (name, attribute_from(value))).collect();
        assert_eq!(outgoing.attributes, back);
        assert!(entry.message_system_attributes().is_some());
    }
}
