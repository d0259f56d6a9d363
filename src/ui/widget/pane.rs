//! Frames and the cutting of rectangles. Plain arithmetic: a constraint solver would cost more than
//! everything else in a frame.

use ratatui::layout::Rect;

use crate::ui::widget::hostile;
use crate::ui::widget::ink::{Ink, Piece};

/// What stands in a pane's border.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    pub title: Vec<Piece>,
    /// Right in the top border: ages, counts; the first that fits, or none.
    pub notes: Vec<String>,
    pub focused: bool,
}

impl Frame {
    pub fn new(title: impl Into<String>, ink: &Ink<'_>) -> Self {
        Frame { title: vec![Piece::new(title, ink.theme.bold())], notes: Vec::new(), focused: false }
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// Draws the border and answers the inside.
    pub fn draw(&self, ink: &mut Ink<'_>, area: Rect) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        let style = if self.focused { ink.theme.border_focused() } else { ink.theme.border() };
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        ink.across(area.x, area.y, area.width, '─', style);
        ink.across(area.x, bottom, area.width, '─', style);
        for y in area.y + 1..bottom {
            ink.set(area.x, y, '│', style);
            ink.set(right, y, '│', style);
        }
        for (x, y, c) in [(area.x, area.y, '┌'), (right, area.y, '┐'), (area.x, bottom, '└'), (right, bottom, '┘')]
        {
            ink.set(x, y, c, style);
        }
        self.titles(ink, area);
        inside(area)
    }

    /// Draws the title and note into a rule that parts two stacked panes: `├ title ───┤`.
    pub fn rule(&self, ink: &mut Ink<'_>, x: u16, y: u16, width: u16) {
        let style = ink.theme.border();
        ink.across(x, y, width, '─', style);
        ink.set(x, y, '├', style);
        ink.set((x + width).saturating_sub(1), y, '┤', style);
        self.titles(ink, Rect::new(x, y, width, 1));
    }

    fn titles(&self, ink: &mut Ink<'_>, area: Rect) {
        let room = area.width.saturating_sub(4);
        let plain = ink.theme.plain();
        let mut used = 0;
        if !self.title.is_empty() && room > 0 {
            ink.text(area.x + 1, area.y, 1, " ", plain);
            used = ink.pieces(area.x + 2, area.y, room, &self.title);
            if used < room {
                ink.text(area.x + 2 + used, area.y, 1, " ", plain);
            }
        }
        let fitting =
            self.notes.iter().map(|text| (text, hostile::width(text))).find(|(_, note)| used + note + 3 <= room);
        if let Some((text, note)) = fitting.filter(|(_, note)| *note > 0) {
            let x = area.right() - 3 - note;
            let style = ink.theme.dim();
            ink.text(x, area.y, 1, " ", plain);
            ink.text(x + 1, area.y, note, text, style);
            ink.text(x + 1 + note, area.y, 1, " ", plain);
        }
    }
}

/// The inside of a border.
pub fn inside(area: Rect) -> Rect {
    Rect::new(
        area.x + 1.min(area.width),
        area.y + 1.min(area.height),
        area.width.saturating_sub(2),
        area.height.saturating_sub(2),
    )
}

/// `area` without `n` columns of air at either side.
pub fn padded(area: Rect, n: u16) -> Rect {
    if area.width <= 2 * n {
        return area;
    }
    Rect::new(area.x + n, area.y, area.width - 2 * n, area.height)
}

/// The upper `height` rows, and the rest.
pub fn split_top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (
        Rect::new(area.x, area.y, area.width, height),
        Rect::new(area.x, area.y + height, area.width, area.height - height),
    )
}

/// The left `width` columns, and the rest.
pub fn split_left(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (Rect::new(area.x, area.y, width, area.height), Rect::new(area.x + width, area.y, area.width - width, area.height))
}

/// A rectangle of at most `width` × `height` in the middle of `area`.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}

/// The row `n` of an area, if it has one.
pub fn row(area: Rect, n: u16) -> Option<Rect> {
    (n < area.height).then(|| Rect::new(area.x, area.y + n, area.width, 1))
}

/// The first row a list shows: the cursor stays in view and moves the list only near its ends.
pub fn first_row(selected: usize, len: usize, height: usize) -> usize {
    if height == 0 || len <= height {
        return 0;
    }
    selected.saturating_sub(height / 2).min(len - height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_cursor_in_view_and_fills_its_rows() {
        assert_eq!(first_row(0, 100, 10), 0);
        assert_eq!(first_row(50, 100, 10), 45);
        assert_eq!(first_row(99, 100, 10), 90);
        assert_eq!(first_row(3, 5, 10), 0);
        assert_eq!(first_row(3, 5, 0), 0);
    }

    #[test]
    fn rectangles_never_leave_their_area() {
        let area = Rect::new(3, 2, 10, 4);
        assert_eq!(split_top(area, 9), (area, Rect::new(3, 6, 10, 0)));
        assert_eq!(split_left(area, 4), (Rect::new(3, 2, 4, 4), Rect::new(7, 2, 6, 4)));
        assert_eq!(centred(area, 40, 2), Rect::new(3, 3, 10, 2));
        assert_eq!(inside(Rect::new(0, 0, 1, 1)).area(), 0);
    }
}
