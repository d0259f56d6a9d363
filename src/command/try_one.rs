//! `dlq try`: one dead letter through its function.

use std::collections::BTreeSet;

use crate::command::change::{confirm, facts};
use crate::command::dead_letters::{LEASE_S, find};
use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::operate::operate;
use crate::command::pick::SCAN_BYTES;
use crate::command::{Here, print, say};
use crate::config::{Output, Try, exit};
use crate::model::id::{Arn, FunctionName, MessageId};
use crate::model::plan::ScanPlan;
use crate::model::queue::Queue;
use crate::model::redaction::NOTHING;
use crate::model::trial::TrialPlan;
use crate::operation::Undertaking;
use crate::operation::progress::{Report, TrialReport};
use crate::report::table::clean;

pub async fn run(here: &Here, asked: Try) -> Result<u8, Failure> {
    let look = look(here).await?;
    let queue = find(&look, &asked.queue)?.clone();
    let found = match &asked.id {
        Some(id) => Found { id: MessageId::new(id.clone()), source: None },
        None => match first(here, &look, &queue, &asked).await? {
            Some(found) => found,
            None => return Ok(exit::FINE),
        },
    };
    let source = source(&queue, found.source)?;
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
    };
    let Some(confirmed) = confirm(plan, &facts(&look, here, queue.name.as_str()), asked.consent)? else {
        return Ok(exit::FINE);
    };
    let finished = operate(here, &look, Undertaking::Trial(confirmed)).await?;
    if let Report::Trial(report) = &finished.report {
        let redaction = if asked.reveal { &NOTHING } else { &here.place.context.redact };
        print(&shown(asked.output, &report.shown(redaction)))?;
    }
    Ok(finished.code())
}

struct Found {
    id: MessageId,
    source: Option<Arn>,
}

/// The first message a scan finds; receiving is a write, so it has its card and its consent.
async fn first(here: &Here, look: &Look, queue: &Queue, asked: &Try) -> Result<Option<Found>, Failure> {
    let plan = ScanPlan {
        queue: queue.url.clone(),
        own_max_receive_count: queue.redrive.as_ref().map(|policy| policy.max_receive_count),
        max_messages: 1,
        max_bytes: SCAN_BYTES,
        lease_s: LEASE_S,
    };
    if let Some(why) = crate::operation::scan::refusal(&plan) {
        return Err(Failure::Refused(why));
    }
    let Some(confirmed) = confirm(plan, &facts(look, here, queue.name.as_str()), asked.consent)? else {
        say("redrive: with --yes the first message found is tried; --id names one");
        return Ok(None);
    };
    let finished = operate(here, look, Undertaking::Scan(confirmed)).await?;
    match finished.found.messages()?.next().transpose()? {
        Some(message) => Ok(Some(Found { id: message.id, source: message.system.dead_letter_source })),
        None => Err(Failure::Refused(format!("no message was found in {}: {}", queue.name, finished.report.line()))),
    }
}

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
