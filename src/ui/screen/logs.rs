//! What a function's log says: kinds of trouble on the left, worst first, the newest line of the kind
//! on the right (under it where it is narrow), over both what was read and what Lambda's reports come
//! to. Lines are hostile text and go through that door.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::logs::LogView;
use crate::model::id::FunctionName;
use crate::model::log::LogReading;
use crate::model::size::bytes;
use crate::model::time::Timestamp;
use crate::ui::theme::Theme;
use crate::ui::widget::body::Lines;
use crate::ui::widget::figure::{self, MISSING};
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::{Frame, split_left, split_top};
use crate::ui::widget::prose::Prose;
use crate::ui::widget::table::{Cell, Column, Row, Table};
use crate::verdict::log::Cluster;

const WIDE: u16 = 110;

const KINDS: [Column; 5] = [
    Column::new("", 1, 0),
    Column::new("kind", 13, 2),
    Column::new("count", 6, 0).right(),
    Column::new("last", 5, 1).right(),
    Column::new("what it says", 20, 0).grow(1),
];

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, function: &FunctionName) {
    let Some(view) = console.logs.get(function) else { return };
    let mut head = head(ink.theme, console, view, area.width - 2);
    reports(ink.theme, console, view, &mut head);
    let height = u16::try_from(head.len()).unwrap_or(4).min(area.height / 3);
    let (top, rest) = split_top(area, height);
    head.draw(ink, Rect::new(top.x + 1, top.y, top.width.saturating_sub(2), top.height), 0);
    let (kinds_area, example_area) = if area.width >= WIDE {
        split_left(rest, area.width * 9 / 20)
    } else {
        let rows = u16::try_from(view.digest.clusters.len()).unwrap_or(u16::MAX).clamp(1, 6);
        split_top(rest, (rows + 3).min(rest.height / 2))
    };
    kinds(ink, kinds_area, console, view);
    example(ink, example_area, console, view);
}

/// What was read, and what reading it took.
fn head(theme: Theme, console: &Console, view: &LogView, width: u16) -> Prose {
    let mut prose = Prose::new(width);
    let reading = &view.reading;
    let follow = if view.follow { " · following" } else { "" };
    let age = match (view.asked, view.read_at) {
        (Some(_), None) => "reading…".to_owned(),
        (Some(_), Some(_)) => "reading on…".to_owned(),
        (None, Some(at)) => format!("read {} ago", figure::age(console.now.ms_since(at))),
        (None, None) => "not read".to_owned(),
    };
    prose.line(vec![
        Piece::new(view.function.to_string(), theme.bold()),
        Piece::new(format!("  last {} · {age}{follow}", window(view.window_s)), theme.plain()),
    ]);
    if let Some(why) = &view.trouble {
        let severity = crate::model::finding::Severity::Warning;
        prose.item(Piece::new("▲ ", theme.severity(severity)), why, theme.plain());
    }
    if view.read_at.is_some() {
        prose.text(0, &cost(console, view, reading), theme.dim());
    }
    prose
}

fn cost(console: &Console, view: &LogView, reading: &LogReading) -> String {
    let lines = figure::plural(view.digest.lines as u64, "line", "lines");
    let requests = figure::plural(reading.requests.into(), "request", "requests");
    let cut = reading.is_cut();
    let part = match (reading.filtered, cut) {
        (_, true) => format!("; too much: complete only from {}", reading.complete_from.clock_s()),
        (true, false) => "; busy: only lines that look like trouble, and a sample of the reports".to_owned(),
        (false, false) => String::new(),
    };
    // No source names a price of FilterLogEvents.
    let session = match console.cost.usage().log_bytes {
        all if all > reading.bytes => format!(" ({} this session)", bytes(all)),
        _ => String::new(),
    };
    format!("{} · {lines}, {requests}, {} read{session}, not in the ${part}", reading.group, bytes(reading.bytes))
}

fn window(window_s: i64) -> String {
    if window_s < 3_600 { format!("{} m", window_s / 60) } else { format!("{} h", window_s / 3_600) }
}

