//! `dlq rescue`: what the pointers of an on-failure queue name, saved and run again while it exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde::Serialize;

use crate::command::change::{confirm, facts};
use crate::command::dead_letters::{LEASE_S, find};
use crate::command::documents;
use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::operate::operate;
use crate::command::pick::SCAN_BYTES;
use crate::command::{Here, print, say, style};
use crate::config::{Output, Rescue, exit};
use crate::model::id::{FunctionName, MessageId};
use crate::model::plan::ScanPlan;
use crate::model::queue::Queue;
use crate::model::rescue::{RescuePlan, RescueTarget};
use crate::model::stream::{StreamPointer, StreamRecord};
use crate::model::time::{Timestamp, spoken};
use crate::operation::progress::{Report, RescueReport, grouped, plural};
use crate::operation::{Undertaking, advice};
use crate::report;
use crate::report::ended::named;
use crate::report::table::{Table, clean};

pub async fn run(here: &Here, asked: Rescue) -> Result<u8, Failure> {
    let look = look(here).await?;
    if let Some(place) = documents::place(&look, &asked.queue) {
        return documents::run(here, &look, &place, &asked).await;
    }
    let named = documents::queue_of(&look, &asked.queue).unwrap_or_else(|| asked.queue.clone());
    let queue = find(&look, &named)?.clone();
    let Some(pointers) = pointers(here, &look, &queue, &asked).await? else { return Ok(exit::FINE) };
    let rows: Vec<Row> = pointers.iter().map(|(id, pointer)| row(id, pointer, look.now)).collect();
    // With a replay the last thing on standard output is what came of it.
    if !asked.replay || asked.output == Output::Table {
        print(&report::rows(style(asked.output), &rows, table))?;
    }
    if pointers.is_empty() {
        say(&format!("redrive: no pointer into a DynamoDB stream was found in {}", queue.name));
        return Ok(exit::FINE);
    }
    if let Some(file) = &asked.save {
        save(&look, &pointers, file).await?;
    }
    if asked.replay { replay(here, &look, &queue, &pointers, &asked).await } else { Ok(exit::FINE) }
}

type Pointers = BTreeMap<MessageId, StreamPointer>;

/// What a scan finds, without what is no pointer. `None` after a dry run.
async fn pointers(here: &Here, look: &Look, queue: &Queue, asked: &Rescue) -> Result<Option<Pointers>, Failure> {
    let plan = ScanPlan {
        queue: queue.url.clone(),
        own_max_receive_count: queue.redrive.as_ref().map(|policy| policy.max_receive_count),
        max_messages: asked.max,
        max_bytes: SCAN_BYTES,
        lease_s: LEASE_S,
    };
    if let Some(why) = crate::operation::scan::refusal(&plan) {
        return Err(Failure::Refused(why));
    }
    let Some(confirmed) = confirm(plan, &facts(look, here, queue.name.as_str()), asked.consent)? else {
        return Ok(None);
    };
    let finished = operate(here, look, Undertaking::Scan(confirmed)).await?;
    let wanted: BTreeSet<&str> = asked.ids.iter().map(String::as_str).collect();
    let mut found = Pointers::new();
    for message in finished.found.messages()? {
        let message = message?;
        if let Some(pointer) = StreamPointer::parse(&message.body)
            && (wanted.is_empty() || wanted.contains(message.id.as_str()))
        {
            found.insert(message.id.clone(), pointer);
        }
    }
    if let Some(missing) = wanted.iter().find(|id| !found.contains_key(&MessageId::from(**id))) {
        return Err(Failure::Refused(format!("{missing} was not found in {}, or is no stream pointer", queue.name)));
    }
    Ok(Some(found))
}

