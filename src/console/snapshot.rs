//! The messages a scan copied from a queue: grouped by kind, filtered, selected. What is listed is
//! computed when something changes and never per frame, so that 100,000 messages stay cheap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::console::key::Line;
use crate::model::id::{MessageId, OperationId, QueueName};
use crate::model::message::Message;
use crate::model::time::Timestamp;
use crate::query::filter::{Filter, InKind};
use crate::query::kind::{Kind, kind_of};

/// Which part of the triage screen takes the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    Kinds,
    #[default]
    Messages,
    /// The text of the message under the cursor.
    Message,
}

/// One kind of failure in a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct KindRow {
    pub kind: Kind,
    pub count: usize,
    /// Of those, selected.
    pub selected: usize,
    /// First and last `SentTimestamp`.
    pub first: Timestamp,
    pub last: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub queue: QueueName,
    /// The scan that fills it, or filled it.
    pub operation: OperationId,
    pub began_at: Timestamp,
    pub pane: Pane,
    /// First line shown of the message's text.
    pub scroll: usize,
    /// `1,000 of ~50,000 scanned at 03:12Z`; the newest line of the scan.
    pub line: String,
    /// The queue was seen empty behind what was scanned.
    pub complete: bool,
    messages: Vec<Arc<Message>>,
    /// Row in `kinds` of each message.
    kind_rows: Vec<u32>,
    kinds: Vec<KindRow>,
    kind_index: BTreeMap<Kind, u32>,
    seen: BTreeSet<MessageId>,
    selected: BTreeSet<MessageId>,
    filter: String,
    only_kind: Option<u32>,
    /// Indexes into `messages` that pass kind and filter.
    shown: Vec<u32>,
    row: usize,
}

impl Snapshot {
    pub fn new(queue: QueueName, operation: OperationId, began_at: Timestamp) -> Self {
        Snapshot {
            queue,
            operation,
            began_at,
            pane: Pane::default(),
            scroll: 0,
            line: "scanning".to_owned(),
            complete: false,
            messages: Vec::new(),
            kind_rows: Vec::new(),
            kinds: Vec::new(),
            kind_index: BTreeMap::new(),
            seen: BTreeSet::new(),
            selected: BTreeSet::new(),
            filter: String::new(),
            only_kind: None,
            shown: Vec::new(),
            row: 0,
        }
    }

    /// Takes newly copied messages in; one seen before is not listed twice.
    pub fn add(&mut self, messages: impl IntoIterator<Item = Arc<Message>>) {
        let mut sieve = Sieve::new(&self.filter);
        for message in messages {
            if !self.seen.insert(message.id.clone()) {
                continue;
            }
            let index = self.messages.len() as u32;
            let row = self.count_in(kind_of(&message), message.system.sent_at);
            self.messages.push(message);
            self.kind_rows.push(row);
            if self.passes(index, &mut sieve) {
                self.shown.push(index);
            }
        }
    }

    /// Takes out messages that are no longer in the queue, because they were moved. Kinds that have
    /// none left go too.
    pub fn remove(&mut self, gone: impl Fn(&MessageId) -> bool) {
        let cursor = self.current().map(|message| message.id.clone());
        let only = self.only_kind.and_then(|row| self.kinds.get(row as usize)).map(|row| row.kind.clone());
        let messages = std::mem::take(&mut self.messages);
        let rows = std::mem::take(&mut self.kind_rows);
        let kinds: Vec<Kind> = std::mem::take(&mut self.kinds).into_iter().map(|row| row.kind).collect();
        self.kind_index.clear();
        self.seen.retain(|id| !gone(id));
        self.selected.retain(|id| !gone(id));
        for (message, row) in messages.into_iter().zip(rows).filter(|(message, _)| !gone(&message.id)) {
            let Some(kind) = kinds.get(row as usize) else { continue };
            let row = self.count_in(kind.clone(), message.system.sent_at);
            self.messages.push(message);
            self.kind_rows.push(row);
        }
        self.recount_selected();
        self.only_kind = only.and_then(|kind| self.kind_index.get(&kind).copied());
        self.refilter(cursor);
    }

    /// Messages copied, of every kind.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Kinds in the order they were first seen; rows keep their place while a scan runs.
    pub fn kinds(&self) -> &[KindRow] {
        &self.kinds
    }

    /// The row of the kind that is listed alone; `None` lists all.
    pub fn only_kind(&self) -> Option<usize> {
        self.only_kind.map(|row| row as usize)
    }

    pub fn shown_len(&self) -> usize {
        self.shown.len()
    }

