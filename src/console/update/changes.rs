//! What changed since it was last seen, by us or by somebody else, with its old and its new value.

use crate::console::Console;
use crate::console::update::follow::is_enabled;
use crate::model::change::{Change, ChangeSubject};
use crate::model::function::{Function, FunctionAnswer, FunctionQuestion};
use crate::model::id::FunctionName;
use crate::model::mapping::{Mapping, MappingChange};
use crate::model::observed::Observed;
use crate::model::queue::Queue;
use crate::model::reserve::ReserveChange;
use crate::model::stack::Stack;
use crate::model::time::Timestamp;
use crate::operation::card::change_lines;

pub(super) fn put_functions(console: &mut Console, at: Timestamp, found: Vec<Function>) {
    for function in found {
        let change = match console.picture.functions.get(&function.name).map(|known| &known.value) {
            None => Change::of_function(&function, at),
            Some(known) => changed(known, &function).map(|what| Change {
                at: function.last_modified.unwrap_or(at),
                subject: ChangeSubject::Function(function.name.clone()),
                what,
            }),
        };
        change.into_iter().for_each(|change| record(console, change));
        console.picture.functions.insert(function.name.clone(), Observed::new(function, at));
    }
}

/// Takes a function's reserve in and records that it is another than it was.
pub(super) fn put_reserve(console: &mut Console, function: &FunctionName, to: Option<u32>, at: Timestamp) {
    let known = console.picture.function_settings.get(function);
    let before = known.and_then(|seen| seen.value.reserved_concurrency.known().ok().copied());
    if let Some(before) = before.filter(|before| *before != to) {
        let what = ReserveChange { function: function.clone(), before, to }.line();
        record(console, Change { at, subject: ChangeSubject::Function(function.clone()), what });
    }
    let answer = Ok(FunctionAnswer::Concurrency(to));
    console.picture.put_function_setting(function, FunctionQuestion::Concurrency, answer, at);
}

/// `deploy`, or which settings; `None` when it is as it was.
fn changed(was: &Function, is: &Function) -> Option<String> {
    if was.code_sha256 != is.code_sha256 {
        return Some("deploy".to_owned());
    }
    let mut lines = Vec::new();
    if was.timeout_s != is.timeout_s {
        lines.push(format!("time-out {}→{} s", number(was.timeout_s), number(is.timeout_s)));
    }
    if was.memory_mb != is.memory_mb {
        lines.push(format!("memory {}→{} MB", number(was.memory_mb), number(is.memory_mb)));
    }
    if lines.is_empty() && was.last_modified < is.last_modified {
        lines.push(Change::SETTINGS.to_owned());
    }
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// Takes a mapping's answer in and records what changed since the last one, whoever changed it.
pub(super) fn put_mapping(console: &mut Console, mapping: Mapping, at: Timestamp) {
    match console.picture.mappings.get(&mapping.id).map(|known| &known.value) {
        None => Change::of_mapping(&mapping, at).into_iter().for_each(|change| record(console, change)),
        // In transition it may still show the old settings.
        Some(was) if mapping.state.is_settled() => {
            let lines = mapping_lines(was, &mapping);
            if !lines.is_empty() {
                let subject = ChangeSubject::Mapping(mapping.id.clone());
                record(console, Change { at, subject, what: lines.join(", ") });
            }
        }
        Some(_) => {}
    }
    console.picture.mappings.insert(mapping.id.clone(), Observed::new(mapping, at));
}

fn mapping_lines(was: &Mapping, is: &Mapping) -> Vec<String> {
    let change = MappingChange::of(&is.settings, is_enabled(is));
    let mut lines = change_lines(&was.settings, is_enabled(was), &change);
    let (old, new) = (&was.settings, &is.settings);
    let mut more = |name: &str, old: String, new: String| {
        if old != new {
            lines.push(format!("{name} {old}→{new}"));
        }
    };
    let partial = |on| on_off(Some(on));
    more("partial answers", partial(old.report_batch_item_failures), partial(new.report_batch_item_failures));
    lines
}

/// A stack's update is news where something of the picture was changed by it.
pub(super) fn put_stacks(console: &mut Console, at: Timestamp, stacks: &[Stack]) {
    for stack in stacks {
        let change = Change::of_stack(stack, &console.picture.changes, at);
        change.into_iter().for_each(|change| record(console, change));
    }
}

/// Takes a queue's answer in and records which of its attributes changed since the last one.
pub(super) fn put_queue(console: &mut Console, queue: Queue, at: Timestamp) {
    let change = match console.picture.queues.get(&queue.name).map(|known| &known.value) {
        None => Change::of_queue(&queue, at),
        Some(was) => Some(queue_lines(was, &queue)).filter(|lines| !lines.is_empty()).map(|lines| Change {
            at: queue.last_modified.unwrap_or(at),
            subject: ChangeSubject::Queue(queue.name.clone()),
            what: lines.join(", "),
        }),
    };
    change.into_iter().for_each(|change| record(console, change));
    console.picture.put_queue(queue, at);
}

fn queue_lines(was: &Queue, is: &Queue) -> Vec<String> {
    let mut lines = Vec::new();
    let mut more = |name: &str, old: u64, new: u64, unit: &str| {
        if old != new {
            lines.push(format!("{name} {old}→{new} {unit}"));
        }
    };
    more("visibility", was.visibility_s.into(), is.visibility_s.into(), "s");
    more("retention", was.retention_s.into(), is.retention_s.into(), "s");
    more("delay", was.delay_s.into(), is.delay_s.into(), "s");
    more("largest message", was.max_message_bytes, is.max_message_bytes, "bytes");
    if was.redrive != is.redrive {
        let policy = |queue: &Queue| match &queue.redrive {
            Some(policy) => format!("{} after {}", policy.dead_letter_arn.resource(), policy.max_receive_count),
            None => "none".to_owned(),
        };
        lines.push(format!("dead letters {}→{}", policy(was), policy(is)));
    }
    lines
}

fn number(value: Option<u32>) -> String {
    value.map_or("–".to_owned(), |n| n.to_string())
}

/// -1 is AWS's "no limit".
fn on_off(value: Option<bool>) -> String {
    value.map_or("–", |on| if on { "on" } else { "off" }).to_owned()
}

/// Adds a change once: two ways lead to the news of our own.
pub(super) fn record(console: &mut Console, change: Change) {
    let changes = &mut console.picture.changes;
    let known = changes.iter().rev().any(|other| {
        other.subject == change.subject
            && other.what == change.what
            && change.at.ms_since(other.at).abs() < SAME_CHANGE_MS
    });
    if !known {
        let place = changes.partition_point(|other| other.at <= change.at);
        changes.insert(place, change);
        let surplus = changes.len().saturating_sub(MAX_CHANGES);
        changes.drain(..surplus);
    }
}

const SAME_CHANGE_MS: i64 = 5 * 60 * 1000;
/// More changes than a chart can mark.
const MAX_CHANGES: usize = 200;
