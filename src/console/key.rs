//! A key as the console understands it. The shell translates the terminal's events into these;
//! nothing here knows a terminal.

use std::fmt;
use std::str::FromStr;

/// Which key, without its modifiers. A shifted letter arrives as its capital.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Backspace,
    Delete,
    F(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
}

impl Key {
    pub const fn plain(code: Code) -> Self {
        Key { code, ctrl: false, alt: false }
    }

    pub const fn char(c: char) -> Self {
        Key::plain(Code::Char(c))
    }

    pub const fn ctrl(c: char) -> Self {
        Key { code: Code::Char(c), ctrl: true, alt: false }
    }

    /// The character this key types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt && !c.is_control() => Some(c),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    /// As help and footer spell it: `ctrl-f`, `enter`, `↑`, `R`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        let name = match self.code {
            Code::Char(' ') => "space",
            Code::Char(c) => return write!(f, "{c}"),
            Code::F(n) => return write!(f, "F{n}"),
            Code::Enter => "enter",
            Code::Esc => "esc",
            Code::Tab => "tab",
            Code::BackTab => "shift-tab",
            Code::Up => "↑",
            Code::Down => "↓",
            Code::Left => "←",
            Code::Right => "→",
            Code::Home => "home",
            Code::End => "end",
            Code::PageUp => "pgup",
            Code::PageDown => "pgdn",
            Code::Backspace => "backspace",
            Code::Delete => "delete",
        };
        f.write_str(name)
    }
}

impl FromStr for Key {
    type Err = String;

    /// Reads what [`Display`](fmt::Display) writes, and `up`, `down`, `left` and `right`.
    ///
    /// # Errors
    /// That it is no key, with examples of some.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no key; there are x, X, ctrl-x, alt-x, F5, enter, space, tab, pgup, up …");
        let (rest, ctrl) = text.strip_prefix("ctrl-").map_or((text, false), |rest| (rest, true));
        let (rest, alt) = rest.strip_prefix("alt-").map_or((rest, false), |rest| (rest, true));
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.as_str()) {
            (Some(c), "") if !c.is_control() && c != ' ' => Code::Char(c),
            (Some('F' | 'f'), number) => match number.parse() {
                Ok(n @ 1..=24) => Code::F(n),
                _ => return Err(bad()),
            },
            _ => match rest {
                "space" => Code::Char(' '),
                "enter" => Code::Enter,
                "esc" => Code::Esc,
                "tab" => Code::Tab,
                "shift-tab" => Code::BackTab,
                "up" => Code::Up,
                "down" => Code::Down,
                "left" => Code::Left,
                "right" => Code::Right,
                "home" => Code::Home,
                "end" => Code::End,
                "pgup" => Code::PageUp,
                "pgdn" => Code::PageDown,
                "backspace" => Code::Backspace,
                "delete" => Code::Delete,
                _ => return Err(bad()),
            },
        };
        // An arrow spelt as one character is the arrow, not a letter.
        let code = match code {
            Code::Char('↑') => Code::Up,
            Code::Char('↓') => Code::Down,
            Code::Char('←') => Code::Left,
            Code::Char('→') => Code::Right,
            code => code,
        };
        Ok(Key { code, ctrl, alt })
    }
}

/// What the mouse did, in cells from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    ScrollUp { column: u16, row: u16 },
    ScrollDown { column: u16, row: u16 },
    Press { column: u16, row: u16 },
}

/// A line of text being typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    text: String,
    /// Characters before the cursor.
    cursor: usize,
}

impl Line {
    /// Longest line taken; more is dropped.
    pub const MAX_CHARS: usize = 256;

    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Line { cursor: text.chars().count(), text }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Characters before the cursor.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Takes an editing key; false when the key does not edit.
    pub fn edit(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.insert(c);
            return true;
        }
        let len = self.text.chars().count();
        match (key.code, key.ctrl) {
            (Code::Backspace, false) if self.cursor > 0 => self.remove(self.cursor - 1),
            (Code::Delete, false) if self.cursor < len => {
                self.cursor += 1;
                self.remove(self.cursor - 1);
            }
            (Code::Backspace | Code::Delete, false) => {}
            (Code::Left, false) => self.cursor = self.cursor.saturating_sub(1),
            (Code::Right, false) => self.cursor = (self.cursor + 1).min(len),
            (Code::Home, false) | (Code::Char('a'), true) => self.cursor = 0,
            (Code::End, false) | (Code::Char('e'), true) => self.cursor = len,
            (Code::Char('u'), true) => *self = Line::default(),
            _ => return false,
        }
        true
    }

    fn insert(&mut self, c: char) {
        if self.text.chars().count() < Self::MAX_CHARS {
            self.text.insert(self.byte_of(self.cursor), c);
            self.cursor += 1;
        }
    }

    fn remove(&mut self, at: usize) {
        self.text.remove(self.byte_of(at));
        self.cursor = at;
    }

    fn byte_of(&self, chars: usize) -> usize {
        self.text.char_indices().nth(chars).map_or(self.text.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_by_character_and_not_by_byte() {
        let mut line = Line::default();
        for c in "aé漢".chars() {
            line.edit(Key::char(c));
        }
        line.edit(Key::plain(Code::Left));
        line.edit(Key::plain(Code::Backspace));
        assert_eq!((line.text(), line.cursor()), ("a漢", 1));
        line.edit(Key::plain(Code::Delete));
        assert_eq!(line.text(), "a");
        assert!(!line.edit(Key::plain(Code::Enter)));
        assert!(!line.edit(Key::ctrl('c')));
    }

    #[test]
    fn keys_are_spelt_as_the_help_shows_them() {
        let said: Vec<String> =
            [Key::ctrl('f'), Key::char('R'), Key::char(' '), Key::plain(Code::Up)].map(|key| key.to_string()).into();
        assert_eq!(said, ["ctrl-f", "R", "space", "↑"]);
    }
}
