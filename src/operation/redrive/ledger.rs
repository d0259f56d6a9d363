//! Where each message of a redrive stands. Every id asked for is here, once, from the beginning; it
//! only ever moves by the functions below, which keep the tallies and the lease index true.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::MessageId;
use crate::model::message::Message;
use crate::model::time::Timestamp;
use crate::operation::doubts::Doubts;
use crate::operation::returns::{Found, Held};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// To be found in the source queue.
    Wanted,
    /// Held, waiting to be sent.
    Waiting,
    /// In a batch: being recorded, recorded, or being sent.
    Batched,
    /// Acknowledged by the destination; to be deleted from the source.
    Sent,
    /// Deleted by a receipt that may have been void: looked for once more, to be sure.
    Checking,
    Over(Fate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Moved,
    Failed,
    Skipped,
    Gone,
    Returned,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub stage: Stage,
    /// The newest copy received: its receipt is the one that counts. Elsewhere in memory, since a redrive knows
    /// a hundred times more messages than it holds.
    pub found: Option<Box<Found>>,
    /// The lease certainly lasted until now; once false, somebody else may have taken the message.
    pub lapsed: bool,
    pub extending: bool,
    /// A delete is under way: a refusal to extend then only says that it came first.
    pub deleting: bool,
    /// Tries that were refused.
    pub sends: u32,
    pub deletes: u32,
    /// Refused in company: tried alone.
    pub alone: bool,
}

#[derive(Debug)]
pub(super) struct Ledger {
    entries: BTreeMap<MessageId, Entry>,
    tally: BTreeMap<Stage, u64>,
    /// Leases that still last, by when they end.
    leases: BTreeSet<(Timestamp, MessageId)>,
    bytes: usize,
    /// Whose receipt may be void.
    pub doubts: Doubts,
    pub duplicates: BTreeMap<MessageId, String>,
    pub faults: Vec<(MessageId, String)>,
}

impl Ledger {
    pub(super) fn new(ids: impl Iterator<Item = MessageId>) -> Self {
        let entry = |id| {
            let entry = Entry {
                stage: Stage::Wanted,
                found: None,
                lapsed: false,
                extending: false,
                deleting: false,
                sends: 0,
                deletes: 0,
                alone: false,
            };
            (id, entry)
        };
        let entries: BTreeMap<MessageId, Entry> = ids.map(entry).collect();
        Ledger {
            tally: BTreeMap::from([(Stage::Wanted, entries.len() as u64)]),
            entries,
            leases: BTreeSet::new(),
            bytes: 0,
            doubts: Doubts::default(),
            duplicates: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(super) fn stage(&self, id: &MessageId) -> Option<Stage> {
        self.entries.get(id).map(|entry| entry.stage)
    }

    pub(super) fn get(&self, id: &MessageId) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &MessageId) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    pub(super) fn message(&self, id: &MessageId) -> Option<&Message> {
        self.entries.get(id).and_then(|entry| entry.found.as_ref()).map(|found| &found.message)
    }

    /// A receive that was ordered at `asked_at` is given up at `now`. Answers those that count as moved, and
    /// are doubted from now on.
    pub(super) fn doubt(&mut self, asked_at: Timestamp, now: Timestamp) -> Vec<MessageId> {
        let held = self.entries.iter().filter(|(_, entry)| entry.found.is_some()).map(|(id, _)| id.clone());
        let mut deleted = self.doubts.lost(asked_at, now, held);
        deleted.retain(|id| self.stage(id) == Some(Stage::Over(Fate::Moved)));
        deleted
    }

    /// Moved, and doubted; none of them is after that.
    pub(super) fn take_doubted(&mut self) -> Vec<MessageId> {
        let moved = |id: &MessageId| self.entries.get(id).is_some_and(|entry| entry.stage == Stage::Over(Fate::Moved));
        self.doubts.take(moved)
    }

    pub(super) fn in_stage(&self, stage: Stage) -> u64 {
        self.tally.get(&stage).copied().unwrap_or(0)
    }

    /// Ids in this stage now; walks all of them.
    pub(super) fn ids_in(&self, stage: Stage) -> Vec<MessageId> {
        self.entries.iter().filter(|(_, entry)| entry.stage == stage).map(|(id, _)| id.clone()).collect()
    }

    /// Held, on the way, or being deleted.
    pub(super) fn active(&self) -> u64 {
        [Stage::Waiting, Stage::Batched, Stage::Sent].into_iter().map(|stage| self.in_stage(stage)).sum()
    }

    pub(super) fn over(&self) -> u64 {
        let fates = [Fate::Moved, Fate::Failed, Fate::Skipped, Fate::Gone, Fate::Returned];
        fates.into_iter().map(|fate| self.in_stage(Stage::Over(fate))).sum()
    }

    pub(super) fn set_stage(&mut self, id: &MessageId, stage: Stage) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if let Some(count) = self.tally.get_mut(&entry.stage) {
            *count -= 1;
        }
        *self.tally.entry(stage).or_default() += 1;
        entry.stage = stage;
    }

