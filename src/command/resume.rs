//! `journal resume`: finishes what was cut off. It takes over only from a dead owner, says what is
//! certain before it begins, and names what may exist twice.

use crate::command::change::{confirm, facts};
use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::operate::{Finished, operate_as};
use crate::command::{Here, print, say};
use crate::config::{Consent, exit};
use crate::journal::Journal;
use crate::model::id::OperationId;
use crate::operation::Undertaking;
use crate::operation::order::JournalEntry;
use crate::operation::record::{Holder, Record};
use crate::operation::resume::ResumePlan;
use crate::report::ended::Resumed;
use crate::report::{self, Style};
use crate::shell::copies;

pub async fn resume(here: &Here, id: Option<&str>, style: Style, consent: Consent) -> Result<u8, Failure> {
    let journal = here.journal()?;
    let open = match id {
        Some(id) => vec![OperationId::from(id)],
        None => open(&journal)?,
    };
    if open.is_empty() {
        say("redrive: nothing is open: every operation of the journal has ended");
        return Ok(exit::FINE);
    }
    // What cannot be finished anywhere is told before the account is asked.
    if id.is_some() {
        open.iter().try_for_each(|operation| recorded(&journal, operation).map(drop))?;
    }
    let look = look(here).await?;
    let mut code = exit::FINE;
    let mut outcomes = Vec::new();
    let mut left = open.into_iter();
    while let Some(operation) = left.next() {
        match one(here, &journal, &look, &operation, consent).await {
            Ok(Some(finished)) => {
                code = worse(code, finished.code());
                outcomes.push(Resumed::of(operation, &finished.report));
                if finished.stopped && left.len() > 0 {
                    let rest: Vec<String> = left.by_ref().map(|operation| operation.to_string()).collect();
                    say(&format!("redrive: not begun: {}", rest.join(", ")));
                    code = worse(code, exit::PARTLY);
                }
            }
            Ok(None) => {}
            // One that cannot be resumed does not keep the others from it.
            Err(failure) if id.is_none() && !matches!(failure, Failure::Quiet | Failure::Stopped(_)) => {
                say(&format!("redrive: {operation}: {}", failure.text().unwrap_or_default()));
                code = worse(code, failure.code());
            }
            Err(failure) => return Err(failure),
        }
    }
    match outcomes.as_slice() {
        [only] if style == Style::Json => print(&report::one(style, only, Resumed::line))?,
        _ => print(&report::rows(style, &outcomes, |rows| rows.iter().map(Resumed::line).collect()))?,
    }
    Ok(code)
}

/// Oldest first.
fn open(journal: &Journal) -> Result<Vec<OperationId>, Failure> {
    let outline = journal.outline()?;
    let began = outline.entries.iter().filter_map(|entry| match entry {
        JournalEntry::Began { operation, .. } if outline.holders.contains_key(operation) => Some(operation.clone()),
        _ => None,
    });
    Ok(began.collect())
}

async fn one(
    here: &Here,
    journal: &Journal,
    look: &Look,
    operation: &OperationId,
    consent: Consent,
) -> Result<Option<Finished>, Failure> {
    let mut record = recorded(journal, operation)?;
    check(look, &record)?;
    copies::supply(&mut record);
    let facts = facts(look, here, record.plan_subject().as_str());
    let Some(confirmed) = confirm(ResumePlan { record: Box::new(record) }, &facts, consent)? else { return Ok(None) };
    match journal.claim(operation)? {
        Holder::Other { who } => {
            return Err(Failure::Refused(format!("it is at work in {who}; cancel it there, or wait for its end")));
        }
        Holder::Dead { who, why } => say(&format!("redrive: taken over from {who}: {why}")),
        Holder::Us | Holder::Nobody => {}
    }
    operate_as(here, look, Undertaking::Resume(confirmed), operation.clone()).await.map(Some)
}

/// What the journal knows of one that has not ended.
fn recorded(journal: &Journal, operation: &OperationId) -> Result<Record, Failure> {
    let Some(record) = journal.record_of(operation)? else {
        let why = format!("the journal has no operation {operation}; `redrive journal list` names them");
        return Err(Failure::Usage(why));
    };
    match record.end {
        Some((at, _)) => Err(Failure::Refused(format!("it ended {at}: {}", record.summary))),
        None => Ok(record),
    }
}

fn check(look: &Look, record: &Record) -> Result<(), Failure> {
    let account = look.picture.identity.as_ref().map(|identity| identity.value.account.as_str()).unwrap_or_default();
    if account != record.account || look.account.region() != record.region {
        return Err(Failure::Refused(format!(
            "it was begun in account {} {}, and this is {account} {}: give --profile, --region or --endpoint-url",
            record.account,
            record.region,
            look.account.region()
        )));
    }
    Ok(())
}

/// What kept one from being done at all counts more than what was done in part.
fn worse(a: u8, b: u8) -> u8 {
    let rank = |code: u8| match code {
        exit::FINE => 0,
        exit::PARTLY => 1,
        exit::REFUSED => 2,
        _ => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}
