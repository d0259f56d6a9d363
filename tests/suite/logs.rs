//! Logs end to end: `FilterLogEvents` through the adapter over the driver's door, within its bounds, and
//! `redrive logs` as the real binary on a served sandbox.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use redrive::aws::Account;
use redrive::driver::sandbox::Sandbox;
use redrive::model::log::{LogAsk, LogLine, LogReading};
use redrive::model::redaction::NOTHING;
use redrive::model::time::Timestamp;
use redrive::pipeline::log::pattern::Pattern;
use redrive::pipeline::log_request::{LogEvent, LogsReply, LogsRequest};
use redrive::pipeline::request::{Reply, Request, Response};
use redrive::verdict::log::{Trouble, digest, looks_like_trouble};
use serde_json::Value;

use crate::aws::Line;
use crate::reach;
use crate::schema::{Served, check};

const QUARTER_S: i64 = 15 * 60;

/// A sandbox that stands still while it is read, with its three hours of history.
async fn opened(name: &str) -> (Sandbox, Account, Timestamp) {
    let (sandbox, account) = reach::opened(name).await;
    account.identity().await.expect("it answers");
    // What is written now comes a little later.
    let now = sandbox.clock().account_now().plus_s(-60);
    (sandbox, account, now)
}

fn ask(from: Timestamp, to: Timestamp) -> LogAsk {
    LogAsk { group: "/aws/lambda/LogWorker".to_owned(), from, to, grep: None }
}

fn kinds(lines: &[LogLine]) -> Vec<(Trouble, u64, String)> {
    let clusters = digest(lines, &NOTHING).clusters;
    clusters.into_iter().map(|kind| (kind.trouble, kind.count, kind.signature)).collect()
}

#[tokio::test]
async fn a_quiet_log_is_read_whole_and_its_bytes_are_counted() {
    let (_sandbox, account, now) = opened("poison").await;
    let quarter = now.plus_s(-QUARTER_S);
    let whole = account.log(&ask(quarter, now)).await.expect("read");
    assert!(!whole.filtered && !whole.is_cut(), "{} lines", whole.lines.len());
    let again = account.log(&ask(quarter, now)).await.expect("read");
    assert_eq!(again.lines, whole.lines, "the same window is the same lines");
    assert_eq!(account.usage().log_bytes, whole.bytes + again.bytes);
    assert!(whole.bytes > 10_000 && whole.lines.windows(2).all(|two| two[0].at <= two[1].at));
    let trouble = kinds(&whole.lines);
    assert!(trouble.iter().any(|(kind, count, _)| *kind == Trouble::Error && *count > 5), "{trouble:?}");
}

/// Fifty lines a second for ever: every hundredth is trouble, every third a report. A page searches
/// 10,000 lines, finds what it finds and says where to go on, as CloudWatch Logs does.
fn busy(request: Request) -> Response {
    let Request::Logs(LogsRequest::FilterLogEvents(ask)) = request else { panic!("{request:?}") };
    let pattern = Pattern::parse(&ask.pattern).expect("a pattern");
    let number = |at: Timestamp| at.ms().div_euclid(EVERY_MS);
    let (from, to) = (ask.from.expect("a window"), ask.to.expect("a window"));
    let first = match &ask.token {
        Some(token) => token.parse().expect("ours"),
        None => number(from.plus_ms(EVERY_MS - 1)),
    };
    let end = number(to) + 1;
    let searched = first..end.min(first + 10_000);
    let token = (searched.end < end).then(|| searched.end.to_string());
    let event = |n: i64| LogEvent {
        at: Timestamp::from_ms(n * EVERY_MS),
        stream: "s".to_owned(),
        id: format!("{n:056}"),
        text: match (n % 100, n % 3) {
            (0, _) => format!("[ERROR] KeyError: '{n}'"),
            (_, 0) => format!("REPORT RequestId: {n}\tDuration: 12.00 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB"),
            _ => format!("[INFO] {n} is well"),
        },
    };
    let events = searched.map(event).filter(|event| pattern.takes(&event.text)).collect();
    Ok(Reply::Logs(LogsReply::Events { events, token }))
}

const EVERY_MS: i64 = 20;
/// A moment that is a line's.
const BUSY_NOW: Timestamp = Timestamp::from_s(1_767_236_000);

/// Lines from a moment to now that satisfy this, by their numbers.
fn there(from: Timestamp, takes: impl Fn(i64) -> bool) -> usize {
    let numbers = (from.ms() + EVERY_MS - 1) / EVERY_MS..=BUSY_NOW.ms() / EVERY_MS;
    numbers.filter(|n| takes(*n)).count()
}

