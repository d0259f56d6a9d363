//! Test only: a buffer as text a person can review: its lines, then for each line the runs of cells
//! that are styled, because colour is severity here.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::ui::theme::Theme;
use crate::ui::widget::hostile::width;
use crate::ui::widget::ink::Ink;

/// Draws into a fresh buffer and dumps it.
pub fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut Ink<'_>, Rect)) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    draw(&mut Ink::new(&mut buf, Theme::new(true)), area);
    lines(&buf).join("\n")
}

pub fn lines(buf: &Buffer) -> Vec<String> {
    let row = |y: u16| {
        let mut text = String::new();
        let mut x = 0;
        while x < buf.area.width {
            let symbol = buf[(x, y)].symbol();
            text.push_str(symbol);
            // The cell behind a wide character shows nothing of its own.
            x += if symbol.chars().count() == 1 { width(symbol).max(1) } else { 1 };
        }
        text
    };
    (0..buf.area.height).map(|y| row(y).trim_end().to_owned()).collect()
}

/// Lines, then style runs.
pub fn styled(buf: &Buffer) -> String {
    let mut out = lines(buf).join("\n");
    out.push_str("\n── styles ──\n");
    for y in 0..buf.area.height {
        let mut runs = Vec::new();
        let mut x = 0;
        while x < buf.area.width {
            let style = style(&buf[(x, y)]);
            let start = x;
            while x < buf.area.width && self::style(&buf[(x, y)]) == style {
                x += 1;
            }
            if !style.is_empty() {
                runs.push(format!("{start}-{} {style}", x - 1));
            }
        }
        if !runs.is_empty() {
            out.push_str(&format!("{y:>2}: {}\n", runs.join(", ")));
        }
    }
    out
}

fn style(cell: &Cell) -> String {
    let mut parts = Vec::new();
    if cell.fg != Color::Reset {
        parts.push(cell.fg.to_string().to_lowercase());
    }
    if cell.bg != Color::Reset {
        parts.push(format!("on-{}", cell.bg.to_string().to_lowercase()));
    }
    for (modifier, name) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::UNDERLINED, "underlined"),
    ] {
        if cell.modifier.contains(modifier) {
            parts.push(name.to_owned());
        }
    }
    parts.join("+")
}
