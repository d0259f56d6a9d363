//! A bucket and a function, seen from the machine.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::model::object::Object;
use crate::model::rescue::RescueTarget;
use crate::model::trial::Invoked;
use crate::operation::order::{Answer, EndState};
use crate::operation::progress::RerunReport;
use crate::operation::soak::play::refused;
use crate::operation::soak::{START, confirm, owner};

fn document(first: usize) -> String {
    let record = |n: usize| json!({"dynamodb": {"SequenceNumber": format!("{n}")}});
    let event = json!({"Records": [record(first), record(first + 1)]});
    json!({
        "requestContext": {"functionArn": "arn:aws:lambda:r:1:function:LogWorker", "condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {"shardId": "s", "startSequenceNumber": "1", "endSequenceNumber": "2", "batchSize": 2,
            "approximateArrivalOfFirstRecord": "2020-01-01T00:00:00Z", "streamArn": "arn:stream"},
        "payload": event.to_string(),
    })
    .to_string()
}

fn plan(source: RerunSource, keys: &[&str]) -> RerunPlan {
    let function = if source == RerunSource::Documents { "LogWorker" } else { "RequestWorker" };
    let object = |key: &&str| Object { key: (*key).into(), size: 9, modified_at: START, etag: "e".into() };
    RerunPlan {
        source,
        bucket: "store".into(),
        items: keys.iter().map(|key| RerunItem { object: object(key), function: function.into() }).collect(),
        targets: vec![RescueTarget {
            function: function.into(),
            timeout_s: Some(10),
            batch: 100,
            parallelization_factor: 1,
        }],
        reason: None,
    }
}

/// Which order the process dies at, and whether it was carried out.
type Death = fn(&World, &Order) -> Option<bool>;

struct World {
    documents: BTreeMap<String, String>,
    /// What each invocation is answered with; then success.
    answers: Vec<OrderResult>,
    /// The key, or the first sequence number, of each run.
    runs: Vec<String>,
    journal: Vec<JournalEntry>,
    most_at_once: usize,
    dies: Death,
}

impl World {
    fn new() -> Self {
        World {
            documents: BTreeMap::new(),
            answers: Vec::new(),
            runs: Vec::new(),
            journal: Vec::new(),
            most_at_once: 0,
            dies: |_, _| None,
        }
    }

    fn answer(&mut self, order: &Order) -> OrderResult {
        match order {
            Order::Record(entries) => {
                self.journal.extend(entries.iter().cloned());
                Outcome::Done(Answer::Recorded)
            }
            Order::GetObject { key, .. } => match self.documents.get(key) {
                Some(text) => Outcome::Done(Answer::Object(text.clone())),
                None => refused("NoSuchKey", "The specified key does not exist."),
            },
            Order::Invoke { payload, .. } => {
                let event: Value = serde_json::from_str(payload).expect("JSON");
                let record = &event["Records"][0];
                let of = record.pointer("/s3/object/key").or_else(|| record.pointer("/dynamodb/SequenceNumber"));
                self.runs.push(of.and_then(Value::as_str).expect("a key or a number").to_owned());
                if self.answers.is_empty() { answered(None, "null") } else { self.answers.remove(0) }
            }
            other => panic!("not an order of this: {other:?}"),
        }
    }

    /// `None` when the process died.
    fn play(&mut self, machine: &mut Rerun, mut now: Timestamp) -> Option<RerunReport> {
        for _ in 0..1_000 {
            let mut orders = Vec::new();
            while let Some(order) = machine.poll_order(now) {
                orders.push(order);
            }
            self.most_at_once =
                self.most_at_once.max(orders.iter().filter(|(_, o)| matches!(o, Order::Invoke { .. })).count());
            for (id, order) in orders {
                match (self.dies)(self, &order) {
                    Some(true) => {
                        self.answer(&order);
                        return None;
                    }
                    Some(false) => return None,
                    None => {}
                }
                let result = self.answer(&order);
                machine.handle_result(now, id, result);
            }
            if machine.is_finished() {
                let Some(Report::Rerun(report)) = machine.poll_progress().and_then(|told| told.report) else {
                    panic!("no report")
                };
                let sum = report.ran + report.failed + report.may_have_run.len() as u64 + report.returned;
                assert_eq!(sum, report.asked, "{report:?}");
                return Some(report);
            }
            now = machine.poll_timeout().unwrap_or(now).max(now.plus_ms(1));
            machine.handle_timeout(now);
        }
        panic!("no end")
    }

    fn run(&mut self, plan: RerunPlan) -> RerunReport {
        let mut machine = Rerun::new(confirm(plan), owner(), 7, START);
        self.play(&mut machine, START).expect("it does not die")
    }
}

fn answered(error: Option<&str>, payload: &str) -> OrderResult {
    let invoked = Invoked { error: error.map(str::to_owned), payload: payload.to_owned(), log_tail: None };
    Outcome::Done(Answer::Invoked(Box::new(invoked)))
}

