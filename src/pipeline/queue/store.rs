//! The messages of one queue and what each is waiting for. Knows places and clocks, not policies:
//! who may take a message and when it is a dead letter is the queue's business.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc as Shared;

use crate::model::id::Arn;
use crate::model::message::Attributes;
use crate::model::time::Timestamp;
use crate::pipeline::queue::groups::Groups;

/// A message at rest. Its number in the store is not part of it: it gets a new one in each queue.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The message id, a UUID.
    pub id: u128,
    pub body: Shared<str>,
    /// What most messages do not have.
    pub extra: Option<Box<Extra>>,
    /// `SentTimestamp`: the original send, kept by dead-lettering on standard queues.
    pub sent_at: Timestamp,
    /// When it came into this queue.
    pub entered_at: Timestamp,
    pub first_received_at: Option<Timestamp>,
    /// `ApproximateReceiveCount`, over all queues it has been in.
    pub receive_count: u32,
    /// Receives in this queue: what the redrive policy counts, and which receipt handle is newest.
    pub received_here: u32,
}

#[derive(Debug, Clone, Default)]
pub struct Extra {
    pub attributes: Attributes,
    pub trace_header: Option<String>,
    pub group_id: Option<String>,
    pub dead_letter_source: Option<Arn>,
    /// FIFO queues only, as the next.
    pub deduplication_id: Option<String>,
    pub sequence: Option<u64>,
}

/// Where a message stands in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Waiting,
    InFlight,
    Delayed,
}

#[derive(Debug, Clone, Copy)]
enum Standing {
    /// In line under this rank.
    Waiting {
        rank: u64,
    },
    /// Received at `since`, hidden until `until`.
    InFlight {
        since: Timestamp,
        until: Timestamp,
    },
    Delayed {
        until: Timestamp,
    },
}

#[derive(Debug)]
struct Slot {
    message: Stored,
    standing: Standing,
}

/// Every operation is O(log n).
#[derive(Debug, Default)]
pub struct Store {
    next: u64,
    slots: BTreeMap<u64, Slot>,
    /// Rank in line → message.
    line: BTreeMap<u64, u64>,
    /// When the hidden come back.
    timers: BTreeSet<(Timestamp, u64)>,
    /// For retention.
    by_sent: BTreeSet<(Timestamp, u64)>,
    in_flight: usize,
    /// A FIFO queue's.
    groups: Option<Groups>,
}

impl Stored {
    /// `MessageGroupId`; empty when it has none.
    pub fn group(&self) -> &str {
        self.extra.as_ref().and_then(|extra| extra.group_id.as_deref()).unwrap_or_default()
    }
}

impl Store {
    /// Receives after which a message that comes back goes to the end of the line (aws-facts §2.4).
    pub const PATIENCE: u32 = 3;

    /// A store whose messages go in order within their group, one receive at a time.
    pub fn fifo() -> Self {
        Store { groups: Some(Groups::default()), ..Store::default() }
    }

    /// Puts a message in; with `delay_ms` of 0 it can be received at once.
    pub fn insert(&mut self, now: Timestamp, message: Stored, delay_ms: i64) {
        let number = self.number();
        self.by_sent.insert((message.sent_at, number));
        if let Some(groups) = &mut self.groups {
            let place = if delay_ms > 0 { Place::Delayed } else { Place::Waiting };
            groups.set(message.group(), number, Some(place));
        }
        let standing = if delay_ms > 0 {
            let until = now.plus_ms(delay_ms);
            self.timers.insert((until, number));
            Standing::Delayed { until }
        } else {
            self.line.insert(number, number);
            Standing::Waiting { rank: number }
        };
        self.slots.insert(number, Slot { message, standing });
    }

    /// Brings back what is due and answers what retention takes away.
    pub fn advance(&mut self, now: Timestamp, retention_ms: i64) -> Vec<Stored> {
        while let Some(&(at, number)) = self.timers.first()
            && at <= now
        {
            self.show(number);
        }
        let mut expired = Vec::new();
        while let Some(&(sent_at, number)) = self.by_sent.first()
            && sent_at.plus_ms(retention_ms) <= now
        {
            expired.extend(self.remove(number));
        }
        expired
    }

    /// The message first in line.
    pub fn first(&self) -> Option<(u64, &Stored)> {
        let number = match &self.groups {
            Some(groups) => groups.first()?,
            None => *self.line.first_key_value()?.1,
        };
        self.slots.get(&number).map(|slot| (number, &slot.message))
    }

    /// What the receive that has just taken `last` gets next: of a FIFO queue, as many of one group as
    /// there are.
    pub fn next(&self, last: Option<u64>) -> Option<(u64, &Stored)> {
        let behind = self.groups.as_ref().zip(last).and_then(|(groups, last)| {
            let number = groups.behind(self.slots.get(&last)?.message.group(), last)?;
            self.slots.get(&number).map(|slot| (number, &slot.message))
        });
        behind.or_else(|| self.first())
    }

