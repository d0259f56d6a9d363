//! One line asked for: the digits that arm writes, a note beside an acknowledgement.

use ratatui::layout::Rect;

use crate::console::overlay::{Prompt, Purpose};
use crate::model::finding::Severity;
use crate::ui::overlay::{field, sheet, sheet_width};
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 76;

pub fn draw(ink: &mut Ink<'_>, area: Rect, prompt: &Prompt) {
    let width = sheet_width(area, WIDTH);
    let theme = ink.theme;
    let mut prose = Prose::new(width - 4);
    prose.text(0, &prompt.hint, theme.plain());
    if let Some(wrong) = &prompt.wrong {
        prose.item(Piece::new("✖ ", theme.severity(Severity::Harm)), wrong, theme.plain());
    }
    let rows = u16::try_from(prose.len()).unwrap_or(u16::MAX);
    let inside = sheet(ink, area, (width, rows.saturating_add(4)), &Frame::new(prompt.title.clone(), ink));
    prose.draw(ink, Rect::new(inside.x, inside.y, inside.width, inside.height.saturating_sub(2)), 0);
    let columns = match prompt.purpose {
        // The name of a context, where the account's digits are not enough.
        Purpose::Arm if prompt.hint.contains("protected") => 42.min(inside.width),
        Purpose::Arm => 6,
        Purpose::Acknowledge { .. } | Purpose::Edit { .. } | Purpose::Export { .. } | Purpose::Note { .. } => {
            inside.width
        }
    };
    field(ink, inside.x, inside.bottom().saturating_sub(1), columns, &prompt.line, true);
}
