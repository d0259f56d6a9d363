//! Text that comes from outside: message bodies, names, error texts. Nothing of it may move the
//! cursor, change colours, reverse the reading order or hide: such characters are shown as visible
//! escapes. Every string drawn goes through here ([`crate::ui::widget::ink`]), trusted or not.

use unicode_width::UnicodeWidthChar;

use crate::model::hostile::is_dangerous;

/// Combining marks drawn on one letter; more is an attack on the line above, and is escaped.
const MAX_MARKS: u32 = 3;
/// Columns of a tab stop in a body.
const TAB: &str = "→   ";

/// One character as it may be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// As it is, in one or two columns.
    Char(char, u16),
    /// A mark that goes on the letter before it, in no column of its own.
    Mark(char),
    /// Spelled out: `\x1b`, `\u{202e}`.
    Escape(String),
    /// Drawn as nothing: a variation selector, which only picks a glyph.
    Nothing,
}

/// Walks a text, telling how to draw each character.
#[derive(Debug)]
pub struct Walk<'a> {
    chars: std::str::Chars<'a>,
    marks: u32,
    /// A mark needs a letter before it.
    letter: bool,
}

impl<'a> Walk<'a> {
    pub fn new(text: &'a str) -> Self {
        Walk { chars: text.chars(), marks: 0, letter: false }
    }
}

impl Iterator for Walk<'_> {
    type Item = Shown;

    fn next(&mut self) -> Option<Shown> {
        let c = self.chars.next()?;
        let shown = match show(c) {
            Shown::Mark(mark) if !self.letter || self.marks >= MAX_MARKS => Shown::Escape(escape(mark)),
            shown => shown,
        };
        match shown {
            Shown::Char(..) => (self.marks, self.letter) = (0, true),
            Shown::Mark(_) => self.marks += 1,
            Shown::Escape(_) => self.letter = false,
            Shown::Nothing => {}
        }
        Some(shown)
    }
}

fn show(c: char) -> Shown {
    match c {
        ' '..='~' => Shown::Char(c, 1),
        '\t' => Shown::Escape(TAB.to_owned()),
        '\u{fe00}'..='\u{fe0f}' => Shown::Nothing,
        _ if is_dangerous(c) => Shown::Escape(escape(c)),
        // Lines, blocks, braille, arrows, signs: our own drawing, one column each.
        '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{25ff}' | '\u{2800}'..='\u{28ff}' => Shown::Char(c, 1),
        // Half-width sound marks have no width by Unicode, but terminals give them a column.
        '\u{ff9e}' | '\u{ff9f}' => Shown::Char(c, 1),
        _ => match c.width() {
            None => Shown::Escape(escape(c)),
            Some(0) => Shown::Mark(c),
            Some(width) => Shown::Char(c, u16::try_from(width).unwrap_or(1)),
        },
    }
}

fn escape(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\0' => "\\0".to_owned(),
        _ if (c as u32) < 0x80 => format!("\\x{:02x}", c as u32),
        _ => format!("\\u{{{:x}}}", c as u32),
    }
}

impl Shown {
    /// Columns it takes.
    pub fn width(&self) -> u16 {
        match self {
            Shown::Char(_, width) => *width,
            Shown::Escape(text) => u16::try_from(text.chars().count()).unwrap_or(u16::MAX),
            Shown::Mark(_) | Shown::Nothing => 0,
        }
    }
}

/// Columns the text takes when drawn, counted up to `u16::MAX`.
pub fn width(text: &str) -> u16 {
    if text.len() <= usize::from(u16::MAX) && text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return u16::try_from(text.len()).unwrap_or(u16::MAX);
    }
    Walk::new(text).fold(0, |sum: u16, shown| sum.saturating_add(shown.width()))
}

/// True when the text fits in `columns`; looks no further than it must.
pub fn fits(text: &str, columns: u16) -> bool {
    let mut used: u16 = 0;
    for shown in Walk::new(text) {
        used = used.saturating_add(shown.width());
        if used > columns {
            return false;
        }
    }
    true
}

/// The text with every dangerous character spelled out: for lines that are composed before drawing.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for shown in Walk::new(text) {
        match shown {
            Shown::Char(c, _) | Shown::Mark(c) => out.push(c),
            Shown::Escape(text) => out.push_str(&text),
            Shown::Nothing => {}
        }
    }
    out
}

