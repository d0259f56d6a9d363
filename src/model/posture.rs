//! How a pipeline is prepared for a bad day: what to mend while it is calm, each with the line that
//! mends it. Never harm: a posture explains tomorrow's page, it does not page today.

use serde::{Deserialize, Serialize};

use crate::model::finding::{Severity, Subject};

/// What every posture rule's name begins with, so that its findings are told from the others.
pub const PREFIX: &str = "posture/";

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// `posture/no-dead-letter-queue`
    pub rule: String,
    /// `Warning` or `Note`.
    pub severity: Severity,
    pub subject: Subject,
    /// `JobQueue has no dead-letter queue`
    pub headline: String,
    /// What happens on the day it matters.
    pub why: String,
    /// Figures it was told from, with their names.
    pub evidence: Vec<String>,
    /// `aws` lines that mend it, in order.
    pub fix: Vec<String>,
    /// Where a template says it: serverless.yml and CloudFormation.
    pub property: String,
}

/// A rule that could not judge a subject. Not known is not fine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotKnown {
    pub rule: String,
    pub subject: Subject,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Posture {
    /// By rule in their order, then worst first, then by subject.
    pub advice: Vec<Advice>,
    pub not_known: Vec<NotKnown>,
    /// How many subjects each rule found fine, in the rules' order.
    pub fine: Vec<(String, usize)>,
}

impl Advice {
    pub fn key(&self) -> (String, Subject) {
        (self.rule.clone(), self.subject.clone())
    }

    /// The lines that mend it, for the profile and endpoint that are in use.
    pub fn fix_lines(&self, profile: Option<&str>, endpoint_url: Option<&str>) -> Vec<String> {
        let mut more = String::new();
        for (flag, value) in [("--profile", profile), ("--endpoint-url", endpoint_url)] {
            if let Some(value) = value {
                more.push_str(&format!(" {flag} '{}'", value.replace('\'', r"'\''")));
            }
        }
        self.fix.iter().map(|line| format!("{line}{more}")).collect()
    }
}
