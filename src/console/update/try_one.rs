//! `c`: try one dead letter on its function, and what the function answered.

use std::collections::BTreeSet;

use crate::console::Console;
use crate::console::editor::EditView;
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick, Planned, Tried};
use crate::console::update::{card as cards, operations};
use crate::model::finding::Severity;
use crate::model::id::{FunctionName, MessageId, QueueName};
use crate::model::message::Message;
use crate::model::queue::Queue;
use crate::model::time::spoken;
use crate::model::trial::TrialPlan;
use crate::operation::confirm::Preflight;
use crate::operation::progress::TrialReport;
use crate::operation::redrive::edit;

/// `c`: the message under the cursor.
pub(super) fn ask(console: &mut Console) {
    let Some((queue, message)) = current(console) else {
        console.say(Severity::Note, format!("no message under the cursor: {} scans the queue", console.key_of("scan")));
        return;
    };
    if operations::is_at_work(console, &queue.name) {
        return;
    }
    if let Some(why) = crate::query::kind::kind_of(&message).not_redrivable() {
        console.say(Severity::Note, format!("{} cannot be tried: {why}", message.id.short()));
        return;
    }
    match functions(console, &queue, &message).as_slice() {
        [] => {
            let line = format!("no function is known that reads the queue {} came from", message.id.short());
            console.say(Severity::Note, line);
        }
        [only] => card(console, &queue.name, &message.id, &only.clone()),
        several => {
            let option = |function: &FunctionName| ChoiceOption {
                label: function.to_string(),
                detail: "reads the queue it came from".to_owned(),
                off: None,
                pick: Pick::Try { queue: queue.name.clone(), id: message.id.clone(), function: function.clone() },
            };
            let title = format!("Try {}: on which function?", message.id.short());
            let options = several.iter().map(option).collect();
            console.overlays.push(Overlay::Choice(Choice { title, options, row: 0 }));
        }
    }
}

/// `c` over what an edit would change: the one message, as it would be sent.
pub(super) fn edited(console: &mut Console, view: &EditView) {
    let mut ids = view.edits.bodies.keys();
    let (Some(id), None) = (ids.next(), ids.next()) else {
        return console.say(Severity::Note, "one is tried at a time: edit one message, and c tries it");
    };
    if current(console).is_none_or(|(_, message)| message.id != *id) {
        return console
            .say(Severity::Note, format!("the cursor is not on {}: put it there and edit it again", id.short()));
    }
    ask(console);
}

/// The edit of this message that is being looked at, if one is.
fn under_hands<'a>(console: &'a Console, queue: &QueueName, id: &MessageId) -> Option<&'a EditView> {
    console.overlays.iter().find_map(|overlay| match overlay {
        Overlay::Edited(view) if view.queue == *queue && view.edits.bodies.contains_key(id) => Some(view),
        _ => None,
    })
}

/// The queue that is open and the message under its cursor.
fn current(console: &Console) -> Option<(Queue, Message)> {
    let name = console.queue_here()?;
    let queue = console.picture.queues.get(&name)?.value.clone();
    Some((queue, Message::clone(console.snapshots.get(&name)?.current()?)))
}

/// Where the message came from: its own word, or the only queue that dead-letters into this one.
fn source<'a>(queue: &'a Queue, message: &'a Message) -> Option<&'a crate::model::id::Arn> {
    match (&message.system.dead_letter_source, queue.sources.as_slice()) {
        (Some(source), _) => Some(source),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

fn functions(console: &Console, queue: &Queue, message: &Message) -> Vec<FunctionName> {
    let Some(source) = source(queue, message) else { return Vec::new() };
    let mappings = console.picture.mappings.values().map(|mapping| &mapping.value);
    let readers: BTreeSet<FunctionName> =
        mappings.filter(|mapping| mapping.source == *source).map(|mapping| mapping.function.clone()).collect();
    readers.into_iter().collect()
}

pub(super) fn card(console: &mut Console, queue: &QueueName, id: &MessageId, function: &FunctionName) {
    let Some((seen, message)) = current(console).filter(|(seen, message)| seen.name == *queue && message.id == *id)
    else {
        console.say(Severity::Note, "that message is not under the cursor any more");
        return;
    };
    let Some(source) = source(&seen, &message).cloned() else { return };
    let known = console.picture.functions.get(function).map(|function| function.value.clone());
    let mut facts = cards::facts(console, function.to_string());
    let age_ms = console.now.ms_since(message.system.sent_at).max(0);
    facts.about.push(format!("sent {} ago, received {} times so far", spoken(age_ms), message.system.receive_count));
    facts.about.extend(known.as_ref().and_then(|known| {
        let at = known.last_modified?;
        let last = message.system.first_received_at.unwrap_or(message.system.sent_at);
        Some(if at > last {
            format!("{function} changed at {}, after the message was first tried", at.clock())
        } else {
            format!("{function} unchanged since the message was first tried")
        })
    }));
    let view = under_hands(console, queue, id);
    let edit = view.map(|view| {
        facts.about.extend(view.edits.briefly());
        edit::plan(view.how.clone(), &view.edits.bodies)
    });
    let body = view.and_then(|view| view.edits.bodies.get(id)).cloned();
    let plan = TrialPlan {
        edit,
        from: seen.url.clone(),
        id: id.clone(),
        function: function.clone(),
        timeout_s: known.and_then(|known| known.timeout_s),
        source,
        region: facts.region.clone(),
        reason: None,
    };
    let preflight = Preflight::new(plan, &facts);
    let planned = match body {
        Some(body) => Planned::TryEdited(preflight, body),
        None => Planned::Trial(preflight),
    };
    cards::show(console, planned, None);
}

/// The answer is shown over whatever is open: it was waited for.
pub(super) fn ended(console: &mut Console, queue: &QueueName, id: &MessageId, report: TrialReport) {
    if report.deleted
        && let Some(snapshot) = console.snapshots.get_mut(queue)
    {
        snapshot.remove(|other| other == id);
    }
    // A card under someone's hands stays on top.
    let at = console.overlays.iter().position(|overlay| matches!(overlay, Overlay::Card(_)));
    let at = at.unwrap_or(console.overlays.len());
    console.overlays.insert(at, Overlay::Tried(Tried { report, scroll: 0 }));
}
