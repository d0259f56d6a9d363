//! What a run does: the handler of `automation` that fits the function's role gets its event, and
//! what it orders is performed. External functions get the same event as JSON.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::automation::event::EventItem;
use crate::automation::identity::RunId;
use crate::automation::job_worker;
use crate::automation::log_worker::{self, Failing};
use crate::automation::request_worker;
use crate::model::id::MessageId;
use crate::model::message::Message;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::Role;
use crate::pipeline::external::Outcome;
use crate::pipeline::function::answer::{Failures, failures};
use crate::pipeline::function::asynchronous::AsyncPayload;
use crate::pipeline::function::event;
use crate::pipeline::function::run::{Run, Verdict, Work};
use crate::pipeline::mapping::Feed;
use crate::pipeline::notice::Happening;
use crate::pipeline::stream::batch::Batch;
use crate::pipeline::table::{place_of, sequence_number};

impl Pipeline {
    /// Runs the embedded handler of a run's function.
    pub(super) fn handle_event(&mut self, run: &Run) -> Verdict {
        let role = self.functions.get(run.function).blueprint.role;
        match (&run.work, role) {
            (Work::Stream { mapping, shard, lane, batch }, Role::LogWorker) => {
                self.index_batch(*mapping, *shard, *lane, batch)
            }
            (Work::Queue { mapping, messages, .. }, Role::JobWorker) => {
                let reports = self.mappings.get(*mapping).is_some_and(|entry| entry.acting.report_batch_item_failures);
                self.work_off(run, reports, messages)
            }
            (Work::Async(event), Role::RequestWorker) => match &event.what {
                AsyncPayload::ObjectCreated(id) => self.take_up(*id, run),
                AsyncPayload::Raw { payload, .. } => self.handle_payload(run, role, &payload.clone()),
            },
            (Work::Sync { payload, .. }, role) => self.handle_payload(run, role, &payload.clone()),
            _ => Verdict::Done { failed: Vec::new() },
        }
    }

    /// RequestWorker.
    fn take_up(&mut self, id: RunId, run: &Run) -> Verdict {
        let Some(request) = self.bucket.request(id, &self.ledger) else {
            return Verdict::error("NoSuchKey", format!("the request of {id} is not in the bucket"));
        };
        if self.functions.get(run.function).blueprint.environment.get("LOG_LEVEL").is_some_and(|level| level == "INFO")
        {
            let line = self.speaker(run).info(&format!("took up {}", request.key()));
            self.log_line(run.function, &line);
        }
        let orders = request_worker::request_worker(&request, self.now);
        self.verdict_of(orders, run)
    }

    fn verdict_of(&mut self, orders: Vec<crate::automation::order::Order>, run: &Run) -> Verdict {
        match self.perform_all(orders, run) {
            Ok(()) => Verdict::Done { failed: Vec::new() },
            Err(error) => Verdict::error(&error.kind, error.message),
        }
    }

    /// JobWorker: each message by itself. It reports failed messages where the mapping heeds that,
    /// and throws otherwise. Behind a failed message of a FIFO group the group is left alone, and
    /// reported too (aws-facts §5.2).
    fn work_off(&mut self, run: &Run, reports: bool, messages: &[Message]) -> Verdict {
        let mut failed: Vec<MessageId> = Vec::new();
        let mut stopped: BTreeSet<&str> = BTreeSet::new();
        let alone = messages.len() == 1;
        for message in messages {
            let group = message.system.group_id.as_deref().filter(|_| message.system.sequence_number.is_some());
            if group.is_some_and(|group| stopped.contains(group)) {
                failed.push(message.id.clone());
                continue;
            }
            let done =
                job_worker::from_body(&message.body, &self.view()).and_then(|orders| self.perform_all(orders, run));
            match done {
                Ok(()) => {}
                // With one message the handler might as well throw, and does, so that Errors show it.
                Err(error) if reports && !alone => {
                    let said = format!("{} (message {})", error.message, message.id);
                    let line = self.speaker(run).error(&error.kind, &said);
                    self.log_line(run.function, &line);
                    failed.push(message.id.clone());
                    stopped.extend(group);
                }
                Err(error) => {
                    return Verdict::error(&error.kind, format!("{} (message {})", error.message, message.id));
                }
            }
        }
        Verdict::Done { failed }
    }

