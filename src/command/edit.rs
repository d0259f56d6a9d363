//! `dlq redrive --edit`: what a jq program makes of the messages, shown before the card.

use crate::command::failure::Failure;
use crate::command::say;
use crate::model::message::Message;
use crate::model::redaction::Redaction;
use crate::operation::progress::grouped;
use crate::query::edit;
use crate::query::edits::Edits;
use crate::query::jq::Program;
use crate::report::table::clean;
use crate::shell::jq::{self, Want};

/// Understands a program before anything is received for it.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check(program: Option<&str>) -> Result<(), Failure> {
    match program.map(Program::new) {
        Some(Err(why)) => Err(Failure::Usage(format!("--edit: {why}"))),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Runs it, and shows what would change, as far as it may be shown.
///
/// # Errors
/// jq could not be asked.
pub async fn edits(messages: Vec<Message>, program: &str, most: u64, redaction: &Redaction) -> Result<Edits, Failure> {
    let inputs: Vec<String> = messages.iter().map(edit::input).collect();
    let code = edit::program(program);
    let asked = tokio::task::spawn_blocking(move || jq::ask(&code, Want::Value, inputs.into_iter())).await;
    let answers = asked.map_err(|error| error.to_string()).and_then(|answers| answers).map_err(Failure::Usage)?;
    // jq names the values it stumbles over.
    let hidden = |why: String| if redaction.is_on() { JQ_FAILED.to_owned() } else { why };
    let answers = answers.into_iter().map(|answer| answer.map_err(hidden)).collect();
    let edits = Edits::of(&messages, answers, most).shown(&messages, redaction);
    shown(&edits);
    Ok(edits)
}

const JQ_FAILED: &str = "jq failed on it (what it said is redacted; --reveal shows it)";

fn shown(edits: &Edits) {
    let count = edits.bodies.len() as u64;
    say(&format!("redrive: {} would be sent with another body; a sample:", grouped(count)));
    for sample in &edits.samples {
        say(&format!("  {}", sample.id));
        sample.lines.iter().for_each(|(side, line)| say(&format!("    {}{}", side.sign(), clean(line))));
    }
    if edits.unchanged > 0 {
        say(&format!("redrive: {} stay as they are and are not redriven", grouped(edits.unchanged)));
    }
    for (why, count) in edits.reasons() {
        say(&format!("redrive: {} cannot be edited and are not redriven: {}", grouped(count), clean(why)));
    }
}
