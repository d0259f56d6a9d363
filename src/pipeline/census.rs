//! The count of identities (design, day one, 7): every job and event is found in a container, is
//! done, or is lost. Counted afresh each time; only what containers cannot tell (that retention took
//! a message) is remembered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::automation::identity::{Identity, Kind};
use crate::automation::request_worker::run_of_key;
use crate::model::census::{Census, Count};
use crate::pipeline::Pipeline;
use crate::pipeline::function::asynchronous::AsyncPayload;
use crate::pipeline::function::run::Work;
use crate::pipeline::ledger::Totals;
use crate::pipeline::mapping::Feed;
use crate::pipeline::queue::store::Place;
use crate::pipeline::queues::Why;
use crate::pipeline::stream::reader::Reader;
use crate::pipeline::table::{place_of, shard_of_id};

/// Where a live copy is. Of several copies the first in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    InFlight,
    Waiting,
    Delayed,
    Dead,
}

/// Lost identities that are named.
const NAMED: usize = 10;

/// What the queues and buckets hold, seen once.
#[derive(Debug, Default)]
struct Bodies {
    jobs: BTreeMap<Identity, Stand>,
    /// Records that failure documents point at: shard, first and last log index.
    dead_records: Vec<(u32, u64, u64)>,
}

impl Pipeline {
    /// Counts the identities in every container, afresh.
    pub fn census(&self) -> Census {
        let totals = self.ledger.totals();
        let bodies = self.bodies();
        let mut lost = Vec::new();
        let jobs = self.count_jobs(&totals, &bodies, &mut lost);
        let events = self.count_events(&totals, &bodies, &mut lost);
        Census { jobs, events, lost }
    }

    /// Somebody deletes jobs having put a copy of each aside: they are *dropped*, not lost.
    pub fn note_dropped(&mut self, jobs: impl IntoIterator<Item = Identity>) {
        self.dropped.extend(jobs);
    }

    /// Learns what left the queues otherwise than by success.
    pub(super) fn note_gone(&mut self) {
        for gone in self.queues.drain_gone() {
            let Some(identity) = identity_in(&gone.body) else { continue };
            match gone.why {
                Why::Expired => {
                    self.expired.insert(identity);
                }
                Why::Deleted if self.queues.is_dead_letter(&gone.queue) && self.ledger.is_open(identity) => {
                    self.tally.taken_from_dead.push((gone.at, identity));
                }
                Why::Deleted | Why::Purged | Why::QueueDeleted => {}
            }
        }
    }

    fn bodies(&self) -> Bodies {
        let mut found = Bodies::default();
        self.queues.each_body(self.now, |_, body, place, dead| {
            let stand = match (dead, place) {
                (true, _) => Stand::Dead,
                (false, Place::InFlight) => Stand::InFlight,
                (false, Place::Waiting) => Stand::Waiting,
                (false, Place::Delayed) => Stand::Delayed,
            };
            if let Some(identity) = identity_in(body) {
                found.add(identity, stand);
            } else if body.contains("requestContext") {
                found.add_document(body);
            }
        });
        self.bucket.documents().for_each(|body| found.add_document(body));
        for event in self.asyncs.values() {
            if let AsyncPayload::ObjectCreated(run) = event.what {
                found.add(Identity::job(run, 0), Stand::Waiting);
            }
        }
        for run in self.runs.values() {
            if let Work::Async(event) = &run.work
                && let AsyncPayload::ObjectCreated(id) = event.what
            {
                found.add(Identity::job(id, 0), Stand::InFlight);
            }
        }
        found
    }

    fn count_jobs(&self, totals: &Totals, bodies: &Bodies, lost: &mut Vec<String>) -> Count {
        let mut count = Count { done: totals.ended, cancelled: totals.cancelled, ..Count::default() };
        for (identity, stand) in &bodies.jobs {
            if self.ledger.is_open(*identity) {
                count.add(*stand);
            }
        }
        let open = totals.made - totals.ended - totals.cancelled;
        let found = count.waiting + count.in_flight + count.delayed + count.dead;
        if open > found {
            let missing = self.ledger.open_jobs().filter(|job| !bodies.jobs.contains_key(job));
            for job in missing {
                if self.dropped.contains(&job) {
                    count.dropped += 1;
                } else if self.expired.contains(&job) {
                    count.expired += 1;
                } else {
                    count.lost += 1;
                    if lost.len() < NAMED {
                        lost.push(job.to_string());
                    }
                }
            }
        }
        count
    }

