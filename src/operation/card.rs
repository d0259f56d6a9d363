//! What stands on a preflight card, as plain data: a screen draws it, a report prints it. Building a
//! card checks nothing and asks nothing; it says what was checked and what was not.

mod drop;
mod setting;

use crate::model::id::{Arn, QueueUrl};
use crate::model::plan::{MoveAllPlan, RedrivePlan, ScanPlan};
use crate::model::size::bytes;
use crate::operation::confirm::{Level, Planned};
use crate::operation::progress::grouped;

pub use setting::{change_lines, plan_lines, retune};

/// What whoever makes the plan knows beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Twelve digits.
    pub account: String,
    pub alias: Option<String>,
    pub region: String,
    /// For the equivalent `aws` line: `--profile`, `--endpoint-url`.
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// The name a person uses for what is changed: `LogWorker`, `JobDLQ`.
    pub subject: String,
    /// Lines about the work: its age, its effects, whether the consumer changed since.
    pub about: Vec<String>,
    /// What was looked at before and found right: `State is Enabled`.
    pub checked: Vec<String>,
    /// What was not, beside the permissions, which never are.
    pub unchecked: Vec<String>,
    /// The context is protected: a count is typed also for one message, the account where nothing counts.
    pub protected: bool,
    /// Why nothing may be changed here, whoever consents.
    pub locked: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// `Redrive 3 messages from JobDLQ`
    pub title: String,
    /// `1234-5678-9012 (prod-eu)`
    pub account: String,
    pub region: String,
    /// The exact calls, as the API names them.
    pub calls: Vec<String>,
    /// The equivalent `aws` lines; `Y` copies them.
    pub cli: Vec<String>,
    /// How many messages, or which settings.
    pub scope: Vec<String>,
    pub about: Vec<String>,
    pub checked: Vec<String>,
    pub unchecked: Vec<String>,
    /// What cannot be undone; empty when everything can.
    pub irreversible: Vec<String>,
    pub level: Level,
    /// The word on the button: `Redrive`.
    pub button: String,
}

impl Facts {
    /// The last four digits of the account, empty when it is not known.
    pub fn account_last4(&self) -> &str {
        self.account.get(self.account.len().wrapping_sub(4)..).unwrap_or("")
    }

    fn account_line(&self) -> String {
        let digits = match (self.account.get(..4), self.account.get(4..8), self.account.get(8..12)) {
            (Some(a), Some(b), Some(c)) if self.account.len() == 12 => format!("{a}-{b}-{c}"),
            _ => self.account.clone(),
        };
        match &self.alias {
            Some(alias) => format!("{digits} ({alias})"),
            None => digits,
        }
    }

    /// `aws <words> --region …`, quoted for a shell.
    pub(in crate::operation) fn aws(&self, words: &[&str]) -> String {
        let mut line = String::from("aws");
        let mut put = |word: &str| {
            line.push(' ');
            line.push_str(&quoted(word));
        };
        words.iter().copied().for_each(&mut put);
        if !self.region.is_empty() {
            put("--region");
            put(&self.region);
        }
        for (flag, value) in [("--profile", &self.profile), ("--endpoint-url", &self.endpoint_url)] {
            if let Some(value) = value {
                put(flag);
                put(value);
            }
        }
        line
    }

    pub(in crate::operation) fn card(&self, title: String, level: Level, button: &str) -> Card {
        let mut unchecked = vec!["permissions: not checked".to_owned()];
        unchecked.extend(self.unchecked.iter().cloned());
        Card {
            title,
            account: self.account_line(),
            region: self.region.clone(),
            calls: Vec::new(),
            cli: Vec::new(),
            scope: Vec::new(),
            about: self.about.clone(),
            checked: self.checked.clone(),
            unchecked,
            irreversible: Vec::new(),
            level,
            button: button.to_owned(),
        }
    }
}

/// Nothing but where: for what has no calls of its own.
pub fn plain(facts: &Facts) -> Card {
    facts.card(facts.subject.clone(), Level::Button, "Close")
}