    /// Takes the newest copy of a message, as a sweep hands them over: its receipt replaces any older one.
    pub(super) fn hold(&mut self, id: &MessageId, found: Found) {
        self.drop_lease(id);
        if let Some(entry) = self.entries.get_mut(id) {
            self.leases.insert((found.until, id.clone()));
            self.bytes += found.message.size_bytes();
            self.doubts.hold(id, found.asked_at);
            entry.found = Some(Box::new(found));
            entry.extending = false;
        }
    }

    /// Lets go of a message; what is to be given back, if it is still held.
    pub(super) fn let_go(&mut self, id: &MessageId) -> Option<Held> {
        let lasting = self.drop_lease(id);
        let entry = self.entries.get_mut(id)?;
        entry.extending = false;
        let held = entry.found.take().map(|found| found.held());
        held.filter(|_| lasting)
    }

    fn drop_lease(&mut self, id: &MessageId) -> bool {
        let Some(found) = self.entries.get(id).and_then(|entry| entry.found.as_ref()) else { return false };
        self.bytes -= found.message.size_bytes();
        self.leases.remove(&(found.until, id.clone()))
    }

    /// It was answered at `now` that the lease was extended, certainly until `until`. What had run out by
    /// then stays so: an answer of the very moment it ended comes too late.
    pub(super) fn extend(&mut self, now: Timestamp, id: &MessageId, until: Timestamp) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.extending = false;
        if let Some(found) = &mut entry.found
            && found.until > now
            && self.leases.remove(&(found.until, id.clone()))
        {
            found.until = found.until.max(until);
            self.leases.insert((found.until, id.clone()));
        }
    }

    /// Takes the leases that have run out by `now` off the index and marks them; answers their ids.
    pub(super) fn lapse(&mut self, now: Timestamp) -> Vec<MessageId> {
        let mut lapsed = Vec::new();
        while let Some((until, _)) = self.leases.first()
            && *until <= now
            && let Some((_, id)) = self.leases.pop_first()
        {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.lapsed = true;
            }
            lapsed.push(id);
        }
        lapsed
    }

    /// The service says the lease is over, whatever the clock says.
    pub(super) fn lapse_one(&mut self, id: &MessageId) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.lapsed = true;
            entry.extending = false;
            if let Some(found) = &entry.found {
                self.leases.remove(&(found.until, id.clone()));
            }
        }
    }

    /// Leases that end before `before` and are not being extended, soonest first.
    pub(super) fn ending(&self, before: Timestamp) -> impl Iterator<Item = &MessageId> {
        self.leases
            .iter()
            .take_while(move |(until, _)| *until < before)
            .map(|(_, id)| id)
            .filter(|id| self.entries.get(*id).is_some_and(|entry| !entry.extending && !entry.deleting))
    }

    pub(super) fn leases(&self) -> usize {
        self.leases.len()
    }

    pub(super) fn first_lease_end(&self) -> Option<Timestamp> {
        self.leases.first().map(|(until, _)| *until)
    }

    pub(super) fn last_lease_end(&self) -> Option<Timestamp> {
        self.leases.last().map(|(until, _)| *until)
    }

    /// Bytes of the messages held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::SystemAttributes;

    fn found(id: &str, receipt: &str, until_s: i64) -> Found {
        let message = Message {
            id: id.into(),
            receipt: receipt.into(),
            body: "four".to_owned(),
            attributes: [].into(),
            system: SystemAttributes::default(),
        };
        let until = Timestamp::from_s(until_s);
        Found { message, asked_at: Timestamp::from_s(until_s - 60), until, at_latest: until }
    }

    #[test]
    fn the_newest_receipt_counts_and_a_lapsed_lease_is_not_given_back() {
        let id = MessageId::from("m");
        let mut ledger = Ledger::new([id.clone()].into_iter());
        ledger.hold(&id, found("m", "old", 10));
        ledger.hold(&id, found("m", "new", 20));
        assert_eq!((ledger.leases(), ledger.bytes()), (1, 4));
        ledger.extend(Timestamp::from_s(19), &id, Timestamp::from_s(30));
        assert_eq!(ledger.lapse(Timestamp::from_s(29)), []);
        ledger.extend(Timestamp::from_s(30), &id, Timestamp::from_s(80));
        assert_eq!(ledger.first_lease_end(), Some(Timestamp::from_s(30)), "it ends as the answer comes");
        assert_eq!(ledger.lapse(Timestamp::from_s(30)), std::slice::from_ref(&id));
        ledger.extend(Timestamp::from_s(31), &id, Timestamp::from_s(90));
        assert_eq!(ledger.first_lease_end(), None, "what has lapsed is not brought back by a late answer");
        assert_eq!(ledger.let_go(&id), None);
        assert_eq!(ledger.bytes(), 0);
    }
}
