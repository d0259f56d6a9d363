//! SQS answers as JSON: members that have nothing to say are left out, as SQS leaves them out.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::fault;
use crate::model::md5;
use crate::model::message::{AttributeValue, Attributes, Message, SystemAttributes};
use crate::model::move_task::MoveTask;
use crate::pipeline::request::{EntryFailure, Reply, Response, Sent, SqsReply};
use crate::wire::{answer, mismatched};

/// Writes the answer to `operation`.
pub fn write(operation: &str, response: Response) -> http::Response<Bytes> {
    let reply = match response {
        Ok(Reply::Sqs(reply)) => reply,
        Ok(_) => return fault::write(&mismatched(&format!("sqs:{operation}"))),
        Err(error) => return fault::write(&error),
    };
    let body = match body(operation, reply) {
        // Operations without an answer have an empty body (aws-facts §7).
        None => String::new(),
        Some(members) => Value::Object(members).to_string(),
    };
    answer(200, &[("content-type", "application/x-amz-json-1.0")], body)
}

fn body(operation: &str, reply: SqsReply) -> Option<Map<String, Value>> {
    let mut m = Map::new();
    match reply {
        SqsReply::Queues { urls, token } => {
            // The one member of SQS's that begins with a small letter (aws-facts §3.3).
            let name = if operation == "ListDeadLetterSourceQueues" { "queueUrls" } else { "QueueUrls" };
            if !urls.is_empty() || operation == "ListDeadLetterSourceQueues" {
                put(&mut m, name, urls.iter().map(|url| url.as_str()).collect::<Vec<_>>());
            }
            put_some(&mut m, "NextToken", token);
        }
        SqsReply::Url(url) => put(&mut m, "QueueUrl", url.as_str()),
        SqsReply::Attributes(attributes) => {
            if !attributes.is_empty() {
                put(&mut m, "Attributes", json!(attributes));
            }
        }
        SqsReply::Done => return None,
        SqsReply::Sent(sent) => m = sent_members(&sent),
        SqsReply::SentBatch { ok, failed } => {
            let entry = |(id, sent): &(String, Sent)| {
                let mut entry = sent_members(sent);
                put(&mut entry, "Id", id.as_str());
                Value::Object(entry)
            };
            put_list(&mut m, "Successful", ok.iter().map(entry).collect());
            put_list(&mut m, "Failed", failed.iter().map(failure).collect());
        }
        SqsReply::Received { messages, system_names } => {
            put_list(&mut m, "Messages", messages.iter().map(|one| message(one, &system_names)).collect());
        }
        SqsReply::Batch { ok, failed } => {
            put_list(&mut m, "Successful", ok.iter().map(|id| json!({"Id": id})).collect());
            put_list(&mut m, "Failed", failed.iter().map(failure).collect());
        }
        SqsReply::TaskStarted(handle) => put(&mut m, "TaskHandle", handle.as_str()),
        SqsReply::Tasks(tasks) => put(&mut m, "Results", tasks.iter().map(task).collect::<Vec<_>>()),
        SqsReply::TaskCancelled { moved } => put(&mut m, "ApproximateNumberOfMessagesMoved", moved),
    }
    Some(m)
}

fn sent_members(sent: &Sent) -> Map<String, Value> {
    let mut m = Map::new();
    put(&mut m, "MessageId", sent.id.as_str());
    put(&mut m, "MD5OfMessageBody", sent.md5_of_body.as_str());
    put_some(&mut m, "MD5OfMessageAttributes", sent.md5_of_attributes.clone());
    put_some(&mut m, "SequenceNumber", sent.sequence_number.clone());
    m
}

fn failure(failure: &EntryFailure) -> Value {
    json!({"Id": failure.id, "Code": failure.code, "Message": failure.message, "SenderFault": failure.sender_fault})
}

fn message(message: &Message, system_names: &[String]) -> Value {
    let mut m = Map::new();
    put(&mut m, "MessageId", message.id.as_str());
    put(&mut m, "ReceiptHandle", message.receipt.as_str());
    put(&mut m, "MD5OfBody", md5::of_body(&message.body));
    put(&mut m, "Body", message.body.as_str());
    let system = system(&message.system, system_names);
    if !system.is_empty() {
        put(&mut m, "Attributes", system);
    }
    if !message.attributes.is_empty() {
        put_some(&mut m, "MD5OfMessageAttributes", md5::of_attributes(&message.attributes));
        put(&mut m, "MessageAttributes", attributes(&message.attributes));
    }
    Value::Object(m)
}

