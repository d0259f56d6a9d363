//! Which key goes where: the overlay on top, then the filter line, then the command table.

use crate::console::Console;
use crate::console::command::{self, Action, Command};
use crate::console::effect::Effect;
use crate::console::key::{Code, Key, Line};
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Palette, Pick, Prompt, Purpose};
use crate::console::screen::Screen;
use crate::console::update::{
    acknowledge, arm, card, choice, context, edit, filter, journal, leave, letters, logs, navigation, operations, rate,
    redrive, rescue, reveal, sandbox, scan, scope, try_one, tune,
};
use crate::console::{link, status};
use crate::model::finding::Severity;
use crate::model::plan::NotePlan;
use crate::query::filter::Filter;

pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    if key == Key::ctrl('c') {
        return leave::quit(console);
    }
    if !console.overlays.is_empty() {
        return over(console, key);
    }
    if console.filtering {
        return filter::key(console, key);
    }
    match console.options.keymap.command(key, console.place(), console.options.sandbox) {
        Some(command) if command.action == Action::Back => navigation::back(console, key.code != Code::Esc),
        Some(command) => run(console, command),
        None => Vec::new(),
    }
}

/// Pasted text is typed where text is typed, and is never taken for commands.
pub(super) fn paste(console: &mut Console, text: &str) -> Vec<Effect> {
    if let Some(Overlay::Editor(editor)) = console.overlays.last_mut() {
        editor.text.paste(text);
        return Vec::new();
    }
    let types = match console.overlay() {
        Some(Overlay::Palette(_) | Overlay::Picker(_) | Overlay::Prompt(_) | Overlay::Card(_) | Overlay::Tune(_)) => {
            true
        }
        Some(_) => false,
        None => console.filtering,
    };
    if types {
        let chars = text.chars().filter(|c| !c.is_control()).take(Line::MAX_CHARS);
        chars.flat_map(|c| key(console, Key::char(c))).collect()
    } else {
        Vec::new()
    }
}

fn over(console: &mut Console, key: Key) -> Vec<Effect> {
    match console.overlays.last_mut() {
        Some(Overlay::Help { scroll }) => {
            match key.code {
                Code::Down | Code::Char('j') => *scroll = scroll.saturating_add(1),
                Code::Up | Code::Char('k') => *scroll = scroll.saturating_sub(1),
                Code::PageDown | Code::Char(' ') => *scroll = scroll.saturating_add(10),
                Code::PageUp => *scroll = scroll.saturating_sub(10),
                Code::Esc | Code::Char('q' | '?') | Code::F(1) | Code::Enter => drop(console.overlays.pop()),
                _ => {}
            }
            Vec::new()
        }
        Some(Overlay::Message(_) | Overlay::Tried(_)) if key == Key::char('v') => {
            reveal::toggle(console);
            Vec::new()
        }
        Some(Overlay::Message(view)) => {
            match key.code {
                Code::Down | Code::Char('j') => view.scroll = view.scroll.saturating_add(1),
                Code::Up | Code::Char('k') => view.scroll = view.scroll.saturating_sub(1),
                Code::PageDown | Code::Char(' ' | 'f') => view.scroll = view.scroll.saturating_add(20),
                Code::PageUp | Code::Char('b') => view.scroll = view.scroll.saturating_sub(20),
                Code::Home | Code::Char('g') => view.scroll = 0,
                Code::Esc | Code::Char('q') | Code::Enter => drop(console.overlays.pop()),
                _ => {}
            }
            Vec::new()
        }
        Some(Overlay::Tried(tried)) => {
            match key.code {
                Code::Down | Code::Char('j') => tried.scroll = tried.scroll.saturating_add(1),
                Code::Up | Code::Char('k') => tried.scroll = tried.scroll.saturating_sub(1),
                Code::PageDown | Code::Char(' ' | 'f') => tried.scroll = tried.scroll.saturating_add(20),
                Code::PageUp | Code::Char('b') => tried.scroll = tried.scroll.saturating_sub(20),
                Code::Home | Code::Char('g') => tried.scroll = 0,
                Code::Esc | Code::Char('q') | Code::Enter => drop(console.overlays.pop()),
                _ => {}
            }
            Vec::new()
        }
        Some(Overlay::Palette(_)) => palette(console, key),
        Some(Overlay::Picker(_)) => scope::key(console, key),
        Some(Overlay::Card(_)) => card::key(console, key),
        Some(Overlay::Tune(_)) => tune::key(console, key),
        Some(Overlay::Choice(_)) => choice::key(console, key),
        Some(Overlay::Prompt(_)) => prompt(console, key),
        Some(Overlay::Editor(_)) => edit::key(console, key),
        Some(Overlay::Edited(_)) => edit::view_key(console, key),
        Some(Overlay::Leave { .. }) => leave::key(console, key),
        None => Vec::new(),
    }
}

