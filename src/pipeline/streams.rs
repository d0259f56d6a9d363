//! DynamoDB Streams as an API: streams, shards, iterators, pages of records (aws-facts §4.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::model::id::Arn;
use crate::model::service_error::ServiceError;
use crate::model::stream::StreamRecord;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::deploy::stream_label;
use crate::pipeline::stream::Load as _;
use crate::pipeline::stream_request::{IteratorFrom, ShardShown, StreamShown, StreamsReply, StreamsRequest};
use crate::pipeline::table::{ShardKey, place_of, sequence_number, shard_id};

type Answer = Result<StreamsReply, ServiceError>;

/// `GetRecords`: records and bytes of one page at most.
const MAX_RECORDS: u32 = 1_000;
const MAX_PAGE_BYTES: u64 = 1_048_576;
/// Streams and shards of one page at most.
const MAX_LISTED: u32 = 100;
/// Seconds an iterator lives.
const ITERATOR_S: i64 = 15 * 60;

/// What an iterator is the base64 of.
#[derive(Serialize, Deserialize)]
struct Iterator {
    stream: String,
    shard: String,
    /// Log index of the next record.
    next: u64,
    issued_ms: i64,
    /// Not read with yet. A page may be empty before it reaches what is there (aws-facts §4.3); here
    /// the first of an iterator into the middle of a shard is, so that nobody relies on the contrary.
    cold: bool,
}

impl Pipeline {
    pub(super) fn streams(&mut self, ask: StreamsRequest) -> Answer {
        let action = action(&ask);
        let answer = match ask {
            StreamsRequest::ListStreams { table, max, after } => self.list_streams(table.as_deref(), max, after),
            StreamsRequest::DescribeStream { stream, max, after } => self.describe_stream(&stream, max, after),
            StreamsRequest::GetShardIterator { stream, shard, from } => self.shard_iterator(&stream, &shard, &from),
            StreamsRequest::GetRecords { iterator, max } => self.get_records(&iterator, max),
        };
        answer.map_err(|error| ServiceError { action: format!("dynamodb:{action}"), ..error })
    }

    fn list_streams(&self, table: Option<&str>, max: Option<u32>, after: Option<Arn>) -> Answer {
        limit(max, MAX_LISTED)?;
        let ours = table.is_none_or(|table| table == self.blueprint.table.name) && after.is_none();
        Ok(StreamsReply::Streams(ours.then(|| self.stream_shown()).into_iter().collect()))
    }

    fn stream_shown(&self) -> StreamShown {
        StreamShown {
            arn: self.stream_arn.clone(),
            label: stream_label(self.start),
            table: self.blueprint.table.name.clone(),
        }
    }

    fn describe_stream(&self, stream: &Arn, max: Option<u32>, after: Option<String>) -> Answer {
        self.check_stream(stream)?;
        let most = limit(max, MAX_LISTED)?;
        let all = self.table.shard_keys();
        let from = match &after {
            None => 0,
            Some(id) => match all.iter().position(|key| shard_id(*key) == *id) {
                Some(at) => at + 1,
                None => return Err(validation("Invalid ExclusiveStartShardId")),
            },
        };
        let shards: Vec<ShardShown> = all.iter().skip(from).take(most).map(|key| self.shard_shown(*key)).collect();
        let more = from + shards.len() < all.len();
        let last = shards.last().filter(|_| more).map(|shard| shard.id.clone());
        Ok(StreamsReply::Stream {
            stream: self.stream_shown(),
            created_at: self.start.plus_s(-86_400),
            keys: [("run", "HASH"), ("sort", "RANGE")].map(|(name, kind)| (name.to_owned(), kind.to_owned())).to_vec(),
            shards,
            last,
        })
    }

    fn shard_shown(&self, key: ShardKey) -> ShardShown {
        let range = self.table.range(key).unwrap_or_default();
        let last = range.end.map(|end| sequence_number(key.log, end.saturating_sub(1)));
        ShardShown {
            id: shard_id(key),
            parent: key.parent().map(shard_id),
            first: sequence_number(key.log, range.start),
            last,
        }
    }

