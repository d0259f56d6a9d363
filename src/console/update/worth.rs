//! Should it still be done? What a card says of the work it is about: its age, its effects, whether
//! the consumer's code changed since it died, how often it was redriven before.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::Console;
use crate::model::id::FunctionName;
use crate::model::message::Message;
use crate::model::plan::Plan;
use crate::model::queue::Queue;
use crate::model::time::spoken;
use crate::operation::progress::grouped;
use crate::operation::redrive::MARK;
use crate::query::kind::Kind;

/// Work this old is left out of a redrive unless it is chosen.
pub(super) fn stale_after_ms(console: &Console) -> i64 {
    i64::try_from(console.options.context.stale_after_s).unwrap_or(i64::MAX).saturating_mul(1000)
}

pub(super) fn is_stale(console: &Console, message: &Message) -> bool {
    console.now.ms_since(message.system.sent_at) > stale_after_ms(console)
}

/// What they are, whatever is to become of them.
pub(super) fn of_them(console: &Console, messages: &[(&Message, &Kind)]) -> Vec<String> {
    ages(console, messages).into_iter().chain([effects(messages)]).collect()
}

/// The same, and whether they would come through: of messages that are to be sent back.
pub(super) fn about(console: &Console, queue: &Queue, messages: &[(&Message, &Kind)]) -> Vec<String> {
    let mut lines = of_them(console, messages);
    lines.extend(consumers_changed(console, queue, messages));
    let again = messages.iter().filter(|(message, _)| message.attributes.contains_key(MARK)).count();
    if again > 0 {
        lines.push(format!("{} of them were redriven before and died again", grouped(again as u64)));
    }
    lines.extend(earlier(console, queue));
    lines
}

fn ages(console: &Console, messages: &[(&Message, &Kind)]) -> Option<String> {
    let mut ages: Vec<i64> =
        messages.iter().map(|(message, _)| console.now.ms_since(message.system.sent_at).max(0)).collect();
    ages.sort_unstable();
    let (newest, oldest, median) = (ages.first()?, ages.last()?, ages[ages.len() / 2]);
    if ages.len() == 1 {
        return Some(format!("work sent {} ago", spoken(*oldest)));
    }
    Some(format!(
        "work sent {} ago (oldest), {} (median), {} (newest)",
        spoken(*oldest),
        spoken(median),
        spoken(*newest)
    ))
}

fn effects(messages: &[(&Message, &Kind)]) -> String {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for (_, kind) in messages {
        *kinds.entry(kind.step.clone().unwrap_or_else(|| "of unknown step".to_owned())).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = kinds.len().saturating_sub(EFFECTS_MOST);
    let mut kinds: Vec<String> =
        kinds.into_iter().take(EFFECTS_MOST).map(|(step, count)| format!("{} {step}", grouped(count))).collect();
    if more > 0 {
        kinds.push(format!("and {more} other steps"));
    }
    format!("effects: {}", kinds.join(", "))
}

fn consumers_changed(console: &Console, queue: &Queue, messages: &[(&Message, &Kind)]) -> Vec<String> {
    let seen = messages.iter().map(|(message, _)| message.system.first_received_at.unwrap_or(message.system.sent_at));
    let Some(last) = seen.max() else { return Vec::new() };
    let consumers: BTreeSet<&FunctionName> = console
        .picture
        .mappings
        .values()
        .filter(|mapping| queue.sources.contains(&mapping.value.source))
        .map(|mapping| &mapping.value.function)
        .collect();
    let modified = |name: &FunctionName| console.picture.functions.get(name)?.value.last_modified;
    consumers
        .into_iter()
        .map(|name| match modified(name) {
            Some(at) if at > last => format!("{name} changed at {}, after the newest of them was tried", at.clock()),
            Some(_) => format!("{name} unchanged since: they will probably come back"),
            None => format!("whether {name} changed since is not known"),
        })
        .collect()
}

/// Redrives from this queue that the journal knows.
fn earlier(console: &Console, queue: &Queue) -> Option<String> {
    let rows = console.journal.as_ref().ok()?;
    let from_here = rows.iter().filter(|row| match &row.plan {
        Plan::Redrive(plan) => plan.from == queue.url,
        Plan::MoveAll(plan) => plan.from == queue.url,
        _ => false,
    });
    let from_here: Vec<_> = from_here.collect();
    let newest = from_here.first()?;
    let times = match from_here.len() {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    Some(format!("redriven from here {times} before, last at {}: {}", newest.began_at.clock(), newest.summary))
}

const EFFECTS_MOST: usize = 4;