#[test]
fn documents_go_one_by_one_with_the_event_they_carry() {
    let mut world = World::new();
    world.documents =
        [("a", document(10)), ("b", document(20)), ("c", "{}".to_owned())].map(|(k, d)| (k.to_owned(), d)).into();
    let report = world.run(plan(RerunSource::Documents, &["a", "b", "c", "d"]));
    assert_eq!((report.ran, report.records, report.failed, report.state), (2, 4, 2, EndState::Partly), "{report:?}");
    assert_eq!(world.runs, ["10", "20"]);
    assert_eq!(world.most_at_once, 1);
    let why: Vec<&str> = report.faults.iter().map(|(_, why)| why.as_str()).collect();
    assert!(why[0].contains("no document") && why[1].contains("NoSuchKey"), "{why:?}");
}

#[test]
fn a_document_named_in_part_has_failed_and_says_how_far_it_came() {
    let mut world = World::new();
    world.documents.insert("a".to_owned(), document(10));
    world.answers = vec![answered(None, r#"{"batchItemFailures":[{"itemIdentifier":"11"}]}"#)];
    let report = world.run(plan(RerunSource::Documents, &["a"]));
    assert_eq!((report.ran, report.records), (0, 1));
    assert!(report.faults[0].1.contains("1 of 2 records came through before"), "{report:?}");
}

#[test]
fn requests_get_the_event_of_their_object_four_at_a_time() {
    let keys: Vec<String> = (0..9).map(|n| format!("automations/run {n}.json")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut world = World::new();
    let report = world.run(plan(RerunSource::Requests, &keys));
    assert_eq!((report.ran, report.state), (9, EndState::Done));
    assert_eq!(world.most_at_once, LANES);
    assert_eq!(world.runs[0], "automations%2Frun+0.json");
}

#[test]
fn a_throttle_is_waited_for_and_what_has_no_answer_is_named() {
    let mut world = World::new();
    world.answers = vec![
        refused("TooManyRequestsException", "Rate Exceeded."),
        Outcome::Unknown("cut".to_owned()),
        answered(Some("Unhandled"), r#"{"errorMessage":"AccessDenied"}"#),
    ];
    let report = world.run(plan(RerunSource::Requests, &["a", "b", "c"]));
    assert_eq!((report.ran, report.failed), (1, 1), "{report:?}");
    assert_eq!(report.may_have_run, [MessageId::from("b")]);
    assert_eq!(world.runs, ["a", "b", "c", "a"]);
}

#[test]
fn a_function_that_is_still_broken_ends_it() {
    let mut world = World::new();
    world.answers = (0..50).map(|_| answered(Some("Unhandled"), "{}")).collect();
    let keys: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let report = world.run(plan(RerunSource::Requests, &keys.iter().map(String::as_str).collect::<Vec<_>>()));
    assert!(world.runs.len() < 10 && report.returned > 30 && report.state == EndState::Failed, "{report:?}");
    assert!(report.problem.is_some_and(|why| why.contains("in a row")));
}

#[test]
fn whatever_it_dies_at_nothing_is_run_a_second_time() {
    let deaths: [Death; 4] = [
        |world, order| (matches!(order, Order::Invoke { .. }) && world.runs.len() == 2).then_some(true),
        |world, order| (matches!(order, Order::Invoke { .. }) && world.runs.len() == 2).then_some(false),
        |world, order| (matches!(order, Order::Record(_)) && world.runs.len() >= 3).then_some(true),
        |world, order| (matches!(order, Order::Record(_)) && world.runs.len() >= 3).then_some(false),
    ];
    for dies in deaths {
        let keys = ["a", "b", "c", "d", "e", "f"];
        let mut world = World { dies, ..World::new() };
        let mut machine = Rerun::new(confirm(plan(RerunSource::Requests, &keys)), owner(), 7, START);
        assert_eq!(world.play(&mut machine, START), None, "it dies");
        let record = Record::read(&world.journal).expect("it began");
        world.dies = |_, _| None;
        let confirmed = Confirmed::<RerunPlan>::recorded(&record.began()).expect("of this kind");
        let mut resumed = Rerun::resume(confirmed, owner(), 7, START, &record);
        let report = world.play(&mut resumed, START).expect("it ends");
        let distinct: BTreeSet<&String> = world.runs.iter().collect();
        assert_eq!(distinct.len(), world.runs.len(), "run twice: {:?}", world.runs);
        assert_eq!(report.ran + report.may_have_run.len() as u64, 6, "{report:?}");
        let unrun = keys.iter().filter(|key| !world.runs.iter().any(|run| run == *key));
        assert!(unrun.clone().all(|key| report.may_have_run.iter().any(|id| id.as_str() == *key)), "{report:?}");
        let said = certain(&plan(RerunSource::Requests, &keys), &record);
        assert!(said.iter().any(|line| line.contains("are run now")), "{said:?}");
    }
}

#[test]
fn whoever_leaves_leaves_it_open_and_names_what_is_under_way() {
    let mut machine = Rerun::new(confirm(plan(RerunSource::Requests, &["a", "b", "c", "d", "e"])), owner(), 7, START);
    let mut world = World::new();
    let mut invoked = 0;
    while let Some((id, order)) = machine.poll_order(START) {
        if matches!(order, Order::Invoke { .. }) {
            invoked += 1;
        } else {
            let result = world.answer(&order);
            machine.handle_result(START, id, result);
        }
    }
    assert_eq!(invoked, LANES);
    machine.handle_command(START, Command::Leave);
    let report = world.play(&mut machine, START).expect("it ends");
    assert_eq!((report.may_have_run.len(), report.returned), (LANES, 1));
    assert!(Record::read(&world.journal).expect("it began").is_open());
}
