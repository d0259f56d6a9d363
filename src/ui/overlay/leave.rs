//! Something runs: leave all the same? Says what becomes of each.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::operation::progress::Kind;
use crate::ui::overlay::{sheet, sheet_width};
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 84;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, running: usize) {
    let width = sheet_width(area, WIDTH);
    let theme = ink.theme;
    let mut prose = Prose::new(width - 4);
    for operation in console.running() {
        prose.item(Piece::new("▶ ", theme.bold()), &operation.title, theme.bold());
        let fate = match operation.kind {
            Kind::MoveAll => "goes on in AWS without this console",
            Kind::Scan => "stops; what is held is given back",
            Kind::Redrive | Kind::Drop => "stops; what is held is given back, and the journal knows how far it came",
            Kind::Restore => "stops; the journal knows how far it came",
            Kind::Rescue => "stops behind the records that are under way; the other pointers stay where they are",
            Kind::Rerun => "stops; what is under way is not waited for, and the journal knows how far it came",
            Kind::Trial => "the function runs on; its answer is not waited for, and the message stays where it is",
            Kind::Retune if operation.is_holding() => {
                "it stays as it is; opened again, redrive asks whether to put it back"
            }
            Kind::Retune => "Lambda finishes it; nobody watches whether it helps",
        };
        prose.text(2, fate, theme.plain());
    }
    prose.blank();
    prose.line(vec![Piece::new("[ enter: leave ]", theme.button_focused()), Piece::new("   esc: stay", theme.plain())]);
    let title = format!("Leave while {} running?", figure::plural(running as u64, "operation is", "operations are"));
    let rows = u16::try_from(prose.len() + 2).unwrap_or(u16::MAX);
    let inside = sheet(ink, area, (width, rows), &Frame::new(title, ink));
    prose.draw(ink, inside, 0);
}
