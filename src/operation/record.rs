//! An operation as the journal tells it afterwards: what is certain about each message, who holds it,
//! and what a resume would do. Read from the entries in the order they were written; it asks nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{MessageId, OperationId};
use crate::model::message::Message;
use crate::model::plan::{Plan, RestorePlan};
use crate::model::time::Timestamp;
use crate::operation::deletes::Deletes;
use crate::operation::order::{EndState, JournalEntry, MessageState, Pace};
use crate::operation::progress::grouped;
use crate::operation::{redrive, rerun};

/// Who carries an operation out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Holder {
    /// No owner was ever written down.
    #[default]
    Nobody,
    Us,
    /// A process that lives, or may: it is not taken over from.
    Other {
        who: String,
    },
    Dead {
        who: String,
        why: String,
    },
}

impl Holder {
    /// `laptop, pid 4711`
    pub fn name(&self) -> Option<String> {
        match self {
            Holder::Nobody => None,
            Holder::Us => Some("this process".to_owned()),
            Holder::Other { who } | Holder::Dead { who, .. } => Some(who.clone()),
        }
    }

    pub fn is_alive(&self) -> bool {
        matches!(self, Holder::Us | Holder::Other { .. })
    }
}

/// All that the journal keeps of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub operation: OperationId,
    pub began_at: Timestamp,
    pub who: String,
    pub account: String,
    pub region: String,
    pub plan: Plan,
    pub end: Option<(Timestamp, EndState)>,
    /// What came of it, or the newest note.
    pub summary: String,
    pub notes: Vec<(Timestamp, String)>,
    /// Of a redrive: how fast it went last, where that is not what its plan says.
    pub pace: Option<Pace>,
    /// The last recorded state of each message.
    pub states: BTreeMap<MessageId, MessageState>,
    /// Deleted, as far as was answered, while a receive was out whose answer is not on record: the delete
    /// may not have taken.
    pub doubted: BTreeSet<MessageId>,
    /// The ids messages got where they were sent.
    pub sent_as: BTreeMap<MessageId, MessageId>,
    /// The bodies messages were to be sent with instead of their own, while they are kept.
    pub edits: BTreeMap<MessageId, String>,
    /// Messages whose whole copy was kept by it.
    pub kept: BTreeSet<MessageId>,
    /// Of a restore: the copies it sends, as far as they are still there.
    pub copies: Vec<Message>,
    /// Why copies are not there any more, where it is known.
    pub copies_lost: Option<String>,
}

impl Record {
    /// From the entries of one operation, oldest first; `None` without its first line.
    pub fn read(entries: &[JournalEntry]) -> Option<Self> {
        let mut record = None;
        let mut deletes = Deletes::default();
        for entry in entries {
            if let JournalEntry::Began { operation, at, plan, who, account, region } = entry {
                record.get_or_insert_with(|| Record {
                    operation: operation.clone(),
                    began_at: *at,
                    who: who.clone(),
                    account: account.clone(),
                    region: region.clone(),
                    plan: (**plan).clone(),
                    end: None,
                    summary: String::new(),
                    notes: Vec::new(),
                    pace: None,
                    states: BTreeMap::new(),
                    doubted: BTreeSet::new(),
                    sent_as: BTreeMap::new(),
                    edits: BTreeMap::new(),
                    kept: BTreeSet::new(),
                    copies: Vec::new(),
                    copies_lost: None,
                });
            }
            let Some(record) = record.as_mut() else { continue };
            match entry {
                JournalEntry::Message { id, state, at, .. } => {
                    deletes.note(*at, id, state);
                    if let MessageState::Acknowledged { new_id } = state {
                        record.sent_as.insert(id.clone(), new_id.clone());
                    }
                    record.states.insert(id.clone(), state.clone());
                }
                JournalEntry::Noted { at, text, pace, .. } => {
                    record.pace = redrive::pace_after(record.pace, text, *pace);
                    record.summary.clone_from(text);
                    record.notes.push((*at, text.clone()));
                }
                JournalEntry::Ended { at, state, summary, .. } => {
                    record.end = Some((*at, *state));
                    record.summary.clone_from(summary);
                }
                JournalEntry::Edited { id, body, .. } => drop(record.edits.insert(id.clone(), body.clone())),
                JournalEntry::Backup { message, .. } => drop(record.kept.insert(message.id.clone())),
                JournalEntry::Began { .. } => {}
            }
        }
        if let Some(record) = &mut record {
            record.doubted = deletes.doubted();
        }
        record
    }

    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// The row it was confirmed by, for [`Confirmed::recorded`](crate::operation::confirm::Confirmed).
    pub fn began(&self) -> JournalEntry {
        JournalEntry::Began {
            operation: self.operation.clone(),
            at: self.began_at,
            plan: Box::new(self.plan.clone()),
            who: self.who.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
        }
    }