pub fn scan(plan: &ScanPlan, facts: &Facts) -> Card {
    let name = plan.queue.name();
    let lease = plan.lease_s.to_string();
    let mut card = facts.card(format!("Scan {name}"), plan.level(facts), "Scan");
    card.calls = vec![
        format!("sqs:ReceiveMessage on {name}, lease {lease} s"),
        format!("sqs:ChangeMessageVisibilityBatch (0) on {name}: gives them back"),
    ];
    card.cli = vec![receive_line(facts, &plan.queue, &lease)];
    card.scope = vec![
        format!("at most {} messages, copied to this machine and given back", grouped(plan.max_messages.into())),
        format!(
            "and at most {} requests, {} and {} s: what comes first ends it",
            grouped(plan.max_requests()),
            bytes(plan.max_bytes),
            plan.max_s()
        ),
        format!("each is hidden from others for at most {lease} s"),
    ];
    card.irreversible = vec!["every message looked at counts one receive more".to_owned()];
    card.checked.push(match plan.own_max_receive_count {
        None => format!("{name} has no redrive policy of its own: looking cannot dead-letter anything"),
        Some(max) => format!("{name} dead-letters by itself after {max} receives: this will be refused"),
    });
    card
}

pub fn redrive(plan: &RedrivePlan, facts: &Facts) -> Card {
    redrive_of(plan, facts, plan.ids.len() as u64)
}

/// Of the plan's messages `left` are still to be sent.
pub(in crate::operation) fn redrive_of(plan: &RedrivePlan, facts: &Facts, left: u64) -> Card {
    let from = plan.from.name();
    let count = grouped(plan.ids.len() as u64);
    let noun = if plan.ids.len() == 1 { "message" } else { "messages" };
    let edited = if plan.edit.is_some() { "edited " } else { "" };
    let title = format!("Redrive {count} {edited}{noun} from {from}");
    let mut card = facts.card(title, plan.level(facts), "Redrive");
    card.calls = vec![
        format!("sqs:ReceiveMessage on {from}, lease 60 s, until each id is found; others are given back"),
        "sqs:SendMessageBatch to the queue each came from".to_owned(),
        format!("sqs:DeleteMessageBatch on {from}, each only after its send was acknowledged"),
    ];
    card.cli = vec![
        receive_line(facts, &plan.from, "60"),
        facts.aws(&["sqs", "send-message", "--queue-url", &first_origin(plan), "--message-body", "BODY"]),
        facts.aws(&["sqs", "delete-message", "--queue-url", plan.from.as_str(), "--receipt-handle", "HANDLE"]),
    ];
    card.scope.push(format!("the {count} {noun} shown and chosen, by id; nothing else"));
    for (arn, url) in &plan.origins {
        card.scope.push(format!("those that came from {} go back to {}", arn.resource(), url.name()));
    }
    card.scope.push(match &plan.fallback {
        Some(url) => format!("those without a known origin go to {}", url.name()),
        None => "those without a known origin are set aside, untouched".to_owned(),
    });
    card.scope.push(match plan.rate_per_s {
        Some(rate) => {
            let eta_ms = (left as f64 / rate.max(f64::MIN_POSITIVE) * 1000.0).min(1e15) as i64;
            format!("{rate} a second: about {}", crate::model::time::spoken(eta_ms))
        }
        None => "as fast as the queues take them".to_owned(),
    });
    if let Some(edit) = &plan.edit {
        card.scope.push(format!("{} with another body, edited {}", grouped(edit.sha256.len() as u64), edit.said()));
        card.scope.push("the originals and the new bodies are in the journal first, for 7 days".to_owned());
    }
    steps(&mut card, plan);
    card.scope.push("runs in this process: it dies with this shell, and the journal knows how far it came".to_owned());
    card.irreversible = vec![
        "a sent message cannot be called back; it gets a new id and a new retention".to_owned(),
        "a send whose end stays unknown is not repeated; it is named as a possible duplicate".to_owned(),
    ];
    card
}

