//! The journal's rows, and putting saved settings back.

use crate::console::effect::Effect;
use crate::console::rows::JournalRow;
use crate::console::screen::Screen;
use crate::console::update::tune;
use crate::console::{Asked, Console};
use crate::model::finding::Severity;
use crate::model::plan::Plan;
use crate::operation::order::JournalEntry;

pub(super) fn arrived(console: &mut Console, result: Result<Vec<JournalEntry>, String>) -> Vec<Effect> {
    console.schedule.journal.answered(true);
    match &result {
        Ok(_) => drop(console.troubles.remove(&Asked::Journal)),
        Err(why) => {
            if console.troubles.insert(Asked::Journal, why.clone()).is_none() {
                console.say(Severity::Warning, format!("the journal cannot be read: {why}"));
            }
        }
    }
    console.journal = result.map(|entries| JournalRow::fold(&entries));
    Vec::new()
}

/// `u`: via a card, as every change.
pub(super) fn undo(console: &mut Console) {
    let plan = match console.screen() {
        Screen::ConsumerDetail(id) => match console.saved.get(id) {
            Some(plan) => plan.clone(),
            None => {
                console.say(Severity::Note, "nothing was changed here in this session; the journal (4) has older ones");
                return;
            }
        },
        _ => {
            let keys = console.journal_keys();
            let id = console.cursors.journal.key(&keys);
            let row = console.journal_rows().into_iter().find(|row| Some(&row.operation) == id);
            match row.map(|row| &row.plan) {
                Some(Plan::Retune(plan)) => plan.clone(),
                Some(_) => {
                    console.say(Severity::Note, "settings can be put back; messages that were sent cannot");
                    return;
                }
                None => return,
            }
        }
    };
    tune::undo_card(console, &plan);
}
