//! Requests of DynamoDB Streams from JSON.

use crate::model::id::Arn;
use crate::model::service_error::ServiceError;
use crate::pipeline::stream_request::{IteratorFrom, StreamsRequest};
use crate::wire::body;
use crate::wire::members::{MemberError, Members};

/// The request in a body, by its operation.
pub fn read(operation: &str, bytes: &[u8]) -> Result<StreamsRequest, ServiceError> {
    let action = format!("dynamodb:{operation}");
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
        Err(error @ MemberError::Type { .. }) => {
            Err(ServiceError::new(&action, "SerializationException", error.to_string()))
        }
        Err(error) => Err(ServiceError::new(&action, "ValidationException", error.to_string())),
    }
}

/// `None`: an operation that is not known.
fn parse(operation: &str, m: Members<'_>) -> Result<Option<StreamsRequest>, MemberError> {
    let stream = || m.need_text("StreamArn").map(Arn::new);
    Ok(Some(match operation {
        "ListStreams" => StreamsRequest::ListStreams {
            table: m.text("TableName")?,
            max: m.number("Limit")?,
            after: m.text("ExclusiveStartStreamArn")?.map(Arn::new),
        },
        "DescribeStream" => StreamsRequest::DescribeStream {
            stream: stream()?,
            max: m.number("Limit")?,
            after: m.text("ExclusiveStartShardId")?,
        },
        "GetShardIterator" => {
            StreamsRequest::GetShardIterator { stream: stream()?, shard: m.need_text("ShardId")?, from: from(m)? }
        }
        "GetRecords" => StreamsRequest::GetRecords { iterator: m.need_text("ShardIterator")?, max: m.number("Limit")? },
        _ => return Ok(None),
    }))
}

fn from(m: Members<'_>) -> Result<IteratorFrom, MemberError> {
    let number = || m.need_text("SequenceNumber");
    match m.need_text("ShardIteratorType")?.as_str() {
        "TRIM_HORIZON" => Ok(IteratorFrom::TrimHorizon),
        "LATEST" => Ok(IteratorFrom::Latest),
        "AT_SEQUENCE_NUMBER" => number().map(IteratorFrom::At),
        "AFTER_SEQUENCE_NUMBER" => number().map(IteratorFrom::After),
        _ => Err(MemberError::Unsupported(
            "ShardIteratorType must be one of TRIM_HORIZON, LATEST, AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iterator_needs_its_type_and_where_that_asks_for_one_its_number() {
        let read = |kind: &str, number: &str| {
            let body = format!(r#"{{"StreamArn":"s","ShardId":"x","ShardIteratorType":"{kind}"{number}}}"#);
            read("GetShardIterator", body.as_bytes()).map_err(|error| error.code)
        };
        let number = r#","SequenceNumber":"12""#;
        let Ok(StreamsRequest::GetShardIterator { from, .. }) = read("AT_SEQUENCE_NUMBER", number) else { panic!() };
        assert_eq!(from, IteratorFrom::At("12".to_owned()));
        assert!(read("LATEST", "").is_ok());
        assert_eq!(read("AFTER_SEQUENCE_NUMBER", ""), Err("ValidationException".to_owned()));
        assert_eq!(read("SOMETIMES", number), Err("ValidationException".to_owned()));
        assert_eq!(read("LATEST", r#","ShardId":7"#), Err("SerializationException".to_owned()));
    }
}
