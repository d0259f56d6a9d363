//! Lines of text put together before they are drawn, so that a pane knows how many it has: wrapped,
//! in pieces of several styles, some with a part at the right edge.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::widget::hostile;
use crate::ui::widget::ink::{Ink, Piece};

/// Lines one text may wrap to; the rest is in the message's own view.
const MAX_WRAPPED: usize = 60;

#[derive(Debug, Clone, Default)]
struct Line {
    indent: u16,
    pieces: Vec<Piece>,
    right: Option<Piece>,
    /// Laid over the whole line.
    over: Option<Style>,
}

#[derive(Debug, Clone, Default)]
pub struct Prose {
    lines: Vec<Line>,
    width: u16,
    /// More was not laid out: how much is not known.
    unfinished: bool,
}

impl Prose {
    pub fn new(width: u16) -> Self {
        Prose { lines: Vec::new(), width, unfinished: false }
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    pub fn line(&mut self, pieces: Vec<Piece>) {
        self.lines.push(Line { pieces, ..Line::default() });
    }

    /// A line with something at its right edge, when there is room for both.
    pub fn line_with(&mut self, pieces: Vec<Piece>, right: Piece) {
        self.lines.push(Line { pieces, right: Some(right), ..Line::default() });
    }

    /// The text in as many lines as it takes, each `indent` columns in.
    pub fn text(&mut self, indent: u16, text: &str, style: Style) {
        for line in hostile::wrap(text, self.width.saturating_sub(indent), MAX_WRAPPED) {
            self.lines.push(Line { indent, pieces: vec![Piece::new(line, style)], ..Line::default() });
        }
    }

    /// A sign or a bullet, then the text, later lines under the text's beginning.
    pub fn item(&mut self, sign: Piece, text: &str, style: Style) {
        let indent = sign.width();
        let lines = hostile::wrap(text, self.width.saturating_sub(indent), MAX_WRAPPED);
        let mut sign = Some(sign);
        for line in lines {
            let piece = Piece::new(line, style);
            match sign.take() {
                Some(sign) => self.lines.push(Line { pieces: vec![sign, piece], ..Line::default() }),
                None => self.lines.push(Line { indent, pieces: vec![piece], ..Line::default() }),
            }
        }
    }

    /// A name and its value, the values one under the other.
    pub fn pair(&mut self, name: &str, columns: u16, value: &str, styles: (Style, Style)) {
        let pad = usize::from(columns.saturating_sub(hostile::width(name)).max(1));
        self.item(Piece::new(format!("{name}{}", " ".repeat(pad)), styles.0), value, styles.1);
    }

    /// Lays a style over the first line: the cursor.
    pub fn over_first(&mut self, style: Style) {
        if let Some(line) = self.lines.first_mut() {
            line.over = Some(style);
        }
    }

    /// Lays a style over every line from `from` on: acknowledged, stale.
    pub fn over_from(&mut self, from: usize, style: Style) {
        for line in self.lines.iter_mut().skip(from) {
            for piece in &mut line.pieces {
                piece.style = piece.style.patch(style);
            }
        }
    }

    pub fn append(&mut self, mut other: Prose) {
        self.lines.append(&mut other.lines);
    }

    /// Says that the text goes on behind the last line: what is below is not counted then.
    pub fn goes_on(&mut self) {
        self.unfinished = true;
    }

    /// Draws the lines from `first` on, or from where the last of them still fills the area; the last row says
    /// so when there are more. Answers where it began.
    pub fn draw(&self, ink: &mut Ink<'_>, area: Rect, first: usize) -> usize {
        let height = usize::from(area.height);
        let first = first.min(self.lines.len().saturating_sub(height));
        for (n, line) in self.lines.iter().skip(first).take(height).enumerate() {
            let y = area.y + n as u16;
            let room = area.width.saturating_sub(line.indent);
            let right = line.right.as_ref().map_or(0, Piece::width);
            let fits = right > 0 && right + 8 <= room;
            let left = if fits { room - right - 1 } else { room };
            ink.pieces(area.x + line.indent, y, left, &line.pieces);
            if let (true, Some(piece)) = (fits, &line.right) {
                ink.text_right(area.x, y, area.width, &piece.text, piece.style);
            }
            if let Some(style) = line.over {
                ink.restyle(Rect::new(area.x, y, area.width, 1), style);
            }
        }
        let below = self.lines.len() - (first + height).min(self.lines.len());
        if below > 0 && height > 1 {
            let y = area.bottom() - 1;
            let text = if self.unfinished { " ↓ more ".to_owned() } else { format!(" ↓ {} more ", below + 1) };
            ink.across(area.x, y, area.width, ' ', ink.theme.plain());
            ink.text(area.x, y, area.width, &text, ink.theme.dim());
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::dump;

    #[test]
    fn what_does_not_fit_is_said_to_be_there() {
        let text = dump::drawn(20, 3, |ink, area| {
            let mut prose = Prose::new(area.width);
            prose.item(Piece::new("→ ", Style::new()), "one two three four five", Style::new());
            prose.text(3, "last", Style::new());
            prose.line_with(vec![Piece::new("left", Style::new())], Piece::new("right", Style::new()));
            prose.draw(ink, area, 0);
        });
        assert_eq!(text, "→ one two three four\n  five\n ↓ 2 more");
    }
}
