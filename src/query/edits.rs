//! What an edit makes of many messages: the bodies that change, what stays as it is, what cannot be
//! edited, and a sample of what differs for whoever must say yes.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use crate::model::difference::Side;
use crate::model::id::MessageId;
use crate::model::message::{Message, size_bytes};
use crate::model::redaction::Redaction;
use crate::query::difference::difference;
use crate::query::edit::{Edited, Fault, edited};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edits {
    /// The new bodies; messages that stay as they are, are not among them.
    pub bodies: BTreeMap<MessageId, String>,
    pub unchanged: u64,
    /// They stay as they are and are not redriven by this.
    pub failed: Vec<(MessageId, String)>,
    /// Of a few of them, spread over all.
    pub samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub id: MessageId,
    pub lines: Vec<(Side, String)>,
}

impl Edits {
    /// From a program's answers, one a message; `most` is the largest message in bytes.
    pub fn of<M: Borrow<Message>>(messages: &[M], answers: Vec<Result<String, String>>, most: u64) -> Self {
        let mut edits = Edits::default();
        for (message, answer) in messages.iter().map(Borrow::borrow).zip(answers) {
            match answer.and_then(|answer| edited(message, &answer)) {
                Ok(Edited::Same) => edits.unchanged += 1,
                Ok(Edited::New(body)) => {
                    let bytes = size_bytes(&body, &message.attributes);
                    if bytes as u64 > most {
                        edits.failed.push((message.id.clone(), Fault::TooLarge { bytes, most }.to_string()));
                    } else {
                        edits.bodies.insert(message.id.clone(), body);
                    }
                }
                Err(why) => edits.failed.push((message.id.clone(), why)),
            }
        }
        let every = edits.bodies.len().div_ceil(SAMPLES).max(1);
        let changed = messages.iter().map(Borrow::borrow).filter(|message| edits.bodies.contains_key(&message.id));
        let sampled = changed.step_by(every).take(SAMPLES);
        edits.samples = sampled.map(|message| Sample::of(message, &edits.bodies[&message.id])).collect();
        edits
    }

    /// The samples as they may be shown where something is redacted.
    #[must_use]
    pub fn shown<M: Borrow<Message>>(mut self, messages: &[M], redaction: &Redaction) -> Self {
        for sample in self.samples.iter_mut().filter(|_| redaction.is_on()) {
            let message = messages.iter().map(Borrow::borrow).find(|message| message.id == sample.id);
            let Some((message, body)) = message.zip(self.bodies.get(&sample.id)) else { continue };
            let (before, after) = (redaction.shown(&message.body, false), redaction.shown(body, false));
            *sample = Sample::between(&sample.id, &before, &after);
            if sample.lines.is_empty() {
                sample.lines.push((Side::Gap, "what differs is redacted".to_owned()));
            }
        }
        self
    }

    /// What an edit of one message does to it, for a card: the lines that differ.
    pub fn briefly(&self) -> Vec<String> {
        let lines = self.samples.iter().flat_map(|sample| &sample.lines);
        let mut differing = lines.filter(|(side, _)| matches!(side, Side::Before | Side::After));
        let told = |(side, line): &(Side, String)| {
            let cut = line.char_indices().nth(BRIEF_CHARS).map_or(line.len(), |(at, _)| at);
            format!("{}{}{}", side.sign(), &line[..cut], if cut < line.len() { "…" } else { "" })
        };
        let mut brief: Vec<String> = differing.by_ref().take(BRIEF_LINES).map(told).collect();
        match differing.count() {
            0 if brief.is_empty() && !self.samples.is_empty() => brief.push("what differs is redacted".to_owned()),
            0 => {}
            more => brief.push(format!("… {more} more lines differ")),
        }
        brief
    }

    /// Of one message, typed.
    pub fn of_one(message: &Message, body: String) -> Self {
        let samples = vec![Sample::of(message, &body)];
        Edits { bodies: BTreeMap::from([(message.id.clone(), body)]), samples, ..Edits::default() }
    }

    /// Why some cannot be edited, the commonest first.
    pub fn reasons(&self) -> Vec<(&str, u64)> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        self.failed.iter().for_each(|(_, why)| *counts.entry(why.as_str()).or_default() += 1);
        let mut reasons: Vec<(&str, u64)> = counts.into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }
}

impl Sample {
    fn of(message: &Message, body: &str) -> Self {
        Sample::between(&message.id, &message.body, body)
    }

    fn between(id: &MessageId, before: &str, after: &str) -> Self {
        let mut lines = difference(before, after);
        if lines.len() > LINES_MOST {
            lines.truncate(LINES_MOST);
            lines.push((Side::Gap, "and more".to_owned()));
        }
        Sample { id: id.clone(), lines }
    }
}

/// Lines, and characters of each, that stand on a card.
const BRIEF_LINES: usize = 8;
const BRIEF_CHARS: usize = 160;
/// Messages shown of an edit, and lines of each.
const SAMPLES: usize = 5;
const LINES_MOST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::SystemAttributes;
    use crate::model::redaction::NOTHING;

    #[test]
    fn what_differs_is_shown_as_far_as_nothing_redacted_is_in_it() {
        let message = Message {
            id: "m".into(),
            receipt: "".into(),
            body: r#"{"email":"ada@example.org","step":1}"#.to_owned(),
            attributes: BTreeMap::new(),
            system: SystemAttributes::default(),
        };
        let redaction = Redaction::new(["email"]).expect("a path");
        let edit = |body: &str, redaction: &Redaction| {
            Edits::of_one(&message, body.to_owned()).shown(std::slice::from_ref(&message), redaction)
        };
        let step = edit(r#"{"email":"ada@example.org","step":2}"#, &redaction);
        assert!(!format!("{:?} {:?}", step.samples, step.briefly()).contains("example"), "{step:?}");
        assert!(step.briefly().iter().any(|line| line.contains("\"step\": 2")), "{:?}", step.briefly());
        let address = r#"{"email":"eve@example.org","step":1}"#;
        let redacted = edit(address, &redaction);
        assert_eq!(redacted.briefly(), ["what differs is redacted"]);
        assert_eq!(redacted.bodies.values().collect::<Vec<_>>(), [address], "what is sent is whole");
        assert_eq!(edit(address, &NOTHING), Edits::of_one(&message, address.to_owned()));
    }

    #[test]
    fn what_changes_stays_or_cannot_be_edited_is_told_apart_and_a_few_are_shown() {
        let message = |n: usize| Message {
            id: format!("m-{n:02}").into(),
            receipt: "r".into(),
            body: format!("{{\"n\":{n}}}"),
            attributes: [].into(),
            system: SystemAttributes::default(),
        };
        let messages: Vec<Message> = (0..20).map(message).collect();
        let answers = (0..20).map(|n| match n {
            0 => Ok("[true,{\"n\":0}]".to_owned()),
            1 => Err("no".to_owned()),
            2 => Ok(format!("[false,\"{}\"]", "x".repeat(100))),
            n => Ok(format!("[false,{{\"n\":{}}}]", n + 100)),
        });
        let edits = Edits::of(&messages, answers.collect(), 50);
        assert_eq!((edits.bodies.len(), edits.unchanged, edits.failed.len()), (17, 1, 2));
        assert_eq!(edits.samples.len(), 5);
        assert_eq!(edits.samples[0].lines[1], (Side::Before, "  \"n\": 3".to_owned()));
        assert_eq!(edits.reasons().len(), 2);
    }
}
