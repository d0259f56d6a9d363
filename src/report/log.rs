//! What a function's log says, as rows: kinds of trouble with counts and an example, and the figures
//! of Lambda's reports.

use serde::{Serialize, Serializer};

use crate::model::finding::Severity;
use crate::model::log::{LogLine, LogReading};
use crate::model::redaction::Redaction;
use crate::model::time::{Timestamp, spoken};
use crate::operation::progress::plural;
use crate::report::table::{MISSING, Table, clean, or_missing};
use crate::verdict::log::{Digest, Runs, digest};

#[derive(Debug, Serialize)]
pub struct Log {
    pub function: String,
    pub group: String,
    #[serde(serialize_with = "moment")]
    pub from: Timestamp,
    #[serde(serialize_with = "moment")]
    pub to: Timestamp,
    /// From when on everything asked for was read.
    #[serde(serialize_with = "moment")]
    pub complete_from: Timestamp,
    /// Only lines that look like trouble were asked for: the log is too busy to be read whole.
    pub filtered: bool,
    pub lines: usize,
    pub requests: u32,
    pub bytes: u64,
    pub kinds: Vec<Kind>,
    pub runs: Option<RunFigures>,
    /// The lines themselves, where a text was looked for.
    pub found: Vec<Line>,
}

#[derive(Debug, Serialize)]
pub struct Kind {
    pub trouble: String,
    pub severity: Severity,
    pub count: u64,
    #[serde(serialize_with = "moment")]
    pub first: Timestamp,
    #[serde(serialize_with = "moment")]
    pub last: Timestamp,
    pub signature: String,
    pub example: String,
    pub stream: String,
    pub requests: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct RunFigures {
    pub count: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub max_ms: f64,
    pub memory_mb: Option<u32>,
    pub max_used_mb: Option<u32>,
    pub cold_starts: u64,
    pub max_init_ms: Option<f64>,
}

/// One line, as it may be shown.
#[derive(Debug, Serialize)]
pub struct Line {
    #[serde(serialize_with = "moment")]
    pub at: Timestamp,
    pub stream: String,
    pub text: String,
}

/// As RFC 3339 has it.
fn moment<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

impl Line {
    pub fn new(line: &LogLine, redaction: &Redaction) -> Self {
        let text = redaction.line(line.text.trim_end()).into_owned();
        Line { at: line.at, stream: line.stream.clone(), text }
    }
}

impl Log {
    /// With `found` the lines are listed too, the newest of them.
    pub fn new(function: &str, reading: &LogReading, found: bool, redaction: &Redaction) -> Self {
        let Digest { clusters, runs, lines } = digest(&reading.lines, redaction);
        let kinds = clusters.into_iter().map(|cluster| Kind {
            trouble: cluster.trouble.to_string(),
            severity: cluster.trouble.severity(),
            count: cluster.count,
            first: cluster.first,
            last: cluster.last,
            signature: cluster.signature,
            example: cluster.example.text,
            stream: cluster.example.stream,
            requests: cluster.requests,
        });
        let newest = reading.lines.len().saturating_sub(FOUND);
        Log {
            function: function.to_owned(),
            group: reading.group.clone(),
            from: reading.from,
            to: reading.to,
            complete_from: reading.complete_from,
            filtered: reading.filtered,
            lines,
            requests: reading.requests,
            bytes: reading.bytes,
            kinds: kinds.collect(),
            runs: runs.map(figures),
            found: reading.lines[newest..].iter().filter(|_| found).map(|line| Line::new(line, redaction)).collect(),
        }
    }
}

fn figures(runs: Runs) -> RunFigures {
    RunFigures {
        count: runs.count,
        p50_ms: runs.p50_ms,
        p95_ms: runs.p95_ms,
        max_ms: runs.max_ms,
        memory_mb: runs.memory_mb,
        max_used_mb: runs.max_used_mb,
        cold_starts: runs.inits,
        max_init_ms: runs.max_init_ms,
    }
}

pub fn text(log: &Log) -> String {
    let window = spoken(log.to.ms_since(log.from));
    let mut text =
        format!("{} · the last {window}, {}\n", clean(&log.function), plural(log.lines as u64, "line", "lines"));
    if let Some(runs) = &log.runs {
        let (used, memory) = (or_missing(runs.max_used_mb), or_missing(runs.memory_mb));
        text.push_str(&format!(
            "{} reported: p50 {:.0} ms, p95 {:.0} ms, max {:.0} ms, memory {used} of {memory} MB, {}\n",
            plural(runs.count, "run", "runs"),
            runs.p50_ms,
            runs.p95_ms,
            runs.max_ms,
            plural(runs.cold_starts, "cold start", "cold starts")
        ));
    }
    if log.requests == 0 {
        text.push_str("nothing was read: whether it is well is not known\n");
    } else if log.lines == 0 {
        text.push_str("no line in this time; --since looks further back\n");
    } else if log.kinds.is_empty() {
        text.push_str("no line that looks like trouble; throttled runs leave none\n");
    } else {
        let mut table = Table::new(&["KIND", "COUNT", "FIRST", "LAST", "NEWEST LINE"]);
        for kind in &log.kinds {
            let moments = [kind.first.clock_s(), kind.last.clock_s()];
            let cells = [kind.trouble.clone(), kind.count.to_string()];
            table.row(cells.into_iter().chain(moments).chain([first_line(&kind.example)]));
        }
        text.push_str(&table.text());
    }
    if !log.found.is_empty() {
        text.push('\n');
        text.extend(log.found.iter().map(followed));
    }
    text
}

fn first_line(text: &str) -> String {
    let line = text.split(['\n', '\r']).find(|line| !line.trim().is_empty()).unwrap_or(MISSING);
    line.chars().take(LINE_CHARS).collect()
}

/// One line of a log, as it is followed; what it says on further lines is set in.
pub fn followed(line: &Line) -> String {
    let mut lines = line.text.split(['\n', '\r']).filter(|line| !line.is_empty());
    let mut text = format!("{} {}\n", line.at.clock_s(), clean(lines.next().unwrap_or(MISSING)));
    for line in lines {
        text.push_str(&format!("  {}\n", clean(line)));
    }
    text
}

/// Characters of a line in the table; JSON has it whole.
const LINE_CHARS: usize = 300;
/// Lines listed of those found: the newest.
const FOUND: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::redaction::NOTHING;

