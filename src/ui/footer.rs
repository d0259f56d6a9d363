//! The last line: the keys that help here, from the command table and nowhere else. When it gets
//! narrow the screens shrink to one entry, then the least useful keys leave; help never does.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::command::{self, Action, Command};
use crate::console::overlay::{Card, CardFocus, Overlay, Planned};
use crate::console::screen::Place;
use crate::ui::widget::ink::{Ink, Piece, width_of};

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let inside = Rect::new(area.x + 1, area.y, area.width.saturating_sub(2), 1);
    let entries: Vec<Vec<Piece>> = if let Some(overlay) = console.overlay() {
        said(ink, overlay_keys(overlay, console))
    } else if console.filtering {
        return filter_line(ink, inside, console);
    } else {
        return commands(ink, inside, console);
    };
    row(ink, inside, &entries);
}

fn said(ink: &Ink<'_>, keys: &[(&str, &str)]) -> Vec<Vec<Piece>> {
    keys.iter().map(|(key, what)| entry(ink, key, what, true)).collect()
}

fn entry(ink: &Ink<'_>, key: &str, what: &str, may: bool) -> Vec<Piece> {
    let (key_style, style) =
        if may { (ink.theme.key(), ink.theme.plain()) } else { (ink.theme.dim(), ink.theme.dim()) };
    vec![Piece::new(key, key_style), Piece::new(format!(" {what}"), style)]
}

fn row(ink: &mut Ink<'_>, area: Rect, entries: &[Vec<Piece>]) {
    let mut x = 0;
    for entry in entries {
        let width = width_of(entry);
        if x + width > area.width {
            return;
        }
        ink.pieces(area.x + x, area.y, width, entry);
        x += width + 2;
    }
}

/// What an overlay takes: it has keys of its own, which the table does not know.
fn overlay_keys(overlay: &Overlay, console: &Console) -> &'static [(&'static str, &'static str)] {
    match overlay {
        Overlay::Help { .. } => &[("↑↓", "scroll"), ("esc", "close")],
        Overlay::Picker(picker) if picker.may_leave => &[("enter", "watch it"), ("↑↓", "choose"), ("esc", "leave it")],
        Overlay::Picker(_) => &[("enter", "watch it"), ("↑↓", "choose"), ("ctrl-c", "quit")],
        Overlay::Palette(_) => &[("enter", "run it"), ("↑↓", "choose"), ("esc", "close")],
        Overlay::Card(card) => card_keys(card),
        Overlay::Tune(form) => match console.rehearsals.get(&form.mapping) {
            Some(rehearsing) if rehearsing.is_under_way() => {
                &[("enter", "to the card"), ("tab ↑↓", "field"), ("esc", "stop rehearsing")]
            }
            Some(_) if form.assumptions.is_some() => &[("↑↓", "scroll"), ("a", "settings again"), ("esc", "leave it")],
            Some(rehearsing) if rehearsing.done().is_some() => &[
                ("r", "recommended"),
                ("enter", "to the card"),
                ("↑↓", "field, setting"),
                ("a", "assumptions"),
                ("R", "anew"),
                ("esc", "leave it"),
            ],
            Some(_) => &[("enter", "to the card"), ("tab ↑↓", "field"), ("R", "rehearse"), ("esc", "leave it")],
            None => &[("enter", "to the card"), ("tab ↑↓", "field"), ("esc", "leave it")],
        },
        Overlay::Choice(_) => &[("enter", "choose"), ("↑↓", "move"), ("esc", "leave it")],
        Overlay::Prompt(_) => &[("enter", "take it"), ("esc", "leave it")],
        Overlay::Editor(_) => &[("ctrl-s", "what would change"), ("esc", "leave it as it was")],
        Overlay::Edited(_) => &[("enter", "card"), ("↑↓", "scroll"), ("esc", "back")],
        Overlay::Tried(_) => &[("↑↓", "scroll"), ("esc", "close")],
        Overlay::Message(_) if console.revealed.is_some() => &[("↑↓", "scroll"), ("v", "hide again"), ("esc", "close")],
        Overlay::Message(_) if console.options.context.redact.is_on() => {
            &[("↑↓", "scroll"), ("v", "reveal"), ("esc", "close")]
        }
        Overlay::Message(_) => &[("↑↓", "scroll"), ("esc", "close")],
        Overlay::Leave { .. } => &[("enter", "leave"), ("esc", "stay")],
    }
}

