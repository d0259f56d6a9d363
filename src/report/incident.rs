//! What happened, as a document for whoever writes the incident up: findings, changes, operations; as
//! Markdown to read, as one JSON object a line to work on. It judges nothing.

use serde::Serialize;

use crate::model::change::Change;
use crate::model::finding::Finding;
use crate::model::time::Timestamp;
use crate::operation::record::Outline;
use crate::report::journal::{self, Row};
use crate::report::table::clean;

#[derive(Debug, Clone, Default, Serialize)]
pub struct Incident {
    pub at: Timestamp,
    pub account: String,
    pub region: String,
    pub findings: Vec<Finding>,
    pub changes: Vec<Change>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
enum Line<'a> {
    Incident { at: Timestamp, account: &'a str, region: &'a str },
    Finding(&'a Finding),
    Change(&'a Change),
    Operation(&'a Row),
    Note { operation: &'a str, at: Timestamp, text: &'a str },
}

/// One object a line.
pub fn ndjson(incident: &Incident, outline: &Outline) -> String {
    let rows = journal::rows(outline);
    let notes = notes(outline);
    let head = Line::Incident { at: incident.at, account: &incident.account, region: &incident.region };
    let lines = std::iter::once(head)
        .chain(incident.findings.iter().map(Line::Finding))
        .chain(incident.changes.iter().map(Line::Change))
        .chain(rows.iter().map(Line::Operation))
        .chain(notes.iter().map(|(operation, at, text)| Line::Note { operation, at: *at, text }));
    lines.map(|line| serde_json::to_string(&line).unwrap_or_default() + "\n").collect()
}

pub fn markdown(incident: &Incident, outline: &Outline) -> String {
    let mut text = format!("# Incident, {}\n\n", incident.at);
    if !incident.account.is_empty() {
        text.push_str(&format!("Account {}, region {}.\n\n", cell(&incident.account), cell(&incident.region)));
    }
    section(
        &mut text,
        "Findings",
        incident.findings.iter().map(|finding| {
            let since = finding.since.map(|at| format!(" since {at}")).unwrap_or_default();
            let evidence: String = finding.evidence.iter().map(|line| format!("\n  - {}", cell(line))).collect();
            format!("{} {}{since}{evidence}", finding.severity, cell(&finding.headline))
        }),
    );
    section(
        &mut text,
        "Changes",
        incident.changes.iter().map(|change| {
            let subject = match &change.subject {
                crate::model::change::ChangeSubject::Mapping(id) => id.to_string(),
                crate::model::change::ChangeSubject::Function(name) => name.to_string(),
                crate::model::change::ChangeSubject::Queue(name) => name.to_string(),
                crate::model::change::ChangeSubject::Stack(name) => name.clone(),
            };
            format!("{}: {}: {}", change.at, cell(&subject), cell(&change.what))
        }),
    );
    let rows = journal::rows(outline);
    let notes = notes(outline);
    section(
        &mut text,
        "Operations",
        rows.iter().map(|row| {
            let why = row.reason.as_ref().map(|why| format!(" ({})", cell(why))).unwrap_or_default();
            let said = if row.summary.is_empty() { String::new() } else { format!(": {}", cell(&row.summary)) };
            let own = notes.iter().filter(|(operation, ..)| *operation == row.operation);
            let own: String = own.map(|(_, at, text)| format!("\n  - {at}: {}", cell(text))).collect();
            format!(
                "{} by {}: {}, {}{said}{why}; `{}`{own}",
                row.began,
                cell(&row.who),
                cell(&row.title),
                row.state,
                cell(&row.operation)
            )
        }),
    );
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    text.push_str(&format!("## {title}\n\n"));
    let mut any = false;
    for line in lines {
        any = true;
        text.push_str(&format!("- {line}\n"));
    }
    text.push_str(if any { "\n" } else { "None.\n\n" });
}

fn notes(outline: &Outline) -> Vec<(&str, Timestamp, &str)> {
    let note = |entry| match entry {
        &crate::operation::order::JournalEntry::Noted { ref operation, at, ref text, .. } => {
            Some((operation.as_str(), at, text.as_str()))
        }
        _ => None,
    };
    outline.entries.iter().filter_map(note).collect()
}

/// Words of strangers as they are, without what Markdown would make of them.
fn cell(text: &str) -> String {
    let mut plain = String::new();
    for c in clean(text).chars() {
        if matches!(c, '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '|' | '\\') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Plan, RedrivePlan};
    use crate::operation::order::{EndState, JournalEntry};

    #[test]
    fn an_incident_is_told_in_both_forms_and_words_of_strangers_stay_words() {
        let at = Timestamp::from_s(1_767_225_600);
        let plan = RedrivePlan {
            reason: Some("see <b>#4711</b>".to_owned()),
            ..RedrivePlan::new("https://q/1/JobDLQ".into(), "arn".into(), vec!["m".into()], Vec::new())
        };
        let began = JournalEntry::Began {
            operation: "op".into(),
            at,
            plan: Box::new(Plan::Redrive(plan)),
            who: "arn:me".to_owned(),
            account: "1".to_owned(),
            region: "r".to_owned(),
        };
        let noted = JournalEntry::Noted { operation: "op".into(), at, text: "rung 1 of 4".to_owned(), pace: None };
        let ended = JournalEntry::Ended {
            operation: "op".into(),
            at,
            state: EndState::Done,
            summary: "1 of 1 moved".to_owned(),
        };
        let outline = Outline { entries: vec![began, noted, ended], ..Outline::default() };
        let incident = Incident { at, account: "1".to_owned(), region: "r".to_owned(), ..Incident::default() };
        let text = markdown(&incident, &outline);
        assert!(text.contains("Redrive 1 from JobDLQ, done: 1 of 1 moved (see \\<b\\>\\#4711\\</b\\>)"), "{text}");
        assert!(
            text.contains("  - 2026-01-01T00:00:00.000Z: rung 1 of 4") && text.contains("## Findings\n\nNone."),
            "{text}"
        );
        let lines = ndjson(&incident, &outline);
        let kinds: Vec<String> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["what"].to_string())
            .collect();
        assert_eq!(kinds, ["\"incident\"", "\"operation\"", "\"note\""]);
    }
}
