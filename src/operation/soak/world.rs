//! Queues and a journal small enough to judge by eye, with faults drawn from a seed. They are stricter
//! than SQS where a machine could hide a mistake behind its leniency, and remember every breach.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::model::id::{MessageId, QueueUrl, ReceiptHandle};
use crate::model::message::{Attribute, Message, Outgoing, SystemAttributes};
use crate::model::queue::QueueCounts;
use crate::model::service_error::{Outcome, ServiceError};
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, EntryError, JournalEntry, Lease, MessageState, Order, OrderResult};

pub const DLQ: &str = "https://sqs/1/dlq";
pub const ORIGINS: [(&str, &str); 2] =
    [("arn:aws:sqs:r:1:a", "https://sqs/1/a"), ("arn:aws:sqs:r:1:b", "https://sqs/1/b")];
pub const SIZE_LIMIT: usize = 2_000;

/// Chances in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    pub throttle: u64,
    pub lost_before: u64,
    pub lost_after: u64,
    pub entry: u64,
    pub redeliver: u64,
    pub slow: u64,
    pub rival: u64,
    /// A colleague's move task is at work on the queue for a while.
    pub task: u64,
    pub journal: u64,
    /// A receive finds nothing although there is something.
    pub empty: u64,
}

#[derive(Debug, Clone)]
pub struct Copy {
    pub identity: usize,
    message: Message,
    pub visible_at: Timestamp,
    receives: u32,
}

impl Copy {
    pub fn receives(&self) -> u32 {
        self.receives
    }
}

pub struct World {
    chance: ChaCha8Rng,
    pub faults: Faults,
    pub dlq: Vec<Copy>,
    pub delivered: Vec<usize>,
    pub sends: Vec<(Timestamp, usize)>,
    pub journal: Vec<JournalEntry>,
    /// The last durable word on each message.
    pub states: BTreeMap<MessageId, MessageState>,
    next: u64,
    pub breaches: Vec<String>,
    pub receives: u64,
    /// Deletes are a drop's: a copy in the journal stands for a delivery, and sends go to the queue itself.
    pub drops: bool,
    /// Jobs that die again wherever they are sent.
    pub poison: BTreeSet<usize>,
    /// How long a poison takes to come back.
    pub bounces_after_ms: i64,
    coming_back: Vec<Copy>,
    /// Leases of the second operator's.
    rivals: BTreeSet<ReceiptHandle>,
}

impl World {
    /// A dead-letter queue of `n` messages; identity `i` has the id `m-i`.
    pub fn new(seed: u64, faults: Faults, n: usize) -> Self {
        let mut world = World {
            chance: ChaCha8Rng::seed_from_u64(seed),
            faults,
            dlq: Vec::new(),
            delivered: Vec::new(),
            sends: Vec::new(),
            journal: Vec::new(),
            states: BTreeMap::new(),
            next: 0,
            breaches: Vec::new(),
            receives: 0,
            drops: false,
            poison: BTreeSet::new(),
            bounces_after_ms: 0,
            coming_back: Vec::new(),
            rivals: BTreeSet::new(),
        };
        for identity in 0..n {
            let bytes = 10 + world.draw(600) as usize;
            let origin = ORIGINS[identity % ORIGINS.len()].0;
            let message = Message {
                id: id_of(identity),
                receipt: "none".into(),
                body: format!("{identity} {}", "x".repeat(bytes)),
                attributes: [("kind".to_owned(), Attribute::text("test"))].into(),
                system: SystemAttributes { dead_letter_source: Some(origin.into()), ..SystemAttributes::default() },
            };
            world.dlq.push(Copy { identity, message, visible_at: Timestamp::ZERO, receives: 0 });
        }
        world
    }

    pub fn draw(&mut self, below: u64) -> u64 {
        self.chance.next_u64() % below
    }

    pub fn happens(&mut self, chance: u64) -> bool {
        chance > 0 && self.draw(1_000) < chance
    }

    /// Milliseconds until a request arrives, or its answer.
    pub fn latency_ms(&mut self) -> i64 {
        let ms = if self.happens(self.faults.slow) { self.draw(90_000) } else { 1 + self.draw(40) };
        ms as i64
    }

    /// Takes the order in, fault or no fault.
    pub fn perform(&mut self, now: Timestamp, order: &Order) -> OrderResult {
        if let Order::Record(entries) = order {
            return self.record(entries);
        }
        if self.happens(self.faults.throttle) {
            return Outcome::Refused(ServiceError::new("test", "RequestThrottled", "slower"));
        }
        if self.happens(self.faults.lost_before) {
            return Outcome::Unknown("cut before it arrived".to_owned());
        }
        let answer = self.apply(now, order);
        if self.happens(self.faults.lost_after) {
            return Outcome::Unknown("cut before the answer".to_owned());
        }
        Outcome::Done(answer)
    }

