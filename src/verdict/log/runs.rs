//! Lambda's reports: how long runs took, against their time-out where that shows, how much memory they
//! used of what they have, how many environments were made.

use serde_json::Value;

use crate::verdict::log::Trouble;

/// One report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    pub request: Option<String>,
    pub duration_ms: f64,
    pub memory_mb: Option<u32>,
    pub used_mb: Option<u32>,
    pub init_ms: Option<f64>,
    status: String,
    error: String,
}

/// What the reports that were read come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    pub count: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub max_ms: f64,
    pub memory_mb: Option<u32>,
    pub max_used_mb: Option<u32>,
    pub inits: u64,
    pub max_init_ms: Option<f64>,
}

impl Report {
    /// `REPORT RequestId: …\tDuration: 12.34 ms\t…`
    pub fn of_text(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("REPORT ")?;
        let mut report = Report::default();
        for part in rest.split('\t') {
            let Some((name, value)) = part.trim().split_once(": ") else { continue };
            let number = value.split(' ').next().and_then(|number| number.parse::<f64>().ok());
            match name {
                "RequestId" => report.request = Some(value.trim().to_owned()),
                "Duration" => report.duration_ms = number.unwrap_or(0.0),
                "Memory Size" => report.memory_mb = number.map(|mb| mb as u32),
                "Max Memory Used" => report.used_mb = number.map(|mb| mb as u32),
                "Init Duration" => report.init_ms = number,
                "Status" => value.trim().clone_into(&mut report.status),
                "Error Type" => value.trim().clone_into(&mut report.error),
                _ => {}
            }
        }
        Some(report)
    }

    /// `record` of a `platform.report`.
    pub fn of_record(record: &Value) -> Self {
        let metric = |name: &str| record.pointer(&format!("/metrics/{name}")).and_then(Value::as_f64);
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        Report {
            request: record.get("requestId").and_then(Value::as_str).map(str::to_owned),
            duration_ms: metric("durationMs").unwrap_or(0.0),
            memory_mb: metric("memorySizeMB").map(|mb| mb as u32),
            used_mb: metric("maxMemoryUsedMB").map(|mb| mb as u32),
            init_ms: metric("initDurationMs"),
            status: text("status"),
            error: text("errorType"),
        }
    }

    /// What the report itself says went wrong. An error that the code threw is said by the code.
    pub fn trouble(&self) -> Option<Trouble> {
        if self.error.contains("OutOfMemory") {
            return Some(Trouble::OutOfMemory);
        }
        (self.status == "timeout").then_some(Trouble::TimedOut)
    }
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    durations: Vec<f64>,
    memory_mb: Option<u32>,
    used_mb: Option<u32>,
    inits: Vec<f64>,
}

impl Tally {
    pub(super) fn add(&mut self, report: &Report) {
        self.durations.push(report.duration_ms);
        self.memory_mb = report.memory_mb.or(self.memory_mb);
        self.used_mb = self.used_mb.max(report.used_mb);
        self.inits.extend(report.init_ms);
    }

    pub(super) fn figures(mut self) -> Option<Runs> {
        self.durations.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let at = (self.durations.len() as f64 * share).ceil() as usize;
            self.durations.get(at.saturating_sub(1)).copied()
        };
        Some(Runs {
            count: self.durations.len() as u64,
            p50_ms: rank(0.5)?,
            p95_ms: rank(0.95)?,
            max_ms: rank(1.0)?,
            memory_mb: self.memory_mb,
            max_used_mb: self.used_mb,
            inits: self.inits.len() as u64,
            max_init_ms: self.inits.iter().copied().reduce(f64::max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_whole() {
        let text = "REPORT RequestId: r\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 256 MB\tMax Memory \
            Used: 91 MB\tInit Duration: 301.20 ms\tStatus: timeout\t";
        let report = Report::of_text(text).expect("a report");
        assert_eq!((report.request.as_deref(), report.duration_ms, report.memory_mb), (Some("r"), 12.34, Some(256)));
        assert_eq!(
            (report.used_mb, report.init_ms, report.trouble()),
            (Some(91), Some(301.2), Some(Trouble::TimedOut))
        );
        assert_eq!(Report::of_text("REPORTED nothing"), None);
    }

    #[test]
    fn figures_come_from_reports_and_nothing_else() {
        let mut tally = Tally::default();
        for n in 1..=100 {
            tally.add(&Report { duration_ms: f64::from(n), used_mb: Some(50 + n), ..Report::default() });
        }
        let runs = tally.figures().expect("some");
        assert_eq!((runs.count, runs.p50_ms, runs.p95_ms, runs.max_ms), (100, 50.0, 95.0, 100.0));
        assert_eq!((runs.max_used_mb, runs.inits, runs.max_init_ms), (Some(150), 0, None));
        assert_eq!(Tally::default().figures(), None);
    }
}
