//! The sandbox: load and faults to switch, speed, and the census that must find nothing lost. The only
//! place of `ui`, beside the header, that knows of it.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::model::bench::Bench;
use crate::model::census::Count;
use crate::model::finding::Severity;
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::{Frame, split_left, split_top};
use crate::ui::widget::prose::Prose;
use crate::ui::widget::table::{Cell, Column, Row, Table};

const SWITCHES: [Column; 3] =
    [Column::new("", 3, 0), Column::new("switch", 20, 0), Column::new("what it does", 24, 1).grow(1)];
const CENSUS: [Column; 3] =
    [Column::new("where", 11, 0), Column::new("jobs", 10, 0).right(), Column::new("events", 12, 0).right()];
const WIDE: u16 = 110;
/// Nine states, a sum, a heading and a border.
const CENSUS_ROWS: u16 = 13;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let Some(bench) = &console.bench else {
        let inside = Frame::new("Sandbox", ink).draw(ink, area);
        ink.text(inside.x, inside.y, inside.width, "the sandbox has not answered yet", ink.theme.plain());
        return;
    };
    let (head, rest) = split_top(area, 4);
    clockwork(ink, head, bench);
    let (left, right) = if area.width >= WIDE {
        split_left(rest, area.width * 3 / 5)
    } else {
        let census = CENSUS_ROWS.min(rest.height / 2 + 1);
        split_top(rest, rest.height - census)
    };
    switches(ink, left, console, bench);
    census(ink, right, bench);
}

fn clockwork(ink: &mut Ink<'_>, area: Rect, bench: &Bench) {
    let title = format!("Scenario {} · seed {}", bench.scenario, bench.seed);
    let inside = Frame::new(title, ink).draw(ink, area);
    let theme = ink.theme;
    let mut prose = Prose::new(inside.width);
    let mut speed = vec![Piece::new("speed ", theme.dim()), Piece::new(format!("{}×", bench.speed), theme.bold())];
    if bench.speed < bench.speed_wanted {
        let text = format!("  held down from {}× while messages are leased or moved", bench.speed_wanted);
        speed.push(Piece::new(text, theme.plain()));
    }
    speed.push(Piece::new("   + faster  - slower", theme.dim()));
    prose.line(speed);
    let mut now = vec![Piece::new("now   ", theme.dim()), Piece::new(bench.now.to_string(), theme.plain())];
    if bench.preparing {
        now.push(Piece::new("   ○ three hours of history are being run", theme.severity(Severity::Note)));
    }
    prose.line(now);
    prose.draw(ink, inside, 0);
}

fn switches(ink: &mut Ink<'_>, area: Rect, console: &Console, bench: &Bench) {
    let inside = Frame::new("Load and faults", ink).focused(true).note("space switches").draw(ink, area);
    let keys: Vec<String> = bench.switches.iter().map(|switch| switch.name.clone()).collect();
    let selected = console.cursors.sandbox.row(&keys);
    let table =
        Table { columns: &SWITCHES, len: keys.len(), selected, focused: true, empty: "this scenario has no switches" };
    let theme = ink.theme;
    table.draw(ink, inside, |n| {
        let Some(switch) = bench.switches.get(n) else { return Row::default() };
        let (state, style) = if switch.on { ("on", theme.bold()) } else { ("off", theme.dim()) };
        let cells = vec![
            Cell::new(state, style),
            Cell::new(switch.name.clone(), style),
            Cell::new(switch.what.clone(), theme.plain()),
        ];
        Row { cells, dim: false }
    });
}

fn census(ink: &mut Ink<'_>, area: Rect, bench: &Bench) {
    let inside = Frame::new("Census of identities", ink).note("counted afresh").draw(ink, area);
    let (jobs, events) = (&bench.census.jobs, &bench.census.events);
    let rows: [(&str, fn(&Count) -> u64); 10] = [
        ("lost", |count| count.lost),
        ("waiting", |count| count.waiting),
        ("in flight", |count| count.in_flight),
        ("delayed", |count| count.delayed),
        ("dead", |count| count.dead),
        ("done", |count| count.done),
        ("cancelled", |count| count.cancelled),
        ("expired", |count| count.expired),
        ("dropped", |count| count.dropped),
        ("all", Count::total),
    ];
    let theme = ink.theme;
    let named = u16::try_from(bench.census.lost.len().min(3)).unwrap_or(0);
    let (top, bottom) = split_top(inside, inside.height.saturating_sub(named));
    let table = Table { columns: &CENSUS, len: rows.len(), selected: None, focused: false, empty: "" };
    table.draw(ink, top, |n| {
        let Some((name, count)) = rows.get(n) else { return Row::default() };
        let bad = *name == "lost" && count(jobs) + count(events) > 0;
        let style = if bad { theme.severity(Severity::Harm) } else { theme.plain() };
        let sign = if bad { "✖ lost".to_owned() } else { (*name).to_owned() };
        let cell = |n: u64| Cell::new(figure::count(n), style);
        Row { cells: vec![Cell::new(sign, style), cell(count(jobs)), cell(count(events))], dim: false }
    });
    for (n, identity) in bench.census.lost.iter().take(usize::from(named)).enumerate() {
        ink.text(bottom.x, bottom.y + n as u16, bottom.width, &format!("✖ {identity}"), theme.severity(Severity::Harm));
    }
}