/// The text broken into lines of at most `columns`, at spaces where there are any; at most
/// `max_lines`, the last one ending in `…` when there was more.
pub fn wrap(text: &str, columns: u16, max_lines: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        wrap_paragraph(&visible(paragraph), columns, max_lines, &mut lines);
        if lines.len() > max_lines {
            break;
        }
    }
    if lines.len() > max_lines {
        lines.truncate(max_lines);
        if let Some(last) = lines.last_mut() {
            while width(last) >= columns && last.pop().is_some() {}
            last.push('…');
        }
    }
    lines
}

fn wrap_paragraph(text: &str, columns: u16, max_lines: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in words(text) {
        if !line.is_empty() && width(&line).saturating_add(width(word.trim_end())) > columns {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        line.push_str(word);
        while width(line.trim_end()) > columns && lines.len() <= max_lines {
            let cut = cut_at(&line, columns);
            let rest = line.split_off(cut);
            lines.push(std::mem::replace(&mut line, rest));
        }
        if lines.len() > max_lines {
            return;
        }
    }
    lines.push(line.trim_end().to_owned());
}

/// What a line is broken between: words, each with the space behind it; a figure is one with its unit.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = 0;
        loop {
            let begin = end;
            end += rest[begin..].find(' ').map_or(rest.len() - begin, |at| at + 1);
            let figure =
                rest[begin..end].strip_suffix(' ').is_some_and(|word| word.ends_with(|c: char| c.is_ascii_digit()));
            let next = rest[end..].split(' ').next().unwrap_or_default();
            if !figure || !UNITS.contains(&next.trim_end_matches([',', ';', '.', ':', ')'])) {
                break;
            }
        }
        let (word, behind) = rest.split_at(end);
        rest = behind;
        (!word.is_empty()).then_some(word)
    })
}

/// What a figure is told in, a space behind it.
const UNITS: &[&str] = &["s", "ms", "m", "h", "d", "%", "B", "KiB", "MiB", "GiB", "MB", "×"];

/// The byte where the text must be cut to take at most `columns`; at least one character.
fn cut_at(text: &str, columns: u16) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += u16::try_from(c.width().unwrap_or(0)).unwrap_or(0);
        if used > columns && at > 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_act_on_a_terminal_is_spelled_out() {
        assert_eq!(visible("a\x1b[2Jb"), "a\\x1b[2Jb");
        assert_eq!(visible("\0\r\n\u{7f}"), "\\0\\r\\n\\x7f");
        assert_eq!(visible("abc\u{202e}cba"), "abc\\u{202e}cba");
        assert_eq!(visible("\u{9b}31m"), "\\u{9b}31m", "C1 introducers act like escape");
        assert_eq!(visible("a\u{200b}b\u{feff}"), "a\\u{200b}b\\u{feff}");
        assert_eq!(visible("tag\u{e0041}"), "tag\\u{e0041}");
    }

    #[test]
    fn ordinary_text_of_any_script_is_left_alone() {
        for text in ["naïve café", "日本語", "Größe ✖ ▲", "e\u{301}", "ᄒ", "😀"] {
            assert_eq!(visible(text), text);
        }
        assert_eq!(width("日本語"), 6);
        assert_eq!(width("e\u{301}"), 1);
    }

    #[test]
    fn a_tower_of_marks_is_cut_down() {
        let tower: String = std::iter::once('o').chain(std::iter::repeat_n('\u{301}', 50)).collect();
        assert!(visible(&tower).contains("\\u{301}"));
        assert!(visible("\u{301}").starts_with("\\u"), "a mark with nothing to stand on");
    }

    #[test]
    fn wrapping_keeps_words_and_says_when_it_left_off() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4, 9), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("one two three four", 7, 2), ["one two", "three…"]);
        assert_eq!(wrap("a\nb", 7, 9), ["a", "b"]);
        assert_eq!(wrap("日本語", 4, 9), ["日本", "語"]);
        assert_eq!(
            wrap("lease 30 s, 16 m 24 s left", 9, 9),
            ["lease", "30 s,", "16 m 24 s", "left"],
            "a figure and its unit"
        );
        assert_eq!(wrap("of 312  s ", 20, 9), ["of 312  s"]);
    }
}
