//! `dlq rescue` of a bucket: the documents an on-failure destination keeps there, saved and run again. They
//! carry their events, so the records need not exist any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::command::before::{Before, before};
use crate::command::change::{confirm, facts};
use crate::command::failure::Failure;
use crate::command::look::Look;
use crate::command::operate::operate;
use crate::command::rescue::targets;
use crate::command::{Here, print, rerun, say, style};
use crate::config::{Output, Rescue, exit};
use crate::model::failure_document::FailureDocument;
use crate::model::id::FunctionName;
use crate::model::object::{Listing, Object, Place};
use crate::model::rerun::{RerunItem, RerunPlan, RerunSource};
use crate::model::size;
use crate::model::stream::StreamRecord;
use crate::model::time::{Timestamp, spoken};
use crate::operation::Undertaking;
use crate::operation::progress::{Report, grouped, plural};
use crate::report;
use crate::report::table::{Table, clean};

/// Bytes of documents that are read at most; each is up to 6 MB and what escaping adds.
const LOOK_BYTES: u64 = 256 * 1024 * 1024;
/// What Lambda's keys begin with (aws-facts §4.2).
const PREFIX: &str = "aws/lambda/";

/// Where to look, when what was named is a bucket, or a function whose mapping gives up into one.
pub(in crate::command) fn place(look: &Look, name: &str) -> Option<Place> {
    if let Some(place) = Place::parse(name) {
        let prefix = if place.prefix.is_empty() { PREFIX.to_owned() } else { place.prefix };
        return Some(Place { prefix, ..place });
    }
    let mut mappings = look.picture.mappings.values().map(|mapping| &mapping.value);
    let own = mappings.find(|mapping| mapping.function.as_str() == name || mapping.id.as_str() == name)?;
    let bucket = Place::parse(own.settings.on_failure.as_ref()?.as_str())?.bucket;
    Some(Place { bucket, prefix: format!("{PREFIX}{}/", own.id) })
}

/// The on-failure queue of the function's mapping, where a function was named.
pub(in crate::command) fn queue_of(look: &Look, name: &str) -> Option<String> {
    let mut mappings = look.picture.mappings.values().map(|mapping| &mapping.value);
    let own = mappings.find(|mapping| mapping.function.as_str() == name || mapping.id.as_str() == name)?;
    own.settings.on_failure.as_ref().filter(|arn| arn.service() == "sqs").map(ToString::to_string)
}

pub(in crate::command) async fn run(here: &Here, look: &Look, place: &Place, asked: &Rescue) -> Result<u8, Failure> {
    let listing = look.account.objects(place, asked.max.div_ceil(PAGE)).await?;
    let before = before(here, &place.bucket)?;
    let mut file = asked.save.as_deref().map(Saving::open).transpose()?;
    let (found, whole) = read(look, place, &listing, asked, file.as_mut()).await?;
    let rows: Vec<Row> = found.iter().map(|found| row(found, &place.bucket, &before, look.now)).collect();
    // With a replay the last thing on standard output is what came of it.
    if !asked.replay || asked.output == Output::Table {
        print(&report::rows(style(asked.output), &rows, table))?;
    }
    if found.is_empty() {
        say(&format!("redrive: no document of an on-failure destination was found under {place}"));
    }
    if let Some(file) = file {
        file.close()?;
    }
    if asked.replay && !found.is_empty() {
        let code = replay(here, look, place, &found, &before, asked).await?;
        return Ok(if code == exit::FINE && !whole { exit::PARTLY } else { code });
    }
    Ok(if whole { exit::FINE } else { exit::PARTLY })
}

struct Found {
    object: Object,
    document: FailureDocument,
}

