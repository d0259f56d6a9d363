//! Straight onto the pipeline, in virtual time: an order arrives after a while and its answer comes back
//! after another; records are kept one after the other.

use std::collections::BTreeMap;
use std::ops::DerefMut;

use redrive::model::census::Census;
use redrive::model::message::Message;
use redrive::model::service_error::{Outcome, ServiceError};
use redrive::model::time::Timestamp;
use redrive::operation::order::{Answer, Order, OrderId, OrderResult};
use redrive::operation::progress::Report;
use redrive::operation::{Command, Operation};
use redrive::pipeline::Pipeline;
use redrive::pipeline::blueprint::Blueprint;
use redrive::pipeline::request::{Reply, Request, RequestId, Response, SqsReply, SqsRequest};

use crate::storm::fault::{Chance, Faults};
use crate::storm::log::Log;
use crate::storm::order::{entries_of, read_stream, request_of, result_of, with, without};
use crate::storm::road::Road;
use crate::storm::scene::{self, Queues, Site};
use crate::storm::{Died, START};

enum Event {
    Arrives(u64, OrderId, Order),
    Answers(u64, OrderId, OrderResult),
    RivalTakes,
    RivalMoves(Message),
    TaskStarts,
    TaskEnds,
}

/// An order the pipeline has not answered yet.
struct Under {
    life: u64,
    id: OrderId,
    order: Order,
    refused: Vec<usize>,
    lost: bool,
}

pub struct Straight {
    pipeline: Pipeline,
    now: Timestamp,
    queues: Queues,
    /// When no lease is extended.
    no_extending: Option<(Timestamp, Timestamp)>,
    pub log: Log,
    chance: Chance,
    faults: Faults,
    commands: Vec<(Timestamp, Command)>,
    events: BTreeMap<(Timestamp, u64), Event>,
    under_way: BTreeMap<RequestId, Under>,
    asked: BTreeMap<RequestId, Response>,
    next: u64,
    record_at: Timestamp,
    /// Counts the deaths: answers to an earlier life are not heard.
    life: u64,
    /// Others have gone home.
    quiet: bool,
}

impl Straight {
    pub fn new(seed: u64, queues: Queues) -> Self {
        Straight::of(scene::blueprint(), seed, queues)
    }

    pub fn of(blueprint: Blueprint, seed: u64, queues: Queues) -> Self {
        Straight {
            pipeline: Pipeline::new(blueprint, seed, START).expect("the blueprint fits together"),
            now: START,
            queues,
            no_extending: None,
            log: Log::default(),
            chance: Chance::new(seed, "weather"),
            faults: Faults::default(),
            commands: Vec::new(),
            events: BTreeMap::new(),
            under_way: BTreeMap::new(),
            asked: BTreeMap::new(),
            next: 0,
            record_at: START,
            life: 0,
            quiet: false,
        }
    }

    /// One of the blueprint's.
    pub fn switch(&mut self, name: &str, on: bool) {
        assert!(self.pipeline.set_switch(self.now, name, on), "there is such a switch");
    }

    fn step(&mut self, machine: Option<&mut dyn Operation>) {
        let event_at = self.events.first_key_value().map(|((at, _), _)| *at);
        let pipeline_at = self.pipeline.poll_timeout().filter(|_| !self.under_way.is_empty());
        let command_at = self.commands.first().map(|(at, _)| *at).filter(|_| machine.is_some());
        let timeout = machine.as_ref().and_then(|machine| machine.poll_timeout());
        assert!(timeout.is_none_or(|at| at > self.now), "woken for nothing: a timeout that is past already");
        let next = [event_at, pipeline_at, command_at, timeout].into_iter().flatten().min();
        let next = next.expect("something is waited for");
        self.now = self.now.max(next);
        if pipeline_at == Some(next) {
            self.pipeline.handle_timeout(self.now);
            self.collect();
        } else if event_at == Some(next) {
            let (_, event) = self.events.pop_first().expect("it was seen");
            self.happen(machine, event);
        } else if let Some(machine) = machine {
            if command_at == Some(next) {
                let (_, command) = self.commands.remove(0);
                machine.handle_command(self.now, command);
            } else {
                machine.handle_timeout(self.now);
            }
        }
    }

    fn order(&mut self, id: OrderId, order: Order) {
        self.log.ordered(self.now, id, &order);
        let after_ms = match order {
            Order::Record(_) => {
                let slow = self.chance.happens(self.faults.writing);
                let takes_ms = if slow { self.chance.draw(90_000) } else { 1 + self.chance.draw(5) };
                self.record_at = self.record_at.max(self.now).plus_ms(takes_ms as i64);
                self.record_at.ms_since(self.now)
            }
            _ => self.chance.latency_ms(&self.faults),
        };
        self.put(after_ms, Event::Arrives(self.life, id, order));
    }

