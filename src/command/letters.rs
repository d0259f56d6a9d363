//! `dlq show|export|drop|restore`: what a dead-letter queue holds, out of it, and back.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::command::change::{confirm, facts};
use crate::command::dead_letters::find;
use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::operate::operate;
use crate::command::pick::{picked, scanned, search};
use crate::command::{Here, print, say, style};
use crate::config::letter::{Backup, Letters, Restore};
use crate::config::{Output, exit};
use crate::model::id::{MessageId, OperationId, QueueUrl};
use crate::model::message::{MAX_MESSAGE_BYTES, Message};
use crate::model::plan::{DropPlan, FileMark, Plan, RestorePlan};
use crate::model::queue::Queue;
use crate::model::redaction::Redaction;
use crate::operation::Undertaking;
use crate::operation::order::JournalEntry;
use crate::operation::progress::{Report, plural};
use crate::operation::record::Record;
use crate::operation::restore::backups::{Backups, copies};
use crate::query::kind::kind_of;
use crate::report::kinds::{self, Kinds};
use crate::report::{self, export};
use crate::shell::{self, Draft};

pub async fn show(here: &Here, letters: Letters, reveal: bool, output: Output) -> Result<u8, Failure> {
    let search = search(&letters.pick)?;
    let look = look(here).await?;
    let queue = find(&look, &letters.queue)?;
    let Some(finished) = scanned(here, &look, queue, &letters).await? else { return Ok(exit::FINE) };
    let code = finished.code();
    let messages = picked(finished.found, &letters.pick, search.as_ref(), look.now).await?;
    if letters.pick.ids.is_empty() {
        let mut kinds = Kinds::default();
        for message in messages.messages()? {
            let message = message?;
            kinds.count(&message, kind_of(&message).to_string());
        }
        let rows = kinds.rows();
        print(&report::rows(style(output), &rows, |rows| kinds::table(rows, look.now)))?;
    } else {
        let redaction = here.redaction(reveal);
        for message in messages.messages()? {
            print(&whole(message?, redaction, output))?;
        }
    }
    Ok(code)
}

fn whole(whole: Message, redaction: &Redaction, output: Output) -> String {
    let kind = kind_of(&whole).to_string();
    let message = redaction.message(&whole);
    let redacted = message != whole;
    match output {
        Output::Table => kinds::letter(&message, &kind),
        Output::Json | Output::Ndjson => export::shown(&message, redacted),
    }
}

pub async fn export(here: &Here, letters: Letters, to: Option<PathBuf>) -> Result<u8, Failure> {
    let search = search(&letters.pick)?;
    // Before anything is received for it.
    let file = to.as_deref().map(draft).transpose()?;
    let look = look(here).await?;
    let queue = find(&look, &letters.queue)?;
    let Some(finished) = scanned(here, &look, queue, &letters).await? else { return Ok(exit::FINE) };
    let code = finished.code();
    let messages = picked(finished.found, &letters.pick, search.as_ref(), look.now).await?;
    let lines = messages.messages()?.map(|message| message.map(|message| export::line(queue.name.as_str(), &message)));
    match file {
        Some(file) => {
            let failed = |error| unwritten(to.as_deref(), &error);
            let mut out = BufWriter::new(file);
            for line in lines {
                out.write_all(line?.as_bytes()).map_err(failed)?;
            }
            let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
            file.keep().map_err(failed)?;
        }
        None => lines.into_iter().try_for_each(|line| print(&line?))?,
    }
    let place = to.map_or("standard output".to_owned(), |path| path.display().to_string());
    say(&format!(
        "redrive: {} to {place}; nothing leaves the queue",
        plural(messages.len() as u64, "message", "messages")
    ));
    Ok(code)
}

/// One that is cut off leaves no half of an export.
fn draft(path: &Path) -> Result<Draft, Failure> {
    Draft::begin(path).map_err(|error| Failure::Usage(format!("--to {}: {error}", path.display())))
}

