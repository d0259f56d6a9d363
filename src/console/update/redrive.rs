//! Redriving dead letters: of *the ids shown*, or all that is in the queue by a move task. They are
//! different choices and say so.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::Console;
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick, Planned};
use crate::console::update::{card, operations, rescue, scan, worth};
use crate::model::finding::Severity;
use crate::model::id::{MessageId, QueueName};
use crate::model::message::Message;
use crate::model::move_task::MoveTask;
use crate::model::plan::{EditPlan, Ladder, MoveAllPlan, RedrivePlan};
use crate::model::queue::Queue;
use crate::model::time::spoken;
use crate::operation::advice;
use crate::operation::card::Facts;
use crate::operation::confirm::Preflight;
use crate::operation::progress::grouped;
use crate::operation::redrive::edit;
use crate::query::edits::Edits;
use crate::query::kind::Kind;

/// `R`.
pub(super) fn ask(console: &mut Console) {
    let Some(queue) = dead_letter_queue(console) else { return };
    let name = queue.name.clone();
    if operations::is_at_work(console, &name) {
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
        scan::no_queue(console, Queue::is_dead_letter);
        return None;
    };
    if !queue.is_dead_letter() {
        let why = match rescue::given_up_by(console, &queue.name) {
            Some(function) => format!(
                "{} holds pointers to what {function} gave up, and nothing to send: {} rescues the records",
                queue.name,
                console.key_of("rescue")
            ),
            None => format!("{} is no queue's dead-letter queue: its messages have no way back", queue.name),
        };
        console.say(Severity::Note, why);
        return None;
    }
    Some(queue)
}

fn choice(console: &Console, queue: &Queue) -> Choice {
    let name = queue.name.clone();
    let snapshot = console.snapshots.get(&name).filter(|snapshot| !snapshot.is_empty());
    let unscanned = || Some(format!("{name} is not scanned: {} scans it", console.key_of("scan")));
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
    let laddered = advice::wants_ladder(ids.len() as u64);
    card_with(console, queue, ids, laddered);
}

/// `L` on a redrive's card: in rungs, or all in one go.
pub(super) fn switch_ladder(console: &mut Console) {
    let Some(Overlay::Card(card)) = console.overlays.last() else { return };
    let Planned::Redrive(preflight) = &card.planned else { return };
    let plan = preflight.plan();
    let (queue, ids, laddered) = (plan.from.name(), plan.ids.clone(), plan.ladder.is_some());
    if ids.len() > 1 {
        console.overlays.pop();
        card_with(console, &queue, ids, !laddered);
    }
}

fn card_with(console: &mut Console, queue: &QueueName, ids: Vec<MessageId>, laddered: bool) {
    if let Some((plan, facts)) = planned(console, queue, ids, laddered, None) {
        card::show(console, Planned::Redrive(Preflight::new(plan, &facts)), None);
    }
}

/// The card of messages that go back with other bodies: in rungs, whatever their number.
pub(super) fn edited_card(console: &mut Console, queue: &QueueName, how: String, edits: Edits) {
    let ids: Vec<MessageId> = edits.bodies.keys().cloned().collect();
    let laddered = ids.len() > 1;
    if let Some((plan, facts)) = planned(console, queue, ids, laddered, Some(edit::plan(how, &edits.bodies))) {
        card::show(console, Planned::Edited(Preflight::new(plan, &facts), edits.bodies), None);
    }
}

fn planned(
    console: &mut Console,
    queue: &QueueName,
    ids: Vec<MessageId>,
    laddered: bool,
    edit: Option<Box<EditPlan>>,
) -> Option<(RedrivePlan, Facts)> {
    let queue = console.picture.queues.get(queue).map(|queue| queue.value.clone())?;
    let wanted: BTreeSet<MessageId> = ids.into_iter().collect();
    let snapshot = console.snapshots.get(&queue.name)?;
    let origins = advice::origins(&console.picture, &queue);
    let mut messages: Vec<(&Message, &Kind)> = Vec::new();
    let mut left_out: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (message, kind) in snapshot.messages().filter(|(message, _)| wanted.contains(&message.id)) {
        let from = message.system.dead_letter_source.as_ref();
        match kind.not_redrivable() {
            None if !origins.iter().any(|(arn, _)| Some(arn) == from) => *left_out.entry(HOMELESS).or_default() += 1,
            None => messages.push((message, kind)),
            Some(why) => *left_out.entry(why).or_default() += 1,
        }
    }
    if messages.is_empty() {
        let why = left_out.into_keys().next().unwrap_or("those messages are no longer listed");
        console.say(Severity::Warning, format!("nothing to redrive: {why}"));
        return None;
    }
    let (rate, derivation) = advice::rate(&console.picture, &queue, console.now);
    let mut facts = card::facts(console, queue.name.to_string());
    facts.about = worth::about(console, &queue, &messages);
    let (slower, faster) = (console.key_of("rate-down"), console.key_of("rate-up"));
    facts.about.push(format!("{derivation}; {slower} and {faster} change it while it runs"));
    let ladder = laddered.then(|| {
        let (ladder, why) = advice::ladder(&console.picture, &queue, Ladder::DEFAULT_RUNGS.to_vec());
        facts.about.push(why);
        ladder
    });
    if messages.len() > 1 && edit.is_none() {
        facts.about.push(
            if laddered { "L: all in one go instead" } else { "L: in rungs of 1, 5, 20, 100 instead" }.to_owned(),
        );
    }
    facts.about.extend(left_out.into_iter().map(|(why, count)| format!("{} left out: {why}", grouped(count))));
    let hidden = snapshot.selected_hidden();
    if hidden > 0 && wanted.len() == snapshot.selected().len() {
        facts.about.push(format!("{} of these are selected and not listed now", grouped(hidden as u64)));
    }
    note_others(console, &queue, &mut facts);
    let ids = messages.iter().map(|(message, _)| message.id.clone()).collect();
    let plan = RedrivePlan {
        max_message_bytes: advice::largest(&console.picture, &queue),
        rate_per_s: Some(rate),
        ladder,
        gentle: Some(advice::gentle(&console.picture, &queue)),
        edit,
        ..RedrivePlan::new(queue.url.clone(), queue.arn.clone(), ids, origins)
    };
    Some((plan, facts))
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

/// Why a message that is no pointer and no event cannot go back.
const HOMELESS: &str = "not from a queue that dead-letters here: there is none to send it back to";