    fn reading() -> LogReading {
        let line = |s: i64, text: &str| LogLine {
            at: Timestamp::from_s(s),
            stream: "s".to_owned(),
            id: s.to_string(),
            text: text.to_owned(),
        };
        let lines = vec![
            line(10, "INFO all is well"),
            line(20, "[ERROR] KeyError: 'a@b.c'\nTraceback (most recent call last):\n  \u{1b}[31mred"),
            line(30, r#"{"level":"WARN","message":"slow","profile":{"email":"a@b.c"}}"#),
        ];
        LogReading { lines, to: Timestamp::from_s(900), requests: 1, bytes: 99, ..LogReading::default() }
    }

    #[test]
    fn it_prints_kinds_worst_first_and_nothing_that_drives_the_terminal() {
        let log = Log::new("JobWorker", &reading(), true, &NOTHING);
        let text = text(&log);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "JobWorker · the last 15 m, 3 lines");
        assert!(lines[2].starts_with("error") && lines[2].contains("KeyError"), "{text}");
        assert!(lines[3].starts_with("warning"), "{text}");
        assert!(lines[5].ends_with("INFO all is well") && lines[7] == "  Traceback (most recent call last):", "{text}");
        assert!(!text.contains('\u{1b}') && text.contains(r"\u{1b}[31mred"), "{text}");
        let told = |reading: LogReading| super::text(&Log::new("F", &reading, false, &NOTHING));
        let quiet = told(LogReading { lines: reading().lines[..1].to_vec(), ..reading() });
        assert!(quiet.contains("1 line\n") && quiet.contains("no line that looks like trouble"), "{quiet}");
        let silent = LogReading { lines: Vec::new(), ..reading() };
        assert!(told(silent.clone()).contains("0 lines\nno line in this time"), "{}", told(silent));
    }

    #[test]
    fn a_log_that_is_not_there_is_no_good_news() {
        let text =
            text(&Log::new("F", &LogReading { to: Timestamp::from_s(900), ..LogReading::default() }, false, &NOTHING));
        assert_eq!(text, "F · the last 15 m, 0 lines\nnothing was read: whether it is well is not known\n");
    }

    #[test]
    fn what_the_context_redacts_is_in_no_part_of_it() {
        let redaction = Redaction::new(["profile.email"]).expect("a path");
        let log = Log::new("JobWorker", &reading(), true, &redaction);
        let json = serde_json::to_string(&log).expect("plain data");
        assert!(!json.contains("a@b.c") && !text(&log).contains("a@b.c"), "{json}");
        assert_eq!(log.kinds.len(), 2);
    }
}
