//! The journal's rows, and putting saved settings back.

use crate::console::effect::{Effect, Incident};
use crate::console::overlay::Planned;
use crate::console::rows::JournalRow;
use crate::console::screen::Screen;
use crate::console::update::{card, tune};
use crate::console::{Asked, Console};
use crate::model::finding::Severity;
use crate::model::plan::Plan;
use crate::operation::confirm::Preflight;
use crate::operation::record::{Holder, Outline, Record};
use crate::operation::resume::ResumePlan;

pub(super) fn arrived(console: &mut Console, result: Result<Outline, String>) -> Vec<Effect> {
    console.schedule.journal.answered(true);
    match &result {
        Ok(_) => drop(console.troubles.remove(&Asked::Journal)),
        Err(why) => {
            if console.troubles.insert(Asked::Journal, why.clone()).is_none() {
                console.say(Severity::Warning, format!("the journal cannot be read: {why}"));
            }
        }
    }
    console.journal = result.map(|outline| JournalRow::fold(&outline));
    console.judge();
    Vec::new()
}

/// `r`: what the journal knows of it is asked for first; the card comes with the answer.
pub(super) fn resume(console: &mut Console) -> Vec<Effect> {
    let keys = console.journal_keys();
    let id = console.cursors.journal.key(&keys).cloned();
    let row = console.journal_rows().into_iter().find(|row| Some(&row.operation) == id.as_ref());
    let why = match row {
        None => "no operation under the cursor".to_owned(),
        Some(row) if row.state.is_some() => "it has ended: only what was cut off is resumed".to_owned(),
        Some(row) => match console.running().any(|running| running.id == row.operation) {
            true => "it runs here already".to_owned(),
            false => return vec![Effect::LoadRecord(row.operation.clone())],
        },
    };
    console.say(Severity::Note, why);
    Vec::new()
}

pub(super) fn record_arrived(console: &mut Console, result: Result<(Box<Record>, Holder), String>) -> Vec<Effect> {
    let (record, holder) = match result {
        Ok(found) => found,
        Err(why) => {
            console.say(Severity::Warning, format!("it cannot be resumed: {why}"));
            return Vec::new();
        }
    };
    let mut facts = card::facts(console, record.plan_subject());
    let why = match &holder {
        Holder::Other { who } => Some(format!("it is at work in {who}: only what a dead process left is taken over")),
        _ if record.account != facts.account || record.region != facts.region => {
            Some(format!("it was begun in account {} {}, which is not this one", record.account, record.region))
        }
        _ => None,
    };
    if let Some(why) = why {
        console.say(Severity::Note, why);
        return Vec::new();
    }
    if let Holder::Dead { who, why } = &holder {
        facts.checked.push(format!("taken over from {who}: {why}"));
    }
    card::show(console, Planned::Resume(Preflight::new(ResumePlan { record }, &facts)), None);
    Vec::new()
}

/// `E`.
pub(super) fn incident(console: &mut Console) -> Vec<Effect> {
    let identity = console.picture.identity.as_ref().map(|identity| identity.value.clone()).unwrap_or_default();
    vec![Effect::WriteIncident(Box::new(Incident {
        at: console.now,
        account: identity.account,
        region: identity.region,
        findings: console.findings.clone(),
        changes: console.picture.changes.clone(),
        redaction: console.redaction_of_kept().clone(),
    }))]
}

pub(super) fn incident_written(console: &mut Console, result: Result<String, String>) -> Vec<Effect> {
    match result {
        Ok(path) => console.say(Severity::Good, format!("the incident is written to {path}")),
        Err(why) => console.say(Severity::Warning, format!("the incident could not be written: {why}")),
    }
    Vec::new()
}

/// `u`: via a card, as every change.
pub(super) fn undo(console: &mut Console) {
    let plan = match console.screen() {
        Screen::Map | Screen::Consumers | Screen::ConsumerDetail(_) => {
            let saved = console.mappings_here().iter().find_map(|id| console.saved.get(id).cloned());
            match saved {
                Some(plan) => plan,
                None => {
                    let why = "nothing was changed here in this session; the journal (4) has older ones";
                    console.say(Severity::Note, why);
                    return;
                }
            }
        }
        _ => {
            let keys = console.journal_keys();
            let id = console.cursors.journal.key(&keys);
            let row = console.journal_rows().into_iter().find(|row| Some(&row.operation) == id);
            match row.map(|row| &row.plan) {
                Some(Plan::Retune(plan)) => plan.clone(),
                Some(Plan::Drop(_)) => {
                    let id = id.map(ToString::to_string).unwrap_or_default();
                    let line = format!("a drop is undone by its copies: redrive journal undo {id} --yes");
                    return console.say(Severity::Note, line);
                }
                Some(_) => {
                    console.say(Severity::Note, "settings and drops can be undone; messages that were sent cannot");
                    return;
                }
                None => return,
            }
        }
    };
    tune::undo_card(console, &plan);
}
