//! SQS requests from JSON. Whether a value is in SQS's range is the pipeline's question; whether it
//! is of the right type is this file's.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::model::id::{Arn, QueueName, QueueUrl, ReceiptHandle, TaskHandle};
use crate::model::message::{Attribute, AttributeValue, Attributes, Outgoing};
use crate::model::service_error::ServiceError;
use crate::pipeline::request::{Receive, SqsRequest};
use crate::wire::body;
use crate::wire::json::Json;
use crate::wire::members::{MemberError, Members};

/// The request in a body, by its operation.
pub fn read(operation: &str, bytes: &[u8]) -> Result<SqsRequest, ServiceError> {
    let action = format!("sqs:{operation}");
    let object = body::json_object(bytes).map_err(|error| {
        let mut refusal = ServiceError::new(&action, "SerializationException", error.to_string());
        refusal.http = error.http();
        refusal
    })?;
    match parse(operation, Members::new(&object)) {
        Ok(Some(request)) => Ok(request),
        Ok(None) => {
            let message = format!("The operation {operation} is not one the sandbox answers.");
            Err(ServiceError::new(&action, "UnknownOperationException", message))
        }
        Err(error) => Err(refusal(&action, &error)),
    }
}

fn refusal(action: &str, error: &MemberError) -> ServiceError {
    match error {
        MemberError::Missing(name) => {
            let message = format!("The request must contain the parameter {name}.");
            ServiceError::new(action, "MissingParameter", message)
        }
        MemberError::Type { .. } => ServiceError::new(action, "SerializationException", error.to_string()),
        MemberError::Unsupported(text) => {
            ServiceError::new(action, "AWS.SimpleQueueService.UnsupportedOperation", *text)
        }
    }
}

/// `None`: an operation that is not known.
fn parse(operation: &str, m: Members<'_>) -> Result<Option<SqsRequest>, MemberError> {
    let queue = || m.need_text("QueueUrl").map(QueueUrl::new);
    Ok(Some(match operation {
        "ListQueues" => SqsRequest::ListQueues {
            prefix: m.text("QueueNamePrefix")?,
            max: m.number("MaxResults")?,
            token: m.text("NextToken")?,
        },
        "GetQueueUrl" => SqsRequest::GetQueueUrl { name: QueueName::new(m.need_text("QueueName")?) },
        "GetQueueAttributes" => SqsRequest::GetQueueAttributes { queue: queue()?, names: m.texts("AttributeNames")? },
        "SetQueueAttributes" => SqsRequest::SetQueueAttributes { queue: queue()?, attributes: settings(m)? },
        "CreateQueue" => {
            SqsRequest::CreateQueue { name: QueueName::new(m.need_text("QueueName")?), attributes: settings(m)? }
        }
        "DeleteQueue" => SqsRequest::DeleteQueue { queue: queue()? },
        "PurgeQueue" => SqsRequest::PurgeQueue { queue: queue()? },
        "SendMessage" => SqsRequest::Send { queue: queue()?, message: outgoing(m)? },
        "SendMessageBatch" => {
            let entry = |m: &Members<'_>| Ok((m.need_text("Id")?, outgoing(*m)?));
            SqsRequest::SendBatch { queue: queue()?, entries: entries(m, entry)? }
        }
        "ReceiveMessage" => SqsRequest::Receive(receive(m)?),
        "DeleteMessage" => SqsRequest::Delete { queue: queue()?, receipt: receipt(m)? },
        "DeleteMessageBatch" => {
            let entry = |m: &Members<'_>| Ok((m.need_text("Id")?, receipt(*m)?));
            SqsRequest::DeleteBatch { queue: queue()?, entries: entries(m, entry)? }
        }
        "ChangeMessageVisibility" => SqsRequest::ChangeVisibility {
            queue: queue()?,
            receipt: receipt(m)?,
            visibility_s: m.need_number("VisibilityTimeout")?,
        },
        "ChangeMessageVisibilityBatch" => {
            let entry = |m: &Members<'_>| Ok((m.need_text("Id")?, receipt(*m)?, m.need_number("VisibilityTimeout")?));
            SqsRequest::ChangeVisibilityBatch { queue: queue()?, entries: entries(m, entry)? }
        }
        "ListDeadLetterSourceQueues" => SqsRequest::ListDeadLetterSourceQueues {
            queue: queue()?,
            max: m.number("MaxResults")?,
            token: m.text("NextToken")?,
        },
        "StartMessageMoveTask" => SqsRequest::StartMessageMoveTask {
            source: Arn::new(m.need_text("SourceArn")?),
            destination: m.text("DestinationArn")?.map(Arn::new),
            max_per_s: m.number("MaxNumberOfMessagesPerSecond")?,
        },
        "ListMessageMoveTasks" => SqsRequest::ListMessageMoveTasks {
            source: Arn::new(m.need_text("SourceArn")?),
            max: m.number("MaxResults")?,
        },
        "CancelMessageMoveTask" => {
            SqsRequest::CancelMessageMoveTask { handle: TaskHandle::new(m.need_text("TaskHandle")?) }
        }
        _ => return Ok(None),
    }))
}

fn receipt(m: Members<'_>) -> Result<ReceiptHandle, MemberError> {
    m.need_text("ReceiptHandle").map(ReceiptHandle::new)
}

fn receive(m: Members<'_>) -> Result<Receive, MemberError> {
    let mut system_names = m.texts("MessageSystemAttributeNames")?;
    system_names.extend(m.texts("AttributeNames")?);
    Ok(Receive {
        queue: QueueUrl::new(m.need_text("QueueUrl")?),
        max: m.number("MaxNumberOfMessages")?.unwrap_or(1),
        visibility_s: m.number("VisibilityTimeout")?,
        wait_s: m.number("WaitTimeSeconds")?,
        attribute_names: m.texts("MessageAttributeNames")?,
        system_names,
    })
}

