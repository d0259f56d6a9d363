//! What each list shows, in order: the one answer that keys and drawing share, so that a key acts on
//! the row that was seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::Console;
use crate::console::key::Line;
use crate::console::screen::{Place, Screen};
use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::{MappingId, OperationId, QueueName};
use crate::model::mapping::Mapping;
use crate::model::observed::Observed;
use crate::model::plan::Plan;
use crate::model::queue::Queue;
use crate::model::time::Timestamp;
use crate::operation::order::{EndState, JournalEntry};
use crate::operation::record::{self, Holder, Outline};
use crate::query::filter::Filter;

/// One operation as the journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalRow {
    pub operation: OperationId,
    pub began_at: Timestamp,
    pub who: String,
    pub account: String,
    pub region: String,
    pub plan: Plan,
    /// `None`: still running, or cut off.
    pub state: Option<EndState>,
    pub ended_at: Option<Timestamp>,
    /// What came of it, or the newest note.
    pub summary: String,
    /// Messages by how far they came; each counts once, by its newest state.
    pub moved: u64,
    pub failed: u64,
    pub open: u64,
    /// Who carries it out, while it has not ended.
    pub holder: Holder,
}

impl JournalRow {
    /// Who stopped a consumer, where this machine's journal has it: the last that did, at about the time at
    /// which Lambda says it was changed.
    pub fn tell_who_stopped(rows: &[JournalRow], findings: &mut [Finding]) {
        for finding in findings.iter_mut().filter(|finding| finding.rule == "stopped") {
            let (Subject::Mapping(id), Some(since)) = (&finding.subject, finding.since) else { continue };
            let stopped = rows.iter().find_map(|row| match &row.plan {
                Plan::Retune(plan) => {
                    let near = since.ms_since(row.began_at).abs() <= STOPPED_NEAR_MS;
                    let stops = plan.mapping == *id && plan.change.enabled == Some(false) && near;
                    stops.then_some((row, plan))
                }
                _ => None,
            });
            if let Some((row, plan)) = stopped {
                let who = row.who.rsplit('/').next().unwrap_or(&row.who);
                let why = plan.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                let line = format!("this machine's journal: stopped by {who}, {}{why}", row.began_at.clock());
                finding.evidence.insert(1.min(finding.evidence.len()), line);
            }
        }
    }

    /// Folds the journal's outline to one row an operation, newest first.
    pub fn fold(outline: &Outline) -> Vec<JournalRow> {
        let mut rows: BTreeMap<&OperationId, JournalRow> = BTreeMap::new();
        for entry in &outline.entries {
            match entry {
                JournalEntry::Began { operation, at, plan, who, account, region } => {
                    rows.insert(operation, JournalRow::began(operation, *at, plan, who, account, region));
                }
                JournalEntry::Message { .. } | JournalEntry::Backup { .. } | JournalEntry::Edited { .. } => {}
                JournalEntry::Noted { operation, text, .. } => {
                    if let Some(row) = rows.get_mut(operation) {
                        row.summary.clone_from(text);
                    }
                }
                JournalEntry::Ended { operation, at, state, summary } => {
                    if let Some(row) = rows.get_mut(operation) {
                        row.state = Some(*state);
                        row.ended_at = Some(*at);
                        row.summary.clone_from(summary);
                    }
                }
            }
        }
        for (operation, row) in &mut rows {
            let tally = outline.tallies.get(*operation).copied().unwrap_or_default();
            (row.moved, row.failed, row.open) = (tally.moved, tally.failed, tally.open);
            row.holder = outline.holders.get(*operation).cloned().unwrap_or_default();
        }
        let mut rows: Vec<JournalRow> = rows.into_values().collect();
        rows.sort_by(|a, b| b.began_at.cmp(&a.began_at).then_with(|| b.operation.cmp(&a.operation)));
        rows
    }

    fn began(operation: &OperationId, at: Timestamp, plan: &Plan, who: &str, account: &str, region: &str) -> Self {
        JournalRow {
            operation: operation.clone(),
            began_at: at,
            who: who.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            plan: plan.clone(),
            state: None,
            ended_at: None,
            summary: String::new(),
            moved: 0,
            failed: 0,
            open: 0,
            holder: Holder::default(),
        }
    }

    /// Nobody carries it out, and it has not ended. What runs here is told by the console itself.
    pub fn is_cut_off(&self) -> bool {
        self.state.is_none() && !matches!(self.holder, Holder::Other { .. })
    }

    /// `Redrive 3 from JobDLQ`
    pub fn title(&self) -> String {
        record::title(&self.plan)
    }
}