/// The documents, without their events; false when there are more than were read.
async fn read(
    look: &Look,
    place: &Place,
    listing: &Listing,
    asked: &Rescue,
    mut file: Option<&mut Saving>,
) -> Result<(Vec<Found>, bool), Failure> {
    let wanted =
        |object: &&Object| asked.ids.is_empty() || asked.ids.iter().any(|id| *id == object.key || id == object.name());
    let objects: Vec<&Object> = listing.objects.iter().filter(wanted).take(asked.max as usize).collect();
    let all = listing.objects.iter().filter(wanted).count();
    let (mut found, mut bytes, mut others) = (Vec::new(), 0, 0_u64);
    let mut whole = !listing.is_cut && objects.len() == all;
    for object in &objects {
        bytes += object.size;
        if bytes > LOOK_BYTES {
            let read = size::bytes(LOOK_BYTES);
            say(&format!("redrive: {read} were read; the documents from {} on were not", object.key));
            whole = false;
            break;
        }
        let text = match look.account.object(&place.bucket, &object.key).await {
            Ok(text) => text,
            Err(error) if error.code == "NoSuchKey" => continue,
            Err(error) => return Err(error.into()),
        };
        let Some(document) = FailureDocument::parse(&text) else {
            others += 1;
            continue;
        };
        if let Some(file) = file.as_deref_mut() {
            file.save(&object.key, &document)?;
        }
        let payload = document.payload.map(|_| String::new());
        found.push(Found { object: (*object).clone(), document: FailureDocument { payload, ..document } });
    }
    if others > 0 {
        say(&format!("redrive: {} objects under {place} are something else", grouped(others)));
    }
    if listing.is_cut || objects.len() < all {
        say(&format!("redrive: there are more than the first {}; --max looks at more", grouped(objects.len() as u64)));
    }
    if let Some(missing) =
        asked.ids.iter().find(|id| !found.iter().any(|f| f.object.key == **id || f.object.name() == id.as_str()))
    {
        return Err(Failure::Refused(format!("{missing} was not found under {place}, or is no such document")));
    }
    Ok((found, whole))
}

async fn replay(
    here: &Here,
    look: &Look,
    place: &Place,
    found: &[Found],
    before: &Before,
    asked: &Rescue,
) -> Result<u8, Failure> {
    let names: BTreeSet<FunctionName> = found.iter().filter_map(|found| found.document.function.clone()).collect();
    let targets = targets(look, &names)?;
    let is_target = |name: &FunctionName| targets.iter().any(|target| target.function == *name);
    let (mut items, mut left) = (Vec::new(), BTreeMap::<&str, u64>::new());
    for one in found {
        let function = one.document.function.clone().filter(is_target);
        let why = match (&function, before.get(&one.object.key)) {
            (None, _) => "of a function that is not here",
            (Some(_), Some(_)) if asked.ids.is_empty() => "ran again before, or may have, by this machine's journal",
            (Some(_), _) => {
                items.extend(function.map(|function| RerunItem { object: one.object.clone(), function }));
                continue;
            }
        };
        *left.entry(why).or_default() += 1;
    }
    let left: Vec<String> = left.iter().map(|(why, n)| format!("left out: {} {why}", grouped(*n))).collect();
    if items.is_empty() {
        say(&format!("redrive: nothing to run: {}", left.join("; ")));
        return Ok(exit::FINE);
    }
    let records: u64 = items
        .iter()
        .filter_map(|item| found.iter().find(|f| f.object.key == item.object.key))
        .map(|f| f.document.records)
        .sum();
    let mut facts = facts(look, here, &place.bucket);
    facts.about =
        std::iter::once(format!("they stand for {}", plural(records, "record", "records"))).chain(left).collect();
    let plan = RerunPlan {
        source: RerunSource::Documents,
        bucket: place.bucket.clone(),
        items,
        targets,
        reason: asked.reason.clone(),
    };
    let Some(confirmed) = confirm(plan, &facts, asked.consent)? else { return Ok(exit::FINE) };
    let finished = operate(here, look, Undertaking::Rerun(confirmed)).await?;
    if let Report::Rerun(report) = &finished.report {
        print(&rerun::shown(asked.output, report))?;
    }
    Ok(finished.code())
}

/// A new file of records, one a line.
struct Saving {
    path: std::path::PathBuf,
    out: BufWriter<std::fs::File>,
    saved: u64,
    lost: u64,
}

#[derive(Serialize)]
struct Saved<'a> {
    document: &'a str,
    stream: Option<&'a str>,
    shard: Option<&'a str>,
    record: Value,
}

