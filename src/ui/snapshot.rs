//! Test only: every screen and overlay at the three sizes, with colours; and what must hold of any
//! frame at any size.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use crate::console::Console;
use crate::console::overlay::Overlay;
use crate::ui::theme::Theme;
use crate::ui::{dump, large, refusals, scenes};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

fn every() -> impl Iterator<Item = (&'static str, Console)> {
    scenes::all().into_iter().chain(refusals::all()).chain(large::all())
}

fn buffer(console: &Console, width: u16, height: u16, colour: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend never fails");
    drawn(&mut terminal, console, colour);
    terminal.backend().buffer().clone()
}

fn drawn(terminal: &mut Terminal<TestBackend>, console: &Console, colour: bool) -> Option<usize> {
    let mut first = None;
    terminal
        .draw(|frame| first = crate::ui::draw(frame, console, Theme::new(colour)))
        .expect("a test backend never fails");
    first
}

#[test]
fn who_scrolls_beyond_the_end_of_a_text_is_at_its_end() {
    for (name, mut console) in every() {
        let Some(scroll) = console.overlays.last_mut().and_then(Overlay::scroll_mut) else { continue };
        *scroll = 10_000;
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("a test backend never fails");
        let first = drawn(&mut terminal, &console, true);
        console.begins_with(first);
        let scroll = console.overlays.last_mut().and_then(Overlay::scroll_mut).map(|scroll| *scroll);
        assert!(scroll == first && scroll < Some(500), "{name}: {scroll:?}, drawn from {first:?}");
        let end = dump::lines(terminal.backend().buffer());
        if let Some(scroll) = console.overlays.last_mut().and_then(Overlay::scroll_mut).filter(|scroll| **scroll > 0) {
            *scroll -= 1;
            assert_ne!(dump::lines(&buffer(&console, 80, 24, true)), end, "{name}: one line back is seen at once");
        }
    }
}

#[test]
fn every_screen_at_every_size() {
    for (name, mut console) in every() {
        for (width, height) in SIZES {
            (console.columns, console.rows) = (width, height);
            let dump = dump::styled(&buffer(&console, width, height, true));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), dump);
        }
    }
}

#[test]
fn no_size_panics_and_a_small_one_says_so() {
    for (name, console) in every() {
        for (width, height) in
            [(1, 1), (2, 40), (20, 10), (59, 24), (60, 15), (60, 16), (61, 17), (300, 16), (60, 100), (255, 255)]
        {
            let text = dump::lines(&buffer(&console, width, height, true)).join("\n");
            let small = width < 60 || height < 16;
            if small && width > 10 {
                let line = format!("redrive needs 60×16; this is {width}×{height}");
                let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(said.contains(&line), "{name} at {width}×{height}: {text}");
            }
        }
    }
}

#[test]
fn nothing_of_a_hostile_message_reaches_the_terminal() {
    let console = scenes::hostile();
    for (width, height) in SIZES {
        let buffer = buffer(&console, width, height, true);
        for cell in &buffer.content {
            let bad =
                |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}');
            assert!(!cell.symbol().chars().any(bad), "{:?}", cell.symbol());
        }
        let text = dump::lines(&buffer).join("");
        assert!(text.contains("\\x1b[2J") && text.contains("\\u{202e}"), "the escapes are seen: {text}");
    }
}

#[test]
fn what_a_function_wrote_is_as_harmless_as_a_body() {
    let console = scenes::tried();
    for (width, height) in SIZES {
        let buffer = buffer(&console, width, height, true);
        assert!(!buffer.content.iter().any(|cell| cell.symbol().chars().any(char::is_control)));
        let text = dump::lines(&buffer).join("");
        assert!(text.contains("\\x1b[31m") && text.contains("\\u{202e}"), "the escapes are seen: {text}");
    }
}

#[test]
fn without_colour_nothing_is_coloured_and_nothing_is_lost() {
    for (name, console) in every() {
        let (with, without) = (buffer(&console, 120, 36, true), buffer(&console, 120, 36, false));
        assert_eq!(dump::lines(&with), dump::lines(&without), "{name}");
        let coloured = without
            .content
            .iter()
            .find(|cell| cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset);
        assert!(coloured.is_none(), "{name}: {coloured:?}");
    }
}