    /// Takes a waiting message into flight until `until` and answers it.
    pub fn lease(&mut self, number: u64, now: Timestamp, until: Timestamp) -> Option<&mut Stored> {
        let slot = self.slots.get_mut(&number)?;
        if let Standing::Waiting { rank } = slot.standing {
            self.line.remove(&rank);
            self.timers.insert((until, number));
            self.in_flight += 1;
            slot.standing = Standing::InFlight { since: now, until };
            if let Some(groups) = &mut self.groups {
                groups.set(slot.message.group(), number, Some(Place::InFlight));
            }
        }
        Some(&mut slot.message)
    }

    /// Sets a message in flight to come back at `until`.
    pub fn hide(&mut self, number: u64, until: Timestamp) {
        if let Some(slot) = self.slots.get_mut(&number)
            && let Standing::InFlight { since, until: before } = slot.standing
        {
            self.timers.remove(&(before, number));
            self.timers.insert((until, number));
            slot.standing = Standing::InFlight { since, until };
        }
    }

    pub fn remove(&mut self, number: u64) -> Option<Stored> {
        let slot = self.slots.remove(&number)?;
        self.by_sent.remove(&(slot.message.sent_at, number));
        if let Some(groups) = &mut self.groups {
            groups.set(slot.message.group(), number, None);
        }
        match slot.standing {
            Standing::Waiting { rank } => {
                self.line.remove(&rank);
            }
            Standing::InFlight { until, .. } => {
                self.timers.remove(&(until, number));
                self.in_flight -= 1;
            }
            Standing::Delayed { until } => {
                self.timers.remove(&(until, number));
            }
        }
        Some(slot.message)
    }

    pub fn get(&self, number: u64) -> Option<&Stored> {
        self.slots.get(&number).map(|slot| &slot.message)
    }

    /// Since when a message has been in flight; `None` when it is not.
    pub fn in_flight_since(&self, number: u64) -> Option<Timestamp> {
        match self.slots.get(&number)?.standing {
            Standing::InFlight { since, .. } => Some(since),
            Standing::Waiting { .. } | Standing::Delayed { .. } => None,
        }
    }

    /// When the next hidden message comes back.
    pub fn next_back(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    /// How much a receive could find: messages, or the groups of a FIFO queue that are not locked.
    pub fn receivable(&self) -> usize {
        self.groups.as_ref().map_or(self.line.len(), Groups::open)
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn delayed(&self) -> usize {
        self.timers.len() - self.in_flight
    }

    /// When the oldest message came that has not been received often: what
    /// `ApproximateAgeOfOldestMessage` is counted from (aws-facts §2.4).
    pub fn oldest_entered(&self) -> Option<Timestamp> {
        // A FIFO queue never puts a message behind others.
        let is_fifo = self.groups.is_some();
        let mut fresh = self.slots.values().filter(|slot| is_fifo || slot.message.received_here < Self::PATIENCE);
        fresh.next().map(|slot| slot.message.entered_at)
    }

    /// Every message in the order it came, with its place at `now`.
    pub fn iter(&self, now: Timestamp) -> impl Iterator<Item = (&Stored, Place)> {
        self.slots.values().map(move |slot| {
            let place = match slot.standing {
                Standing::InFlight { until, .. } if until > now => Place::InFlight,
                Standing::Delayed { until } if until > now => Place::Delayed,
                _ => Place::Waiting,
            };
            (&slot.message, place)
        })
    }

    /// Empties the store and answers what was in it.
    pub fn drain(&mut self) -> Vec<Stored> {
        let slots = std::mem::take(&mut self.slots);
        let groups = self.groups.as_ref().map(|_| Groups::default());
        *self = Store { next: self.next, groups, ..Store::default() };
        slots.into_values().map(|slot| slot.message).collect()
    }

    /// A hidden message comes back into line.
    fn show(&mut self, number: u64) {
        let back = self.next;
        let Some(slot) = self.slots.get_mut(&number) else { return };
        let (Standing::InFlight { until, .. } | Standing::Delayed { until }) = slot.standing else { return };
        self.timers.remove(&(until, number));
        if matches!(slot.standing, Standing::InFlight { .. }) {
            self.in_flight -= 1;
        }
        if let Some(groups) = &mut self.groups {
            groups.set(slot.message.group(), number, Some(Place::Waiting));
        }
        let keeps_place = self.groups.is_some() || slot.message.received_here < Self::PATIENCE;
        let rank = if keeps_place { number } else { back };
        slot.standing = Standing::Waiting { rank };
        self.line.insert(rank, number);
        if rank == back {
            self.next += 1;
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }
}
