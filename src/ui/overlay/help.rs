//! Help of the screen below: every key of the command table that is valid there, and how to read signs
//! and figures.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::command::{self, Command, Valid};
use crate::model::finding::Severity;
use crate::ui::overlay::{sheet, sheet_width};
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 100;
const KEYS: u16 = 14;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, scroll: usize) -> usize {
    let width = sheet_width(area, WIDTH);
    let theme = ink.theme;
    let place = console.place();
    let all = command::valid_on(place, console.options.sandbox);
    let (here, everywhere): (Vec<&Command>, Vec<&Command>) =
        all.into_iter().partition(|command| matches!(command.valid, Valid::On(_)));
    let mut prose = Prose::new(width - 4);
    let list = |prose: &mut Prose, commands: &[&Command]| {
        for command in commands {
            let writes = if command.writes { " (writes)" } else { "" };
            prose.pair(
                &console.options.keymap.text(command),
                KEYS,
                &format!("{}{writes}", command.help),
                (theme.key(), theme.plain()),
            );
        }
    };
    if let Some(dollars) = console.cost.dollars_per_hour(console.now).filter(|_| !console.options.sandbox) {
        // A narrow header has no room for it.
        let total = console.cost.total();
        prose.text(0, &format!("watching costs ${dollars:.3}/h now, ${total:.2} so far"), theme.dim());
        prose.blank();
    }
    if !here.is_empty() {
        prose.text(0, &format!("on this screen, {}", place.title()), theme.dim());
        list(&mut prose, &here);
        prose.blank();
    }
    prose.text(0, "everywhere", theme.dim());
    list(&mut prose, &everywhere);
    prose.blank();
    prose.text(0, "signs and figures", theme.dim());
    for (severity, text) in [
        (Severity::Harm, "harm is near: loss, an objective missed and getting worse, dead letters arriving"),
        (Severity::Warning, "will be harm unless somebody acts"),
        (Severity::Note, "worth knowing"),
        (Severity::Good, "fine"),
    ] {
        prose.item(Piece::new(format!("{severity} "), theme.severity(severity)), text, theme.plain());
    }
    prose.text(
        0,
        "– not known, never 0 · ~ approximate, as AWS counts · est our own estimate · dimmed: stale",
        theme.plain(),
    );
    prose.text(0, "times are UTC; local time stands beside the header's clock", theme.plain());
    let rows = u16::try_from(prose.len() + 2).unwrap_or(u16::MAX);
    let inside = sheet(ink, area, (width, rows), &Frame::new("Help", ink).note("esc closes"));
    prose.draw(ink, inside, scroll)
}
