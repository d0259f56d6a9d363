//! Reads DynamoDB Streams: the records that an on-failure document points at (aws-facts §4.3). Four
//! operations are not worth an SDK crate: they go by [`Account::json`].

use serde_json::{Value, json};

use crate::aws::Account;
use crate::aws::signed::{Api, JSON_1_0, Protocol};
use crate::model::id::Arn;
use crate::model::service_error::ServiceError;
use crate::model::stream::{StreamPointer, StreamRecord, by_sequence};

const STREAMS: Api = Api {
    id: "DynamoDB Streams",
    host: "streams.dynamodb",
    signing_name: "dynamodb",
    protocol: Protocol::Json { content_type: JSON_1_0, target: "DynamoDBStreams_20120810" },
};

/// Records of one page at most (aws-facts §4.3).
const PAGE: u32 = 1_000;
/// Shards of one page at most (DescribeStream).
const SHARDS_A_PAGE: u32 = 100;
/// Pages of one pointer at most: an open shard that is quiet answers empty pages without end.
const PAGES_MOST: u32 = 500;
/// Records of one pointer at most: ten thousand is the largest batch there is, and lanes lie between.
const RECORDS_MOST: usize = 100_000;

impl Account {
    /// How many shards of the stream are open: a closed one takes no records any more and is read to
    /// its end.
    ///
    /// # Errors
    /// What the service refused.
    pub async fn open_shards(&self, stream: &Arn) -> Result<u32, ServiceError> {
        const DESCRIBE: &str = "dynamodb:DescribeStream";
        let mut open = 0;
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MOST {
            let mut ask = json!({"StreamArn": stream.as_str(), "Limit": SHARDS_A_PAGE});
            if let Some(shard) = after.take() {
                ask["ExclusiveStartShardId"] = shard.into();
            }
            let answer = self.json(&STREAMS, DESCRIBE, &ask).await?;
            let shards = answer.pointer("/StreamDescription/Shards").and_then(Value::as_array);
            let is_open = |shard: &&Value| {
                shard.pointer("/SequenceNumberRange/EndingSequenceNumber").and_then(Value::as_str).is_none()
            };
            open += shards.into_iter().flatten().filter(is_open).count() as u32;
            after =
                answer.pointer("/StreamDescription/LastEvaluatedShardId").and_then(Value::as_str).map(str::to_owned);
            if after.is_none() {
                return Ok(open);
            }
        }
        Err(unread(DESCRIBE, "more pages of shards than are read"))
    }

    /// The records between the pointer's first and last, both included, also those of other lanes.
    ///
    /// # Errors
    /// What the service refused; `TrimmedDataAccessException` when they are gone.
    pub async fn records(&self, pointer: &StreamPointer) -> Result<Vec<StreamRecord>, ServiceError> {
        const ITERATOR: &str = "dynamodb:GetShardIterator";
        const RECORDS: &str = "dynamodb:GetRecords";
        let ask = json!({
            "StreamArn": pointer.stream.as_str(),
            "ShardId": pointer.shard,
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "SequenceNumber": pointer.first,
        });
        let answer = self.json(&STREAMS, ITERATOR, &ask).await?;
        let mut iterator = answer.get("ShardIterator").and_then(Value::as_str).map(str::to_owned);
        let mut found = Vec::new();
        for _ in 0..PAGES_MOST {
            // A shard that is closed and read to its end has no next iterator.
            let Some(at) = iterator.take() else { return Ok(found) };
            let page = self.json(&STREAMS, RECORDS, &json!({"ShardIterator": at, "Limit": PAGE})).await?;
            for record in page.get("Records").and_then(Value::as_array).into_iter().flatten() {
                let record = StreamRecord::read(record)
                    .ok_or_else(|| unread(RECORDS, "a record without what every record has"))?;
                if by_sequence(&record.sequence_number, &pointer.last).is_gt() {
                    return Ok(found);
                }
                let is_last = by_sequence(&record.sequence_number, &pointer.last).is_eq();
                found.push(record);
                if is_last {
                    return Ok(found);
                }
            }
            if found.len() > RECORDS_MOST {
                return Err(unread(RECORDS, "more records than any batch has between the pointer's ends"));
            }
            iterator = page.get("NextShardIterator").and_then(Value::as_str).map(str::to_owned);
        }
        Err(unread(RECORDS, "the last record did not come in as many pages as are read"))
    }
}

fn unread(action: &str, why: &str) -> ServiceError {
    ServiceError { http: 0, ..ServiceError::new(action, "NotRead", why) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_and_shown_to_a_function_with_the_identity_in_small_letters() {
        let record = json!({
            "eventID": "e", "eventName": "REMOVE", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {"ApproximateCreationDateTime": 1_767_225_600.0, "Keys": {"k": {"B": "AAE="}},
                "OldImage": {"k": {"B": "AAE="}, "n": {"N": "1"}}, "SequenceNumber": "4421584500000000017450439091",
                "SizeBytes": 26, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
        });
        let read = StreamRecord::read(&record).expect("a record");
        let event = crate::model::stream::event(std::slice::from_ref(&read), &"arn:aws:dynamodb:x".into());
        let shown = &event["Records"][0];
        assert_eq!(shown["userIdentity"], json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"}));
        assert_eq!(shown["eventSourceARN"], "arn:aws:dynamodb:x");
        assert_eq!(shown["dynamodb"]["ApproximateCreationDateTime"], 1_767_225_600);
        assert_eq!(shown["dynamodb"]["Keys"], record["dynamodb"]["Keys"]);
        assert!(shown["dynamodb"].get("NewImage").is_none());
        assert_eq!(StreamRecord::read(shown), Some(read.clone()), "the event's own spelling is read too");
        assert_eq!(StreamRecord::read(&json!({"eventID": "e"})), None);
    }
}
