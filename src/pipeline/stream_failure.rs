//! What a stream mapping leaves behind of a batch it gives up: a pointer in a queue, or the whole event in a
//! bucket (aws-facts §4).

use serde_json::{Value, json};

use crate::model::id::MappingId;
use crate::model::message::Outgoing;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::function::run::{Verdict, Work};
use crate::pipeline::history::Deed;
use crate::pipeline::mapping::{Feed, Mapping};
use crate::pipeline::notice::Happening;
use crate::pipeline::objects::BUCKET_ARN;
use crate::pipeline::rng;
use crate::pipeline::stream::batch::Batch;
use crate::pipeline::stream::reader::Condition;
use crate::pipeline::table::{sequence_number, shard_id};

impl Pipeline {
    /// A batch is given up: its pointers go to the on-failure destination, if there is one.
    pub(super) fn discard(
        &mut self,
        mapping: usize,
        shard: u32,
        lane: u32,
        batch: &Batch,
        condition: Condition,
        verdict: Option<&Verdict>,
    ) {
        let Some(entry) = self.mappings.get(mapping) else { return };
        let function = entry.function;
        let destination = entry.acting.on_failure.clone();
        let (id, request) = (entry.id.clone(), self.failure_id(mapping, shard, batch));
        let document = self.failure_document(entry, &request, (shard, lane, batch), condition, verdict);
        let records = f64::from(batch.records);
        let delivered = destination.map(|arn| match arn.as_str().strip_prefix(BUCKET_ARN) {
            Some(bucket) if self.has_bucket(bucket) => {
                let key = self.failure_key(&id, &document, &request);
                let event = self.payload_of(&Work::Stream { mapping, shard, lane, batch: *batch });
                let mut document = document;
                document["payload"] = Value::String(event);
                self.bucket.put_document(bucket, key, document.to_string().into(), self.now);
                true
            }
            Some(_) => false,
            None => self.queues.name_of(&arn).is_some_and(|queue| {
                let message = Outgoing { body: document.to_string(), ..Outgoing::default() };
                self.queues.put(self.now, &queue, message, &mut self.meter).is_ok()
            }),
        });
        let gauges = self.mapping_gauges.get(mapping).and_then(Option::as_ref);
        if delivered == Some(false) {
            self.meter.add(self.function_gauges[function].destination_failures, self.now, 1.0);
        }
        if let Some(gauges) = gauges {
            let id = if delivered == Some(true) { gauges.delivered } else { gauges.dropped };
            self.meter.add(id, self.now, records);
        }
        self.note(Deed::BatchDiscarded, u64::from(shard), batch.from.entry);
        let name = self.functions.get(function).blueprint.name.clone();
        let number = batch.records;
        self.tell(|| Happening::Discarded { function: name, records: number });
    }

    /// `aws/lambda/<mapping>/<shard>/2026/01/01/2026-01-01T00.13.49-<uuid>` (aws-facts §4.2).
    fn failure_key(&self, mapping: &MappingId, document: &Value, request: &str) -> String {
        let shard = document.pointer("/DDBStreamBatchInfo/shardId").and_then(Value::as_str).unwrap_or("");
        let now = self.now.to_string();
        let day = now.get(..10).unwrap_or("").replace('-', "/");
        let moment = now.get(..19).unwrap_or("").replace(':', ".");
        format!("aws/lambda/{mapping}/{shard}/{day}/{moment}-{}", rng::uuid(1, request))
    }

    fn failure_id(&self, mapping: usize, shard: u32, batch: &Batch) -> String {
        let id = self.mappings.get(mapping).map(|mapping| mapping.id.to_string()).unwrap_or_default();
        rng::uuid(batch.from.entry, &format!("{id}/{shard}/{}", self.now))
    }

    /// The document of aws-facts §4.1.
    fn failure_document(
        &self,
        mapping: &Mapping,
        request: &str,
        (shard, lane, batch): (u32, u32, &Batch),
        condition: Condition,
        verdict: Option<&Verdict>,
    ) -> Value {
        let places = match (&mapping.feed, self.table.log(shard)) {
            (Feed::Stream(feed), Some(log)) => {
                feed.reader(shard).map(|reader| reader.records_of(lane, batch, log)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let first = places.first().map_or(batch.from.entry, |place| place.0);
        let last = places.last().map_or(first, |place| place.0);
        let short = |s: i64| Timestamp::from_s(s).to_string().replace(".000Z", "Z");
        let condition = match condition {
            Condition::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Condition::RecordAgeExceeded => "RecordAgeExceeded",
        };
        let mut document = json!({
            "requestContext": {
                "requestId": request,
                "functionArn": self.functions.get(mapping.function).arn.as_str(),
                "condition": condition,
                "approximateInvokeCount": batch.sends,
            },
            "version": "1.0",
            "timestamp": self.now.to_string(),
            "DDBStreamBatchInfo": {
                "shardId": shard_id(self.table.shard_of(shard, first)),
                "startSequenceNumber": sequence_number(shard, first),
                "endSequenceNumber": sequence_number(shard, last),
                "approximateArrivalOfFirstRecord": short(batch.first_at_s),
                "approximateArrivalOfLastRecord": short(batch.last_at_s),
                "batchSize": batch.records,
                "streamArn": mapping.source.as_str(),
            },
        });
        if let Some(verdict) = verdict {
            let error = if verdict.is_error() { json!("Unhandled") } else { Value::Null };
            document["responseContext"] =
                json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": error});
        }
        document
    }
}
