//! News that go away by themselves, in the lower right corner, newest at the bottom.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::ui::widget::hostile;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 64;
/// Lines of one toast; its whole text is in the journal.
const LINES: usize = 4;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    if console.toasts.is_empty() {
        return;
    }
    let theme = ink.theme;
    let widest = console.toasts.iter().map(|toast| hostile::width(&toast.text)).max().unwrap_or(0);
    let width = (widest + 6).min(WIDTH).min(area.width.saturating_sub(2));
    let mut prose = Prose::new(width.saturating_sub(4));
    for toast in &console.toasts {
        let sign = Piece::new(format!("{} ", toast.severity), theme.severity(toast.severity));
        let text = hostile::wrap(&toast.text, width.saturating_sub(6), LINES).join("\n");
        let mut sign = Some(sign);
        for line in text.lines() {
            let sign = sign.take().unwrap_or_else(|| Piece::new("  ", theme.plain()));
            prose.line(vec![sign, Piece::new(line, theme.plain())]);
        }
    }
    let height = u16::try_from(prose.len() + 2).unwrap_or(u16::MAX).min(area.height / 2);
    let place = Rect::new(area.right().saturating_sub(width + 1), area.bottom() - height, width, height);
    ink.clear(place);
    let inside = Frame::default().focused(true).draw(ink, place);
    let inside = crate::ui::widget::pane::padded(inside, 1);
    let first = prose.len().saturating_sub(usize::from(inside.height));
    prose.draw(ink, inside, first);
}