/// The system attributes that were asked for, all of them strings.
fn system(system: &SystemAttributes, names: &[String]) -> Map<String, Value> {
    let all = [
        ("SenderId", system.sender_id.clone()),
        ("SentTimestamp", Some(system.sent_at.ms().to_string())),
        ("ApproximateReceiveCount", Some(system.receive_count.to_string())),
        ("ApproximateFirstReceiveTimestamp", system.first_received_at.map(|at| at.ms().to_string())),
        ("DeadLetterQueueSourceArn", system.dead_letter_source.as_ref().map(|arn| arn.as_str().to_owned())),
        ("AWSTraceHeader", system.trace_header.clone()),
        ("MessageGroupId", system.group_id.clone()),
        ("MessageDeduplicationId", system.deduplication_id.clone()),
        ("SequenceNumber", system.sequence_number.clone()),
    ];
    let asked = |name: &str| names.iter().any(|asked| asked == "All" || asked == name);
    let mut m = Map::new();
    for (name, value) in all {
        if asked(name) {
            put_some(&mut m, name, value);
        }
    }
    m
}

fn attributes(attributes: &Attributes) -> Map<String, Value> {
    let one = |(name, attribute): (&String, &crate::model::message::Attribute)| {
        let value = match &attribute.value {
            AttributeValue::Text(text) => json!({"DataType": attribute.data_type, "StringValue": text}),
            AttributeValue::Binary(bytes) => {
                json!({"DataType": attribute.data_type, "BinaryValue": BASE64_STANDARD.encode(bytes)})
            }
        };
        (name.clone(), value)
    };
    attributes.iter().map(one).collect()
}

/// The handle only while the task runs (aws-facts §3.5); the pipeline says so by leaving it out.
fn task(task: &MoveTask) -> Value {
    let mut m = Map::new();
    put_some(&mut m, "TaskHandle", task.handle.as_ref().map(|handle| handle.as_str().to_owned()));
    put(&mut m, "Status", task.status.as_str());
    put(&mut m, "SourceArn", task.source.as_str());
    put_some(&mut m, "DestinationArn", task.destination.as_ref().map(|arn| arn.as_str().to_owned()));
    put_some(&mut m, "MaxNumberOfMessagesPerSecond", task.max_per_s);
    put(&mut m, "ApproximateNumberOfMessagesMoved", task.moved);
    put_some(&mut m, "ApproximateNumberOfMessagesToMove", task.to_move);
    put_some(&mut m, "FailureReason", task.failure.clone());
    put_some(&mut m, "StartedTimestamp", task.started_at.map(|at| at.ms()));
    Value::Object(m)
}

fn put(m: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    m.insert(name.to_owned(), value.into());
}

fn put_some<T: Into<Value>>(m: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        put(m, name, value);
    }
}

fn put_list(m: &mut Map<String, Value>, name: &str, items: Vec<Value>) {
    if !items.is_empty() {
        put(m, name, items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Attribute;
    use crate::model::time::Timestamp;

    fn text(operation: &str, reply: SqsReply) -> String {
        let answer = write(operation, Ok(Reply::Sqs(reply)));
        assert_eq!(answer.status(), 200);
        String::from_utf8_lossy(answer.body()).into_owned()
    }

    #[test]
    fn an_empty_receive_has_no_messages_member() {
        assert_eq!(text("ReceiveMessage", SqsReply::Received { messages: vec![], system_names: vec![] }), "{}");
        assert_eq!(text("DeleteMessage", SqsReply::Done), "");
        let none = SqsReply::Queues { urls: vec![], token: None };
        assert_eq!(text("ListDeadLetterSourceQueues", none), r#"{"queueUrls":[]}"#);
    }

    #[test]
    fn only_system_attributes_asked_for_are_answered_as_strings() {
        let message = Message {
            id: "m".into(),
            receipt: "r".into(),
            body: "message-1".into(),
            attributes: Attributes::from([("MyAttribute".to_owned(), Attribute::text("foobar"))]),
            system: SystemAttributes { sent_at: Timestamp::from_ms(5), receive_count: 3, ..Default::default() },
        };
        let names = vec!["ApproximateReceiveCount".to_owned(), "SenderId".to_owned()];
        let body = text("ReceiveMessage", SqsReply::Received { messages: vec![message], system_names: names });
        let value: Value = serde_json::from_str(&body).expect("JSON");
        let answered = &value["Messages"][0];
        assert_eq!(answered["Attributes"], json!({"ApproximateReceiveCount": "3"}));
        assert_eq!(answered["MD5OfBody"], "3d6b824fd8c1520e9a047d21fee6fb1f");
        assert_eq!(answered["MD5OfMessageAttributes"], "adb59cd4678ea5a855436b949cd07ab6");
    }
}
