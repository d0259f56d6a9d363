//! The event a function gets with one message of a queue (aws-facts §5.2): built as Lambda builds it,
//! from a message that was received from the dead-letter queue instead.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::model::id::Arn;
use crate::model::md5;
use crate::model::message::{Attribute, AttributeValue, Message};

/// `{"Records":[…]}` with the message as `source` would deliver it. The receipt handle is made up: the
/// real one belongs to another queue, and deleting by it is this program's business.
pub fn event(message: &Message, source: &Arn, region: &str) -> Value {
    let attributes: Map<String, Value> =
        message.attributes.iter().map(|(name, attribute)| (name.clone(), shown(attribute))).collect();
    json!({"Records": [{
        "messageId": message.id.as_str(),
        "receiptHandle": receipt(message),
        "body": message.body,
        "attributes": system(message),
        "messageAttributes": attributes,
        "md5OfBody": md5::of_body(&message.body),
        "md5OfMessageAttributes": md5::of_attributes(&message.attributes),
        "eventSource": "aws:sqs",
        "eventSourceARN": source.as_str(),
        "awsRegion": region,
    }]})
}

fn receipt(message: &Message) -> String {
    format!("{RECEIPT}{}", message.id)
}

/// How the made-up receipt handle begins.
pub const RECEIPT: &str = "redrive-try-";

fn shown(attribute: &Attribute) -> Value {
    let mut shown = json!({"dataType": attribute.data_type, "stringListValues": [], "binaryListValues": []});
    match &attribute.value {
        AttributeValue::Text(text) => shown["stringValue"] = json!(text),
        AttributeValue::Binary(bytes) => shown["binaryValue"] = json!(BASE64_STANDARD.encode(bytes)),
    }
    shown
}

/// Everything here is text, also the numbers.
fn system(message: &Message) -> Map<String, Value> {
    let system = &message.system;
    let all = [
        ("ApproximateReceiveCount", Some(system.receive_count.to_string())),
        ("SentTimestamp", Some(system.sent_at.ms().to_string())),
        ("SenderId", system.sender_id.clone()),
        ("ApproximateFirstReceiveTimestamp", system.first_received_at.map(|at| at.ms().to_string())),
        ("AWSTraceHeader", system.trace_header.clone()),
        ("MessageGroupId", system.group_id.clone()),
        ("MessageDeduplicationId", system.deduplication_id.clone()),
        ("SequenceNumber", system.sequence_number.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attributes, SystemAttributes};
    use crate::model::time::Timestamp;

    #[test]
    fn the_event_is_spelt_as_lambda_spells_it() {
        let binary = Attribute { data_type: "Binary.gzip".into(), value: AttributeValue::Binary(vec![0, 255]) };
        let message = Message {
            id: "059f36b4".into(),
            receipt: "AQEB".into(),
            body: "message-1".into(),
            attributes: Attributes::from([("b".into(), binary), ("k".into(), Attribute::text("v"))]),
            system: SystemAttributes {
                sent_at: Timestamp::from_ms(1_545_082_649_183),
                receive_count: 6,
                first_received_at: Some(Timestamp::from_ms(1_545_082_649_185)),
                sender_id: Some("AIDA".into()),
                dead_letter_source: Some("arn:aws:sqs:r:1:q".into()),
                ..SystemAttributes::default()
            },
        };
        let event = event(&message, &"arn:aws:sqs:r:1:q".into(), "eu-west-1");
        let record = &event["Records"][0];
        assert_eq!(record["md5OfBody"], "3d6b824fd8c1520e9a047d21fee6fb1f");
        assert_eq!(record["receiptHandle"], "redrive-try-059f36b4", "not the queue's own");
        assert_eq!(
            (&record["eventSourceARN"], &record["awsRegion"]),
            (&json!("arn:aws:sqs:r:1:q"), &json!("eu-west-1"))
        );
        let attributes = json!({
            "ApproximateReceiveCount": "6", "SentTimestamp": "1545082649183", "SenderId": "AIDA",
            "ApproximateFirstReceiveTimestamp": "1545082649185"
        });
        assert_eq!(record["attributes"], attributes);
        let lists = json!([]);
        let text =
            json!({"dataType": "String", "stringValue": "v", "stringListValues": lists, "binaryListValues": lists});
        assert_eq!(record["messageAttributes"]["k"], text);
        assert_eq!(record["messageAttributes"]["b"]["binaryValue"], "AP8=");
        assert_eq!(record["messageAttributes"]["b"]["dataType"], "Binary.gzip");
    }
}
