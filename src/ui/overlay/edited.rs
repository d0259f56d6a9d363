//! What an edit would change, on a sample: lines that go with `-`, lines that come with `+`.

use ratatui::layout::Rect;

use crate::console::editor::EditView;
use crate::model::difference::Side;
use crate::model::finding::Severity;
use crate::model::plan::BY_HAND;
use crate::operation::progress::grouped;
use crate::ui::overlay::{sheet, sheet_width};
use crate::ui::theme::Theme;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 104;

pub fn draw(ink: &mut Ink<'_>, area: Rect, view: &EditView) -> usize {
    let width = sheet_width(area, WIDTH);
    let count = view.edits.bodies.len() as u64;
    let noun = if count == 1 { "message" } else { "messages" };
    let frame = Frame::new(format!("Would change {} {noun} of {}", grouped(count), view.queue), ink)
        .note(if count == 1 { "c tries it, enter is the card" } else { "nothing is sent before the card" });
    let prose = told(ink.theme, view, width - 4);
    let rows = u16::try_from(prose.len() + 2).unwrap_or(u16::MAX);
    let inside = sheet(ink, area, (width, rows), &frame);
    prose.draw(ink, inside, view.scroll)
}

fn told(theme: Theme, view: &EditView, width: u16) -> Prose {
    let edits = &view.edits;
    let mut prose = Prose::new(width);
    if view.how != BY_HAND {
        prose.text(0, &format!("by jq: {}", view.how), theme.plain());
    }
    if edits.unchanged > 0 {
        let line = format!("{} stay as they are and are not redriven", grouped(edits.unchanged));
        prose.item(Piece::new("○ ", theme.severity(Severity::Note)), &line, theme.plain());
    }
    for (why, count) in edits.reasons().into_iter().take(REASONS) {
        let line = format!("{} cannot be edited and are not redriven: {why}", grouped(count));
        prose.item(Piece::new("▲ ", theme.severity(Severity::Warning)), &line, theme.plain());
    }
    let count = edits.bodies.len();
    for (n, sample) in edits.samples.iter().enumerate() {
        if !prose.is_empty() {
            prose.blank();
        }
        let place = if count > 1 { format!(" · sample {} of {}", n + 1, edits.samples.len()) } else { String::new() };
        prose.text(0, &format!("{}{place}", sample.id), theme.bold());
        for (side, line) in &sample.lines {
            let style = match side {
                Side::Both | Side::Gap => theme.dim(),
                Side::Before | Side::After => theme.plain(),
            };
            prose.item(Piece::new(side.sign(), style), line, style);
        }
    }
    prose
}

/// Reasons shown why some cannot be edited.
const REASONS: usize = 3;