/// A redrive's card is switched between rungs and all in one go.
fn card_keys(card: &Card) -> &'static [(&'static str, &'static str)] {
    let many = matches!(&card.planned, Planned::Redrive(preflight) if preflight.plan().ids.len() > 1);
    let typed = matches!(card.focus, CardFocus::Count | CardFocus::Account);
    match (typed, many) {
        (true, true) => &[DO, FIELD, SCROLL, LEAVE, RUNGS, AWS],
        (true, false) => &[DO, FIELD, SCROLL, LEAVE, AWS],
        (false, true) => &[PRESS, BUTTON, SCROLL, LEAVE, RUNGS, AWS],
        (false, false) => &[PRESS, BUTTON, SCROLL, LEAVE, AWS],
    }
}

const DO: (&str, &str) = ("enter", "do it");
const FIELD: (&str, &str) = ("tab", "next field");
const PRESS: (&str, &str) = ("enter", "press");
const BUTTON: (&str, &str) = ("tab", "other button");
const SCROLL: (&str, &str) = ("↑↓", "scroll");
const LEAVE: (&str, &str) = ("esc", "leave it");
const RUNGS: (&str, &str) = ("L", "rungs");
const AWS: (&str, &str) = ("Y", "copy aws line");

fn filter_line(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let theme = ink.theme;
    let text = console.filter();
    let fault = console.snapshot().and_then(|snapshot| snapshot.filter_fault()).map(|fault| format!("   ▲ {fault}"));
    let hint = match (fault, console.place()) {
        (Some(fault), _) => fault,
        (None, Place::Triage) => {
            "   enter keep  tab completes  esc clear  e.g. step:send age>2h jq: .body.x".to_owned()
        }
        (None, _) => "   enter keep  esc clear".to_owned(),
    };
    let used = ink.text(area.x, area.y, area.width, "/", theme.key());
    let used = used + ink.text(area.x + used, area.y, area.width - used, text, theme.plain());
    ink.set(area.x + used, area.y, ' ', theme.selected());
    ink.text(area.x + used + 1, area.y, area.width.saturating_sub(used + 1), &hint, theme.dim());
}

fn commands(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let mut all = command::footer(console.place(), console.options.sandbox);
    all.retain(|command| helps(console, command.action));
    let (always, rest): (Vec<&Command>, Vec<&Command>) =
        all.into_iter().partition(|command| matches!(command.action, Action::Palette | Action::Help));
    let (screens, here): (Vec<&Command>, Vec<&Command>) =
        rest.into_iter().partition(|command| is_screen(command.action));
    let show = |command: &Command| {
        let key = console.key_of(command.name);
        entry(ink, &key, command.footer, !command.writes || console.may_write())
    };
    let mut here: Vec<Vec<Piece>> = here.into_iter().map(show).collect();
    let always: Vec<Vec<Piece>> = always.into_iter().map(show).collect();
    let long: Vec<Vec<Piece>> = screens.iter().map(|command| show(command)).collect();
    let short = vec![entry(ink, &format!("1-{}", screens.len()), "screens", true)];
    let wide = |parts: [&Vec<Vec<Piece>>; 3]| parts.into_iter().flatten().map(|entry| width_of(entry) + 2).sum::<u16>();
    let screens = if wide([&long, &here, &always]) <= area.width + 2 { long } else { short };
    while !here.is_empty() && wide([&screens, &here, &always]) > area.width + 2 {
        here.pop();
    }
    let entries: Vec<Vec<Piece>> = screens.into_iter().chain(here).chain(always).collect();
    row(ink, area, &entries);
}

/// False for what would only answer that there is nothing to do it to.
fn helps(console: &Console, action: Action) -> bool {
    match action {
        // There enter switches or scans, which has its own entry, or there is nothing to open.
        Action::Open => match console.place() {
            Place::Sandbox | Place::Journal | Place::ConsumerDetail => false,
            Place::Triage => console.snapshot().is_some(),
            _ => true,
        },
        Action::Scan => console.queue_here().is_some(),
        Action::Redrive => {
            let queue = console.queue_here().and_then(|name| console.picture.queues.get(&name));
            queue.is_some_and(|queue| queue.value.is_dead_letter())
        }
        Action::Rescue => {
            let here = console.snapshot().and_then(|snapshot| snapshot.current());
            here.is_some_and(|message| message.body.contains("DDBStreamBatchInfo"))
        }
        Action::Tune | Action::StopStart => !console.mappings_here().is_empty(),
        Action::Undo => {
            console.place() == Place::Journal || console.mappings_here().iter().any(|id| console.saved.contains_key(id))
        }
        Action::Reveal => console.options.context.redact.is_on() && console.snapshot().is_some(),
        Action::Select | Action::SelectAll | Action::Try | Action::Edit | Action::Drop | Action::Export => {
            console.snapshot().is_some()
        }
        Action::Acknowledge => console.current_finding().is_some() || console.current_advice().is_some(),
        _ => true,
    }
}

fn is_screen(action: Action) -> bool {
    matches!(action, Action::GoMap | Action::GoConsumers | Action::GoQueues | Action::GoJournal | Action::GoSandbox)
}
