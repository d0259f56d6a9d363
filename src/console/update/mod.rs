//! `update`: one message in, effects out. Each concern has its file; this one only hands messages
//! around and keeps what must hold after every message.

mod acknowledge;
mod alarms;
mod arm;
mod arrivals;
mod card;
mod changes;
mod choice;
mod context;
mod deaths;
mod denied;
mod edit;
mod facts;
mod filter;
mod follow;
mod function_settings;
mod held;
mod journal;
mod keys;
mod leave;
mod letters;
mod locked_out;
mod logs;
mod navigation;
mod opening;
mod operations;
mod rate;
mod redrive;
mod rehearse;
mod rescue;
#[cfg(test)]
mod rescue_stories;
mod reveal;
pub mod sandbox;
mod scan;
mod scope;
mod try_one;
mod tune;
mod worth;

#[cfg(test)]
mod alarm_stories;
#[cfg(test)]
mod change_stories;
#[cfg(test)]
mod deaths_stories;
#[cfg(test)]
mod edit_stories;
#[cfg(test)]
mod habits;
#[cfg(test)]
mod letters_stories;
#[cfg(test)]
mod logs_stories;
#[cfg(test)]
mod protected_stories;
#[cfg(test)]
mod rehearse_stories;
#[cfg(test)]
mod rehearsed_form_stories;
#[cfg(test)]
mod reserve_stories;
#[cfg(test)]
mod stories;
#[cfg(test)]
pub(in crate::console) mod trial;
#[cfg(test)]
mod tried;
#[cfg(test)]
mod unarmed;

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::key::Mouse;
use crate::console::msg::Msg;
use crate::console::schedule;
use crate::model::time::{Mono, Timestamp};

/// Takes one message; what is to be done comes back as data.
pub fn update(console: &mut Console, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Tick { mono, account } => tick(console, mono, account),
        Msg::Key(key) => keys::key(console, key),
        Msg::Paste(text) => keys::paste(console, &text),
        Msg::Mouse(Mouse::ScrollUp { .. }) => navigation::wheel(console, -3),
        Msg::Mouse(Mouse::ScrollDown { .. }) => navigation::wheel(console, 3),
        Msg::Mouse(Mouse::Press { .. }) => Vec::new(),
        Msg::Resize { columns, rows } => {
            (console.columns, console.rows) = (columns, rows);
            Vec::new()
        }
        Msg::BenchArrived(bench) => sandbox::arrived(console, bench),
        Msg::OperationProgressed(progress) => operations::progressed(console, progress),
        Msg::OperationBroke { id, why } => operations::broke(console, &id, &why),
        Msg::LogArrived { at, function, generation, later, result } => {
            logs::arrived(console, at, &function, (generation, later), result);
            Vec::new()
        }
        Msg::RehearsalProgressed { mapping, generation, done, of } => {
            rehearse::progressed(console, &mapping, generation, (done, of));
            Vec::new()
        }
        Msg::RehearsalArrived { mapping, generation, result } => {
            rehearse::arrived(console, &mapping, generation, result);
            Vec::new()
        }
        Msg::DeathsArrived { queue, function, window, result } => {
            deaths::arrived(console, &queue, &function, window, result);
            Vec::new()
        }
        Msg::JournalArrived { result } => journal::arrived(console, result),
        Msg::Sifted { queue, expression, ids, result } => filter::sifted(console, &queue, &expression, &ids, result),
        Msg::Edited { queue, program, result } => {
            edit::arrived(console, &queue, program, result);
            Vec::new()
        }
        Msg::BodyArrived { queue, id, result } => navigation::body_arrived(console, &queue, &id, result),
        Msg::RecordArrived { result } => journal::record_arrived(console, result),
        Msg::IncidentWritten { result } => journal::incident_written(console, result),
        Msg::NamesArrived { result } => scope::names(console, result),
        Msg::KeptArrived(kept) => {
            scope::kept(console, kept);
            console.judge();
            Vec::new()
        }
        Msg::Used(usage) => {
            console.cost.took(console.now, usage);
            Vec::new()
        }
        Msg::AcknowledgedArrived { saved, result } => acknowledge::arrived(console, saved, result),
        fact => facts::take(console, fact),
    };
    reveal::forget(console);
    logs::redact(console);
    effects.extend(acknowledge::forget_worsened(console));
    effects.extend(sandbox::hold_speed(console));
    effects
}

fn tick(console: &mut Console, mono: Mono, account: Timestamp) -> Vec<Effect> {
    let was_armed = console.may_write();
    console.mono = console.mono.max(mono);
    console.now = account;
    console.armed = console.armed.at(console.mono);
    if was_armed && !console.may_write() && !console.options.sandbox {
        arm::ran_out(console);
    }
    console.expire_toasts();
    if console.judgement_is_old() {
        console.judge();
    }
    held::ask(console);
    let mut effects = schedule::due(console);
    effects.extend(logs::due(console));
    effects
}
