//! One line of a log, read: is it trouble, of which kind, what does its head say, which request does
//! it belong to. Text and JSON, Lambda's own lines and the loggers' people use.

use serde_json::Value;

use crate::model::nesting::nesting;
use crate::verdict::log::Trouble;
use crate::verdict::log::runs::Report;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Said {
    /// `None`: no trouble.
    pub trouble: Option<Trouble>,
    /// What it says in short, without what is said of every line.
    pub head: String,
    pub request: Option<String>,
    pub report: Option<Report>,
    /// Lambda itself says it.
    pub platform: bool,
    /// It looks like a part of what was said before: a frame of a stack trace.
    pub continues: bool,
}

/// A document nested deeper than this is taken for text.
const MAX_NESTING: usize = 100;

pub fn read(text: &str) -> Said {
    let text = text.trim_end();
    if text.starts_with('{')
        && nesting(text) <= MAX_NESTING
        && let Ok(document) = serde_json::from_str::<Value>(text)
    {
        return document_said(&document);
    }
    if let Some(report) = Report::of_text(text) {
        let said = Said { request: report.request.clone(), platform: true, ..Said::default() };
        let trouble = report.trouble();
        return Said { trouble, head: trouble.map_or(String::new(), head_of), report: Some(report), ..said };
    }
    plain(text)
}

/// How a run that Lambda itself calls failed is headed, so that its two lines are one kind.
fn head_of(trouble: Trouble) -> String {
    match trouble {
        Trouble::TimedOut => "Task timed out",
        Trouble::OutOfMemory => "the run used all its memory and was killed",
        Trouble::Init => "the environment did not start",
        _ => "the run failed",
    }
    .to_owned()
}

fn plain(text: &str) -> Said {
    let mut lines = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or("");
    let request = uuid_in(first);
    if first.starts_with("START RequestId") || first.starts_with("END RequestId") || first.starts_with("INIT_START") {
        return Said { platform: true, ..Said::default() };
    }
    if let Some(at) = first.find("Task timed out after") {
        let head = format!("{}{}", head_of(Trouble::TimedOut), &first[at + "Task timed out".len()..]);
        return Said { trouble: Some(Trouble::TimedOut), head, request, platform: true, ..Said::default() };
    }
    if first.starts_with("INIT_REPORT") {
        let failed = first.contains("Status: timeout") || first.contains("Status: error");
        let head = first.to_owned();
        return Said { trouble: failed.then_some(Trouble::Init), head, platform: true, ..Said::default() };
    }
    if first.contains("Runtime exited") || first.contains("Process exited before") {
        let killed = first.contains("signal: killed");
        let trouble = if killed { Trouble::OutOfMemory } else { Trouble::Crashed };
        let head = if killed { head_of(trouble) } else { bare(first) };
        return Said { trouble: Some(trouble), head, request, platform: true, ..Said::default() };
    }
    if first.starts_with([' ', '\t']) || CONTINUES.iter().any(|word| first.starts_with(word)) {
        return Said { continues: true, ..Said::default() };
    }
    let level = level(first);
    // A trace's last line says what it is about.
    let head = if first.starts_with("Traceback (") { lines.next_back().unwrap_or(first) } else { first };
    let document = first.find('{').and_then(|at| serde_json::from_str::<Value>(&first[at..]).ok());
    let head = document.as_ref().and_then(error_in).unwrap_or_else(|| bare(head));
    let trouble = match level {
        Some(Level::Fine) => None,
        Some(Level::Warning) => Some(Trouble::Warning),
        Some(Level::Error) => Some(named(&head)),
        None => looks_bad(first).then(|| named(&head)),
    };
    Said { trouble, head, request, ..Said::default() }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Fine,
}

fn level_of(word: &str) -> Option<Level> {
    match word.to_ascii_uppercase().as_str() {
        "ERROR" | "ERR" | "FATAL" | "CRITICAL" | "SEVERE" | "PANIC" => Some(Level::Error),
        "WARN" | "WARNING" => Some(Level::Warning),
        "INFO" | "DEBUG" | "TRACE" | "NOTICE" => Some(Level::Fine),
        _ => None,
    }
}

/// The level among the first words: `[ERROR]`, `2026-…Z\tid\tERROR`, `level=error`, `ERROR:`. Only
/// capitals count where it is not marked as a level.
fn level(first: &str) -> Option<Level> {
    first.split_whitespace().take(5).find_map(|word| {
        let bracketed = word.starts_with('[') || word.starts_with("level=");
        let bare = word.trim_start_matches("level=").trim_matches(|c: char| !c.is_ascii_alphabetic());
        (bracketed || bare.chars().all(|c| c.is_ascii_uppercase())).then(|| level_of(bare)).flatten()
    })
}

/// Trouble in a line without a level: an exception's name, or a word that means nothing else.
fn looks_bad(first: &str) -> bool {
    let exception = first
        .split([' ', ':', '('])
        .next()
        .is_some_and(|word| (word.ends_with("Error") || word.ends_with("Exception")) && word.len() > "Error".len());
    exception || BAD.iter().any(|phrase| first.contains(phrase))
}

