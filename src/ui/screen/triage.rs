//! One queue: kinds of failure on the left, messages of the kind in the middle, the message on the
//! right; one above the other where it is narrow. What is shown is a snapshot: the messages themselves
//! were given back. Bodies go through the hostile door and only as far as they are seen.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::snapshot::{Pane, Snapshot};
use crate::model::id::QueueName;
use crate::model::message::Message;
use crate::model::observed::Observed;
use crate::model::queue::Queue;
use crate::ui::screen::vital::Vital;
use crate::ui::screen::{deaths, queues};
use crate::ui::theme::Theme;
use crate::ui::widget::figure::{self, MISSING};
use crate::ui::widget::ink::Ink;
use crate::ui::widget::letter;
use crate::ui::widget::pane::{Frame, split_left, split_top};
use crate::ui::widget::prose::Prose;
use crate::ui::widget::table::{Cell, Column, Row, Table};

const WIDE: u16 = 110;
/// Rows from which the kinds' pane says more of the one under the cursor.
const ROOM_FOR_KINDS: u16 = 10;
/// Counting what a filter hides walks the list; a longer one is not walked in every frame.
const COUNT_HIDDEN_UP_TO: usize = 2_000;

const KINDS: [Column; 4] = [
    Column::new("kind", 16, 0).grow(1),
    Column::new("count", 7, 0).right(),
    Column::new("chosen", 6, 2).right(),
    Column::new("newest", 6, 1).right(),
];

const MESSAGES: [Column; 7] = [
    Column::new("", 1, 0),
    Column::new("id", 8, 2),
    Column::new("sent", 5, 0).right(),
    Column::new("expires", 7, 1).right(),
    Column::new("got", 3, 3).right(),
    Column::new("kind", 16, 4).grow(1),
    Column::new("body", 12, 0).grow(3),
];

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, name: &QueueName) {
    let seen = console.picture.queues.get(name);
    let Some(snapshot) = console.snapshots.get(name) else {
        unscanned(ink, area, console, name, seen);
        return;
    };
    let queue = seen.map(|seen| &seen.value);
    let (head, rest) = split_top(area, 1);
    headline(ink, head, console, name, snapshot);
    let (kinds_area, messages_area, message_area) = if area.width >= WIDE {
        let (left, rest) = split_left(rest, (area.width / 4).clamp(30, 46));
        let (middle, right) = split_left(rest, rest.width / 2);
        (left, middle, right)
    } else {
        // Narrow: the lists side by side, the message under them at full width.
        let lists = if snapshot.pane == Pane::Message { rest.height / 3 } else { rest.height / 2 };
        let (top, bottom) = split_top(rest, lists.max(5));
        let kinds = if snapshot.pane == Pane::Kinds { area.width / 2 } else { area.width * 3 / 8 };
        let (left, right) = split_left(top, kinds);
        (left, right, bottom)
    };
    kinds(ink, kinds_area, console, snapshot, queue);
    messages(ink, messages_area, console, snapshot, queue);
    message(ink, message_area, console, snapshot, queue);
}

fn headline(ink: &mut Ink<'_>, area: Rect, console: &Console, name: &QueueName, snapshot: &Snapshot) {
    let theme = ink.theme;
    let mut x = ink.text(area.x + 1, area.y, area.width - 1, name.as_str(), theme.bold()) + 3;
    x += ink.text(area.x + x, area.y, area.width.saturating_sub(x), &snapshot.line, theme.plain()) + 2;
    let chosen = snapshot.selected().len();
    if chosen > 0 {
        let narrowed = snapshot.only_kind().is_some() || !snapshot.filter().is_empty();
        let hidden = match snapshot.shown_len() {
            _ if !narrowed => String::new(),
            n if n <= COUNT_HIDDEN_UP_TO => match snapshot.selected_hidden() {
                0 => String::new(),
                hidden => format!(", {} of them not listed now", figure::count(hidden as u64)),
            },
            _ => ", some perhaps not listed now".to_owned(),
        };
        let text = format!("{} chosen{hidden}", figure::count(chosen as u64));
        x += ink.text(area.x + x, area.y, area.width.saturating_sub(x), &text, theme.bold()) + 2;
    }
    if let Some(seen) = console.picture.queues.get(name) {
        let text = format!(
            "queue now {}, {} ago",
            figure::about(seen.value.counts.visible),
            figure::age(seen.age_ms(console.now))
        );
        ink.text(area.x + x, area.y, area.width.saturating_sub(x), &text, theme.dim());
    }
}

