//! One message for reading: what SQS says about it, its attributes, its body.

use ratatui::layout::Rect;

use crate::model::log::LogLine;
use crate::model::message::{AttributeValue, Message};
use crate::model::queue::Queue;
use crate::model::redaction::Redaction;
use crate::model::size;
use crate::model::stream::StreamPointer;
use crate::model::time::{Timestamp, spoken};
use crate::ui::theme::Theme;
use crate::ui::widget::body::{LINE_BYTES, Lines};
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

/// Columns the names stand in.
const NAMES: u16 = 10;
/// Characters of a body its first line is made of.
const FIRST_LINE: usize = 120;
/// Bytes of a binary attribute shown.
const BINARY_BYTES: usize = 16;
/// A body up to this is laid out whole.
const SHORT_BYTES: usize = 4_096;
/// From this on everything SQS says stands one a line above the body.
const ROOMY: u16 = 20;

pub struct Letter<'a> {
    pub message: &'a Message,
    /// What kind of failure it is, and why it cannot be sent back when it cannot.
    pub kind: Option<(String, Option<&'static str>)>,
    /// The queue it lies in.
    pub queue: Option<&'a Queue>,
    pub now: Timestamp,
    /// What of the body may not be shown.
    pub redaction: &'a Redaction,
    /// First line shown.
    pub scroll: usize,
    /// Only the beginning of the body is here; the rest lies on disk.
    pub more: bool,
    /// A line of its consumer's log that names it.
    pub line: Option<&'a LogLine>,
}

/// Answers the line it begins with.
pub fn draw(ink: &mut Ink<'_>, area: Rect, letter: &Letter<'_>) -> usize {
    let roomy = area.height >= ROOMY;
    let head = if roomy { head(ink.theme, letter, area.width) } else { brief(ink.theme, letter, area.width) };
    let height = usize::from(area.height);
    let mut prose = head;
    let body = &letter.message.body;
    // A short body is laid out whole, so that what is below can be counted.
    let short = body.len() <= SHORT_BYTES;
    let wanted = if short { SHORT_BYTES } else { letter.scroll.saturating_add(height) + 1 };
    let mut body = letter.redaction.beginning(body, wanted.saturating_mul(LINE_BYTES), letter.more);
    // White space between members makes no lines.
    if body.len() < letter.message.body.len() && Lines::new(&body).take(wanted).count() < wanted {
        body = letter.redaction.shown(&letter.message.body, letter.more);
    }
    for line in Lines::new(&body) {
        if prose.len() >= wanted {
            prose.goes_on();
            break;
        }
        prose.text(0, &line, ink.theme.plain());
    }
    if letter.more {
        prose.text(0, "… the rest lies on disk: enter reads it", ink.theme.dim());
    }
    prose.draw(ink, area, letter.scroll)
}

/// The frame around it, with its size and whether all of it is shown.
pub fn noted(frame: Frame, size: usize, redaction: Option<&str>) -> Frame {
    let size = size::bytes(size as u64);
    match redaction {
        Some(note) => frame.note(format!("{size} · {note}")).note(note).note("***"),
        None => frame.note(size),
    }
}

fn head(theme: Theme, letter: &Letter<'_>, width: u16) -> Prose {
    let (message, now) = (letter.message, letter.now);
    let system = &message.system;
    let mut prose = Prose::new(width);
    let styles = (theme.dim(), theme.plain());
    let mut pair = |name: &str, value: String| prose.pair(name, NAMES, &value, styles);
    pair("id", message.id.to_string());
    if let Some((kind, why)) = &letter.kind {
        pair("kind", kind.clone());
        if let Some(why) = why {
            pair("", format!("○ {why}"));
        }
    }
    if let Some(records) = records(message, now) {
        pair("records", records);
    }
    pair("sent", format!("{}, {} ago", figure::moment(system.sent_at), spoken(now.ms_since(system.sent_at).max(0))));
    if let Some(at) = letter.queue.and_then(|queue| expires_at(message, queue)) {
        pair("expires", format!("in {}, {}", spoken(at.ms_since(now)), figure::moment(at)));
    }
    let first = system.first_received_at.map(|at| format!(", first {}", at.clock_s())).unwrap_or_default();
    pair(
        "received",
        format!("{}{first}; looking counted as one", figure::plural(system.receive_count.into(), "time", "times")),
    );
    let origin = system.dead_letter_source.as_ref().map(|arn| arn.resource().to_owned()).or_else(|| giver(message));
    pair("from", origin.unwrap_or_else(|| "not said: sent here by hand, or by a tool".to_owned()));
    for (name, value) in
        [("group", &system.group_id), ("dedup", &system.deduplication_id), ("trace", &system.trace_header)]
    {
        if let Some(value) = value {
            pair(name, value.clone());
        }
    }
    if let Some(line) = letter.line {
        let said = line.text.lines().next().unwrap_or("");
        prose.pair("log", NAMES, &format!("exact · {} {said}", line.at.clock_s()), styles);
    }
    attributes(theme, letter, &mut prose);
    prose.blank();
    prose
}

