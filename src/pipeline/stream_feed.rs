//! A stream mapping at work: polls its shards, sends batches, gives up what failed too often.

use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::function::run::{Verdict, Work};
use crate::pipeline::history::Deed;
use crate::pipeline::mapping::stream::StreamFeed;
use crate::pipeline::mapping::{Feed, Mapping};
use crate::pipeline::notice::Happening;
use crate::pipeline::schedule::Timer;
use crate::pipeline::stream::batch::Batch;
use crate::pipeline::stream::lane::BatchEnd;
use crate::pipeline::stream::reader::Want;

impl Pipeline {
    /// Something was written to a shard: every mapping on the stream will poll it.
    pub(super) fn plan_polls(&mut self, shard: u32) {
        for mapping in 0..self.mappings.len() {
            self.plan_poll(mapping, shard);
        }
    }

    fn plan_poll(&mut self, mapping: usize, shard: u32) {
        let now = self.now;
        let Some(feed) = acting_stream(&mut self.mappings, mapping) else { return };
        if let Some(at) = feed.plan_poll(now, shard) {
            self.timers.set(at, Timer::Poll { mapping, shard });
        }
    }

    pub(super) fn poll_shard(&mut self, mapping: usize, shard: u32) {
        let Some(Feed::Stream(feed)) = self.mappings.get_mut(mapping).map(|entry| &mut entry.feed) else { return };
        feed.poll_begins(shard);
        let Some(feed) = acting_stream(&mut self.mappings, mapping) else { return };
        let (Some(reader), Some(log)) = (feed.reader_mut(shard), self.table.log(shard)) else { return };
        let polled = reader.poll(log);
        let more = reader.is_behind(log);
        if polled > 0 {
            let polled = count(polled);
            self.meter.add(self.stream_gauges.returned, self.now, polled);
            if let Some(Some(gauges)) = self.mapping_gauges.get(mapping) {
                self.meter.add(gauges.polled, self.now, polled);
            }
        }
        if more {
            self.plan_poll(mapping, shard);
        }
        self.pump_shard(mapping, shard);
    }

    pub(super) fn wake_lane(&mut self, mapping: usize, shard: u32, lane: u32, at: Timestamp) {
        if let Some(Feed::Stream(feed)) = self.mappings.get_mut(mapping).map(|entry| &mut entry.feed) {
            feed.wake_begins(shard, lane, at);
            self.pump_lane(mapping, shard, lane);
        }
    }

    /// A mapping has new settings, or acts again: all its shards and lanes, or its queue, are looked at.
    pub(super) fn wake_mapping(&mut self, mapping: usize) {
        match self.mappings.get(mapping).map(|entry| &entry.feed) {
            Some(Feed::Stream(feed)) => {
                for shard in 0..feed.shards() {
                    self.plan_poll(mapping, shard);
                    self.pump_shard(mapping, shard);
                }
            }
            Some(Feed::Queue(_)) => self.plan_tick(mapping),
            None => {}
        }
    }

    fn pump_shard(&mut self, mapping: usize, shard: u32) {
        let lanes = match self.mappings.get(mapping).map(|entry| &entry.feed) {
            Some(Feed::Stream(feed)) => feed.rules.lanes,
            _ => return,
        };
        for lane in 0..lanes {
            self.pump_lane(mapping, shard, lane);
        }
    }

    /// Does what a lane wants until it wants nothing more for now.
    fn pump_lane(&mut self, mapping: usize, shard: u32, lane: u32) {
        loop {
            let now = self.now;
            let Some(feed) = acting_stream(&mut self.mappings, mapping) else { return };
            let rules = feed.rules;
            let (Some(reader), Some(log)) = (feed.reader_mut(shard), self.table.log(shard)) else { return };
            match reader.want(now, lane, log, &rules) {
                None => return,
                Some(Want::Wake(at)) => {
                    if feed.plan_wake(shard, lane, at) {
                        self.timers.set(at, Timer::Lane { mapping, shard, lane, at });
                    }
                    return;
                }
                Some(Want::Discard(batch, condition)) => self.discard(mapping, shard, lane, &batch, condition, None),
                Some(Want::Send(batch)) => {
                    if self.send_batch(mapping, shard, lane, batch) {
                        return;
                    }
                }
            }
        }
    }

    /// Sends a batch to the function; false when the function is throttled.
    fn send_batch(&mut self, mapping: usize, shard: u32, lane: u32, batch: Batch) -> bool {
        let function = self.mappings[mapping].function;
        if !self.start_run(function, Work::Stream { mapping, shard, lane, batch }, 0) {
            let now = self.now;
            if let Some(reader) = acting_stream(&mut self.mappings, mapping).and_then(|feed| feed.reader_mut(shard)) {
                reader.refused(now, lane);
            }
            return false;
        }
        // Age of the last record of the batch as it is sent (aws-facts §2.2).
        let age_ms = self.now.ms_since(Timestamp::from_s(batch.last_at_s)).max(0);
        self.tally.iterator_age_max_ms = self.tally.iterator_age_max_ms.max(Some(age_ms));
        self.meter.add(self.function_gauges[function].iterator_age, self.now, age_ms as f64);
        if let Some(Some(gauges)) = self.mapping_gauges.get(mapping) {
            self.meter.add(gauges.invoked, self.now, f64::from(batch.records));
        }
        self.note(
            Deed::BatchSent,
            u64::from(shard) << 32 | u64::from(lane),
            batch.from.entry << 16 | u64::from(batch.records),
        );
        let name = &self.functions.get(function).blueprint.name;
        let what = Happening::BatchSent { function: name.clone(), shard, lane, records: batch.records, age_ms };
        self.tell(|| what);
        true
    }

    /// A batch came back from the function.
    pub(super) fn stream_run_ended(&mut self, mapping: usize, shard: u32, lane: u32, batch: &Batch, verdict: &Verdict) {
        let end = match verdict {
            Verdict::Done { .. } => BatchEnd::Done,
            Verdict::StoppedAt { record: 0 } | Verdict::Error { .. } => BatchEnd::Failed,
            Verdict::StoppedAt { record } => BatchEnd::Partial(*record),
        };
        if end != BatchEnd::Done
            && let Some(Some(gauges)) = self.mapping_gauges.get(mapping)
        {
            let failed = if verdict.is_error() { batch.records } else { 1 };
            self.meter.add(gauges.failed, self.now, f64::from(failed));
        }
        let Some(entry) = self.mappings.get_mut(mapping) else { return };
        entry.note_result(end == BatchEnd::Done);
        let Feed::Stream(feed) = &mut entry.feed else { return };
        let rules = feed.rules;
        let (Some(reader), Some(log)) = (feed.reader_mut(shard), self.table.log(shard)) else { return };
        if let Some(Want::Discard(batch, condition)) = reader.finished(self.now, lane, end, log, &rules) {
            self.discard(mapping, shard, lane, &batch, condition, Some(verdict));
        }
        self.pump_shard(mapping, shard);
    }
}

/// The feed of a stream mapping that acts.
fn acting_stream(mappings: &mut [Mapping], mapping: usize) -> Option<&mut StreamFeed> {
    let entry = mappings.get_mut(mapping).filter(|entry| entry.is_acting)?;
    match &mut entry.feed {
        Feed::Stream(feed) => Some(feed),
        Feed::Queue(_) => None,
    }
}

/// A count as a metric's value: exact below 2⁵³.
fn count(n: u64) -> f64 {
    n as f64
}