    fn shard_iterator(&self, stream: &Arn, shard: &str, from: &IteratorFrom) -> Answer {
        self.check_stream(stream)?;
        let key = self.table.find_shard(shard).ok_or_else(|| missing(format!("Shard: {shard} not found")))?;
        let (Some(range), Some(log)) = (self.table.range(key), self.table.log(key.log)) else {
            return Err(missing(format!("Shard: {shard} not found")));
        };
        let end = range.end.unwrap_or(log.next());
        let at = |number: &str| {
            let (of, index) = place_of(number).ok_or_else(|| validation("Invalid SequenceNumber"))?;
            if of != key.log || !(range.start..end).contains(&index) {
                return Err(validation("Invalid SequenceNumber: it is not one of this shard's"));
            }
            if index < log.base() { Err(trimmed()) } else { Ok(index) }
        };
        let (next, cold) = match from {
            IteratorFrom::TrimHorizon => (range.start.max(log.base()), false),
            IteratorFrom::Latest => (end, false),
            IteratorFrom::At(number) => (at(number)?, true),
            IteratorFrom::After(number) => (at(number)? + 1, true),
        };
        let iterator =
            Iterator { stream: stream.to_string(), shard: shard.to_owned(), next, issued_ms: self.now.ms(), cold };
        Ok(StreamsReply::Iterator(iterator.seal()))
    }

    fn get_records(&mut self, text: &str, max: Option<u32>) -> Answer {
        let iterator = Iterator::open(text).ok_or_else(|| validation("Invalid ShardIterator"))?;
        let most = limit(max, MAX_RECORDS)?;
        if Timestamp::from_ms(iterator.issued_ms).plus_s(ITERATOR_S) <= self.now {
            let text = "Iterator expired: it was not used for 15 minutes";
            return Err(ServiceError::new("", "ExpiredIteratorException", text));
        }
        self.check_stream(&Arn::from(iterator.stream.as_str()))?;
        let key = self.table.find_shard(&iterator.shard).ok_or_else(trimmed)?;
        let (Some(range), Some(log)) = (self.table.range(key), self.table.log(key.log)) else { return Err(trimmed()) };
        let end = range.end.unwrap_or(log.next());
        if iterator.next < log.base() && iterator.next < end {
            return Err(trimmed());
        }
        let (mut next, mut bytes, mut records) = (iterator.next, 0, Vec::new());
        while !iterator.cold && next < end && records.len() < most && bytes < MAX_PAGE_BYTES {
            let Some(record) = log.get(next) else { break };
            bytes += u64::from(record.bytes());
            records.push(self.record_shown(key.log, next, record));
            next += 1;
        }
        if !records.is_empty() {
            self.meter.add(self.stream_gauges.returned, self.now, records.len() as f64);
        }
        // A closed shard that is read to its end has nothing more.
        let more = range.end.is_none_or(|end| next < end);
        let following = Iterator { next, issued_ms: self.now.ms(), cold: false, ..iterator };
        Ok(StreamsReply::Records { records, next: more.then(|| following.seal()) })
    }

    fn record_shown(&self, shard: u32, index: u64, record: &crate::pipeline::record::Record) -> StreamRecord {
        let event = self.table.event(record, shard, index);
        StreamRecord {
            event_id: format!("{:032x}", event.identity.item_key().item_hash()),
            event_name: "INSERT".to_owned(),
            event_version: "1.1".to_owned(),
            region: self.blueprint.region.clone(),
            created_at_s: event.at.s(),
            keys: event.keys_image(),
            new_image: Some(event.image()),
            old_image: None,
            sequence_number: sequence_number(shard, index),
            size_bytes: event.size_bytes() as u64,
            view: VIEW.to_owned(),
            identity: None,
        }
    }

    fn check_stream(&self, stream: &Arn) -> Result<(), ServiceError> {
        if *stream == self.stream_arn {
            return Ok(());
        }
        Err(missing(format!("Stream: {stream} not found")))
    }
}

