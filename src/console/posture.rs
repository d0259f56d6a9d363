//! The posture on the console: one line a rule among the findings, all of it on a screen of its own.

use crate::console::Console;
use crate::console::key::Line;
use crate::console::screen::{Place, Screen};
use crate::model::acknowledgement::Acknowledgement;
use crate::model::finding::{Finding, Remedy, Subject};
use crate::model::mapping::Mapping;
use crate::model::posture::Advice;
use crate::query::filter::Filter;
use crate::verdict::posture::{grouped, is_posture};

/// The right pane of the posture's screen: what is told of the advice under the cursor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Detail {
    /// It has the keys.
    pub focused: bool,
    /// First line shown.
    pub scroll: usize,
}

impl Detail {
    /// Lines that can be scrolled to: more than any advice and the list of what is not known have.
    const MOST: usize = 400;

    pub(in crate::console) fn step(&mut self, step: isize) {
        self.scroll = self.scroll.saturating_add_signed(step).min(Self::MOST);
    }
}

/// The line that stands for every rule.
const ALL: &str = "posture/all";

impl Console {
    /// The rules' lines: of each, what is not acknowledged; all of it where everything is. While
    /// something is wrong tonight, one line for all of them.
    pub(in crate::console) fn posture_lines(&self, troubled: bool) -> Vec<Finding> {
        let known = |advice: &Advice| self.advice_acknowledgement(advice).is_some();
        let lines =
            grouped(&self.posture, |advice| !known(advice) || self.group_acknowledgement(&advice.rule).is_some());
        let Some(severity) = lines.iter().map(|line| line.severity).min().filter(|_| troubled && lines.len() > 1)
        else {
            return lines;
        };
        let open = self.posture.advice.iter().filter(|advice| !known(advice)).count();
        vec![Finding {
            rule: ALL.to_owned(),
            severity,
            subject: Subject::Account,
            headline: format!("{open} things to mend while it is calm"),
            since: None,
            evidence: Vec::new(),
            remedies: vec![Remedy { command: "posture".to_owned(), text: "posture".to_owned() }],
        }]
    }

    /// What a line of the posture stands for.
    pub(in crate::console) fn posture_members<'a>(&'a self, rule: &'a str) -> impl Iterator<Item = &'a Advice> {
        self.posture.advice.iter().filter(move |advice| rule == ALL || advice.rule == rule)
    }

    pub fn advice_acknowledgement(&self, advice: &Advice) -> Option<&Acknowledgement> {
        self.acknowledgement_of(&advice.key(), advice.severity)
    }

    /// The newest acknowledgement of a rule's advice, if every single one is acknowledged.
    pub(in crate::console) fn group_acknowledgement(&self, rule: &str) -> Option<&Acknowledgement> {
        let members = self.posture_members(rule);
        let known: Option<Vec<&Acknowledgement>> = members.map(|advice| self.advice_acknowledgement(advice)).collect();
        known?.into_iter().max_by_key(|known| known.at)
    }

    /// Rows of the posture's screen: worst first, then by rule, the acknowledged last.
    pub fn posture_rows(&self) -> Vec<&Advice> {
        let mut filter = Filter::new(self.filters.get(&Place::Posture).map_or("", Line::text));
        let mut rows: Vec<&Advice> = self.posture.advice.iter().collect();
        rows.retain(|advice| filter.as_mut().is_none_or(|filter| filter.takes(&[&advice.headline, &advice.rule])));
        rows.sort_by_key(|advice| (self.advice_acknowledgement(advice).is_some(), advice.severity));
        rows
    }

    pub fn posture_keys(&self) -> Vec<(String, Subject)> {
        self.posture_rows().into_iter().map(Advice::key).collect()
    }

    /// The advice under the cursor of the posture's screen.
    pub fn current_advice(&self) -> Option<&Advice> {
        if *self.screen() != Screen::Posture {
            return None;
        }
        let rows = self.posture_rows();
        rows.get(self.cursors.posture.row(&self.posture_keys())?).copied()
    }

    /// Opens the posture's screen at the first of a rule.
    pub(in crate::console) fn seek_posture(&mut self, rule: &str) {
        let first = self.posture_keys().into_iter().find(|(name, _)| name == rule);
        if let Some(first) = first {
            self.cursors.posture.set(first);
        }
    }

    /// What is to mend about one subject and is not acknowledged.
    pub fn advice_about<'a>(&'a self, subjects: &'a [Subject]) -> impl Iterator<Item = &'a Advice> {
        let about = self.posture.advice.iter().filter(|advice| subjects.contains(&advice.subject));
        about.filter(|advice| self.advice_acknowledgement(advice).is_none())
    }

    /// A consumer, its function and the queue it reads.
    pub fn subjects_of(&self, mapping: &Mapping) -> Vec<Subject> {
        let mut subjects = vec![Subject::Mapping(mapping.id.clone()), Subject::Function(mapping.function.clone())];
        if mapping.kind().is_queue() {
            subjects.push(Subject::Queue(mapping.source.resource().into()));
        }
        subjects
    }

    /// A line of the posture, which pages nobody.
    pub fn is_posture(finding: &Finding) -> bool {
        is_posture(&finding.rule)
    }
}