/// The origin that need not be said of each kind: all share it, or the queue has no other.
fn origin<'a>(snapshot: &'a Snapshot, queue: Option<&'a Queue>) -> Option<&'a str> {
    match queue.map(|queue| queue.sources.as_slice()) {
        Some([only]) => Some(only.resource()),
        _ => {
            let first = snapshot.kinds().first()?.kind.origin.as_deref()?;
            snapshot.kinds().iter().all(|row| row.kind.origin.as_deref() == Some(first)).then_some(first)
        }
    }
}

fn kinds(ink: &mut Ink<'_>, area: Rect, console: &Console, snapshot: &Snapshot, queue: Option<&Queue>) {
    let focused = snapshot.pane == Pane::Kinds;
    let inside = Frame::new("Kinds", ink).focused(focused).draw(ink, area);
    let theme = ink.theme;
    let about = about_kind(ink, console, snapshot, inside.width);
    // The list is what is looked at first; what there is to say of one kind takes what is left.
    let rows = u16::try_from(snapshot.kinds().len() + 2).unwrap_or(u16::MAX);
    let spare = if inside.height < ROOM_FOR_KINDS { 0 } else { inside.height.saturating_sub(rows.min(6)) };
    let below = u16::try_from(about.len()).unwrap_or(0).min(spare);
    let (inside, foot) = split_top(inside, inside.height - below);
    about.draw(ink, foot, 0);
    // Row 0 stands for all kinds.
    let selected = Some(snapshot.only_kind().map_or(0, |row| row + 1));
    let common = origin(snapshot, queue);
    let table = Table { columns: &KINDS, len: snapshot.kinds().len() + 1, selected, focused, empty: "" };
    table.draw(ink, inside, |n| {
        let plain = |text: String| Cell::new(text, theme.plain());
        let chosen = |n: usize| if n > 0 { plain(figure::count(n as u64)) } else { Cell::default() };
        let Some(kind) = n.checked_sub(1).and_then(|n| snapshot.kinds().get(n)) else {
            let cells = vec![
                Cell::new("all", theme.bold()),
                plain(figure::count(snapshot.len() as u64)),
                chosen(snapshot.selected().len()),
            ];
            return Row { cells, dim: false };
        };
        let cells = vec![
            plain(letter::without_origin(kind.label.clone(), common)),
            plain(figure::count(kind.count as u64)),
            chosen(kind.selected),
            plain(figure::age(console.now.ms_since(kind.last))),
        ];
        Row { cells, dim: kind.kind.not_redrivable().is_some() }
    });
}

/// What there is to say of the kind under the cursor: first and last, an example, a note.
fn about_kind(ink: &Ink<'_>, console: &Console, snapshot: &Snapshot, width: u16) -> Prose {
    let theme = ink.theme;
    let mut prose = Prose::new(width);
    let row = match snapshot.only_kind() {
        Some(row) => snapshot.kinds().get(row),
        None => snapshot.shown_kind(snapshot.row()),
    };
    let Some(kind) = row else { return prose };
    prose.text(0, &kind.label, theme.bold());
    let (first, last) = (figure::age(console.now.ms_since(kind.first)), figure::age(console.now.ms_since(kind.last)));
    let sent = if first == last { first } else { format!("{first} to {last}") };
    prose.text(0, &format!("sent {sent} ago, e.g. {}", kind.example.short()), theme.dim());
    prose.text(0, &format!("body {}", kind.kind.form), theme.dim());
    if let Some(why) = kind.kind.not_redrivable() {
        prose.text(0, &format!("○ R is off: {why}"), theme.plain());
    }
    match console.note_on(&snapshot.queue, &kind.label) {
        Some(note) => prose.text(0, &format!("note: {note}"), theme.plain()),
        None => prose.text(0, &format!("{} notes something on it", console.key_of("note")), theme.dim()),
    }
    if let Some(read) = console.deaths.get(&snapshot.queue) {
        deaths::told(theme, read, &console.key_of("logs"), &mut prose);
    }
    prose
}

