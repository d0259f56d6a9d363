//! The sandbox: load and faults to switch, speed, and the census that must find nothing lost. The only
//! place of `ui`, beside the header, that knows of it.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::model::bench::Bench;
use crate::model::census::Count;
use crate::model::finding::Severity;
use crate::ui::screen::vital;
use crate::ui::widget::figure;
use crate::ui::widget::hostile;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::{Frame, split_left, split_top};
use crate::ui::widget::prose::Prose;
use crate::ui::widget::table::{Cell, Column, Row, Table};

const SWITCHES: [Column; 3] =
    [Column::new("", 3, 0), Column::new("switch", 20, 0), Column::new("what it does", 24, 1).grow(1)];
const CENSUS: [Column; 3] =
    [Column::new("where", 11, 0), Column::new("jobs", 10, 0).right(), Column::new("events", 12, 0).right()];
/// Columns of a row before what the switch does.
const BEFORE_WHAT: u16 = 27;
/// Rows of the list, its heading included, that stay for it.
const LEAST_SWITCHES: u16 = 4;
const WIDE: u16 = 110;
/// Nine states, a sum, a heading and a border.
const CENSUS_ROWS: u16 = 13;
/// Under this a chart is left out: what a switch does is seen in it.
const CHART_ROWS: u16 = 10;
/// From this on the census stands upright under the switches.
const TALL: u16 = 32;
/// Lost identities named.
const NAMED: usize = 3;

type State = (&'static str, fn(&Count) -> u64);

/// What must be 0 first.
const STATES: [State; 10] = [
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

/// The same lying down, what tells most first when it gets narrow.
const LYING: [Column; 11] = [
    Column::new("", 6, 0),
    Column::new("lost", 6, 0).right(),
    Column::new("waiting", 7, 3).right(),
    Column::new("in flight", 9, 4).right(),
    Column::new("delayed", 7, 5).right(),
    Column::new("dead", 6, 1).right(),
    Column::new("done", 9, 2).right(),
    Column::new("cancelled", 9, 6).right(),
    Column::new("expired", 7, 8).right(),
    Column::new("dropped", 7, 9).right(),
    Column::new("all", 9, 7).right(),
];

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let Some(bench) = &console.bench else {
        let inside = Frame::new("Sandbox", ink).draw(ink, area);
        ink.text(inside.x, inside.y, inside.width, "the sandbox has not answered yet", ink.theme.plain());
        return;
    };
    let (head, rest) = split_top(area, 4);
    clockwork(ink, head, bench);
    if area.width >= WIDE || area.height >= TALL {
        let switches_rows = u16::try_from(bench.switches.len() + 3).unwrap_or(u16::MAX);
        let lists = if area.width >= WIDE { switches_rows.max(CENSUS_ROWS) } else { switches_rows + CENSUS_ROWS };
        let charts = rest.height.saturating_sub(lists);
        let (lists, charts) = split_top(rest, rest.height - if charts >= CHART_ROWS { charts } else { 0 });
        let (left, right) = if area.width >= WIDE {
            split_left(lists, area.width * 3 / 5)
        } else {
            split_top(lists, lists.height.saturating_sub(CENSUS_ROWS))
        };
        switches(ink, left, console, bench);
        census(ink, right, bench);
        if charts.height > 0 {
            vital::abreast(ink, charts, console, &vital::worst(console, 2));
        }
    } else {
        let lost = u16::try_from(bench.census.lost.len().min(NAMED)).unwrap_or(0);
        let (top, bottom) = split_top(rest, rest.height - 5 - lost);
        switches(ink, top, console, bench);
        census_lying(ink, bottom, bench);
    }
}

/// For the header: which scenario, how fast; `None` on an account.
pub fn scenario_and_speed(console: &Console, short: bool) -> Option<(String, String)> {
    let bench = console.bench.as_ref()?;
    let speed = match bench.speed < bench.speed_wanted {
        true if short => format!("{}× held", bench.speed),
        true => format!("{}× held ({}× asked)", bench.speed, bench.speed_wanted),
        false => format!("{}×", bench.speed),
    };
    Some((bench.scenario.clone(), speed))
}

/// Why there is nothing to see yet, while the history before the start is run.
pub fn preparing(console: &Console) -> Option<&'static str> {
    let bench = console.bench.as_ref()?;
    bench.preparing.then_some("the sandbox first runs the hours before now; it opens in a moment …")
}

