//! Answers of DynamoDB Streams as JSON.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::model::service_error::ServiceError;
use crate::model::stream::StreamRecord;
use crate::pipeline::request::{Reply, Response};
use crate::pipeline::stream_request::{ShardShown, StreamShown, StreamsReply};
use crate::pipeline::streams::VIEW;
use crate::wire::{answer, mismatched};

const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.0");

pub fn write(response: Response) -> http::Response<Bytes> {
    let reply = match response {
        Ok(Reply::Streams(reply)) => reply,
        Ok(_) => return fault(&mismatched("dynamodb")),
        Err(error) => return fault(&error),
    };
    answer(200, &[CONTENT_TYPE], body(reply).to_string())
}

fn body(reply: StreamsReply) -> Value {
    match reply {
        StreamsReply::Streams(streams) => json!({ "Streams": streams.iter().map(stream).collect::<Vec<_>>() }),
        StreamsReply::Stream { stream: shown, created_at, keys, shards, last } => {
            let mut description = stream(&shown);
            description["StreamStatus"] = json!("ENABLED");
            description["StreamViewType"] = json!(VIEW);
            description["CreationRequestDateTime"] = json!(created_at.ms() as f64 / 1000.0);
            let key = |(name, kind): &(String, String)| json!({"AttributeName": name, "KeyType": kind});
            description["KeySchema"] = keys.iter().map(key).collect();
            description["Shards"] = shards.iter().map(shard).collect();
            if let Some(last) = last {
                description["LastEvaluatedShardId"] = json!(last);
            }
            json!({ "StreamDescription": description })
        }
        StreamsReply::Iterator(iterator) => json!({ "ShardIterator": iterator }),
        StreamsReply::Records { records, next } => {
            let mut m = Map::new();
            m.insert("Records".to_owned(), records.iter().map(record).collect());
            // Without it the shard is closed and read to its end.
            if let Some(next) = next {
                m.insert("NextShardIterator".to_owned(), Value::String(next));
            }
            Value::Object(m)
        }
    }
}

fn stream(stream: &StreamShown) -> Value {
    json!({"StreamArn": stream.arn.as_str(), "StreamLabel": stream.label, "TableName": stream.table})
}

fn shard(shard: &ShardShown) -> Value {
    let mut range = json!({ "StartingSequenceNumber": shard.first });
    if let Some(last) = &shard.last {
        range["EndingSequenceNumber"] = json!(last);
    }
    let mut shown = json!({"ShardId": shard.id, "SequenceNumberRange": range});
    if let Some(parent) = &shard.parent {
        shown["ParentShardId"] = json!(parent);
    }
    shown
}

fn record(record: &StreamRecord) -> Value {
    let mut shown = record.shown();
    // Capital letters here, small ones in a function's event (aws-facts §4.3).
    if let Some((kind, principal)) = &record.identity {
        shown["userIdentity"] = json!({"Type": kind, "PrincipalId": principal});
    }
    shown
}

fn fault(error: &ServiceError) -> http::Response<Bytes> {
    let namespace = match error.code.as_str() {
        "ValidationException" | "UnknownOperationException" | "SerializationException" => "com.amazon.coral.service",
        _ => "com.amazonaws.dynamodb.v20120810",
    };
    let body = json!({"__type": format!("{namespace}#{}", error.code), "message": error.message});
    answer(error.http, &[CONTENT_TYPE], body.to_string())
}
