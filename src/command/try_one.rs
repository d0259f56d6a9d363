//! `dlq try`: one dead letter through its function.

use std::collections::BTreeSet;

use crate::command::change::{confirm, facts};
use crate::command::dead_letters::find;
use crate::command::edit;
use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::operate::operate;
use crate::command::pick::scan_of;
use crate::command::{Here, print, say};
use crate::config::{Output, Try, exit};
use crate::model::id::{Arn, FunctionName, MessageId};
use crate::model::message::Message;
use crate::model::plan::EditPlan;
use crate::model::queue::Queue;
use crate::model::redaction::Redaction;
use crate::model::trial::TrialPlan;
use crate::operation::card::Facts;
use crate::operation::progress::{Report, TrialReport};
use crate::operation::redrive::edit as changed;
use crate::operation::{Undertaking, advice};
use crate::report::table::clean;

pub async fn run(here: &Here, asked: Try) -> Result<u8, Failure> {
    edit::check(asked.edit.as_deref())?;
    let look = look(here).await?;
    let queue = find(&look, &asked.queue)?.clone();
    let found = match (&asked.id, &asked.edit) {
        (Some(id), None) => Found { id: MessageId::new(id.clone()), message: None },
        _ => match first(here, &look, &queue, &asked).await? {
            Some(found) => found,
            None => return Ok(exit::FINE),
        },
    };
    let mut facts = facts(&look, here, queue.name.as_str());
    let edited = match (&asked.edit, &found.message) {
        (Some(program), Some(message)) => {
            Some(edited(&look, &queue, message, program, here.redaction(asked.reveal), &mut facts).await?)
        }
        _ => None,
    };
    let source = source(&queue, found.message.and_then(|message| message.system.dead_letter_source))?;
    let function = function(&look, &source, asked.function.as_deref())?;
    let known = look.picture.functions.get(&function);
    let plan = TrialPlan {
        from: queue.url.clone(),
        id: found.id,
        timeout_s: known.and_then(|known| known.value.timeout_s),
        function,
        source,
        region: look.account.region().to_owned(),
        reason: asked.reason.clone(),
        edit: edited.as_ref().map(|(plan, _)| plan.clone()),
    };
    let Some(confirmed) = confirm(plan, &facts, asked.consent)? else { return Ok(exit::FINE) };
    let undertaking = match edited {
        Some((_, body)) => Undertaking::TryEdited(Box::new(confirmed), body),
        None => Undertaking::Trial(confirmed),
    };
    let finished = operate(here, &look, undertaking).await?;
    if let Report::Trial(report) = &finished.report {
        print(&shown(asked.output, &report.shown(here.redaction(asked.reveal))))?;
    }
    Ok(finished.code())
}

struct Found {
    id: MessageId,
    /// Where it was looked for: all of it.
    message: Option<Message>,
}

/// The body it is run with, and what differs on its card.
async fn edited(
    look: &Look,
    queue: &Queue,
    message: &Message,
    program: &str,
    redaction: &Redaction,
    facts: &mut Facts,
) -> Result<(Box<EditPlan>, String), Failure> {
    let most = advice::largest(&look.picture, queue);
    let made = edit::edits(vec![message.clone()], program, most, redaction).await?;
    let Some(body) = made.bodies.get(&message.id).cloned() else {
        let why = made.reasons().first().map_or("it stays as it is", |(why, _)| *why).to_owned();
        return Err(Failure::Refused(format!("{}: nothing to try: {why}", message.id)));
    };
    facts.about.extend(made.briefly().iter().map(|line| clean(line)));
    Ok((changed::plan(program, &made.bodies), body))
}

/// The message named, or the first a scan finds; receiving is a write, so it has its card and its consent.
async fn first(here: &Here, look: &Look, queue: &Queue, asked: &Try) -> Result<Option<Found>, Failure> {
    let most = if asked.id.is_some() { SCAN_MOST } else { 1 };
    let Some(finished) = scan_of(here, look, queue, most, asked.consent).await? else {
        say("redrive: with --yes the first message found is tried; --id names one");
        return Ok(None);
    };
    let is_it = |message: &Message| asked.id.as_deref().is_none_or(|id| id == message.id.as_str());
    let mut messages = finished.found.messages()?;
    let found = messages.find(|message| message.as_ref().map_or(true, is_it)).transpose()?;
    match found {
        Some(message) => Ok(Some(Found { id: message.id.clone(), message: Some(message) })),
        None => {
            let what = asked.id.as_deref().unwrap_or("no message");
            let was = if asked.id.is_some() { "was not found" } else { "was found" };
            Err(Failure::Refused(format!("{what} {was} in {}: {}", queue.name, finished.report.line())))
        }
    }
}

/// Most messages looked at for the one that is to be edited.
const SCAN_MOST: u32 = 10_000;

/// Where the message came from. A message named by its id alone came from the only queue there is.
fn source(queue: &Queue, told: Option<Arn>) -> Result<Arn, Failure> {
    match (told, queue.sources.as_slice()) {
        (Some(source), _) => Ok(source),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(Failure::Refused(format!(
            "no queue names {} as its dead-letter queue, so which function its messages are for is not known",
            queue.name
        ))),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(Arn::resource).collect();
            Err(Failure::Refused(format!(
                "{} has dead letters of {}: leave --id out, or try it in the console, where its own word is read",
                queue.name,
                names.join(" and ")
            )))
        }
    }
}

fn function(look: &Look, source: &Arn, asked: Option<&str>) -> Result<FunctionName, Failure> {
    let mappings = look.picture.mappings.values().map(|mapping| &mapping.value);
    let readers: BTreeSet<&FunctionName> =
        mappings.filter(|mapping| mapping.source == *source).map(|mapping| &mapping.function).collect();
    if let Some(name) = asked {
        let found = look.picture.functions.keys().find(|function| function.as_str() == name);
        return found.cloned().ok_or_else(|| Failure::Usage(format!("there is no function {name:?} here")));
    }
    let names: Vec<&str> = readers.iter().map(|name| name.as_str()).collect();
    match names.as_slice() {
        [only] => Ok(FunctionName::from(*only)),
        [] => Err(Failure::Refused(format!("no function reads {}: name one with --function", source.resource()))),
        several => Err(Failure::Usage(format!(
            "{} is read by {}: choose one with --function",
            source.resource(),
            several.join(" and ")
        ))),
    }
}

fn shown(output: Output, report: &TrialReport) -> String {
    if output != Output::Table {
        // Plain data always serializes.
        return serde_json::to_string(report).unwrap_or_default() + "\n";
    }
    let mut text = clean(&report.line()) + "\n";
    let mut part = |name: &str, lines: &str| {
        text.push_str(&format!("\n{name}\n"));
        lines.lines().for_each(|line| text.push_str(&format!("  {}\n", clean(line))));
    };
    if let Some(answer) = &report.answer {
        part("answer, as it came:", answer);
    }
    if let Some(log) = &report.log_tail {
        part("the end of its log, at most 4 KB:", log);
    }
    text
}
