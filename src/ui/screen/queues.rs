//! A row per queue, its dead-letter queue right below it; who else is at work on the one under the
//! cursor, and how its depth went.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::model::finding::{Severity, Subject};
use crate::model::id::QueueName;
use crate::model::metric::{MetricKey, Stat};
use crate::model::observed::Observed;
use crate::model::queue::Queue;
use crate::model::time::spoken;
use crate::ui::screen::posture;
use crate::ui::screen::vital::{self, Vital};
use crate::ui::theme::Theme;
use crate::ui::widget::figure::{self, MISSING};
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::{Frame, split_left, split_top};
use crate::ui::widget::prose::Prose;
use crate::ui::widget::table::{Cell, Column, Row, Table};
use crate::ui::widget::{reading, sparkline};

const TREND_COLUMNS: u16 = 12;
const WIDE: u16 = 110;

const COLUMNS: [Column; 12] = [
    Column::new("", 1, 0),
    Column::new("queue", 18, 0).grow(3),
    Column::new("ready", 9, 0).right(),
    Column::new("in flight", 9, 1).right(),
    Column::new("delayed", 8, 4).right(),
    Column::new("oldest", 11, 2).right(),
    Column::new("3 h", TREND_COLUMNS, 6),
    Column::new("read by", 14, 5).grow(1),
    Column::new("receives", 8, 7).right(),
    Column::new("lease", 6, 9).right(),
    Column::new("kept", 5, 8).right(),
    Column::new("seen", 5, 3).right(),
];

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    // Where there is none, a row says why.
    let rows = u16::try_from(console.queue_rows().len().max(1)).unwrap_or(u16::MAX).saturating_add(3);
    let below = if area.height < 18 { 0 } else { area.height.saturating_sub(rows).max(area.height / 2) };
    let (top, bottom) = split_top(area, area.height - below);
    table(ink, top, console, true);
    let name = console.cursors.queues.key(&console.queue_keys()).cloned();
    let Some(seen) = name.and_then(|name| console.picture.queues.get(&name)).filter(|_| bottom.height > 0) else {
        return;
    };
    let (left, right) = if area.width >= WIDE {
        split_left(bottom, area.width * 2 / 5)
    } else {
        let lines = u16::try_from(facts(ink.theme, console, seen, area.width - 2, true).len()).unwrap_or(0);
        split_top(bottom, (lines + 2).min(bottom.height / 2))
    };
    let inside = Frame::new(seen.value.name.to_string(), ink).draw(ink, left);
    facts(ink.theme, console, seen, inside.width, true).draw(ink, inside, 0);
    Vital::of_queue(console, &seen.value.name).draw(ink, right, console);
}

pub fn table(ink: &mut Ink<'_>, area: Rect, console: &Console, focused: bool) {
    let rows = console.queue_rows();
    let all = console.picture.queues.len();
    let mut frame = Frame::new("Queues", ink).focused(focused);
    let stale = rows.iter().find_map(|seen| seen.stale.as_ref());
    frame = if focused && !console.filter().is_empty() {
        frame.note(format!("{} of {all} match “{}”", rows.len(), console.filter()))
    } else if let Some(why) = stale {
        frame.note(format!("dimmed rows are stale: {why}")).note("dimmed rows are stale")
    } else {
        frame.note("counts are SQS's own, approximate")
    };
    let inside = frame.draw(ink, area);
    let empty = match (all, console.picture.topology.is_none()) {
        (0, true) => "asking the account …",
        (0, false) => "no queue found here: wrong region, account or --prefix?",
        _ => "nothing matches the filter; esc clears it",
    };
    let selected = if focused { console.cursors.queues.row(&console.queue_keys()) } else { None };
    let table = Table { columns: &COLUMNS, len: rows.len(), selected, focused, empty };
    let theme = ink.theme;
    table.draw(ink, inside, |n| rows.get(n).map(|seen| row(theme, console, seen)).unwrap_or_default());
}

