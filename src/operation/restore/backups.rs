//! Which of the copies that an operation kept may be put back: of a drop those of what it deleted, and of
//! any what no restore has put back yet. A copy put back twice is a message twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::MessageId;
use crate::model::message::Message;
use crate::model::plan::Plan;
use crate::operation::order::{JournalEntry, MessageState};
use crate::operation::record::Record;

/// Each message once, the newest copy of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Backups {
    /// To be put back.
    pub messages: Vec<Message>,
    /// A restore put them back before.
    pub back: BTreeSet<MessageId>,
    /// A restore sent them, and its end is not known: they may be back.
    pub perhaps: BTreeSet<MessageId>,
    /// Copied by a drop that did not delete them, as far as is known: they may be in their queue still.
    pub standing: BTreeSet<MessageId>,
}

impl Backups {
    /// From all entries of the operation that kept them, and the restores of its copies.
    pub fn of(entries: Vec<JournalEntry>, restores: &[Record]) -> Self {
        let mut backups = Backups::default();
        for (id, state) in restores.iter().flat_map(|restore| &restore.states) {
            match state {
                MessageState::Acknowledged { .. } => drop(backups.back.insert(id.clone())),
                MessageState::Recorded { .. } | MessageState::PossibleDuplicate { .. } => {
                    backups.perhaps.insert(id.clone());
                }
                _ => {}
            }
        }
        backups.perhaps.retain(|id| !backups.back.contains(id));
        let dropped = Record::read(&entries).filter(|record| matches!(record.plan, Plan::Drop(_)));
        for (id, message) in copies(entries) {
            let deleted = |record: &Record| {
                matches!(record.states.get(&id), Some(MessageState::Dropped { .. })) && !record.doubted.contains(&id)
            };
            if dropped.as_ref().is_some_and(|record| !deleted(record)) {
                backups.standing.insert(id);
            } else if !backups.back.contains(&id) && !backups.perhaps.contains(&id) {
                backups.messages.push(message);
            }
        }
        backups
    }
}

/// Every copy that is kept. Kept twice, when a lease ran out in between, the newer one.
pub fn copies(entries: Vec<JournalEntry>) -> BTreeMap<MessageId, Message> {
    let kept = entries.into_iter().filter_map(|entry| match entry {
        JournalEntry::Backup { message, .. } => Some((message.id.clone(), *message)),
        _ => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::OperationId;
    use crate::model::message::{Attributes, SystemAttributes};
    use crate::model::plan::{DropPlan, RestorePlan};
    use crate::model::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_s(1_767_236_000);

    fn began(id: &str, plan: Plan) -> JournalEntry {
        let (who, account, region) = ("who".to_owned(), "1".to_owned(), "r".to_owned());
        JournalEntry::Began { operation: OperationId::from(id), at: NOW, plan: Box::new(plan), who, account, region }
    }

    fn state(operation: &str, id: &str, state: MessageState) -> JournalEntry {
        JournalEntry::Message { operation: operation.into(), at: NOW, id: id.into(), state }
    }

    fn kept(id: &str, body: &str) -> JournalEntry {
        let message = Message {
            id: id.into(),
            receipt: "".into(),
            body: body.to_owned(),
            attributes: Attributes::new(),
            system: SystemAttributes::default(),
        };
        JournalEntry::Backup {
            operation: "op-1".into(),
            at: NOW,
            queue: "https://q/1/dlq".into(),
            message: Box::new(message),
        }
    }

    fn dropped() -> Vec<JournalEntry> {
        let ids = ["a", "b", "c", "d"].map(MessageId::from).to_vec();
        let mut entries =
            vec![began("op-1", Plan::Drop(DropPlan { from: "https://q/1/dlq".into(), ids, reason: None }))];
        for id in ["a", "b", "c", "d"] {
            entries.push(kept(id, id));
        }
        entries.push(kept("a", "anew"));
        entries.extend(["a", "b", "c"].map(|id| state("op-1", id, MessageState::DROPPED)));
        entries.push(state("op-1", "d", MessageState::Failed { why: "refused".to_owned() }));
        entries
    }

    fn restore(states: Vec<(&str, MessageState)>) -> Record {
        let plan = RestorePlan {
            messages: Vec::new(),
            source: RestorePlan::copies_of(&"op-1".into()),
            file: None,
            max_message_bytes: 1_000,
            reason: None,
        };
        let mut entries = vec![began("op-2", Plan::Restore(plan))];
        entries.extend(states.into_iter().map(|(id, what)| state("op-2", id, what)));
        Record::read(&entries).expect("it began")
    }

    fn ids(ids: &BTreeSet<MessageId>) -> Vec<&str> {
        ids.iter().map(MessageId::as_str).collect()
    }

    #[test]
    fn what_was_deleted_is_put_back_each_once_and_what_still_stands_is_not() {
        let backups = Backups::of(dropped(), &[]);
        let bodies: Vec<&str> = backups.messages.iter().map(|message| message.body.as_str()).collect();
        assert_eq!(bodies, ["anew", "b", "c"]);
        assert_eq!(ids(&backups.standing), ["d"]);
    }

    #[test]
    fn what_a_restore_put_back_is_left_out_and_what_it_may_have_is_named() {
        let recorded =
            MessageState::Recorded { to: "https://q/1/dlq".into(), sha256: String::new(), attributes: String::new() };
        let acknowledged = || MessageState::Acknowledged { new_id: "new".into() };
        let first = restore(vec![("a", acknowledged()), ("b", recorded.clone())]);
        let backups = Backups::of(dropped(), std::slice::from_ref(&first));
        assert_eq!(backups.messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["c"]);
        assert_eq!((ids(&backups.back), ids(&backups.perhaps)), (vec!["a"], vec!["b"]));
        let second = restore(vec![("b", acknowledged()), ("c", MessageState::NotSent { why: "refused".to_owned() })]);
        let backups = Backups::of(dropped(), &[first, second]);
        assert_eq!((ids(&backups.back), ids(&backups.perhaps)), (vec!["a", "b"], vec![]), "a certain end outweighs");
        assert_eq!(backups.messages.len(), 1, "refused: it may go now");
    }
}
