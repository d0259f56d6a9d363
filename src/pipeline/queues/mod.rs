//! All queues of the account as one sans-IO machine: what callers ask through SQS's API, what
//! mappings and functions of the pipeline do directly, dead letters, move tasks, long polls and the
//! metrics of all that. `now` never goes backwards.

mod attributes;
mod batch;
mod dispatch;
mod gauge;
mod poll;
pub mod refusal;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc as Shared;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::model::id::{Arn, MessageId, QueueName, QueueUrl, ReceiptHandle};
use crate::model::message::{Message, Outgoing};
use crate::model::queue::{QueueCounts, RedrivePolicy};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::QueueBlueprint;
use crate::pipeline::meter::Meter;
use crate::pipeline::move_task::MoveTasks;
use crate::pipeline::queue::settings::Settings;
use crate::pipeline::queue::store::{Place, Stored};
use crate::pipeline::queue::{Queue, admission, message_id};
use crate::pipeline::queues::gauge::Gauges;
use crate::pipeline::queues::poll::Waiter;
use crate::pipeline::request::{RequestId, SqsReply};
use crate::pipeline::rng;

#[derive(Debug)]
pub struct Queues {
    account: String,
    region: String,
    /// Scheme and authority of queue URLs.
    endpoint: String,
    pub(in crate::pipeline) queues: BTreeMap<QueueName, Queue>,
    gauges: BTreeMap<QueueName, Gauges>,
    /// Names may be used again 60 s after their queue was deleted.
    deleted: BTreeMap<QueueName, Timestamp>,
    waiters: BTreeMap<QueueName, VecDeque<Waiter>>,
    replies: VecDeque<(RequestId, Result<SqsReply, ServiceError>)>,
    pub(in crate::pipeline) tasks: MoveTasks,
    gone: Vec<Gone>,
    /// When the metrics of the next minute are due.
    minute: Option<Timestamp>,
    random: ChaCha8Rng,
}

/// A message that left a queue otherwise than by a mapping's success: the census looks at its body.
#[derive(Debug, Clone)]
pub struct Gone {
    pub queue: QueueName,
    pub id: MessageId,
    pub body: Shared<str>,
    pub at: Timestamp,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its retention ran out.
    Expired,
    /// An API caller deleted it (after a redrive, its copy is elsewhere).
    Deleted,
    Purged,
    QueueDeleted,
}

impl Queues {
    pub fn new(account: &str, region: &str, endpoint: &str, seed: u64) -> Self {
        Queues {
            account: account.to_owned(),
            region: region.to_owned(),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            queues: BTreeMap::new(),
            gauges: BTreeMap::new(),
            deleted: BTreeMap::new(),
            waiters: BTreeMap::new(),
            replies: VecDeque::new(),
            tasks: MoveTasks::default(),
            gone: Vec::new(),
            minute: None,
            random: rng::rng(seed, "sqs/ids"),
        }
    }

    /// Makes the queues of a blueprint, dead-letter queues and all.
    pub fn deploy(&mut self, now: Timestamp, blueprints: &[QueueBlueprint], meter: &mut Meter) {
        for blueprint in blueprints {
            let redrive = blueprint.redrive.as_ref().map(|(dead_letter, max_receive_count)| RedrivePolicy {
                dead_letter_arn: self.arn(dead_letter),
                max_receive_count: *max_receive_count,
            });
            let settings = Settings {
                visibility_s: blueprint.visibility_s,
                retention_s: blueprint.retention_s,
                delay_s: blueprint.delay_s,
                max_message_bytes: u32::try_from(blueprint.max_message_bytes).unwrap_or(u32::MAX),
                redrive,
                ..Settings::default()
            };
            self.make(now, &blueprint.name, settings, meter);
        }
    }

    pub fn arn(&self, name: &QueueName) -> Arn {
        Arn::new(format!("arn:aws:sqs:{}:{}:{name}", self.region, self.account))
    }

    pub fn url(&self, name: &QueueName) -> QueueUrl {
        QueueUrl::new(format!("{}/{}/{name}", self.endpoint, self.account))
    }