impl Console {
    /// The newest note on a kind of failure; an empty one took the last away.
    pub fn note_on(&self, queue: &QueueName, kind: &str) -> Option<&str> {
        let rows = self.journal.as_ref().ok()?;
        let text = rows.iter().find_map(|row| match &row.plan {
            Plan::Note(note) if note.queue == *queue && note.kind == kind => Some(note.text.as_str()),
            _ => None,
        })?;
        (!text.is_empty()).then_some(text)
    }

    pub fn finding_keys(&self) -> Vec<(String, Subject)> {
        self.findings.iter().map(finding_key).collect()
    }

    /// The finding under the map's cursor.
    pub fn current_finding(&self) -> Option<&Finding> {
        self.findings.get(self.cursors.findings.row(&self.finding_keys())?)
    }

    /// The worst finding about a subject that is not acknowledged.
    pub fn worst(&self, subject: &Subject) -> Option<&Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.subject == *subject && self.acknowledgement(finding).is_none())
            .min_by_key(|finding| finding.severity)
    }

    /// A finding that is about this consumer: its mapping, its function, or what waits in the queue it reads.
    pub fn is_about(finding: &Finding, mapping: &Mapping) -> bool {
        match &finding.subject {
            Subject::Mapping(id) => *id == mapping.id,
            Subject::Function(name) => *name == mapping.function,
            Subject::Queue(name) => {
                let reads = mapping.kind().is_queue() && name.as_str() == mapping.source.resource();
                reads && !Console::is_posture(finding)
            }
            Subject::Account => false,
        }
    }

    /// The worst severity about a consumer.
    pub fn mapping_severity(&self, mapping: &Mapping) -> Option<Severity> {
        let about = self.findings.iter().filter(|finding| Console::is_about(finding, mapping));
        let open = about.filter(|finding| self.acknowledgement(finding).is_none());
        open.map(|finding| finding.severity).min()
    }

    /// How many findings of a severity stand, without the acknowledged and the posture.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| !Console::is_posture(finding))
            .filter(|finding| finding.severity == severity && self.acknowledgement(finding).is_none())
            .count()
    }

    fn filter_of(&self, place: Place) -> Option<Filter> {
        Filter::new(self.filters.get(&place).map_or("", Line::text))
    }

    /// Rows of the consumers' screen: by function, then source.
    pub fn consumer_rows(&self) -> Vec<&Observed<Mapping>> {
        let mut filter = self.filter_of(Place::Consumers);
        let mut rows: Vec<&Observed<Mapping>> = self
            .picture
            .mappings
            .values()
            .filter(|row| {
                let mapping = &row.value;
                filter.as_mut().is_none_or(|filter| filter.takes(&[mapping.function.as_str(), source_name(mapping)]))
            })
            .collect();
        rows.sort_by(|a, b| (&a.value.function, &a.value.source).cmp(&(&b.value.function, &b.value.source)));
        rows
    }

    pub fn consumer_keys(&self) -> Vec<MappingId> {
        self.consumer_rows().into_iter().map(|row| row.value.id.clone()).collect()
    }

    /// Rows of the queues' screen: each queue, its dead-letter queue right below it, other dead-letter
    /// queues last.
    pub fn queue_rows(&self) -> Vec<&Observed<Queue>> {
        let mut filter = self.filter_of(Place::Queues);
        let mut rows: Vec<&Observed<Queue>> = Vec::new();
        for queue in self.picture.queues.values().filter(|queue| !queue.value.is_dead_letter()) {
            rows.push(queue);
            let dead =
                queue.value.redrive.as_ref().and_then(|policy| self.picture.queue_by_arn(&policy.dead_letter_arn));
            rows.extend(dead);
        }
        rows.extend(self.picture.queues.values().filter(|queue| queue.value.is_dead_letter()));
        let mut seen = BTreeSet::new();
        rows.retain(|row| seen.insert(&row.value.name));
        rows.retain(|row| filter.as_mut().is_none_or(|filter| filter.takes(&[row.value.name.as_str()])));
        rows
    }

    pub fn queue_keys(&self) -> Vec<QueueName> {
        self.queue_rows().into_iter().map(|row| row.value.name.clone()).collect()
    }

    pub fn journal_rows(&self) -> Vec<&JournalRow> {
        let mut filter = self.filter_of(Place::Journal);
        let Ok(rows) = &self.journal else { return Vec::new() };
        rows.iter()
            .filter(|row| filter.as_mut().is_none_or(|filter| filter.takes(&[&row.title(), &row.who, &row.summary])))
            .collect()
    }

    pub fn journal_keys(&self) -> Vec<OperationId> {
        self.journal_rows().into_iter().map(|row| row.operation.clone()).collect()
    }

    /// The consumers that the cursor's row is about: one on the consumers' screens, those of the
    /// finding's subject on the map.
    pub fn mappings_here(&self) -> Vec<MappingId> {
        match self.screen() {
            Screen::ConsumerDetail(id) => vec![id.clone()],
            Screen::Consumers => self.cursors.consumers.key(&self.consumer_keys()).cloned().into_iter().collect(),
            Screen::Map => match self.current_finding().map(|finding| &finding.subject) {
                Some(Subject::Mapping(id)) => vec![id.clone()],
                Some(Subject::Function(name)) => {
                    self.picture.mappings_of(name).map(|mapping| mapping.value.id.clone()).collect()
                }
                Some(Subject::Queue(name)) => self.consumers_of(name),
                Some(Subject::Account) | None => Vec::new(),
            },
            Screen::Logs(function) => {
                self.picture.mappings_of(function).map(|mapping| mapping.value.id.clone()).collect()
            }
            Screen::Posture => match self.current_advice().map(|advice| &advice.subject) {
                Some(Subject::Mapping(id)) => vec![id.clone()],
                _ => Vec::new(),
            },
            Screen::Queues | Screen::Triage(_) | Screen::Journal | Screen::Sandbox => Vec::new(),
        }
    }

    fn consumers_of(&self, queue: &QueueName) -> Vec<MappingId> {
        let Some(queue) = self.picture.queues.get(queue) else { return Vec::new() };
        self.picture.readers_of(&queue.value.arn).map(|mapping| mapping.id.clone()).collect()
    }

    /// The queue that the cursor's row is about.
    pub fn queue_here(&self) -> Option<QueueName> {
        match self.screen() {
            Screen::Triage(name) => Some(name.clone()),
            Screen::Queues => self.cursors.queues.key(&self.queue_keys()).cloned(),
            Screen::Map => match self.current_finding().map(|finding| &finding.subject) {
                Some(Subject::Queue(name)) => Some(name.clone()),
                _ => None,
            },
            Screen::Posture => match self.current_advice().map(|advice| &advice.subject) {
                Some(Subject::Queue(name)) => Some(name.clone()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The key of a finding: what its cursor and its acknowledgement go by.
pub fn finding_key(finding: &Finding) -> (String, Subject) {
    (finding.rule.clone(), finding.subject.clone())
}

/// The name of what a mapping reads from: the table's for a stream.
pub fn source_name(mapping: &Mapping) -> &str {
    mapping.source.table().unwrap_or_else(|| mapping.source.resource())
}

/// From the call until the mapping says it is stopped: minutes on a stream (aws-facts §1.3).
const STOPPED_NEAR_MS: i64 = 15 * 60_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::{MappingChange, MappingSettings};
    use crate::model::plan::RetunePlan;

    fn stopped(at: Timestamp, enabled: bool) -> Vec<JournalRow> {
        let plan = RetunePlan {
            mapping: "u-1".into(),
            before: MappingSettings::default(),
            enabled_before: !enabled,
            change: MappingChange { enabled: Some(enabled), ..MappingChange::default() },
            reason: Some("bad deploy".to_owned()),
            revert_after_s: None,
            reserve: None,
        };
        let began = JournalEntry::Began {
            operation: "op-1".into(),
            at,
            plan: Box::new(Plan::Retune(plan)),
            who: "arn:aws:sts::123456789012:assumed-role/oncall/ann".to_owned(),
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        JournalRow::fold(&Outline { entries: vec![began], ..Outline::default() })
    }

    #[test]
    fn the_journal_says_who_stopped_a_consumer_and_why_where_it_was_then() {
        let since = Timestamp::from_s(7_200);
        let told = |rows: &[JournalRow]| {
            let mut findings = vec![Finding {
                rule: "stopped".to_owned(),
                severity: Severity::Warning,
                subject: Subject::Mapping("u-1".into()),
                headline: "LogWorker is stopped".to_owned(),
                since: Some(since),
                evidence: vec!["mapping Disabled at 02:00Z: User action".to_owned()],
                remedies: Vec::new(),
            }];
            JournalRow::tell_who_stopped(rows, &mut findings);
            findings.remove(0).evidence
        };
        let line = "this machine's journal: stopped by ann, 01:59Z: bad deploy";
        assert_eq!(told(&stopped(since.plus_s(-60), false))[1], line);
        assert_eq!(told(&stopped(since.plus_s(-3_600), false)).len(), 1, "another time");
        assert_eq!(told(&stopped(since.plus_s(-60), true)).len(), 1, "that started it");
    }
}