    /// The message in row `row` of the list.
    pub fn shown(&self, row: usize) -> Option<&Arc<Message>> {
        self.messages.get(*self.shown.get(row)? as usize)
    }

    pub fn shown_ids(&self) -> impl Iterator<Item = &MessageId> {
        self.shown.iter().filter_map(|index| self.messages.get(*index as usize)).map(|message| &message.id)
    }

    /// The kind of the message in row `row` of the list.
    pub fn shown_kind(&self, row: usize) -> Option<&Kind> {
        let kind = self.kind_rows.get(*self.shown.get(row)? as usize)?;
        self.kinds.get(*kind as usize).map(|row| &row.kind)
    }

    pub fn get(&self, id: &MessageId) -> Option<&Arc<Message>> {
        self.messages.iter().find(|message| message.id == *id)
    }

    /// Every message with its kind.
    pub fn messages(&self) -> impl Iterator<Item = (&Arc<Message>, &Kind)> {
        self.messages.iter().zip(&self.kind_rows).filter_map(|(message, row)| {
            let kind = self.kinds.get(*row as usize)?;
            Some((message, &kind.kind))
        })
    }

    /// The row the cursor stands on; meaningless while the list is empty.
    pub fn row(&self) -> usize {
        self.row
    }

    pub fn current(&self) -> Option<&Arc<Message>> {
        self.shown(self.row)
    }

    pub fn filter(&self) -> &str {
        &self.filter
    }

    pub fn is_selected(&self, id: &MessageId) -> bool {
        self.selected.contains(id)
    }

    pub fn selected(&self) -> &BTreeSet<MessageId> {
        &self.selected
    }

    /// Selected messages that the filter or the kind hides now.
    pub fn selected_hidden(&self) -> usize {
        self.selected.len() - self.shown_ids().filter(|id| self.selected.contains(*id)).count()
    }

    pub fn step(&mut self, step: isize) {
        self.put(self.row.saturating_add_signed(step));
    }

    pub fn put(&mut self, row: usize) {
        self.row = row.min(self.shown.len().saturating_sub(1));
        self.scroll = 0;
    }

    pub fn set_filter(&mut self, line: &Line) {
        if self.filter != line.text() {
            let cursor = self.current().map(|message| message.id.clone());
            self.filter = line.text().to_owned();
            self.refilter(cursor);
        }
    }

    /// Lists one kind alone, or all.
    pub fn set_only_kind(&mut self, row: Option<usize>) {
        let cursor = self.current().map(|message| message.id.clone());
        self.only_kind = row.filter(|row| *row < self.kinds.len()).map(|row| row as u32);
        self.refilter(cursor);
    }

    /// Selects the message under the cursor, or unselects it, and steps on.
    pub fn toggle(&mut self) {
        let Some(index) = self.shown.get(self.row).map(|index| *index as usize) else { return };
        let (Some(message), Some(kind)) = (self.messages.get(index), self.kind_rows.get(index)) else { return };
        let was_selected = self.selected.remove(&message.id);
        if !was_selected {
            self.selected.insert(message.id.clone());
        }
        if let Some(row) = self.kinds.get_mut(*kind as usize) {
            row.selected = if was_selected { row.selected.saturating_sub(1) } else { row.selected + 1 };
        }
        self.step(1);
    }

    /// Selects all that are listed; when all of them are selected already, none.
    pub fn toggle_all(&mut self) {
        let ids: Vec<MessageId> = self.shown_ids().cloned().collect();
        let on = !ids.iter().all(|id| self.selected.contains(id));
        if on {
            self.selected.extend(ids);
        } else {
            for id in &ids {
                self.selected.remove(id);
            }
        }
        self.recount_selected();
    }

    fn recount_selected(&mut self) {
        for row in &mut self.kinds {
            row.selected = 0;
        }
        if self.selected.is_empty() {
            return;
        }
        for (message, row) in self.messages.iter().zip(&self.kind_rows) {
            if self.selected.contains(&message.id)
                && let Some(row) = self.kinds.get_mut(*row as usize)
            {
                row.selected += 1;
            }
        }
    }

    /// Counts a message into its kind's row and says which row that is.
    fn count_in(&mut self, kind: Kind, sent: Timestamp) -> u32 {
        let row = *self.kind_index.entry(kind).or_insert_with_key(|kind| {
            self.kinds.push(KindRow { kind: kind.clone(), count: 0, selected: 0, first: sent, last: sent });
            (self.kinds.len() - 1) as u32
        });
        if let Some(kind) = self.kinds.get_mut(row as usize) {
            kind.count += 1;
            kind.first = kind.first.min(sent);
            kind.last = kind.last.max(sent);
        }
        row
    }

