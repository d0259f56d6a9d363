//! A body being edited: the text, the cursor in it, and why it is not taken.

use ratatui::layout::Rect;

use crate::console::editor::Editor;
use crate::model::finding::Severity;
use crate::ui::overlay::sheet;
use crate::ui::widget::hostile;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

pub fn draw(ink: &mut Ink<'_>, area: Rect, editor: &Editor) {
    let title = format!("Edit {} of {}", editor.message.id, editor.queue);
    let frame = Frame::new(title, ink).note("nothing is sent before the card");
    let inside = sheet(ink, area, (area.width, area.height), &frame);
    let mut wrong = Prose::new(inside.width);
    if let Some(why) = &editor.wrong {
        wrong.item(Piece::new("✖ ", ink.theme.severity(Severity::Harm)), why, ink.theme.plain());
    }
    let rows = u16::try_from(wrong.len()).unwrap_or(u16::MAX).min(inside.height / 2);
    let height = inside.height - rows;
    wrong.draw(ink, Rect::new(inside.x, inside.y + height, inside.width, rows), 0);
    let (row, column) = editor.text.cursor();
    let first = (row + 1).saturating_sub(usize::from(height));
    for (n, line) in editor.text.lines().iter().skip(first).take(usize::from(height)).enumerate() {
        let y = inside.y + n as u16;
        let has_cursor = first + n == row;
        // The line that is typed in is shown around the cursor, the others from their beginning.
        let skip = if has_cursor { column.saturating_sub(usize::from(inside.width.saturating_sub(1))) } else { 0 };
        let shown: String = line.chars().skip(skip).take(usize::from(inside.width)).collect();
        ink.text(inside.x, y, inside.width, &shown, ink.theme.plain());
        if has_cursor {
            let before: String = line.chars().take(column).skip(skip).collect();
            let at = hostile::width(&before).min(inside.width.saturating_sub(1));
            ink.restyle(Rect::new(inside.x + at, y, 1, 1), ink.theme.selected());
        }
    }
}
