//! What is wrong, worst first.

use std::fmt::Write;

use serde::Serialize;

use crate::model::acknowledgement::Acknowledged;
use crate::model::finding::{Finding, Severity};
use crate::model::picture::Picture;
use crate::model::posture::Posture;
use crate::model::time::{Timestamp, spoken};
use crate::report::clock;
use crate::report::finding::{Known, Row};
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
    /// Of each consumer: until it has drained, and until data is lost.
    pub clocks: Vec<clock::Row>,
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
            clocks: clock::rows(picture, now),
            posture: posture.into(),
        }
    }

    #[must_use]
    pub fn with_alarms(self, elsewhere: usize) -> Self {
        Status { alarms_elsewhere: elsewhere, ..self }
    }

    /// What somebody knows about stands last, and says so until it gets worse.
    #[must_use]
    pub fn with_acknowledged(mut self, acknowledged: &Acknowledged) -> Self {
        for finding in &mut self.findings {
            let known = acknowledged.get(&(finding.rule.clone(), finding.subject.clone()));
            finding.acknowledged = known.filter(|known| finding.severity >= known.severity).map(Known::from);
        }
        self.findings.sort_by_key(|finding| finding.acknowledged.is_some());
        self
    }

    /// Something is wrong that nobody has acknowledged: harm is near, or will be unless somebody acts.
    pub fn is_bad(&self) -> bool {
        let open = |finding: &&Row| finding.acknowledged.is_none();
        self.findings.iter().filter(open).any(|finding| finding.severity <= Severity::Warning)
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
        if let Some(known) = &finding.acknowledged {
            let _ = writeln!(out, "    {}", clean(&known.line));
            continue;
        }
        // Said once, above.
        for line in finding.evidence.iter().filter(|line| status.metrics_error.as_ref() != Some(*line)) {
            let _ = writeln!(out, "    {}", clean(line));
        }
        for remedy in &finding.remedies {
            let _ = writeln!(out, "    → {}", clean(&remedy.text));
        }
    }
    for line in status.clocks.iter().filter_map(clock::line) {
        let _ = writeln!(out, "{}", clean(&line));
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

    #[test]
    fn what_was_acknowledged_stands_last_and_is_not_bad_until_it_gets_worse() {
        use crate::model::acknowledgement::Acknowledgement;
        let finding = |queue: &str, severity| Finding {
            rule: "dead-letters-standing".to_owned(),
            severity,
            subject: Subject::Queue(queue.into()),
            headline: format!("{queue}: dead letters"),
            since: None,
            evidence: vec!["312 here".to_owned()],
            remedies: Vec::new(),
        };
        let now = Timestamp::from_s(1_800_000_000);
        let known = |severity| Acknowledgement {
            severity,
            at: now,
            note: "known since the deploy".to_owned(),
            by: "arn:aws:sts::123456789012:assumed-role/operator/ann".to_owned(),
        };
        let status = |severity| {
            let key = ("dead-letters-standing".to_owned(), Subject::Queue("JobDLQ".into()));
            let findings = vec![finding("JobDLQ", Severity::Warning), finding("Other", Severity::Note)];
            let status = Status::new(&Picture::default(), findings, Posture::default(), Vec::new(), now);
            status.with_acknowledged(&[(key, known(severity))].into())
        };
        let put_aside = status(Severity::Warning);
        assert!(!put_aside.is_bad());
        let said = text(&put_aside);
        assert!(said.find("Other").expect("listed") < said.find("JobDLQ").expect("listed"), "{said}");
        assert!(said.contains("by ann: known since the deploy") && said.matches("312 here").count() == 1, "{said}");
        let worse = status(Severity::Note);
        assert!(worse.is_bad() && worse.findings.iter().all(|finding| finding.acknowledged.is_none()));
    }
}
