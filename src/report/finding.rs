//! A finding for programs: as the screen has it, moments written as RFC 3339.

use serde::Serialize;

use crate::model::acknowledgement::Acknowledgement;
use crate::model::finding::{Finding, Remedy, Severity, Subject};

#[derive(Debug, Serialize)]
pub struct Row {
    pub rule: String,
    pub severity: Severity,
    pub subject: Subject,
    pub headline: String,
    /// Since when the evidence shows it; null when the window does not reach back far enough.
    pub since: Option<String>,
    pub evidence: Vec<String>,
    pub remedies: Vec<Remedy>,
    /// Somebody knows about it: it counts again when it gets worse.
    pub acknowledged: Option<Known>,
}

/// An acknowledgement.
#[derive(Debug, Serialize)]
pub struct Known {
    pub at: String,
    pub note: String,
    /// The ARN of whoever did it; empty where it was not known.
    pub by: String,
    #[serde(skip)]
    pub line: String,
}

impl From<&Acknowledgement> for Known {
    fn from(known: &Acknowledgement) -> Self {
        let (note, by) = (known.note.clone(), known.by.clone());
        Known { at: known.at.to_string(), note, by, line: known.line() }
    }
}

impl From<Finding> for Row {
    fn from(finding: Finding) -> Self {
        let Finding { rule, severity, subject, headline, since, evidence, remedies } = finding;
        let since = since.map(|at| at.to_string());
        Row { rule, severity, subject, headline, since, evidence, remedies, acknowledged: None }
    }
}
