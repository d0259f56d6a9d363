//! Asks the rules what they think of the picture, and keeps their answer in the order it is shown.

use crate::console::rows::finding_key;
use crate::console::running::Effectiveness;
use crate::console::{Console, command};
use crate::model::finding::Subject;
use crate::verdict;

impl Console {
    /// Judges anew: worst first, acknowledged ones last, and forgets acknowledgements of what got
    /// worse. One whose finding comes and goes is kept.
    pub(in crate::console) fn judge(&mut self) {
        let mut findings = verdict::judge(&self.picture, self.now);
        for finding in &mut findings {
            let just_tuned = self.is_awaited(&finding.subject);
            // What no key does is no help at three in the morning; and the metrics of before a
            // change must not ask for the next one.
            finding.remedies.retain(|remedy| {
                command::by_name(&remedy.command).is_some() && !(just_tuned && remedy.command == "tune")
            });
        }
        self.acknowledged.retain(|key, acknowledged| {
            !findings.iter().any(|finding| finding_key(finding) == *key && finding.severity < acknowledged.severity)
        });
        findings.sort_by_key(|finding| (self.acknowledgement(finding).is_some(), finding.severity));
        self.findings = findings;
        self.judged_at = Some(self.mono);
    }

    /// A retune of this consumer is settled and its effect not seen yet.
    fn is_awaited(&self, subject: &Subject) -> bool {
        let mut awaited = self.follows.iter().filter(|follow| follow.state == Effectiveness::Awaited);
        awaited.any(|follow| match subject {
            Subject::Mapping(id) => follow.mapping == *id,
            Subject::Function(name) => {
                self.picture.mappings.get(&follow.mapping).is_some_and(|mapping| mapping.value.function == *name)
            }
            Subject::Queue(_) | Subject::Account => false,
        })
    }

    /// The picture is older than a few seconds and nothing arrived since it was judged: ages grow
    /// all the same.
    pub(in crate::console) fn judgement_is_old(&self) -> bool {
        self.judged_at.is_none_or(|at| self.mono.ms_since(at) >= REJUDGE_MS) && self.frozen_at.is_none()
    }
}

/// Local milliseconds.
const REJUDGE_MS: u64 = 5_000;
