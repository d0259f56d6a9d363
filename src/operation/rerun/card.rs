//! What stands on the card before events are run again out of a bucket.

use crate::model::plan::Plan;
use crate::model::rerun::{RerunPlan, RerunSource};
use crate::operation::card::{Card, Facts};
use crate::operation::confirm::{Level, Planned, without_count};
use crate::operation::progress::grouped;
use crate::operation::rerun::FAILURES_IN_A_ROW;

/// `Run 3 documents of FailureStore again`
pub fn title(plan: &RerunPlan) -> String {
    let n = plan.items.len() as u64;
    format!("Run {} {} of {} again", grouped(n), plan.source.noun(n), plan.bucket)
}

impl Planned for RerunPlan {
    /// Nothing that has run can be called back; many are typed.
    fn level(&self, facts: &Facts) -> Level {
        match self.items.len() {
            1 => without_count(facts),
            many => Level::Count(many as u64),
        }
    }

    fn card(&self, facts: &Facts) -> Card {
        let mut card = facts.card(title(self), self.level(facts), "Run again");
        let (n, noun) = (self.items.len() as u64, self.source.noun(self.items.len() as u64));
        if self.source == RerunSource::Documents {
            card.calls.push(format!("s3:GetObject on {}, each document shortly before it is run", self.bucket));
        }
        card.calls.push(match self.source {
            RerunSource::Documents => {
                "lambda:Invoke, waited for, with the event that the document carries, one after the other".to_owned()
            }
            RerunSource::Requests => {
                "lambda:Invoke, waited for, with the event S3 sends of the object, four at a time".to_owned()
            }
        });
        let key = self.items.first().map_or("KEY", |item| item.object.key.as_str());
        let object = format!("s3://{}/{key}", self.bucket);
        let function = self.targets.first().map_or("FUNCTION", |target| target.function.as_str());
        card.cli = vec![facts.aws(&["s3", "cp", &object, "-"])];
        card.cli.push(facts.aws(&[
            "lambda",
            "invoke",
            "--function-name",
            function,
            "--cli-binary-format",
            "raw-in-base64-out",
            "--payload",
            "EVENT",
            "/dev/stdout",
        ]));
        card.scope.push(format!("{} {noun}; nothing else of the bucket, and nothing in it is changed", grouped(n)));
        for target in &self.targets {
            let own = self.items.iter().filter(|item| item.function == target.function).count() as u64;
            card.scope.push(format!("{} to {}: its effects are real", grouped(own), target.function));
        }
        match self.source {
            RerunSource::Documents => {
                card.scope
                    .push("the records need not exist in the stream any more: the document carries them".to_owned());
                card.scope.push("batchItemFailures are heeded: a document that is named in part has failed".to_owned());
                let later = "whether later records of the same items are done already: old ones come behind them now";
                card.unchecked.push(later.to_owned());
            }
            RerunSource::Requests => {
                let made =
                    "the event is made anew: who put the object, that request's ids and the sequencer are not S3's own";
                card.scope.push(made.to_owned());
            }
        }
        card.scope.push(format!("{FAILURES_IN_A_ROW} failures in a row end it: the rest is not tried"));
        card.irreversible = vec![
            "a run cannot be called back".to_owned(),
            "a run without an answer may have happened: it is named, and not run again".to_owned(),
        ];
        card
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::Rerun(plan) => Some(plan),
            _ => None,
        }
    }
}
