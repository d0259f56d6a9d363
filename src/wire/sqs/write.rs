//! SQS answers as JSON: members that have nothing to say are left out, as SQS leaves them out.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{fault, received};
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
    let body = match reply {
        SqsReply::SentBatch { ok, failed } => batch(ok.iter().map(|(id, sent)| Accepted::new(Some(id), sent)), &failed),
        SqsReply::Batch { ok, failed } => batch(ok.iter().map(|id| Named { id }), &failed),
        SqsReply::Received { messages, system_names } => received::write(&messages, &system_names),
        // Operations without an answer have an empty body (aws-facts §7).
        SqsReply::Done => Vec::new(),
        SqsReply::Sent(sent) => text(&Accepted::new(None, &sent)),
        rare => text(&Value::Object(body(operation, rare))),
    };
    answer(200, &[("content-type", "application/x-amz-json-1.0")], body)
}

/// The operations that are asked by the thousand: written as they stand, without a tree in between.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<'a, T: Serialize> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failure<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure<'a> {
    id: &'a str,
    code: &'a str,
    message: &'a str,
    sender_fault: bool,
}

impl<'a> Failure<'a> {
    fn new(failure: &'a EntryFailure) -> Self {
        Failure { id: &failure.id, code: &failure.code, message: &failure.message, sender_fault: failure.sender_fault }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Accepted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    message_id: &'a str,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_body: &'a str,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_attributes: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<&'a str>,
}

impl<'a> Accepted<'a> {
    /// In a batch, `id` says which.
    fn new(id: Option<&'a String>, sent: &'a Sent) -> Self {
        Accepted {
            id: id.map(String::as_str),
            message_id: sent.id.as_str(),
            md5_of_body: &sent.md5_of_body,
            md5_of_attributes: sent.md5_of_attributes.as_deref(),
            sequence_number: sent.sequence_number.as_deref(),
        }
    }
}

fn batch<T: Serialize>(ok: impl Iterator<Item = T>, failed: &[EntryFailure]) -> Vec<u8> {
    text(&Batch { successful: ok.collect(), failed: failed.iter().map(Failure::new).collect() })
}

/// Texts, numbers and lists of them are always JSON.
fn text(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn body(operation: &str, reply: SqsReply) -> Map<String, Value> {
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
        SqsReply::TaskStarted(handle) => put(&mut m, "TaskHandle", handle.as_str()),
        SqsReply::Tasks(tasks) => put(&mut m, "Results", tasks.iter().map(task).collect::<Vec<_>>()),
        SqsReply::TaskCancelled { moved } => put(&mut m, "ApproximateNumberOfMessagesMoved", moved),
        SqsReply::Done | SqsReply::Sent(_) | SqsReply::SentBatch { .. } => {}
        SqsReply::Batch { .. } | SqsReply::Received { .. } => {}
    }
    m
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attribute, Attributes, Message, SystemAttributes};
    use crate::model::time::Timestamp;

    fn said(operation: &str, reply: SqsReply) -> String {
        let answer = write(operation, Ok(Reply::Sqs(reply)));
        assert_eq!(answer.status(), 200);
        String::from_utf8_lossy(answer.body()).into_owned()
    }

    #[test]
    fn an_empty_receive_has_no_messages_member() {
        assert_eq!(said("ReceiveMessage", SqsReply::Received { messages: vec![], system_names: vec![] }), "{}");
        assert_eq!(said("DeleteMessage", SqsReply::Done), "");
        let none = SqsReply::Queues { urls: vec![], token: None };
        assert_eq!(said("ListDeadLetterSourceQueues", none), r#"{"queueUrls":[]}"#);
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
        let body = said("ReceiveMessage", SqsReply::Received { messages: vec![message], system_names: names });
        let value: Value = serde_json::from_str(&body).expect("JSON");
        let answered = &value["Messages"][0];
        assert_eq!(answered["Attributes"], json!({"ApproximateReceiveCount": "3"}));
        assert_eq!(answered["MD5OfBody"], "3d6b824fd8c1520e9a047d21fee6fb1f");
        assert_eq!(answered["MD5OfMessageAttributes"], "adb59cd4678ea5a855436b949cd07ab6");
    }
}
