//! A list of rows in columns. Virtual: it asks only for the rows in view, so that a hundred thousand
//! dead letters cost as much as forty. Columns leave by priority when it gets narrow, so that the
//! answer is read first at 80 columns.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::ui::widget::hostile;
use crate::ui::widget::ink::Ink;
use crate::ui::widget::pane::{first_row, split_top};

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// Columns it needs to be worth drawing.
    pub width: u16,
    /// 0 stays longest.
    pub priority: u8,
    /// Takes what is left over, in proportion.
    pub grow: u16,
    pub right: bool,
}

impl Column {
    pub const fn new(title: &'static str, width: u16, priority: u8) -> Self {
        Column { title, width, priority, grow: 0, right: false }
    }

    #[must_use]
    pub const fn right(mut self) -> Self {
        self.right = true;
        self
    }

    #[must_use]
    pub const fn grow(mut self, share: u16) -> Self {
        self.grow = share;
        self
    }
}

/// One cell's text.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    pub text: String,
    pub style: Style,
}

impl Cell {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Cell { text: text.into(), style }
    }
}

/// What a row looks like as a whole.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// In the order of the columns; a missing cell is empty.
    pub cells: Vec<Cell>,
    /// Dimmed: stale, or not to be chosen.
    pub dim: bool,
}

#[derive(Debug)]
pub struct Table<'a> {
    pub columns: &'a [Column],
    pub len: usize,
    pub selected: Option<usize>,
    /// The keys go to this table: its cursor is drawn in reverse, else underlined.
    pub focused: bool,
    /// Said in place of rows when there are none.
    pub empty: &'a str,
}

const GAP: u16 = 2;

impl Table<'_> {
    /// Draws the heading and the rows in view; `row` is asked for those only.
    pub fn draw(&self, ink: &mut Ink<'_>, area: Rect, mut row: impl FnMut(usize) -> Row) {
        let (head, body) = split_top(area, 1);
        let places = places(self.columns, area.width);
        let dim = ink.theme.dim();
        for (column, x, width) in &places {
            let Some(column) = self.columns.get(*column) else { continue };
            cell(ink, area.x + x, head.y, *width, column.title, dim, column.right);
        }
        if self.len == 0 {
            for (n, line) in hostile::wrap(self.empty, body.width, usize::from(body.height)).iter().enumerate() {
                ink.text(body.x, body.y + n as u16, body.width, line, dim);
            }
            return;
        }
        let height = usize::from(body.height);
        let first = first_row(self.selected.unwrap_or(0), self.len, height);
        for (n, index) in (first..self.len).take(height).enumerate() {
            let y = body.y + n as u16;
            let row = row(index);
            for (column, x, width) in &places {
                let (Some(text), Some(column)) = (row.cells.get(*column), self.columns.get(*column)) else { continue };
                let style = if row.dim { text.style.add_modifier(Modifier::DIM) } else { text.style };
                cell(ink, body.x + x, y, *width, &text.text, style, column.right);
            }
            if self.selected == Some(index) {
                let style = if self.focused { ink.theme.selected() } else { ink.theme.field() };
                ink.restyle(Rect::new(body.x, y, body.width, 1), style);
            }
        }
    }
}

fn cell(ink: &mut Ink<'_>, x: u16, y: u16, width: u16, text: &str, style: Style, right: bool) {
    if right {
        ink.text_right(x, y, width, text, style)
    } else {
        ink.text(x, y, width, text, style);
    }
}

/// Which columns fit in `width`, with their place and width, in their own order.
fn places(columns: &[Column], width: u16) -> Vec<(usize, u16, u16)> {
    let mut by_priority: Vec<usize> = (0..columns.len()).collect();
    by_priority.sort_by_key(|at| columns[*at].priority);
    let mut chosen: Vec<usize> = Vec::new();
    let mut used = 0;
    for at in by_priority {
        let wants = columns[at].width + if chosen.is_empty() { 0 } else { GAP };
        if used + wants > width && !chosen.is_empty() {
            break;
        }
        used += wants;
        chosen.push(at);
    }
    chosen.sort_unstable();
    let mut spare = width.saturating_sub(used);
    let mut shares: u16 = chosen.iter().map(|at| columns[*at].grow).sum();
    let mut x = 0;
    let mut placed = Vec::with_capacity(chosen.len());
    for at in chosen {
        let column = &columns[at];
        let extra =
            if shares == 0 { 0 } else { (u32::from(spare) * u32::from(column.grow) / u32::from(shares)) as u16 };
        (spare, shares) = (spare - extra, shares - column.grow);
        let columns = (column.width + extra).min(width.saturating_sub(x));
        placed.push((at, x, columns));
        x += columns + GAP;
    }
    placed
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::ui::theme::Theme;

    const COLUMNS: [Column; 3] =
        [Column::new("queue", 8, 0).grow(1), Column::new("retention", 9, 2), Column::new("ready", 6, 1).right()];

    #[test]
    fn columns_leave_by_priority_and_the_rest_grows() {
        assert_eq!(places(&COLUMNS, 40), [(0, 0, 21), (1, 23, 9), (2, 34, 6)]);
        assert_eq!(places(&COLUMNS, 20), [(0, 0, 12), (2, 14, 6)]);
        assert_eq!(places(&COLUMNS, 6), [(0, 0, 6)]);
        assert_eq!(places(&[], 6), []);
    }

    #[test]
    fn only_rows_in_view_are_asked_for() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 5));
        let mut asked = Vec::new();
        let table = Table { columns: &COLUMNS, len: 100_000, selected: Some(50_000), focused: true, empty: "" };
        table.draw(&mut Ink::new(&mut buf, Theme::new(false)), Rect::new(0, 0, 20, 5), |index| {
            asked.push(index);
            Row { cells: vec![Cell::new(format!("q{index}"), Style::new())], dim: false }
        });
        assert_eq!(asked, [49_998, 49_999, 50_000, 50_001]);
        assert!(buf[(0, 3)].modifier.contains(Modifier::REVERSED), "the cursor is seen");
    }
}