impl Iterator {
    fn seal(&self) -> String {
        // Strings and numbers always serialize.
        STANDARD.encode(serde_json::to_string(self).unwrap_or_default())
    }

    fn open(text: &str) -> Option<Self> {
        serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()
    }
}

/// `StreamViewType` of the table's stream.
pub const VIEW: &str = "NEW_AND_OLD_IMAGES";

fn limit(max: Option<u32>, most: u32) -> Result<usize, ServiceError> {
    match max {
        Some(max) if max == 0 || max > most => {
            Err(validation(&format!("Limit: {max} is not a number from 1 to {most}")))
        }
        max => Ok(usize::try_from(max.unwrap_or(most)).unwrap_or(usize::MAX)),
    }
}

fn missing(what: String) -> ServiceError {
    ServiceError::new("", "ResourceNotFoundException", format!("Requested resource not found: {what}"))
}

fn validation(text: &str) -> ServiceError {
    ServiceError::new("", "ValidationException", text)
}

fn trimmed() -> ServiceError {
    let text = "The operation attempted to read past the oldest stream record in the shard: it has been trimmed";
    ServiceError::new("", "TrimmedDataAccessException", text)
}

fn action(ask: &StreamsRequest) -> &'static str {
    match ask {
        StreamsRequest::ListStreams { .. } => "ListStreams",
        StreamsRequest::DescribeStream { .. } => "DescribeStream",
        StreamsRequest::GetShardIterator { .. } => "GetShardIterator",
        StreamsRequest::GetRecords { .. } => "GetRecords",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::request::{Reply, Request, RequestId};
    use crate::pipeline::standard::standard;

    const START: Timestamp = Timestamp::from_s(1_767_225_600);

    struct Bench(Pipeline);

    impl Bench {
        fn new(retention_s: u32) -> Self {
            let mut blueprint = standard();
            blueprint.load.requests_per_ks = 0;
            blueprint.load.events_per_ks = 1_000;
            blueprint.table.retention_s = retention_s;
            blueprint.table.shards = 2;
            Bench(Pipeline::new(blueprint, 7, START).expect("sound"))
        }

        fn run(&mut self, to_s: i64) {
            self.0.handle_timeout(START.plus_s(to_s));
        }

        fn ask(&mut self, ask: StreamsRequest) -> Result<StreamsReply, String> {
            self.0.handle_request(self.0.now(), RequestId(1), Request::Streams(ask));
            match self.0.poll_response().expect("at once").1 {
                Ok(Reply::Streams(reply)) => Ok(reply),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.code),
            }
        }

        fn arn(&mut self) -> Arn {
            let list = StreamsRequest::ListStreams { table: Some("EventTable".to_owned()), max: None, after: None };
            match self.ask(list) {
                Ok(StreamsReply::Streams(mut streams)) => streams.pop().expect("one").arn,
                other => panic!("{other:?}"),
            }
        }

        fn shards(&mut self, stream: &Arn) -> Vec<ShardShown> {
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let ask = StreamsRequest::DescribeStream { stream: stream.clone(), max: Some(1), after };
                let Ok(StreamsReply::Stream { shards, last, .. }) = self.ask(ask) else { panic!("no page") };
                all.extend(shards);
                after = last;
                if after.is_none() {
                    return all;
                }
            }
        }

        fn iterator(&mut self, stream: &Arn, shard: &str, from: IteratorFrom) -> Result<String, String> {
            let ask = StreamsRequest::GetShardIterator { stream: stream.clone(), shard: shard.to_owned(), from };
            self.ask(ask).map(|reply| match reply {
                StreamsReply::Iterator(text) => text,
                other => panic!("{other:?}"),
            })
        }

        fn page(&mut self, iterator: &str, max: u32) -> Result<(Vec<StreamRecord>, Option<String>), String> {
            let ask = StreamsRequest::GetRecords { iterator: iterator.to_owned(), max: Some(max) };
            self.ask(ask).map(|reply| match reply {
                StreamsReply::Records { records, next } => (records, next),
                other => panic!("{other:?}"),
            })
        }
    }

    #[test]
    fn every_record_is_in_one_shard_and_a_closed_shard_ends() {
        let mut bench = Bench::new(86_400);
        bench.run(2 * 3600);
        let stream = bench.arn();
        let shards = bench.shards(&stream);
        assert_eq!(shards.len(), 4, "each of the two has rolled over once");
        let (closed, open): (Vec<_>, Vec<_>) = shards.into_iter().partition(|shard| shard.last.is_some());
        assert!(open.iter().all(|shard| closed.iter().any(|parent| shard.parent.as_deref() == Some(&*parent.id))));
        let mut total = 0;
        for shard in &closed {
            let mut next = Some(bench.iterator(&stream, &shard.id, IteratorFrom::TrimHorizon).expect("an iterator"));
            let mut numbers = Vec::new();
            while let Some(iterator) = next {
                let (records, following) = bench.page(&iterator, 1000).expect("a page");
                numbers.extend(records.into_iter().map(|record| record.sequence_number));
                next = following;
            }
            assert!(numbers.is_sorted_by(|a, b| crate::model::stream::by_sequence(a, b).is_lt()));
            assert_eq!((numbers.first(), numbers.last()), (Some(&shard.first), shard.last.as_ref()));
            total += numbers.len();
        }
        assert!(total > 1_000, "{total}");
        let mut iterator = bench.iterator(&stream, &open[0].id, IteratorFrom::Latest).expect("an iterator");
        for _ in 0..3 {
            let (records, next) = bench.page(&iterator, 1000).expect("a page");
            assert!(records.is_empty());
            iterator = next.expect("an open shard goes on");
        }
    }

    #[test]
    fn a_range_is_fetched_past_an_empty_page_until_it_is_trimmed() {
        let mut bench = Bench::new(1200);
        bench.run(600);
        let stream = bench.arn();
        let shard = bench.shards(&stream).remove(0);
        let horizon = bench.iterator(&stream, &shard.id, IteratorFrom::TrimHorizon).expect("an iterator");
        let (records, _) = bench.page(&horizon, 10).expect("a page");
        let fifth = records[4].sequence_number.clone();
        assert!((21..=40).contains(&fifth.len()));
        let from = IteratorFrom::At(fifth.clone());
        let iterator = bench.iterator(&stream, &shard.id, from.clone()).expect("an iterator");
        let (nothing, next) = bench.page(&iterator, 10).expect("a page");
        assert!(nothing.is_empty());
        let (found, _) = bench.page(&next.expect("more"), 3).expect("a page");
        assert_eq!(found, records[4..7]);
        let after = bench.iterator(&stream, &shard.id, IteratorFrom::After(fifth)).expect("an iterator");
        let next = bench.page(&after, 10).expect("a page").1.expect("more");
        assert_eq!(bench.page(&next, 1).expect("a page").0, records[5..6]);
        bench.run(600 + ITERATOR_S);
        assert_eq!(bench.page(&next, 1), Err("ExpiredIteratorException".to_owned()));
        bench.run(1800);
        assert_eq!(bench.iterator(&stream, &shard.id, from), Err("TrimmedDataAccessException".to_owned()));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let mut bench = Bench::new(3600);
        bench.run(60);
        let stream = bench.arn();
        let shard = bench.shards(&stream).remove(0).id;
        let other = Arn::from("arn:aws:dynamodb:eu-west-1:123456789012:table/T/stream/x");
        let missing = Err("ResourceNotFoundException".to_owned());
        assert_eq!(bench.iterator(&other, &shard, IteratorFrom::Latest), missing);
        assert_eq!(bench.iterator(&stream, "shardId-00000000000000000000-00000000", IteratorFrom::Latest), missing);
        let invalid = Err("ValidationException".to_owned());
        assert_eq!(bench.iterator(&stream, &shard, IteratorFrom::At("7".to_owned())), invalid);
        assert_eq!(bench.page("bm9uZQ==", 1).map(|_| String::new()), invalid);
        assert_eq!(bench.page("", 0).map(|_| String::new()), invalid);
    }
}
