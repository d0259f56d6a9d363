//! `r`: records that a stream's mapping gave up, by their pointers, fetched and run again while they exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::Console;
use crate::console::overlay::{Overlay, Pick, Planned};
use crate::console::update::{card as cards, letters, operations};
use crate::model::finding::Severity;
use crate::model::id::{FunctionName, MessageId, QueueName};
use crate::model::rescue::RescuePlan;
use crate::model::stream::{STREAM_KEEPS_S, StreamPointer};
use crate::model::time::{Timestamp, spoken};
use crate::operation::advice;
use crate::operation::confirm::Preflight;
use crate::operation::progress::grouped;

pub(super) fn ask(console: &mut Console) {
    let Some(name) = letters::scanned_here(console) else { return };
    if operations::is_at_work(console, &name) {
        return;
    }
    match letters::chosen(console, &name) {
        Some(ids) => card(console, &name, ids),
        None => {
            let pick = |queue: &QueueName, ids| Pick::Rescue { queue: queue.clone(), ids };
            let choice = letters::choice(console, &name, "Rescue", pick);
            console.overlays.push(Overlay::Choice(choice));
        }
    }
}

pub(super) fn card(console: &mut Console, name: &QueueName, ids: Vec<MessageId>) {
    let Some(from) = console.picture.queues.get(name).map(|queue| queue.value.url.clone()) else { return };
    let Some(snapshot) = console.snapshots.get(name) else { return };
    let wanted: BTreeSet<MessageId> = ids.into_iter().collect();
    let meant = snapshot.messages().filter(|(message, _)| wanted.contains(&message.id));
    let mut pointers: Vec<(MessageId, StreamPointer)> = Vec::new();
    let mut left: BTreeMap<String, u64> = BTreeMap::new();
    for (message, _) in meant {
        match StreamPointer::parse(&message.body) {
            Some(pointer) => pointers.push((message.id.clone(), pointer)),
            None => *left.entry("no pointer into a DynamoDB stream".to_owned()).or_default() += 1,
        }
    }
    if pointers.is_empty() {
        console.say(Severity::Note, "nothing to rescue: this is no pointer into a DynamoDB stream");
        return;
    }
    let names: BTreeSet<FunctionName> = pointers.iter().filter_map(|(_, pointer)| pointer.function_name()).collect();
    let targets = advice::rescuers(&console.picture, &names);
    let given_up_by =
        |pointer: &StreamPointer| pointer.function_name().map_or("no function".to_owned(), |f| f.to_string());
    let known: Vec<(MessageId, StreamPointer)> = pointers
        .into_iter()
        .filter(|(_, pointer)| {
            let here = targets.iter().any(|target| pointer.function_name().as_ref() == Some(&target.function));
            if !here {
                *left.entry(format!("given up by {}, which is not here", given_up_by(pointer))).or_default() += 1;
            }
            here
        })
        .collect();
    if known.is_empty() {
        let why = left.into_keys().next().unwrap_or_default();
        console.say(Severity::Warning, format!("nothing to rescue: {why}"));
        return;
    }
    let mut facts = cards::facts(console, name.to_string());
    facts.about = existence(known.iter().map(|(_, pointer)| pointer), console.now);
    facts.about.extend(conditions(known.iter().map(|(_, pointer)| pointer)));
    facts.about.extend(left.into_iter().map(|(why, n)| format!("{} left out: {why}", grouped(n))));
    let plan = RescuePlan {
        from,
        records: known.iter().map(|(_, pointer)| u64::from(pointer.batch_size)).sum(),
        ids: known.into_iter().map(|(id, _)| id).collect(),
        targets,
        reason: None,
    };
    cards::show(console, Planned::Rescue(Preflight::new(plan, &facts)), None);
}

/// How long the records are there still.
fn existence<'a>(pointers: impl Iterator<Item = &'a StreamPointer>, now: Timestamp) -> Vec<String> {
    let (mut first, mut last, mut past, mut unknown) = (None::<Timestamp>, None::<Timestamp>, 0_u64, 0_u64);
    for pointer in pointers {
        match pointer.gone_at() {
            None => unknown += 1,
            Some(at) if at <= now => past += 1,
            Some(at) => {
                first = Some(first.map_or(at, |first| first.min(at)));
                last = Some(last.map_or(at, |last| last.max(at)));
            }
        }
    }
    let mut lines = Vec::new();
    if let (Some(first), Some(last)) = (first, last) {
        let (first_ms, last_ms) = (first.ms_since(now), last.ms_since(now));
        let until = first.clock();
        lines.push(match last_ms - first_ms < 60_000 {
            true => format!("the stream keeps these records {} more, until {until}", spoken(first_ms)),
            false => format!(
                "the stream keeps the oldest records {} more, until {until}; the newest {}",
                spoken(first_ms),
                spoken(last_ms)
            ),
        });
    }
    if past > 0 {
        let hours = STREAM_KEEPS_S / 3_600;
        let are = if past == 1 { "of these is" } else { "of these are" };
        lines.push(format!("{} {are} older than the {hours} h a stream keeps: the records may be gone", grouped(past)));
    }
    if unknown > 0 {
        lines.push(format!("{} do not say when their records came", grouped(unknown)));
    }
    lines
}

/// `given up: RetryAttemptsExhausted 8, RecordAgeExceeded 2`
fn conditions<'a>(pointers: impl Iterator<Item = &'a StreamPointer>) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    pointers.for_each(|pointer| *counts.entry(pointer.condition.as_str()).or_default() += 1);
    let told: Vec<String> = counts.iter().map(|(condition, n)| format!("{condition} {}", grouped(*n))).collect();
    (!told.is_empty()).then(|| format!("given up: {}", told.join(", ")))
}

/// Whose mapping gives up into this queue, when one does.
pub(super) fn given_up_by(console: &Console, queue: &QueueName) -> Option<FunctionName> {
    let arn = console.picture.queues.get(queue)?.value.arn.clone();
    let mut mappings = console.picture.mappings.values().map(|mapping| &mapping.value);
    mappings.find(|mapping| mapping.settings.on_failure.as_ref() == Some(&arn)).map(|mapping| mapping.function.clone())
}
