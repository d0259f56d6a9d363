//! What the journal keeps, as it may be shown where something is redacted. The journal itself is never
//! touched: what is put back from it is whole.

use std::collections::BTreeMap;

use crate::model::id::OperationId;
use crate::model::plan::Plan;
use crate::model::redaction::Redaction;
use crate::operation::order::{JournalEntry, MessageState};
use crate::operation::trial::telling::{summary_shown, why_shown};

/// The entries with their bodies, and what a function said of them, as they may be shown.
pub fn entries(entries: &mut [JournalEntry], redaction: &Redaction) {
    if !redaction.is_on() {
        return;
    }
    let mut ran: BTreeMap<OperationId, bool> = BTreeMap::new();
    for entry in entries {
        let of_a_function = ran.get(entry.operation()).copied().unwrap_or_default();
        match entry {
            JournalEntry::Began { operation, plan, .. } => {
                let runs = matches!(**plan, Plan::Trial(_) | Plan::Rescue(_) | Plan::Rerun(_));
                ran.insert(operation.clone(), runs);
            }
            JournalEntry::Backup { message, .. } => **message = redaction.message(message),
            JournalEntry::Edited { body, .. } => *body = redaction.shown(body, false).into_owned(),
            JournalEntry::Message { state: MessageState::Failed { why }, .. } if of_a_function => {
                *why = why_shown(why, redaction);
            }
            JournalEntry::Noted { text, .. } | JournalEntry::Ended { summary: text, .. } if of_a_function => {
                *text = summary_shown(text, redaction);
            }
            JournalEntry::Message { .. } | JournalEntry::Noted { .. } | JournalEntry::Ended { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attribute, AttributeValue, Message, SystemAttributes};
    use crate::model::redaction::NOTHING;
    use crate::model::time::Timestamp;
    use crate::model::trial::TrialPlan;
    use crate::operation::order::EndState;

    const SECRET: &str = "ada@example.org";

    fn kept() -> Vec<JournalEntry> {
        let (operation, at) = (OperationId::from("op-1"), Timestamp::from_s(1_767_236_000));
        let body = format!(r#"{{"profile":{{"email":"{SECRET}"}},"step":2}}"#);
        let email = Attribute { data_type: "String".to_owned(), value: AttributeValue::Text(SECRET.to_owned()) };
        let message = Message {
            id: "m-1".into(),
            receipt: "".into(),
            body: body.clone(),
            attributes: [("email".to_owned(), email)].into(),
            system: SystemAttributes::default(),
        };
        let plan = TrialPlan {
            from: "https://q/1/JobDLQ".into(),
            id: "m-1".into(),
            function: "JobWorker".into(),
            timeout_s: None,
            source: "arn:aws:sqs:r:1:JobQueue".into(),
            region: "r".to_owned(),
            reason: None,
            edit: None,
        };
        vec![
            JournalEntry::Began {
                operation: operation.clone(),
                at,
                plan: Box::new(Plan::Trial(plan)),
                who: "me".to_owned(),
                account: "1".to_owned(),
                region: "r".to_owned(),
            },
            JournalEntry::Backup {
                operation: operation.clone(),
                at,
                queue: "https://q/1/JobDLQ".into(),
                message: Box::new(message),
            },
            JournalEntry::Edited { operation: operation.clone(), at, id: "m-1".into(), body },
            JournalEntry::Message {
                operation: operation.clone(),
                at,
                id: "m-1".into(),
                state: MessageState::Failed { why: format!("Refused: {SECRET}") },
            },
            JournalEntry::Ended {
                operation,
                at,
                state: EndState::Partly,
                summary: format!("JobWorker failed in 2 s: Refused: {SECRET}; it stays in JobDLQ"),
            },
        ]
    }

    #[test]
    fn no_entry_tells_what_is_redacted_and_the_rest_stays() {
        let redaction = Redaction::new(["profile.email"]).expect("a path");
        let mut shown = kept();
        entries(&mut shown, &redaction);
        let text = serde_json::to_string(&shown).expect("plain data");
        assert!(!text.contains(SECRET), "{text}");
        for stays in [r#"\"step\":2"#, "JobWorker failed in 2 s: Refused: ***; it stays in JobDLQ", "m-1"] {
            assert!(text.contains(stays), "{stays} is not in {text}");
        }
    }

    #[test]
    fn where_nothing_is_redacted_nothing_is_touched() {
        let mut same = kept();
        entries(&mut same, &NOTHING);
        assert_eq!(same, kept());
    }
}
