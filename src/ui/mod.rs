//! Draws a console. Holds no state and decides nothing: what it is given it shows, and what it shows
//! is a function of that alone. Only the rows in view are drawn.
//!
//! ```text
//! ┌ header ──────────────────────────────────────────────────────────┐  header.rs
//! │ ▏SANDBOX · night-shift▕ 10×    ✖ 2 ▲ 1 ○ 3   03:12:41Z   ages, $ │
//! ├ screen ──────────────────────────────────────────────────────────┤  screen/*.rs, one a screen
//! │                                                                  │
//! │              ┌ overlay ───────────────┐                          │  overlay/*.rs, the last one
//! │              │ card, form, help …     │                          │  has the keys
//! │              └────────────────────────┘                          │
//! │                                              ┌ toasts ──────────┐│  overlay/toast.rs
//! ├ standing lines: what runs, what could not be read ───────────────┤  standing.rs
//! │ footer: the keys that help here                                  │  footer.rs
//! └──────────────────────────────────────────────────────────────────┘
//! ```

mod footer;
mod header;
mod overlay;
mod screen;
mod standing;
pub mod theme;
pub mod widget;

#[cfg(test)]
mod alarm_scenes;
#[cfg(test)]
mod dump;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod journal_scene;
#[cfg(test)]
mod large;
#[cfg(test)]
mod log_scene;
#[cfg(test)]
mod posture_scenes;
#[cfg(test)]
mod redaction_scenes;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod rescue_scenes;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod tune_scenes;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::console::Console;
use crate::ui::theme::Theme;
use crate::ui::widget::ink::Ink;
use crate::ui::widget::pane::{centred, split_top};
use crate::ui::widget::prose::Prose;

/// Below this nothing can be read (ux.md, "Rules").
pub const SMALLEST: (u16, u16) = (60, 16);

/// Draws the whole console into the frame. Answers the line that the text of the overlay on top begins with,
/// where it can be scrolled: nobody else knows where its end is.
pub fn draw(frame: &mut Frame<'_>, console: &Console, theme: Theme) -> Option<usize> {
    let area = frame.area();
    draw_into(&mut Ink::new(frame.buffer_mut(), theme), area, console)
}

fn draw_into(ink: &mut Ink<'_>, area: Rect, console: &Console) -> Option<usize> {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!("redrive needs {}×{}; this is {}×{}", SMALLEST.0, SMALLEST.1, area.width, area.height);
        let mut prose = Prose::new(area.width);
        prose.text(0, &text, ink.theme.bold());
        let rows = u16::try_from(prose.len()).unwrap_or(u16::MAX).min(area.height);
        prose.draw(ink, centred(area, area.width, rows), 0);
        return None;
    }
    let (top, rest) = split_top(area, 1);
    let standing = standing::height(console).min(rest.height / 4);
    let (middle, bottom) = split_top(rest, rest.height - 1 - standing);
    let (lines, last) = split_top(bottom, standing);
    header::draw(ink, top, console);
    screen::draw(ink, middle, console);
    standing::draw(ink, lines, console);
    footer::draw(ink, last, console);
    let first = overlay::draw(ink, middle, console);
    overlay::toast::draw(ink, middle, console);
    first
}