    /// What died again arrives in the dead-letter queue.
    fn bounce(&mut self, now: Timestamp) {
        let (due, later): (Vec<Copy>, Vec<Copy>) =
            std::mem::take(&mut self.coming_back).into_iter().partition(|copy| copy.visible_at <= now);
        self.coming_back = later;
        for copy in due {
            self.delivered.retain(|identity| *identity != copy.identity);
            self.dlq.push(copy);
        }
    }

    /// A move task of somebody else's takes the oldest visible message.
    pub fn task_moves(&mut self, now: Timestamp) {
        if let Some(index) = self.dlq.iter().position(|copy| copy.visible_at <= now) {
            let copy = self.dlq.remove(index);
            self.delivered.push(copy.identity);
        }
    }

    fn apply(&mut self, now: Timestamp, order: &Order) -> Answer {
        self.bounce(now);
        match order {
            Order::Receive { max, visibility_s, .. } => self.receive(now, *max as usize, *visibility_s),
            Order::Extend { entries, visibility_s, .. } => {
                self.each(entries, |world, lease| world.change(now, lease, now.plus_s(i64::from(*visibility_s))))
            }
            Order::Release { entries, .. } => self.each(entries, |world, lease| world.change(now, lease, now)),
            Order::Send { queue, entries } => self.send(now, queue, entries),
            Order::Delete { entries, .. } => self.each(entries, World::delete),
            Order::QueueCounts { .. } => {
                let visible = self.dlq.iter().filter(|copy| copy.visible_at <= now).count() as u64;
                let in_flight = self.dlq.len() as u64 - visible;
                Answer::Counts(QueueCounts { visible, in_flight, delayed: 0 })
            }
            other => panic!("not an order for a queue: {other:?}"),
        }
    }

    fn record(&mut self, entries: &[JournalEntry]) -> OrderResult {
        if self.happens(self.faults.journal) {
            return Outcome::Refused(ServiceError::new("journal", "Full", "disk full"));
        }
        for entry in entries {
            if let JournalEntry::Message { id, state, .. } = entry {
                self.states.insert(id.clone(), state.clone());
            }
            self.journal.push(entry.clone());
        }
        Outcome::Done(Answer::Recorded)
    }

    fn receive(&mut self, now: Timestamp, max: usize, visibility_s: u32) -> Answer {
        self.receives += 1;
        assert!((1..=10).contains(&max) && (1..=60).contains(&visibility_s), "a lease of at most a minute");
        let mut messages = Vec::new();
        if self.happens(self.faults.empty) {
            return Answer::Received(messages);
        }
        for index in 0..self.dlq.len() {
            let visible = self.dlq[index].visible_at <= now;
            let again = !visible && self.happens(self.faults.redeliver);
            if messages.len() < max && (visible || again) {
                messages.push(self.lease(index, now.plus_s(i64::from(visibility_s))));
            }
        }
        Answer::Received(messages)
    }

    fn lease(&mut self, index: usize, until: Timestamp) -> Message {
        self.next += 1;
        let copy = &mut self.dlq[index];
        copy.visible_at = until;
        copy.receives += 1;
        copy.message.receipt = ReceiptHandle::new(format!("r-{}", self.next));
        copy.message.system.receive_count = copy.receives;
        copy.message.clone()
    }

    fn each(&mut self, entries: &[Lease], mut one: impl FnMut(&mut World, &Lease) -> Result<(), EntryError>) -> Answer {
        self.expect((1..=10).contains(&entries.len()), "a batch of one to ten");
        let result = |world: &mut World, lease: &Lease| {
            if world.happens(world.faults.entry) {
                return Err(busy());
            }
            one(world, lease)
        };
        let mut result = result;
        Answer::Entries(entries.iter().map(|lease| result(self, lease)).collect())
    }

    fn change(&mut self, now: Timestamp, lease: &Lease, visible_at: Timestamp) -> Result<(), EntryError> {
        let copy = self.dlq.iter_mut().find(|copy| copy.message.receipt == lease.receipt);
        match copy.filter(|copy| copy.visible_at > now) {
            Some(copy) => {
                copy.visible_at = visible_at;
                Ok(())
            }
            None => Err(EntryError {
                code: "MessageNotInflight".to_owned(),
                message: "visible again".to_owned(),
                sender_fault: true,
            }),
        }
    }

    /// As SQS: a delete by an old receipt is answered well and does nothing.
    fn delete(&mut self, lease: &Lease) -> Result<(), EntryError> {
        if let Some(index) = self.dlq.iter().position(|copy| copy.message.receipt == lease.receipt) {
            let identity = self.dlq[index].identity;
            if self.drops {
                let kept = self.kept(&self.dlq[index].message);
                self.expect(kept, &format!("{identity} deleted, and the journal has no whole copy"));
                self.dlq.remove(index);
                return Ok(());
            }
            let sent = self.delivered.contains(&identity);
            self.expect(sent, &format!("{identity} deleted, and nowhere else"));
            let acknowledged = !matches!(self.states.get(&lease.id), Some(MessageState::Recorded { .. }) | None);
            self.expect(
                acknowledged || self.faults.journal > 0,
                &format!("{identity} deleted before its ack was kept"),
            );
            self.dlq.remove(index);
        }
        Ok(())
    }

