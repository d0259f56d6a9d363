//! What is done with messages beside sending them back: dropped with a backup, exported to a file.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::key::Line;
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick, Planned, Prompt, Purpose};
use crate::console::update::{card, operations, worth};
use crate::model::finding::Severity;
use crate::model::id::{MessageId, QueueName};
use crate::model::message::Message;
use crate::model::plan::DropPlan;
use crate::operation::confirm::Preflight;
use crate::operation::progress::grouped;
use crate::query::kind::Kind;

/// `D`.
pub(super) fn ask_drop(console: &mut Console) {
    let Some(name) = scanned_here(console) else { return };
    if operations::is_at_work(console, &name) {
        return;
    }
    match chosen(console, &name) {
        Some(ids) => drop_card(console, &name, ids),
        None => {
            let pick = |queue: &QueueName, ids| Pick::Drop { queue: queue.clone(), ids };
            let choice = choice(console, &name, "Drop", pick);
            console.overlays.push(Overlay::Choice(choice));
        }
    }
}

/// `x`. Nothing is received for it: what was copied is written.
pub(super) fn ask_export(console: &mut Console) {
    let Some(name) = scanned_here(console) else { return };
    match chosen(console, &name) {
        Some(ids) => path_prompt(console, &name, ids),
        None => {
            let pick = |queue: &QueueName, ids| Pick::Export { queue: queue.clone(), ids };
            let choice = choice(console, &name, "Export", pick);
            console.overlays.push(Overlay::Choice(choice));
        }
    }
}

/// `n`: kept in the journal, and shown wherever the kind is.
pub(super) fn ask_note(console: &mut Console) {
    let Some(name) = scanned_here(console) else { return };
    let Some(snapshot) = console.snapshots.get(&name) else { return };
    let row = match snapshot.only_kind() {
        Some(row) => snapshot.kinds().get(row),
        None => snapshot.shown_kind(snapshot.row()),
    };
    let Some(kind) = row.map(|row| row.label.clone()) else { return };
    let old = console.note_on(&name, &kind).unwrap_or_default().to_owned();
    console.overlays.push(Overlay::Prompt(Prompt {
        title: format!("Note on {kind}"),
        hint: "kept in the journal for whoever looks next; an empty one takes it away".to_owned(),
        line: Line::new(old),
        purpose: Purpose::Note { queue: name, kind },
        wrong: None,
    }));
}

pub(super) fn scanned_here(console: &mut Console) -> Option<QueueName> {
    let name = console.queue_here()?;
    if console.snapshots.get(&name).is_some_and(|snapshot| !snapshot.is_empty()) {
        return Some(name);
    }
    console.say(Severity::Note, format!("{name} is not scanned: {} scans it", console.key_of("scan")));
    None
}

pub(super) fn chosen(console: &Console, name: &QueueName) -> Option<Vec<MessageId>> {
    let selected = console.snapshots.get(name)?.selected();
    (!selected.is_empty()).then(|| selected.iter().cloned().collect())
}

pub(super) fn choice(
    console: &Console,
    name: &QueueName,
    verb: &str,
    pick: impl Fn(&QueueName, Vec<MessageId>) -> Pick,
) -> Choice {
    let snapshot = console.snapshots.get(name);
    let under: Vec<MessageId> =
        snapshot.and_then(|snapshot| snapshot.current()).map(|message| message.id.clone()).into_iter().collect();
    let listed: Vec<MessageId> = snapshot.map(|snapshot| snapshot.shown_ids().cloned().collect()).unwrap_or_default();
    let off = |ids: &[MessageId]| ids.is_empty().then(|| "nothing is listed".to_owned());
    Choice {
        title: format!("{verb} from {name}: which?"),
        row: 0,
        options: vec![
            ChoiceOption {
                label: "the message under the cursor".to_owned(),
                detail: under.first().map(|id| id.short().to_owned()).unwrap_or_default(),
                off: off(&under),
                pick: pick(name, under),
            },
            ChoiceOption {
                label: format!("everything that is listed: {}", grouped(listed.len() as u64)),
                detail: "by id; nothing that was not scanned or arrives later".to_owned(),
                off: off(&listed),
                pick: pick(name, listed),
            },
        ],
    }
}

pub(super) fn drop_card(console: &mut Console, name: &QueueName, ids: Vec<MessageId>) {
    let Some(queue) = console.picture.queues.get(name).map(|queue| queue.value.clone()) else { return };
    let Some(snapshot) = console.snapshots.get(name) else { return };
    let wanted: BTreeSet<&MessageId> = ids.iter().collect();
    let messages: Vec<(&Message, &Kind)> = snapshot
        .messages()
        .filter(|(message, _)| wanted.contains(&message.id))
        .map(|(message, kind)| (message.as_ref(), kind))
        .collect();
    if messages.is_empty() {
        console.say(Severity::Warning, "nothing to drop: those messages are no longer listed");
        return;
    }
    let mut facts = card::facts(console, name.to_string());
    facts.about = worth::of_them(console, &messages);
    let hidden = snapshot.selected_hidden();
    if hidden > 0 && wanted.len() == snapshot.selected().len() {
        facts.about.push(format!("{} of these are selected and not listed now", grouped(hidden as u64)));
    }
    let ids = messages.iter().map(|(message, _)| message.id.clone()).collect();
    let plan = DropPlan { from: queue.url.clone(), ids, reason: None };
    let planned = Planned::Drop(Preflight::new(plan, &facts));
    card::show(console, planned, None);
}

pub(super) fn path_prompt(console: &mut Console, name: &QueueName, ids: Vec<MessageId>) {
    let count = ids.len() as u64;
    let stamp: String = console.now.to_string().chars().filter(|c| c.is_ascii_alphanumeric()).take(13).collect();
    console.overlays.push(Overlay::Prompt(Prompt {
        title: format!("Export {} of {name}", grouped(count)),
        hint: "one JSON object a line, byte for byte; a file that is there is not written over. They stay in the queue"
            .to_owned(),
        line: Line::new(format!("{name}-{stamp}Z.ndjson")),
        purpose: Purpose::Export { queue: name.clone(), ids },
        wrong: None,
    }));
}

/// The path was given.
pub(super) fn export(console: &Console, name: &QueueName, ids: &[MessageId], path: &str) -> Result<Effect, String> {
    if path.trim().is_empty() {
        return Err("a file's path is needed".to_owned());
    }
    let wanted: BTreeSet<&MessageId> = ids.iter().collect();
    let messages: Vec<Arc<Message>> = console
        .snapshots
        .get(name)
        .map(|snapshot| snapshot.messages().filter(|(message, _)| wanted.contains(&message.id)))
        .into_iter()
        .flatten()
        .map(|(message, _)| Arc::clone(message))
        .collect();
    Ok(Effect::Export { queue: name.clone(), path: path.trim().to_owned(), messages })
}
