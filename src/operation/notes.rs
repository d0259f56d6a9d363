//! What became of messages, until the journal has it. A note goes with whatever is written next; one whose
//! write failed is kept, and goes with the next again, unless a later word on its message was written or
//! is on its way: the last word counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::operation::order::{JournalEntry, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;

#[derive(Debug, Default)]
pub(in crate::operation) struct Notes {
    fresh: Vec<JournalEntry>,
    /// The journal did not take them.
    unwritten: Vec<JournalEntry>,
    writing: BTreeMap<OrderId, Write>,
}

#[derive(Debug)]
struct Write {
    notes: Vec<JournalEntry>,
    /// All messages it has a word on.
    about: BTreeSet<MessageId>,
}

impl Notes {
    pub(in crate::operation) fn add(&mut self, note: JournalEntry) {
        self.fresh.push(note);
    }

    /// Nothing new is to be written. What the journal refused alone does not ask for a write.
    pub(in crate::operation) fn is_empty(&self) -> bool {
        self.fresh.is_empty()
    }

    /// All that was noted, then `entries`, in one write; none where there is nothing.
    pub(in crate::operation) fn write<P>(
        &mut self,
        entries: Vec<JournalEntry>,
        purpose: P,
        outbox: &mut Outbox<P>,
    ) -> bool {
        let mut lines = std::mem::take(&mut self.unwritten);
        lines.append(&mut self.fresh);
        let notes = lines.clone();
        lines.extend(entries);
        if lines.is_empty() {
            return false;
        }
        let about = lines.iter().filter_map(subject).cloned().collect();
        let id = outbox.give(Order::Record(lines), purpose);
        self.writing.insert(id, Write { notes, about });
        true
    }

    /// The result of any order; those that were no write of notes mean nothing here.
    pub(in crate::operation) fn heard(&mut self, id: OrderId, result: &OrderResult) {
        let Some(write) = self.writing.remove(&id) else { return };
        if matches!(result, Outcome::Done(_)) {
            let said = |note: &JournalEntry| subject(note).is_some_and(|id| write.about.contains(id));
            self.unwritten.retain(|note| !said(note));
            self.writing.range_mut(..id).for_each(|(_, older)| older.notes.retain(|note| !said(note)));
            return;
        }
        let later: Vec<&BTreeSet<MessageId>> = self.writing.range(id..).map(|(_, write)| &write.about).collect();
        let fresh: BTreeSet<&MessageId> = self.fresh.iter().filter_map(subject).collect();
        let overtaken = |id: &MessageId| fresh.contains(id) || later.iter().any(|about| about.contains(id));
        let kept = write.notes.into_iter().filter(|note| !subject(note).is_some_and(overtaken));
        self.unwritten.extend(kept);
    }
}

fn subject(entry: &JournalEntry) -> Option<&MessageId> {
    match entry {
        JournalEntry::Message { id, .. } => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::service_error::ServiceError;
    use crate::operation::order::{Answer, MessageState};
    use crate::operation::soak::{START, owner};

    fn note(id: &str, state: MessageState) -> JournalEntry {
        owner().message(START, id.into(), state)
    }

    fn full() -> OrderResult {
        Outcome::Refused(ServiceError::new("journal", "Full", "full"))
    }

    /// The order given and the lines it is to write.
    fn given(outbox: &mut Outbox<()>) -> (OrderId, Vec<JournalEntry>) {
        let Some((id, Order::Record(lines))) = outbox.take() else { panic!("nothing is to be written") };
        (id, lines)
    }

    #[test]
    fn what_the_journal_did_not_take_goes_with_the_next_write() {
        let (mut notes, mut outbox) = (Notes::default(), Outbox::new());
        let (one, two) = (note("m-1", MessageState::Gone), note("m-2", MessageState::Gone));
        notes.add(one.clone());
        assert!(notes.write(vec![owner().noted(START, "with it")], (), &mut outbox));
        let (id, lines) = given(&mut outbox);
        assert_eq!(lines, [one.clone(), owner().noted(START, "with it")]);
        notes.heard(id, &full());
        assert!(notes.is_empty(), "it is not asked for by itself: a journal that is full would be written for ever");
        notes.add(two.clone());
        assert!(notes.write(Vec::new(), (), &mut outbox));
        let (id, lines) = given(&mut outbox);
        assert_eq!(lines, [one, two], "what was to go with it is not its business");
        notes.heard(id, &Outcome::Done(Answer::Recorded));
        assert!(!notes.write(Vec::new(), (), &mut outbox), "all is written");
    }

    #[test]
    fn a_later_word_is_not_overtaken_by_an_earlier_one() {
        let later = || note("m-1", MessageState::Gone);
        for late in ["fresh", "on its way", "written before the failure is heard of", "written after it"] {
            let (mut notes, mut outbox) = (Notes::default(), Outbox::new());
            notes.add(note("m-1", MessageState::Doubted));
            notes.write(Vec::new(), (), &mut outbox);
            let (first, _) = given(&mut outbox);
            notes.add(later());
            let done = Outcome::Done(Answer::Recorded);
            let mut rest = vec![later()];
            if late != "fresh" {
                notes.write(Vec::new(), (), &mut outbox);
                let (second, _) = given(&mut outbox);
                if late == "written before the failure is heard of" {
                    notes.heard(second, &done);
                    notes.heard(first, &full());
                } else {
                    notes.heard(first, &full());
                    let result = if late == "on its way" { full() } else { done };
                    notes.heard(second, &result);
                }
                if late != "on its way" {
                    rest.clear();
                }
            } else {
                notes.heard(first, &full());
            }
            notes.write(Vec::new(), (), &mut outbox);
            let lines = outbox.take().map(|(_, order)| order);
            assert_eq!(lines, (!rest.is_empty()).then_some(Order::Record(rest)), "{late}");
        }
    }
}
