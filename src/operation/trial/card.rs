//! What stands on the card of a trial.

use crate::model::time::spoken;
use crate::model::trial::{LONGEST_RUN_S, TrialPlan};
use crate::operation::card::{Card, Facts, receive_line};
use crate::operation::confirm::Planned as _;

pub fn trial(plan: &TrialPlan, facts: &Facts) -> Card {
    let (from, function, id) = (plan.from.name(), &plan.function, plan.id.short());
    let edited = if plan.edit.is_some() { ", edited," } else { "" };
    let mut card = facts.card(format!("Try {id} of {from}{edited} on {function}"), plan.level(facts), "Try");
    card.calls = vec![
        format!("sqs:ReceiveMessage on {from} until the message is found; others are given back"),
        format!("lambda:Invoke {function}, waited for, with the log tail"),
        format!("sqs:DeleteMessageBatch on {from}, only if {function} comes through"),
    ];
    let payload = "fileb://event.json";
    let invoke = [
        "lambda",
        "invoke",
        "--function-name",
        function.as_str(),
        "--log-type",
        "Tail",
        "--payload",
        payload,
        "answer.json",
    ];
    card.cli = vec![receive_line(facts, &plan.from, "60"), facts.aws(&invoke)];
    card.scope = vec![
        format!("the one message {}, as an event of {}", plan.id, plan.source.resource()),
        "its effects are real: what the function sends, writes or charges is sent, written, charged".to_owned(),
    ];
    if let Some(edit) = &plan.edit {
        card.scope
            .push(format!("with another body, edited {}: it is in the journal, and the original too", edit.said()));
    }
    card.scope.push(match plan.timeout_s {
        Some(s) => format!(
            "hidden from others until {function} has answered, at most {} (its time-out)",
            spoken(i64::from(s) * 1000)
        ),
        None => format!(
            "hidden from others until {function} has answered; its time-out is not known, {} at most",
            spoken(i64::from(LONGEST_RUN_S) * 1000)
        ),
    });
    card.scope.push(
        "failed, or without an answer: it stays in the queue, and the answer and the log tail are shown".to_owned(),
    );
    card.unchecked
        .push("whether the function looks at the receipt handle: the event's is made up, not the queue's".to_owned());
    card.irreversible = vec![
        "a run cannot be called back; a message that came through is deleted".to_owned(),
        "without an answer it may have run all the same; it is not deleted then".to_owned(),
    ];
    card
}