fn entries<T>(m: Members<'_>, entry: impl Fn(&Members<'_>) -> Result<T, MemberError>) -> Result<Vec<T>, MemberError> {
    if m.value("Entries").is_none() {
        return Err(MemberError::Missing("Entries".to_owned()));
    }
    m.objects("Entries")?.iter().map(entry).collect()
}

/// `Attributes` of a queue: strings, also where a caller wrote numbers.
fn settings(m: Members<'_>) -> Result<BTreeMap<String, String>, MemberError> {
    let Some(object) = m.object("Attributes")? else { return Ok(BTreeMap::new()) };
    object.names().map(|name| Ok((name.to_owned(), object.need_text(name)?))).collect()
}

fn outgoing(m: Members<'_>) -> Result<Outgoing, MemberError> {
    let mut attributes = Attributes::new();
    if let Some(object) = m.object("MessageAttributes")? {
        for name in object.names() {
            if let Some(attribute) = object.object(name)? {
                attributes.insert(name.to_owned(), attribute_of(name, attribute)?);
            }
        }
    }
    let trace = match m.object("MessageSystemAttributes")? {
        Some(system) => match system.object("AWSTraceHeader")? {
            Some(header) => header.text("StringValue")?,
            None => None,
        },
        None => None,
    };
    Ok(Outgoing {
        body: m.need_text("MessageBody")?,
        attributes,
        delay_s: m.number("DelaySeconds")?,
        trace_header: trace,
        group_id: m.text("MessageGroupId")?,
        deduplication_id: m.text("MessageDeduplicationId")?,
    })
}

fn attribute_of(name: &str, m: Members<'_>) -> Result<Attribute, MemberError> {
    let is_filled =
        |name: &str| m.value(name).is_some_and(|value| !matches!(value, Json::List(items) if items.is_empty()));
    if is_filled("StringListValues") || is_filled("BinaryListValues") {
        return Err(MemberError::Unsupported(
            "Message attribute list values in SendMessage operation are not supported.",
        ));
    }
    let value = match (m.text("StringValue")?, m.text("BinaryValue")?) {
        (Some(text), _) => AttributeValue::Text(text),
        (None, Some(encoded)) => {
            let wrong = |_| MemberError::Type { name: format!("{name}.BinaryValue"), expected: "base64" };
            AttributeValue::Binary(BASE64_STANDARD.decode(encoded).map_err(wrong)?)
        }
        (None, None) => return Err(MemberError::Missing(format!("{name}.StringValue"))),
    };
    Ok(Attribute { data_type: m.need_text("DataType")?, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_keeps_attributes_of_every_type() {
        let body = br#"{"QueueUrl":"http://x/1/Q","MessageBody":"hi","DelaySeconds":5,
            "MessageAttributes":{"n":{"DataType":"Number.int","StringValue":"7"},"b":{"DataType":"Binary","BinaryValue":"AAE="}},
            "MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1"}}}"#;
        let Ok(SqsRequest::Send { queue, message }) = read("SendMessage", body) else { panic!("not a send") };
        assert_eq!(queue.name().as_str(), "Q");
        assert_eq!(message.delay_s, Some(5));
        assert_eq!(message.trace_header.as_deref(), Some("Root=1"));
        assert_eq!(message.attributes["n"].data_type, "Number.int");
        assert_eq!(message.attributes["b"].value, AttributeValue::Binary(vec![0, 1]));
    }

    #[test]
    fn lists_in_an_attribute_are_refused_as_sqs_refuses_them() {
        let send = |value: &str| {
            let attributes = format!(r#"{{"a":{{"DataType":"String","StringValue":"v",{value}}}}}"#);
            let body = format!(r#"{{"QueueUrl":"q","MessageBody":"b","MessageAttributes":{attributes}}}"#);
            read("SendMessage", body.as_bytes()).map_err(|error| error.code)
        };
        for list in [r#""StringListValues":["x"]"#, r#""BinaryListValues":["AAE="]"#] {
            assert_eq!(send(list), Err("AWS.SimpleQueueService.UnsupportedOperation".to_owned()), "{list}");
        }
        assert!(send(r#""StringListValues":[],"BinaryListValues":null"#).is_ok(), "some clients send them empty");
    }

    #[test]
    fn old_and_new_names_of_system_attributes_are_both_taken() {
        let body = br#"{"QueueUrl":"q","AttributeNames":["SentTimestamp"],"MessageSystemAttributeNames":["SenderId"]}"#;
        let Ok(SqsRequest::Receive(receive)) = read("ReceiveMessage", body) else { panic!("not a receive") };
        assert_eq!(receive.system_names, ["SenderId", "SentTimestamp"]);
        assert_eq!((receive.max, receive.wait_s), (1, None));
    }

    #[test]
    fn what_is_missing_or_of_the_wrong_type_is_named() {
        let code = |operation: &str, body: &[u8]| read(operation, body).map_err(|error| (error.code, error.message));
        let (missing, message) = code("DeleteMessage", b"{\"QueueUrl\":\"q\"}").expect_err("refused");
        assert_eq!(missing, "MissingParameter");
        assert!(message.contains("ReceiptHandle"));
        let (wrong, message) =
            code("ReceiveMessage", b"{\"QueueUrl\":\"q\",\"MaxNumberOfMessages\":-1}").expect_err("refused");
        assert_eq!(wrong, "SerializationException");
        assert!(message.contains("MaxNumberOfMessages"));
    }
}
