//! Home: what is wrong, worst first; the vital figure of what the cursor is on; the pipeline drawn from
//! its topology. Where there is room, the tables of consumers and queues under it.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::ui::screen::{consumers, queues, trouble, vital};
use crate::ui::widget::figure;
use crate::ui::widget::hostile;
use crate::ui::widget::ink::Ink;
use crate::ui::widget::pane::{Frame, split_left, split_top};
use crate::ui::widget::pipeline_map::PipelineMap;
use crate::ui::widget::stage::Stages;

/// From these on, the chart stands beside the findings.
const WIDE: u16 = 110;
/// From this on, the tables stand under the pipeline.
const TALL: u16 = 48;
/// Lines of what could not be read.
const MISSING_ROWS: usize = 2;
/// A chart under this is no chart.
const CHART_ROWS: u16 = 10;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let map =
        console.picture.topology.as_ref().map(|topology| {
            PipelineMap::new(ink.theme, &topology.value, &stages(console), area.width.saturating_sub(2))
        });
    if area.width >= WIDE {
        wide(ink, area, console, map.as_ref());
    } else {
        narrow(ink, area, console, map.as_ref());
    }
}

fn wide(ink: &mut Ink<'_>, area: Rect, console: &Console, map: Option<&PipelineMap>) {
    let tables = if area.height >= TALL {
        let rows = console.picture.mappings.len().max(console.picture.queues.len());
        u16::try_from(rows + 3).unwrap_or(u16::MAX).clamp(6, area.height / 4)
    } else {
        0
    };
    let picture_rows = pipeline_rows(console, map).min(area.height.saturating_sub(tables) / 2);
    let (top, rest) = split_top(area, area.height - picture_rows - tables);
    let (picture, tables) = split_top(rest, picture_rows);
    let (left, right) = split_left(top, (area.width * 45 / 100).max(54));
    trouble::draw(ink, left, console);
    charts(ink, right, console);
    pipeline(ink, picture, console, map);
    if tables.height > 0 {
        let (left, right) = split_left(tables, area.width / 2);
        consumers::table(ink, left, console, false);
        queues::table(ink, right, console, false);
    }
}

fn narrow(ink: &mut Ink<'_>, area: Rect, console: &Console, map: Option<&PipelineMap>) {
    let picture_rows = pipeline_rows(console, map).min(area.height / 3).max(4);
    let wants = trouble::height(ink, console, area.width);
    let spare = area.height.saturating_sub(picture_rows + wants);
    let chart = if spare >= CHART_ROWS { spare.min(24) } else { 0 };
    let (top, rest) = split_top(area, area.height - picture_rows - chart);
    let (middle, bottom) = split_top(rest, chart);
    trouble::draw(ink, top, console);
    if chart > 0 {
        charts(ink, middle, console);
    }
    pipeline(ink, bottom, console, map);
}

/// The vital figure of the finding under the cursor; the next subject's under it when it is tall.
fn charts(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let vitals = vital::worst(console, 2);
    match vitals.as_slice() {
        [first, second] if area.height >= 2 * CHART_ROWS + 2 => {
            let (top, bottom) = split_top(area, area.height.div_ceil(2));
            first.draw(ink, top, console);
            second.draw(ink, bottom, console);
        }
        [first, ..] => first.draw(ink, area, console),
        [] => vital::none(ink, area, console),
    }
}

fn stages(console: &Console) -> Stages<'_> {
    let standing = console.findings.iter().filter(|finding| console.acknowledgement(finding).is_none());
    Stages::new(&console.picture, standing, console.now)
}

/// Rows the pipeline's pane would like, its border included.
fn pipeline_rows(console: &Console, map: Option<&PipelineMap>) -> u16 {
    let missing = u16::try_from(console.missing.len().min(MISSING_ROWS)).unwrap_or(0);
    map.map_or(2, |map| map.height().max(1).saturating_add(missing)).saturating_add(2)
}

fn pipeline(ink: &mut Ink<'_>, area: Rect, console: &Console, map: Option<&PipelineMap>) {
    let (Some(topology), Some(map)) = (&console.picture.topology, map) else {
        let inside = Frame::new("Pipeline", ink).draw(ink, area);
        ink.text(inside.x, inside.y, inside.width, "not known yet", ink.theme.dim());
        return;
    };
    let age = figure::age(topology.age_ms(console.now));
    let note = match (&topology.stale, console.from_cache) {
        (_, true) => format!("from cache, {age} old"),
        (Some(why), false) => format!("stale, {age} old: {why}"),
        (None, false) => format!("read {age} ago · ┄ inferred from environment"),
    };
    let inside = Frame::new("Pipeline", ink).note(note).draw(ink, area);
    let missing = console.missing.len().min(usize::from(inside.height / 3)).min(MISSING_ROWS) as u16;
    let (picture, below) = split_top(inside, inside.height - missing);
    map.draw(ink, picture);
    for (n, line) in console.missing.iter().take(usize::from(missing)).enumerate() {
        let text = hostile::visible(&format!("not drawn: {line}"));
        ink.text(below.x, below.y + n as u16, below.width, &text, ink.theme.dim());
    }
}
