//! What becomes of `l` on the console: whose log is opened, when it is read again, and which answers
//! count. Tests only.

use crate::console::ConsoleOptions;
use crate::console::effect::Effect;
use crate::console::logs::LogView;
use crate::console::msg::Msg;
use crate::console::screen::Screen;
use crate::console::update::alarm_stories::alarm;
use crate::console::update::trial::{NOW, Trial};
use crate::model::alarm::{Alarm, AlarmState};
use crate::model::function::Function;
use crate::model::id::FunctionName;
use crate::model::log::{LogAsk, LogLine, LogReading};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::model::topology::{Node, NodeKind, Topology};

const REQUEST_WORKER: &str = "arn:aws:lambda:eu-west-1:123456789012:function:RequestWorker";

/// What was asked for: function, generation, whether it goes on, and the ask itself.
fn asked(effects: Vec<Effect>) -> Vec<(FunctionName, u64, bool, LogAsk)> {
    let one = |effect| match effect {
        Effect::FetchLog { function, generation, later, ask } => Some((function, generation, later, ask)),
        _ => None,
    };
    effects.into_iter().filter_map(one).collect()
}

fn line(at: Timestamp, text: &str) -> LogLine {
    LogLine { at, stream: "s".to_owned(), id: format!("{}-{text}", at.ms()), text: text.to_owned() }
}

/// An answer to what was asked, with these lines.
fn answer(trial: &mut Trial, ask: (FunctionName, u64, bool, LogAsk), lines: Vec<LogLine>) {
    let (function, generation, later, ask) = ask;
    let (from, to) = (ask.from, ask.to);
    let read = LogReading { requests: 1, bytes: 100, group: ask.group, complete_from: from, ..LogReading::default() };
    let result = Ok(LogReading { lines, from, to, ..read });
    trial.tell(Msg::LogArrived { at: to, function, generation, later, result });
}

fn view<'a>(trial: &'a Trial, function: &str) -> &'a LogView {
    &trial.console.logs[&FunctionName::from(function)]
}

/// A console on the log of a queue's consumer, which has been read once.
fn reading() -> Trial {
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.types("2/Job\n");
    let mut asks = asked(trial.types("l"));
    assert_eq!(*trial.console.screen(), Screen::Logs("JobWorker".into()));
    answer(&mut trial, asks.remove(0), vec![line(NOW.plus_s(-60), "ERROR first")]);
    trial
}

#[test]
fn l_reads_the_last_quarter_of_an_hour_once_and_again_only_when_asked() {
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.types("2/Job\n");
    let asks = asked(trial.types("l"));
    let [(function, 1, false, ask)] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!((function.as_str(), ask.group.as_str()), ("JobWorker", "/aws/lambda/JobWorker"));
    assert_eq!((ask.to.ms_since(ask.from), ask.grep.as_deref()), (900_000, None));
    answer(&mut trial, asks[0].clone(), vec![line(NOW, "ERROR it broke")]);
    assert_eq!(view(&trial, "JobWorker").digest.clusters.len(), 1);
    assert!(asked(trial.wait_ms(120_000)).is_empty(), "nobody follows it");
    assert_eq!(asked(trial.types("r")).len(), 1);
}

#[test]
fn a_dead_letter_queues_log_is_that_of_the_function_that_failed_its_messages() {
    for queue in ["JobDLQ", "JobQueue"] {
        let mut trial = Trial::new(ConsoleOptions::default());
        trial.types(&format!("3/{queue}\n"));
        let asks = asked(trial.types("l"));
        assert_eq!(asks.first().map(|ask| ask.0.as_str()), Some("JobWorker"), "{queue}: {}", trial.said());
    }
}

