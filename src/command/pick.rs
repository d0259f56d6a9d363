//! Which messages a command means: looks into the queue where it must, and asks the same language as
//! the console's filter.

use crate::command::Here;
use crate::command::change::{confirm, facts};
use crate::command::dead_letters::LEASE_S;
use crate::command::failure::Failure;
use crate::command::look::Look;
use crate::command::operate::{Finished, operate};
use crate::command::pile::Pile;
use crate::config::Consent;
use crate::config::letter::{Letters, Pick};
use crate::model::plan::ScanPlan;
use crate::model::queue::Queue;
use crate::model::time::Timestamp;
use crate::operation::{Undertaking, scan};
use crate::query::jq::{Program, document};
use crate::query::kind::kind_of;
use crate::query::search::Search;
use crate::shell::jq::{self, Want};

/// Understands an expression before anything is received for it.
///
/// # Errors
/// What is wrong with it, and where.
pub fn search(pick: &Pick) -> Result<Option<Search>, Failure> {
    let Some(text) = &pick.expression else { return Ok(None) };
    let search = Search::new(text).map_err(|fault| {
        let caret = format!("  {text}\n  {}^", " ".repeat(fault.at));
        Failure::Usage(format!("--where: {fault}\n{caret}"))
    })?;
    match search.as_ref().and_then(Search::jq).map(Program::new) {
        Some(Err(why)) => Err(Failure::Usage(format!("--where: {why}\n  {text}"))),
        Some(Ok(_)) | None => Ok(search),
    }
}

/// Scans the queue: receives, copies, gives back. `None` after a dry run.
///
/// # Errors
/// A safety rule says no, or consent is missing.
pub async fn scanned(here: &Here, look: &Look, queue: &Queue, letters: &Letters) -> Result<Option<Finished>, Failure> {
    scan_of(here, look, queue, letters.max, letters.consent).await
}

pub async fn scan_of(
    here: &Here,
    look: &Look,
    queue: &Queue,
    max_messages: u32,
    consent: Consent,
) -> Result<Option<Finished>, Failure> {
    let plan = ScanPlan {
        queue: queue.url.clone(),
        own_max_receive_count: queue.redrive.as_ref().map(|policy| policy.max_receive_count),
        max_messages,
        max_bytes: SCAN_BYTES,
        lease_s: LEASE_S,
    };
    if let Some(why) = scan::refusal(&plan) {
        return Err(Failure::Refused(why));
    }
    let mut facts = facts(look, here, queue.name.as_str());
    if queue.counts.in_flight > 0 {
        facts.about.push(format!("~{} are held by somebody now: they are not seen", queue.counts.in_flight));
    }
    match look.account.move_tasks(&queue.arn).await.ok().and_then(|tasks| tasks.into_iter().next()) {
        Some(task) if !task.status.is_settled() => {
            facts.about.push(format!("a move task is {} there, ~{} moved", task.status.as_str(), task.moved));
        }
        _ => {}
    }
    let Some(confirmed) = confirm(plan, &facts, consent)? else { return Ok(None) };
    operate(here, look, Undertaking::Scan(confirmed)).await.map(Some)
}

/// Those of the messages that are meant, in the order they came.
///
/// # Errors
/// jq could not be asked.
pub async fn picked(mut pile: Pile, pick: &Pick, search: Option<&Search>, now: Timestamp) -> Result<Pile, Failure> {
    if !pick.ids.is_empty() || search.is_some() {
        pile.retain(|message| {
            let is_named = pick.ids.is_empty() || pick.ids.iter().any(|id| id == message.id.as_str());
            is_named && search.is_none_or(|search| search.takes_one(message, &kind_of(message), now))
        })?;
    }
    if let Some(program) = search.and_then(Search::jq) {
        by_jq(&mut pile, program.to_owned()).await?;
    }
    if let Some(limit) = pick.limit {
        pile.keep(std::iter::repeat_n(true, limit));
    }
    Ok(pile)
}

async fn by_jq(pile: &mut Pile, program: String) -> Result<(), Failure> {
    // One that cannot be read ends them: the answers are too few then, and that is told.
    let documents = pile.messages()?.map_while(Result::ok).map(|message| document(&message));
    let asked = tokio::task::spawn_blocking(move || jq::ask(&program, Want::Verdict, documents)).await;
    let answers = asked.map_err(|error| error.to_string()).and_then(|answers| answers).map_err(Failure::Usage)?;
    let unjudged: Vec<&String> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    if let Some(first) = unjudged.first() {
        crate::command::say(&format!("redrive: {} could not be judged and are left out: {first}", unjudged.len()));
    }
    if answers.len() < pile.len() {
        return Err(Failure::Disk(std::io::Error::other("some could not be read again")));
    }
    pile.keep(answers.iter().map(|answer| answer.as_deref() == Ok("true")));
    Ok(())
}

/// Bytes of messages one command keeps in memory.
pub(in crate::command) const SCAN_BYTES: u64 = 256 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jq_program_that_is_none_is_told_before_anything_is_received() {
        let searched = |text: &str| {
            let pick = Pick { expression: Some(text.to_owned()), ..Pick::default() };
            search(&pick).map(|search| search.is_some()).map_err(|failure| failure.text().unwrap_or_default())
        };
        assert_eq!(searched("step:send jq: .body.step > 1"), Ok(true));
        let why = searched("step:send jq: .body |").expect_err("no program");
        assert!(why.starts_with("--where: jq:") && why.ends_with("  step:send jq: .body |"), "{why}");
    }
}