    fn count_events(&self, totals: &Totals, bodies: &Bodies, lost: &mut Vec<String>) -> Count {
        let mut count = Count { done: totals.indexed, ..Count::default() };
        let dead = self.dead_events(bodies);
        count.dead = dead.len() as u64;
        let mut next = 0;
        for shard in 0..self.table.shards() {
            let Some(log) = self.table.log(shard) else { continue };
            next += log.next();
            let (open, running) = match self.indexer_of(shard) {
                Some(reader) => reader.open_total(log),
                None => (log.next() - log.base(), 0),
            };
            count.waiting += open - running;
            count.in_flight += running;
        }
        let left = totals.events.saturating_sub(totals.indexed);
        let found = count.waiting + count.in_flight + count.dead;
        // Written to the table and never to the stream.
        count.lost += totals.events.saturating_sub(next);
        if left > found + count.lost {
            let in_log = self.passed_and_not_indexed(&dead, lost);
            count.lost += in_log;
            count.expired = left - found - count.lost;
        }
        count
    }

    /// Events still in the log that a failure document points at, that no lane will read again and
    /// that are in no index.
    fn dead_events(&self, bodies: &Bodies) -> BTreeSet<(u32, u64)> {
        let mut dead = BTreeSet::new();
        for (shard, first, last) in &bodies.dead_records {
            let Some(log) = self.table.log(*shard) else { continue };
            let Some(reader) = self.indexer_of(*shard) else { continue };
            for index in (*first).max(log.base())..last.saturating_add(1).min(log.next()) {
                let indexed = log.get(index).is_none_or(|record| self.ledger.is_indexed(record.identity()));
                if !indexed && reader.open(index, log).0 == 0 {
                    dead.insert((*shard, index));
                }
            }
        }
        dead
    }

    fn passed_and_not_indexed(&self, dead: &BTreeSet<(u32, u64)>, lost: &mut Vec<String>) -> u64 {
        let mut number = 0;
        for shard in 0..self.table.shards() {
            let (Some(log), Some(reader)) = (self.table.log(shard), self.indexer_of(shard)) else { continue };
            for index in log.base()..reader.furthest().min(log.next()) {
                let Some(record) = log.get(index) else { continue };
                let identity = record.identity();
                let gone = !self.ledger.is_indexed(identity) && !dead.contains(&(shard, index));
                if gone && reader.open(index, log).0 == 0 {
                    number += 1;
                    if lost.len() < NAMED {
                        lost.push(identity.to_string());
                    }
                }
            }
        }
        number
    }

    /// The reader of a shard that feeds the search index.
    fn indexer_of(&self, shard: u32) -> Option<&Reader> {
        self.mappings.iter().find_map(|mapping| match &mapping.feed {
            Feed::Stream(feed) => feed.reader(shard),
            Feed::Queue(_) => None,
        })
    }
}

impl Bodies {
    fn add(&mut self, identity: Identity, stand: Stand) {
        if identity.kind == Kind::Job {
            let best = self.jobs.entry(identity).or_insert(stand);
            *best = stand.min(*best);
        }
    }

    /// A document of an on-failure destination: pointers into the stream, or an event that nobody
    /// could run.
    fn add_document(&mut self, body: &str) {
        let Ok(document) = serde_json::from_str::<Value>(body) else { return };
        if let Some(info) = document.get("DDBStreamBatchInfo") {
            let text = |name: &str| info.get(name).and_then(Value::as_str);
            let place = |name: &str| text(name).and_then(place_of);
            if let (Some(shard), Some((_, first)), Some((_, last))) =
                (text("shardId").and_then(shard_of_id), place("startSequenceNumber"), place("endSequenceNumber"))
            {
                self.dead_records.push((shard, first, last));
            }
        }
        let key = document.pointer("/requestPayload/Records/0/s3/object/key").and_then(Value::as_str);
        if let Some(run) = key.and_then(run_of_key) {
            self.add(Identity::job(run, 0), Stand::Dead);
        }
    }
}

impl Count {
    fn add(&mut self, stand: Stand) {
        match stand {
            Stand::InFlight => self.in_flight += 1,
            Stand::Waiting => self.waiting += 1,
            Stand::Delayed => self.delayed += 1,
            Stand::Dead => self.dead += 1,
        }
    }
}

/// The identity in a job's body, without reading all of it; `None` when it says none.
fn identity_in(body: &str) -> Option<Identity> {
    const MEMBER: &str = "\"identity\"";
    let rest = body.get(body.find(MEMBER)? + MEMBER.len()..)?;
    // An operator may have edited the body and spaced it out.
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    rest.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_found_in_a_body_however_it_is_spaced() {
        for body in [
            r#"{"action":"send","identity":"run-0000002a/1/job","run":"run-0000002a"}"#,
            "{\n  \"identity\" : \"run-0000002a/1/job\"\n}",
        ] {
            assert_eq!(identity_in(body), "run-0000002a/1/job".parse().ok());
        }
        for body in ["", "{}", r#"{"identity":7}"#, r#"{"identity":"nobody"}"#] {
            assert_eq!(identity_in(body), None, "{body}");
        }
    }
}