#[tokio::test]
async fn a_busy_log_is_asked_for_its_trouble_the_newest_first_and_a_sample_of_its_reports() {
    let line = Line::speaking(busy);
    let account = line.account().await;
    // Five minutes are two pages: whole.
    let whole = account.log(&ask(BUSY_NOW.plus_s(-300), BUSY_NOW)).await.expect("read");
    assert_eq!((whole.filtered, whole.is_cut(), whole.requests, whole.lines.len()), (false, false, 2, 15_001));
    // A quarter of an hour is five; its trouble is found within the budget.
    let quarter = BUSY_NOW.plus_s(-QUARTER_S);
    let found = account.log(&ask(quarter, BUSY_NOW)).await.expect("read");
    assert!(found.filtered && !found.is_cut(), "complete from {}", found.complete_from);
    assert_eq!(
        kinds(&found.lines),
        [(Trouble::Error, there(quarter, |n| n % 100 == 0) as u64, "KeyError: '…'".to_owned())]
    );
    assert_eq!(line.calls(), (whole.requests + found.requests) as usize);
    // Three hours are not: it stops, says how far it came, and misses nothing from there on.
    let long = account.log(&ask(BUSY_NOW.plus_s(-3 * 3_600), BUSY_NOW)).await.expect("read");
    assert!(long.filtered && long.is_cut() && long.requests <= 3 + 12 + 3, "{} requests", long.requests);
    assert!(long.complete_from <= quarter, "at least a quarter of an hour: {}", long.complete_from);
    let since =
        |from: Timestamp| -> Vec<LogLine> { long.lines.iter().filter(|line| line.at >= from).cloned().collect() };
    let errors = since(long.complete_from).iter().filter(|line| looks_like_trouble(&line.text)).count();
    assert_eq!(errors, there(long.complete_from, |n| n % 100 == 0));
    // Of the reports the newest two minutes are whole.
    let newest = BUSY_NOW.plus_s(-120);
    let reports = since(newest).iter().filter(|line| line.text.starts_with("REPORT")).count();
    assert_eq!(reports, there(newest, |n| n % 3 == 0 && n % 100 != 0));
    let ids: BTreeSet<&str> = long.lines.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(ids.len(), long.lines.len(), "each line once, however the stretches lie");
    assert!(!long.lines.iter().any(|line| line.text.starts_with("[INFO]")));
}

#[tokio::test]
async fn a_text_is_looked_for_backwards_until_the_budget_is_spent_and_it_says_how_far() {
    let account = Line::speaking(busy).account().await;
    let grep = |text: &str, s: i64| LogAsk { grep: Some(text.to_owned()), ..ask(BUSY_NOW.plus_s(-s), BUSY_NOW) };
    let cut = account.log(&grep("is well", 3 * 3_600)).await.expect("read");
    assert!(cut.is_cut() && !cut.filtered && cut.complete_from < BUSY_NOW, "complete from {}", cut.complete_from);
    // A page more than the budget of bytes at most, which 40 minutes would be far beyond.
    assert!(cut.requests <= 12 && cut.bytes < 5 * 1_048_576, "{} requests, {} bytes", cut.requests, cut.bytes);
    assert!(cut.lines.iter().all(|line| line.text.ends_with("is well")));
    let complete = cut.lines.iter().filter(|line| line.at >= cut.complete_from).count();
    assert_eq!(complete, there(cut.complete_from, |n| n % 3 != 0 && n % 100 != 0), "from there on nothing is missing");
    let none = account.log(&grep("no line says this", QUARTER_S)).await.expect("read");
    assert!(none.lines.is_empty() && !none.is_cut() && none.requests > 0);
    let one = account.log(&grep("KeyError: '88361800000'", 10)).await.expect("read");
    assert_eq!(one.lines.len(), 1, "quotes and all: {:?}", one.lines);
}

#[tokio::test]
async fn a_reading_goes_on_from_the_last_and_neither_misses_nor_repeats_a_line() {
    let (_sandbox, account, now) = opened("poison").await;
    let whole = account.log(&ask(now.plus_s(-600), now)).await.expect("read");
    // The same in steps that overlap, as following reads it.
    let mut followed: Option<LogReading> = None;
    for step in 0..10 {
        let (from, to) = (now.plus_s(-600 + step * 60 - 15), now.plus_s(-600 + (step + 1) * 60));
        let reading = account.log(&ask(from.max(now.plus_s(-600)), to)).await.expect("read");
        match &mut followed {
            None => followed = Some(reading),
            Some(all) => all.extend(reading),
        }
    }
    let followed = followed.expect("ten readings");
    assert_eq!(followed.lines, whole.lines);
    assert_eq!(followed.to, now);
    assert!(followed.lines.len() > 20);
}

