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
use crate::pipeline::deploy::DEPLOYED_S;
use crate::pipeline::meter::Meter;
use crate::pipeline::move_task::MoveTasks;
use crate::pipeline::queue::settings::Settings;
use crate::pipeline::queue::store::{Place, Stored};
use crate::pipeline::queue::{Accepted, Queue, admission, message_id};
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
    /// Messages that receives moved to dead-letter queues, ever.
    dead_lettered: u64,
    /// Messages that move tasks moved, ever.
    pub(in crate::pipeline) moved: u64,
    /// When the metrics of the next minute are due.
    minute: Option<Timestamp>,
    /// Something came into a queue that somebody waits at.
    nudged: Option<Timestamp>,
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
            dead_lettered: 0,
            moved: 0,
            minute: None,
            nudged: None,
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
                fifo: blueprint.is_fifo(),
                content_based_deduplication: blueprint.is_fifo(),
                ..Settings::default()
            };
            self.make(now, &blueprint.name, settings, meter);
            if let Some(queue) = self.queues.get_mut(&blueprint.name) {
                queue.created_at = now.plus_s(-DEPLOYED_S);
                queue.modified_at = queue.created_at;
            }
        }
        for blueprint in blueprints {
            for n in 1..=blueprint.standing {
                let body = format!("{{\"queue\":\"{}\",\"number\":{n}}}", blueprint.name);
                // A queue just made takes it.
                let _ = self.put(now, &blueprint.name, Outgoing { body, ..Outgoing::default() }, meter);
            }
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

    /// Messages that could be received now (exhausted ones included: a receive moves them); of a FIFO
    /// queue, groups.
    pub fn ready(&mut self, now: Timestamp, name: &QueueName) -> usize {
        self.advance(now, name);
        self.queues.get(name).filter(|queue| queue.has_room()).map_or(0, |queue| queue.store().receivable())
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
            self.dead_lettered += taken.dead.len() as u64;
            if let Some(queue) = self.queues.get_mut(&dead_letter) {
                // Not counted in NumberOfMessagesSent (aws-facts §2.4).
                taken.dead.into_iter().for_each(|message| queue.admit(now, message));
            }
            self.advance(now, &dead_letter);
            self.nudge(now, &dead_letter);
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
        self.nudge(now, name);
        Ok(())
    }

    /// Sends a message, as a function of the pipeline does.
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
        self.take_in(now, name, message, meter).map(|accepted| message_id(accepted.id))
    }

    /// Sends a message, as a function of the pipeline or the API does.
    fn take_in(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        message: Outgoing,
        meter: &mut Meter,
    ) -> Result<Accepted, ServiceError> {
        self.advance(now, name);
        let id = self.draw_id();
        let queue = self.queues.get_mut(name).ok_or_else(refusal::no_queue)?;
        admission::check(&message, &queue.settings)?;
        queue.active_at = now;
        let bytes = message.size_bytes();
        let accepted = queue.send(now, id, message);
        if let Some(gauges) = self.gauges.get(name) {
            gauges.sent(meter, now, bytes);
        }
        self.nudge(now, name);
        Ok(accepted)
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

    /// Messages that receives moved to dead-letter queues since the start.
    pub fn dead_lettered(&self) -> u64 {
        self.dead_lettered
    }

    /// Messages that move tasks moved since the start.
    pub fn moved(&self) -> u64 {
        self.moved
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

    /// Whoever waits at the queue is looked at by the next [`Queues::handle_timeout`].
    fn nudge(&mut self, now: Timestamp, name: &QueueName) {
        if self.waiters.contains_key(name) {
            self.nudged = Some(now);
        }
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
        let unlocks = queue.settings.fifo;
        if let Some(gauges) = self.gauges.get(name) {
            gauges.deleted(meter, now);
        }
        if unlocks {
            // Its group can be received from again.
            self.nudge(now, name);
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

#[cfg(test)]
mod fifo;
#[cfg(test)]
mod property;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::{MetricKey, Stat};
    use crate::pipeline::queue::settings::MAX_VISIBILITY_S;
    use crate::pipeline::request::{CloudWatchReply, GetMetricData, Receive, SqsRequest};

    const ACCOUNT: &str = "123456789012";

    struct Bench {
        queues: Queues,
        meter: Meter,
        requests: u64,
    }

    impl Bench {
        /// `work` with dead-letter queue `dead` after two receives; visibility 10 s.
        fn new() -> Self {
            let mut bench = Bench {
                queues: Queues::new(ACCOUNT, "eu-west-1", "https://sqs.eu-west-1.amazonaws.com", 7),
                meter: Meter::default(),
                requests: 0,
            };
            let work = QueueBlueprint {
                visibility_s: 10,
                retention_s: 3600,
                redrive: Some(("dead".into(), 2)),
                ..QueueBlueprint::new("work")
            };
            let dead = QueueBlueprint { retention_s: 7200, ..QueueBlueprint::new("dead") };
            bench.queues.deploy(Timestamp::ZERO, &[work, dead], &mut bench.meter);
            bench
        }

        fn url(&self, name: &str) -> QueueUrl {
            self.queues.url(&name.into())
        }

        fn ask(&mut self, s: i64, ask: SqsRequest) -> Option<Result<SqsReply, ServiceError>> {
            self.requests += 1;
            self.queues.handle(Timestamp::from_s(s), RequestId(self.requests), ask, &mut self.meter)
        }

        fn done(&mut self, s: i64, ask: SqsRequest) -> SqsReply {
            self.ask(s, ask).expect("at once").expect("done")
        }

        fn code(&mut self, s: i64, ask: SqsRequest) -> String {
            self.ask(s, ask).expect("at once").expect_err("refused").code
        }

        fn send(&mut self, s: i64, name: &str, body: &str) -> MessageId {
            let message = Outgoing { body: body.into(), ..Outgoing::default() };
            self.queues.put(Timestamp::from_s(s), &name.into(), message, &mut self.meter).expect("sent")
        }

        fn receive(&mut self, s: i64, name: &str) -> Vec<Message> {
            let ask = receive(self.url(name));
            match self.done(s, SqsRequest::Receive(ask)) {
                SqsReply::Received { messages, .. } => messages,
                other => panic!("{other:?}"),
            }
        }

        fn counts(&mut self, s: i64, name: &str) -> (u64, u64, u64) {
            self.queues.ready(Timestamp::from_s(s), &name.into());
            let counts = self.queues.counts(&name.into());
            (counts.visible, counts.in_flight, counts.delayed)
        }

        fn attribute(&mut self, s: i64, name: &str, attribute: &str) -> Option<String> {
            let ask = SqsRequest::GetQueueAttributes { queue: self.url(name), names: vec![attribute.into()] };
            match self.done(s, ask) {
                SqsReply::Attributes(all) => all.get(attribute).cloned(),
                other => panic!("{other:?}"),
            }
        }

        fn metric(&self, name: &str, metric: &str, stat: Stat) -> Vec<f64> {
            let ask = GetMetricData {
                queries: vec![("q".into(), MetricKey::sqs(&name.into(), metric, stat), 60)],
                from: Timestamp::ZERO,
                to: Timestamp::from_s(86_400),
                ascending: true,
                max_datapoints: None,
                token: None,
            };
            match self.meter.get_metric_data(Timestamp::from_s(86_400), &ask).expect("valid") {
                CloudWatchReply::MetricData { results, .. } => results[0].points.iter().map(|(_, v)| *v).collect(),
                CloudWatchReply::Alarms { .. } | CloudWatchReply::Done => panic!("not asked for"),
            }
        }
    }

    fn receive(queue: QueueUrl) -> Receive {
        Receive {
            queue,
            max: 10,
            visibility_s: None,
            wait_s: None,
            attribute_names: vec!["All".into()],
            system_names: vec!["All".into()],
        }
    }

    #[test]
    fn a_message_is_given_max_receive_count_times_and_moves_on_the_next_receive() {
        let mut bench = Bench::new();
        let id = bench.send(0, "work", "poison");
        assert_eq!(bench.receive(0, "work").len(), 1);
        assert_eq!(bench.receive(10, "work").len(), 1);
        assert_eq!(bench.counts(1000, "work"), (1, 0, 0), "nobody polls, so it stays");
        assert_eq!(bench.counts(1000, "dead"), (0, 0, 0));
        assert!(bench.receive(1000, "work").is_empty());
        assert_eq!(bench.counts(1000, "work"), (0, 0, 0));
        let dead = bench.receive(1001, "dead");
        let system = &dead[0].system;
        assert_eq!((&dead[0].id, system.receive_count, system.sent_at), (&id, 3, Timestamp::ZERO));
        assert_eq!(system.first_received_at, Some(Timestamp::ZERO));
        assert_eq!(system.dead_letter_source, Some(bench.queues.arn(&"work".into())));
        assert_eq!(bench.metric("work", "NumberOfMessagesSent", Stat::Sum), [1.0]);
        assert!(bench.metric("dead", "NumberOfMessagesSent", Stat::Sum).is_empty(), "a dead letter is not sent");
    }

    #[test]
    fn without_its_dead_letter_queue_a_message_is_delivered_on() {
        let mut bench = Bench::new();
        bench.send(0, "work", "b");
        let queue = bench.url("dead");
        bench.done(0, SqsRequest::DeleteQueue { queue });
        let counts: Vec<u32> = (0..4).map(|n| bench.receive(n * 10, "work")[0].system.receive_count).collect();
        assert_eq!(counts, [1, 2, 3, 4]);
    }

    #[test]
    fn retention_counts_from_the_original_send_also_in_the_dead_letter_queue() {
        let mut bench = Bench::new();
        bench.send(0, "work", "old");
        for s in [3000, 3010, 3020] {
            bench.receive(s, "work");
        }
        assert_eq!(bench.counts(7199, "dead"), (1, 0, 0));
        assert_eq!(bench.counts(7200, "dead"), (0, 0, 0));
        bench.send(7200, "work", "new");
        assert_eq!(bench.counts(10_800, "work"), (0, 0, 0));
        let gone = bench.queues.drain_gone();
        let seen: Vec<_> = gone.iter().map(|gone| (gone.queue.as_str(), &*gone.body, gone.why)).collect();
        assert_eq!(seen, [("dead", "old", Why::Expired), ("work", "new", Why::Expired)]);
        assert!(bench.queues.drain_gone().is_empty());
    }

    #[test]
    fn an_old_handle_deletes_nothing_and_the_newest_deletes_even_when_visible_again() {
        let mut bench = Bench::new();
        bench.send(0, "work", "b");
        let old = bench.receive(0, "work")[0].receipt.clone();
        let new = bench.receive(10, "work")[0].receipt.clone();
        let queue = bench.url("work");
        assert_eq!(bench.done(11, SqsRequest::Delete { queue: queue.clone(), receipt: old }), SqsReply::Done);
        assert_eq!(bench.counts(11, "work"), (0, 1, 0));
        assert_eq!(bench.done(30, SqsRequest::Delete { queue: queue.clone(), receipt: new.clone() }), SqsReply::Done);
        assert_eq!(bench.counts(30, "work"), (0, 0, 0));
        assert_eq!(bench.done(31, SqsRequest::Delete { queue, receipt: new.clone() }), SqsReply::Done);
        let queue = bench.url("dead");
        assert_eq!(bench.code(31, SqsRequest::Delete { queue, receipt: new }), "ReceiptHandleIsInvalid");
        assert_eq!(bench.queues.drain_gone().len(), 1);
    }

    #[test]
    fn visibility_can_be_changed_while_in_flight_and_no_longer() {
        let mut bench = Bench::new();
        bench.send(0, "work", "b");
        let receipt = bench.receive(0, "work")[0].receipt.clone();
        let queue = bench.url("work");
        let change = |visibility_s| SqsRequest::ChangeVisibility {
            queue: queue.clone(),
            receipt: receipt.clone(),
            visibility_s,
        };
        bench.done(5, change(100));
        assert_eq!(bench.counts(104, "work"), (0, 1, 0));
        assert_eq!(bench.code(5, change(MAX_VISIBILITY_S)), "InvalidParameterValue", "12 h from the receive");
        bench.done(6, change(0));
        assert_eq!(bench.counts(6, "work"), (1, 0, 0));
        assert_eq!(bench.code(6, change(5)), "AWS.SimpleQueueService.MessageNotInflight");
        bench.receive(7, "work");
        assert_eq!(bench.code(7, change(5)), "InvalidParameterValue", "there is a newer receive");
    }

    #[test]
    fn a_long_poll_is_answered_when_a_message_comes_or_its_time_is_up() {
        let mut bench = Bench::new();
        let wait = |bench: &Bench| SqsRequest::Receive(Receive { wait_s: Some(20), ..receive(bench.url("work")) });
        let (first, second) = (wait(&bench), wait(&bench));
        assert!(bench.ask(1, first).is_none());
        assert!(bench.ask(2, second).is_none());
        assert_eq!(bench.queues.poll_timeout(), Some(Timestamp::from_s(21)));
        bench.send(5, "work", "b");
        assert_eq!(bench.queues.poll_timeout(), Some(Timestamp::from_s(5)));
        bench.queues.handle_timeout(Timestamp::from_s(5), &mut bench.meter);
        let (id, reply) = bench.queues.poll_reply().expect("served");
        assert_eq!(id, RequestId(1));
        assert!(matches!(reply, Ok(SqsReply::Received { messages, .. }) if messages.len() == 1));
        assert_eq!(bench.queues.poll_timeout(), Some(Timestamp::from_s(15)), "when the message comes back");
        bench.queues.handle_timeout(Timestamp::from_s(15), &mut bench.meter);
        assert_eq!(bench.queues.poll_reply().map(|(id, _)| id), Some(RequestId(2)));
        let third = wait(&bench);
        assert!(bench.ask(16, third).is_none());
        bench.queues.cancel(RequestId(3));
        let fourth = SqsRequest::Receive(Receive { wait_s: Some(3), ..receive(bench.url("dead")) });
        assert!(bench.ask(17, fourth).is_none());
        bench.queues.handle_timeout(Timestamp::from_s(20), &mut bench.meter);
        let (id, reply) = bench.queues.poll_reply().expect("over");
        assert_eq!(id, RequestId(4));
        assert!(matches!(reply, Ok(SqsReply::Received { messages, .. }) if messages.is_empty()));
        assert_eq!(bench.queues.poll_reply(), None);
    }

    #[test]
    fn only_the_attributes_asked_for_are_answered() {
        use crate::model::message::Attribute;
        let mut bench = Bench::new();
        let names = ["run", "run.id", "trace"];
        let attributes = names.map(|name| (name.to_owned(), Attribute::text("v"))).into();
        let message = Outgoing { body: "b".into(), attributes, ..Outgoing::default() };
        bench.queues.put(Timestamp::ZERO, &"work".into(), message, &mut bench.meter).expect("sent");
        let mut answered = |s, names: &[&str]| {
            let attribute_names = names.iter().map(|name| (*name).to_owned()).collect();
            let ask = Receive { attribute_names, visibility_s: Some(0), ..receive(bench.url("dead")) };
            let ask = Receive { queue: bench.url("work"), ..ask };
            let SqsReply::Received { messages, .. } = bench.done(s, SqsRequest::Receive(ask)) else { panic!() };
            messages[0].attributes.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(answered(0, &["run.*"]), ["run", "run.id"]);
        assert_eq!(answered(0, &["trace"]), ["trace"]);
    }

    #[test]
    fn more_than_120_000_in_flight_is_over_the_limit() {
        let mut bench = Bench::new();
        let (name, at) = (QueueName::from("dead"), Timestamp::ZERO);
        for n in 0..120_001 {
            let message = Outgoing { body: n.to_string(), ..Outgoing::default() };
            bench.queues.put(at, &name, message, &mut bench.meter).expect("sent");
        }
        let taken = bench.queues.take(at, &name, 200_000, Some(60), &mut bench.meter);
        assert_eq!(taken.len(), 120_000);
        assert_eq!(bench.counts(0, "dead"), (1, 120_000, 0));
        let ask = receive(bench.url("dead"));
        assert_eq!(bench.code(1, SqsRequest::Receive(ask)), "OverLimit");
        assert_eq!(bench.receive(60, "dead").len(), 10);
    }

    #[test]
    fn depths_are_measured_every_minute_while_the_queue_is_active() {
        let mut bench = Bench::new();
        bench.send(10, "work", "b");
        while let Some(at) = bench.queues.poll_timeout().filter(|at| *at <= Timestamp::from_s(1800)) {
            bench.queues.handle_timeout(at, &mut bench.meter);
        }
        let visible = bench.metric("work", "ApproximateNumberOfMessagesVisible", Stat::Maximum);
        assert_eq!((visible.len(), visible[0]), (30, 1.0));
        assert_eq!(bench.metric("work", "ApproximateAgeOfOldestMessage", Stat::Maximum)[1], 110.0);
        assert_eq!(bench.attribute(1800, "work", "ApproximateNumberOfMessages").as_deref(), Some("1"));
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let id = |bench: &mut Bench| bench.send(0, "work", "b");
        let first = id(&mut Bench::new());
        assert_eq!(first, id(&mut Bench::new()));
        assert_eq!((first.as_str().len(), first.as_str().as_bytes()[14]), (36, b'4'));
    }
}
