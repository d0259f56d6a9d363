//! A line that says how far long work has come: `███████░░░  1,200 of ~3,000`.

use ratatui::style::Style;

use crate::ui::widget::ink::Ink;

const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Draws a bar of `width` columns filled by `share` (0–1); `None` is drawn as unknown.
pub fn draw(ink: &mut Ink<'_>, x: u16, y: u16, width: u16, share: Option<f64>, style: Style) {
    let dim = ink.theme.dim();
    let Some(share) = share.filter(|share| share.is_finite()) else {
        ink.across(x, y, width, '░', dim);
        return;
    };
    let eighths = (share.clamp(0.0, 1.0) * f64::from(width) * 8.0).floor() as u32;
    let full = u16::try_from(eighths / 8).unwrap_or(width).min(width);
    ink.across(x, y, full, '█', style);
    if full < width {
        ink.across(x + full, y, width - full, '░', dim);
        // Less than one whole work is never drawn as done, nor any work begun as none.
        if !eighths.is_multiple_of(8) {
            ink.set(x + full, y, EIGHTHS[(eighths % 8) as usize], style);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;
    use crate::ui::theme::Theme;

    fn drawn(share: Option<f64>) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        draw(&mut Ink::new(&mut buf, Theme::new(false)), 0, 0, 4, share, Style::new());
        buf.content.iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn only_finished_work_fills_the_bar() {
        assert_eq!(drawn(Some(0.5)), "██░░");
        assert_eq!(drawn(Some(0.999)), "███▉");
        assert_eq!(drawn(Some(1.0)), "████");
        assert_eq!(drawn(None), "░░░░");
        assert_eq!(drawn(Some(f64::NAN)), "░░░░");
    }
}
