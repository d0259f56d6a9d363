//! A question with a few answers. One that cannot be chosen says why.

use ratatui::layout::Rect;

use crate::console::overlay::Choice;
use crate::ui::overlay::{sheet, sheet_width};
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 84;

pub fn draw(ink: &mut Ink<'_>, area: Rect, choice: &Choice) {
    let width = sheet_width(area, WIDTH);
    let theme = ink.theme;
    let mut prose = Prose::new(width - 4);
    let mut selected = 0;
    for (n, option) in choice.options.iter().enumerate() {
        let mut block = Prose::new(width - 4);
        let style = if option.off.is_some() { theme.dim() } else { theme.bold() };
        block.item(Piece::new(format!("{} ", n + 1), theme.key()), &option.label, style);
        if n == choice.row {
            selected = prose.len();
            block.over_first(theme.selected());
        }
        if !option.detail.is_empty() {
            block.text(2, &option.detail, theme.plain());
        }
        if let Some(why) = &option.off {
            block.text(2, &format!("not now: {why}"), theme.plain());
        }
        prose.append(block);
    }
    let rows = u16::try_from(prose.len() + 2).unwrap_or(u16::MAX);
    let inside = sheet(ink, area, (width, rows), &Frame::new(choice.title.clone(), ink));
    let first = (selected + 4).saturating_sub(usize::from(inside.height));
    prose.draw(ink, inside, first);
}
