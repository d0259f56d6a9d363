//! A finding for programs: as the screen has it, moments written as RFC 3339.

use serde::Serialize;

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
}

impl From<Finding> for Row {
    fn from(finding: Finding) -> Self {
        let Finding { rule, severity, subject, headline, since, evidence, remedies } = finding;
        Row { rule, severity, subject, headline, since: since.map(|at| at.to_string()), evidence, remedies }
    }
}
