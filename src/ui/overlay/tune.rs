//! The form of new settings: what is in force, what may be, and why a value would be refused.

use ratatui::layout::Rect;

use crate::console::key::Line;
use crate::console::overlay::TuneForm;
use crate::model::finding::Severity;
use crate::ui::overlay::{field, sheet, sheet_width};
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 92;
/// The longest name of a setting, and a sign before it.
const NAMES: u16 = 33;
const FIELD: u16 = 8;

pub fn draw(ink: &mut Ink<'_>, area: Rect, form: &TuneForm) {
    let width = sheet_width(area, WIDTH);
    let theme = ink.theme;
    let mut problems = Prose::new(width - 4);
    for problem in &form.problems {
        problems.item(Piece::new("✖ ", theme.severity(Severity::Harm)), problem, theme.plain());
    }
    let state = if form.enabled { "" } else { " (stopped)" };
    let frame = Frame::new(format!("Tune {}{state}", form.name), ink).note("nothing is sent before the card");
    let rows = u16::try_from(form.fields.len() + problems.len() + 5).unwrap_or(u16::MAX);
    let inside = sheet(ink, area, (width, rows.saturating_add(2)), &frame);
    for (n, entry) in form.fields.iter().enumerate() {
        let y = inside.y + 1 + n as u16;
        if y >= inside.bottom() {
            return;
        }
        let focused = form.focus == n;
        let sign = if focused { "▶ " } else { "  " };
        let style = if focused { theme.bold() } else { theme.plain() };
        ink.text(inside.x, y, NAMES, &format!("{sign}{}", entry.tunable.label()), style);
        let mut x = inside.x + NAMES;
        let line: &Line = &entry.line;
        field(ink, x, y, FIELD, line, focused);
        x += FIELD + 1;
        let was = if entry.is_changed() { format!("was {}", figure::or_missing(entry.was)) } else { String::new() };
        ink.text(x, y, inside.right().saturating_sub(x), &was, theme.bold());
    }
    let hint = form.fields.get(form.focus).map_or("", |field| field.tunable.hint());
    ink.text(inside.x + 2, inside.y + 2 + form.fields.len() as u16, inside.width - 2, hint, theme.dim());
    let top = 4 + form.fields.len() as u16;
    if inside.height > top {
        problems.draw(ink, Rect::new(inside.x, inside.y + top, inside.width, inside.height - top), 0);
    }
}
