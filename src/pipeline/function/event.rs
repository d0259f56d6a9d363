//! The events functions are invoked with, as JSON: for external functions, for `Invoke`, and for the
//! payload of failure documents (aws-facts §5). The embedded handlers take the typed forms instead.

use serde_json::{Value, json};

use crate::automation::event::EventItem;
use crate::automation::identity::RunId;
use crate::automation::request::object_key;
use crate::automation::request_worker::encode_key;
use crate::model::id::{Arn, MessageId, ReceiptHandle};
use crate::model::md5;
use crate::model::message::{AttributeValue, Attributes, Message, SystemAttributes};
use crate::model::time::Timestamp;
use base64::Engine;

/// A batch of an SQS mapping.
pub fn sqs(messages: &[Message], queue: &Arn, region: &str) -> Value {
    let record = |message: &Message| {
        let attributes: serde_json::Map<String, Value> = message
            .attributes
            .iter()
            .map(|(name, attribute)| {
                let mut shown =
                    json!({"dataType": attribute.data_type, "stringListValues": [], "binaryListValues": []});
                match &attribute.value {
                    AttributeValue::Text(text) => shown["stringValue"] = json!(text),
                    AttributeValue::Binary(bytes) => {
                        shown["binaryValue"] = json!(base64::engine::general_purpose::STANDARD.encode(bytes));
                    }
                }
                (name.clone(), shown)
            })
            .collect();
        json!({
            "messageId": message.id.as_str(),
            "receiptHandle": message.receipt.as_str(),
            "body": message.body,
            "attributes": system_attributes(message),
            "messageAttributes": attributes,
            "md5OfBody": md5::of_body(&message.body),
            "md5OfMessageAttributes": md5::of_attributes(&message.attributes),
            "eventSource": "aws:sqs",
            "eventSourceARN": queue.as_str(),
            "awsRegion": region,
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// The messages of a batch that somebody invokes the function with; what the handlers do not read of
/// them is left out.
pub fn messages(records: &[Value]) -> Vec<Message> {
    let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let message = |record: &Value| Message {
        id: MessageId::new(text(record, "/messageId").unwrap_or_default()),
        receipt: ReceiptHandle::new(text(record, "/receiptHandle").unwrap_or_default()),
        body: text(record, "/body").unwrap_or_default(),
        attributes: Attributes::new(),
        system: SystemAttributes {
            group_id: text(record, "/attributes/MessageGroupId"),
            sequence_number: text(record, "/attributes/SequenceNumber"),
            ..SystemAttributes::default()
        },
    };
    records.iter().map(message).collect()
}

fn system_attributes(message: &Message) -> Value {
    let system = &message.system;
    let mut shown = json!({
        "ApproximateReceiveCount": system.receive_count.to_string(),
        "SentTimestamp": system.sent_at.ms().to_string(),
        "SenderId": system.sender_id.as_deref().unwrap_or(""),
    });
    if let Some(first) = system.first_received_at {
        shown["ApproximateFirstReceiveTimestamp"] = json!(first.ms().to_string());
    }
    if let Some(header) = &system.trace_header {
        shown["AWSTraceHeader"] = json!(header);
    }
    if let Some(source) = &system.dead_letter_source {
        shown["DeadLetterQueueSourceArn"] = json!(source.as_str());
    }
    for (name, value) in [
        ("MessageGroupId", &system.group_id),
        ("MessageDeduplicationId", &system.deduplication_id),
        ("SequenceNumber", &system.sequence_number),
    ] {
        if let Some(value) = value {
            shown[name] = json!(value);
        }
    }
    shown
}

/// A batch of a DynamoDB stream: sequence number and event of each record.
pub fn dynamodb(records: &[(String, EventItem)], stream: &Arn, region: &str) -> Value {
    let record = |(sequence_number, event): &(String, EventItem)| {
        json!({
            "eventID": format!("{:032x}", event.identity.item_key().item_hash()),
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": region,
            "dynamodb": {
                "ApproximateCreationDateTime": event.at.s(),
                "Keys": event.keys_image(),
                "NewImage": event.image(),
                "SequenceNumber": sequence_number,
                "SizeBytes": event.size_bytes(),
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": stream.as_str(),
        })
    };
    json!({ "Records": records.iter().map(record).collect::<Vec<_>>() })
}

/// `ObjectCreated:Put` of a run's request.
pub fn object_created(bucket: &str, run: RunId, at: Timestamp, region: &str) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": at.to_string(),
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "automations",
            "bucket": {"name": bucket, "arn": format!("arn:aws:s3:::{bucket}")},
            "object": {"key": encode_key(&object_key(run)), "sequencer": format!("{:016X}", at.ms())},
        },
    }]})
}
