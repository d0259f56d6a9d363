//! A body being edited, and what an edit would change. Plain state, as the other overlays: `update` moves
//! it, `ui` draws it.

use std::sync::Arc;

use crate::console::key::{Code, Key};
use crate::model::id::QueueName;
use crate::model::message::Message;
use crate::query::edits::Edits;

/// One message's body under someone's hands.
#[derive(Debug, Clone, PartialEq)]
pub struct Editor {
    pub queue: QueueName,
    /// As it died, whole.
    pub message: Arc<Message>,
    pub text: Text,
    /// Why what was typed is not taken.
    pub wrong: Option<String>,
}

/// What an edit would change, to be looked at before its card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditView {
    pub queue: QueueName,
    /// `by hand`, or the jq program.
    pub how: String,
    pub edits: Edits,
    /// First line shown.
    pub scroll: usize,
}

/// A text of several lines, and the cursor in it. There is always one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    lines: Vec<String>,
    row: usize,
    /// Characters before the cursor in its line.
    column: usize,
}

impl Text {
    pub fn new(text: &str) -> Self {
        Text { lines: text.split('\n').map(str::to_owned).collect(), row: 0, column: 0 }
    }

    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Row and characters before the cursor.
    pub fn cursor(&self) -> (usize, usize) {
        (self.row, self.column)
    }

    /// Takes an editing key; false when the key does not edit.
    pub fn edit(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.insert(c);
            return true;
        }
        let last = self.lines.len() - 1;
        let len = self.len();
        match (key.code, key.ctrl) {
            (Code::Enter, false) => self.insert('\n'),
            (Code::Tab, false) => (0..2).for_each(|_| self.insert(' ')),
            (Code::Backspace, false) if self.column > 0 => {
                self.column -= 1;
                self.remove();
            }
            (Code::Backspace, false) if self.row > 0 => {
                self.row -= 1;
                self.column = self.len();
                self.remove();
            }
            (Code::Delete, false) if self.column < len || self.row < last => self.remove(),
            (Code::Left, false) if self.column > 0 => self.column -= 1,
            (Code::Left, false) if self.row > 0 => {
                self.row -= 1;
                self.column = self.len();
            }
            (Code::Right, false) if self.column < len => self.column += 1,
            (Code::Right, false) if self.row < last => (self.row, self.column) = (self.row + 1, 0),
            (Code::Up, false) => self.go(self.row.saturating_sub(1)),
            (Code::Down, false) => self.go((self.row + 1).min(last)),
            (Code::PageUp, false) => self.go(self.row.saturating_sub(PAGE)),
            (Code::PageDown, false) => self.go((self.row + PAGE).min(last)),
            (Code::Home, false) | (Code::Char('a'), true) => self.column = 0,
            (Code::End, false) | (Code::Char('e'), true) => self.column = len,
            (Code::Backspace | Code::Delete | Code::Left | Code::Right, false) => {}
            _ => return false,
        }
        true
    }

    /// Pasted text, line breaks and all.
    pub fn paste(&mut self, text: &str) {
        text.chars().filter(|c| *c == '\n' || !c.is_control()).for_each(|c| self.insert(c));
    }

    fn insert(&mut self, c: char) {
        let at = self.byte();
        if c == '\n' {
            let rest = self.lines[self.row].split_off(at);
            self.lines.insert(self.row + 1, rest);
            (self.row, self.column) = (self.row + 1, 0);
        } else {
            self.lines[self.row].insert(at, c);
            self.column += 1;
        }
    }

    /// What is under the cursor: a character, or the break at the end of a line.
    fn remove(&mut self) {
        if self.column < self.len() {
            let at = self.byte();
            self.lines[self.row].remove(at);
        } else if self.row + 1 < self.lines.len() {
            let next = self.lines.remove(self.row + 1);
            self.lines[self.row].push_str(&next);
        }
    }

    fn go(&mut self, row: usize) {
        self.row = row;
        self.column = self.column.min(self.len());
    }

    fn len(&self) -> usize {
        self.lines[self.row].chars().count()
    }

    fn byte(&self) -> usize {
        let line = &self.lines[self.row];
        line.char_indices().nth(self.column).map_or(line.len(), |(at, _)| at)
    }
}

/// Lines a page key goes.
const PAGE: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_edited_across_its_lines() {
        let mut text = Text::new("{\n  \"a\": 1\n}");
        let keys = |text: &mut Text, codes: &[Code]| {
            codes.iter().for_each(|code| assert!(text.edit(Key::plain(*code))));
        };
        keys(&mut text, &[Code::Down, Code::End, Code::Backspace]);
        text.edit(Key::char('é'));
        text.paste("2,\n  \"b\": 3\u{7}");
        assert_eq!(text.text(), "{\n  \"a\": é2,\n  \"b\": 3\n}");
        assert_eq!(text.cursor(), (2, 8));
        keys(&mut text, &[Code::Home, Code::Backspace]);
        assert_eq!(text.text(), "{\n  \"a\": é2,  \"b\": 3\n}");
        keys(&mut text, &[Code::End, Code::Delete, Code::Right, Code::Right, Code::Left, Code::Enter]);
        assert_eq!(text.text(), "{\n  \"a\": é2,  \"b\": 3\n}");
        assert!(!text.edit(Key::ctrl('s')) && !text.edit(Key::plain(Code::Esc)));
        let mut empty = Text::new("");
        keys(&mut empty, &[Code::Backspace, Code::Delete, Code::Up, Code::Down, Code::Left, Code::Right]);
        assert_eq!((empty.text(), empty.lines().len()), (String::new(), 1));
    }
}
