//! Records of a DynamoDB stream, and the pointer to some of them that an event source mapping leaves
//! in its on-failure queue when it gives a batch up (aws-facts §4).

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::id::{Arn, FunctionName};
use crate::model::nesting::nesting;
use crate::model::time::Timestamp;

/// What a Kinesis stream says of itself (`DescribeStreamSummary`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSummary {
    pub retention_h: u32,
    pub open_shards: u32,
}

/// One record. Items stay in DynamoDB's typed JSON, unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamRecord {
    pub event_id: String,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    pub event_version: String,
    pub region: String,
    /// `ApproximateCreationDateTime`, whole seconds.
    pub created_at_s: i64,
    pub keys: Value,
    pub new_image: Option<Value>,
    pub old_image: Option<Value>,
    /// 21–40 decimal digits; [`by_sequence`] compares them.
    pub sequence_number: String,
    pub size_bytes: u64,
    /// `StreamViewType`.
    pub view: String,
    /// Who deleted it, when that was no person: type and principal (time to live).
    pub identity: Option<(String, String)>,
}

impl StreamRecord {
    /// From the Streams API's JSON, or from the event a function gets; `None` without what every record has.
    pub fn read(record: &Value) -> Option<Self> {
        let text = |at: &str| record.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let whole = |at: &str| record.pointer(at).and_then(Value::as_f64);
        let image = |at: &str| record.pointer(at).filter(|image| image.is_object()).cloned();
        let identity = text("/userIdentity/Type").or_else(|| text("/userIdentity/type"));
        let principal = text("/userIdentity/PrincipalId").or_else(|| text("/userIdentity/principalId"));
        Some(StreamRecord {
            event_id: text("/eventID")?,
            event_name: text("/eventName")?,
            event_version: text("/eventVersion").unwrap_or_else(|| "1.1".to_owned()),
            region: text("/awsRegion")?,
            created_at_s: whole("/dynamodb/ApproximateCreationDateTime")? as i64,
            keys: image("/dynamodb/Keys")?,
            new_image: image("/dynamodb/NewImage"),
            old_image: image("/dynamodb/OldImage"),
            sequence_number: text("/dynamodb/SequenceNumber")?,
            size_bytes: record.pointer("/dynamodb/SizeBytes").and_then(Value::as_u64).unwrap_or(0),
            view: text("/dynamodb/StreamViewType").unwrap_or_default(),
            identity: identity.zip(principal),
        })
    }

    /// What the Streams API and a function's event show alike: all but who deleted it, whose letters differ.
    pub fn shown(&self) -> Value {
        let mut dynamodb = json!({
            "ApproximateCreationDateTime": self.created_at_s,
            "Keys": self.keys,
            "SequenceNumber": self.sequence_number,
            "SizeBytes": self.size_bytes,
            "StreamViewType": self.view,
        });
        for (name, image) in [("NewImage", &self.new_image), ("OldImage", &self.old_image)] {
            if let Some(image) = image {
                dynamodb[name] = image.clone();
            }
        }
        json!({
            "eventID": self.event_id,
            "eventName": self.event_name,
            "eventVersion": self.event_version,
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region,
            "dynamodb": dynamodb,
        })
    }
}

/// Which way two sequence numbers of one shard come: they are longer than any integer type is wide.
pub fn by_sequence(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The event a function gets with these records (aws-facts §4.3): the Streams API's records with the
/// stream's ARN, the identity in small letters.
pub fn event(records: &[StreamRecord], stream: &Arn) -> Value {
    let record = |record: &StreamRecord| {
        let mut shown = record.shown();
        shown["eventSourceARN"] = json!(stream.as_str());
        if let Some((kind, principal)) = &record.identity {
            shown["userIdentity"] = json!({"type": kind, "principalId": principal});
        }
        shown
    };
    json!({ "Records": records.iter().map(record).collect::<Vec<_>>() })
}

/// What an on-failure document says of the batch it stands for; the records are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPointer {
    pub stream: Arn,
    pub shard: String,
    /// First and last sequence number, both included.
    pub first: String,
    pub last: String,
    /// Arrival of the first record; the stream keeps it for [`STREAM_KEEPS_S`] from then.
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Records of the batch. The range may hold more: those of other lanes.
    pub batch_size: u32,
    pub function: Option<Arn>,
    /// `RetryAttemptsExhausted`, `RecordAgeExceeded`.
    pub condition: String,
}

/// How long a DynamoDB stream keeps a record, in seconds; it may go at any moment after that.
pub const STREAM_KEEPS_S: i64 = 86_400;
/// Deepest body that is looked into.
const MAX_NESTING: usize = 32;

