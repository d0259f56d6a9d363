//! A row per event source mapping: how it is, how far behind, how it is set. The vital figure of the
//! one under the cursor below, where there is room.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::rows::source_name;
use crate::model::finding::Severity;
use crate::model::id::QueueName;
use crate::model::mapping::{Mapping, MappingState};
use crate::model::metric::{MetricKey, Stat};
use crate::model::observed::Observed;
use crate::model::time::spoken;
use crate::ui::screen::vital::{self, Vital};
use crate::ui::widget::figure::{self, MISSING};
use crate::ui::widget::ink::Ink;
use crate::ui::widget::pane::{Frame, split_top};
use crate::ui::widget::table::{Cell, Column, Row, Table};
use crate::ui::widget::{reading, sparkline};

const TREND_COLUMNS: u16 = 12;

const COLUMNS: [Column; 13] = [
    Column::new("", 1, 0),
    Column::new("consumer", 16, 0).grow(3),
    Column::new("reads", 14, 6).grow(2),
    Column::new("state", 9, 1),
    Column::new("behind", 11, 0).right(),
    Column::new("3 h", TREND_COLUMNS, 7),
    Column::new("runs", 9, 2).right(),
    Column::new("errors", 6, 2).right(),
    Column::new("slow", 8, 8).right(),
    Column::new("throttles", 9, 9).right(),
    Column::new("batch", 5, 4).right(),
    Column::new("at once", 9, 3).right(),
    Column::new("metrics", 7, 5).right(),
];

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    // Where there is none, a row says why.
    let rows = u16::try_from(console.consumer_rows().len().max(1)).unwrap_or(u16::MAX).saturating_add(3);
    let chart = if area.height < 18 { 0 } else { area.height.saturating_sub(rows).max(area.height / 2) };
    let (top, bottom) = split_top(area, area.height - chart);
    table(ink, top, console, true);
    if bottom.height == 0 {
        return;
    }
    let keys = console.consumer_keys();
    match console.cursors.consumers.key(&keys).and_then(|id| console.picture.mappings.get(id)) {
        Some(seen) => {
            let mut vitals =
                vec![Vital::of_mapping(console, &seen.value), Vital::of_function(console, &seen.value.function)];
            vitals[1].function = None;
            vital::abreast(ink, bottom, console, &vitals);
        }
        None => vital::none(ink, bottom, console),
    }
}

pub fn table(ink: &mut Ink<'_>, area: Rect, console: &Console, focused: bool) {
    let rows = console.consumer_rows();
    let all = console.picture.mappings.len();
    let mut frame = Frame::new("Consumers", ink).focused(focused);
    if focused && !console.filter().is_empty() {
        frame = frame.note(format!("{} of {all} match “{}”", rows.len(), console.filter()));
    } else if let Some(why) = rows.iter().find_map(|seen| seen.stale.as_ref()) {
        frame = frame.note(format!("dimmed rows are stale: {why}")).note("dimmed rows are stale");
    } else if let Some(at) = console.picture.mappings.values().map(|mapping| mapping.at).max() {
        frame = frame.note(format!("settings {} old", figure::age(console.now.ms_since(at))));
    }
    let inside = frame.draw(ink, area);
    let empty = match (all, console.picture.mappings.is_empty() && console.picture.topology.is_none()) {
        (_, true) => "asking the account …",
        (0, false) => "no event source mapping found here: wrong region, account or --prefix?",
        _ => "nothing matches the filter; esc clears it",
    };
    let selected = if focused { console.cursors.consumers.row(&console.consumer_keys()) } else { None };
    let table = Table { columns: &COLUMNS, len: rows.len(), selected, focused, empty };
    let theme = ink.theme;
    table.draw(ink, inside, |n| rows.get(n).map(|seen| row(theme, console, seen)).unwrap_or_default());
}

fn row(theme: crate::ui::theme::Theme, console: &Console, seen: &Observed<Mapping>) -> Row {
    let mapping = &seen.value;
    let metrics = &console.picture.metrics;
    let severity = console.mapping_severity(mapping);
    let sign = severity.unwrap_or(Severity::Good);
    let plain = |text: String| Cell::new(text, theme.plain());
    let behind_style = match severity {
        Some(severity @ (Severity::Harm | Severity::Warning)) => theme.severity(severity),
        _ => theme.plain(),
    };
    let key = |name: &str| MetricKey::lambda(&mapping.function, name, Stat::Sum);
    let per_s = reading::per_s(metrics, &key("Invocations"), console.now);
    let duration = vital::duration_key(metrics, &mapping.function).1;
    let at_once = if mapping.kind().is_stream() {
        format!("{}/shard", figure::or_missing(mapping.settings.parallelization_factor))
    } else {
        mapping.settings.max_concurrency.map_or("no limit".to_owned(), |limit| format!("≤ {limit}"))
    };
    let trend = trend(console, mapping);
    let age = metrics.get(&key("Invocations")).and_then(|series| series.newest()).map(|(at, _)| at);
    let state = Cell::new(
        mapping.state.to_string(),
        if mapping.state == MappingState::Enabled { theme.plain() } else { theme.bold() },
    );
    Row {
        cells: vec![
            Cell::new(sign.to_string(), theme.severity(sign)),
            Cell::new(mapping.function.to_string(), theme.bold()),
            plain(source_name(mapping).to_owned()),
            state,
            Cell::new(behind(console, mapping), behind_style),
            plain(trend),
            plain(per_s.map_or(MISSING.to_owned(), figure::rate)),
            plain(vital::error_share(console, &mapping.function).map_or(MISSING.to_owned(), figure::percent)),
            plain(reading::mean(metrics, &duration, console.now).map_or(MISSING.to_owned(), figure::duration)),
            plain(
                reading::mean(metrics, &key("Throttles"), console.now)
                    .map_or(MISSING.to_owned(), |n| figure::rate(n / 60.0)),
            ),
            plain(figure::or_missing(mapping.settings.batch_size)),
            plain(at_once),
            plain(figure::ago(age, console.now)),
        ],
        dim: seen.stale.is_some(),
    }
}

/// The iterator age of a stream's consumer; the oldest message's age of a queue's, or how many wait.
fn behind(console: &Console, mapping: &Mapping) -> String {
    let metrics = &console.picture.metrics;
    if mapping.kind().is_stream() {
        let age = MetricKey::lambda(&mapping.function, "IteratorAge", Stat::Maximum);
        return reading::newest(metrics, &age, console.now).map_or(MISSING.to_owned(), |(_, ms)| spoken(ms as i64));
    }
    let queue = QueueName::new(mapping.source.resource());
    let age = MetricKey::sqs(&queue, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    match reading::newest(metrics, &age, console.now) {
        Some((_, s)) => spoken((s * 1000.0) as i64),
        None => console
            .picture
            .queues
            .get(&queue)
            .map_or(MISSING.to_owned(), |seen| figure::about_short(seen.value.counts.visible)),
    }
}

fn trend(console: &Console, mapping: &Mapping) -> String {
    let key = if mapping.kind().is_stream() {
        MetricKey::lambda(&mapping.function, "IteratorAge", Stat::Maximum)
    } else {
        MetricKey::sqs(&QueueName::new(mapping.source.resource()), "ApproximateAgeOfOldestMessage", Stat::Maximum)
    };
    let (from, to) = vital::window(console);
    sparkline::bars(console.picture.metrics.get(&key), from, to, TREND_COLUMNS)
}
