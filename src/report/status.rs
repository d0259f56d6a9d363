//! What is wrong, worst first.

use std::fmt::Write;

use serde::Serialize;

use crate::model::finding::{Finding, Severity};
use crate::model::picture::Picture;
use crate::model::posture::Posture;
use crate::model::time::{Timestamp, spoken};
use crate::report::finding::Row;
use crate::report::posture;
use crate::report::table::clean;

#[derive(Debug, Serialize)]
pub struct Status {
    pub account: Option<String>,
    pub region: Option<String>,
    /// Account time of this answer.
    pub at: String,
    /// Start of the newest published period of any metric.
    pub newest_datapoint: Option<String>,
    /// `metrics unavailable: …`
    pub metrics_error: Option<String>,
    /// What could not be read.
    pub missing: Vec<String>,
    /// Alarms that page somebody about something that is not of this picture.
    pub alarms_elsewhere: usize,
    pub findings: Vec<Row>,
    /// What to mend while it is calm; it does not make the status bad.
    pub posture: posture::Summary,
}

impl Status {
    pub fn new(
        picture: &Picture,
        findings: Vec<Finding>,
        posture: Posture,
        missing: Vec<String>,
        now: Timestamp,
    ) -> Self {
        let identity = picture.identity.as_ref().map(|identity| &identity.value);
        Status {
            account: identity.map(|identity| identity.account.clone()),
            region: identity.map(|identity| identity.region.clone()),
            at: now.to_string(),
            newest_datapoint: picture.metrics.newest_at().map(|at| at.to_string()),
            metrics_error: picture.metrics_error.clone(),
            missing,
            alarms_elsewhere: 0,
            findings: findings.into_iter().map(Row::from).collect(),
            posture: posture.into(),
        }
    }

    #[must_use]
    pub fn with_alarms(self, elsewhere: usize) -> Self {
        Status { alarms_elsewhere: elsewhere, ..self }
    }

    /// Something is wrong: harm is near, or will be unless somebody acts.
    pub fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity <= Severity::Warning)
    }
}

pub fn text(status: &Status) -> String {
    let mut out = String::new();
    let now = Timestamp::parse(&status.at);
    let newest = status.newest_datapoint.as_deref().and_then(Timestamp::parse);
    let age = now.zip(newest).map(|(now, newest)| spoken(now.ms_since(newest).max(0)));
    let _ = writeln!(
        out,
        "account {}  region {}  at {}  metrics {}",
        status.account.as_deref().unwrap_or("–"),
        status.region.as_deref().unwrap_or("–"),
        now.map_or(status.at.clone(), Timestamp::clock_s),
        age.map_or("–".to_owned(), |age| format!("{age} old")),
    );
    if let Some(error) = &status.metrics_error {
        let _ = writeln!(out, "{}", clean(error));
    }
    for missing in &status.missing {
        let _ = writeln!(out, "not read: {}", clean(missing));
    }
    if status.alarms_elsewhere > 0 {
        let (count, be) =
            (status.alarms_elsewhere, if status.alarms_elsewhere == 1 { "alarm fires" } else { "alarms fire" });
        let _ = writeln!(out, "{count} {be} about something that is not on this map");
    }
    if status.findings.is_empty() {
        let all =
            if status.missing.is_empty() { "nothing found wrong" } else { "nothing found wrong in what could be read" };
        let _ = writeln!(out, "{all}");
    }
    for finding in &status.findings {
        let since = finding
            .since
            .as_deref()
            .and_then(Timestamp::parse)
            .map(|since| format!("  since {}", since.clock()))
            .unwrap_or_default();
        let _ = writeln!(out, "{} {}{since}", finding.severity, clean(&finding.headline));
        // Said once, above.
        for line in finding.evidence.iter().filter(|line| status.metrics_error.as_ref() != Some(*line)) {
            let _ = writeln!(out, "    {}", clean(line));
        }
        for remedy in &finding.remedies {
            let _ = writeln!(out, "    → {}", clean(&remedy.text));
        }
    }
    if let Some(line) = posture::line(&status.posture) {
        let _ = writeln!(out, "{line}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Subject;

    #[test]
    fn what_was_not_read_is_said_once_and_never_called_good() {
        let line = "metrics unavailable: cloudwatch:GetMetricData: NotAws";
        let picture = Picture { metrics_error: Some(line.to_owned()), ..Picture::default() };
        let blind = Finding {
            rule: "metrics-unavailable".to_owned(),
            severity: Severity::Warning,
            subject: Subject::Account,
            headline: "nothing can be said".to_owned(),
            since: None,
            evidence: vec![line.to_owned(), "something else".to_owned()],
            remedies: Vec::new(),
        };
        let now = Timestamp::from_s(1_800_000_000);
        let said = text(&Status::new(&picture, vec![blind], Posture::default(), Vec::new(), now));
        assert_eq!(said.matches(line).count(), 1, "{said}");
        assert!(said.contains("something else"), "{said}");
        let whole = text(&Status::new(&Picture::default(), Vec::new(), Posture::default(), Vec::new(), now));
        assert!(whole.ends_with("nothing found wrong\n"), "{whole}");
        let part =
            text(&Status::new(&Picture::default(), Vec::new(), Posture::default(), vec!["sts: no".to_owned()], now));
        assert!(part.contains("not read: sts: no") && part.ends_with("in what could be read\n"), "{part}");
    }
}