    /// `Redrive 3 from JobDLQ`
    pub fn title(&self) -> String {
        title(&self.plan)
    }

    /// What a card calls the thing this is about: a queue's name, a mapping's id.
    pub fn plan_subject(&self) -> String {
        match &self.plan {
            Plan::Scan(plan) => plan.queue.name().to_string(),
            Plan::Redrive(plan) => plan.from.name().to_string(),
            Plan::MoveAll(plan) => plan.from.name().to_string(),
            Plan::Trial(plan) => plan.from.name().to_string(),
            Plan::Rescue(plan) => plan.from.name().to_string(),
            Plan::Rerun(plan) => plan.bucket.clone(),
            Plan::Drop(plan) => plan.from.name().to_string(),
            Plan::Restore(plan) => plan.source.clone(),
            Plan::Note(plan) => plan.queue.to_string(),
            Plan::Retune(plan) => plan.mapping.to_string(),
        }
    }

    /// Messages that may exist twice, by what is on record: recorded and not acknowledged, or named so.
    pub fn unsure(&self) -> BTreeSet<&MessageId> {
        let unsure = |state: &MessageState| {
            matches!(
                state,
                MessageState::Recorded { .. }
                    | MessageState::Running { .. }
                    | MessageState::PossibleDuplicate { .. }
                    | MessageState::Duplicate { .. }
            )
        };
        self.states.iter().filter(|(_, state)| unsure(state)).map(|(id, _)| id).collect()
    }

    /// Messages that were sent, or may have been.
    pub fn sent(&self) -> u64 {
        let known = self.sent_as.len() as u64;
        known + self.unsure().iter().filter(|id| !self.sent_as.contains_key(**id)).count() as u64
    }

    /// What is certain, one thing a line, before anything is resumed.
    pub fn certain(&self) -> Vec<String> {
        let Plan::Redrive(plan) = &self.plan else { return self.certain_of_others() };
        let mut counts = [0_u64; 4];
        for state in self.states.values() {
            match state {
                MessageState::Deleted { .. }
                | MessageState::Doubted
                | MessageState::Dropped { .. }
                | MessageState::Ran => {
                    counts[0] += 1;
                }
                MessageState::Acknowledged { .. } => counts[1] += 1,
                MessageState::Failed { .. } | MessageState::Skipped { .. } | MessageState::Gone => counts[2] += 1,
                MessageState::NotSent { .. }
                | MessageState::Recorded { .. }
                | MessageState::Running { .. }
                | MessageState::PossibleDuplicate { .. }
                | MessageState::Duplicate { .. } => {}
            }
        }
        let unsure = self.unsure();
        let ids = plan.ids.len() as u64;
        let untried = ids.saturating_sub(counts.iter().sum::<u64>() + unsure.len() as u64);
        let mut lines =
            vec![format!("{} of {} moved: sent, acknowledged and deleted", grouped(counts[0]), grouped(ids))];
        for (count, what) in [
            (self.doubted.len() as u64, "of them deleted while a receive had no answer: looked for once more"),
            (
                counts[1],
                "acknowledged by their destination, their delete not certain: looked for, and deleted if there",
            ),
            (counts[2], "failed, set aside or gone before: left as they are"),
            (untried, "not sent: moved now"),
        ] {
            if count > 0 {
                lines.push(format!("{} {what}", grouped(count)));
            }
        }
        if unsure.is_empty() && self.doubted.is_empty() {
            lines.push("none of them can exist twice".to_owned());
        } else if !unsure.is_empty() {
            lines.push(format!("{} may exist twice and are not sent again:", grouped(unsure.len() as u64)));
            lines.extend(unsure.iter().map(|id| format!("  {id}")));
        }
        lines
    }

    fn certain_of_others(&self) -> Vec<String> {
        let line = match &self.plan {
            Plan::Scan(_) => {
                "a scan keeps nothing: what it held shows again by itself within a minute; the operation is closed"
            }
            Plan::Trial(_) => "the function may have run, with its effects: look at its queue and begin anew",
            Plan::Note(_) => "a note is written at once: nothing is left to do",
            Plan::Drop(plan) => return self.certain_of_drop(plan.ids.len() as u64),
            Plan::Restore(plan) => return self.certain_of_restore(plan.messages.len() as u64),
            Plan::Rescue(plan) => return self.certain_of_rescue(plan.ids.len() as u64),
            Plan::Rerun(plan) => return rerun::certain(plan, self),
            Plan::MoveAll(_) => {
                "the move task runs in AWS or has ended there: it is looked for, and followed to its end"
            }
            Plan::Retune(plan) if plan.revert_after_s.is_some() => {
                "the mapping is read: a change still in force is put back, at once when its time is over"
            }
            Plan::Retune(_) => {
                "the mapping is read: what it says now decides whether the change is still to be written"
            }
            Plan::Redrive(_) => return self.certain(),
        };
        vec![line.to_owned()]
    }

