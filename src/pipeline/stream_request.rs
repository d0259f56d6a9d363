//! What can be asked of DynamoDB Streams and what it answers (aws-facts §4.3): the part of
//! [`crate::pipeline::request`] that is this service's.

use crate::model::id::Arn;
use crate::model::stream::StreamRecord;
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub enum StreamsRequest {
    ListStreams {
        table: Option<String>,
        max: Option<u32>,
        after: Option<Arn>,
    },
    DescribeStream {
        stream: Arn,
        max: Option<u32>,
        /// A shard id: the page begins behind it.
        after: Option<String>,
    },
    GetShardIterator {
        stream: Arn,
        shard: String,
        from: IteratorFrom,
    },
    GetRecords {
        iterator: String,
        max: Option<u32>,
    },
}

/// `ShardIteratorType`, with its sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IteratorFrom {
    TrimHorizon,
    Latest,
    At(String),
    After(String),
}

#[derive(Debug, Clone, PartialEq)]
pub enum StreamsReply {
    Streams(Vec<StreamShown>),
    Stream {
        stream: StreamShown,
        created_at: Timestamp,
        /// Attribute and key type.
        keys: Vec<(String, String)>,
        shards: Vec<ShardShown>,
        /// The last shard of this page, when there are more.
        last: Option<String>,
    },
    Iterator(String),
    /// `next` is `None` when the shard is closed and read to its end.
    Records {
        records: Vec<StreamRecord>,
        next: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamShown {
    pub arn: Arn,
    pub label: String,
    pub table: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardShown {
    pub id: String,
    pub parent: Option<String>,
    /// First sequence number, and the last of a closed shard.
    pub first: String,
    pub last: Option<String>,
}
