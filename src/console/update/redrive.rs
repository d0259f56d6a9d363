//! Redriving dead letters: of *the ids shown*, or all that is in the queue by a move task. They are
//! different choices and say so.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::Console;
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick, Planned};
use crate::console::update::{card, operations, worth};
use crate::model::finding::Severity;
use crate::model::id::{Arn, MessageId, QueueName, QueueUrl};
use crate::model::message::{MAX_MESSAGE_BYTES, Message};
use crate::model::metric::{MetricKey, Stat};
use crate::model::move_task::MoveTask;
use crate::model::plan::{MoveAllPlan, RedrivePlan};
use crate::model::queue::Queue;
use crate::model::time::spoken;
use crate::operation::card::Facts;
use crate::operation::confirm::Preflight;
use crate::operation::progress::grouped;
use crate::query::kind::Kind;

/// `R`.
pub(super) fn ask(console: &mut Console) {
    let Some(queue) = dead_letter_queue(console) else { return };
    let name = queue.name.clone();
    if let Some(operation) = operations::busy(console, &name) {
        let line = format!("{} is at work: wait for it, or cancel it with X", operation.title);
        console.say(Severity::Note, line);
        return;
    }
    let selected: Vec<MessageId> =
        console.snapshots.get(&name).map(|snapshot| snapshot.selected().iter().cloned().collect()).unwrap_or_default();
    if selected.is_empty() {
        let choice = choice(console, &queue);
        console.overlays.push(Overlay::Choice(choice));
    } else {
        card(console, &name, selected);
    }
}

/// The queue meant, when it is one whose letters have a way back; else says why not.
fn dead_letter_queue(console: &mut Console) -> Option<Queue> {
    let found = console.queue_here().and_then(|name| console.picture.queues.get(&name));
    let Some(queue) = found.map(|queue| queue.value.clone()) else {
        console.say(Severity::Note, "no queue under the cursor");
        return None;
    };
    if !queue.is_dead_letter() {
        let why = format!("{} is no queue's dead-letter queue: its messages have no way back", queue.name);
        console.say(Severity::Note, why);
        return None;
    }
    Some(queue)
}

fn choice(console: &Console, queue: &Queue) -> Choice {
    let name = queue.name.clone();
    let snapshot = console.snapshots.get(&name).filter(|snapshot| !snapshot.is_empty());
    let unscanned = || Some(format!("{name} is not scanned: s scans it"));
    let focused: Vec<MessageId> =
        snapshot.and_then(|snapshot| snapshot.current()).map(|message| message.id.clone()).into_iter().collect();
    let listed: Vec<MessageId> = snapshot.map(|snapshot| snapshot.shown_ids().cloned().collect()).unwrap_or_default();
    let filter = snapshot.map(|snapshot| snapshot.filter()).filter(|filter| !filter.is_empty());
    let about = queue.counts.total();
    Choice {
        title: format!("Redrive from {name}: which?"),
        row: usize::from(focused.is_empty()) * 2,
        options: vec![
            ChoiceOption {
                label: "the message under the cursor".to_owned(),
                detail: focused.first().map(|id| id.short().to_owned()).unwrap_or_default(),
                off: if focused.is_empty() { unscanned() } else { None },
                pick: Pick::Redrive { queue: name.clone(), ids: focused },
            },
            ChoiceOption {
                label: format!("everything that is listed: {}", grouped(listed.len() as u64)),
                detail: match filter {
                    Some(filter) => format!("what matches {filter:?}, by id; nothing that arrives later"),
                    None => "by id; nothing that was not scanned or arrives later".to_owned(),
                },
                off: if listed.is_empty() { unscanned() } else { None },
                pick: Pick::Redrive { queue: name.clone(), ids: listed },
            },
            ChoiceOption {
                label: format!("everything in the queue, shown or not, and what still arrives: ~{}", grouped(about)),
                detail: "by a message move task of AWS's: no filter, goes on in AWS".to_owned(),
                off: running_task(console, &name).map(|task| {
                    format!("a move task already runs there, ~{} moved: one at a time", grouped(task.moved))
                }),
                pick: Pick::MoveAll { queue: name },
            },
        ],
    }
}

