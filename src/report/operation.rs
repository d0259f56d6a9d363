//! One operation of the journal, to be read: what it was, what came of it, what was noted on the way, and
//! what is on record of each message.

use crate::operation::order::{JournalEntry, MessageState};
use crate::operation::record::Record;
use crate::report::journal::{end, kind_of};
use crate::report::table::{Table, clean};

/// From all its entries, oldest first.
pub fn text(entries: &[JournalEntry]) -> String {
    let Some(record) = Record::read(entries) else { return String::new() };
    let ended = match record.end {
        Some((at, state)) => format!("{} {at}", end(state)),
        None => "not ended; `redrive journal list` says who holds it".to_owned(),
    };
    let (_, reason) = kind_of(&record.plan);
    let mut text = clean(&record.title()) + "\n";
    let facts = [
        ("operation", record.operation.to_string()),
        ("began", record.began_at.to_string()),
        ("ended", ended),
        ("came of it", record.summary.clone()),
        ("why", reason.unwrap_or_default()),
        ("who", record.who.clone()),
        ("where", format!("{} {}", record.account, record.region)),
    ];
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("  {name:<11} {}\n", clean(&value)));
    }
    for (at, note) in &record.notes {
        text.push_str(&format!("  {} {}\n", at.clock_s(), clean(note)));
    }
    if !record.states.is_empty() {
        let mut table = Table::new(&["MESSAGE", "STATE", "THERE IT IS", "WHY"]);
        for (id, state) in &record.states {
            let there = record.sent_as.get(id).map(ToString::to_string).unwrap_or_default();
            table.row([id.to_string(), state.name().to_owned(), there, why(state).unwrap_or_default().to_owned()]);
        }
        text.push('\n');
        text.push_str(&table.text());
    }
    text
}

fn why(state: &MessageState) -> Option<&str> {
    match state {
        MessageState::NotSent { why }
        | MessageState::PossibleDuplicate { why }
        | MessageState::Duplicate { why }
        | MessageState::Failed { why }
        | MessageState::Skipped { why } => Some(why),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::MessageId;
    use crate::model::plan::{DropPlan, Plan};
    use crate::model::time::Timestamp;
    use crate::operation::order::EndState;

    #[test]
    fn an_operation_is_told_with_its_notes_and_each_message_by_its_last_state() {
        let (operation, at) = (crate::model::id::OperationId::from("op-1"), Timestamp::from_s(1_767_236_000));
        let ids: Vec<MessageId> = vec!["m-1".into(), "m-2".into()];
        let plan =
            DropPlan { from: "https://q/1/JobDLQ".into(), ids, reason: Some("sent by hand\u{1b}[2J".to_owned()) };
        let message =
            |id: &str, state| JournalEntry::Message { operation: operation.clone(), at, id: id.into(), state };
        let entries = [
            JournalEntry::Began {
                operation: operation.clone(),
                at,
                plan: Box::new(Plan::Drop(plan)),
                who: "me".to_owned(),
                account: "1".to_owned(),
                region: "r".to_owned(),
            },
            message("m-1", MessageState::Failed { why: "not yet".to_owned() }),
            JournalEntry::Noted { operation: operation.clone(), at, text: "looked once more".to_owned(), pace: None },
            message("m-1", MessageState::DROPPED),
            message("m-2", MessageState::Failed { why: "denied".to_owned() }),
            JournalEntry::Ended {
                operation: operation.clone(),
                at,
                state: EndState::Partly,
                summary: "1 of 2 dropped".to_owned(),
            },
        ];
        let text = text(&entries);
        for line in
            ["Drop 2 from JobDLQ\n", "came of it  1 of 2 dropped\n", "looked once more\n", "ended       partly 2026-"]
        {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
        assert!(!text.contains('\u{1b}') && !text.contains("not yet"), "{text}");
        let rows: Vec<Vec<&str>> =
            text.lines().filter(|line| line.starts_with("m-")).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows, [vec!["m-1", "dropped"], vec!["m-2", "failed", "denied"]]);
    }
}
