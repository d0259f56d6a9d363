//! The records of the pointer at hand: read, run a batch at a time, and judged by what the function says.

use std::ops::Range;

use crate::model::service_error::{Outcome, ServiceError};
use crate::model::stream::StreamPointer;
use crate::model::time::Timestamp;
use crate::model::trial::{Invoked, LONGEST_RUN_S};
use crate::operation::order::{Answer, Order, OrderResult};
use crate::operation::progress::Cause;
use crate::operation::progress::grouped;
use crate::operation::rescue::batch::Batches;
use crate::operation::rescue::{Current, Purpose, Rescue};
use crate::operation::trial::answer::{Failures, failures};

impl Rescue {
    pub(super) fn read(&mut self, now: Timestamp, result: OrderResult) {
        let Some(current) = &mut self.current else { return };
        let records = match result {
            Outcome::Done(Answer::Records(records)) => records,
            Outcome::Refused(error) => {
                let why = unreadable(&error, &current.pointer);
                self.course.blame(Some(Cause::of(&error)));
                return self.give_up(&why);
            }
            _ => {
                return self.give_up("the stream was not read");
            }
        };
        let (there, named) = (records.len() as u64, u64::from(current.pointer.batch_size));
        if there < named {
            let why = format!("only {} of its {} records are in the stream still", grouped(there), grouped(named));
            return self.give_up(&why);
        }
        current.batches = Some(Batches::new(current.pointer.stream.clone(), records, current.target.batch));
        self.note_batch(now);
    }

    pub(super) fn note_batch(&mut self, now: Timestamp) {
        let Some(current) = &self.current else { return };
        let Some((event, range)) = current.batches.as_ref().and_then(Batches::event) else {
            return self.delete_current();
        };
        let text = format!(
            "invoking {} with {} records of {}",
            current.target.function,
            range.len(),
            current.found.message.id
        );
        let line = self.course.owner.noted(now, text);
        self.outbox.give(Order::Record(vec![line]), Purpose::Noted(range, event));
    }

    pub(super) fn invoke(&mut self, range: Range<usize>, event: String, result: &OrderResult) {
        if !matches!(result, Outcome::Done(_)) {
            return self.give_up("the journal could not be written, so nothing more was run");
        }
        if self.course.is_cancelled() {
            return self.give_up("cancelled");
        }
        let Some(current) = &self.current else { return };
        let order = Order::Invoke {
            function: current.target.function.clone(),
            payload: event,
            timeout_s: current.target.timeout_s.unwrap_or(LONGEST_RUN_S),
        };
        self.outbox.give(order, Purpose::Invoke(range));
    }

    pub(super) fn invoked(&mut self, now: Timestamp, range: &Range<usize>, result: OrderResult) {
        match result {
            Outcome::Done(Answer::Invoked(invoked)) => self.answered(now, range, &invoked),
            Outcome::Refused(error) => {
                self.course.blame(Some(Cause::of(&error)));
                self.give_up(&format!("not run: {error}"));
            }
            Outcome::Unknown(seen) => {
                self.give_up(&format!("no answer for {} records, which may have been run: {seen}", range.len()));
            }
            Outcome::Done(_) => self.give_up("an invocation was answered with something else"),
        }
    }

    pub(super) fn answered(&mut self, now: Timestamp, range: &Range<usize>, invoked: &Invoked) {
        let Some(batches) = self.current.as_mut().and_then(|current| current.batches.as_mut()) else { return };
        let (passed, why) = match failures(invoked) {
            Failures::None => (range.len(), None),
            Failures::All(why) => (0, Some(why)),
            Failures::These(ids) => match batches.before(range, &ids) {
                Some(passed) => (passed, Some(format!("the function answered that record {} failed", ids.join(", ")))),
                None => (
                    0,
                    Some(format!("the function answered that {} failed, which is not of this batch", ids.join(", "))),
                ),
            },
        };
        batches.passed(range.start + passed);
        self.replayed += passed as u64;
        self.course.tell();
        match why {
            Some(why) => self.give_up(&why),
            None if batches_left(self.current.as_ref()) => self.extend(now),
            None => self.delete_current(),
        }
    }
}

fn batches_left(current: Option<&Current>) -> bool {
    current.and_then(|current| current.batches.as_ref()).is_some_and(|batches| batches.done() < batches.len())
}

fn unreadable(error: &ServiceError, pointer: &StreamPointer) -> String {
    if error.code != "TrimmedDataAccessException" {
        return format!("the stream was not read: {error}");
    }
    match pointer.gone_at() {
        Some(at) => format!("its records are gone from the stream, which keeps them 24 h: since about {}", at.clock()),
        None => "its records are gone from the stream, which keeps them 24 h".to_owned(),
    }
}