/// Lanes, ladder, and what makes it give way.
fn steps(card: &mut Card, plan: &RedrivePlan) {
    let total = plan.ids.len() as u64;
    match plan.ladder.as_ref().filter(|_| total > 1) {
        Some(ladder) => {
            let rungs = ladder.of(total);
            let rest = if rungs.iter().sum::<u64>() < total { ", then the rest" } else { "" };
            let rungs: Vec<String> = rungs.into_iter().map(grouped).collect();
            card.scope.push(format!(
                "in rungs of {}{rest}; each is watched {} for bounces, {} in all; a bounce stops it",
                rungs.join(", "),
                crate::model::time::spoken(ladder.wait_ms),
                crate::model::time::spoken(ladder.total_wait_ms(total)),
            ));
        }
        None if total > 1 => card.scope.push("all in one go: no rung is watched for bounces first".to_owned()),
        None => {}
    }
    if let Some(gentle) = &plan.gentle {
        let queues: Vec<&str> = gentle.queues.iter().map(|name| name.as_str()).collect();
        card.scope.push(format!(
            "the rate halves when the oldest message in {} grows older, or its consumer is throttled",
            queues.join(", ")
        ));
    }
}

pub fn move_all(plan: &MoveAllPlan, facts: &Facts) -> Card {
    let from = plan.from_arn.resource();
    let mut card = facts.card(format!("Move everything in {from}"), plan.level(facts), "Move all");
    card.calls = vec![format!("sqs:StartMessageMoveTask, source {from}")];
    let rate = plan.max_per_s.map(|rate| rate.to_string());
    let mut words = vec!["sqs", "start-message-move-task", "--source-arn", plan.from_arn.as_str()];
    if let Some(to) = &plan.to {
        words.extend(["--destination-arn", to.as_str()]);
    }
    if let Some(rate) = &rate {
        words.extend(["--max-number-of-messages-per-second", rate]);
    }
    card.cli = vec![facts.aws(&words)];
    card.scope = vec![
        format!(
            "everything in the queue, about {} now: also messages not shown, and those that still arrive",
            grouped(plan.about)
        ),
        match &plan.to {
            Some(to) => format!("all to {}", to.resource()),
            None => "each to the queue it came from".to_owned(),
        },
        match plan.max_per_s {
            Some(rate) => format!("at most {rate} a second; cannot be changed while it runs"),
            None => "as fast as SQS chooses; cannot be changed while it runs".to_owned(),
        },
        "runs in AWS, up to 36 h; messages others hold now are moved when they show again".to_owned(),
    ];
    card.irreversible = vec![
        "what was moved stays moved; cancelling stops the rest, some seconds later".to_owned(),
        "moved messages get new ids, a new retention and a receive count from zero".to_owned(),
    ];
    card
}

pub(in crate::operation) fn receive_line(facts: &Facts, queue: &QueueUrl, lease_s: &str) -> String {
    facts.aws(&[
        "sqs",
        "receive-message",
        "--queue-url",
        queue.as_str(),
        "--max-number-of-messages",
        "10",
        "--visibility-timeout",
        lease_s,
        "--wait-time-seconds",
        "1",
        "--message-system-attribute-names",
        "All",
        "--message-attribute-names",
        "All",
    ])
}

fn first_origin(plan: &RedrivePlan) -> String {
    let origin: Option<&(Arn, QueueUrl)> = plan.origins.first();
    origin.map(|(_, url)| url).or(plan.fallback.as_ref()).map_or("ORIGIN".to_owned(), ToString::to_string)
}

/// A word as a POSIX shell takes it unchanged.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn facts() -> Facts {
        Facts {
            account: "123456789012".to_owned(),
            alias: Some("prod-eu".to_owned()),
            region: "eu-west-1".to_owned(),
            subject: "LogWorker".to_owned(),
            ..Facts::default()
        }
    }

    #[test]
    fn a_move_of_everything_says_that_it_takes_what_was_not_shown() {
        let plan = MoveAllPlan {
            from_arn: "arn:aws:sqs:eu-west-1:123456789012:JobDLQ".into(),
            from: "https://sqs/123456789012/JobDLQ".into(),
            to: None,
            max_per_s: Some(50),
            about: 1_312,
            reason: None,
        };
        let card = move_all(&plan, &facts());
        assert!(card.scope[0].contains("about 1,312 now: also messages not shown, and those that still arrive"));
        assert_eq!(card.level, Level::Count(1_312));
        assert!(card.cli[0].contains("--max-number-of-messages-per-second 50 --region"));
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("https://x/1/q"), "https://x/1/q");
        assert_eq!(Facts::default().account_last4(), "");
        assert_eq!(facts().account_last4(), "9012");
    }
}
