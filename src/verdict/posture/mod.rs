//! Calm rules: what a pipeline's settings will cost on a bad day, each with the line that mends it.
//! One rule a file. They judge settings and never metrics, and none of them ever says harm. A setting
//! that was not read is not known; it is never taken for fine.

mod async_destination;
mod batch_failures;
mod bisect;
mod dead_letter_alarm;
mod dead_letter_queue;
mod dead_letter_retention;
#[cfg(test)]
mod examples;
mod line;
mod questions;
mod receive_count;
mod recursion;
mod reserved_concurrency;
mod stream_retries;
mod visibility;

pub use questions::questions;

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::picture::Picture;
use crate::model::posture::{Advice, NotKnown, PREFIX, Posture};

/// In the order they are listed.
const RULES: [&Rule; 11] = [
    &dead_letter_queue::RULE,
    &dead_letter_alarm::RULE,
    &dead_letter_retention::RULE,
    &visibility::RULE,
    &receive_count::RULE,
    &stream_retries::RULE,
    &bisect::RULE,
    &batch_failures::RULE,
    &async_destination::RULE,
    &recursion::RULE,
    &reserved_concurrency::RULE,
];

struct Rule {
    /// Without [`PREFIX`].
    name: &'static str,
    /// `queues without a dead-letter queue`: after a number.
    many: &'static str,
    /// What happens on the day it matters, in one sentence.
    why: &'static str,
    /// Where serverless.yml and CloudFormation say it.
    property: &'static str,
    check: fn(&Picture) -> Vec<(Subject, Found)>,
}

/// What a rule makes of one subject.
enum Found {
    Fine,
    Mend(Mend),
    NotKnown(String),
}

struct Mend {
    severity: Severity,
    headline: String,
    evidence: Vec<String>,
    fix: Vec<String>,
}

pub fn judge(picture: &Picture) -> Posture {
    let mut posture = Posture::default();
    for rule in RULES {
        let name = format!("{PREFIX}{}", rule.name);
        let mut fine = 0;
        let mut found = (rule.check)(picture);
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let from = posture.advice.len();
        for (subject, found) in found {
            let rule_name = name.clone();
            match found {
                Found::Fine => fine += 1,
                Found::NotKnown(why) => posture.not_known.push(NotKnown { rule: rule_name, subject, why }),
                Found::Mend(Mend { severity, headline, evidence, fix }) => posture.advice.push(Advice {
                    rule: rule_name,
                    severity: severity.max(Severity::Warning),
                    subject,
                    headline,
                    why: rule.why.to_owned(),
                    evidence,
                    fix,
                    property: rule.property.to_owned(),
                }),
            }
        }
        posture.advice[from..].sort_by_key(|advice| advice.severity);
        posture.fine.push((name, fine));
    }
    posture
}

/// One finding a rule, about the account, so that sixty of a kind are one line: `12 queues without a
/// dead-letter queue`. `counts` says which advice counts; a rule of which none does is left out.
pub fn grouped(posture: &Posture, counts: impl Fn(&Advice) -> bool) -> Vec<Finding> {
    let mut lines = Vec::new();
    for rule in RULES {
        let name = format!("{PREFIX}{}", rule.name);
        let members: Vec<&Advice> = posture.advice.iter().filter(|a| a.rule == name && counts(a)).collect();
        let Some(severity) = members.iter().map(|advice| advice.severity).min() else { continue };
        let headline = match members.as_slice() {
            [only] => only.headline.clone(),
            many => format!("{} {}", many.len(), rule.many),
        };
        lines.push(Finding {
            rule: name,
            severity,
            subject: Subject::Account,
            headline,
            since: None,
            evidence: vec![rule.why.to_owned()],
            remedies: Vec::new(),
        });
    }
    // Within one severity in the rules' order: the sort is stable.
    lines.sort_by_key(|line| line.severity);
    lines
}

/// True for the name of a rule of this folder.
pub fn is_posture(rule: &str) -> bool {
    rule.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, rules};

    #[test]
    fn a_well_kept_account_has_nothing_to_mend_and_nothing_unknown() {
        let posture = judge(&account());
        assert_eq!((posture.advice, posture.not_known), (Vec::new(), Vec::new()));
        let fine: Vec<(&str, usize)> =
            posture.fine.iter().map(|(rule, n)| (rule.strip_prefix(PREFIX).expect("a prefix"), *n)).collect();
        let expected = [
            ("no-dead-letter-queue", 1),
            ("dead-letters-unwatched", 1),
            ("dead-letter-retention-short", 1),
            ("visibility-short", 1),
            ("receive-count-low", 1),
            ("retries-unlimited", 1),
            ("bisect-off", 1),
            ("batch-failures-unreported", 2),
            ("async-without-destination", 1),
            ("recursion-terminate", 1),
            ("reserved-concurrency-low", 2),
        ];
        assert_eq!(fine, expected);
    }

    #[test]
    fn nothing_is_fine_in_an_empty_picture() {
        assert_eq!(judge(&Picture::default()).fine.iter().map(|(_, n)| n).sum::<usize>(), 0);
    }

    #[test]
    fn sixty_of_a_kind_are_one_line() {
        let mut picture = account();
        for n in 0..60 {
            examples::put_queue(&mut picture, &format!("Orphan{n:02}"), None);
        }
        let posture = judge(&picture);
        assert_eq!(rules(&posture).len(), 60);
        let lines = grouped(&posture, |_| true);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].headline, "60 queues without a dead-letter queue");
        assert_eq!((lines[0].severity, &lines[0].subject), (Severity::Note, &Subject::Account));
        let one = |advice: &Advice| advice.subject == Subject::Queue("Orphan07".into());
        assert_eq!(grouped(&posture, one)[0].headline, "Orphan07 has no dead-letter queue");
        assert_eq!(grouped(&posture, |_| false), []);
    }
}
