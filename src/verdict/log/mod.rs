//! What a function's log says: its lines gathered into kinds of trouble, worst first, and Lambda's
//! reports into figures. Works on what was read and nothing else; a line that it does not know is
//! trouble only where it calls itself so.

mod line;
mod mention;
mod named;
mod runs;
mod signature;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::finding::Severity;
use crate::model::log::LogLine;
use crate::model::redaction::Redaction;
use crate::model::time::Timestamp;
use crate::verdict::log::line::{Said, read};

pub use mention::{Mention, can_be_named, failed_requests, mentions};
pub use named::Naming;
pub use runs::Runs;

/// A kind of trouble, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    OutOfMemory,
    TimedOut,
    /// The environment did not come up.
    Init,
    /// The process ended under the run.
    Crashed,
    Error,
    /// Somebody downstream said "slower".
    Throttled,
    Warning,
}

impl Trouble {
    pub fn severity(self) -> Severity {
        match self {
            Trouble::Throttled | Trouble::Warning => Severity::Warning,
            _ => Severity::Harm,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::OutOfMemory => "out of memory",
            Trouble::TimedOut => "timed out",
            Trouble::Init => "init failed",
            Trouble::Crashed => "crashed",
            Trouble::Error => "error",
            Trouble::Throttled => "throttled",
            Trouble::Warning => "warning",
        })
    }
}

/// Lines that say the same but for numbers, ids and quoted values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    pub trouble: Trouble,
    /// What they have in common.
    pub signature: String,
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The newest of them, with what followed it in its stream: a stack trace written line by line.
    pub example: LogLine,
    /// Some request ids, newest last.
    pub requests: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Digest {
    /// Worst first, then the most frequent.
    pub clusters: Vec<Cluster>,
    /// `None` where no report was read.
    pub runs: Option<Runs>,
    pub lines: usize,
}

/// Request ids kept of a cluster.
const REQUESTS: usize = 3;
/// Characters of an example that continuations are added up to.
const EXAMPLE_CHARS: usize = 8_000;
/// A continuation comes this soon after what it continues.
const CONTINUED_MS: i64 = 1_000;

/// The line says that something is wrong.
pub fn looks_like_trouble(text: &str) -> bool {
    read(text).trouble.is_some()
}

/// Gathers lines, oldest first. What kind of trouble a line is goes by what it says; what is shown of it
/// goes through the redaction.
pub fn digest(lines: &[LogLine], redaction: &Redaction) -> Digest {
    let mut gathering = Gathering::default();
    let mut runs = runs::Tally::default();
    for line in lines {
        let said = read(&line.text);
        if let Some(report) = &said.report {
            runs.add(report);
        }
        match redaction.line(&line.text) {
            Cow::Borrowed(_) => gathering.take(line, said),
            Cow::Owned(text) => {
                let Said { head, request, .. } = read(&text);
                let line = LogLine { text, ..line.clone() };
                gathering.take(&line, Said { head, request, ..said });
            }
        }
    }
    let mut clusters: Vec<Cluster> = gathering.clusters.into_values().collect();
    clusters.sort_by(|a, b| (a.trouble, b.count, b.last).cmp(&(b.trouble, a.count, a.last)));
    Digest { clusters, runs: runs.figures(), lines: lines.len() }
}

#[derive(Default)]
struct Gathering {
    clusters: BTreeMap<(Trouble, String), Cluster>,
    /// The cluster that the newest line of each stream belongs to, and when it was written.
    open: BTreeMap<String, ((Trouble, String), Timestamp)>,
    /// Lambda says the end of a run more than once.
    counted: BTreeSet<(Trouble, String)>,
}

