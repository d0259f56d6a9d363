//! The posture without a terminal: what to mend and how, and what could not be judged.

use std::fmt::Write;

use serde::Serialize;

use crate::model::finding::{Severity, Subject};
use crate::model::picture::Picture;
use crate::model::posture::{Advice, NotKnown, PREFIX, Posture};
use crate::model::time::Timestamp;
use crate::report::table::clean;

/// As `status` carries it, and `posture` prints it.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub warnings: usize,
    pub notes: usize,
    /// Subjects a rule looked at and found fine.
    pub fine: usize,
    pub advice: Vec<Advice>,
    pub not_known: Vec<NotKnown>,
}

impl From<Posture> for Summary {
    fn from(posture: Posture) -> Self {
        let count = |severity| posture.advice.iter().filter(|advice| advice.severity == severity).count();
        Summary {
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            fine: posture.fine.iter().map(|(_, fine)| fine).sum(),
            advice: posture.advice,
            not_known: posture.not_known,
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub account: Option<String>,
    pub region: Option<String>,
    /// Account time of this answer.
    pub at: String,
    /// What could not be read at all.
    pub missing: Vec<String>,
    #[serde(flatten)]
    pub summary: Summary,
}

impl Report {
    pub fn new(picture: &Picture, posture: Posture, missing: Vec<String>, now: Timestamp) -> Self {
        let identity = picture.identity.as_ref().map(|identity| &identity.value);
        Report {
            account: identity.map(|identity| identity.account.clone()),
            region: identity.map(|identity| identity.region.clone()),
            at: now.to_string(),
            missing,
            summary: posture.into(),
        }
    }
}

/// `posture ▲ 2 ○ 5, 4 not known: redrive posture lists them`
pub fn line(summary: &Summary) -> Option<String> {
    let Summary { warnings, notes, not_known, .. } = summary;
    let unknown = if not_known.is_empty() { String::new() } else { format!(", {} not known", not_known.len()) };
    let something = warnings + notes + not_known.len() > 0;
    something.then(|| format!("posture ▲ {warnings} ○ {notes}{unknown}: redrive posture lists them"))
}

pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let Summary { warnings, notes, fine, advice, not_known } = &report.summary;
    let unknown = not_known.len();
    let _ = writeln!(
        out,
        "account {}  region {}  ▲ {warnings}  ○ {notes}  ● {fine} fine  – {unknown} not known",
        report.account.as_deref().unwrap_or("–"),
        report.region.as_deref().unwrap_or("–"),
    );
    for one in advice {
        let _ = writeln!(out, "{} {}", one.severity, clean(&one.headline));
        let _ = writeln!(out, "    {}", clean(&one.why));
        for line in &one.evidence {
            let _ = writeln!(out, "    {}", clean(line));
        }
        for line in &one.fix {
            let _ = writeln!(out, "    $ {}", clean(line));
        }
        let _ = writeln!(out, "    template: {}", clean(&one.property));
    }
    for one in not_known {
        let rule = one.rule.strip_prefix(PREFIX).unwrap_or(&one.rule);
        let _ = writeln!(out, "– {rule}: {}: {}", subject(&one.subject), clean(&one.why));
    }
    out
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Mapping(id) => clean(id.as_str()),
        Subject::Function(name) => clean(name.as_str()),
        Subject::Queue(name) => clean(name.as_str()),
        Subject::Account => "the account".to_owned(),
    }
}
