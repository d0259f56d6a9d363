//! Asks the rules what they think of the picture, and keeps their answer in the order it is shown.

use std::collections::BTreeMap;

use crate::console::rows::{JournalRow, finding_key};
use crate::console::running::{Effectiveness, Follow};
use crate::console::{Console, command};
use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::id::QueueName;
use crate::model::queue::Scanned;
use crate::model::time::Timestamp;
use crate::verdict;

impl Console {
    /// Judges anew: worst first, acknowledged ones last, and forgets acknowledgements of what got
    /// worse. One whose finding comes and goes is kept.
    pub(in crate::console) fn judge(&mut self) {
        self.picture.scanned = self.scanned();
        let mut findings = verdict::judge(&self.picture, self.now);
        self.posture = verdict::posture::judge(&self.picture);
        for finding in &mut findings {
            let just_tuned = self.is_awaited(&finding.subject);
            // What no key does is no help at three in the morning; and the metrics of before a
            // change must not ask for the next one.
            finding.remedies.retain(|remedy| {
                command::by_name(&remedy.command).is_some() && !(just_tuned && remedy.command == "tune")
            });
        }
        JournalRow::tell_who_stopped(self.journal.as_deref().unwrap_or_default(), &mut findings);
        findings.extend(self.cut_off());
        findings.extend(self.tripped());
        let posture = self.posture.advice.iter().map(|advice| (advice.key(), advice.severity));
        let standing: BTreeMap<(String, Subject), Severity> =
            findings.iter().map(|finding| (finding_key(finding), finding.severity)).chain(posture).collect();
        let worse = |key: &(String, Subject), then: Severity| standing.get(key).is_some_and(|now| *now < then);
        let mut worsened = Vec::new();
        self.acknowledged.retain(|key, acknowledged| {
            let stays = !worse(key, acknowledged.severity);
            if !stays {
                worsened.push(key.clone());
            }
            stays
        });
        self.worsened.extend(worsened);
        // Calm things after everything that may page tonight.
        let wrong = |finding: &Finding| finding.severity <= Severity::Warning;
        let troubled = findings.iter().any(|finding| wrong(finding) && self.acknowledgement(finding).is_none());
        findings.extend(self.posture_lines(troubled));
        findings.sort_by_key(|finding| {
            (self.acknowledgement(finding).is_some(), Console::is_posture(finding), finding.severity)
        });
        self.findings = findings;
        self.judged_at = Some(self.mono);
    }

    /// What the scans of this session say of how old the messages are. A FIFO queue counts its retention
    /// from a moment no message tells (aws-facts §3).
    fn scanned(&self) -> BTreeMap<QueueName, Scanned> {
        let standard = |name: &QueueName| self.picture.queues.get(name).is_some_and(|queue| !queue.value.fifo);
        let seen = self.snapshots.iter().filter(|(name, _)| standard(name)).filter_map(|(name, snapshot)| {
            let sent = snapshot.messages().map(|(message, _)| message.system.sent_at);
            let (listed, oldest) = sent.fold((0, None), |(listed, oldest): (u64, Option<Timestamp>), sent_at| {
                (listed + 1, Some(oldest.map_or(sent_at, |oldest| oldest.min(sent_at))))
            });
            let (at, whole) = (snapshot.began_at, snapshot.complete);
            Some((name.clone(), Scanned { at, listed, oldest_sent_at: oldest?, whole }))
        });
        seen.collect()
    }

    /// Operations of the journal that nobody carries out any more.
    fn cut_off(&self) -> Option<Finding> {
        let rows = self.journal.as_ref().ok()?;
        let here = |row: &&JournalRow| !self.running().any(|running| running.id == row.operation);
        let open: Vec<&JournalRow> = rows.iter().filter(|row| row.is_cut_off()).filter(here).collect();
        let oldest = open.last()?;
        let (count, were) = (open.len(), if open.len() == 1 { "operation was" } else { "operations were" });
        Some(Finding {
            rule: "cut-off".to_owned(),
            severity: Severity::Note,
            subject: Subject::Account,
            headline: format!("{count} {were} cut off and can be finished"),
            since: Some(oldest.began_at),
            evidence: open
                .iter()
                .take(CUT_OFF_NAMED)
                .map(|row| format!("{}, begun {}", row.title(), row.began_at))
                .collect(),
            remedies: vec![Remedy {
                command: "journal".to_owned(),
                text: "the journal: r there resumes it".to_owned(),
            }],
        })
    }

    /// Retunes that made something worse: the guards. They only speak.
    fn tripped(&self) -> Vec<Finding> {
        let guarded = |follow: &&Follow| self.now.ms_since(follow.settled_at) <= Follow::GUARDED_MS;
        let check = |follow: &Follow| verdict::foretold::check(&self.picture, self.now, &follow.retuned());
        self.follows.iter().filter(guarded).filter_map(check).collect()
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

/// More than these are told by their number.
const CUT_OFF_NAMED: usize = 3;
/// Local milliseconds.
const REJUDGE_MS: u64 = 5_000;