    /// The queue an ARN of this account and region names, if it is there.
    pub fn name_of(&self, arn: &Arn) -> Option<QueueName> {
        let name = QueueName::from(arn.resource());
        (self.queues.contains_key(&name) && self.arn(&name) == *arn).then_some(name)
    }

    pub fn settings(&self, name: &QueueName) -> Option<&Settings> {
        self.queues.get(name).map(|queue| &queue.settings)
    }

    pub fn names(&self) -> impl Iterator<Item = &QueueName> {
        self.queues.keys()
    }

    pub fn is_dead_letter(&self, name: &QueueName) -> bool {
        let arn = self.arn(name);
        self.queues.values().any(|q| q.settings.redrive.as_ref().is_some_and(|policy| policy.dead_letter_arn == arn))
    }

    /// Counts as of the last time the queue was touched; [`Queues::ready`] brings it up to date.
    pub fn counts(&self, name: &QueueName) -> QueueCounts {
        self.queues.get(name).map(Queue::counts).unwrap_or_default()
    }

    // ---- for mappings and functions ------------------------------------------------------------

    /// Messages that could be received now (exhausted ones included: a receive moves them).
    pub fn ready(&mut self, now: Timestamp, name: &QueueName) -> usize {
        self.advance(now, name);
        self.queues.get(name).filter(|queue| queue.has_room()).map_or(0, |queue| queue.store().waiting())
    }

    /// When the next hidden or delayed message comes back; what is ready already is not counted.
    pub fn next_back(&self, name: &QueueName) -> Option<Timestamp> {
        self.queues.get(name).and_then(|queue| queue.store().next_back())
    }

    /// Receives up to `max` messages (a mapping's batch may be more than 10), moving exhausted ones
    /// to the dead-letter queue on the way. `visibility_s` of `None` is the queue's own.
    pub fn take(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        max: usize,
        visibility_s: Option<u32>,
        meter: &mut Meter,
    ) -> Vec<Message> {
        self.advance(now, name);
        let Some(queue) = self.queues.get_mut(name) else { return Vec::new() };
        queue.active_at = now;
        let policy = queue.settings.redrive.as_ref().map(|policy| policy.dead_letter_arn.clone());
        let dead_letter = policy.and_then(|arn| self.name_of(&arn)).filter(|dead_letter| dead_letter != name);
        let Some(queue) = self.queues.get_mut(name) else { return Vec::new() };
        let visibility_s = visibility_s.unwrap_or(queue.settings.visibility_s);
        let taken = queue.receive(now, max, visibility_s, dead_letter.is_some());
        if let Some(gauges) = self.gauges.get(name) {
            gauges.received(meter, now, taken.messages.len());
        }
        if let Some(dead_letter) = dead_letter.filter(|_| !taken.dead.is_empty()) {
            if let Some(queue) = self.queues.get_mut(&dead_letter) {
                // Not counted in NumberOfMessagesSent (aws-facts §2.4).
                taken.dead.into_iter().for_each(|message| queue.admit(now, message));
            }
            self.advance(now, &dead_letter);
        }
        taken.messages
    }

    /// Deletes what a mapping's function succeeded with.
    ///
    /// # Errors
    /// As SQS refuses a delete; an old handle is no error and deletes nothing.
    pub fn finish(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        receipt: &ReceiptHandle,
        meter: &mut Meter,
    ) -> Result<(), ServiceError> {
        self.remove(now, name, receipt, meter).map(|_| ())
    }

    /// # Errors
    /// As `ChangeMessageVisibility` refuses.
    pub fn set_visibility(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        receipt: &ReceiptHandle,
        visibility_s: u32,
    ) -> Result<(), ServiceError> {
        self.advance(now, name);
        let queue = self.queues.get_mut(name).ok_or_else(refusal::no_queue)?;
        queue.active_at = now;
        queue.change_visibility(now, receipt, visibility_s)?;
        self.advance(now, name);
        Ok(())
    }

