//! What to watch: name prefixes with what they hold, or everything.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::picker::{Names, Picker};
use crate::ui::overlay::{field, sheet, sheet_width};
use crate::ui::widget::figure::{self, MISSING};
use crate::ui::widget::ink::Ink;
use crate::ui::widget::pane::{Frame, split_top};
use crate::ui::widget::table::{Cell, Column, Row, Table};

const WIDTH: u16 = 96;
const COLUMNS: [Column; 4] = [
    Column::new("scope", 24, 0).grow(1),
    Column::new("queues", 7, 0).right(),
    Column::new("consumers", 9, 0).right(),
    Column::new("", 20, 2).grow(1),
];

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, picker: &Picker) {
    let width = sheet_width(area, WIDTH);
    let rows = u16::try_from(picker.rows().len()).unwrap_or(u16::MAX).clamp(3, 20);
    let inside = sheet(ink, area, (width, rows + 9), &Frame::new("What to watch", ink));
    let (head, rest) = split_top(inside, 2);
    let (line, rest) = split_top(rest, 2);
    let (list, help) = split_top(rest, rest.height.saturating_sub(2));
    let theme = ink.theme;
    let names = console.names.as_ref();
    let (queues, mappings) = names.map(|names| (names.queues.len(), names.mappings.len())).unwrap_or_default();
    let large = names.is_some_and(Names::is_large);
    let head_text = format!(
        "{} and {} here{}.",
        figure::plural(queues as u64, "queue", "queues"),
        figure::plural(mappings as u64, "consumer", "consumers"),
        if large { ": more than one screen shows" } else { "" }
    );
    ink.text(head.x, head.y, head.width, &head_text, theme.plain());
    ink.text(line.x, line.y, 2, "/ ", theme.key());
    field(ink, line.x + 2, line.y, line.width.saturating_sub(2), &picker.line, true);
    let table = Table {
        columns: &COLUMNS,
        len: picker.rows().len(),
        selected: Some(picker.row),
        focused: true,
        empty: "no such group; enter watches what is called so at the beginning",
    };
    let count = |count: Option<usize>| count.map_or(MISSING.to_owned(), |count| figure::count(count as u64));
    table.draw(ink, list, |n| {
        let Some(offer) = picker.rows().nth(n) else { return Row::default() };
        let cells = vec![
            Cell::new(offer.label.clone(), theme.bold()),
            Cell::new(count(offer.queues), theme.plain()),
            Cell::new(count(offer.consumers), theme.plain()),
            Cell::new(offer.note.clone(), theme.dim()),
        ];
        Row { cells, dim: false }
    });
    let keys = if picker.may_leave {
        "type to narrow · enter watch · esc leave it"
    } else {
        "type to narrow · enter watch"
    };
    ink.text(help.x, help.bottom().saturating_sub(1), help.width, keys, theme.dim());
}