#[test]
fn following_goes_on_from_where_it_was_every_few_seconds_and_stops_with_the_screen() {
    let mut trial = reading();
    let to = view(&trial, "JobWorker").reading.to;
    let first = asked(trial.types("F"));
    let [(_, _, true, ask)] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(to.ms_since(ask.from), 15_000, "lines come late");
    assert!(asked(trial.wait_ms(30_000)).is_empty(), "one question at a time");
    answer(&mut trial, first[0].clone(), vec![line(NOW.plus_s(-60), "ERROR first"), line(NOW, "ERROR first")]);
    let shown = view(&trial, "JobWorker");
    assert_eq!(shown.digest.clusters[0].count, 2, "the line that was known counts once");
    assert_eq!((shown.reading.requests, shown.reading.bytes), (2, 200));
    assert!(asked(trial.wait_ms(4_000)).is_empty());
    assert_eq!(asked(trial.wait_ms(1_000)).len(), 1, "five seconds after the answer");
    // An answer that never comes holds nothing up for ever.
    assert!(asked(trial.wait_ms(59_000)).is_empty());
    assert_eq!(asked(trial.wait_ms(2_000)).len(), 1);
    trial.types("1");
    assert!(asked(trial.wait_ms(120_000)).is_empty(), "another screen is open");
    trial.types("f");
    assert!(view(&trial, "JobWorker").follow);
}

#[test]
fn what_is_frozen_or_not_followed_any_more_is_not_read() {
    let mut trial = reading();
    let asks = asked(trial.types("F"));
    answer(&mut trial, asks[0].clone(), Vec::new());
    trial.types("f");
    assert!(asked(trial.wait_ms(60_000)).is_empty(), "frozen");
    trial.types("f");
    assert_eq!(asked(trial.wait_ms(1_000)).len(), 1);
    assert!(asked(trial.types("F")).is_empty(), "stops");
    assert!(asked(trial.wait_ms(120_000)).is_empty());
}

#[test]
fn a_longer_window_is_read_whole_and_the_answer_to_the_shorter_one_no_longer_counts() {
    let mut trial = reading();
    let short = asked(trial.types("r"));
    let long = asked(trial.types("+"));
    let [(_, generation, false, ask)] = long.as_slice() else { panic!("{long:?}") };
    assert_eq!(ask.to.ms_since(ask.from), 3_600_000);
    assert!(*generation > short[0].1);
    answer(&mut trial, short[0].clone(), vec![line(NOW, "ERROR late"), line(NOW, "ERROR answer")]);
    assert_eq!(view(&trial, "JobWorker").digest.lines, 1, "the late answer is dropped");
    assert!(view(&trial, "JobWorker").asked.is_some(), "the other is still on its way");
    answer(&mut trial, long[0].clone(), vec![line(NOW.plus_s(-3_000), "ERROR old"), line(NOW, "ERROR new")]);
    assert_eq!(view(&trial, "JobWorker").digest.lines, 2);
    let windows: Vec<i64> = (0..3)
        .map(|_| {
            trial.types("+");
            view(&trial, "JobWorker").window_s
        })
        .collect();
    assert_eq!(windows, [10_800, 900, 3_600]);
}

#[test]
fn while_it_is_followed_what_is_older_than_the_window_is_let_go() {
    let mut trial = reading();
    let asks = asked(trial.types("F"));
    answer(&mut trial, asks[0].clone(), Vec::new());
    let asks = asked(trial.wait_ms(1_000_000));
    let now = trial.console.now;
    answer(&mut trial, asks[0].clone(), vec![line(now, "ERROR now")]);
    assert_eq!(view(&trial, "JobWorker").digest.lines, 1);
}

#[test]
fn a_failure_keeps_what_was_read_and_says_what_is_missing() {
    let mut trial = reading();
    let told = |trial: &mut Trial, code: &str| {
        let generation = view(trial, "JobWorker").generation;
        let result = Err(ServiceError::new("logs:FilterLogEvents", code, "no"));
        let function = "JobWorker".into();
        trial.tell(Msg::LogArrived { at: NOW, function, generation, later: false, result });
    };
    trial.types("F");
    told(&mut trial, "ThrottlingException");
    assert!(view(&trial, "JobWorker").follow, "asked less is no reason to stop");
    told(&mut trial, "AccessDeniedException");
    let shown = view(&trial, "JobWorker");
    assert!(!shown.follow && shown.digest.lines == 1);
    assert!(shown.trouble.as_deref().is_some_and(|why| why.ends_with("permission logs:FilterLogEvents is missing")));
    trial.types("r");
    told(&mut trial, "ResourceNotFoundException");
    let why = view(&trial, "JobWorker").trouble.clone().expect("it is missing");
    assert_eq!(why, "there is no log group /aws/lambda/JobWorker: has JobWorker ever run?");
}

