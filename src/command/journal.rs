//! `journal list|show|undo|export`: what was done, and putting settings back.

use crate::command::failure::Failure;
use crate::command::{Here, letters, look, print, runtime, tune};
use crate::config::letter::{Backup, Pick, Restore};
use crate::config::{Consent, Output, exit};
use crate::model::id::OperationId;
use crate::model::plan::{DropPlan, Plan, RetunePlan};
use crate::operation::order::JournalEntry;
use crate::report::incident::Incident;
use crate::report::{self, Style, redacted};
use crate::shell;

pub fn list(here: &Here, style: Style) -> Result<u8, Failure> {
    let mut outline = here.journal()?.outline()?;
    redacted::entries(&mut outline.entries, &here.redaction_of_all());
    let rows = report::journal::rows(&outline);
    print(&report::rows(style, &rows, report::journal::table))?;
    Ok(exit::FINE)
}

pub fn show(here: &Here, id: &str, reveal: bool, style: Style) -> Result<u8, Failure> {
    let mut entries = entries(here, id)?;
    if !reveal {
        redacted::entries(&mut entries, &here.redaction_of_all());
    }
    print(&report::rows(style, &entries, report::operation::text))?;
    Ok(exit::FINE)
}

/// A document on standard output; the console adds findings and changes to its own (`E`).
pub fn export(here: &Here, id: Option<&str>, output: Output) -> Result<u8, Failure> {
    let journal = here.journal()?;
    let mut outline = journal.outline()?;
    if let Some(id) = id {
        entries(here, id)?;
        outline.entries.retain(|entry| entry.operation().as_str() == id);
    }
    redacted::entries(&mut outline.entries, &here.redaction_of_all());
    let incident = Incident { at: shell::local_now(), ..Incident::default() };
    print(&match output {
        Output::Table => report::incident::markdown(&incident, &outline),
        Output::Json | Output::Ndjson => report::incident::ndjson(&incident, &outline),
    })?;
    Ok(exit::FINE)
}

pub fn undo(here: &Here, id: &str, consent: Consent) -> Result<u8, Failure> {
    let entries = entries(here, id)?;
    if let Some(plan) = entries.iter().find_map(drop_of) {
        // What was dropped has its copy here.
        let asked = Restore {
            queue: plan.from.name().to_string(),
            from: Backup::Operation { id: id.to_owned(), again: false },
            pick: Pick::default(),
            to_origin: false,
            reason: Some(format!("undo of {id}")),
            consent,
            output: Output::Table,
        };
        return runtime()?.block_on(letters::restore(here, asked));
    }
    let Some(done) = entries.iter().find_map(retune_of) else {
        let why = "settings and drops can be undone; messages that were sent cannot: look for them where they went";
        return Err(Failure::Refused(why.to_owned()));
    };
    runtime()?.block_on(put_back(here, done, consent))
}

fn entries(here: &Here, id: &str) -> Result<Vec<JournalEntry>, Failure> {
    let entries = here.journal()?.operation(&OperationId::from(id))?;
    if entries.is_empty() {
        return Err(Failure::Usage(format!("the journal has no operation {id:?}; `redrive journal list` names them")));
    }
    Ok(entries)
}

async fn put_back(here: &Here, done: &RetunePlan, consent: Consent) -> Result<u8, Failure> {
    let look = look::look(here).await?;
    let mapping = tune::find(&look, done.mapping.as_str())?;
    let change = done.reverse();
    let enabled = change.enabled.unwrap_or_else(|| tune::is_enabled(mapping));
    let reserve = match &done.reserve {
        Some(reserve) => tune::reserved(&look, mapping, reserve.before).await?,
        None => None,
    };
    let same = change.applied_to(&mapping.settings) == mapping.settings && enabled == tune::is_enabled(mapping);
    if same && reserve.is_none() {
        print(&format!("{} has these settings already; nothing was changed\n", mapping.function))?;
        return Ok(exit::FINE);
    }
    let (reserve, about) = reserve.unzip();
    let plan = RetunePlan {
        mapping: mapping.id.clone(),
        before: mapping.settings.clone(),
        enabled_before: tune::is_enabled(mapping),
        change,
        reason: Some("undo".to_owned()),
        revert_after_s: None,
        reserve,
    };
    tune::retune(here, &look, mapping, plan, about.unwrap_or_default(), consent).await
}

fn drop_of(entry: &JournalEntry) -> Option<&DropPlan> {
    match entry {
        JournalEntry::Began { plan, .. } => match &**plan {
            Plan::Drop(plan) => Some(plan),
            _ => None,
        },
        _ => None,
    }
}

fn retune_of(entry: &JournalEntry) -> Option<&RetunePlan> {
    match entry {
        JournalEntry::Began { plan, .. } => match &**plan {
            Plan::Retune(plan) => Some(plan),
            _ => None,
        },
        _ => None,
    }
}
