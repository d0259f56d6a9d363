//! Objects of S3 buckets: where they lie, what a listing says of them, and the event that tells a function of
//! one.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::time::Timestamp;

/// What a listing says of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub key: String,
    pub size: u64,
    /// `LastModified`, whole seconds.
    pub modified_at: Timestamp,
    /// Without its quotes.
    pub etag: String,
}

impl Object {
    /// The last part of its key: what a person reads.
    pub fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }
}

/// The objects of a bucket whose keys begin alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub bucket: String,
    /// Empty: all of them.
    pub prefix: String,
}

impl Place {
    /// `s3://BUCKET`, `s3://BUCKET/PREFIX`, or the ARN of a bucket.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("s3://").or_else(|| {
            let (arn, rest) = text.split_once(":s3:::")?;
            arn.starts_with("arn:").then_some(rest)
        })?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let named = !bucket.is_empty() && bucket.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        named.then(|| Place { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// Objects in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    pub objects: Vec<Object>,
    /// There is more behind the last: it was not asked for.
    pub is_cut: bool,
    /// Calls it took.
    pub requests: u32,
}

/// The event of S3 for an object that was put (aws-facts §5.1). What only S3 knew is made up: who put it, the
/// ids of that request, the sequencer.
pub fn created_event(region: &str, bucket: &str, object: &Object) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": object.modified_at.to_string(),
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "redrive"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "redrive", "x-amz-id-2": "redrive"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "redrive",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "redrive"},
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": {
                "key": event_key(&object.key),
                "size": object.size,
                "eTag": object.etag,
                "sequencer": format!("{:016X}", object.modified_at.ms()),
            },
        },
    }]})
}

/// A key as an event spells it: as in a form, a space written `+`.
pub fn event_key(key: &str) -> String {
    utf8_percent_encode(key, FORM).to_string().replace(' ', "+")
}

/// What a form leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_from_addresses_and_arns() {
        let place = |bucket: &str, prefix: &str| Some(Place { bucket: bucket.into(), prefix: prefix.into() });
        assert_eq!(Place::parse("s3://b"), place("b", ""));
        assert_eq!(Place::parse("s3://b/aws/lambda/"), place("b", "aws/lambda/"));
        assert_eq!(Place::parse("arn:aws:s3:::b"), place("b", ""));
        assert_eq!(Place::parse("arn:aws-cn:s3:::b/p"), place("b", "p"));
        for other in ["LogFailures", "s3://", "s3:///x", "s3://a b", "arn:aws:sqs:r:1:q", "x:s3:::b"] {
            assert_eq!(Place::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_event_of_an_object_names_it_as_s3_does() {
        let object = Object {
            key: "automations/a b+é.json".into(),
            size: 12,
            modified_at: Timestamp::from_s(1_767_225_600),
            etag: "d41d".into(),
        };
        let event = created_event("eu-west-1", "store", &object);
        let record = &event["Records"][0];
        assert_eq!(record["s3"]["object"]["key"], "automations%2Fa+b%2B%C3%A9.json");
        assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws:s3:::store");
        assert_eq!(
            (&record["eventName"], &record["eventTime"]),
            (&json!("ObjectCreated:Put"), &json!("2026-01-01T00:00:00.000Z"))
        );
        assert_eq!(object.name(), "a b+é.json");
    }
}
