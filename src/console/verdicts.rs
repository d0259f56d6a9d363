//! Asks the rules what they think of the picture, and keeps their answer in the order it is shown.

use crate::console::rows::finding_key;
use crate::console::{Console, command};
use crate::verdict;

impl Console {
    /// Judges anew: worst first, acknowledged ones last, and forgets acknowledgements of what got
    /// worse. One whose finding comes and goes is kept.
    pub(in crate::console) fn judge(&mut self) {
        let mut findings = verdict::judge(&self.picture, self.now);
        for finding in &mut findings {
            // What no key does is no help at three in the morning.
            finding.remedies.retain(|remedy| command::by_name(&remedy.command).is_some());
        }
        self.acknowledged.retain(|key, acknowledged| {
            !findings.iter().any(|finding| finding_key(finding) == *key && finding.severity < acknowledged.severity)
        });
        findings.sort_by_key(|finding| (self.acknowledgement(finding).is_some(), finding.severity));
        self.findings = findings;
        self.judged_at = Some(self.mono);
    }

    /// The picture is older than a few seconds and nothing arrived since it was judged: ages grow
    /// all the same.
    pub(in crate::console) fn judgement_is_old(&self) -> bool {
        self.judged_at.is_none_or(|at| self.mono.ms_since(at) >= REJUDGE_MS) && self.frozen_at.is_none()
    }
}

/// Local milliseconds.
const REJUDGE_MS: u64 = 5_000;
