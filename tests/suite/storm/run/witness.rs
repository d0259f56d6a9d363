//! What ran: by the payloads that reached their function and the answers that left it, whether or not anybody
//! heard of them. And how long what was held was certainly held, by what an operator could have written down.

use std::collections::{BTreeMap, BTreeSet};

use redrive::model::id::MessageId;
use redrive::model::service_error::Outcome;
use redrive::model::time::Timestamp;
use redrive::operation::order::{Answer, Order, OrderId, OrderResult};
use redrive::pipeline::request::{LambdaReply, Reply, RequestId, Response};
use serde_json::Value;

#[derive(Debug)]
pub struct Ran {
    /// Of which life's asking it is.
    pub life: u64,
    pub carried: Vec<String>,
    /// How many of them came through, from the first on; `None` while it runs.
    pub passed: Option<usize>,
}

#[derive(Debug, Default)]
pub struct Witness {
    pub life: u64,
    running: BTreeMap<RequestId, Ran>,
    /// In the order they ended; what was refused did not run.
    pub ran: Vec<Ran>,
    asked: BTreeMap<OrderId, (Timestamp, Order)>,
    held_until: BTreeMap<MessageId, Timestamp>,
    /// A delete came when the lease was over, or nobody knows what came of it.
    pub unsure: BTreeSet<MessageId>,
    /// Invocations whose answer was lost.
    pub unheard: u64,
}

impl Witness {
    /// A process begins.
    pub fn lives(&mut self) {
        self.life += 1;
        self.asked.clear();
        self.held_until.clear();
    }

    pub fn begins(&mut self, request: RequestId, payload: &str) {
        self.running.insert(request, Ran { life: self.life, carried: carried(payload), passed: None });
    }

    pub fn ends(&mut self, request: RequestId, response: &Response) {
        let Some(ran) = self.running.remove(&request) else { return };
        let Ok(Reply::Lambda(LambdaReply::Invoked { payload, function_error, .. })) = response else { return };
        let passed = if function_error.is_some() { 0 } else { passed(&ran.carried, payload) };
        self.ran.push(Ran { passed: Some(passed), ..ran });
    }

    /// Runs that carried it, and how many of them brought it through.
    pub fn of(&self, what: &str) -> (usize, usize) {
        let place = |ran: &Ran| ran.carried.iter().position(|one| one == what);
        let through = |ran: &&Ran| place(ran).is_some_and(|at| ran.passed.is_some_and(|passed| at < passed));
        let all = || self.ran.iter().chain(self.running.values()).filter(|ran| place(ran).is_some());
        (all().count(), all().filter(through).count())
    }

    /// All of it came through, by now.
    pub fn came_through(&self, carries: &[String]) -> bool {
        !carries.is_empty() && carries.iter().all(|one| self.of(one).1 > 0)
    }

    /// The same, by what this life alone asked for.
    pub fn came_through_now(&self, carries: &[String]) -> bool {
        let through = |one: &String| {
            let mine = self.ran.iter().filter(|ran| ran.life == self.life);
            let place = |ran: &Ran| ran.carried.iter().position(|other| other == one);
            mine.into_iter().any(|ran| place(ran).is_some_and(|at| ran.passed.is_some_and(|passed| at < passed)))
        };
        !carries.is_empty() && carries.iter().all(through)
    }

    pub fn ordered(&mut self, now: Timestamp, id: OrderId, order: &Order) {
        self.asked.insert(id, (now, order.clone()));
    }

    pub fn answered(&mut self, now: Timestamp, id: OrderId, result: &OrderResult) {
        let Some((asked_at, order)) = self.asked.remove(&id) else { return };
        match (order, result) {
            (Order::Receive { visibility_s, .. }, Outcome::Done(Answer::Received(messages))) => {
                let until = asked_at.plus_s(i64::from(visibility_s));
                messages.iter().for_each(|message| self.holds(&message.id, until));
            }
            (Order::Extend { entries, visibility_s, .. }, Outcome::Done(Answer::Entries(results))) => {
                let until = asked_at.plus_s(i64::from(visibility_s));
                let done = entries.iter().zip(results).filter(|(_, result)| result.is_ok());
                done.for_each(|(lease, _)| self.holds(&lease.id, until));
            }
            (Order::Delete { entries, .. }, result) => {
                let done = matches!(result, Outcome::Done(Answer::Entries(all)) if all.iter().all(Result::is_ok));
                let over = |id: &MessageId| self.held_until.get(id).is_none_or(|until| *until <= now);
                let unsure = entries.into_iter().map(|lease| lease.id).filter(|id| !done || over(id));
                self.unsure.extend(unsure.collect::<Vec<_>>());
            }
            (Order::Invoke { .. }, Outcome::Unknown(_)) => self.unheard += 1,
            _ => {}
        }
    }
}

impl Witness {
    fn holds(&mut self, id: &MessageId, until: Timestamp) {
        let held = self.held_until.entry(id.clone()).or_insert(until);
        *held = until.max(*held);
    }
}

/// What each record of an event is known by.
pub fn carried(payload: &str) -> Vec<String> {
    let event: Value = serde_json::from_str(payload).unwrap_or_default();
    let records = event.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |record: &Value| {
        let places = ["/messageId", "/dynamodb/SequenceNumber", "/s3/object/key"];
        places.iter().find_map(|place| record.pointer(place).and_then(Value::as_str)).unwrap_or("?").to_owned()
    };
    records.iter().map(name).collect()
}

/// Before the first that the answer names as failed; all where it names none.
fn passed(carried: &[String], answer: &str) -> usize {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let failed = answer.get("batchItemFailures").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |item: &Value| item.get("itemIdentifier").and_then(Value::as_str).unwrap_or("?").to_owned();
    let at = |name: String| carried.iter().position(|one| *one == name).unwrap_or(0);
    failed.iter().map(|item| at(name(item))).min().unwrap_or(carried.len())
}