    fn passes(&self, index: u32, sieve: &mut Sieve) -> bool {
        let Some(row) = self.kind_rows.get(index as usize) else { return false };
        if self.only_kind.is_some_and(|only| only != *row) {
            return false;
        }
        match (self.messages.get(index as usize), self.kinds.get(*row as usize)) {
            (Some(message), Some(kind)) => sieve.takes(message, *row, &kind.kind),
            _ => false,
        }
    }

    fn refilter(&mut self, cursor: Option<MessageId>) {
        let mut sieve = Sieve::new(&self.filter);
        self.shown = (0..self.messages.len() as u32).filter(|index| self.passes(*index, &mut sieve)).collect();
        let row = cursor.and_then(|id| self.shown_ids().position(|shown| *shown == id));
        self.put(row.unwrap_or(self.row));
    }
}

/// A filter, and what it thinks of each kind's row.
struct Sieve {
    filter: Option<Filter>,
    kinds: BTreeMap<u32, InKind>,
}

impl Sieve {
    fn new(text: &str) -> Self {
        Sieve { filter: Filter::new(text), kinds: BTreeMap::new() }
    }

    fn takes(&mut self, message: &Message, row: u32, kind: &Kind) -> bool {
        let Some(filter) = &mut self.filter else { return true };
        let in_kind = self.kinds.entry(row).or_insert_with(|| filter.in_kind(&kind.to_string()));
        filter.takes_message(message, in_kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attributes, SystemAttributes};

    fn message(n: u64, action: &str) -> Arc<Message> {
        let sent_at = Timestamp::from_s(n as i64);
        Arc::new(Message {
            id: format!("m-{n}").into(),
            receipt: "r".into(),
            body: format!(r#"{{"action":"{action}","run":"r-{n}"}}"#),
            attributes: Attributes::new(),
            system: SystemAttributes { sent_at, ..SystemAttributes::default() },
        })
    }

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::new("JobDLQ".into(), "op".into(), Timestamp::ZERO);
        snapshot.add((0..10).map(|n| message(n, if n % 3 == 0 { "send" } else { "invoke" })));
        snapshot
    }

    #[test]
    fn messages_are_grouped_by_kind_and_never_listed_twice() {
        let mut snapshot = snapshot();
        snapshot.add([message(3, "send")]);
        let counts: Vec<(String, usize)> =
            snapshot.kinds().iter().map(|row| (row.kind.to_string(), row.count)).collect();
        assert_eq!(counts, [("no origin · send".to_owned(), 4), ("no origin · invoke".to_owned(), 6)]);
        assert_eq!((snapshot.len(), snapshot.shown_len()), (10, 10));
    }

    #[test]
    fn a_filter_narrows_the_list_and_all_that_match_are_selected() {
        let mut snapshot = snapshot();
        snapshot.put(3);
        snapshot.set_filter(&Line::new("r-3"));
        assert_eq!(snapshot.shown_ids().map(MessageId::as_str).collect::<Vec<_>>(), ["m-3"]);
        assert_eq!(snapshot.row(), 0);
        snapshot.set_filter(&Line::default());
        assert_eq!(snapshot.row(), 3, "the cursor stays on its message");
        snapshot.set_only_kind(Some(0));
        snapshot.toggle_all();
        assert_eq!(snapshot.selected().len(), 4);
        snapshot.set_only_kind(Some(1));
        assert_eq!(snapshot.selected_hidden(), 4);
        snapshot.set_only_kind(Some(0));
        snapshot.toggle_all();
        assert!(snapshot.selected().is_empty());
    }

    #[test]
    fn moved_messages_leave_and_the_rest_keeps_its_state() {
        let mut snapshot = snapshot();
        snapshot.set_only_kind(Some(0));
        snapshot.toggle_all();
        snapshot.put(2);
        snapshot.remove(|id| id.as_str() == "m-0");
        assert_eq!((snapshot.len(), snapshot.shown_len(), snapshot.selected().len()), (9, 3, 3));
        assert_eq!(snapshot.current().map(|message| message.id.as_str()), Some("m-6"));
        assert_eq!(snapshot.kinds().iter().map(|row| (row.count, row.selected)).collect::<Vec<_>>(), [(6, 0), (3, 3)]);
    }

    #[test]
    fn a_message_that_arrives_late_obeys_the_filter() {
        let mut snapshot = snapshot();
        snapshot.set_filter(&Line::new("invoke"));
        snapshot.add([message(20, "send"), message(21, "invoke")]);
        assert_eq!(snapshot.shown_len(), 7);
    }
}
