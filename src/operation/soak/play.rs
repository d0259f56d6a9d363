//! Plays a machine against a function that answers each order, 20 ms after it was given.

use crate::model::service_error::{Outcome, ServiceError};
use crate::model::time::Timestamp;
use crate::operation::order::{Order, OrderResult};
use crate::operation::progress::{Progress, Report};
use crate::operation::{Command, Operation};

/// What was told, in the order it was told, and the report.
pub(in crate::operation) struct Played {
    pub told: Vec<Progress>,
    pub report: Report,
    pub ended_at: Timestamp,
}

/// # Panics
/// When the machine does not come to its end.
pub(in crate::operation) fn play(
    machine: &mut dyn Operation,
    start: Timestamp,
    commands: Vec<(Timestamp, Command)>,
    mut answer: impl FnMut(Timestamp, &Order) -> OrderResult,
) -> Played {
    play_slowly(machine, start, commands, |now, order| (20, answer(now, order)))
}

/// The same with the milliseconds each answer takes.
pub(in crate::operation) fn play_slowly(
    machine: &mut dyn Operation,
    start: Timestamp,
    mut commands: Vec<(Timestamp, Command)>,
    mut answer: impl FnMut(Timestamp, &Order) -> (i64, OrderResult),
) -> Played {
    let mut now = start;
    let mut told = Vec::new();
    for _ in 0..STEPS_MOST {
        let mut ordered = Vec::new();
        while let Some(order) = machine.poll_order(now) {
            ordered.push(order);
        }
        told.extend(std::iter::from_fn(|| machine.poll_progress()));
        if machine.is_finished() {
            let report = told.last().and_then(|last| last.report.clone());
            return Played { report: report.expect("the last progress carries it"), told, ended_at: now };
        }
        let timeout = machine.poll_timeout();
        if let Some((at, command)) = commands.first().copied()
            && ordered.is_empty()
            && timeout.is_none_or(|timeout| at <= timeout)
        {
            commands.remove(0);
            now = now.max(at);
            machine.handle_command(now, command);
        } else if ordered.is_empty() {
            let timeout = timeout.expect("neither finished, nor anything to wait for");
            now = now.max(timeout);
            machine.handle_timeout(now);
        }
        for (id, order) in ordered {
            let (takes_ms, result) = answer(now, &order);
            now = now.plus_ms(takes_ms);
            machine.handle_result(now, id, result);
        }
    }
    panic!("no end after {STEPS_MOST} steps: {:?}", told.last());
}

pub(in crate::operation) fn refused(code: &str, message: &str) -> OrderResult {
    Outcome::Refused(ServiceError::new("test", code, message))
}

const STEPS_MOST: usize = 5_000;