    /// LogWorker.
    fn index_batch(&mut self, mapping: usize, shard: u32, lane: u32, batch: &Batch) -> Verdict {
        let events = self.events_of(mapping, shard, lane, batch);
        let partial = match self.mappings.get(mapping).map(|entry| &entry.feed) {
            Some(Feed::Stream(feed)) => feed.rules.partial,
            _ => false,
        };
        // An answer nobody heeds would lose records: then it throws.
        let failing = if partial { self.faults.failing() } else { Failing::Throws };
        self.index_events(shard, &events, failing)
    }

    fn index_events(&mut self, shard: u32, events: &[(u64, EventItem)], failing: Failing) -> Verdict {
        let records = events.iter().map(|(index, event)| (*index, event));
        let indexed = match log_worker::log_worker(records, failing, &self.view()) {
            Ok(indexed) => indexed,
            Err(error) => return Verdict::error(&error.kind, error.message),
        };
        for document in indexed.documents {
            let identity = document.event.identity;
            if self.ledger.index_event(identity) {
                let (item, sequence) = (identity.item_key().item_hash(), document.version);
                self.tell(|| Happening::Indexed { item, sequence });
                self.note(crate::pipeline::history::Deed::Indexed, u64::from(shard), sequence);
            }
            self.index.put(document);
        }
        match indexed.failures.first() {
            None => Verdict::Done { failed: Vec::new() },
            Some(version) => {
                let record = events.iter().position(|(index, _)| index == version).unwrap_or(0);
                Verdict::StoppedAt { record: u32::try_from(record).unwrap_or(0) }
            }
        }
    }

    fn events_of(&self, mapping: usize, shard: u32, lane: u32, batch: &Batch) -> Vec<(u64, EventItem)> {
        let Some(Feed::Stream(feed)) = self.mappings.get(mapping).map(|entry| &entry.feed) else { return Vec::new() };
        let (Some(reader), Some(log)) = (feed.reader(shard), self.table.log(shard)) else { return Vec::new() };
        let records = reader.records_of(lane, batch, log);
        records.into_iter().map(|(index, record, _)| (index, self.table.event(&record, shard, index))).collect()
    }

    /// An `Invoke` with an event as a mapping or the bucket would send it: the same handlers, which
    /// fail and report as they would there.
    fn handle_payload(&mut self, run: &Run, role: Role, payload: &str) -> Verdict {
        let Ok(value) = serde_json::from_str::<Value>(payload) else {
            return Verdict::error("Runtime.UnmarshalError", "the payload is not JSON");
        };
        let records = value.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
        match role {
            Role::JobWorker => {
                let reports = self.heeds_reports(run.function, &records);
                self.work_off(run, reports, &event::messages(&records))
            }
            Role::RequestWorker => {
                for record in &records {
                    let key = record.pointer("/s3/object/key").and_then(Value::as_str).unwrap_or("");
                    let Some(id) = request_worker::run_of_key(key) else {
                        return Verdict::error("BadKey", format!("{key:?} is not the key of a request"));
                    };
                    let verdict = self.take_up(id, run);
                    if verdict.is_error() {
                        return verdict;
                    }
                }
                Verdict::Done { failed: Vec::new() }
            }
            Role::LogWorker => self.index_payload(run.function, &records),
            Role::Sink => Verdict::Done { failed: Vec::new() },
        }
    }

    /// Whether the mapping that would have brought these records heeds batchItemFailures: the code
    /// answers them to whoever asks.
    fn heeds_reports(&self, function: usize, records: &[Value]) -> bool {
        let source = records.first().and_then(|record| record.get("eventSourceARN")).and_then(Value::as_str);
        let own = || self.mappings.iter().filter(|mapping| mapping.function == function);
        let named = own().find(|mapping| Some(mapping.source.as_str()) == source);
        named.or_else(|| own().next()).is_some_and(|mapping| mapping.acting.report_batch_item_failures)
    }

