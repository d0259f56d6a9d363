//! The form of new settings: what is in force, what may be, why a value would be refused, and for a
//! stream consumer what each setting would do.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::key::Line;
use crate::console::overlay::{Tunable, TuneForm};
use crate::model::finding::Severity;
use crate::model::time::spoken;
use crate::ui::overlay::{candidates, field, sheet, sheet_width};
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 92;
/// The longest name of a setting, and a sign before it.
const NAMES: u16 = 33;
const FIELD: u16 = 8;
/// Of a queue's name.
const NAME_FIELD: u16 = 24;

/// Answers the line that the assumptions begin with, where they are shown.
pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, form: &TuneForm) -> Option<usize> {
    let width = sheet_width(area, WIDTH);
    let theme = ink.theme;
    let mut problems = Prose::new(width - 4);
    for problem in &form.problems {
        problems.item(Piece::new("✖ ", theme.severity(Severity::Harm)), problem, theme.plain());
    }
    let rehearsing = console.rehearsals.get(&form.mapping);
    let foretold = rehearsing.map_or(0, |_| candidates::rows(rehearsing, form, width - 4, theme));
    let state = if form.enabled { "" } else { " (stopped)" };
    let frame = Frame::new(format!("Tune {}{state}", form.name), ink).note("nothing is sent before the card");
    let fields = form.fields.len() as u16;
    let rows = fields + u16::try_from(problems.len()).unwrap_or(u16::MAX) + 3;
    let inside = sheet(ink, area, (width, rows.saturating_add(foretold).saturating_add(2)), &frame);
    for (n, entry) in form.fields.iter().enumerate() {
        let y = inside.y + n as u16;
        if y >= inside.bottom() {
            return None;
        }
        let focused = form.focus == n;
        let sign = if focused { "▶ " } else { "  " };
        let style = if focused { theme.bold() } else { theme.plain() };
        ink.text(inside.x, y, NAMES, &format!("{sign}{}", entry.tunable.label()), style);
        let mut x = inside.x + NAMES;
        let line: &Line = &entry.line;
        let width = if entry.tunable == Tunable::OnFailure { NAME_FIELD } else { FIELD };
        field(ink, x, y, width, line, focused);
        x += width + 1;
        let was = match unread(form, entry.tunable) {
            Some(why) => why.to_owned(),
            None if entry.is_changed() => format!("was {}", figure::or_missing(entry.was.as_ref())),
            None => String::new(),
        };
        ink.text(x, y, inside.right().saturating_sub(x), &was, theme.bold());
    }
    let hint = form.fields.get(form.focus).map_or("enter takes this setting to its card", |field| field.tunable.hint());
    let hint_width = ink.text(inside.x + 2, inside.y + fields, inside.width - 2, hint, theme.dim());
    let after = form.revert_after_s.map_or("b put back later: off".to_owned(), |s| {
        format!("b put back after {}, while this runs", spoken(i64::from(s) * 1000))
    });
    let after = if form.shelf.is_empty() { after } else { format!("m more settings · {after}") };
    let room = inside.width.saturating_sub(hint_width + 4);
    let style = if form.revert_after_s.is_some() { theme.bold() } else { theme.dim() };
    ink.text_right(inside.x + hint_width + 4, inside.y + fields, room, &after, style);
    let mut top = fields + 1;
    let height = u16::try_from(problems.len()).unwrap_or(u16::MAX).min(inside.height.saturating_sub(top));
    problems.draw(ink, Rect::new(inside.x, inside.y + top, inside.width, height), 0);
    top += height;
    // A line of air where there is room for one.
    top += u16::from(inside.height > top + foretold);
    if inside.height > top {
        let rest = Rect::new(inside.x, inside.y + top, inside.width, inside.height - top);
        return Some(candidates::draw(ink, rest, rehearsing, form));
    }
    None
}

/// Why there is nothing in this field that could be changed.
fn unread(form: &TuneForm, tunable: Tunable) -> Option<&str> {
    if tunable != Tunable::Reserve {
        return None;
    }
    match &form.reserve {
        None => Some("being read"),
        Some(reading) => reading.reserve.as_ref().err().map(String::as_str),
    }
}
