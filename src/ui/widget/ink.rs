//! Writing into the buffer: clipped, truncated with `…`, and never raw. The only place of `ui` that
//! puts characters into cells, so that a hostile text has one door to pass.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::theme::Theme;
use crate::ui::widget::hostile::{self, Shown, Walk};

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub text: String,
    pub style: Style,
}

impl Piece {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Piece { text: text.into(), style }
    }

    pub fn width(&self) -> u16 {
        hostile::width(&self.text)
    }
}

/// Columns a row of pieces takes.
pub fn width_of(pieces: &[Piece]) -> u16 {
    pieces.iter().fold(0, |sum: u16, piece| sum.saturating_add(piece.width()))
}

/// The buffer and the theme, handed down from the root to every part.
#[derive(Debug)]
pub struct Ink<'a> {
    buf: &'a mut Buffer,
    pub theme: Theme,
}

impl<'a> Ink<'a> {
    pub fn new(buf: &'a mut Buffer, theme: Theme) -> Self {
        Ink { buf, theme }
    }

    /// Draws `text` from (`x`, `y`) over at most `width` columns; what does not fit ends in `…`.
    /// Answers the columns used.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let width = self.clip(x, y, width);
        if width == 0 || text.is_empty() {
            return 0;
        }
        // Bytes are never fewer than columns for text that is drawn as it is; only a long or an
        // escaped text has to be measured.
        if text.len() <= usize::from(width) && text.bytes().all(|b| (b' '..=b'~').contains(&b))
            || hostile::fits(text, width)
        {
            return self.run(x, y, width, text, style);
        }
        let used = self.run(x, y, width - 1, text, style);
        self.set(x + used, y, '…', style);
        used + 1
    }

    /// Draws pieces one after the other; answers the columns used.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[Piece]) -> u16 {
        let mut used = 0;
        for piece in pieces {
            if used >= width {
                break;
            }
            used += self.text(x + used, y, width - used, &piece.text, piece.style);
        }
        used
    }

    /// Draws `text` so that it ends at column `x + width`.
    pub fn text_right(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) {
        let pad = width.saturating_sub(hostile::width(text));
        self.text(x + pad, y, width - pad, text, style);
    }

    /// One character of our own, if the cell is inside.
    pub fn set(&mut self, x: u16, y: u16, c: char, style: Style) {
        if let Some(cell) = self.buf.cell_mut((x, y)) {
            cell.set_char(c);
            // What was there leaves wholly: a title is not dim because its border was.
            cell.fg = style.fg.unwrap_or_default();
            cell.bg = style.bg.unwrap_or_default();
            cell.modifier = style.add_modifier;
        }
    }

    /// The braille dots already in a cell, so that lines which meet share it.
    pub fn dots(&self, x: u16, y: u16) -> u8 {
        let drawn = self.buf.cell((x, y)).and_then(|cell| cell.symbol().chars().next()).map_or(0, u32::from);
        // Braille is 2800–28FF: the low byte is the dots.
        if (0x2800..=0x28ff).contains(&drawn) { (drawn & 0xff) as u8 } else { 0 }
    }

    /// Lays a style over an area, keeping its text.
    pub fn restyle(&mut self, area: Rect, style: Style) {
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.set_style(style);
                }
            }
        }
    }

    /// Empties an area, styles too: what lies over others starts with it.
    pub fn clear(&mut self, area: Rect) {
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// Repeats a character from left to right.
    pub fn across(&mut self, x: u16, y: u16, width: u16, c: char, style: Style) {
        for at in x..x.saturating_add(width) {
            self.set(at, y, c, style);
        }
    }

    fn clip(&self, x: u16, y: u16, width: u16) -> u16 {
        let area = self.buf.area;
        if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
            return 0;
        }
        width.min(area.right() - x)
    }

    fn run(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let mut used = 0;
        for shown in Walk::new(text) {
            if used + shown.width() > width {
                break;
            }
            match shown {
                Shown::Char(c, columns) => {
                    self.set(x + used, y, c, style);
                    for hidden in 1..columns {
                        // The second column of a wide character holds nothing of its own.
                        self.set(x + used + hidden, y, ' ', style);
                    }
                    used += columns;
                }
                Shown::Escape(text) => {
                    for c in text.chars() {
                        self.set(x + used, y, c, style);
                        used += 1;
                    }
                }
                Shown::Mark(mark) => self.mark(x + used.saturating_sub(1), y, mark),
                Shown::Nothing => {}
            }
        }
        used
    }

    fn mark(&mut self, x: u16, y: u16, mark: char) {
        if let Some(cell) = self.buf.cell_mut((x, y)) {
            let symbol = format!("{}{mark}", cell.symbol());
            cell.set_symbol(&symbol);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, width: u16) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        Ink::new(&mut buf, Theme::new(true)).text(0, 0, width, text, Style::new());
        buf.content.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(drawn("JobQueue", 12), "JobQueue");
        assert_eq!(drawn("JobQueue", 8), "JobQueue");
        assert_eq!(drawn("JobQueue", 5), "JobQ…");
        assert_eq!(drawn("a very long name of a queue", 40), "a very long…", "clipped at the buffer");
    }

    #[test]
    fn no_control_character_reaches_a_cell() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 60, 1));
        let text = "\x1b]0;own\x07\u{202e}\0e\u{301}x";
        Ink::new(&mut buf, Theme::new(true)).text(0, 0, 60, text, Style::new());
        let all: String = buf.content.iter().map(|cell| cell.symbol()).collect();
        assert!(!all.chars().any(|c| c.is_control() || c == '\u{202e}'), "{all:?}");
        assert!(all.starts_with("\\x1b]0;own\\x07\\u{202e}\\0e\u{301}x"), "{all:?}");
    }
}