    /// Stream records of an `Invoke`: found in the log again by their sequence numbers, or, when they
    /// are trimmed there, as they are in the event.
    fn index_payload(&mut self, function: usize, records: &[Value]) -> Verdict {
        let reports = self.heeds_reports(function, records);
        let failing = if reports { self.faults.failing() } else { Failing::Throws };
        for (position, record) in (0u32..).zip(records) {
            let number = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or("");
            let found = place_of(number).and_then(|(shard, index)| {
                let logged = self.table.log(shard).and_then(|log| log.get(index));
                let event = match logged {
                    Some(record) => self.table.event(record, shard, index),
                    None => EventItem::from_image(record.pointer("/dynamodb/NewImage")?)?,
                };
                Some((shard, index, event))
            });
            let Some((shard, index, event)) = found else {
                return Verdict::error("BadRecord", format!("the record {number:?} is no event of this table"));
            };
            match self.index_events(shard, &[(index, event)], failing) {
                Verdict::Done { .. } => {}
                Verdict::StoppedAt { .. } => return Verdict::StoppedAt { record: position },
                verdict @ Verdict::Error { .. } => return verdict,
            }
        }
        Verdict::Done { failed: Vec::new() }
    }

    // ---- external functions -------------------------------------------------------------------

    /// What an external function's answer means for its batch.
    pub(super) fn outcome_verdict(&self, run: &Run, outcome: &Outcome) -> Verdict {
        let answer = match outcome {
            Outcome::Failed(error) => return Verdict::error("Unhandled", error.clone()),
            Outcome::Returned(answer) => failures(answer),
        };
        match (&run.work, answer) {
            (Work::Queue { mapping, messages, .. }, answer) => {
                let heeded = self.mappings.get(*mapping).is_some_and(|m| m.acting.report_batch_item_failures);
                let all = || messages.iter().map(|message| message.id.clone()).collect();
                let failed = match answer {
                    _ if !heeded => Vec::new(),
                    Failures::None => Vec::new(),
                    Failures::All => all(),
                    Failures::These(ids) => {
                        let known = messages.iter().filter(|m| ids.iter().any(|id| id == m.id.as_str()));
                        let known: Vec<MessageId> = known.map(|message| message.id.clone()).collect();
                        // An unknown id fails the whole batch (aws-facts §1.7).
                        if known.len() < ids.len() { all() } else { known }
                    }
                };
                Verdict::Done { failed }
            }
            (Work::Stream { mapping, shard, lane, batch }, answer) => {
                let heeded = match self.mappings.get(*mapping).map(|entry| &entry.feed) {
                    Some(Feed::Stream(feed)) => feed.rules.partial,
                    _ => false,
                };
                match answer {
                    _ if !heeded => Verdict::Done { failed: Vec::new() },
                    Failures::None => Verdict::Done { failed: Vec::new() },
                    Failures::All => Verdict::StoppedAt { record: 0 },
                    Failures::These(ids) => {
                        let events = self.events_of(*mapping, *shard, *lane, batch);
                        let lowest = ids.iter().filter_map(|id| {
                            let (_, index) = place_of(id).filter(|(of, _)| of == shard)?;
                            events.iter().position(|(at, _)| *at == index)
                        });
                        let record = lowest.min().and_then(|record| u32::try_from(record).ok());
                        Verdict::StoppedAt { record: record.unwrap_or(0) }
                    }
                }
            }
            _ => Verdict::Done { failed: Vec::new() },
        }
    }

    /// A run's event as JSON.
    pub(super) fn payload_of(&self, work: &Work) -> String {
        let region = &self.blueprint.region;
        match work {
            Work::Queue { queue, messages, .. } => event::sqs(messages, &self.queues.arn(queue), region).to_string(),
            Work::Stream { mapping, shard, lane, batch } => {
                let events = self.events_of(*mapping, *shard, *lane, batch);
                let named = events.into_iter().map(|(index, event)| (sequence_number(*shard, index), event));
                event::dynamodb(&named.collect::<Vec<_>>(), &self.stream_arn, region).to_string()
            }
            Work::Async(event) => self.payload_of_async(&event.what),
            Work::Sync { payload, .. } => payload.clone(),
        }
    }

    pub(super) fn payload_of_async(&self, what: &AsyncPayload) -> String {
        match what {
            AsyncPayload::Raw { payload, .. } => payload.clone(),
            AsyncPayload::ObjectCreated(run) => {
                event::object_created(&self.blueprint.bucket.name, *run, self.now, &self.blueprint.region).to_string()
            }
        }
    }

    /// The function an asynchronous event is for.
    pub(super) fn async_function(&self, what: &AsyncPayload) -> Option<usize> {
        match what {
            AsyncPayload::Raw { function, .. } => Some(*function),
            AsyncPayload::ObjectCreated(_) => self.functions.find(&self.blueprint.bucket.notifies),
        }
    }
}
