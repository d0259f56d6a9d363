//! The cards of what takes messages out of a queue for good, and of what puts copies back.

use crate::model::id::{MessageId, QueueUrl};
use crate::model::plan::{DropPlan, Plan, RestorePlan};
use crate::operation::card::{Card, Facts, receive_line};
use crate::operation::confirm::{Level, Planned, without_count};
use crate::operation::progress::grouped;

impl Planned for DropPlan {
    fn level(&self, facts: &Facts) -> Level {
        Level::Irreversible { count: self.ids.len() as u64, account_last4: facts.account_last4().to_owned() }
    }

    fn card(&self, facts: &Facts) -> Card {
        let from = self.from.name();
        let count = grouped(self.ids.len() as u64);
        let noun = if self.ids.len() == 1 { "message" } else { "messages" };
        let mut card = facts.card(format!("Drop {count} {noun} from {from}"), self.level(facts), "Drop");
        card.calls = vec![
            format!("sqs:ReceiveMessage on {from}, lease 60 s, until each id is found; others are given back"),
            format!("sqs:DeleteMessageBatch on {from}, each only after its copy is in the journal"),
        ];
        card.cli = vec![
            receive_line(facts, &self.from, "60"),
            facts.aws(&["sqs", "delete-message", "--queue-url", self.from.as_str(), "--receipt-handle", "HANDLE"]),
        ];
        card.scope = vec![
            format!("the {count} {noun} shown and chosen, by id; nothing else, and never a purge"),
            "each is copied whole into the journal first; `redrive dlq restore` puts it back".to_owned(),
        ];
        card.irreversible = vec![
            "a deleted message is gone from SQS: a restored copy has a new id, a new retention and no origin"
                .to_owned(),
        ];
        card
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::Drop(plan) => Some(plan),
            _ => None,
        }
    }
}

impl Planned for RestorePlan {
    fn level(&self, facts: &Facts) -> Level {
        match self.messages.len() as u64 {
            0 | 1 => without_count(facts),
            many => Level::Count(many),
        }
    }

    fn card(&self, facts: &Facts) -> Card {
        let count = grouped(self.messages.len() as u64);
        let noun = if self.messages.len() == 1 { "message" } else { "messages" };
        let mut card = facts.card(format!("Put {count} {noun} back"), self.level(facts), "Restore");
        let mut queues: Vec<&QueueUrl> = self.messages.iter().map(|(_, to): &(MessageId, QueueUrl)| to).collect();
        queues.sort();
        queues.dedup();
        for to in queues {
            let there = self.messages.iter().filter(|(_, other)| other == to).count();
            card.calls.push(format!("sqs:SendMessageBatch to {}", to.name()));
            card.scope.push(format!("{} to {}", grouped(there as u64), to.name()));
            card.cli.push(facts.aws(&["sqs", "send-message", "--queue-url", to.as_str(), "--message-body", "BODY"]));
        }
        card.scope.push(format!("the copies come from {}", self.source));
        card.irreversible = vec![
            "a sent message cannot be called back".to_owned(),
            "a restored copy is a new message: new id, new retention; SQS no longer says which queue it died in"
                .to_owned(),
        ];
        card
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::Restore(plan) => Some(plan),
            _ => None,
        }
    }
}
