//! For tests that play a machine by hand: a dead-letter queue, the queue it goes to and a journal, on one
//! desk, and a process that may die before or after any order.

use std::collections::BTreeSet;

use crate::model::id::MessageId;
use crate::model::message::Message;
use crate::model::queue::QueueCounts;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::Operation;
use crate::operation::order::{Answer, JournalEntry, Order, OrderResult};
use crate::operation::progress::Report;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    No,
    /// The order is not done.
    Before,
    /// It is done, and nobody hears of it.
    After,
}

pub struct Desk {
    pub dead: Vec<Message>,
    held: BTreeSet<MessageId>,
    /// Bodies, in the order they were sent.
    pub sent: Vec<String>,
    pub journal: Vec<JournalEntry>,
    pub dies: fn(&Desk, &Order) -> Death,
}

impl Desk {
    pub fn new(dead: Vec<Message>) -> Self {
        Desk { dead, held: BTreeSet::new(), sent: Vec::new(), journal: Vec::new(), dies: |_, _| Death::No }
    }

    /// Another process, later: no lease lasts, and it does not die.
    pub fn wake(&mut self) {
        self.held.clear();
        self.dies = |_, _| Death::No;
    }

    /// Its report; `None` when the process died.
    pub fn play(&mut self, machine: &mut dyn Operation, mut now: Timestamp) -> Option<Report> {
        for _ in 0..10_000 {
            while let Some((id, order)) = machine.poll_order(now) {
                let death = (self.dies)(self, &order);
                if death == Death::Before {
                    return None;
                }
                let result = self.perform(order);
                if death == Death::After {
                    return None;
                }
                machine.handle_result(now, id, result);
            }
            if machine.is_finished() {
                return Some(machine.poll_progress().and_then(|told| told.report).expect("it reports itself"));
            }
            now = machine.poll_timeout().map_or(now.plus_s(1), |at| at.max(now.plus_ms(1)));
            machine.handle_timeout(now);
        }
        panic!("no end")
    }

    fn perform(&mut self, order: Order) -> OrderResult {
        Outcome::Done(match order {
            Order::Record(entries) => {
                self.journal.extend(entries);
                Answer::Recorded
            }
            Order::Receive { max, .. } => {
                let free = self.dead.iter().filter(|letter| !self.held.contains(&letter.id));
                let found: Vec<Message> = free.take(max as usize).cloned().collect();
                self.held.extend(found.iter().map(|letter| letter.id.clone()));
                Answer::Received(found)
            }
            Order::Send { entries, .. } => {
                let new = |n: usize| Ok(format!("new-{}", self.sent.len() + n).into());
                let ids = (0..entries.len()).map(new).collect();
                self.sent.extend(entries.into_iter().map(|entry| entry.body));
                Answer::Sent(ids)
            }
            Order::Delete { entries, .. } => {
                self.dead.retain(|letter| entries.iter().all(|lease| lease.id != letter.id));
                Answer::Entries(vec![Ok(()); entries.len()])
            }
            Order::Release { entries, .. } => {
                self.held.retain(|id| entries.iter().all(|lease| lease.id != *id));
                Answer::Entries(vec![Ok(()); entries.len()])
            }
            Order::Extend { entries, .. } => Answer::Entries(vec![Ok(()); entries.len()]),
            Order::QueueCounts { .. } => Answer::Counts(QueueCounts::default()),
            other => panic!("not ordered here: {other:?}"),
        })
    }
}
