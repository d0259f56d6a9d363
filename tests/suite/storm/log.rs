//! What is on record, and whether the order of things is kept: recorded before sent, acknowledged on
//! record before deleted, whole in the journal before dropped, and by a scan nothing at all.

use std::collections::{BTreeMap, BTreeSet};

use redrive::model::id::MessageId;
use redrive::model::message::Message;
use redrive::model::service_error::Outcome;
use redrive::model::time::Timestamp;
use redrive::operation::order::{Answer, JournalEntry, MessageState, Order, OrderId, OrderResult};

use crate::storm::book::Book;
use crate::storm::fault::Faults;
use crate::storm::run::Carries;
use crate::storm::run::witness::{Witness, carried};
use crate::storm::scene::job_of;
use crate::storm::suspicion::{Suspicion, old_id};

/// What the operation at work may do.
#[derive(Debug, Default)]
pub enum Rule {
    #[default]
    Redrive,
    Scan,
    /// Of these.
    Drop(BTreeSet<MessageId>),
    /// Of the copies that carry these jobs.
    Restore(BTreeMap<String, MessageId>),
    /// A try, a rescue or a rerun of these.
    Run(Carries),
}

#[derive(Default)]
pub struct Log {
    pub journal: Vec<JournalEntry>,
    /// The real one, where the story wants it.
    book: Option<Book>,
    rule: Rule,
    /// The last durable word on each message, of the operation at work.
    pub states: BTreeMap<MessageId, MessageState>,
    /// Copies, by whatever operation.
    pub kept: BTreeMap<MessageId, Message>,
    pub suspicion: Suspicion,
    sending: BTreeMap<OrderId, Vec<MessageId>>,
    /// Put back with an end that nobody knows.
    pub unsure: BTreeSet<MessageId>,
    pub breaches: Vec<String>,
    /// Copies that a scan told.
    pub found: Vec<Message>,
    pub witness: Witness,
}

impl Log {
    /// Another operation is at work from now on; what it keeps is kept by the real journal as well.
    pub fn turn(&mut self, rule: Rule) {
        self.rule = rule;
        self.states.clear();
        self.unsure.clear();
        self.suspicion = Suspicion::default();
        self.book.get_or_insert_with(Book::new);
    }

    /// The real journal of an operation that [`turn`](Log::turn) began.
    pub fn book(&self) -> &Book {
        self.book.as_ref().expect("its turn has come")
    }

    pub fn keep(&mut self, entries: Vec<JournalEntry>) {
        if let Some(book) = &self.book {
            book.keep(entries.clone());
        }
        for entry in entries {
            match &entry {
                JournalEntry::Message { id, state, .. } => drop(self.states.insert(id.clone(), state.clone())),
                JournalEntry::Backup { message, .. } => {
                    self.kept.insert(message.id.clone(), (**message).clone());
                }
                _ => {}
            }
            self.journal.push(entry);
        }
    }

    pub fn ordered(&mut self, now: Timestamp, id: OrderId, order: &Order) {
        if let (Rule::Restore(ids), Order::Send { entries, .. }) = (&self.rule, order) {
            let known = entries.iter().filter_map(|entry| ids.get(&job_of(&entry.body)).cloned());
            self.sending.insert(id, known.collect());
        }
        self.suspicion.ordered(now, id, order);
        self.witness.ordered(now, id, order);
    }

    pub fn answered(&mut self, now: Timestamp, id: OrderId, result: &OrderResult) {
        let sent = self.sending.remove(&id).unwrap_or_default();
        if !matches!(result, Outcome::Done(Answer::Sent(_)) | Outcome::Refused(_)) {
            self.unsure.extend(sent);
        }
        self.suspicion.answered(now, id, result);
        self.witness.answered(now, id, result);
    }