/// Does what a command of the table says. Writing ones need armed writes.
pub(super) fn run(console: &mut Console, command: &Command) -> Vec<Effect> {
    if command.writes && !arm::allows(console, command.name) {
        return Vec::new();
    }
    match command.action {
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
            navigation::step(console, command.action);
        }
        Action::Left | Action::PreviousPane => navigation::pane(console, false),
        Action::Right | Action::NextPane => navigation::pane(console, true),
        Action::Open => return navigation::open(console),
        Action::Back => return navigation::back(console, false),
        Action::GoMap => navigation::go(console, Screen::Map),
        Action::GoConsumers => navigation::go(console, Screen::Consumers),
        Action::GoQueues => navigation::go(console, Screen::Queues),
        Action::GoJournal => navigation::go(console, Screen::Journal),
        Action::GoPosture => navigation::go(console, Screen::Posture),
        Action::GoSandbox => navigation::go(console, Screen::Sandbox),
        Action::Filter => console.filtering = true,
        Action::Palette => open_palette(console),
        Action::Scope => return scope::ask(console),
        Action::Help => console.overlays.push(Overlay::Help { scroll: 0 }),
        Action::Tune => return tune::open(console),
        Action::StopStart => tune::stop_start(console),
        Action::Undo => journal::undo(console),
        Action::Resume => return journal::resume(console),
        Action::Incident => return journal::incident(console),
        Action::Scan => return scan::scan(console),
        Action::Select => navigation::with_snapshot(console, |snapshot| snapshot.toggle()),
        Action::SelectAll => navigation::with_snapshot(console, |snapshot| snapshot.toggle_all()),
        Action::Reveal => reveal::toggle(console),
        Action::Redrive => redrive::ask(console),
        Action::Rescue => rescue::ask(console),
        Action::Try => try_one::ask(console),
        Action::Edit => edit::ask(console),
        Action::Drop => letters::ask_drop(console),
        Action::Export => letters::ask_export(console),
        Action::Note => letters::ask_note(console),
        Action::Acknowledge => return acknowledge::toggle(console),
        Action::Logs => return logs::open(console),
        Action::LogFollow | Action::LogWindow | Action::LogRead => return logs::act(console, command.action),
        Action::Pause => return operations::pause(console),
        Action::Cancel => return operations::cancel(console),
        Action::RateUp => return rate::change(console, rate::Way::Up),
        Action::RateDown => return rate::change(console, rate::Way::Down),
        Action::Switch | Action::Faster | Action::Slower => return sandbox::act(console, command.action),
        Action::Arm => arm::toggle(console),
        Action::Freeze => freeze(console),
        Action::Refresh => refresh(console),
        Action::Mouse => {
            console.mouse = !console.mouse;
            return vec![Effect::MouseCapture(console.mouse)];
        }
        Action::Link => return copy_link(console),
        Action::Copy => return vec![Effect::Copy(status::to_copy(console))],
        Action::Context => context::choose(console),
        Action::Quit => return leave::quit(console),
    }
    Vec::new()
}

fn open_palette(console: &mut Console) {
    let mut palette = Palette::default();
    find(console, &mut palette);
    console.overlays.push(Overlay::Palette(palette));
}