impl Gathering {
    fn take(&mut self, line: &LogLine, said: Said) {
        let Some(trouble) = said.trouble else {
            if said.continues {
                self.continued(line);
            } else {
                self.open.remove(&line.stream);
            }
            return;
        };
        if said.platform
            && let Some(request) = &said.request
            && !self.counted.insert((trouble, request.clone()))
        {
            return;
        }
        let key = (trouble, signature::of(&said.head));
        let cluster = self.clusters.entry(key.clone()).or_insert_with(|| Cluster {
            trouble,
            signature: key.1.clone(),
            count: 0,
            first: line.at,
            last: line.at,
            example: line.clone(),
            requests: Vec::new(),
        });
        cluster.count += 1;
        cluster.last = cluster.last.max(line.at);
        cluster.first = cluster.first.min(line.at);
        cluster.example.clone_from(line);
        cluster.requests.extend(said.request);
        let surplus = cluster.requests.len().saturating_sub(REQUESTS);
        cluster.requests.drain(..surplus);
        self.open.insert(line.stream.clone(), (key, line.at));
    }

    fn continued(&mut self, line: &LogLine) {
        let Some((key, at)) = self.open.get(&line.stream) else { return };
        if line.at.ms_since(*at) > CONTINUED_MS {
            return;
        }
        if let Some(cluster) = self.clusters.get_mut(key)
            && cluster.example.stream == line.stream
            && cluster.example.text.len() < EXAMPLE_CHARS
        {
            if !cluster.example.text.ends_with('\n') {
                cluster.example.text.push('\n');
            }
            cluster.example.text.push_str(&line.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::redaction::NOTHING;

    fn line(at_s: i64, stream: &str, text: &str) -> LogLine {
        LogLine { at: Timestamp::from_s(at_s), stream: stream.into(), id: format!("{at_s}{stream}"), text: text.into() }
    }

    fn said(lines: &[LogLine]) -> Vec<(Trouble, u64, String)> {
        digest(lines, &NOTHING).clusters.into_iter().map(|c| (c.trouble, c.count, c.signature)).collect()
    }

    const A: &str = "5fea7756-0ea4-451a-a703-a558b933e274";
    const B: &str = "5fea7756-0ea4-451a-a703-a558b933e275";

    #[test]
    fn lines_that_differ_by_numbers_ids_and_quotes_are_one_kind() {
        let lines: Vec<LogLine> = (0..50)
            .map(|n| {
                line(
                    n,
                    "s",
                    &format!("[ERROR] KeyError: '{n}' in run-{n:06} of {A}\nTraceback (most recent call last):"),
                )
            })
            .chain([line(60, "s", "[ERROR] ValueError: other")])
            .collect();
        let found = said(&lines);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].0, found[0].1), (Trouble::Error, 50));
        let cluster = &digest(&lines, &NOTHING).clusters[0];
        assert_eq!((cluster.first, cluster.last), (Timestamp::ZERO, Timestamp::from_s(49)));
        assert!(cluster.example.text.contains("'49'"), "the newest: {}", cluster.example.text);
        assert_eq!(cluster.requests.len(), REQUESTS);
    }

    #[test]
    fn a_time_out_that_lambda_says_twice_counts_once() {
        let lines = [
            line(3, "s", &format!("2026-01-01T00:00:03.000Z {A} Task timed out after 3.00 seconds\n")),
            line(
                3,
                "s",
                &format!(
                    "REPORT RequestId: {A}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\tStatus: timeout"
                ),
            ),
            line(9, "s", &format!("2026-01-01T00:00:09.000Z {B} Task timed out after 3.00 seconds\n")),
        ];
        let digest = digest(&lines, &NOTHING);
        assert_eq!(digest.clusters.len(), 1, "{:?}", digest.clusters);
        assert_eq!((digest.clusters[0].trouble, digest.clusters[0].count), (Trouble::TimedOut, 2));
        assert!(digest.clusters[0].example.text.contains("after 3.00"));
    }

