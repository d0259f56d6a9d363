//! What a doctor found: checks, permissions, and the policy that mends what is missing.

use serde::Serialize;

use crate::report::table::{Table, clean};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Fine,
    /// It works, but not as it should.
    Doubtful,
    Broken,
    /// It was not checked, or there is nothing to check.
    Unknown,
}

#[derive(Debug, Clone, Serialize)]
pub struct Check {
    pub check: String,
    pub state: State,
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Permission {
    pub action: String,
    /// What it is for.
    pub feature: String,
    pub state: State,
    pub found: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Diagnosis {
    pub checks: Vec<Check>,
    pub permissions: Vec<Permission>,
    /// The policy that allows what is missing, as IAM takes it.
    pub policy: Option<serde_json::Value>,
}

impl Diagnosis {
    pub fn is_broken(&self) -> bool {
        self.checks.iter().any(|check| check.state == State::Broken)
            || self.permissions.iter().any(|permission| permission.state == State::Broken)
    }
}

pub fn text(diagnosis: &Diagnosis) -> String {
    let mut table = Table::new(&["", "check", "found"]);
    for check in &diagnosis.checks {
        table.row([sign(check.state).to_owned(), check.check.clone(), check.found.clone()]);
        if let Some(advice) = &check.advice {
            table.row([String::new(), String::new(), format!("→ {advice}")]);
        }
    }
    let mut text = table.text();
    if !diagnosis.permissions.is_empty() {
        let mut table = Table::new(&["", "permission", "for", "found"]);
        for permission in &diagnosis.permissions {
            table.row([
                sign(permission.state).to_owned(),
                permission.action.clone(),
                permission.feature.clone(),
                permission.found.clone(),
            ]);
        }
        text.push('\n');
        text.push_str(&table.text());
    }
    if let Some(policy) = &diagnosis.policy {
        let policy = serde_json::to_string_pretty(policy).unwrap_or_default();
        text.push_str(&format!("\nThis policy allows what is missing:\n{}\n", clean_lines(&policy)));
    }
    text
}

fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

fn sign(state: State) -> &'static str {
    match state {
        State::Fine => "●",
        State::Doubtful => "▲",
        State::Broken => "✖",
        State::Unknown => "○",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnosis_reads_from_the_top_and_ends_with_the_policy() {
        let diagnosis = Diagnosis {
            checks: vec![Check {
                check: "clock".to_owned(),
                state: State::Doubtful,
                found: "10 m slow".to_owned(),
                advice: Some("set it".to_owned()),
            }],
            permissions: vec![Permission {
                action: "sqs:ListQueues".to_owned(),
                feature: "what there is".to_owned(),
                state: State::Broken,
                found: "not allowed".to_owned(),
            }],
            policy: Some(serde_json::json!({"Version": "2012-10-17"})),
        };
        let text = text(&diagnosis);
        assert!(text.contains("▲  clock  10 m slow\n          → set it\n"), "{text}");
        assert!(text.contains("✖  sqs:ListQueues  what there is  not allowed"), "{text}");
        assert!(text.ends_with("\"Version\": \"2012-10-17\"\n}\n"), "{text}");
        assert!(diagnosis.is_broken());
    }
}
