//! What stands on the card of a rescue.

use crate::model::rescue::RescuePlan;
use crate::operation::card::{Card, Facts, receive_line};
use crate::operation::confirm::Planned as _;
use crate::operation::progress::grouped;

pub fn rescue(plan: &RescuePlan, facts: &Facts) -> Card {
    let from = plan.from.name();
    let (pointers, records) = (grouped(plan.ids.len() as u64), grouped(plan.records));
    let noun = if plan.ids.len() == 1 { "pointer" } else { "pointers" };
    let mut card = facts.card(format!("Rescue {pointers} {noun} of {from}"), plan.level(facts), "Rescue");
    card.calls = vec![
        format!("sqs:ReceiveMessage on {from} until each is found; others are given back"),
        "dynamodb:GetShardIterator, dynamodb:GetRecords: the records each names".to_owned(),
        "lambda:Invoke, waited for, a batch at a time and in order".to_owned(),
        format!("sqs:DeleteMessageBatch on {from}, a pointer only when all its records came through"),
    ];
    let iterator = [
        "dynamodbstreams",
        "get-shard-iterator",
        "--stream-arn",
        "STREAM",
        "--shard-id",
        "SHARD",
        "--shard-iterator-type",
        "AT_SEQUENCE_NUMBER",
        "--sequence-number",
        "FIRST",
    ];
    let records_line = ["dynamodbstreams", "get-records", "--shard-iterator", "ITERATOR"];
    card.cli = vec![receive_line(facts, &plan.from, "60"), facts.aws(&iterator), facts.aws(&records_line)];
    card.scope.push(format!("{pointers} {noun}, that stand for {records} records; nothing else of the queue"));
    for target in &plan.targets {
        let batch = grouped(target.batch.into());
        card.scope.push(format!("to {}, {batch} records at a time: its effects are real", target.function));
        if target.parallelization_factor > 1 {
            card.scope.push(format!(
                "{} reads {} lanes a shard: a range may hold records of other lanes, which came through and come again",
                target.function, target.parallelization_factor
            ));
        }
    }
    card.scope
        .push("batchItemFailures are heeded: at the first record that fails a pointer is left where it is".to_owned());
    card.unchecked
        .push("whether later records of the same items are indexed already: old ones come behind them now".to_owned());
    card.unchecked.push("filters of the mapping: a range holds also what they leave out".to_owned());
    card.irreversible = vec![
        "a run cannot be called back; a pointer whose records all came through is deleted".to_owned(),
        "a run without an answer may have happened; its pointer stays".to_owned(),
    ];
    card
}