    #[test]
    fn what_lambda_says_of_memory_init_and_exits_is_named() {
        for (text, trouble) in [
            (format!("RequestId: {A} Error: Runtime exited with error: signal: killed\nRuntime.ExitError"), Trouble::OutOfMemory),
            (format!("REPORT RequestId: {A}\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory"), Trouble::OutOfMemory),
            (format!("RequestId: {A} Error: Runtime exited with error: exit status 1\nRuntime.ExitError"), Trouble::Crashed),
            ("INIT_REPORT Init Duration: 10008.33 ms\tPhase: init\tStatus: timeout".to_owned(), Trouble::Init),
            ("[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'x'".to_owned(), Trouble::Init),
            (format!("2026-01-01T00:00:00.000Z\t{A}\tERROR\tInvoke Error \t{{\"errorType\":\"ThrottlingException\",\"errorMessage\":\"Rate exceeded\"}}"), Trouble::Throttled),
            (r#"{"time":"2026-01-01T00:00:00Z","type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":3000.0,"memorySizeMB":128,"maxMemoryUsedMB":80},"status":"timeout"}}"#.to_owned(), Trouble::TimedOut),
            (r#"{"level":"WARN","message":"slow"}"#.to_owned(), Trouble::Warning),
            (r#"{"level":50,"msg":"pino"}"#.to_owned(), Trouble::Error),
        ] {
            let found = said(&[line(0, "s", &text)]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(found[0].0, trouble, "{text}");
        }
    }

    #[test]
    fn a_trace_written_line_by_line_belongs_to_its_error() {
        let lines = [
            line(0, "a", "ERROR something broke"),
            line(0, "b", "INFO another environment"),
            line(0, "a", "    at work (index.js:7:1)"),
            line(0, "a", "Caused by: java.io.IOException: cut"),
            line(1, "a", "INFO goes on"),
            line(1, "a", "    not a trace of anything any more"),
        ];
        let digest = digest(&lines, &NOTHING);
        assert_eq!(digest.clusters.len(), 1, "{:?}", digest.clusters);
        let text = &digest.clusters[0].example.text;
        assert!(text.contains("index.js:7:1") && text.contains("Caused by") && !text.contains("any more"), "{text}");
    }

    #[test]
    fn json_lines_go_by_error_and_message_and_good_ones_are_no_trouble() {
        let job = |n: u32| {
            format!(
                r#"{{"level":"ERROR","message":"refused (message {n})","exception_name":"ProviderError","function_request_id":"{A}"}}"#
            )
        };
        let lines = [
            line(0, "s", &job(1)),
            line(1, "s", &job(2)),
            line(2, "s", r#"{"level":"INFO","message":"no error at all"}"#),
        ];
        let digest = digest(&lines, &NOTHING);
        assert_eq!(digest.clusters.len(), 1);
        assert_eq!(digest.clusters[0].signature, "ProviderError: refused (message #)");
        assert_eq!(digest.clusters[0].requests, [A, A]);
        assert!(said(&[line(0, "s", "0 errors found")]).is_empty());
        assert!(said(&[line(0, "s", &"[".repeat(200_000)), line(0, "s", ""), line(0, "s", "{\"a\":")]).is_empty());
    }

    #[test]
    fn what_is_redacted_is_still_trouble_of_its_kind() {
        let lines = [
            line(0, "s", "[ERROR] KeyError: 'a@b.c'"),
            line(1, "s", "[ERROR] KeyError: 'd@e.f' of g"),
            line(2, "s", "Unhandled rejection of a@b.c"),
            line(3, "s", r#"{"level":"WARN","message":"slow","profile":{"email":"a@b.c"}}"#),
        ];
        let redaction = Redaction::new(["profile.email"]).expect("a path");
        let digest = digest(&lines, &redaction);
        let kinds: Vec<_> = digest.clusters.iter().map(|c| (c.trouble, c.count, c.signature.as_str())).collect();
        let error = Trouble::Error;
        assert_eq!(kinds, [(error, 2, "KeyError: ***"), (error, 1, "***"), (Trouble::Warning, 1, "slow")]);
        let told = format!("{digest:?}");
        assert!(!told.contains("a@b.c") && !told.contains("d@e.f"), "{told}");
    }
}
