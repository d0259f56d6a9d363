//! Commands by name: what is typed, what matches, its keys and its help line.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::command;
use crate::console::overlay::Palette;
use crate::ui::overlay::{field, sheet, sheet_width};
use crate::ui::widget::ink::Ink;
use crate::ui::widget::pane::{Frame, split_top};
use crate::ui::widget::table::{Cell, Column, Row, Table};

const WIDTH: u16 = 92;
const COLUMNS: [Column; 3] =
    [Column::new("command", 16, 0), Column::new("keys", 13, 1), Column::new("", 24, 2).grow(1)];

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, palette: &Palette) {
    let width = sheet_width(area, WIDTH);
    let rows = u16::try_from(palette.found.len()).unwrap_or(u16::MAX).clamp(3, 16);
    let inside = sheet(ink, area, (width, rows + 7), &Frame::new("Command", ink));
    let (line, rest) = split_top(inside, 2);
    let (list, help) = split_top(rest, rest.height.saturating_sub(2));
    let theme = ink.theme;
    ink.text(line.x, line.y, 2, ": ", theme.key());
    field(ink, line.x + 2, line.y, line.width.saturating_sub(2), &palette.line, true);
    let table = Table {
        columns: &COLUMNS,
        len: palette.found.len(),
        selected: Some(palette.row),
        focused: true,
        empty: "no command of that name",
    };
    table.draw(ink, list, |n| {
        let Some(command) = palette.found.get(n).and_then(|name| command::by_name(name)) else { return Row::default() };
        let may = !command.writes || console.may_write();
        let help = if may {
            command.help.to_owned()
        } else {
            format!("{} (read-only: {} arms)", command.help, console.key_of("arm"))
        };
        let cells = vec![
            Cell::new(command.name, theme.bold()),
            Cell::new(console.options.keymap.text(command), theme.plain()),
            Cell::new(help, theme.plain()),
        ];
        Row { cells, dim: !may }
    });
    // A help line is longer than its column where it is narrow: the chosen one is told in full.
    if let Some(command) = palette.found.get(palette.row).and_then(|name| command::by_name(name)) {
        ink.text(help.x, help.bottom().saturating_sub(1), help.width, command.help, theme.plain());
    }
}