/// The line without its time, its request id and its level.
fn bare(line: &str) -> String {
    let mut rest = line.trim();
    loop {
        let word = rest.split([' ', '\t']).next().unwrap_or("");
        let name = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_time = name.len() >= 10 && name.as_bytes()[4] == b'-' && name.starts_with(|c: char| c.is_ascii_digit());
        let known = is_time || is_uuid(name) || level_of(name).is_some() || word == "RequestId:";
        if word.is_empty() || !known || rest.len() == word.len() {
            return rest.to_owned();
        }
        rest = rest[word.len()..].trim_start();
    }
}

/// What sort of error the words mean.
fn named(head: &str) -> Trouble {
    let any = |words: &[&str]| words.iter().any(|word| head.contains(word));
    if any(&["OutOfMemory", "MemoryError", "out of memory", "heap limit"]) {
        Trouble::OutOfMemory
    } else if any(&["ImportModuleError", "HandlerNotFound", "Unable to import module", "InvalidEntrypoint"]) {
        Trouble::Init
    } else if any(&[
        "Throttl",
        "TooManyRequests",
        "Rate exceeded",
        "Rate Exceeded",
        "SlowDown",
        "ProvisionedThroughputExceeded",
    ]) {
        Trouble::Throttled
    } else {
        Trouble::Error
    }
}

fn document_said(document: &Value) -> Said {
    if let Some(kind) = document.get("type").and_then(Value::as_str).filter(|kind| kind.starts_with("platform.")) {
        return platform(kind, document);
    }
    let text = |names: &[&str]| names.iter().find_map(|name| document.get(*name)).and_then(Value::as_str);
    let level = match LEVELS.iter().find_map(|name| document.get(*name)) {
        Some(Value::String(word)) => level_of(word),
        // Numbers as pino and bunyan count them.
        Some(number) => number.as_u64().map(|n| {
            if n >= 50 {
                Level::Error
            } else if n >= 40 {
                Level::Warning
            } else {
                Level::Fine
            }
        }),
        None => None,
    };
    let error = error_in(document);
    let head = error.clone().or_else(|| message(document)).unwrap_or_default();
    let trouble = match level {
        Some(Level::Error) => Some(named(&head)),
        Some(Level::Warning) => Some(Trouble::Warning),
        Some(Level::Fine) => None,
        None => error.map(|_| named(&head)),
    };
    // A time-out in Lambda's JSON format is a message like any other.
    let timed_out = head.contains("Task timed out after");
    let request = text(&["requestId", "AWSRequestId", "function_request_id", "awsRequestId", "request_id"]);
    Said {
        trouble: if timed_out { Some(Trouble::TimedOut) } else { trouble },
        platform: timed_out,
        head,
        request: request.map(str::to_owned),
        ..Said::default()
    }
}

/// Lambda's own lines in its JSON format.
fn platform(kind: &str, document: &Value) -> Said {
    let record = document.get("record").unwrap_or(&Value::Null);
    let request = record.get("requestId").and_then(Value::as_str).map(str::to_owned);
    let report = (kind == "platform.report").then(|| Report::of_record(record));
    let status = record.get("status").and_then(Value::as_str).unwrap_or("");
    let init = kind.starts_with("platform.init") && matches!(status, "error" | "failure" | "timeout");
    let trouble = if init { Some(Trouble::Init) } else { report.as_ref().and_then(Report::trouble) };
    let head = trouble.map_or(String::new(), head_of);
    Said { trouble, head, request, report, platform: true, continues: false }
}

/// `Type: message` of what an error is written as, wherever loggers put it.
fn error_in(document: &Value) -> Option<String> {
    let places = [
        Some(document),
        document.get("error"),
        document.get("err"),
        document.get("message"),
        document.get("exception"),
    ];
    places.into_iter().flatten().find_map(|place| {
        let kind = KINDS.iter().find_map(|name| place.get(*name)).and_then(Value::as_str)?;
        let said = ["errorMessage", "message", "msg"].iter().find_map(|name| place.get(*name)).and_then(Value::as_str);
        let said = said.map(str::to_owned).or_else(|| message(document));
        Some(said.map_or(kind.to_owned(), |said| format!("{kind}: {}", said.lines().next().unwrap_or(""))))
    })
}

fn message(document: &Value) -> Option<String> {
    let value = ["message", "msg", "errorMessage", "error", "event"].iter().find_map(|name| document.get(*name))?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(text.lines().next().unwrap_or("").to_owned())
}

fn uuid_in(line: &str) -> Option<String> {
    line.split(|c: char| !(c.is_ascii_hexdigit() || c == '-')).find(|word| is_uuid(word)).map(str::to_owned)
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36
        && word
            .bytes()
            .enumerate()
            .all(|(n, byte)| if matches!(n, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

const LEVELS: [&str; 5] = ["level", "severity", "log_level", "lvl", "levelname"];
const KINDS: [&str; 5] = ["errorType", "exception_name", "error_type", "name", "type"];
const CONTINUES: [&str; 5] = ["at ", "Caused by", "Traceback (", "... ", "During handling of"];
const BAD: [&str; 6] = [
    "Unhandled",
    "Traceback (most recent",
    "panicked at",
    "Segmentation fault",
    "UnhandledPromiseRejection",
    "Exception in",
];
