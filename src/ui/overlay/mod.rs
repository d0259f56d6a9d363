//! What lies over a screen: one file each. The last overlay has the keys and is the one drawn.

mod candidates;
mod card;
mod choice;
mod edited;
mod editor;
mod help;
mod leave;
mod message;
mod palette;
mod picker;
mod prompt;
pub(in crate::ui) mod toast;
mod tried;
mod tune;

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::Console;
use crate::console::key::Line;
use crate::console::overlay::Overlay;
use crate::ui::widget::ink::Ink;
use crate::ui::widget::pane::{Frame, centred};

/// Answers the line that the text of the one on top begins with, where it can be scrolled.
pub(in crate::ui) fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) -> Option<usize> {
    match console.overlay()? {
        Overlay::Help { scroll } => return Some(help::draw(ink, area, console, *scroll)),
        Overlay::Card(card) => return Some(card::draw(ink, area, console, card)),
        Overlay::Message(view) => return Some(message::draw(ink, area, console, view)),
        Overlay::Edited(view) => return Some(edited::draw(ink, area, view)),
        Overlay::Tried(tried) => return Some(tried::draw(ink, area, console, tried)),
        Overlay::Palette(palette) => palette::draw(ink, area, console, palette),
        Overlay::Picker(picker) => picker::draw(ink, area, console, picker),
        Overlay::Tune(form) => return tune::draw(ink, area, console, form),
        Overlay::Choice(choice) => choice::draw(ink, area, choice),
        Overlay::Prompt(prompt) => prompt::draw(ink, area, prompt),
        Overlay::Editor(editor) => editor::draw(ink, area, editor),
        Overlay::Leave { running } => leave::draw(ink, area, console, *running),
    }
    None
}

/// A framed sheet in the middle, what lies under it cleared; answers its inside.
fn sheet(ink: &mut Ink<'_>, area: Rect, size: (u16, u16), frame: &Frame) -> Rect {
    // A sheet nearly as large as the screen takes all of it: no slivers of what lies under it.
    let width = sheet_width(area, size.0);
    let height = if size.1 + 3 > area.height { area.height } else { size.1 };
    let place = centred(area, width, height);
    ink.clear(place);
    let inside = frame.clone().focused(true).draw(ink, place);
    // A column of air at either side, as text that is read wants it.
    crate::ui::widget::pane::padded(inside, 1)
}

/// The width a sheet that wants `width` gets.
fn sheet_width(area: Rect, width: u16) -> u16 {
    if width + 8 > area.width { area.width } else { width }
}

/// The text, in a field of `width` columns with the cursor in it when it has the keys.
fn field(ink: &mut Ink<'_>, x: u16, y: u16, width: u16, line: &Line, focused: bool) {
    let style: Style = ink.theme.field();
    ink.across(x, y, width, ' ', style);
    // A text longer than its field is shown from its end, where it is being typed.
    let skip = line.cursor().saturating_sub(usize::from(width.saturating_sub(1)));
    let shown: String = line.text().chars().skip(skip).collect();
    ink.text(x, y, width, &shown, style);
    if focused {
        let before: String = line.text().chars().take(line.cursor()).skip(skip).collect();
        let at = crate::ui::widget::hostile::width(&before).min(width.saturating_sub(1));
        ink.restyle(Rect::new(x + at, y, 1, 1), ink.theme.selected());
    }
}