fn row(theme: Theme, console: &Console, seen: &Observed<Queue>) -> Row {
    let queue = &seen.value;
    let severity = console.worst(&Subject::Queue(queue.name.clone())).map(|finding| finding.severity);
    let sign = severity.unwrap_or(Severity::Good);
    let plain = |text: String| Cell::new(text, theme.plain());
    let loud = match severity {
        Some(severity @ (Severity::Harm | Severity::Warning)) => theme.severity(severity),
        _ => theme.plain(),
    };
    let name = if queue.is_dead_letter() { format!("└▶ {}", queue.name) } else { queue.name.to_string() };
    let readers = console.picture.readers_of(&queue.arn).map(|mapping| mapping.function.as_str());
    let readers: Vec<&str> = readers.collect();
    let receives =
        queue.redrive.as_ref().map_or(MISSING.to_owned(), |policy| format!("≤ {}", policy.max_receive_count));
    Row {
        cells: vec![
            Cell::new(sign.to_string(), theme.severity(sign)),
            Cell::new(name, theme.bold()),
            Cell::new(figure::about_short(queue.counts.visible), loud),
            plain(figure::about_short(queue.counts.in_flight)),
            plain(figure::about_short(queue.counts.delayed)),
            plain(oldest(console, &queue.name).map_or(MISSING.to_owned(), spoken)),
            plain(trend(console, &queue.name)),
            plain(if readers.is_empty() { MISSING.to_owned() } else { readers.join(", ") }),
            plain(receives),
            plain(figure::age(i64::from(queue.visibility_s) * 1000)),
            plain(figure::age(i64::from(queue.retention_s) * 1000)),
            plain(figure::age(seen.age_ms(console.now))),
        ],
        dim: seen.stale.is_some(),
    }
}

/// CloudWatch's age of the oldest message, in milliseconds.
fn oldest(console: &Console, name: &QueueName) -> Option<i64> {
    let key = MetricKey::sqs(name, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    reading::newest(&console.picture.metrics, &key, console.now).map(|(_, s)| (s * 1000.0) as i64)
}

fn trend(console: &Console, name: &QueueName) -> String {
    let (from, to) = vital::window(console);
    let key = MetricKey::sqs(name, "ApproximateNumberOfMessagesVisible", Stat::Maximum);
    match console.picture.metrics.get(&key) {
        Some(series) => sparkline::bars(Some(series), from, to, TREND_COLUMNS),
        None => sparkline::bars(vital::depths(console, name).as_ref(), from, to, TREND_COLUMNS),
    }
}

/// What a person wants to know of a queue before they touch it; with what was scanned, or without.
pub fn facts(theme: Theme, console: &Console, seen: &Observed<Queue>, width: u16, snapshot: bool) -> Prose {
    let queue = &seen.value;
    let mut prose = Prose::new(width);
    if let Some(why) = &seen.stale {
        let text = format!("stale, {} old: {why}", figure::age(seen.age_ms(console.now)));
        prose.item(Piece::new("▲ ", theme.severity(Severity::Warning)), &text, theme.plain());
    }
    for finding in console.findings.iter().filter(|finding| finding.subject == Subject::Queue(queue.name.clone())) {
        let sign = Piece::new(format!("{} ", finding.severity), theme.severity(finding.severity));
        prose.item(sign, &finding.headline, theme.plain());
        finding.evidence.iter().for_each(|line| prose.text(2, line, theme.dim()));
    }
    let styles = (theme.dim(), theme.plain());
    let mut pair = |name: &str, value: String| prose.pair(name, 12, &value, styles);
    pair(
        "kept",
        format!("{} from the first send; lease {} s", spoken(i64::from(queue.retention_s) * 1000), queue.visibility_s),
    );
    match &queue.redrive {
        Some(policy) => pair(
            "failures",
            format!("after {} receives to {}", policy.max_receive_count, policy.dead_letter_arn.resource()),
        ),
        None if !queue.is_dead_letter() => {
            pair("failures", "no redrive policy: tried again until they expire".to_owned())
        }
        None => {}
    }
    if queue.is_dead_letter() {
        let names: Vec<&str> = queue.sources.iter().map(|arn| arn.resource()).collect();
        pair("dead letters", format!("of {}", names.join(", ")));
    }
    pair("at work", at_work(console, queue));
    match console.snapshots.get(&queue.name) {
        _ if !snapshot => {}
        Some(snapshot) => pair("snapshot", snapshot.line.clone()),
        None if queue.counts.visible > 0 => {
            pair(
                "snapshot",
                format!("none yet: {} scans (a receive under a lease, given back)", console.key_of("scan")),
            );
        }
        None => {}
    }
    posture::block(&mut prose, theme, console, &[Subject::Queue(queue.name.clone())], false);
    prose
}

/// Who else is at work there: a move task by anybody, messages somebody holds.
fn at_work(console: &Console, queue: &Queue) -> String {
    let mut parts = Vec::new();
    if queue.counts.in_flight > 0 {
        parts.push(format!("{} held by somebody", figure::about(queue.counts.in_flight)));
    }
    if let Some(seen) = console.picture.move_tasks.get(&queue.name)
        && let Some(task) = &seen.value
    {
        let of = task.to_move.map(|n| format!(" of {}", figure::about(n))).unwrap_or_default();
        let failure = task.failure.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        parts.push(format!("move task {}, {}{of} moved{failure}", task.status.as_str(), figure::about(task.moved)));
    }
    if parts.is_empty() { "nobody that is seen".to_owned() } else { parts.join("; ") }
}