fn running_task<'a>(console: &'a Console, queue: &QueueName) -> Option<&'a MoveTask> {
    let task = console.picture.move_tasks.get(queue)?.value.as_ref()?;
    (!task.status.is_settled()).then_some(task)
}

/// The card of a redrive of exactly these messages; work that is old is asked about first.
pub(super) fn card(console: &mut Console, queue: &QueueName, ids: Vec<MessageId>) {
    let Some(snapshot) = console.snapshots.get(queue) else { return };
    let wanted: BTreeSet<&MessageId> = ids.iter().collect();
    let among = snapshot.messages().filter(|(message, _)| wanted.contains(&message.id));
    let stale: BTreeSet<MessageId> =
        among.filter(|(message, _)| worth::is_stale(console, message)).map(|(message, _)| message.id.clone()).collect();
    if stale.is_empty() {
        return card_of(console, queue, ids);
    }
    let fresh: Vec<MessageId> = ids.iter().filter(|id| !stale.contains(*id)).cloned().collect();
    let old = spoken(worth::stale_after_ms(console));
    console.overlays.push(Overlay::Choice(Choice {
        title: format!(
            "{} of {} were sent more than {old} ago",
            grouped(stale.len() as u64),
            grouped(ids.len() as u64)
        ),
        row: usize::from(fresh.is_empty()),
        options: vec![
            ChoiceOption {
                label: format!("leave them out: redrive {}", grouped(fresh.len() as u64)),
                detail: "what was asked for so long ago is often no longer wanted".to_owned(),
                off: fresh.is_empty().then(|| format!("all of them are older than {old}")),
                pick: Pick::Redrive { queue: queue.clone(), ids: fresh },
            },
            ChoiceOption {
                label: format!("take them too: redrive {}", grouped(ids.len() as u64)),
                detail: "their effects are real, however late".to_owned(),
                off: None,
                pick: Pick::RedriveStale { queue: queue.clone(), ids },
            },
        ],
    }));
}

/// The card itself.
pub(super) fn card_of(console: &mut Console, queue: &QueueName, ids: Vec<MessageId>) {
    let Some(queue) = console.picture.queues.get(queue).map(|queue| queue.value.clone()) else { return };
    let wanted: BTreeSet<MessageId> = ids.into_iter().collect();
    let Some(snapshot) = console.snapshots.get(&queue.name) else { return };
    let mut messages: Vec<(&Message, &Kind)> = Vec::new();
    let mut left_out: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (message, kind) in snapshot.messages().filter(|(message, _)| wanted.contains(&message.id)) {
        match kind.not_redrivable() {
            None => messages.push((message, kind)),
            Some(why) => *left_out.entry(why).or_default() += 1,
        }
    }
    if messages.is_empty() {
        let why = left_out.into_keys().next().unwrap_or("those messages are no longer listed");
        console.say(Severity::Warning, format!("nothing to redrive: {why}"));
        return;
    }
    let (rate, derivation) = rate(console, &queue);
    let mut facts = card::facts(console, queue.name.to_string());
    facts.about = worth::about(console, &queue, &messages);
    facts.about.push(derivation);
    facts.about.extend(left_out.into_iter().map(|(why, count)| format!("{} left out: {why}", grouped(count))));
    let hidden = snapshot.selected_hidden();
    if hidden > 0 && wanted.len() == snapshot.selected().len() {
        facts.about.push(format!("{} of these are selected and not listed now", grouped(hidden as u64)));
    }
    note_others(console, &queue, &mut facts);
    let plan = RedrivePlan {
        from: queue.url.clone(),
        from_arn: queue.arn.clone(),
        ids: messages.iter().map(|(message, _)| message.id.clone()).collect(),
        origins: origins(console, &queue),
        fallback: None,
        max_message_bytes: largest(console, &queue),
        rate_per_s: Some(rate),
        mark: true,
        reason: None,
    };
    let planned = Planned::Redrive(Preflight::new(plan, &facts));
    card::show(console, planned, None);
}