#[tokio::test]
async fn a_group_that_is_not_there_is_told_from_a_function_that_is_not() {
    let (_sandbox, account, now) = opened("steady").await;
    let missing = LogAsk { group: "/aws/lambda/Nobody".to_owned(), ..ask(now.plus_s(-60), now) };
    let error = account.log(&missing).await.expect_err("there is none");
    assert!(error.is_missing() && error.action == "logs:FilterLogEvents", "{error}");
    let error = account.log_of(&"Nobody".into(), missing).await.expect_err("there is none");
    assert!(error.is_missing() && error.action == "lambda:GetFunctionConfiguration", "{error}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn redrive_logs_prints_kinds_with_counts_and_keeps_to_its_schema() {
    let served = Served::start("poison");
    let output = served.run(&["logs", "LogWorker"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    let worst = table.lines().find(|line| line.starts_with("error")).expect("the poisoned batch");
    assert!(worst.contains("mapper_parsing_exception"), "{table}");
    assert!(table.contains("runs reported: p50 "), "{table}");
    assert!(text(&output.stderr).contains("/aws/lambda/LogWorker: "), "{}", text(&output.stderr));

    let log = served.json(&["logs", "LogWorker", "-o", "json"]);
    check("logs", &log);
    assert!(log["kinds"][0]["count"].as_u64().is_some_and(|count| count > 0), "{log:#}");
    assert_eq!(log["found"], Value::Array(Vec::new()));
    let found = served.json(&["logs", "LogWorker", "--grep", "mapper_parsing_exception", "-o", "json"]);
    check("logs", &found);
    let lines = found["found"].as_array().expect("a list");
    let holds = |line: &Value| line["text"].as_str().is_some_and(|text| text.contains("mapper_parsing_exception"));
    assert!(!lines.is_empty() && lines.iter().all(holds), "{found:#}");

    for (wrong, code) in [
        (vec!["logs", "Nobody"], 2),
        (vec!["logs", "LogWorker", "--since", "soon"], 2),
        (vec!["logs", "LogWorker", "--grep", ""], 2),
    ] {
        let output = served.run(&wrong);
        assert_eq!(output.status.code(), Some(code), "{wrong:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
    assert!(text(&served.run(&["logs", "Nobody"]).stderr).contains("there is no function Nobody here"));
}

#[test]
fn redrive_logs_follows_line_by_line_until_it_is_stopped() {
    let served = Served::start("poison");
    let mut command = served.command(&["logs", "LogWorker", "--follow", "--since", "1m", "-o", "ndjson"]);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs"));
    let mut lines = BufReader::new(running.0.stdout.take().expect("piped")).lines();
    let (mut seen, mut first, mut last) = (BTreeSet::new(), None, None);
    // More than one reading can bring at first: the sandbox goes on at 20 times the pace.
    let gone_on = |first: &Option<Timestamp>, last: &Option<Timestamp>| match (first, last) {
        (Some(first), Some(last)) => last.ms_since(*first) > 120_000,
        _ => false,
    };
    while !gone_on(&first, &last) {
        let line: Value = serde_json::from_str(&lines.next().expect("it goes on").expect("text")).expect("JSON");
        check_line(&line, &mut seen);
        let at = line["at"].as_str().and_then(Timestamp::parse);
        first = first.or(at);
        last = last.max(at);
    }
    let stopped =
        std::process::Command::new("kill").args(["-INT", &running.0.id().to_string()]).status().expect("kill");
    assert!(stopped.success());
    for line in lines {
        check_line(&serde_json::from_str(&line.expect("text")).expect("JSON"), &mut seen);
    }
    let mut said = String::new();
    running.0.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert_eq!(running.0.wait().expect("it ends").code(), Some(0), "{said}");
    assert!(said.lines().last().is_some_and(|line| line.contains(" requests, ") && line.ends_with(" read")), "{said}");
}

/// A program that does not outlive a test that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// To its schema the first is held, and each is there once.
fn check_line(line: &Value, seen: &mut BTreeSet<String>) {
    if seen.is_empty() {
        check("logs-line", line);
    }
    assert!(seen.insert(line.to_string()), "twice: {line}");
    assert!(line["text"].as_str().is_some_and(looks_like_trouble), "{line}");
}

#[test]
fn what_a_context_redacts_is_not_in_what_redrive_logs_prints_until_it_is_asked_for() {
    let served = Served::start("night-shift");
    let file = tempfile::NamedTempFile::new().expect("a file");
    let config = "current = \"c\"\n[contexts.c]\nredact = [\"function_request_id\"]\n";
    std::fs::write(file.path(), config).expect("written");
    let run = |arguments: &[&str]| {
        let output = served.command(arguments).env("REDRIVE_CONFIG", file.path()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let json = ["logs", "JobWorker", "--grep", "function_request_id", "-o", "json"];
    let shown: Value = serde_json::from_str(&run(&json)).expect("JSON");
    let lines = shown["found"].as_array().expect("a list");
    let stars =
        |line: &Value| line["text"].as_str().is_some_and(|text| text.contains(r#""function_request_id":"***""#));
    assert!(!lines.is_empty() && lines.iter().all(stars), "{shown:#}");
    let whole: Value = serde_json::from_str(&run(&[&json[..], &["--reveal"]].concat())).expect("JSON");
    assert!(whole["found"].as_array().is_some_and(|lines| !lines.is_empty() && !lines.iter().any(stars)), "{whole:#}");
}