    /// An order of a living process reaches its queue.
    pub fn arrives(&mut self, order: &Order, faults: &Faults) {
        let mut wrong = Vec::new();
        match (&self.rule, order) {
            (_, Order::Receive { max, visibility_s, .. }) if *max > 10 || *visibility_s > 60 => {
                wrong.push(format!("a receive of {max} for {visibility_s} s"));
            }
            (Rule::Redrive, Order::Send { entries, .. }) => {
                let unknown = entries.iter().filter_map(old_id).filter(|id| !self.is_recorded(id));
                wrong.extend(unknown.map(|id| format!("{id} sent, but not on record as about to be")));
            }
            // Where the journal fails, what is at its destination is deleted all the same.
            (Rule::Redrive, Order::Delete { entries, .. }) if faults.journal == 0 => {
                let early = |id: &MessageId| self.is_recorded(id) || !self.states.contains_key(id);
                let early = entries.iter().filter(|lease| early(&lease.id));
                wrong.extend(early.map(|lease| format!("{} deleted before its ack was kept", lease.id)));
            }
            (Rule::Drop(chosen), Order::Delete { entries, .. }) => {
                let uncopied = entries.iter().filter(|lease| !self.kept.contains_key(&lease.id));
                wrong.extend(uncopied.map(|lease| format!("{} deleted before its copy was kept", lease.id)));
                let others = entries.iter().filter(|lease| !chosen.contains(&lease.id));
                wrong.extend(others.map(|lease| format!("{} deleted, and was not chosen", lease.id)));
            }
            (Rule::Restore(ids), Order::Send { entries, .. }) => {
                let jobs = entries.iter().map(|entry| job_of(&entry.body));
                let unknown = jobs.filter(|job| !ids.get(job).is_some_and(|id| self.is_recorded(id)));
                wrong.extend(unknown.map(|job| format!("{job} put back, but not on record as about to be")));
            }
            (Rule::Run(all), Order::Invoke { payload, .. }) => wrong.extend(self.of_invoke(all, payload)),
            (Rule::Run(all), Order::Delete { entries, .. }) => {
                let through = |id: &MessageId| all.get(id).is_some_and(|carried| self.witness.came_through(carried));
                let early = entries.iter().filter(|lease| !through(&lease.id));
                wrong.extend(early.map(|lease| format!("{} deleted, and did not come through", lease.id)));
            }
            (Rule::Scan | Rule::Drop(_) | Rule::Run(_), Order::Send { .. })
            | (Rule::Scan, Order::Delete { .. })
            | (Rule::Restore(_), Order::Receive { .. } | Order::Delete { .. }) => {
                wrong.push(format!("not its business: {order:?}"));
            }
            _ => {}
        }
        self.breaches.extend(wrong);
    }

    /// What is run was asked for, is on record as about to be, and was not run to its end before.
    fn of_invoke(&self, all: &Carries, payload: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for name in carried(payload) {
            let Some((id, carries)) = all.iter().find(|(_, carries)| carries.contains(&name)) else {
                wrong.push(format!("{name} is run, and was not asked for"));
                continue;
            };
            if !self.journal.iter().any(|entry| is_about_to_run(entry, id)) {
                wrong.push(format!("{id} is run, and not on record as about to be"));
            }
            let state = self.states.get(id);
            let over = matches!(state, Some(MessageState::Deleted { .. } | MessageState::Doubted | MessageState::Ran));
            if over || self.witness.came_through_now(carries) {
                wrong.push(format!("{id} is run again, and came through before: {state:?}"));
            }
            // Both bodies of an edited one.
            let edited = |entry: &JournalEntry| matches!(entry, JournalEntry::Edited { id: of, .. } if of == id);
            if self.journal.iter().any(edited) && !self.kept.contains_key(id) {
                wrong.push(format!("{id} is run with another body, and its own is not in the journal"));
            }
        }
        wrong
    }

    fn is_recorded(&self, id: &MessageId) -> bool {
        matches!(self.states.get(id), Some(MessageState::Recorded { .. }))
    }

    /// The process died; what was under way is known by the last durable word.
    pub fn died(&mut self) {
        self.sending.clear();
        let recorded = self.states.iter().filter(|(_, state)| matches!(state, MessageState::Recorded { .. }));
        self.unsure.extend(recorded.map(|(id, _)| id.clone()));
        self.suspicion.died(&self.states);
    }
}

fn is_about_to_run(entry: &JournalEntry, of: &MessageId) -> bool {
    match entry {
        JournalEntry::Noted { text, .. } => text.starts_with("invoking") && text.contains(of.as_str()),
        JournalEntry::Message { id, state: MessageState::Running { .. }, .. } => id == of,
        _ => false,
    }
}