    fn happen(&mut self, machine: Option<&mut dyn Operation>, event: Event) {
        match event {
            Event::Arrives(life, id, order) => self.arrive(life, id, order),
            Event::Answers(life, id, result) => {
                if let Some(machine) = machine.filter(|_| life == self.life) {
                    self.log.answered(self.now, id, &result);
                    machine.handle_result(self.now, id, result);
                }
            }
            Event::RivalTakes if !self.quiet => {
                let taken = scene::receive_some(self, self.queues.dead, RIVAL_LEASE_S, 1).pop();
                if let Some(message) = taken.filter(|_| self.chance.happens(self.faults.rival)) {
                    self.put(20_000, Event::RivalMoves(message));
                }
                let pause_ms = 200 + self.chance.draw(7_000) as i64;
                self.put(pause_ms, Event::RivalTakes);
            }
            Event::RivalTakes => {}
            Event::RivalMoves(message) => scene::move_by_hand(self, self.queues, &message),
            Event::TaskStarts => {
                let max_per_s = Some(1 + self.chance.draw(10) as u32);
                let start = SqsRequest::StartMessageMoveTask {
                    source: scene::arn(self.queues.dead),
                    destination: None,
                    max_per_s,
                };
                self.ask(Request::Sqs(start));
                let ends_ms = 1_000 + self.chance.draw(40_000) as i64;
                self.put(ends_ms, Event::TaskEnds);
            }
            Event::TaskEnds => {
                let list = SqsRequest::ListMessageMoveTasks { source: scene::arn(self.queues.dead), max: None };
                let Reply::Sqs(SqsReply::Tasks(tasks)) = self.ask(Request::Sqs(list)) else { panic!("listed") };
                if let Some(handle) = tasks.into_iter().find_map(|task| task.handle) {
                    self.ask(Request::Sqs(SqsRequest::CancelMessageMoveTask { handle }));
                }
            }
        }
    }

    fn arrive(&mut self, life: u64, id: OrderId, order: Order) {
        if life == self.life {
            self.log.arrives(&order, &self.faults);
        }
        if let Order::Record(entries) = order {
            let fails = self.chance.happens(self.faults.journal);
            let result = if fails {
                Outcome::Refused(ServiceError::new("journal", "Full", "disk full"))
            } else {
                self.log.keep(entries);
                Outcome::Done(Answer::Recorded)
            };
            return self.put(0, Event::Answers(life, id, result));
        }
        let held = matches!(order, Order::Extend { .. } | Order::Release { .. })
            && self.no_extending.is_some_and(|(from, until)| (from..until).contains(&self.now));
        if held || self.chance.happens(self.faults.throttle) {
            let error = ServiceError::new("test", "RequestThrottled", "slower");
            return self.answer(life, id, Outcome::Refused(error));
        }
        if self.chance.happens(self.faults.lost_before) {
            return self.answer(life, id, Outcome::Unknown("cut before it arrived".to_owned()));
        }
        let lost = self.chance.happens(self.faults.lost_after);
        let refused = self.chance.refused(&self.faults, entries_of(&order));
        let Some(order) = without(&order, &refused) else {
            let none = match order {
                Order::Send { .. } => Answer::Sent(Vec::new()),
                _ => Answer::Entries(Vec::new()),
            };
            return self.answer(life, id, with(Outcome::Done(none), &refused));
        };
        if let Order::ReadStream { pointer } = &order {
            let read = read_stream(pointer, |ask| self.answer_of(ask));
            let result = if lost { Outcome::Unknown("cut before the answer".to_owned()) } else { read };
            return self.answer(life, id, result);
        }
        let request = self.request_id();
        if let Order::Invoke { payload, .. } = &order {
            self.log.witness.begins(request, payload);
        }
        let asked = request_of(&order);
        self.under_way.insert(request, Under { life, id, order, refused, lost });
        self.pipeline.handle_request(self.now, request, asked);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some((request, response)) = self.pipeline.poll_response() {
            let Some(under) = self.under_way.remove(&request) else {
                self.asked.insert(request, response);
                continue;
            };
            self.log.witness.ends(request, &response);
            let result = result_of(&under.order, response);
            if let (Order::Receive { queue, .. }, Outcome::Done(Answer::Received(messages))) = (&under.order, &result) {
                let again: Vec<_> =
                    messages.iter().filter(|_| self.chance.happens(self.faults.redeliver)).cloned().collect();
                for message in again {
                    let (queue, receipt) = (queue.clone(), message.receipt);
                    self.ask(Request::Sqs(SqsRequest::ChangeVisibility { queue, receipt, visibility_s: 0 }));
                }
            }
            let result = match under.lost {
                true => Outcome::Unknown("cut before the answer".to_owned()),
                false => with(result, &under.refused),
            };
            self.answer(under.life, under.id, result);
        }
    }