/// One line of figures from the reports.
fn reports(theme: Theme, console: &Console, view: &LogView, prose: &mut Prose) {
    let Some(runs) = &view.digest.runs else {
        if view.read_at.is_some() {
            prose.text(0, "no REPORT among what was read: durations and memory are not known", theme.plain());
        }
        return;
    };
    let known = console.picture.functions.get(&view.function).map(|known| &known.value);
    let limit = known.and_then(|known| known.timeout_s).map_or(MISSING.to_owned(), |s| format!("{s} s"));
    let memory = runs.memory_mb.map_or(MISSING.to_owned(), |mb| mb.to_string());
    let used = figure::or_missing(runs.max_used_mb);
    let init = runs.max_init_ms.map(|ms| format!(", longest {}", figure::duration(ms))).unwrap_or_default();
    let text = format!(
        "{} reported: p50 {} · p95 {} · max {} of {limit} · memory {used} of {memory} MB · {}{init}",
        figure::plural(runs.count, "run", "runs"),
        figure::duration(runs.p50_ms),
        figure::duration(runs.p95_ms),
        figure::duration(runs.max_ms),
        figure::plural(runs.inits, "cold start", "cold starts"),
    );
    prose.text(0, &text, theme.plain());
}

fn kinds(ink: &mut Ink<'_>, area: Rect, console: &Console, view: &LogView) {
    let rows = view.rows(console.filter());
    let mut frame = Frame::new("What it says", ink).focused(!view.on_example);
    let all = view.digest.clusters.len();
    frame = match console.filter() {
        "" => frame.note(figure::plural(all as u64, "kind", "kinds")),
        filter => frame.note(format!("{} of {all} match “{filter}”", rows.len())),
    };
    let inside = frame.draw(ink, area);
    let empty = match (view.read_at, view.digest.lines, all) {
        (None, ..) => "",
        (Some(_), 0, _) => "no line in this window; + looks further back",
        (Some(_), _, 0) => "no line that looks like trouble; throttled runs leave none",
        _ => "nothing matches; esc clears the filter",
    };
    let selected = view.current(console.filter()).map(|(row, _)| row);
    let table = Table { columns: &KINDS, len: rows.len(), selected, focused: !view.on_example, empty };
    let theme = ink.theme;
    table.draw(ink, inside, |n| match rows.get(n) {
        Some(cluster) => Row { cells: cells(theme, cluster, console.now), dim: false },
        None => Row::default(),
    });
}

fn cells(theme: Theme, cluster: &Cluster, now: Timestamp) -> Vec<Cell> {
    let severity = cluster.trouble.severity();
    vec![
        Cell::new(severity.to_string(), theme.severity(severity)),
        Cell::new(cluster.trouble.to_string(), theme.plain()),
        Cell::new(figure::count(cluster.count), theme.bold()),
        Cell::new(figure::age(now.ms_since(cluster.last)), theme.plain()),
        Cell::new(cluster.signature.clone(), theme.plain()),
    ]
}

fn example(ink: &mut Ink<'_>, area: Rect, console: &Console, view: &LogView) {
    let current = view.current(console.filter());
    let frame = Frame::new("The newest of them", ink).focused(view.on_example);
    let Some((_, cluster)) = current else {
        frame.draw(ink, area);
        return;
    };
    let span = format!("first {} · last {}", cluster.first.clock_s(), cluster.last.clock_s());
    let frame = match console.redaction_note() {
        Some(note) => frame.note(format!("{span} · {note}")).note(note).note("***"),
        None => frame.note(span),
    };
    let inside = frame.draw(ink, area);
    let theme = ink.theme;
    let mut prose = Prose::new(inside.width);
    let wanted = view.scroll.saturating_add(usize::from(inside.height)) + 1;
    // A carriage return is how Lambda keeps a trace in one line.
    let text = cluster.example.text.trim_end().replace("\r\n", "\n").replace('\r', "\n");
    // `[ERROR] …` is no list: only an object is laid out.
    let json = text.starts_with('{').then(|| Lines::new(&text));
    let plain = json.is_none().then(|| text.split('\n').map(str::to_owned));
    for line in json.into_iter().flatten().chain(plain.into_iter().flatten()) {
        if prose.len() >= wanted {
            break;
        }
        prose.text(0, &line, theme.plain());
    }
    prose.blank();
    if !cluster.requests.is_empty() {
        prose.text(0, &format!("requests {}", cluster.requests.join(", ")), theme.dim());
    }
    prose.text(0, &format!("{} in {}", figure::moment(cluster.example.at), cluster.example.stream), theme.dim());
    prose.draw(ink, inside, view.scroll);
}
