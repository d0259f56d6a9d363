//! Drives a machine in virtual time: orders arrive at the world after a while, answers come back after
//! another; records are kept one after the other.

use std::collections::BTreeMap;

use crate::model::id::ReceiptHandle;
use crate::model::time::Timestamp;
use crate::operation::order::{Order, OrderId, OrderResult};
use crate::operation::progress::Report;
use crate::operation::soak::suspicion::Suspicion;
use crate::operation::soak::world::World;
use crate::operation::{Command, Operation};

#[derive(Debug, PartialEq)]
pub enum Stop {
    Died,
    /// Nothing is under way, nothing is waited for, and it is not finished.
    Stuck,
    /// So many steps and no end.
    Endless,
}

#[derive(Debug)]
enum Event {
    Arrives(OrderId, Order),
    Answers(OrderId, OrderResult),
    RivalTakes,
    RivalMoves(ReceiptHandle),
    TaskMoves(u32),
}

pub struct Drive {
    pub world: World,
    pub now: Timestamp,
    pub commands: Vec<(Timestamp, Command)>,
    /// Messages shown in progress.
    pub found: u64,
    /// How many messages were visible, whenever something happened.
    pub seen: Vec<(Timestamp, usize)>,
    /// Who may be named, and why.
    pub suspicion: Suspicion,
    events: BTreeMap<(Timestamp, u64), Event>,
    next: u64,
    record_at: Timestamp,
}

impl Drive {
    pub fn new(world: World, start: Timestamp) -> Self {
        let mut drive = Drive {
            world,
            now: start,
            commands: Vec::new(),
            found: 0,
            seen: Vec::new(),
            suspicion: Suspicion::default(),
            events: BTreeMap::new(),
            next: 0,
            record_at: start,
        };
        if drive.world.faults.rival > 0 {
            drive.put(start.plus_s(1), Event::RivalTakes);
        }
        if drive.world.faults.task > 0 {
            drive.put(start.plus_s(2), Event::TaskMoves(0));
        }
        drive
    }

    /// Until it is finished, or the process dies after so many steps.
    pub fn run(&mut self, machine: &mut dyn Operation, dies_after: Option<u64>) -> Result<Option<Report>, Stop> {
        let mut report = None;
        for step in 0..STEPS_MOST {
            while let Some((id, order)) = machine.poll_order(self.now) {
                self.order(id, order);
            }
            while let Some(progress) = machine.poll_progress() {
                self.found += progress.found.len() as u64;
                report = progress.report.or(report);
            }
            if machine.is_finished() {
                return Ok(report);
            }
            if dies_after.is_some_and(|most| step >= most) {
                self.die();
                return Err(Stop::Died);
            }
            self.step(machine)?;
            self.seen.push((self.now, self.world.visible(self.now)));
        }
        Err(Stop::Endless)
    }

    fn step(&mut self, machine: &mut dyn Operation) -> Result<(), Stop> {
        let event_at = self.events.first_key_value().map(|((at, _), _)| *at);
        let command_at = self.commands.first().map(|(at, _)| *at);
        let timeout = machine.poll_timeout();
        let own = self.events.values().any(|event| matches!(event, Event::Arrives(..) | Event::Answers(..)));
        if !own && command_at.is_none() && timeout.is_none() {
            return Err(Stop::Stuck);
        }
        let next = [event_at, command_at, timeout].into_iter().flatten().min().ok_or(Stop::Stuck)?;
        assert!(timeout.is_none_or(|at| at > self.now), "woken for nothing: a timeout that is past already");
        self.now = self.now.max(next);
        if command_at == Some(next) {
            let (_, command) = self.commands.remove(0);
            machine.handle_command(self.now, command);
        } else if event_at == Some(next) {
            if let Some((_, event)) = self.events.pop_first() {
                self.happen(machine, event);
            }
        } else {
            machine.handle_timeout(self.now);
        }
        Ok(())
    }

    fn order(&mut self, id: OrderId, order: Order) {
        self.suspicion.ordered(self.now, id, &order);
        let at = if matches!(order, Order::Record(_)) {
            self.record_at = self.record_at.max(self.now).plus_ms(1 + self.world.draw(5) as i64);
            self.record_at
        } else {
            self.now.plus_ms(self.world.latency_ms())
        };
        self.put(at, Event::Arrives(id, order));
    }

    fn happen(&mut self, machine: &mut dyn Operation, event: Event) {
        match event {
            Event::Arrives(id, order) => {
                let result = self.world.perform(self.now, &order);
                let wait_ms = match order {
                    Order::Record(_) => 0,
                    _ => self.world.latency_ms(),
                };
                self.put(self.now.plus_ms(wait_ms), Event::Answers(id, result));
            }
            Event::Answers(id, result) => {
                self.suspicion.answered(self.now, id, &result);
                machine.handle_result(self.now, id, result);
            }
            Event::RivalTakes => {
                if let Some(receipt) = self.world.rival_takes(self.now) {
                    let moves = self.world.happens(self.world.faults.rival);
                    if moves {
                        self.put(self.now.plus_s(20), Event::RivalMoves(receipt));
                    }
                }
                self.put(self.now.plus_s(7), Event::RivalTakes);
            }
            Event::RivalMoves(receipt) => self.world.rival_moves(&receipt),
            Event::TaskMoves(n) => {
                self.world.task_moves(self.now);
                if n < TASK_MOVES_MOST {
                    let pause_ms = 50 + self.world.draw(400) as i64;
                    self.put(self.now.plus_ms(pause_ms), Event::TaskMoves(n + 1));
                }
            }
        }
    }

    /// What was under way may still arrive; a record that was not kept is lost, with all after it.
    fn die(&mut self) {
        let mut keeps = true;
        for (_, event) in std::mem::take(&mut self.events) {
            match event {
                Event::Arrives(_, order) => {
                    let arrives = self.world.draw(2) == 0;
                    if matches!(order, Order::Record(_)) {
                        keeps &= arrives;
                        if keeps {
                            let _ = self.world.perform(self.now, &order);
                        }
                    } else if arrives {
                        let _ = self.world.perform(self.now, &order);
                    }
                }
                Event::RivalMoves(receipt) => self.world.rival_moves(&receipt),
                Event::Answers(..) | Event::RivalTakes | Event::TaskMoves(_) => {}
            }
        }
        self.suspicion.died(&self.world.states);
    }

    fn put(&mut self, at: Timestamp, event: Event) {
        self.next += 1;
        self.events.insert((at, self.next), event);
    }
}

const STEPS_MOST: u64 = 200_000;
/// Messages a colleague's move task takes before it ends.
const TASK_MOVES_MOST: u32 = 40;