    fn answer(&mut self, life: u64, id: OrderId, result: OrderResult) {
        let after_ms = self.chance.latency_ms(&self.faults);
        self.put(after_ms, Event::Answers(life, id, result));
    }

    /// What was under way may still arrive, sooner or later; a record that was not kept is lost, with all
    /// after it.
    fn die(&mut self) {
        let mut keeps = true;
        for (place, event) in std::mem::take(&mut self.events) {
            match event {
                Event::Arrives(life, _, Order::Record(entries)) if life == self.life => {
                    keeps &= self.chance.draw(2) == 0 && !self.chance.happens(self.faults.journal);
                    if keeps {
                        self.log.keep(entries);
                    }
                }
                Event::Arrives(life, ..) if life == self.life && self.chance.draw(2) == 0 => {}
                Event::Answers(..) => {}
                other => {
                    self.events.insert(place, other);
                }
            }
        }
        self.life += 1;
        self.commands.clear();
        self.log.died();
    }

    fn answer_of(&mut self, request: Request) -> Response {
        let id = self.request_id();
        self.pipeline.handle_request(self.now, id, request);
        self.collect();
        self.asked.remove(&id).expect("it is answered at once")
    }

    fn put(&mut self, after_ms: i64, event: Event) {
        self.next += 1;
        self.events.insert((self.now.plus_ms(after_ms), self.next), event);
    }

    fn request_id(&mut self) -> RequestId {
        self.next += 1;
        RequestId(self.next)
    }
}

impl Road for Straight {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn begin(&mut self, faults: Faults, commands: &[(i64, Command)]) {
        self.faults = faults;
        let at = |ms| self.now.plus_ms(ms);
        self.no_extending = faults.no_extending.map(|(from, until)| (at(from), at(until)));
        self.command(commands);
        if self.faults.rival > 0 {
            self.put(20, Event::RivalTakes);
        }
        if self.faults.task > 0 {
            let after_ms = 20 + self.chance.draw(2_000) as i64;
            self.put(after_ms, Event::TaskStarts);
        }
    }

    fn command(&mut self, commands: &[(i64, Command)]) {
        self.commands = commands.iter().map(|(ms, command)| (self.now.plus_ms(*ms), *command)).collect();
    }

    fn run(&mut self, mut machine: Box<dyn Operation>, dies_after: Option<u64>) -> Result<Report, Died> {
        let mut report = None;
        for step in 0..STEPS_MOST {
            while let Some((id, order)) = machine.poll_order(self.now) {
                self.order(id, order);
            }
            while let Some(progress) = machine.poll_progress() {
                self.log.found.extend(progress.found);
                report = progress.report.or(report);
            }
            if machine.is_finished() {
                return Ok(report.expect("the last progress carries it"));
            }
            if dies_after.is_some_and(|most| step >= most) {
                self.die();
                return Err(Died);
            }
            self.step(Some(machine.as_mut()));
        }
        panic!("no end after {STEPS_MOST} steps")
    }

    fn pass(&mut self, s: i64) {
        let until = self.now.plus_s(s);
        let by = |at: Option<Timestamp>| at.is_some_and(|at| at <= until);
        // What is on its way, and what waits at the pipeline for its answer: a long poll.
        while by(self.events.first_key_value().map(|((at, _), _)| *at))
            || (!self.under_way.is_empty() && by(self.pipeline.poll_timeout()))
        {
            self.step(None);
        }
        self.now = until;
        self.pipeline.handle_timeout(until);
    }

    fn calm_down(&mut self) {
        self.quiet = true;
        self.pass(200);
        assert!(self.under_way.is_empty(), "everything is answered");
    }

    fn log(&mut self) -> impl DerefMut<Target = Log> {
        &mut self.log
    }
}

impl Site for Straight {
    fn ask(&mut self, request: Request) -> Reply {
        self.answer_of(request).unwrap_or_else(|error| panic!("{error}"))
    }

    fn census(&mut self) -> Census {
        self.pipeline.census()
    }
}

const STEPS_MOST: u64 = 200_000;
const RIVAL_LEASE_S: u32 = 30;