impl StreamPointer {
    /// Reads a message body; `None` when it is no pointer into a DynamoDB stream. A document wrapped
    /// by SNS is unwrapped.
    pub fn parse(body: &str) -> Option<Self> {
        if !body.contains("DDBStreamBatchInfo") || nesting(body) > MAX_NESTING {
            return None;
        }
        let mut document: Value = serde_json::from_str(body).ok()?;
        if let Some(inner) = document.get("Message").and_then(Value::as_str)
            && nesting(inner) <= MAX_NESTING
        {
            document = serde_json::from_str(inner).ok()?;
        }
        let info = document.get("DDBStreamBatchInfo")?;
        let text = |name: &str| info.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| text(name).filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let at = |name: &str| info.get(name).and_then(Value::as_str).and_then(Timestamp::parse);
        let request = document.get("requestContext");
        let asked = |name: &str| request.and_then(|r| r.get(name)).and_then(Value::as_str);
        Some(StreamPointer {
            stream: Arn::new(text("streamArn")?),
            shard: text("shardId")?,
            first: number("startSequenceNumber")?,
            last: number("endSequenceNumber")?,
            first_at: at("approximateArrivalOfFirstRecord"),
            last_at: at("approximateArrivalOfLastRecord"),
            batch_size: info.get("batchSize").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())?,
            function: asked("functionArn").map(Arn::from),
            condition: asked("condition").unwrap_or("unknown").to_owned(),
        })
    }

    /// When its first record may be gone from the stream.
    pub fn gone_at(&self) -> Option<Timestamp> {
        self.first_at.map(|at| at.plus_s(STREAM_KEEPS_S))
    }

    /// The function that gave the batch up, without version or alias.
    pub fn function_name(&self) -> Option<FunctionName> {
        self.function.as_ref().map(Arn::function_name)
    }

    pub fn holds(&self, sequence_number: &str) -> bool {
        by_sequence(&self.first, sequence_number).is_le() && by_sequence(sequence_number, &self.last).is_le()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"requestContext":{"requestId":"r","functionArn":"arn:aws:lambda:r:1:function:LogWorker:live",
        "condition":"RetryAttemptsExhausted","approximateInvokeCount":6},"version":"1.0",
        "DDBStreamBatchInfo":{"shardId":"shardId-1","startSequenceNumber":"99999999999999999999999",
        "endSequenceNumber":"100000000000000000000005","approximateArrivalOfFirstRecord":"2026-01-01T00:00:00Z",
        "approximateArrivalOfLastRecord":"2026-01-01T00:00:09Z","batchSize":7,
        "streamArn":"arn:aws:dynamodb:r:1:table/T/stream/x"}}"#;

    #[test]
    fn a_pointer_is_read_also_out_of_an_sns_envelope() {
        let pointer = StreamPointer::parse(BODY).expect("a pointer");
        assert_eq!(pointer.function_name(), Some("LogWorker".into()));
        assert_eq!((pointer.batch_size, pointer.condition.as_str()), (7, "RetryAttemptsExhausted"));
        assert_eq!(pointer.gone_at().map(|at| at.to_string()).as_deref(), Some("2026-01-02T00:00:00.000Z"));
        let wrapped = json!({"Type": "Notification", "Message": BODY}).to_string();
        assert_eq!(StreamPointer::parse(&wrapped), Some(pointer));
        for other in ["", "{}", r#"{"DDBStreamBatchInfo":{}}"#, r#"{"run":"run-1"}"#, "\"DDBStreamBatchInfo\""] {
            assert_eq!(StreamPointer::parse(other), None, "{other}");
        }
        assert_eq!(StreamPointer::parse(&BODY.replace("99999999999999999999999", "12; drop")), None);
        assert_eq!(StreamPointer::parse(&format!("{}{BODY}", "[".repeat(10_000))), None);
    }

    #[test]
    fn sequence_numbers_wider_than_any_integer_are_in_order() {
        let pointer = StreamPointer::parse(BODY).expect("a pointer");
        assert!(pointer.holds("99999999999999999999999") && pointer.holds("100000000000000000000005"));
        assert!(!pointer.holds("99999999999999999999998") && !pointer.holds("100000000000000000000006"));
        let forty = "9".repeat(40);
        assert_eq!(by_sequence(&forty, &format!("1{}", "0".repeat(39))), Ordering::Greater);
        assert_eq!(by_sequence("007", "7"), Ordering::Equal);
    }
}
