//! The messages a scan copied from a queue: grouped by kind, filtered, selected. What is listed is
//! computed when something changes and never per frame, so that 100,000 messages stay cheap.

mod sieve;
mod spill;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::console::key::Line;
use crate::console::snapshot::sieve::{Sieve, Told};
use crate::model::id::{MessageId, OperationId, QueueName};
use crate::model::message::Message;
use crate::model::time::Timestamp;
use crate::query::kind::{Kind, kind_of};

pub use crate::console::snapshot::sieve::Question;

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
    /// How it is called here: with the form of its body where two would be called the same.
    pub label: String,
    pub count: usize,
    /// Of those, selected.
    pub selected: usize,
    /// First and last `SentTimestamp`.
    pub first: Timestamp,
    pub last: Timestamp,
    /// The first of them that was seen.
    pub example: MessageId,
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
    /// Messages copied, those that have left the queue since too.
    pub found: usize,
    messages: Vec<Arc<Message>>,
    /// Row in `kinds` of each message.
    kind_rows: Vec<u32>,
    kinds: Vec<KindRow>,
    kind_index: BTreeMap<Kind, u32>,
    seen: BTreeSet<MessageId>,
    selected: BTreeSet<MessageId>,
    sieve: Sieve,
    /// Bytes kept in memory, and how large the messages are whose bodies lie on disk.
    bytes: usize,
    spilled: BTreeMap<MessageId, usize>,
    /// To be written to disk.
    spilling: Vec<Arc<Message>>,
    /// The one whose body was read back.
    opened: Option<Arc<Message>>,
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
            found: 0,
            messages: Vec::new(),
            kind_rows: Vec::new(),
            kinds: Vec::new(),
            kind_index: BTreeMap::new(),
            seen: BTreeSet::new(),
            selected: BTreeSet::new(),
            sieve: Sieve::default(),
            bytes: 0,
            spilled: BTreeMap::new(),
            spilling: Vec::new(),
            opened: None,
            only_kind: None,
            shown: Vec::new(),
            row: 0,
        }
    }

    /// Takes newly copied messages in; one seen before is not listed twice.
    pub fn add(&mut self, messages: impl IntoIterator<Item = Arc<Message>>) {
        let mut look = self.sieve.look();
        for message in messages {
            if !self.seen.insert(message.id.clone()) {
                continue;
            }
            let index = self.messages.len() as u32;
            let row = self.count_in(kind_of(&message), &message);
            let message = self.within_budget(message);
            self.found += 1;
            self.messages.push(message);
            self.kind_rows.push(row);
            if self.passes(index, &mut look) {
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
        self.spilled.retain(|id, _| !gone(id));
        self.sieve.forget(&gone);
        for (message, row) in messages.into_iter().zip(rows).filter(|(message, _)| !gone(&message.id)) {
            let Some(kind) = kinds.get(row as usize) else { continue };
            let row = self.count_in(kind.clone(), &message);
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
    pub fn shown_kind(&self, row: usize) -> Option<&KindRow> {
        let kind = self.kind_rows.get(*self.shown.get(row)? as usize)?;
        self.kinds.get(*kind as usize)
    }

    /// The kind of a message.
    pub fn kind_of(&self, id: &MessageId) -> Option<&KindRow> {
        let index = self.messages.iter().position(|message| message.id == *id)?;
        self.kinds.get(*self.kind_rows.get(index)? as usize)
    }

    pub fn get(&self, id: &MessageId) -> Option<&Arc<Message>> {
        self.messages.iter().find(|message| message.id == *id)
    }

    /// The same with its whole body where that was read back from disk.
    pub fn whole(&self, id: &MessageId) -> Option<&Arc<Message>> {
        self.opened.as_ref().filter(|opened| opened.id == *id).or_else(|| self.get(id))
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
        &self.sieve.text
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

    /// `now` is what `age>2h` is counted to.
    pub fn set_filter(&mut self, line: &Line, now: Timestamp) {
        if self.sieve.text != line.text() {
            let cursor = self.current().map(|message| message.id.clone());
            self.sieve.set(line.text(), now);
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
    fn count_in(&mut self, kind: Kind, message: &Message) -> u32 {
        let sent = message.system.sent_at;
        let row = match self.kind_index.get(&kind) {
            Some(row) => *row,
            None => self.new_kind(kind, message),
        };
        if let Some(kind) = self.kinds.get_mut(row as usize) {
            kind.count += 1;
            kind.first = kind.first.min(sent);
            kind.last = kind.last.max(sent);
        }
        row
    }

    fn new_kind(&mut self, kind: Kind, message: &Message) -> u32 {
        let (plain, form) = (kind.to_string(), kind.form.to_string());
        let mut alike = false;
        for other in self.kinds.iter_mut().filter(|other| other.kind.to_string() == plain) {
            other.label = format!("{plain} · {}", other.kind.form);
            alike = true;
        }
        let sent = message.system.sent_at;
        self.kinds.push(KindRow {
            label: if alike { format!("{plain} · {form}") } else { plain },
            kind: kind.clone(),
            count: 0,
            selected: 0,
            first: sent,
            last: sent,
            example: message.id.clone(),
        });
        let row = (self.kinds.len() - 1) as u32;
        self.kind_index.insert(kind, row);
        row
    }

    fn at(&self, index: u32) -> Option<(&Arc<Message>, u32, &Kind)> {
        let row = *self.kind_rows.get(index as usize)?;
        Some((self.messages.get(index as usize)?, row, &self.kinds.get(row as usize)?.kind))
    }

    fn passes(&self, index: u32, look: &mut sieve::Look) -> bool {
        let Some((message, row, kind)) = self.at(index) else { return false };
        if self.only_kind.is_some_and(|only| only != row) {
            return false;
        }
        match look.tells(message, row, kind, self.spilled.contains_key(&message.id)) {
            Told::Taken => true,
            Told::Left => false,
            Told::Unsure => self.sieve.verdict(&message.id) == Some(true),
        }
    }

    fn relist(&mut self) {
        let cursor = self.current().map(|message| message.id.clone());
        self.refilter(cursor);
    }

    fn refilter(&mut self, cursor: Option<MessageId>) {
        let mut look = self.sieve.look();
        self.shown = match &self.sieve.fault {
            Some(_) => Vec::new(),
            None => (0..self.messages.len() as u32).filter(|index| self.passes(*index, &mut look)).collect(),
        };
        let row = cursor.and_then(|id| self.shown_ids().position(|shown| *shown == id));
        self.put(row.unwrap_or(self.row));
    }
}