/// Fetches what every pointer names and writes it down; what cannot be fetched is said and left out.
async fn save(look: &Look, pointers: &Pointers, file: &Path) -> Result<(), Failure> {
    let unwritten = |error| Failure::Refused(format!("{}: {error}", file.display()));
    let mut out = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(file).map_err(unwritten)?);
    let (mut saved, mut lost) = (0_u64, 0_u64);
    for (id, pointer) in pointers {
        match look.account.records(pointer).await {
            Ok(records) => {
                for record in &records {
                    let line =
                        Saved { pointer: id.as_str(), stream: pointer.stream.as_str(), shard: &pointer.shard, record };
                    // Plain data always serializes.
                    writeln!(out, "{}", serde_json::to_string(&line).unwrap_or_default()).map_err(unwritten)?;
                }
                saved += records.len() as u64;
            }
            Err(error) => {
                lost += u64::from(pointer.batch_size);
                say(&format!("redrive: {id}: {}", clean(&error.to_string())));
            }
        }
    }
    out.into_inner()
        .map_err(|error| unwritten(error.into_error()))
        .and_then(|file| file.sync_all().map_err(unwritten))?;
    let lost = if lost > 0 { format!("; {} could not be fetched", grouped(lost)) } else { String::new() };
    say(&format!("redrive: {} saved to {}{lost}", plural(saved, "record", "records"), file.display()));
    Ok(())
}

#[derive(Serialize)]
struct Saved<'a> {
    pointer: &'a str,
    stream: &'a str,
    shard: &'a str,
    record: &'a StreamRecord,
}

async fn replay(here: &Here, look: &Look, queue: &Queue, pointers: &Pointers, asked: &Rescue) -> Result<u8, Failure> {
    let names: BTreeSet<FunctionName> = pointers.values().filter_map(StreamPointer::function_name).collect();
    let plan = RescuePlan {
        from: queue.url.clone(),
        ids: pointers.keys().cloned().collect(),
        targets: targets(look, &names)?,
        records: pointers.values().map(|pointer| u64::from(pointer.batch_size)).sum(),
        reason: asked.reason.clone(),
    };
    let Some(confirmed) = confirm(plan, &facts(look, here, queue.name.as_str()), asked.consent)? else {
        return Ok(exit::FINE);
    };
    let finished = operate(here, look, Undertaking::Rescue(confirmed)).await?;
    if let Report::Rescue(report) = &finished.report {
        print(&shown(asked.output, report))?;
    }
    Ok(finished.code())
}

/// The functions that gave records up.
pub(in crate::command) fn targets(look: &Look, names: &BTreeSet<FunctionName>) -> Result<Vec<RescueTarget>, Failure> {
    let found = advice::rescuers(&look.picture, names);
    if found.is_empty() {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        return Err(Failure::Refused(format!(
            "the functions that gave these records up are not here: {}",
            if names.is_empty() { "none is named".to_owned() } else { names.join(", ") }
        )));
    }
    Ok(found)
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    function: Option<String>,
    condition: String,
    records: u32,
    shard: String,
    first: String,
    last: String,
    /// When the first of them arrived.
    arrived: Option<String>,
    /// When the stream may forget it; it may be gone at any moment after that.
    gone_at: Option<String>,
    /// Seconds until then; negative when it is past.
    left_s: Option<i64>,
}

fn row(id: &MessageId, pointer: &StreamPointer, now: Timestamp) -> Row {
    let gone_at = pointer.gone_at();
    Row {
        id: id.to_string(),
        function: pointer.function_name().map(|name| name.to_string()),
        condition: pointer.condition.clone(),
        records: pointer.batch_size,
        shard: pointer.shard.clone(),
        first: pointer.first.clone(),
        last: pointer.last.clone(),
        arrived: pointer.first_at.map(|at| at.to_string()),
        gone_at: gone_at.map(|at| at.to_string()),
        left_s: gone_at.map(|at| at.ms_since(now) / 1000),
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Table::new(&["POINTER", "FUNCTION", "WHY", "RECORDS", "ARRIVED", "STREAM KEEPS THEM"]);
    for row in rows {
        let keeps = match row.left_s {
            None => "–".to_owned(),
            Some(left_s) if left_s <= 0 => "no longer, by its own word".to_owned(),
            Some(left_s) => format!("{} more", spoken(left_s * 1000)),
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
        table.row([
            row.id.clone(),
            text(&row.function),
            row.condition.clone(),
            row.records.to_string(),
            text(&row.arrived),
            keeps,
        ]);
    }
    table.text()
}

fn shown(output: Output, report: &RescueReport) -> String {
    if output != Output::Table {
        return serde_json::to_string(report).unwrap_or_default() + "\n";
    }
    named(&report.line(), &report.faults, &[])
}
