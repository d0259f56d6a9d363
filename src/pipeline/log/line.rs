//! How the lines of a log are spelled: Lambda's own around each run, and what the handlers' loggers
//! make of an error. JobWorker's logger writes JSON, the others' text.

use serde_json::json;

use crate::model::time::Timestamp;
use crate::pipeline::blueprint::Role;
use crate::pipeline::invoke::request_id;
use crate::pipeline::log::RunLog;
use crate::pipeline::rng::mix;

/// START, END, REPORT, and the time-out between them.
pub(super) fn of_run(run: &RunLog, environment: u64, cold: bool) -> Vec<(Timestamp, String)> {
    let id = request_id(run.run);
    let took_ms = run.ended_at.ms_since(run.started_at);
    let mut lines = vec![(run.started_at, format!("START RequestId: {id} Version: $LATEST\n"))];
    if let Some(limit_s) = run.timed_out {
        lines.push((run.ended_at, format!("{} {id} Task timed out after {limit_s}.00 seconds\n", run.ended_at)));
    }
    lines.push((run.ended_at, format!("END RequestId: {id}\n")));
    // An environment keeps what its first runs loaded; a run adds little.
    let used_mb = run.memory_mb * (42 + (mix(environment) % 18) as u32) / 100 + (mix(run.run) % 5) as u32;
    let mut report = format!(
        "REPORT RequestId: {id}\tDuration: {took_ms}.00 ms\tBilled Duration: {took_ms} ms\tMemory Size: {} MB\tMax \
         Memory Used: {used_mb} MB\t",
        run.memory_mb
    );
    if cold {
        report.push_str(&format!(
            "Init Duration: {}.{:02} ms\t",
            180 + mix(environment ^ 1) % 240,
            mix(environment) % 100
        ));
    }
    if run.timed_out.is_some() {
        report.push_str("Status: timeout");
    }
    report.push('\n');
    lines.push((run.ended_at, report));
    lines
}

/// What a run's code says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Speaker {
    pub role: Role,
    pub run: u64,
    pub at: Timestamp,
}

impl Speaker {
    /// An exception that ended the run.
    pub fn thrown(self, kind: &str, message: &str) -> String {
        match self.role {
            Role::JobWorker => self.json("ERROR", message, Some(kind)),
            role => format!(
                "[ERROR] {kind}: {message}\nTraceback (most recent call last):\n  File \"/var/task/{module}.py\", line 41, in \
                 handler\n    return work(event[\"Records\"])\n  File \"/var/task/{module}.py\", line 87, in work\n    raise \
                 {kind}(reason)\n",
                module = module(role)
            ),
        }
    }

    /// A failure that the code dealt with itself.
    pub fn error(self, kind: &str, message: &str) -> String {
        match self.role {
            Role::JobWorker => self.json("ERROR", message, Some(kind)),
            _ => format!("[ERROR]\t{}\t{}\t{kind}: {message}\n", self.at, request_id(self.run)),
        }
    }

    pub fn info(self, message: &str) -> String {
        match self.role {
            Role::JobWorker => self.json("INFO", message, None),
            _ => format!("[INFO]\t{}\t{}\t{message}\n", self.at, request_id(self.run)),
        }
    }

    pub fn warning(self, message: &str) -> String {
        match self.role {
            Role::JobWorker => self.json("WARNING", message, None),
            _ => format!("[WARNING]\t{}\t{}\t{message}\n", self.at, request_id(self.run)),
        }
    }

    fn json(self, level: &str, message: &str, exception: Option<&str>) -> String {
        let mut line = json!({
            "level": level,
            "location": "work:87",
            "message": message,
            "timestamp": self.at.to_string(),
            "service": "jobs",
            "function_request_id": request_id(self.run),
        });
        if let Some(kind) = exception {
            line["exception_name"] = json!(kind);
            line["exception"] = json!(format!(
                "Traceback (most recent call last):\n  File \"/var/task/job_worker.py\", line 87, in work\n    raise {kind}(reason)\n{kind}: {message}"
            ));
        }
        format!("{line}\n")
    }
}

fn module(role: Role) -> &'static str {
    match role {
        Role::RequestWorker => "request_worker",
        Role::JobWorker => "job_worker",
        Role::LogWorker => "log_worker",
        Role::Sink => "sink",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_cut_off_says_so_twice() {
        let run = RunLog {
            run: 7,
            started_at: Timestamp::from_s(1),
            ended_at: Timestamp::from_s(4),
            memory_mb: 128,
            timed_out: Some(3),
        };
        let lines = of_run(&run, 9, true);
        assert_eq!(lines.len(), 4);
        assert!(lines[1].1.ends_with("Task timed out after 3.00 seconds\n"), "{lines:?}");
        let report = &lines[3].1;
        assert!(report.contains("\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\t"), "{report}");
        assert!(report.contains("Init Duration: ") && report.contains("Status: timeout"), "{report}");
    }

    #[test]
    fn one_function_speaks_json() {
        let at = Timestamp::from_s(1);
        let json = Speaker { role: Role::JobWorker, run: 7, at }.thrown("ProviderError", "said \"no\"");
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((&value["level"], &value["exception_name"]), (&json!("ERROR"), &json!("ProviderError")));
        let text = Speaker { role: Role::LogWorker, run: 7, at }.thrown("IndexRejected", "mapping conflict");
        assert!(text.starts_with("[ERROR] IndexRejected: mapping conflict\nTraceback"), "{text}");
    }
}
