//! `dlq list`: what is in a dead-letter queue.

use serde::Serialize;

use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::pick::{picked, scan_of, search};
use crate::command::pile::Pile;
use crate::command::{Here, style, written};
use crate::config::{DeadLetters, Output, exit};
use crate::model::message::Message;
use crate::model::queue::Queue;
use crate::model::redaction::Redaction;
use crate::model::time::{Timestamp, spoken};
use crate::report;
use crate::report::table::{Columns, clean};

/// Seconds messages are held while they are listed (design: at most 60).
pub(in crate::command) const LEASE_S: u32 = 60;

pub async fn list(here: &Here, asked: DeadLetters) -> Result<u8, Failure> {
    let search = search(&asked.pick)?;
    let look = look(here).await?;
    let queue = find(&look, &asked.queue)?;
    let Some(finished) = scan_of(here, &look, queue, asked.max, asked.consent).await? else {
        return Ok(exit::FINE);
    };
    let code = finished.code();
    let found = picked(finished.found, &asked.pick, search.as_ref(), look.now).await?;
    let redaction = here.redaction(asked.reveal);
    told(&found, redaction, asked.output, look.now)?;
    Ok(code)
}

/// One row after the other: there may be a hundred thousand.
fn told(found: &Pile, redaction: &Redaction, output: Output, now: Timestamp) -> Result<(), Failure> {
    let rows = || Ok::<_, Failure>(found.messages()?.map(|message| message.map(|message| row(&message, redaction))));
    if output != Output::Table {
        let mut broken = None;
        let sound = rows()?.map_while(|row| row.map_err(|error| broken = Some(error)).ok());
        written(|out| report::write_rows(style(output), out, sound).map_err(Failure::Output))?;
        return broken.map_or(Ok(()), Err);
    }
    let mut columns = Columns::new(&HEADS);
    for row in rows()? {
        columns.widen(&cells(&row?, now));
    }
    written(|out| {
        let mut put = |line: String| out.write_all(line.as_bytes()).map_err(Failure::Output);
        put(columns.line(&HEADS.map(str::to_owned)))?;
        rows()?.try_for_each(|row| put(columns.line(&cells(&row?, now))))
    })
}

/// By name, ARN or URL.
pub(in crate::command) fn find<'a>(look: &'a Look, name: &str) -> Result<&'a Queue, Failure> {
    let mut all = look.picture.queues.values().map(|queue| &queue.value);
    let is_it =
        |queue: &&Queue| queue.name.as_str() == name || queue.arn.as_str() == name || queue.url.as_str() == name;
    all.find(is_it).ok_or_else(|| {
        let dead: Vec<&str> = look
            .picture
            .queues
            .values()
            .filter(|queue| queue.value.is_dead_letter())
            .map(|queue| queue.value.name.as_str())
            .collect();
        let dead = if dead.is_empty() { "none was found".to_owned() } else { dead.join(", ") };
        Failure::Usage(format!("no queue {name:?}; dead-letter queues here: {dead}"))
    })
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    sent_at: String,
    receive_count: u32,
    /// `DeadLetterQueueSourceArn`.
    from: Option<String>,
    body: String,
    attributes: crate::model::message::Attributes,
}

fn row(message: &Message, redaction: &Redaction) -> Row {
    Row {
        id: message.id.to_string(),
        sent_at: message.system.sent_at.to_string(),
        receive_count: message.system.receive_count,
        from: message.system.dead_letter_source.as_ref().map(ToString::to_string),
        body: redaction.shown(&message.body, false).into_owned(),
        attributes: redaction.attributes(&message.attributes),
    }
}

const HEADS: [&str; 5] = ["ID", "SENT", "RECEIVED", "FROM", "BODY"];

fn cells(row: &Row, now: Timestamp) -> [String; 5] {
    let sent = Timestamp::parse(&row.sent_at).map_or(String::new(), |at| spoken(now.ms_since(at)) + " ago");
    let from = row.from.as_deref().map_or("–", |arn| arn.rsplit(':').next().unwrap_or(arn));
    let body: String = row.body.chars().take(BODY_CHARS).collect();
    let received = match row.receive_count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    [row.id.clone(), sent, received, from.to_owned(), body].map(|cell| clean(&cell))
}

/// The start of a body, enough to tell kinds apart; JSON output has it whole.
const BODY_CHARS: usize = 100;