/// The card of a move task: everything, shown or not.
pub(super) fn move_all_card(console: &mut Console, queue: &QueueName) {
    let Some(queue) = console.picture.queues.get(queue).map(|queue| queue.value.clone()) else { return };
    let plan = MoveAllPlan {
        from_arn: queue.arn.clone(),
        from: queue.url.clone(),
        to: None,
        max_per_s: None,
        about: queue.counts.total(),
        reason: None,
    };
    let mut facts = card::facts(console, queue.name.to_string());
    if !console.snapshots.contains_key(&queue.name) {
        facts.unchecked.push("what these messages are: the queue is not scanned".to_owned());
    }
    note_others(console, &queue, &mut facts);
    let planned = Planned::MoveAll(Preflight::new(plan, &facts));
    card::show(console, planned, None);
}

/// Others at work in the queue are shown first (ux.md, Queues).
fn note_others(console: &Console, queue: &Queue, facts: &mut Facts) {
    match console.picture.move_tasks.get(&queue.name) {
        Some(task) if running_task(console, &queue.name).is_some() => {
            facts.about.push(format!("a move task runs there since before {}", task.at.clock()));
        }
        Some(_) => facts.checked.push("no move task runs there".to_owned()),
        None => facts.unchecked.push("whether a move task runs there".to_owned()),
    }
    if queue.counts.in_flight > 0 {
        facts.about.push(format!("~{} held by somebody now: they are not found", grouped(queue.counts.in_flight)));
    }
}

/// The queues whose redrive policies name this one.
fn origins(console: &Console, queue: &Queue) -> Vec<(Arn, QueueUrl)> {
    let url = |arn: &Arn| match console.picture.queue_by_arn(arn) {
        Some(source) => source.value.url.clone(),
        // Same account and region (aws-facts §3.4), so the same URL but for its last segment.
        None => {
            let own = queue.url.as_str();
            let base = own.rfind('/').map_or("", |slash| &own[..=slash]);
            format!("{base}{}", arn.resource()).into()
        }
    };
    queue.sources.iter().map(|arn| (arn.clone(), url(arn))).collect()
}

fn largest(console: &Console, queue: &Queue) -> u64 {
    let sources = queue.sources.iter().filter_map(|arn| console.picture.queue_by_arn(arn));
    sources.map(|source| source.value.max_message_bytes).min().unwrap_or(MAX_MESSAGE_BYTES as u64)
}

/// A fifth of what the consumers have been measured to finish, between 1 and 50 messages a second,
/// and how that came about.
fn rate(console: &Console, queue: &Queue) -> (f64, String) {
    let measured: Vec<f64> = queue
        .sources
        .iter()
        .filter_map(|arn| {
            let key = MetricKey::sqs(&arn.resource().into(), "NumberOfMessagesDeleted", Stat::Sum);
            // The newest periods are incomplete.
            let to = console.now.plus_s(-3 * 60);
            let series = console.picture.metrics.get(&key)?;
            let values: Vec<f64> = series.between(to.plus_s(-15 * 60), to).map(|(_, value)| value / 60.0).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        })
        .collect();
    if measured.is_empty() {
        return (RATE_UNMEASURED, format!("rate: {RATE_UNMEASURED} a second; the consumers' own is not measured"));
    }
    let total: f64 = measured.iter().sum();
    let rate = (total / 5.0).clamp(1.0, 50.0).round();
    (rate, format!("rate: a fifth of the {total:.1} a second deleted there lately, between 1 and 50"))
}

/// A careful pace while nothing is known.
const RATE_UNMEASURED: f64 = 10.0;
