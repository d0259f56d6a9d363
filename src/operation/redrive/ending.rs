//! How messages, and the redrive as a whole, come to their end: what goes back, what is put on record.

use crate::model::id::MessageId;
use crate::model::time::Timestamp;
use crate::operation::order::{JournalEntry, MessageState};
use crate::operation::progress::{Cause, Report};
use crate::operation::redrive::ledger::{Fate, Stage};
use crate::operation::redrive::{Ending, Mode, Purpose, Redrive, SEARCH_MOST_MS};
use crate::operation::returns::Held;
use crate::operation::sweep::End;

impl Redrive {
    pub(super) fn over(&mut self, id: &MessageId, fate: Fate, why: String) {
        let state = match fate {
            Fate::Failed => Some(MessageState::Failed { why: why.clone() }),
            Fate::Skipped => Some(MessageState::Skipped { why: why.clone() }),
            Fate::Gone => Some(MessageState::Gone),
            Fate::Moved | Fate::Returned => None,
        };
        if let Some(state) = state {
            self.note(id, state);
        }
        if matches!(fate, Fate::Failed | Fate::Skipped) {
            self.ledger.faults.push((id.clone(), why));
        }
        self.ledger.set_stage(id, Stage::Over(fate));
        self.told = false;
    }

    pub(super) fn duplicate(&mut self, id: &MessageId, why: &str) {
        self.ledger.duplicates.entry(id.clone()).or_insert_with(|| why.to_owned());
    }

    pub(super) fn note(&mut self, id: &MessageId, state: MessageState) {
        let entry = self.owner.message(self.now, id.clone(), state);
        self.notes.add(entry);
    }

    /// Has entries recorded, after all that was noted before: the last state of a message counts.
    pub(super) fn record(&mut self, entries: Vec<JournalEntry>, purpose: Purpose) {
        self.notes.write(entries, purpose, &mut self.outbox);
    }

    /// Something that stops everything: nothing more is received or sent.
    pub(super) fn stop(&mut self, cause: Cause, problem: String) {
        if self.problem.is_none() {
            self.problem = Some(problem);
            self.cause = Some(cause);
        }
        self.end(Ending::Stopped);
    }

    pub(super) fn end(&mut self, ending: Ending) {
        if matches!(self.mode, Mode::Ending(_) | Mode::Finished) {
            return;
        }
        self.mode = Mode::Ending(ending);
        self.told = false;
        self.sweep.stop();
        self.climb.stop();
        self.let_waiting_go();
        for id in self.ledger.ids_in(Stage::Wanted) {
            self.ledger.set_stage(&id, Stage::Over(Fate::Returned));
        }
    }

    /// What was not put in a batch goes back to its queue and, while paused, to the search.
    pub(super) fn let_waiting_go(&mut self) {
        let waiting: Vec<MessageId> =
            self.destinations.values_mut().flat_map(|destination| destination.waiting.drain(..)).collect();
        for id in waiting {
            self.release(&id);
        }
        self.sweep.flush();
    }

    pub(super) fn release(&mut self, id: &MessageId) {
        if let Some(held) = self.ledger.let_go(id) {
            self.give_back(held);
        }
        self.want_again(id);
    }

    pub(super) fn give_back(&mut self, held: Held) {
        self.sweep.give_back(held);
        if self.mode == Mode::Paused {
            self.sweep.flush();
        }
    }

    /// Nothing is on its way and the search is over: says what became of what was not found. True
    /// when that ended the redrive.
    pub(super) fn conclude(&mut self) -> bool {
        if !matches!(self.mode, Mode::Running) || self.ledger.active() > 0 {
            return false;
        }
        let Some(end) = self.sweep.end().cloned() else { return false };
        for id in self.ledger.ids_in(Stage::Wanted) {
            match &end {
                End::Empty { hidden: false } | End::Found => self.over(&id, Fate::Gone, String::new()),
                End::Empty { hidden: true } => {
                    let why = format!("not found: {}", self.sweep.blocked_by());
                    self.over(&id, Fate::Failed, why);
                }
                End::Budget => {
                    let why = format!("not found within {} min; it may still be there", SEARCH_MOST_MS / 60_000);
                    self.over(&id, Fate::Failed, why);
                }
                End::Refused(..) | End::Stopped => self.ledger.set_stage(&id, Stage::Over(Fate::Returned)),
            }
        }
        self.settle_checked();
        self.settle_doubted(&end);
        if let End::Refused(cause, why) = end {
            self.stop(cause, why);
        } else {
            self.end(Ending::Complete);
        }
        true
    }

    /// Looked for once more, and not found: it is gone from the source, by our delete or, where that is
    /// not certain, perhaps by somebody else's hand.
    fn settle_checked(&mut self) {
        for id in self.ledger.ids_in(Stage::Checking) {
            if self.ledger.get(&id).is_some_and(|entry| entry.lapsed) {
                self.duplicate(&id, "its lease had run out before it was certainly deleted");
            }
            self.ledger.set_stage(&id, Stage::Over(Fate::Moved));
        }
    }

    /// All is given back and answered: the last line of the journal.
    pub(super) fn close(&mut self, now: Timestamp) {
        let Mode::Ending(ending) = self.mode else { return };
        if self.report.is_some()
            || self.ledger.active() > 0
            || !self.sweep.is_idle()
            || !self.climb.is_idle()
            || !self.outbox.is_idle()
            || !self.notes.is_empty()
        {
            return;
        }
        self.settle_checked();
        let doubted = self.name_doubted(ending);
        if !self.notes.is_empty() {
            return self.record(Vec::new(), Purpose::Noted);
        }
        let report = Report::Redrive(self.redrive_report());
        let open = ending == Ending::Left && (doubted || self.ledger.in_stage(Stage::Over(Fate::Returned)) > 0);
        let last = if open {
            self.owner.noted(now, format!("left: {}", report.line()))
        } else {
            self.owner.ended(now, &report)
        };
        self.report = Some(report);
        self.record(vec![last], Purpose::Ended);
    }
}
