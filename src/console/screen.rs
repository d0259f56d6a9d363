//! Which screen is open, and where the cursor stands in its list. Knows nothing of what is drawn.

use std::ops::Range;

use crate::model::id::{FunctionName, MappingId, QueueName};

/// A screen and what it is about. The console keeps a stack of them; `esc` goes back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Screen {
    /// Home: what is wrong, and the pipeline drawn.
    Map,
    Consumers,
    ConsumerDetail(MappingId),
    Queues,
    /// One queue; for a dead-letter queue its kinds of failure and messages.
    Triage(QueueName),
    /// What a function's log says.
    Logs(FunctionName),
    Journal,
    /// What to mend while it is calm.
    Posture,
    /// Only in the sandbox.
    Sandbox,
}

/// A screen without its subject: what the command table says a command is valid on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Map,
    Consumers,
    ConsumerDetail,
    Queues,
    Triage,
    Logs,
    Journal,
    Posture,
    Sandbox,
}

impl Place {
    pub const ALL: [Place; 9] = [
        Place::Map,
        Place::Consumers,
        Place::ConsumerDetail,
        Place::Queues,
        Place::Triage,
        Place::Logs,
        Place::Journal,
        Place::Posture,
        Place::Sandbox,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Place::Map => "Map",
            Place::Consumers => "Consumers",
            Place::ConsumerDetail => "Consumer",
            Place::Queues => "Queues",
            Place::Triage => "Queue",
            Place::Logs => "Logs",
            Place::Journal => "Journal",
            Place::Posture => "Posture",
            Place::Sandbox => "Sandbox",
        }
    }
}

impl Screen {
    pub fn place(&self) -> Place {
        match self {
            Screen::Map => Place::Map,
            Screen::Consumers => Place::Consumers,
            Screen::ConsumerDetail(_) => Place::ConsumerDetail,
            Screen::Queues => Place::Queues,
            Screen::Triage(_) => Place::Triage,
            Screen::Logs(_) => Place::Logs,
            Screen::Journal => Place::Journal,
            Screen::Posture => Place::Posture,
            Screen::Sandbox => Place::Sandbox,
        }
    }
}

/// Where a list's cursor stands: on a thing, not on a row, so that a list which is sorted anew under
/// the operator's hands does not put another thing under the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<K> {
    key: Option<K>,
    /// The row it stood on last: where it stays when its thing is gone.
    row: usize,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Cursor { key: None, row: 0 }
    }
}

impl<K: Clone + PartialEq> Cursor<K> {
    /// The row the cursor stands on; `None` when the list is empty.
    pub fn row(&self, keys: &[K]) -> Option<usize> {
        let last = keys.len().checked_sub(1)?;
        let found = self.key.as_ref().and_then(|key| keys.iter().position(|other| other == key));
        Some(found.unwrap_or(self.row.min(last)))
    }

    pub fn key<'a>(&self, keys: &'a [K]) -> Option<&'a K> {
        keys.get(self.row(keys)?)
    }

    /// Moves by `step` rows, stopping at the ends.
    pub fn step(&mut self, keys: &[K], step: isize) {
        if let Some(row) = self.row(keys) {
            self.put(keys, row.saturating_add_signed(step));
        }
    }

    /// Puts the cursor on `row`, or on the last one.
    pub fn put(&mut self, keys: &[K], row: usize) {
        self.row = row.min(keys.len().saturating_sub(1));
        self.key = keys.get(self.row).cloned();
    }

    /// Puts the cursor on a thing, whether or not it is listed yet.
    pub fn set(&mut self, key: K) {
        self.key = Some(key);
    }
}

/// The rows of a list of `len` that a view of `height` rows shows with `row` near its middle. A
/// function of these three alone, so that the view keeps no state.
pub fn window(row: usize, len: usize, height: usize) -> Range<usize> {
    let start = row.saturating_sub(height / 2).min(len.saturating_sub(height));
    start..(start + height).min(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_its_thing_when_the_list_is_sorted_anew() {
        let mut cursor = Cursor::default();
        cursor.step(&["a", "b", "c"], 1);
        assert_eq!(cursor.key(&["c", "b", "a"]), Some(&"b"));
        assert_eq!(cursor.row(&["b", "a", "c"]), Some(0));
        assert_eq!(cursor.key(&["a", "c"]), Some(&"c"), "its thing is gone: it stays on the row");
        assert_eq!(cursor.row(&[]), None);
    }

    #[test]
    fn a_window_always_shows_the_row_and_never_runs_over() {
        assert_eq!(window(0, 100, 10), 0..10);
        assert_eq!(window(50, 100, 10), 45..55);
        assert_eq!(window(99, 100, 10), 90..100);
        assert_eq!(window(1, 3, 10), 0..3);
        assert_eq!(window(0, 0, 10), 0..0);
        assert!((0..50).all(|row| window(row, 50, 7).contains(&row)));
    }
}
