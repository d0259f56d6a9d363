//! A question with a few distinct answers: what `R` is about, which consumer is meant.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::overlay::{Overlay, Pick};
use crate::console::update::{context, held, letters, redrive, rescue, try_one, tune};
use crate::model::finding::Severity;
use crate::operation::Command;

pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    let Some(Overlay::Choice(mut choice)) = console.overlays.pop() else { return Vec::new() };
    let last = choice.options.len().saturating_sub(1);
    let chosen = match key.code {
        Code::Esc | Code::Char('q') => return Vec::new(),
        Code::Down | Code::Char('j') | Code::Tab => {
            choice.row = (choice.row + 1).min(last);
            None
        }
        Code::Up | Code::Char('k') | Code::BackTab => {
            choice.row = choice.row.saturating_sub(1);
            None
        }
        Code::Enter => Some(choice.row),
        Code::Char(c) => c.to_digit(10).and_then(|n| (n as usize).checked_sub(1)).filter(|row| *row <= last),
        _ => None,
    };
    let Some(option) = chosen.and_then(|row| choice.options.get(row)) else {
        console.overlays.push(Overlay::Choice(choice));
        return Vec::new();
    };
    if let Some(off) = option.off.clone() {
        console.say(Severity::Note, off);
        console.overlays.push(Overlay::Choice(choice));
        return Vec::new();
    }
    match option.pick.clone() {
        Pick::Context(name) => return context::switch(console, &name),
        Pick::Redrive { queue, ids } => redrive::card(console, &queue, ids),
        Pick::RedriveStale { queue, ids } => redrive::card_of(console, &queue, ids),
        Pick::Drop { queue, ids } => letters::drop_card(console, &queue, ids),
        Pick::Rescue { queue, ids } => rescue::card(console, &queue, ids),
        Pick::Export { queue, ids } => letters::path_prompt(console, &queue, ids),
        Pick::MoveAll { queue } => redrive::move_all_card(console, &queue),
        Pick::Try { queue, id, function } => try_one::card(console, &queue, &id, &function),
        Pick::Tune(id) => return tune::form(console, &id),
        Pick::StopStart(id) => tune::stop_start_card(console, &id),
        Pick::Cancel(id) => return vec![Effect::Command(id, Command::Cancel)],
        Pick::Keep(id) => return held::keep(console, &id),
        Pick::PutBack(id) => return vec![Effect::LoadRecord(id)],
        Pick::Nothing => {}
        Pick::Link(link) => return vec![Effect::Copy(link)],
    }
    Vec::new()
}
