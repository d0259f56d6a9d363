//! One item on its way: its event is had, it is on record, its function runs, and what that says is judged.

use crate::model::failure_document::{FailureDocument, passed_before};
use crate::model::object::created_event;
use crate::model::rerun::RerunSource;
use crate::model::rescue::RescueTarget;
use crate::model::service_error::Outcome;
use crate::model::trial::{Invoked, LONGEST_RUN_S};
use crate::operation::order::{Answer, MessageState, Order, OrderResult};
use crate::operation::progress::Cause;
use crate::operation::rerun::{Current, Fate, Purpose, Rerun, TRIES};
use crate::operation::rescue::batch::Batches;
use crate::operation::trial::answer::{Failures, failures};

impl Rerun {
    pub(super) fn begin(&mut self, index: usize) {
        let Some(item) = self.plan.items.get(index) else { return };
        self.current.insert(index, Current::default());
        self.told = false;
        match self.plan.source {
            RerunSource::Documents => {
                let order = Order::GetObject { bucket: self.plan.bucket.clone(), key: item.object.key.clone() };
                self.outbox.give(order, Purpose::Fetch(index));
            }
            RerunSource::Requests => {
                let event = created_event(&self.owner.region, &self.plan.bucket, &item.object).to_string();
                self.have(index, vec![event]);
            }
        }
    }

    pub(super) fn fetched(&mut self, index: usize, result: OrderResult) {
        let text = match result {
            Outcome::Done(Answer::Object(text)) => text,
            Outcome::Refused(error) => return self.refuse(index, &error),
            _ => return self.end(index, Fate::Failed("the document was not read".to_owned())),
        };
        let Some(document) = FailureDocument::parse(&text) else {
            return self.end(index, Fate::Failed("it is no document of an on-failure destination".to_owned()));
        };
        let meant = self.plan.items.get(index).map(|item| &item.function);
        if document.function.as_ref() != meant {
            return self.end(index, Fate::Failed("it is of another function than was shown".to_owned()));
        }
        match (document.payload, document.pointer) {
            (Some(event), _) => self.have(index, vec![event]),
            (None, Some(pointer)) => {
                let Some(current) = self.current.get_mut(&index) else { return };
                current.pointer = Some(pointer.clone());
                self.outbox.give(Order::ReadStream { pointer }, Purpose::Read(index));
            }
            (None, None) => self.end(index, Fate::Failed("it carries no event, and points at none".to_owned())),
        }
    }

    /// A document without its event: the records, as long as the stream has them.
    pub(super) fn read(&mut self, index: usize, result: OrderResult) {
        let records = match result {
            Outcome::Done(Answer::Records(records)) => records,
            Outcome::Refused(error) => return self.refuse(index, &error),
            _ => return self.end(index, Fate::Failed("the stream was not read".to_owned())),
        };
        let pointer = self.current.get(&index).and_then(|current| current.pointer.clone());
        let (Some(pointer), Some(target)) = (pointer, self.target(index)) else { return };
        if (records.len() as u64) < u64::from(pointer.batch_size) {
            let why = format!("only {} of its {} records are in the stream still", records.len(), pointer.batch_size);
            return self.end(index, Fate::Failed(why));
        }
        let mut batches = Batches::new(pointer.stream, records, target.batch);
        let mut events = Vec::new();
        while let Some((event, range)) = batches.event() {
            batches.passed(range.end);
            events.push(event);
        }
        self.have(index, events);
    }

    fn have(&mut self, index: usize, events: Vec<String>) {
        let Some(function) = self.plan.items.get(index).map(|item| item.function.clone()) else { return };
        let Some(current) = self.current.get_mut(&index) else { return };
        if events.is_empty() {
            return self.end(index, Fate::Failed("there is nothing left to run".to_owned()));
        }
        current.events = events.into();
        // Its last state on record until the function has answered.
        let line = self.owner.message(self.now, self.id(index), MessageState::Running { function });
        self.outbox.give(Order::Record(vec![line]), Purpose::Noted(index));
    }

    pub(super) fn noted(&mut self, index: usize, result: &OrderResult) {
        if !matches!(result, Outcome::Done(_)) {
            self.current.remove(&index);
            self.fates.insert(index, Fate::Failed("the journal could not be written, so it was not run".to_owned()));
            return self
                .stop("the journal could not be written, so nothing more was run".to_owned(), Some(Cause::Journal));
        }
        if self.cancelled {
            return self.end(index, Fate::Failed("cancelled before it was run".to_owned()));
        }
        self.invoke(index);
    }

    pub(super) fn invoke(&mut self, index: usize) {
        let Some(target) = self.target(index) else {
            return self.end(index, Fate::Failed("its function is not on the card".to_owned()));
        };
        let Some(current) = self.current.get_mut(&index) else { return };
        let Some(event) = current.events.front().cloned() else { return };
        current.again_at = None;
        current.tries += 1;
        let timeout_s = target.timeout_s.unwrap_or(LONGEST_RUN_S);
        self.outbox
            .give(Order::Invoke { function: target.function, payload: event, timeout_s }, Purpose::Invoke(index));
    }

    pub(super) fn invoked(&mut self, index: usize, result: OrderResult) {
        match result {
            Outcome::Done(Answer::Invoked(invoked)) => {
                self.backoff.succeed();
                self.answered(index, &invoked);
            }
            Outcome::Refused(error) if error.is_throttle() && self.may_wait(index) => {
                self.backoff.fail(self.now);
                let again_at = self.backoff.until(self.now);
                if let Some(current) = self.current.get_mut(&index) {
                    current.again_at = again_at;
                }
                self.told = false;
            }
            Outcome::Refused(error) => self.refuse(index, &error),
            Outcome::Unknown(seen) => self.end(index, Fate::MayHaveRun(format!("no answer: {seen}"))),
            Outcome::Done(_) => self.end(index, Fate::MayHaveRun("it was answered with something else".to_owned())),
        }
    }

    fn may_wait(&self, index: usize) -> bool {
        !self.cancelled && self.current.get(&index).is_some_and(|current| current.tries < TRIES)
    }

    fn answered(&mut self, index: usize, invoked: &Invoked) {
        let Some(current) = self.current.get_mut(&index) else { return };
        let Some(event) = current.events.pop_front() else { return };
        current.tries = 0;
        let more = !current.events.is_empty();
        let of = records_in(&event);
        match failures(invoked) {
            Failures::None => {
                self.records += of;
                self.told = false;
                if more { self.invoke(index) } else { self.end(index, Fate::Ran) }
            }
            Failures::All(why) => self.end(index, Fate::Failed(why)),
            Failures::These(ids) => {
                let passed = passed_before(&event, &ids).unwrap_or(0) as u64;
                self.records += passed;
                let named = ids.join(", ");
                let why =
                    format!("the function answered that {named} failed: {passed} of {of} records came through before");
                self.end(index, Fate::Failed(why));
            }
        }
    }

    fn target(&self, index: usize) -> Option<RescueTarget> {
        let function = &self.plan.items.get(index)?.function;
        self.plan.targets.iter().find(|target| target.function == *function).cloned()
    }
}

fn records_in(event: &str) -> u64 {
    let event: serde_json::Value = serde_json::from_str(event).unwrap_or_default();
    event.get("Records").and_then(serde_json::Value::as_array).map_or(1, |records| records.len() as u64)
}