fn unwritten(path: Option<&Path>, error: &io::Error) -> Failure {
    let place = path.unwrap_or(Path::new("-")).display();
    Failure::Unreachable(format!("--to {place}: {error}; nothing was written there, and nothing left the queue"))
}

pub async fn drop(here: &Here, letters: Letters, reason: Option<String>, output: Output) -> Result<u8, Failure> {
    let search = search(&letters.pick)?;
    let look = look(here).await?;
    let queue = find(&look, &letters.queue)?;
    let ids: Vec<MessageId> = if search.is_none() && letters.pick.limit.is_none() {
        letters.pick.ids.iter().map(|id| MessageId::new(id.clone())).collect()
    } else {
        let Some(finished) = scanned(here, &look, queue, &letters).await? else { return Ok(exit::FINE) };
        let messages = picked(finished.found, &letters.pick, search.as_ref(), look.now).await?;
        messages.messages()?.map(|message| message.map(|message| message.id)).collect::<Result<_, _>>()?
    };
    if ids.is_empty() {
        say("redrive: nothing matches; nothing was dropped");
        return Ok(exit::FINE);
    }
    let plan = DropPlan { from: queue.url.clone(), ids, reason };
    let facts = facts(&look, here, queue.name.as_str());
    let Some(confirmed) = confirm(plan, &facts, letters.consent)? else { return Ok(exit::FINE) };
    let finished = operate(here, &look, Undertaking::Drop(confirmed)).await?;
    print(&told(&finished.report, output))?;
    Ok(finished.code())
}

pub async fn restore(here: &Here, asked: Restore) -> Result<u8, Failure> {
    let search = search(&asked.pick)?;
    let look = look(here).await?;
    let queue = find(&look, &asked.queue)?;
    let (messages, source, file) = match &asked.from {
        Backup::File(path) => {
            let (messages, mark) = read(path)?;
            (messages, path.display().to_string(), Some(mark))
        }
        Backup::Operation { id, again } => {
            (backups(here, id, *again)?, RestorePlan::copies_of(&id.as_str().into()), None)
        }
    };
    let messages = picked(messages.into(), &asked.pick, search.as_ref(), look.now).await?.into_vec()?;
    let places: Vec<(MessageId, QueueUrl)> =
        messages.iter().map(|message| (message.id.clone(), place(&look, queue, message, asked.to_origin))).collect();
    if places.is_empty() {
        say("redrive: nothing matches; nothing was put back");
        return Ok(exit::FINE);
    }
    let limit = |url: &QueueUrl| look.picture.queues.values().find(|seen| seen.value.url == *url);
    let smallest = places.iter().filter_map(|(_, url)| limit(url)).map(|seen| seen.value.max_message_bytes).min();
    let plan = RestorePlan {
        messages: places,
        source,
        file,
        max_message_bytes: smallest.unwrap_or(MAX_MESSAGE_BYTES as u64),
        reason: asked.reason,
    };
    let facts = facts(&look, here, queue.name.as_str());
    let Some(confirmed) = confirm(plan, &facts, asked.consent)? else { return Ok(exit::FINE) };
    let finished = operate(here, &look, Undertaking::Restore(confirmed, messages)).await?;
    print(&told(&finished.report, asked.output))?;
    Ok(finished.code())
}

fn place(look: &Look, queue: &Queue, message: &Message, to_origin: bool) -> QueueUrl {
    let origin = message.system.dead_letter_source.as_ref().filter(|_| to_origin);
    let origin = origin.and_then(|arn| look.picture.queue_by_arn(arn));
    origin.map_or(&queue.url, |seen| &seen.value.url).clone()
}

fn read(path: &Path) -> Result<(Vec<Message>, FileMark), Failure> {
    let wrong = |why: String| Failure::Usage(format!("--file {}{why}", path.display()));
    let copies = shell::copies::read(path).map_err(|error| wrong(format!(": {error}")))?;
    let messages = copies.messages.map_err(|(line, why)| wrong(format!(", line {line}: {why}")))?;
    if messages.is_empty() {
        return Err(wrong(" holds no message: is it the file that `dlq export --to` wrote?".to_owned()));
    }
    Ok((once_each(messages), copies.mark))
}

