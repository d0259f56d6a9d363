//! Moving about: screens, cursors, panes, opening what the cursor is on.

use crate::console::Console;
use crate::console::command::Action;
use crate::console::effect::Effect;
use crate::console::overlay::{MessageView, Overlay};
use crate::console::screen::Screen;
use crate::console::snapshot::{Pane, Snapshot};
use crate::console::update::{arm, leave, logs, sandbox, scan};
use crate::model::finding::{Severity, Subject};
use crate::model::id::{FunctionName, MappingId, MessageId, QueueName};
use crate::verdict::posture::is_posture;

/// One of the numbered screens.
pub(super) fn go(console: &mut Console, screen: Screen) {
    console.filtering = false;
    if screen == Screen::Journal {
        console.schedule.journal.hurry();
    }
    if *console.screen() == Screen::Map {
        follow_finding(console);
    }
    console.screens = if screen == Screen::Map { vec![Screen::Map] } else { vec![Screen::Map, screen] };
}

/// Whoever leaves the map for a list means what the cursor was on: the row of that finding's subject.
fn follow_finding(console: &mut Console) {
    let Some(subject) = console.current_finding().map(|finding| finding.subject.clone()) else { return };
    if let Some(mapping) = console.mappings_here().into_iter().next() {
        console.cursors.consumers.set(mapping);
    }
    if let Subject::Queue(name) = subject {
        console.cursors.queues.set(name);
    }
}

pub(super) fn push(console: &mut Console, screen: Screen) {
    console.filtering = false;
    if let Screen::Logs(function) = &screen {
        logs::have(console, function);
    }
    if *console.screen() != screen {
        console.screens.push(screen);
    }
}

/// `esc` or `q`: what was narrowed is widened first, then back; at home `q` quits.
pub(super) fn back(console: &mut Console, quits: bool) -> Vec<Effect> {
    let place = console.place();
    if !quits && !console.filter().is_empty() {
        console.filters.remove(&place);
        let now = console.now;
        with_snapshot(console, |snapshot| snapshot.set_filter(&Default::default(), now));
    } else if console.screens.len() > 1 {
        console.screens.pop();
    } else if quits {
        return leave::quit(console);
    }
    Vec::new()
}

/// Closes screens whose subject is gone.
pub(super) fn close(console: &mut Console, gone: impl Fn(&Screen) -> bool) {
    console.screens.retain(|screen| !gone(screen));
    if console.screens.is_empty() {
        console.screens.push(Screen::Map);
    }
}

pub(super) fn with_snapshot(console: &mut Console, act: impl FnOnce(&mut Snapshot)) {
    if let Screen::Triage(queue) = console.screen().clone()
        && let Some(snapshot) = console.snapshots.get_mut(&queue)
    {
        act(snapshot);
    }
}

/// Rows a page moves by: what is left of the screen when its frame is taken off.
fn page(console: &Console) -> isize {
    isize::try_from(console.rows.saturating_sub(12).max(4)).unwrap_or(4)
}

pub(super) fn wheel(console: &mut Console, step: isize) -> Vec<Effect> {
    match console.overlays.last_mut() {
        None => by(console, step),
        Some(overlay) => {
            if let Some(scroll) = overlay.scroll_mut() {
                *scroll = scroll.saturating_add_signed(step);
            }
        }
    }
    Vec::new()
}

pub(super) fn step(console: &mut Console, action: Action) {
    let step = match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page(console),
        Action::PageDown => page(console),
        // Far beyond any list, and far from overflowing when added to a row.
        Action::Top => isize::MIN / 2,
        Action::Bottom => isize::MAX / 2,
        _ => 0,
    };
    by(console, step);
}

fn by(console: &mut Console, step: isize) {
    match console.screen().clone() {
        Screen::Map => {
            let keys = console.finding_keys();
            console.cursors.findings.step(&keys, step);
        }
        Screen::Consumers => {
            let keys = console.consumer_keys();
            console.cursors.consumers.step(&keys, step);
        }
        Screen::Queues => {
            let keys = console.queue_keys();
            console.cursors.queues.step(&keys, step);
        }
        Screen::Posture if console.posture_detail.focused => console.posture_detail.step(step),
        Screen::Posture => {
            let keys = console.posture_keys();
            console.cursors.posture.step(&keys, step);
            console.posture_detail.scroll = 0;
        }
        Screen::Journal => {
            let keys = console.journal_keys();
            console.cursors.journal.step(&keys, step);
        }
        Screen::Sandbox => sandbox::step(console, step),
        Screen::Logs(function) => logs::step(console, &function, step),
        Screen::ConsumerDetail(_) => {}
        Screen::Triage(_) => with_snapshot(console, |snapshot| match snapshot.pane {
            Pane::Kinds => {
                // Row 0 stands for all kinds.
                let row = snapshot.only_kind().map_or(0, |row| row + 1);
                let row = row.saturating_add_signed(step).min(snapshot.kinds().len());
                snapshot.set_only_kind(row.checked_sub(1));
            }
            Pane::Messages => snapshot.step(step),
            Pane::Message => snapshot.scroll = snapshot.scroll.saturating_add_signed(step).min(MAX_SCROLL),
        }),
    }
}