fn find(console: &Console, palette: &mut Palette) {
    if context::named(palette.line.text()).is_some() {
        (palette.found, palette.row) = (vec!["context"], 0);
        return;
    }
    let valid = command::valid_on(console.place(), console.options.sandbox);
    let mut filter = Filter::new(palette.line.text());
    let typed = palette.line.text().to_lowercase();
    let mut found: Vec<(u32, &'static str)> = valid
        .iter()
        .filter_map(|command| {
            let Some(filter) = &mut filter else { return Some((0, command.name)) };
            // Names are found loosely and stand first; help lines literally, or all would match.
            let by_name = filter.score(command.name).map(|score| score + 1);
            let in_help = command.help.to_lowercase().contains(typed.trim());
            Some((by_name.or_else(|| in_help.then_some(0))?, command.name))
        })
        .collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    palette.found = found.into_iter().map(|(_, name)| name).collect();
    palette.row = palette.row.min(palette.found.len().saturating_sub(1));
}

fn palette(console: &mut Console, key: Key) -> Vec<Effect> {
    let Some(Overlay::Palette(mut palette)) = console.overlays.pop() else { return Vec::new() };
    match (key.code, key.ctrl) {
        (Code::Esc, _) => return Vec::new(),
        (Code::Enter, _) => {
            if let Some(name) = context::named(palette.line.text()) {
                return context::switch(console, name);
            }
            let command = palette.found.get(palette.row).and_then(|name| command::by_name(name));
            return command.map(|command| run(console, command)).unwrap_or_default();
        }
        (Code::Down, _) | (Code::Char('n'), true) => {
            palette.row = (palette.row + 1).min(palette.found.len().saturating_sub(1));
        }
        (Code::Up, _) | (Code::Char('p'), true) => palette.row = palette.row.saturating_sub(1),
        _ => {
            if palette.line.edit(key) {
                palette.row = 0;
                find(console, &mut palette);
            }
        }
    }
    console.overlays.push(Overlay::Palette(palette));
    Vec::new()
}

fn prompt(console: &mut Console, key: Key) -> Vec<Effect> {
    let Some(Overlay::Prompt(mut prompt)) = console.overlays.pop() else { return Vec::new() };
    match key.code {
        Code::Esc => return Vec::new(),
        Code::Enter => match answer(console, &prompt) {
            Ok(effects) => return effects,
            Err(wrong) => prompt = Prompt { wrong: Some(wrong), line: Line::default(), ..prompt },
        },
        _ => drop(prompt.line.edit(key)),
    }
    console.overlays.push(Overlay::Prompt(prompt));
    Vec::new()
}

fn answer(console: &mut Console, prompt: &Prompt) -> Result<Vec<Effect>, String> {
    match &prompt.purpose {
        Purpose::Arm => arm::answer(console, prompt.line.text()).map(|()| Vec::new()),
        Purpose::Note { queue, kind } => {
            let (queue, kind, text) = (queue.clone(), kind.clone(), prompt.line.text().trim().to_owned());
            console.say(Severity::Good, if text.is_empty() { "the note is taken away" } else { "noted" });
            Ok(vec![Effect::Note(NotePlan { queue, kind, text })])
        }
        Purpose::Export { queue, ids } => {
            letters::export(console, queue, ids, prompt.line.text()).map(|effect| vec![effect])
        }
        Purpose::Edit { queue, ids } => edit::program(console, queue, ids, prompt.line.text()),
        Purpose::Acknowledge { keys } => Ok(acknowledge::put(console, keys, prompt.line.text())),
    }
}

/// One page is copied at once; of several it is asked which.
fn copy_link(console: &mut Console) -> Vec<Effect> {
    let mut links = link::here(console);
    if links.len() == 1 {
        return links.pop().map(|(_, link)| Effect::Copy(link)).into_iter().collect();
    }
    if !links.is_empty() {
        let option =
            |(label, link): link::Link| ChoiceOption { label, detail: link.clone(), pick: Pick::Link(link), off: None };
        let options = links.into_iter().map(option).collect();
        let title = "Copy a link to the AWS console".to_owned();
        console.overlays.push(Overlay::Choice(Choice { title, options, row: 0 }));
    }
    Vec::new()
}

fn freeze(console: &mut Console) {
    console.frozen_at = match console.frozen_at {
        None => Some(console.now),
        Some(_) => {
            console.schedule.hurry();
            None
        }
    };
}

fn refresh(console: &mut Console) {
    if console.frozen_at.is_some() {
        console.say(Severity::Note, "frozen: f goes on");
    } else {
        console.schedule.hurry();
        console.say(Severity::Note, "asking for everything anew");
    }
}
