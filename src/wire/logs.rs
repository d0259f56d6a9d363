//! CloudWatch Logs in AWS JSON 1.1: `FilterLogEvents` alone (aws-facts §7; members begin small). Reads
//! and writes; what is in a log is `pipeline`'s.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{answer, body, members, mismatched};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::log_request::{FilterLogEvents, LogEvent, LogsReply, LogsRequest};
use crate::pipeline::request::{Reply, Response};

pub fn read(operation: &str, bytes: &Bytes) -> Result<LogsRequest, ServiceError> {
    let action = format!("logs:{operation}");
    if operation != "FilterLogEvents" {
        let message = format!("{operation} is not known here; of CloudWatch Logs there is FilterLogEvents");
        return Err(ServiceError::new(&action, "UnknownOperationException", message));
    }
    let object = body::json_object(bytes).map_err(|error| {
        let http = error.http();
        ServiceError { http, ..ServiceError::new(&action, "SerializationException", error.to_string()) }
    })?;
    filter(members::Members::new(&object))
        .map(LogsRequest::FilterLogEvents)
        .map_err(|error| ServiceError::new(&action, "InvalidParameterException", error.to_string()))
}

fn filter(members: members::Members<'_>) -> Result<FilterLogEvents, members::MemberError> {
    let moment = |name: &str| match members.value(name) {
        None => Ok(None),
        Some(value) => {
            let wrong = members::MemberError::Type { name: name.to_owned(), expected: "milliseconds since 1970" };
            value.as_number().and_then(|ms| ms.as_i64()).map(|ms| Some(Timestamp::from_ms(ms))).ok_or(wrong)
        }
    };
    let group = match members.text("logGroupIdentifier")? {
        Some(group) => group,
        None => members.need_text("logGroupName")?,
    };
    Ok(FilterLogEvents {
        group,
        streams: members.texts("logStreamNames")?,
        stream_prefix: members.text("logStreamNamePrefix")?,
        from: moment("startTime")?,
        to: moment("endTime")?,
        pattern: members.text("filterPattern")?.unwrap_or_default(),
        limit: members.number("limit")?,
        token: members.text("nextToken")?,
    })
}

pub fn write(response: Response) -> http::Response<Bytes> {
    match response {
        Ok(Reply::Logs(LogsReply::Events { events, token })) => {
            let events: Vec<Value> = events.iter().map(event).collect();
            let mut page = json!({"events": events, "searchedLogStreams": []});
            if let Some(token) = token {
                page["nextToken"] = json!(token);
            }
            json_answer(200, &page)
        }
        Ok(_) => refusal(&mismatched("logs")),
        Err(error) => refusal(&error),
    }
}

fn event(event: &LogEvent) -> Value {
    json!({
        "logStreamName": event.stream,
        "timestamp": event.at.ms(),
        "message": event.text,
        "ingestionTime": event.at.ms() + INGESTED_AFTER_MS,
        "eventId": event.id,
    })
}

fn refusal(error: &ServiceError) -> http::Response<Bytes> {
    json_answer(error.http, &json!({"__type": error.code, "message": error.message}))
}

fn json_answer(status: u16, body: &Value) -> http::Response<Bytes> {
    answer(status, &[("content-type", "application/x-amz-json-1.1")], body.to_string())
}

/// How long a line is on its way.
const INGESTED_AFTER_MS: i64 = 800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_begin_small_and_are_checked() {
        let body = br#"{"logGroupName":"/aws/lambda/F","startTime":5,"endTime":9,"filterPattern":"?a ?b","limit":7,"nextToken":"t"}"#;
        let LogsRequest::FilterLogEvents(ask) = read("FilterLogEvents", &Bytes::from_static(body)).expect("read");
        assert_eq!((ask.group.as_str(), ask.from, ask.limit), ("/aws/lambda/F", Some(Timestamp::from_ms(5)), Some(7)));
        for bad in [&b"{}"[..], br#"{"logGroupName":7}"#, br#"{"logGroupName":"g","startTime":"soon"}"#] {
            let error = read("FilterLogEvents", &Bytes::from_static(bad)).expect_err("refused");
            assert_eq!(error.code, "InvalidParameterException");
        }
    }

    #[test]
    fn an_error_has_its_code_in_the_body() {
        let error = ServiceError::new("logs:FilterLogEvents", "ResourceNotFoundException", "gone");
        let answer = write(Err(error));
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.body().as_ref(), br#"{"__type":"ResourceNotFoundException","message":"gone"}"#);
    }
}