fn messages(ink: &mut Ink<'_>, area: Rect, console: &Console, snapshot: &Snapshot, queue: Option<&Queue>) {
    let focused = snapshot.pane == Pane::Messages;
    let mut frame = Frame::new("Messages", ink).focused(focused);
    let (shown, all) = (figure::count(snapshot.shown_len() as u64), figure::count(snapshot.len() as u64));
    frame = match snapshot.filter() {
        "" if snapshot.shown_len() == snapshot.len() => frame.note(format!("{shown} scanned")),
        "" => frame.note(format!("{shown} of {all}")),
        filter => {
            if let Some(note) = snapshot.filter_note() {
                frame = frame.note(format!("{shown} of {all} match “{filter}”: {note}")).note(note);
            }
            frame.note(format!("{shown} of {all} match “{filter}”")).note(format!("{shown} of {all} match"))
        }
    };
    let inside = frame.draw(ink, area);
    let empty = match (snapshot.is_empty(), snapshot.complete, snapshot.filter_fault()) {
        (true, true, _) if snapshot.found > 0 => "all that was scanned has left the queue",
        (true, true, _) => "the scan found the queue empty",
        (true, false, _) => "nothing received yet",
        (_, _, Some(fault)) => fault,
        _ => "nothing matches; esc clears the filter",
    };
    let common = origin(snapshot, queue);
    let table = Table { columns: &MESSAGES, len: snapshot.shown_len(), selected: Some(snapshot.row()), focused, empty };
    let theme = ink.theme;
    table.draw(ink, inside, |n| match snapshot.shown(n) {
        Some(message) => {
            let kind = snapshot.shown_kind(n);
            let text = kind.map(|row| letter::without_origin(row.label.clone(), common)).unwrap_or_default();
            let expires = queue.and_then(|queue| letter::ends_at(message, queue));
            let expires = match expires.map(|at| at.ms_since(console.now)) {
                Some(left_ms) if left_ms > 0 => figure::age(left_ms),
                Some(_) => "gone".to_owned(),
                None => MISSING.to_owned(),
            };
            let sent = figure::age(console.now.ms_since(message.system.sent_at));
            let body = letter::first_line(&message.body, console.redaction(), snapshot.is_on_disk(&message.id));
            let cells = cells(theme, message, snapshot.is_selected(&message.id), [sent, expires, text, body]);
            Row { cells, dim: kind.is_some_and(|row| row.kind.not_redrivable().is_some()) }
        }
        None => Row::default(),
    });
}

fn cells(theme: Theme, message: &Message, chosen: bool, [sent, expires, kind, body]: [String; 4]) -> Vec<Cell> {
    let plain = |text: String| Cell::new(text, theme.plain());
    vec![
        Cell::new(if chosen { "■" } else { "·" }, if chosen { theme.bold() } else { theme.dim() }),
        Cell::new(message.id.short(), theme.dim()),
        plain(sent),
        plain(expires),
        plain(message.system.receive_count.to_string()),
        plain(kind),
        plain(body),
    ]
}

fn message(ink: &mut Ink<'_>, area: Rect, console: &Console, snapshot: &Snapshot, queue: Option<&Queue>) {
    let focused = snapshot.pane == Pane::Message;
    let Some(message) = snapshot.current() else {
        Frame::new("Message", ink).focused(focused).draw(ink, area);
        return;
    };
    let frame = Frame::new(format!("Message {}", message.id.short()), ink).focused(focused);
    let inside =
        letter::noted(frame, snapshot.size_bytes(message), console.redaction_note().as_deref()).draw(ink, area);
    let kind = snapshot.shown_kind(snapshot.row()).map(|row| (row.label.clone(), row.kind.not_redrivable()));
    let more = snapshot.is_on_disk(&message.id);
    let (redaction, scroll) = (console.redaction(), snapshot.scroll);
    let line = console.deaths.get(&snapshot.queue).and_then(|deaths| deaths.exact(&message.id));
    letter::draw(
        ink,
        inside,
        &letter::Letter { message, kind, queue, now: console.now, redaction, scroll, more, line },
    );
}

/// Nothing was copied yet: what is known without receiving.
fn unscanned(ink: &mut Ink<'_>, area: Rect, console: &Console, name: &QueueName, seen: Option<&Observed<Queue>>) {
    let Some(seen) = seen else {
        let inside = Frame::new(name.to_string(), ink).draw(ink, area);
        ink.text(
            inside.x,
            inside.y,
            inside.width,
            "this queue is gone, or not read yet; esc goes back",
            ink.theme.plain(),
        );
        return;
    };
    let lines = queues::facts(ink.theme, console, seen, area.width - 2, false).len();
    let (top, bottom) = split_top(area, u16::try_from(lines + 4).unwrap_or(u16::MAX).min(area.height * 2 / 3));
    let inside = Frame::new(name.to_string(), ink)
        .focused(true)
        .note(format!("read {} ago", figure::age(seen.age_ms(console.now))))
        .draw(ink, top);
    let mut prose = queues::facts(ink.theme, console, seen, inside.width, false);
    prose.blank();
    let open = console.key_of("open");
    let text = if console.may_write() {
        format!("{open} scans it: receives under a lease of at most 60 s, copies, and gives everything back")
    } else {
        let arm = console.key_of("arm");
        format!("{open} scans it; receiving counts as a write, so arm writes first ({arm})")
    };
    prose.text(0, &text, ink.theme.plain());
    prose.draw(ink, inside, 0);
    Vital::of_queue(console, name).draw(ink, bottom, console);
}