fn clockwork(ink: &mut Ink<'_>, area: Rect, bench: &Bench) {
    let title = format!("Scenario {} · seed {}", bench.scenario, bench.seed);
    let inside = Frame::new(title, ink).note("+ faster  - slower").draw(ink, area);
    let theme = ink.theme;
    let mut prose = Prose::new(inside.width);
    let mut speed = vec![Piece::new("speed ", theme.dim()), Piece::new(format!("{}×", bench.speed), theme.bold())];
    if bench.speed < bench.speed_wanted {
        let text = format!("  held down from {}× while messages are leased or moved", bench.speed_wanted);
        speed.push(Piece::new(text, theme.plain()));
    }
    prose.line(speed);
    let mut now = vec![Piece::new("now   ", theme.dim()), Piece::new(figure::moment(bench.now), theme.plain())];
    if bench.preparing {
        now.push(Piece::new("   ○ the hours before now are being run", theme.severity(Severity::Note)));
    }
    prose.line(now);
    prose.draw(ink, inside, 0);
}

fn switches(ink: &mut Ink<'_>, area: Rect, console: &Console, bench: &Bench) {
    let inside = Frame::new("Load and faults", ink).focused(true).note("space switches").draw(ink, area);
    let keys: Vec<String> = bench.switches.iter().map(|switch| switch.name.clone()).collect();
    let selected = console.cursors.sandbox.row(&keys);
    let theme = ink.theme;
    // What the one under the cursor does, whole, where its row cuts it.
    let mut whole = Prose::new(inside.width);
    if let Some(switch) = selected.and_then(|row| bench.switches.get(row))
        && hostile::width(&switch.what) > inside.width.saturating_sub(BEFORE_WHAT)
    {
        whole.text(0, &switch.what, theme.dim());
    }
    let spare = inside.height.saturating_sub(LEAST_SWITCHES);
    let foot = u16::try_from(whole.len()).unwrap_or(u16::MAX).min(spare);
    let (list, foot) = split_top(inside, inside.height - foot);
    whole.draw(ink, foot, 0);
    let table =
        Table { columns: &SWITCHES, len: keys.len(), selected, focused: true, empty: "this scenario has no switches" };
    table.draw(ink, list, |n| {
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
    let theme = ink.theme;
    let named = u16::try_from(bench.census.lost.len().min(NAMED)).unwrap_or(0);
    let (top, bottom) = split_top(inside, inside.height.saturating_sub(named));
    let table = Table { columns: &CENSUS, len: STATES.len(), selected: None, focused: false, empty: "" };
    table.draw(ink, top, |n| {
        let Some((name, count)) = STATES.get(n) else { return Row::default() };
        let bad = *name == "lost" && count(jobs) + count(events) > 0;
        let style = if bad { theme.severity(Severity::Harm) } else { theme.plain() };
        let sign = if bad { "✖ lost".to_owned() } else { (*name).to_owned() };
        let cell = |n: u64| Cell::new(figure::count(n), style);
        Row { cells: vec![Cell::new(sign, style), cell(count(jobs)), cell(count(events))], dim: false }
    });
    lost(ink, bottom, bench);
}

fn census_lying(ink: &mut Ink<'_>, area: Rect, bench: &Bench) {
    let inside = Frame::new("Census of identities", ink).note("counted afresh").draw(ink, area);
    let theme = ink.theme;
    let (top, bottom) = split_top(inside, 3);
    let table = Table { columns: &LYING, len: 2, selected: None, focused: false, empty: "" };
    table.draw(ink, top, |n| {
        let (name, counts) = if n == 0 { ("jobs", &bench.census.jobs) } else { ("events", &bench.census.events) };
        let mut cells = vec![Cell::new(name, theme.dim())];
        cells.extend(STATES.iter().map(|(state, count)| {
            let bad = *state == "lost" && count(counts) > 0;
            let text = if bad { format!("✖ {}", count(counts)) } else { figure::count(count(counts)) };
            Cell::new(text, if bad { theme.severity(Severity::Harm) } else { theme.plain() })
        }));
        Row { cells, dim: false }
    });
    lost(ink, bottom, bench);
}

fn lost(ink: &mut Ink<'_>, area: Rect, bench: &Bench) {
    for (n, identity) in bench.census.lost.iter().take(usize::from(area.height)).enumerate() {
        let style = ink.theme.severity(Severity::Harm);
        ink.text(area.x, area.y + n as u16, area.width, &format!("✖ {identity}"), style);
    }
}
