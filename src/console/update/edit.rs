//! `e`: another body. One message in an editor, or those selected by a jq program; what would change is
//! looked at, and only then is there a card.

use std::sync::Arc;

use crate::console::Console;
use crate::console::editor::{EditView, Editor, Text};
use crate::console::effect::Effect;
use crate::console::key::{Code, Key, Line};
use crate::console::overlay::{Overlay, Prompt, Purpose};
use crate::console::update::{operations, redrive, try_one};
use crate::model::finding::Severity;
use crate::model::id::{MessageId, QueueName};
use crate::model::message::Message;
use crate::model::plan::BY_HAND;
use crate::operation::advice;
use crate::operation::progress::grouped;
use crate::query::edit;
use crate::query::edits::Edits;
use crate::query::jq::Program;
use crate::query::kind::kind_of;
use crate::query::layout::spread;

/// `e`.
pub(super) fn ask(console: &mut Console) {
    let Some(name) = console.queue_here() else { return };
    if operations::is_at_work(console, &name) {
        return;
    }
    if console.redaction().is_on() {
        let (reveal, edit) = (console.key_of("reveal"), console.key_of("edit"));
        return console
            .say(Severity::Note, format!("bodies are redacted here: {reveal} shows them, then {edit} edits"));
    }
    let Some(snapshot) = console.snapshots.get(&name).filter(|snapshot| !snapshot.is_empty()) else {
        return console.say(Severity::Note, format!("{name} is not scanned: {} scans it", console.key_of("scan")));
    };
    if snapshot.selected().is_empty() {
        return one(console, &name);
    }
    let ids: Vec<MessageId> = snapshot.selected().iter().cloned().collect();
    console.overlays.push(Overlay::Prompt(Prompt {
        title: format!("Edit {} of {name} by jq", grouped(ids.len() as u64)),
        hint: "a program that yields the message with another body: .body.to = \"a@b.c\"; what would change is shown"
            .to_owned(),
        line: Line::default(),
        purpose: Purpose::Edit { queue: name, ids },
        wrong: None,
    }));
}

/// The message under the cursor, in an editor.
fn one(console: &mut Console, name: &QueueName) {
    let Some(snapshot) = console.snapshots.get(name) else { return };
    let Some(message) = snapshot.current() else { return };
    if let Some(why) = kind_of(message).not_redrivable() {
        let line = format!("{} cannot be sent back: {why}", message.id.short());
        return console.say(Severity::Note, line);
    }
    if snapshot.is_on_disk(&message.id) {
        let (open, edit) = (console.key_of("open"), console.key_of("edit"));
        return console.say(Severity::Note, format!("its body lies on disk: {open} reads it, then {edit} edits"));
    }
    let message = snapshot.whole(&message.id).map_or_else(|| Arc::clone(message), Arc::clone);
    let laid = if edit::is_json(&message.body) { spread(&message.body) } else { message.body.clone() };
    console.overlays.push(Overlay::Editor(Box::new(Editor {
        queue: name.clone(),
        message,
        text: Text::new(&laid),
        wrong: None,
    })));
}

/// A program was given.
pub(super) fn program(
    console: &Console,
    queue: &QueueName,
    ids: &[MessageId],
    code: &str,
) -> Result<Vec<Effect>, String> {
    let code = code.trim();
    if code.is_empty() {
        return Err("a program is needed, as .body.to = \"a@b.c\"".to_owned());
    }
    Program::new(code)?;
    let Some(snapshot) = console.snapshots.get(queue) else { return Ok(Vec::new()) };
    let wanted: std::collections::BTreeSet<&MessageId> = ids.iter().collect();
    let chosen =
        snapshot.messages().filter(|(message, kind)| wanted.contains(&message.id) && kind.not_redrivable().is_none());
    let messages: Vec<Arc<Message>> = chosen.map(|(message, _)| Arc::clone(message)).collect();
    if messages.is_empty() {
        return Err("none of them can be sent back".to_owned());
    }
    Ok(vec![Effect::Edit { queue: queue.clone(), program: code.to_owned(), messages, most: largest(console, queue) }])
}

fn largest(console: &Console, queue: &QueueName) -> u64 {
    let seen = console.picture.queues.get(queue);
    seen.map_or(u64::MAX, |queue| advice::largest(&console.picture, &queue.value))
}

/// What the program makes of them.
pub(super) fn arrived(console: &mut Console, queue: &QueueName, how: String, result: Result<Edits, String>) {
    match result {
        Err(why) => console.say(Severity::Warning, why),
        Ok(edits) if edits.bodies.is_empty() => {
            let why = edits.reasons().first().map(|(why, _)| format!("; {why}")).unwrap_or_default();
            let line = format!(
                "nothing would change: {} stay as they are, {} cannot be edited{why}",
                grouped(edits.unchanged),
                grouped(edits.failed.len() as u64)
            );
            console.say(Severity::Warning, line);
        }
        Ok(edits) => {
            console.overlays.push(Overlay::Edited(EditView { queue: queue.clone(), how, edits, scroll: 0 }));
        }
    }
}

/// A key in the editor: what types, types; `ctrl-s` shows what would change.
pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    let Some(Overlay::Editor(mut editor)) = console.overlays.pop() else { return Vec::new() };
    if key.code == Code::Esc {
        return Vec::new();
    }
    if key != Key::ctrl('s') {
        if editor.text.edit(key) {
            editor.wrong = None;
        }
        console.overlays.push(Overlay::Editor(editor));
        return Vec::new();
    }
    let queue = editor.queue.clone();
    match edit::typed(&editor.message, &editor.text.text(), largest(console, &queue)) {
        Err(fault) => {
            editor.wrong = Some(fault.to_string());
            console.overlays.push(Overlay::Editor(editor));
        }
        Ok(body) => {
            let edits = Edits::of_one(&editor.message, body);
            console.overlays.push(Overlay::Editor(editor));
            console.overlays.push(Overlay::Edited(EditView { queue, how: BY_HAND.to_owned(), edits, scroll: 0 }));
        }
    }
    Vec::new()
}

/// A key over what would change: `enter` is the card; `c` tries the one message as it would be sent.
pub(super) fn view_key(console: &mut Console, key: Key) -> Vec<Effect> {
    let Some(Overlay::Edited(view)) = console.overlays.last_mut() else { return Vec::new() };
    match key.code {
        Code::Down | Code::Char('j') => view.scroll = view.scroll.saturating_add(1),
        Code::Up | Code::Char('k') => view.scroll = view.scroll.saturating_sub(1),
        Code::PageDown | Code::Char(' ' | 'f') => view.scroll = view.scroll.saturating_add(20),
        Code::PageUp | Code::Char('b') => view.scroll = view.scroll.saturating_sub(20),
        Code::Esc | Code::Char('q') => drop(console.overlays.pop()),
        Code::Char('c') => {
            let view = view.clone();
            try_one::edited(console, &view);
        }
        Code::Enter => {
            let (queue, how, edits) = (view.queue.clone(), view.how.clone(), view.edits.clone());
            redrive::edited_card(console, &queue, how, edits);
        }
        _ => {}
    }
    Vec::new()
}

/// It is under way: nothing is left to edit.
pub(super) fn close(console: &mut Console) {
    console.overlays.retain(|overlay| !matches!(overlay, Overlay::Editor(_) | Overlay::Edited(_)));
}