impl Saving {
    fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?;
        Ok(Saving { path: path.to_owned(), out: BufWriter::new(file), saved: 0, lost: 0 })
    }

    fn save(&mut self, key: &str, document: &FailureDocument) -> Result<(), Failure> {
        let event: Option<Value> = document.payload.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(event) = event else {
            self.lost += document.records;
            return Ok(());
        };
        let records = event.get("Records").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![event]);
        let pointer = document.pointer.as_ref();
        for record in records {
            // The same shape as of a queue's pointers; what is no record of DynamoDB stays as it is.
            let record = StreamRecord::read(&record).and_then(|read| serde_json::to_value(read).ok()).unwrap_or(record);
            let (stream, shard) = (pointer.map(|p| p.stream.as_str()), pointer.map(|p| p.shard.as_str()));
            let line = Saved { document: key, stream, shard, record };
            // Plain data always serializes.
            let written = writeln!(self.out, "{}", serde_json::to_string(&line).unwrap_or_default());
            written.map_err(|error| Failure::Refused(format!("{}: {error}", self.path.display())))?;
            self.saved += 1;
        }
        Ok(())
    }

    fn close(self) -> Result<(), Failure> {
        let unwritten = |error: std::io::Error| Failure::Refused(format!("{}: {error}", self.path.display()));
        let file = self.out.into_inner().map_err(|error| unwritten(error.into_error()))?;
        file.sync_all().map_err(unwritten)?;
        let lost =
            if self.lost > 0 { format!("; {} are not in their documents", grouped(self.lost)) } else { String::new() };
        say(&format!("redrive: {} saved to {}{lost}", plural(self.saved, "record", "records"), self.path.display()));
        Ok(())
    }
}

#[derive(Debug, Serialize)]
struct Row {
    bucket: String,
    key: String,
    size: u64,
    function: Option<String>,
    condition: String,
    records: u64,
    shard: Option<String>,
    given_up_at: String,
    /// The event is in the document: it can be run whatever the stream has.
    carries_event: bool,
    /// When the stream may forget the first of its records.
    gone_at: Option<String>,
    /// Seconds until then; negative when it is past.
    left_s: Option<i64>,
    /// When it was run again, and whether that is certain, by this machine's journal.
    ran_again: Option<String>,
}

fn row(found: &Found, bucket: &str, before: &Before, now: Timestamp) -> Row {
    let (object, document) = (&found.object, &found.document);
    let gone_at = document.pointer.as_ref().and_then(|pointer| pointer.gone_at());
    Row {
        bucket: bucket.to_owned(),
        key: object.key.clone(),
        size: object.size,
        function: document.function.as_ref().map(ToString::to_string),
        condition: document.condition.clone(),
        records: document.records,
        shard: document.pointer.as_ref().map(|pointer| pointer.shard.clone()),
        given_up_at: document.at.unwrap_or(object.modified_at).to_string(),
        carries_event: document.payload.is_some(),
        gone_at: gone_at.map(|at| at.to_string()),
        left_s: gone_at.map(|at| at.ms_since(now) / 1000),
        ran_again: before.get(&object.key).map(|ran| ran.to_string()),
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Table::new(&["DOCUMENT", "FUNCTION", "WHY", "RECORDS", "GIVEN UP", "ITS EVENT", "RAN AGAIN"]);
    for row in rows {
        let stream = match row.left_s {
            None => String::new(),
            Some(left_s) if left_s <= 0 => "; the stream has it no longer".to_owned(),
            Some(left_s) => format!("; in the stream up to {} more", spoken(left_s * 1000)),
        };
        let event = if row.carries_event { "in the document" } else { "not in the document" };
        table.row([
            clean(row.key.rsplit('/').next().unwrap_or(&row.key)),
            row.function.clone().unwrap_or_else(|| "–".to_owned()),
            clean(&row.condition),
            row.records.to_string(),
            row.given_up_at.clone(),
            format!("{event}{stream}"),
            row.ran_again.clone().unwrap_or_else(|| "–".to_owned()),
        ]);
    }
    table.text()
}

/// Keys of a page of a listing.
const PAGE: u32 = 1_000;