/// A pipeline whose first function nothing feeds: a bucket invokes it.
fn with_request_worker(options: ConsoleOptions, alarms: Vec<Alarm>) -> Trial {
    let mut trial = Trial::with_alarms(options, Vec::new());
    let node = Node { arn: REQUEST_WORKER.into(), kind: NodeKind::Function, name: "RequestWorker".to_owned() };
    let result = Ok(Topology { nodes: vec![node], edges: Vec::new() });
    trial.tell(Msg::TopologyArrived { at: NOW, result, missing: Vec::new(), cached: false });
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(alarms) });
    trial
}

#[test]
fn enter_on_an_alarm_about_a_function_that_no_mapping_feeds_opens_its_log() {
    let about = alarm("request-errors", AlarmState::Alarm, "Errors", ("FunctionName", "RequestWorker"));
    let mut trial = with_request_worker(ConsoleOptions::default(), vec![about]);
    let finding = trial.console.current_finding().map(|finding| finding.rule.clone());
    assert_eq!(finding.as_deref(), Some("alarm:request-errors"));
    let asks = asked(trial.types("\n"));
    assert_eq!(*trial.console.screen(), Screen::Logs("RequestWorker".into()));
    assert_eq!(asks.len(), 1);
    // Back and again: it is read anew.
    trial.types("1");
    assert_eq!(asked(trial.types("\n")).len(), 1);
}

#[test]
fn a_function_that_no_mapping_feeds_opens_at_its_log_when_it_is_named() {
    let version = format!("{REQUEST_WORKER}:live");
    for wanted in ["RequestWorker", REQUEST_WORKER, version.as_str()] {
        // Named before it is known, as a command line does.
        let mut trial = Trial::unread(ConsoleOptions { open: Some(wanted.to_owned()), ..ConsoleOptions::default() });
        let node = Node { arn: REQUEST_WORKER.into(), kind: NodeKind::Function, name: "RequestWorker".to_owned() };
        let result = Ok(Topology { nodes: vec![node], edges: Vec::new() });
        trial.tell(Msg::TopologyArrived { at: NOW, result, missing: Vec::new(), cached: false });
        assert_eq!(*trial.console.screen(), Screen::Map, "it may be an alarm's name");
        trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(Vec::new()) });
        assert_eq!(*trial.console.screen(), Screen::Logs("RequestWorker".into()), "{wanted}");
        assert!(trial.said().contains("no event source mapping feeds RequestWorker"), "{}", trial.said());
        assert_eq!(asked(trial.wait_ms(100)).len(), 1, "it is read by itself");
        assert!(asked(trial.wait_ms(100)).is_empty(), "once");
    }
}

#[test]
fn a_function_that_is_only_listed_opens_at_its_log_too() {
    let options = ConsoleOptions { open: Some("RequestWorker".to_owned()), ..ConsoleOptions::default() };
    let mut trial = Trial::unread(options);
    let listed = Function {
        name: "RequestWorker".into(),
        arn: REQUEST_WORKER.into(),
        timeout_s: None,
        memory_mb: None,
        last_modified: None,
        code_sha256: None,
        reserved_concurrency: None,
        dead_letter: None,
    };
    trial.tell(Msg::FunctionsArrived { at: NOW, result: Ok(vec![listed]) });
    let result = Ok(Topology::default());
    trial.tell(Msg::TopologyArrived { at: NOW, result, missing: Vec::new(), cached: false });
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(Vec::new()) });
    assert_eq!(*trial.console.screen(), Screen::Logs("RequestWorker".into()), "{}", trial.said());
}