fn backups(here: &Here, operation: &str, again: bool) -> Result<Vec<Message>, Failure> {
    let journal = here.journal()?;
    let entries = journal.operation(&operation.into())?;
    if entries.is_empty() {
        return Err(Failure::Usage(format!("the journal has no operation {operation:?}; redrive journal list")));
    }
    if !entries.iter().any(|entry| matches!(entry, JournalEntry::Backup { .. })) {
        return Err(Failure::Refused(format!("{operation} kept no copies: nothing of it can be put back")));
    }
    if again {
        return Ok(copies(entries).into_values().collect());
    }
    let mut restores = Vec::new();
    for id in journal.outline()?.entries.iter().filter_map(|entry| restore_of(entry, operation)) {
        restores.extend(Record::read(&journal.operation(id)?));
    }
    let backups = Backups::of(entries, &restores);
    let sets = [
        (&backups.back, "were put back before"),
        (&backups.perhaps, "may be back: a restore sent them, and its end is not known"),
        (&backups.standing, "were not deleted by it, as far as is known"),
    ];
    for (ids, what) in sets.into_iter().filter(|(ids, _)| !ids.is_empty()) {
        let some: Vec<&str> = ids.iter().take(3).map(MessageId::as_str).collect();
        let more = if ids.len() > some.len() { " …" } else { "" };
        say(&format!(
            "redrive: {} {what}, and are left out (--again sends them too): {}{more}",
            ids.len(),
            some.join(" ")
        ));
    }
    Ok(backups.messages)
}

/// The restore of this operation's copies that an entry began.
fn restore_of<'a>(entry: &'a JournalEntry, operation: &str) -> Option<&'a OperationId> {
    let JournalEntry::Began { operation: restore, plan, .. } = entry else { return None };
    let Plan::Restore(plan) = &**plan else { return None };
    plan.operation().filter(|of| of.as_str() == operation).map(|_| restore)
}

fn once_each(mut messages: Vec<Message>) -> Vec<Message> {
    let all = messages.len();
    messages.sort_by(|a, b| a.id.cmp(&b.id));
    messages.dedup_by(|a, b| a.id == b.id);
    if messages.len() < all {
        let again = plural((all - messages.len()) as u64, "line repeats", "lines repeat");
        say(&format!("redrive: {again} a message; each is put back once"));
    }
    messages
}

fn told(report: &Report, output: Output) -> String {
    report::one(style(output), report, report::ended::text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attribute, AttributeValue, SystemAttributes};

    #[test]
    fn a_letter_shown_is_redacted_in_every_form_and_one_exported_is_whole() {
        let text = |text: &str| AttributeValue::Text(text.to_owned());
        let email = Attribute { data_type: "String".to_owned(), value: text("ada@example.org") };
        let message = Message {
            id: "m-1".into(),
            receipt: "".into(),
            body: r#"{"email":"ada@example.org","step":1}"#.to_owned(),
            attributes: [("email".to_owned(), email)].into(),
            system: SystemAttributes::default(),
        };
        let redaction = Redaction::new(["email"]).expect("a path");
        for output in [Output::Table, Output::Json, Output::Ndjson] {
            let shown = whole(message.clone(), &redaction, output);
            assert!(shown.contains("***") && !shown.contains("example.org"), "{shown}");
        }
        let shown = whole(message.clone(), &redaction, Output::Json);
        assert!(export::parse(&shown).is_err_and(|why| why.contains("redacted")), "never put back");
        let line = export::line("JobDLQ", &message);
        assert_eq!(export::parse(&line), Ok(("JobDLQ".to_owned(), message)), "an export is for restore");
    }

    #[test]
    fn a_file_without_a_message_is_told_and_not_called_a_restore_of_nothing() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let why = read(file.path()).map(|_| ()).expect_err("it is empty").text().unwrap_or_default();
        assert!(why.starts_with("--file ") && why.contains("holds no message"), "{why}");
    }
}