    fn count(&self, what: impl Fn(&MessageState) -> bool) -> u64 {
        self.states.values().filter(|state| what(state)).count() as u64
    }

    fn certain_of_drop(&self, asked: u64) -> Vec<String> {
        let dropped = self
            .states
            .iter()
            .filter(|(id, state)| matches!(state, MessageState::Dropped { .. }) && !self.doubted.contains(*id));
        let dropped = dropped.count() as u64;
        let over = self.count(|state| matches!(state, MessageState::Failed { .. } | MessageState::Gone));
        let mut lines = vec![format!("{} of {} dropped, each with its copy here", grouped(dropped), grouped(asked))];
        if over > 0 {
            lines.push(format!("{} failed or were gone before: left as they are", grouped(over)));
        }
        lines.push(format!("{} are looked for and dropped now", grouped(asked.saturating_sub(dropped + over))));
        lines
    }

    fn certain_of_restore(&self, asked: u64) -> Vec<String> {
        let back = self.count(|state| matches!(state, MessageState::Acknowledged { .. }));
        let failed = self.count(|state| matches!(state, MessageState::Failed { .. }));
        let unsure: Vec<&MessageId> = self.unsure().into_iter().collect();
        let left = asked.saturating_sub(back + failed + unsure.len() as u64);
        let copies = self
            .copies
            .iter()
            .filter(|copy| matches!(self.states.get(&copy.id), None | Some(MessageState::NotSent { .. })));
        let here = (copies.count() as u64).min(left);
        let place = match &self.plan {
            Plan::Restore(RestorePlan { file: Some(file), .. }) => file.path.as_str(),
            _ => "the journal",
        };
        let mut lines = vec![
            format!("{} of {} are back", grouped(back), grouped(asked)),
            format!("{} have their copy in {place}: sent now", grouped(here)),
        ];
        if left > here {
            let why = self.copies_lost.clone().unwrap_or_else(|| "put them back from the file they are in".to_owned());
            lines.push(format!("{} have none there and are not sent: {why}", grouped(left - here)));
        }
        if !unsure.is_empty() {
            lines.push(format!("{} may be back and are not sent again:", grouped(unsure.len() as u64)));
            lines.extend(unsure.iter().map(|id| format!("  {id}")));
        }
        lines
    }

    fn certain_of_rescue(&self, asked: u64) -> Vec<String> {
        let done = self.count(|state| matches!(state, MessageState::Deleted { .. } | MessageState::Doubted));
        let doubted = self.doubted.len() as u64;
        let again = format!("{} of them deleted when their lease was over: looked for once more", grouped(doubted));
        let mut lines = vec![format!("{} of {} pointers rescued and deleted", grouped(done), grouped(asked))];
        lines.extend((doubted > 0).then_some(again));
        lines.push(format!("{} are looked for and rescued now", grouped(asked.saturating_sub(done))));
        lines.push("records of the pointer it was cut off at may have run: they run again".to_owned());
        lines
    }
}

/// `Redrive 3 from JobDLQ`
pub fn title(plan: &Plan) -> String {
    match plan {
        Plan::Scan(plan) => format!("Scan {}", plan.queue.name()),
        Plan::Redrive(plan) => format!("Redrive {} from {}", grouped(plan.ids.len() as u64), plan.from.name()),
        Plan::MoveAll(plan) => format!("Move everything in {}", plan.from.name()),
        Plan::Drop(plan) => format!("Drop {} from {}", grouped(plan.ids.len() as u64), plan.from.name()),
        Plan::Note(plan) => format!("Note on {} in {}", plan.kind, plan.queue),
        Plan::Restore(plan) => format!("Put {} back from {}", plan.messages.len(), plan.source),
        Plan::Rescue(plan) => format!("Rescue {} pointers of {}", grouped(plan.ids.len() as u64), plan.from.name()),
        Plan::Rerun(plan) => rerun::card::title(plan),
        Plan::Trial(plan) => {
            let edited = if plan.edit.is_some() { ", edited," } else { "" };
            format!("Try {} of {}{edited} on {}", plan.id.short(), plan.from.name(), plan.function)
        }
        Plan::Retune(plan) => {
            let what = crate::operation::card::plan_lines(plan);
            format!("Tune {}: {}", plan.mapping, what.join(", "))
        }
    }
}