    /// Sends a message, as a function of the pipeline or the API does.
    ///
    /// # Errors
    /// No such queue, or what SQS would refuse in the message.
    pub fn put(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        message: Outgoing,
        meter: &mut Meter,
    ) -> Result<MessageId, ServiceError> {
        self.advance(now, name);
        let id = self.draw_id();
        let queue = self.queues.get_mut(name).ok_or_else(refusal::no_queue)?;
        admission::check(&message, queue.settings.max_message_bytes)?;
        queue.active_at = now;
        let bytes = message.size_bytes();
        queue.send(now, id, message);
        if let Some(gauges) = self.gauges.get(name) {
            gauges.sent(meter, now, bytes);
        }
        Ok(message_id(id))
    }

    // ---- for the census -----------------------------------------------------------------------

    /// Shows every message of every queue: queue, body, place at `now`, whether the queue is a
    /// dead-letter queue.
    pub fn each_body(&self, now: Timestamp, mut visit: impl FnMut(&QueueName, &str, Place, bool)) {
        for (name, queue) in &self.queues {
            let dead = self.is_dead_letter(name);
            queue.store().iter(now).for_each(|(message, place)| visit(name, &message.body, place, dead));
        }
    }

    /// Messages that left otherwise than by a mapping's success, since the last call.
    pub fn drain_gone(&mut self) -> Vec<Gone> {
        std::mem::take(&mut self.gone)
    }

    // ---- shared by the parts of this module ---------------------------------------------------

    /// Brings a queue up to `now`.
    pub(in crate::pipeline) fn advance(&mut self, now: Timestamp, name: &QueueName) {
        let Some(queue) = self.queues.get_mut(name) else { return };
        let expired = queue.advance(now);
        self.note_gone(now, name, expired, Why::Expired);
    }

    /// Deletes by receipt; answers what was there.
    fn remove(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        receipt: &ReceiptHandle,
        meter: &mut Meter,
    ) -> Result<Option<Stored>, ServiceError> {
        self.advance(now, name);
        let queue = self.queues.get_mut(name).ok_or_else(refusal::no_queue)?;
        queue.active_at = now;
        let removed = queue.delete(receipt)?;
        if let Some(gauges) = self.gauges.get(name) {
            gauges.deleted(meter, now);
        }
        Ok(removed)
    }

    fn make(&mut self, now: Timestamp, name: &QueueName, settings: Settings, meter: &mut Meter) {
        let queue = Queue::new(name.clone(), self.arn(name), settings, now, self.random.next_u64());
        self.queues.insert(name.clone(), queue);
        self.gauges.insert(name.clone(), Gauges::new(name, meter));
        self.minute.get_or_insert(now.floor_to(60).plus_s(60));
    }

    fn note_gone(&mut self, now: Timestamp, name: &QueueName, messages: Vec<Stored>, why: Why) {
        let gone = |message: Stored| Gone {
            queue: name.clone(),
            id: message_id(message.id),
            body: message.body,
            at: now,
            why,
        };
        self.gone.extend(messages.into_iter().map(gone));
    }

    /// A random UUID (version 4).
    pub(in crate::pipeline) fn draw_id(&mut self) -> u128 {
        let bits = (u128::from(self.random.next_u64()) << 64) | u128::from(self.random.next_u64());
        const VERSION: u128 = 0xf << 76;
        const VARIANT: u128 = 0b11 << 62;
        (bits & !VERSION & !VARIANT) | (0x4 << 76) | (0b10 << 62)
    }

    /// A move task's delivery: counted as sent, unlike a dead letter's way (aws-facts §3.5).
    pub(in crate::pipeline) fn deliver(
        &mut self,
        now: Timestamp,
        from: &QueueName,
        to: &QueueName,
        message: Stored,
        meter: &mut Meter,
    ) {
        if let Some(gauges) = self.gauges.get(from) {
            gauges.received(meter, now, 1);
            gauges.deleted(meter, now);
        }
        if let Some(gauges) = self.gauges.get(to) {
            gauges.sent(meter, now, message.body.len());
        }
        if let Some(queue) = self.queues.get_mut(to) {
            queue.admit(now, message);
        }
    }
}