/// The same on few rows: the body is what is read.
fn brief(theme: Theme, letter: &Letter<'_>, width: u16) -> Prose {
    let (message, now) = (letter.message, letter.now);
    let mut prose = Prose::new(width);
    if let Some((kind, why)) = &letter.kind {
        prose.text(0, kind, theme.bold());
        if let Some(why) = why {
            prose.text(0, &format!("○ {why}"), theme.plain());
        }
    }
    if let Some(records) = records(message, now) {
        prose.text(0, &format!("records: {records}"), theme.plain());
    }
    let expires = letter.queue.and_then(|queue| expires_at(message, queue));
    let expires = expires.map(|at| format!(" · expires in {}", figure::age(at.ms_since(now)))).unwrap_or_default();
    let origin = message.system.dead_letter_source.as_ref().map(|arn| arn.resource().to_owned());
    let origin = origin.or_else(|| giver(message)).map_or("origin not said".to_owned(), |name| format!("from {name}"));
    let sent = figure::age(now.ms_since(message.system.sent_at));
    let text = format!("sent {sent} ago{expires} · received {}× · {origin}", message.system.receive_count);
    prose.text(0, &text, theme.dim());
    attributes(theme, letter, &mut prose);
    prose
}

/// What a pointer stands for, and how long that exists: the message itself outlives it.
fn records(message: &Message, now: Timestamp) -> Option<String> {
    let pointer = StreamPointer::parse(&message.body)?;
    let many = figure::plural(pointer.batch_size.into(), "record", "records");
    Some(match pointer.gone_at() {
        Some(at) if at > now => format!("{many}, in the stream {} more", spoken(at.ms_since(now))),
        Some(_) => format!("{many}, older than a stream keeps them: may be gone"),
        None => many,
    })
}

/// Who left a pointer: the mapping that gave the records up.
fn giver(message: &Message) -> Option<String> {
    let function = StreamPointer::parse(&message.body)?.function_name()?;
    Some(format!("the mapping of {function}, which gave the records up"))
}

fn attributes(theme: Theme, letter: &Letter<'_>, prose: &mut Prose) {
    for (name, attribute) in &letter.message.attributes {
        let value = match &attribute.value {
            AttributeValue::Text(text) => letter.redaction.attribute(name, text).into_owned(),
            AttributeValue::Binary(bytes) if letter.redaction.is_on() => {
                format!("*** ({})", size::bytes(bytes.len() as u64))
            }
            AttributeValue::Binary(bytes) => {
                let shown: String = bytes.iter().take(BINARY_BYTES).map(|byte| format!("{byte:02x}")).collect();
                let more = if bytes.len() > BINARY_BYTES { "…" } else { "" };
                format!("{shown}{more} ({})", size::bytes(bytes.len() as u64))
            }
        };
        prose.item(
            Piece::new(format!("{name} "), theme.dim()),
            &format!("{value} ({})", attribute.data_type),
            theme.plain(),
        );
    }
}

/// A kind's text, without the origin that all share.
pub fn without_origin(kind: String, common: Option<&str>) -> String {
    let rest = common.and_then(|origin| kind.strip_prefix(origin)).and_then(|rest| rest.strip_prefix(" · "));
    rest.map(str::to_owned).unwrap_or(kind)
}

/// When SQS deletes it: counted from the original send on a standard queue; a FIFO queue counts anew,
/// from a moment a message does not tell (aws-facts §3).
pub fn expires_at(message: &Message, queue: &Queue) -> Option<Timestamp> {
    (!queue.fifo).then(|| message.system.sent_at.plus_s(i64::from(queue.retention_s)))
}

/// When there is nothing to be done with it any more: SQS deletes it, or the stream the records that a
/// pointer names.
pub fn ends_at(message: &Message, queue: &Queue) -> Option<Timestamp> {
    let records = StreamPointer::parse(&message.body).and_then(|pointer| pointer.gone_at());
    expires_at(message, queue).into_iter().chain(records).min()
}

/// The beginning of a body on one line, as far as it may be shown.
pub fn first_line(body: &str, redaction: &Redaction, more: bool) -> String {
    let mut line = String::new();
    let mut space = false;
    let body = redaction.beginning(body.trim_start(), FIRST_LINE * 4, more);
    for c in body.chars().take(FIRST_LINE) {
        if matches!(c, ' ' | '\n' | '\r' | '\t') {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) {
            line.push(' ');
        }
        line.push(c);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::redaction::{NOT_JSON, NOTHING};
    use crate::ui::{dump, fixture, scenes};

    #[test]
    fn what_is_below_is_counted_in_a_short_body_and_not_guessed_in_a_long_one() {
        let drawn = |body: String| {
            let message = scenes::letter(1, body, 9);
            dump::drawn(60, 6, |ink, area| {
                let letter = Letter {
                    message: &message,
                    kind: None,
                    queue: None,
                    now: fixture::now(),
                    redaction: &NOTHING,
                    scroll: 0,
                    more: false,
                    line: None,
                };
                draw(ink, area, &letter);
            })
        };
        let numbers = |n: usize| serde_json::to_string(&(0..n).collect::<Vec<_>>()).expect("plain data");
        // Three lines of head, two of the body; then 8 numbers and the bracket.
        let short = drawn(numbers(10));
        assert!(short.ends_with("[\n  0,\n ↓ 10 more"), "{short}");
        let long = drawn(numbers(10_000));
        assert!(long.ends_with("[\n  0,\n ↓ more"), "{long}");
    }

    #[test]
    fn the_first_line_is_short_whatever_the_body() {
        assert_eq!(first_line("\n {\"a\":\n\t1}", &NOTHING, false), "{\"a\": 1}");
        assert_eq!(first_line(&"x".repeat(1_000_000), &NOTHING, false).len(), FIRST_LINE);
        let redaction = Redaction::new(["a"]).expect("a path");
        assert_eq!(first_line("\n {\"a\":\n\t1}", &redaction, false), "{\"a\": \"***\"}");
        assert_eq!(first_line("a: 1", &redaction, false), NOT_JSON);
    }
}