/// How many messages of an operation stand where, each by its last state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub moved: u64,
    pub failed: u64,
    pub open: u64,
}

impl Tally {
    /// `state` is a [`MessageState`]'s name.
    pub fn count(&mut self, state: &str, n: u64) {
        match state {
            "deleted" | "doubted" | "dropped" | "ran" => self.moved += n,
            "recorded" | "not-sent" | "acknowledged" | "running" => self.open += n,
            _ => self.failed += n,
        }
    }
}

/// The journal in outline: every line that is not about one message, and the messages counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outline {
    /// In the order they were written.
    pub entries: Vec<JournalEntry>,
    pub tallies: BTreeMap<OperationId, Tally>,
    /// Who holds the operations that have not ended.
    pub holders: BTreeMap<OperationId, Holder>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::RedrivePlan;

    #[test]
    fn what_is_certain_is_said_and_what_is_not_is_named() {
        let ids: Vec<MessageId> = (0..5).map(|n| MessageId::new(format!("m-{n}"))).collect();
        let plan = RedrivePlan::new("https://q/1/dlq".into(), "arn:dlq".into(), ids.clone(), Vec::new());
        let at = Timestamp::from_s(1);
        let began = JournalEntry::Began {
            operation: "op".into(),
            at,
            plan: Box::new(Plan::Redrive(plan)),
            who: "w".to_owned(),
            account: "1".to_owned(),
            region: "r".to_owned(),
        };
        let message = |n: usize, state| JournalEntry::Message { operation: "op".into(), at, id: ids[n].clone(), state };
        let recorded = || MessageState::Recorded { to: "q".into(), sha256: String::new(), attributes: String::new() };
        let acknowledged = || MessageState::Acknowledged { new_id: "new".into() };
        let entries = [
            began.clone(),
            message(0, recorded()),
            message(0, acknowledged()),
            message(0, MessageState::DELETED),
            message(1, recorded()),
            message(1, acknowledged()),
            message(2, recorded()),
        ];
        let record = Record::read(&entries).expect("it began");
        assert!(record.is_open());
        assert_eq!(record.began(), began);
        assert_eq!(
            record.certain(),
            [
                "1 of 5 moved: sent, acknowledged and deleted",
                "1 acknowledged by their destination, their delete not certain: looked for, and deleted if there",
                "2 not sent: moved now",
                "1 may exist twice and are not sent again:",
                "  m-2",
            ]
        );
        assert_eq!(record.sent_as.len(), 2);
        assert_eq!(Record::read(&entries[1..]), None);
    }

    #[test]
    fn what_was_deleted_beside_a_receive_without_an_answer_is_doubted() {
        let ids: Vec<MessageId> = (0..4).map(|n| MessageId::new(format!("m-{n}"))).collect();
        let plan = RedrivePlan::new("https://q/1/dlq".into(), "arn:dlq".into(), ids.clone(), Vec::new());
        let began = JournalEntry::Began {
            operation: "op".into(),
            at: Timestamp::from_s(1),
            plan: Box::new(Plan::Redrive(plan)),
            who: "w".to_owned(),
            account: "1".to_owned(),
            region: "r".to_owned(),
        };
        let deleted = |n: usize, s: i64, beside: Option<i64>| JournalEntry::Message {
            operation: "op".into(),
            at: Timestamp::from_s(s),
            id: ids[n].clone(),
            state: MessageState::Deleted { beside: beside.map(Timestamp::from_s) },
        };
        let doubted = |entries: &[JournalEntry]| {
            let names =
                Record::read(entries).expect("it began").doubted.iter().map(ToString::to_string).collect::<Vec<_>>();
            names.join(" ")
        };
        let mut entries = vec![began, deleted(0, 10, Some(9)), deleted(1, 20, Some(12))];
        assert_eq!(doubted(&entries), "m-1", "the receive of second 9 was answered by second 20");
        entries.push(deleted(2, 21, None));
        assert_eq!(doubted(&entries), "", "none was out any more");
        let state = MessageState::Doubted;
        entries.push(JournalEntry::Message {
            operation: "op".into(),
            at: Timestamp::from_s(22),
            id: ids[0].clone(),
            state,
        });
        entries.push(deleted(3, 30, Some(30)));
        assert_eq!(doubted(&entries), "m-0 m-3");
        let record = Record::read(&entries).expect("it began");
        assert!(
            record.certain().iter().any(|line| line.starts_with("2 of them deleted while")),
            "{:?}",
            record.certain()
        );
        assert!(record.certain().iter().all(|line| !line.starts_with("none of them")), "{:?}", record.certain());
    }
}
