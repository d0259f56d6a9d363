//! The real journal, in memory: what an errand keeps is what SQLite has, and what it is taken up by is what
//! can be read there.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use redrive::journal::Journal;
use redrive::model::message::Message;
use redrive::model::service_error::Outcome;
use redrive::operation::Undertaking;
use redrive::operation::card::Facts;
use redrive::operation::confirm::{Consent, Preflight};
use redrive::operation::order::{JournalEntry, JournalSink};
use redrive::operation::record::Record;
use redrive::operation::resume::ResumePlan;

use crate::storm::START;

pub struct Book(Journal);

impl Book {
    pub fn new() -> Self {
        Book(Journal::open(None, || START).expect("in memory"))
    }

    pub fn keep(&self, entries: Vec<JournalEntry>) {
        let kept = wait(self.0.record(entries));
        assert!(matches!(kept, Outcome::Done(_)), "the journal takes what it is given: {kept:?}");
    }

    /// As it would be taken up by a process that knows nothing else of it.
    pub fn record(&self, operation: &str) -> Option<Record> {
        self.0.record_of(&operation.into()).expect("it is read")
    }

    pub fn is_open(&self, operation: &str) -> bool {
        self.record(operation).is_some_and(|record| record.is_open())
    }

    /// What was begun, to be finished; `None` where nothing of it is on record.
    pub fn resumed(&self, operation: &str) -> Option<Undertaking> {
        let plan = ResumePlan { record: Box::new(self.record(operation)?) };
        let confirmed = Preflight::new(plan, &Facts::default()).accept(&Consent::Enter);
        Some(Undertaking::Resume(confirmed.map_err(|(_, why)| why).expect("it was confirmed before")))
    }

    /// Copies an operation kept; one that was kept twice, once.
    pub fn copies(&self, operation: &str) -> Vec<Message> {
        let entries = self.0.operation(&operation.into()).expect("they are read");
        let copies = entries.into_iter().filter_map(|entry| match entry {
            JournalEntry::Backup { message, .. } => Some(*message),
            _ => None,
        });
        let mut copies: Vec<Message> = copies.collect();
        copies.sort_by(|a, b| a.id.cmp(&b.id));
        copies.dedup_by(|a, b| a.id == b.id);
        copies
    }
}

/// The journal's thread answers soon, by real time; no other time passes meanwhile.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
        std::thread::yield_now();
    }
}
