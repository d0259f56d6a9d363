//! Test only: a function's log on a bad night, quiet and busy, and one that may not be read.

use crate::console::Console;
use crate::console::logs::LogView;
use crate::console::screen::Screen;
use crate::model::log::{LogLine, LogReading};
use crate::ui::fixture;

const REQUEST: &str = "5fea7756-0ea4-451a-a703-a558b933e274";

fn lines() -> Vec<LogLine> {
    let mut lines = Vec::new();
    let mut put = |ago_s: i64, text: String| {
        let at = fixture::now().plus_s(-ago_s);
        let id = format!("{:020}{:036}", at.ms(), lines.len());
        lines.push(LogLine { at, stream: "2026/11/24/[$LATEST]0f3c9a1b77de".to_owned(), id, text });
    };
    for n in 0..40 {
        put(
            880 - n * 20,
            format!(
                "[ERROR] IndexRejected: document 'run-{n:06}' has a field that is no date\nTraceback (most recent call last):\n  File \
                 \"/var/task/log_worker.py\", line 87, in work\n    raise IndexRejected(reason)\n"
            ),
        );
        put(
            879 - n * 20,
            format!(
                "REPORT RequestId: {REQUEST}\tDuration: {}.20 ms\tBilled Duration: 400 ms\tMemory Size: 512 MB\tMax Memory Used: {} \
                 MB\t{}",
                180 + n * 9,
                201 + n % 7,
                if n == 3 { "Init Duration: 312.40 ms" } else { "" }
            ),
        );
    }
    put(320, format!("2026-11-24T03:07:21.000Z {REQUEST} Task timed out after 30.00 seconds"));
    put(90, "[WARNING] the search index answers slowly: 100 records took 24.1 s \u{1b}[31m".to_owned());
    lines
}

fn at(view: LogView) -> Console {
    let mut console = crate::ui::scenes::account();
    let function = view.function.clone();
    console.logs.insert(function.clone(), view);
    console.screens.push(Screen::Logs(function));
    console
}

fn view() -> LogView {
    LogView::new("LogWorker".into(), "/aws/lambda/LogWorker".to_owned())
}

pub fn read() -> Console {
    let mut view = view();
    let (from, to) = (fixture::now().plus_s(-900), fixture::now().plus_s(-4));
    let group = view.group.clone();
    let mut reading =
        LogReading { group, from, to, complete_from: from, requests: 1, bytes: 18_212, ..LogReading::default() };
    reading.lines = lines();
    reading.lines.sort_by_key(|line| line.at);
    view.take(reading, false, &crate::model::redaction::NOTHING);
    view.read_at = Some(to);
    at(view)
}

pub fn busy() -> Console {
    let mut console = read();
    for view in console.logs.values_mut() {
        view.reading.filtered = true;
        view.reading.complete_from = fixture::now().plus_s(-360);
        (view.reading.requests, view.reading.bytes, view.follow) = (19, 5_402_113, true);
    }
    console
}

pub fn denied() -> Console {
    let mut view = view();
    view.trouble = Some(
        "logs:FilterLogEvents: AccessDeniedException: User: arn:aws:iam::123456789012:user/oncall is not authorized; the permission \
         logs:FilterLogEvents is missing"
            .to_owned(),
    );
    at(view)
}

/// The log of the time in which a scanned queue's letters died; one line names one of them.
pub fn deaths(mut console: Console) -> Console {
    let queue = crate::model::id::QueueName::from("JobDLQ");
    let mut lines = lines();
    let named = console.snapshots[&queue].current().expect("scanned").id.clone();
    lines[0].text = format!("[ERROR] ProviderError: mail provider answered 503 unavailable (message {named})");
    let exact = [(named, lines[0].clone())].into();
    let (from, to) = (fixture::now().plus_s(-900), fixture::now());
    let digest = crate::verdict::log::digest(&lines, &crate::model::redaction::NOTHING);
    let errors = crate::console::deaths::Errors { digest, exact, complete_from: from, requests: 3, bytes: 212_000 };
    let function = "JobWorker".into();
    let read = Some(Ok(errors));
    console.deaths.insert(queue, crate::console::deaths::Deaths { function, from, to, read });
    console
}
