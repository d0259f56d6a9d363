//! The document Lambda leaves of an event it gave up (aws-facts §4.1, §4.2). In a queue it only points at the
//! records; in a bucket it carries the whole event, and outlives the stream.

use serde_json::Value;

use crate::model::id::{Arn, FunctionName};
use crate::model::nesting::nesting;
use crate::model::stream::{StreamPointer, by_sequence};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub struct FailureDocument {
    /// Into the stream it came from; `None` for Kinesis and for asynchronous events.
    pub pointer: Option<StreamPointer>,
    /// The function that gave the event up, without version or alias.
    pub function: Option<FunctionName>,
    /// `RetryAttemptsExhausted`, `RecordAgeExceeded` …
    pub condition: String,
    /// When it was given up.
    pub at: Option<Timestamp>,
    /// The event, JSON.
    pub payload: Option<String>,
    /// Records of the event, or as many as the document says.
    pub records: u64,
}

/// Deepest text that is parsed; an item alone may be 32 levels deep, each two in its JSON.
const MAX_NESTING: usize = 128;

impl FailureDocument {
    /// `None` for a text that is no such document.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.contains("requestContext") || nesting(text) > MAX_NESTING {
            return None;
        }
        let document: Value = serde_json::from_str(text).ok()?;
        let context = document.get("requestContext")?.as_object()?;
        let said = |name: &str| context.get(name).and_then(Value::as_str);
        let info = document.get("DDBStreamBatchInfo").or_else(|| document.get("KinesisBatchInfo"));
        let payload = event(&document);
        let inside = payload.as_ref().and_then(|(_, event)| event.get("Records")?.as_array());
        let told = info.and_then(|info| info.get("batchSize")).and_then(Value::as_u64);
        let records = inside.map(|records| records.len() as u64).or(told).unwrap_or(1);
        Some(FailureDocument {
            pointer: pointer(&document),
            function: said("functionArn").map(|arn| Arn::from(arn).function_name()),
            condition: said("condition").unwrap_or("unknown").to_owned(),
            at: document.get("timestamp").and_then(Value::as_str).and_then(Timestamp::parse),
            payload: payload.map(|(text, _)| text),
            records,
        })
    }
}

/// The pointer alone: without the event, which may be large and deep.
fn pointer(document: &Value) -> Option<StreamPointer> {
    let mut bare = serde_json::Map::new();
    for name in ["requestContext", "DDBStreamBatchInfo"] {
        bare.insert(name.to_owned(), document.get(name)?.clone());
    }
    StreamPointer::parse(&Value::Object(bare).to_string())
}

/// `payload` of a mapping, as text or as it is; `requestPayload` of an asynchronous event.
fn event(document: &Value) -> Option<(String, Value)> {
    match document.get("payload").or_else(|| document.get("requestPayload"))? {
        Value::String(text) if nesting(text) <= MAX_NESTING => Some((text.clone(), serde_json::from_str(text).ok()?)),
        Value::Object(members) => Some((Value::Object(members.clone()).to_string(), Value::Object(members.clone()))),
        _ => None,
    }
}

/// How many records of a stream's event came through when the function names the failed ones: those before the
/// lowest. `None` when it names one that is not in it.
pub fn passed_before(event: &str, failed: &[String]) -> Option<usize> {
    let event: Value = serde_json::from_str(event).ok()?;
    let records = event.get("Records")?.as_array()?;
    let number = |record: &Value| {
        let of = record.pointer("/dynamodb/SequenceNumber").or_else(|| record.pointer("/kinesis/sequenceNumber"));
        of.and_then(Value::as_str).map(str::to_owned)
    };
    let numbers: Vec<Option<String>> = records.iter().map(number).collect();
    let at =
        |id: &String| numbers.iter().position(|number| number.as_ref().is_some_and(|n| by_sequence(n, id).is_eq()));
    failed.iter().map(at).collect::<Option<Vec<usize>>>()?.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(payload: Value) -> Value {
        json!({
            "requestContext": {"functionArn": "arn:aws:lambda:r:1:function:LogWorker:live", "condition": "RetryAttemptsExhausted"},
            "version": "1.0", "timestamp": "2026-01-01T00:00:09.000Z",
            "DDBStreamBatchInfo": {"shardId": "shardId-1", "startSequenceNumber": "999", "endSequenceNumber": "1005",
                "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z", "batchSize": 7, "streamArn": "arn:stream"},
            "payload": payload,
        })
    }

    #[test]
    fn the_event_is_read_as_text_and_as_it_is() {
        let event =
            json!({"Records": [{"dynamodb": {"SequenceNumber": "999"}}, {"dynamodb": {"SequenceNumber": "1002"}}]});
        for payload in [json!(event.to_string()), event.clone()] {
            let found = FailureDocument::parse(&document(payload).to_string()).expect("a document");
            assert_eq!((found.records, found.condition.as_str()), (2, "RetryAttemptsExhausted"));
            assert_eq!(found.function, Some("LogWorker".into()));
            assert_eq!(
                found.payload.as_deref().map(serde_json::from_str::<Value>).expect("carried").ok(),
                Some(event.clone())
            );
            assert_eq!(found.pointer.map(|pointer| pointer.shard).as_deref(), Some("shardId-1"));
        }
        let bare = FailureDocument::parse(&document(Value::Null).to_string()).expect("a pointer alone");
        assert_eq!((bare.payload, bare.records), (None, 7));
    }

    #[test]
    fn kinesis_asynchronous_events_and_nonsense() {
        let kinesis = json!({"requestContext": {"functionArn": "f", "condition": "c"},
            "KinesisBatchInfo": {"batchSize": 3}, "payload": {"Records": [{"kinesis": {"sequenceNumber": "5"}}]}});
        let found = FailureDocument::parse(&kinesis.to_string()).expect("a document");
        assert!(found.pointer.is_none() && found.records == 1);
        let asynchronous = json!({"requestContext": {"functionArn": "f"}, "requestPayload": {"Records": [{"s3": {}}]}});
        assert!(FailureDocument::parse(&asynchronous.to_string()).expect("a document").payload.is_some());
        let deep = format!(r#"{{"requestContext":{{}},"payload":{}"#, "[".repeat(100_000));
        for other in ["", "{}", "requestContext", r#"{"requestContext":7}"#, &deep] {
            assert_eq!(FailureDocument::parse(other), None);
        }
        let bomb = json!({"requestContext": {}, "payload": "[".repeat(100_000)});
        assert_eq!(FailureDocument::parse(&bomb.to_string()).expect("a document").payload, None);
    }

    #[test]
    fn the_lowest_failed_record_says_how_many_came_through() {
        let event = document(
            json!({"Records": [{"dynamodb": {"SequenceNumber": "999"}}, {"dynamodb": {"SequenceNumber": "1002"}}]}),
        );
        let event = event["payload"].to_string();
        assert_eq!(passed_before(&event, &["1002".into()]), Some(1));
        assert_eq!(passed_before(&event, &["1002".into(), "999".into()]), Some(0));
        assert_eq!(passed_before(&event, &["7".into()]), None);
    }
}