/// Lines of a message's text that can be scrolled to.
const MAX_SCROLL: usize = 100_000;

pub(super) fn pane(console: &mut Console, forward: bool) {
    logs::pane(console);
    if *console.screen() == Screen::Posture {
        console.posture_detail.focused ^= true;
    }
    with_snapshot(console, |snapshot| {
        snapshot.pane = match (snapshot.pane, forward) {
            (Pane::Kinds, true) | (Pane::Message, false) => Pane::Messages,
            (Pane::Messages, true) | (Pane::Kinds, false) => Pane::Message,
            (Pane::Message, true) | (Pane::Messages, false) => Pane::Kinds,
        };
    });
}

/// `enter`.
pub(super) fn open(console: &mut Console) -> Vec<Effect> {
    match console.screen().clone() {
        Screen::Map => {
            let finding = console.current_finding().map(|finding| (finding.rule.clone(), finding.subject.clone()));
            match finding {
                Some((rule, _)) if is_posture(&rule) => {
                    console.seek_posture(&rule);
                    push(console, Screen::Posture);
                }
                Some((_, subject)) => return to_subject(console, &subject),
                None => {}
            }
        }
        Screen::Posture => {
            if let Some(subject) = console.current_advice().map(|advice| advice.subject.clone()) {
                return to_subject(console, &subject);
            }
        }
        Screen::Consumers => {
            if let Some(id) = console.cursors.consumers.key(&console.consumer_keys()).cloned() {
                push(console, Screen::ConsumerDetail(id));
            }
        }
        Screen::Queues => {
            if let Some(name) = console.cursors.queues.key(&console.queue_keys()).cloned() {
                push(console, Screen::Triage(name));
            }
        }
        Screen::Triage(queue) => match console.snapshots.get_mut(&queue) {
            Some(snapshot) if !snapshot.is_empty() => match snapshot.pane {
                Pane::Kinds => snapshot.pane = Pane::Messages,
                Pane::Messages | Pane::Message => {
                    if let Some(id) = snapshot.current().map(|message| message.id.clone()) {
                        let on_disk = snapshot.is_on_disk(&id);
                        let view = MessageView { queue: queue.clone(), id: id.clone(), scroll: 0 };
                        console.overlays.push(Overlay::Message(view));
                        return on_disk.then_some(Effect::FetchBody { queue, id }).into_iter().collect();
                    }
                }
            },
            _ => {
                if arm::allows(console, "scanning (receiving counts)") {
                    return scan::scan(console);
                }
            }
        },
        Screen::Logs(_) => logs::pane(console),
        Screen::Journal | Screen::ConsumerDetail(_) | Screen::Sandbox => {}
    }
    Vec::new()
}

pub(super) fn body_arrived(
    console: &mut Console,
    queue: &QueueName,
    id: &MessageId,
    result: Result<String, String>,
) -> Vec<Effect> {
    match result {
        Ok(body) => {
            if let Some(snapshot) = console.snapshots.get_mut(queue) {
                snapshot.put_body(id, body);
            }
        }
        Err(why) => console.say(Severity::Warning, format!("the rest of {} cannot be read: {why}", id.short())),
    }
    Vec::new()
}

fn to_subject(console: &mut Console, subject: &Subject) -> Vec<Effect> {
    match screen_of(console, subject) {
        Some(Screen::Logs(function)) => logs::show(console, &function),
        Some(screen) => {
            push(console, screen);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// A function that no mapping feeds has no screen but its log.
pub(super) fn screen_of(console: &Console, subject: &Subject) -> Option<Screen> {
    match subject {
        Subject::Mapping(id) => Some(Screen::ConsumerDetail(id.clone())),
        Subject::Function(name) => {
            let consumer = consumer_of(console, name).map(Screen::ConsumerDetail);
            Some(consumer.unwrap_or_else(|| Screen::Logs(name.clone())))
        }
        Subject::Queue(name) => Some(Screen::Triage(name.clone())),
        Subject::Account => None,
    }
}

fn consumer_of(console: &Console, name: &FunctionName) -> Option<MappingId> {
    console.picture.mappings_of(name).next().map(|mapping| mapping.value.id.clone())
}