    fn send(&mut self, now: Timestamp, queue: &QueueUrl, entries: &[Outgoing]) -> Answer {
        self.expect((1..=10).contains(&entries.len()), "a batch of one to ten");
        let bytes: usize = entries.iter().map(Outgoing::size_bytes).sum();
        self.expect(bytes <= SIZE_LIMIT, "a batch within the size limit");
        let mut results = Vec::new();
        for outgoing in entries {
            let identity = identity_of(outgoing);
            let recorded = matches!(self.states.get(&id_of(identity)), Some(MessageState::Recorded { .. }));
            self.expect(recorded, &format!("{identity} sent, but not on record as about to be"));
            let home = if self.drops { DLQ } else { ORIGINS[identity % ORIGINS.len()].1 };
            self.expect(queue.as_str() == home, &format!("{identity} sent to a queue it did not come from"));
            if self.happens(self.faults.entry) {
                results.push(Err(busy()));
                continue;
            }
            self.next += 1;
            self.delivered.push(identity);
            self.sends.push((now, identity));
            let new_id = MessageId::new(format!("new-{}", self.next));
            if self.poison.contains(&identity) {
                self.dies_again(now, identity, new_id.clone(), outgoing);
            }
            results.push(Ok(new_id));
        }
        Answer::Sent(results)
    }

    /// SQS keeps the id when it dead-letters a message.
    fn dies_again(&mut self, now: Timestamp, identity: usize, id: MessageId, outgoing: &Outgoing) {
        let origin = ORIGINS[identity % ORIGINS.len()].0;
        let system =
            SystemAttributes { dead_letter_source: Some(origin.into()), sent_at: now, ..SystemAttributes::default() };
        let message = Message {
            id,
            receipt: "none".into(),
            body: outgoing.body.clone(),
            attributes: outgoing.attributes.clone(),
            system,
        };
        let visible_at = now.plus_ms(self.bounces_after_ms);
        self.coming_back.push(Copy { identity, message, visible_at, receives: 0 });
    }

    /// A second operator: takes a visible message, and moves or gives it back half a minute later.
    pub fn rival_takes(&mut self, now: Timestamp) -> Option<ReceiptHandle> {
        let visible: Vec<usize> = (0..self.dlq.len()).filter(|index| self.dlq[*index].visible_at <= now).collect();
        let index = *visible.get(self.draw(visible.len().max(1) as u64) as usize)?;
        let receipt = self.lease(index, now.plus_s(30)).receipt;
        self.rivals.insert(receipt.clone());
        Some(receipt)
    }

    pub fn rival_moves(&mut self, receipt: &ReceiptHandle) {
        if let Some(index) = self.dlq.iter().position(|copy| copy.message.receipt == *receipt) {
            let copy = self.dlq.remove(index);
            self.delivered.push(copy.identity);
        }
    }

    /// The journal has it whole, but for the receipt.
    fn kept(&self, message: &Message) -> bool {
        self.journal.iter().any(|entry| match entry {
            JournalEntry::Backup { message: copy, .. } => {
                (&copy.id, &copy.body, &copy.attributes) == (&message.id, &message.body, &message.attributes)
            }
            _ => false,
        })
    }

    pub fn visible(&self, now: Timestamp) -> usize {
        self.dlq.iter().filter(|copy| copy.visible_at <= now).count()
    }

    /// Messages hidden by whoever is tested.
    pub fn hidden(&self, now: Timestamp) -> u64 {
        let ours = |copy: &&Copy| copy.visible_at > now && !self.rivals.contains(&copy.message.receipt);
        self.dlq.iter().filter(ours).count() as u64
    }

    /// How many live copies an identity has.
    pub fn copies(&self, identity: usize) -> usize {
        let waiting = self.dlq.iter().filter(|copy| copy.identity == identity).count();
        waiting + self.delivered.iter().filter(|other| **other == identity).count()
    }

    fn expect(&mut self, right: bool, what: &str) {
        if !right {
            self.breaches.push(what.to_owned());
        }
    }
}

pub fn id_of(identity: usize) -> MessageId {
    MessageId::new(format!("m-{identity:05}"))
}

fn identity_of(outgoing: &Outgoing) -> usize {
    outgoing.body.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX)
}

fn busy() -> EntryError {
    EntryError { code: "InternalError".to_owned(), message: "try again".to_owned(), sender_fault: false }
}
