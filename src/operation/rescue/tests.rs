//! Pointers, a stream and a function, seen from the machine.

use serde_json::{Value, json};

use super::*;
use crate::model::message::{Attributes, Message, SystemAttributes};
use crate::model::queue::QueueCounts;
use crate::model::stream::StreamRecord;
use crate::model::trial::Invoked;
use crate::operation::order::EndState;
use crate::operation::progress::RescueReport;
use crate::operation::soak::play::{Played, play_slowly, refused};
use crate::operation::soak::{START, confirm, owner};

fn sequence(n: usize) -> String {
    format!("{}", 100_000_000_000_000_000_000_u128 + n as u128)
}

fn body(first: usize, last: usize, size: usize, function: &str) -> String {
    json!({
        "requestContext": {"functionArn": format!("arn:aws:lambda:r:1:function:{function}"), "condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {"shardId": "s", "startSequenceNumber": sequence(first), "endSequenceNumber": sequence(last),
            "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z", "batchSize": size, "streamArn": "arn:stream"},
    })
    .to_string()
}

struct World {
    there: Vec<(MessageId, String)>,
    hidden: Vec<MessageId>,
    /// Records still in the stream, by number.
    stream: Range<usize>,
    /// What each invocation is answered with; then success.
    answers: Vec<OrderResult>,
    /// Sequence numbers of each invocation.
    runs: Vec<Vec<String>>,
    /// Of deletes, one after the other: the seconds it takes, whether it does anything, whether the pointer shows
    /// again; then they are soon done.
    deletes: Vec<(i64, bool, bool)>,
    /// Held by somebody else.
    others: u64,
    journal: Vec<JournalEntry>,
}

impl World {
    fn new(bodies: &[(&str, String)]) -> Self {
        let there = bodies.iter().map(|(id, body)| (MessageId::from(*id), body.clone())).collect();
        World {
            there,
            hidden: Vec::new(),
            stream: 0..100,
            answers: Vec::new(),
            runs: Vec::new(),
            deletes: Vec::new(),
            others: 0,
            journal: Vec::new(),
        }
    }

    fn answer(&mut self, order: &Order) -> OrderResult {
        let ok = |n: usize| Outcome::Done(Answer::Entries(vec![Ok(()); n]));
        match order {
            Order::Record(entries) => {
                self.journal.extend(entries.iter().cloned());
                Outcome::Done(Answer::Recorded)
            }
            Order::Receive { max, .. } => {
                let visible = self.there.iter().filter(|(id, _)| !self.hidden.contains(id));
                let taken: Vec<Message> =
                    visible.take(*max as usize).map(|(id, body)| message(id.clone(), body.clone())).collect();
                self.hidden.extend(taken.iter().map(|message| message.id.clone()));
                Outcome::Done(Answer::Received(taken))
            }
            Order::Extend { entries, visibility_s, .. } => {
                assert!(*visibility_s >= 180, "{visibility_s}");
                ok(entries.len())
            }
            Order::Release { entries, .. } => {
                self.hidden.retain(|id| !entries.iter().any(|lease| lease.id == *id));
                ok(entries.len())
            }
            Order::ReadStream { pointer } => {
                let first = (0..100).find(|n| pointer.holds(&sequence(*n))).expect("it names a record");
                if first < self.stream.start {
                    return refused("TrimmedDataAccessException", "trimmed");
                }
                let named = self.stream.clone().filter(|n| pointer.holds(&sequence(*n)));
                Outcome::Done(Answer::Records(named.map(record).collect()))
            }
            Order::Invoke { payload, .. } => {
                let event: Value = serde_json::from_str(payload).expect("JSON");
                let records = event["Records"].as_array().expect("records");
                let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap_or("").to_owned();
                self.runs.push(records.iter().map(number).collect());
                if self.answers.is_empty() { answered(None, "null") } else { self.answers.remove(0) }
            }
            Order::Delete { entries, .. } => {
                let named = |id: &MessageId| entries.iter().any(|lease| lease.id == *id);
                let (_, takes, shows) = self.deletes.first().copied().unwrap_or((0, true, false));
                self.there.retain(|(id, _)| !takes || !named(id));
                self.hidden.retain(|id| !shows || !named(id));
                ok(entries.len())
            }
            Order::QueueCounts { .. } => {
                let ours = self.there.iter().filter(|(id, _)| self.hidden.contains(id)).count() as u64;
                let counts = QueueCounts { in_flight: ours + self.others, ..QueueCounts::default() };
                Outcome::Done(Answer::Counts(counts))
            }
            other => panic!("not an order of a rescue: {other:?}"),
        }
    }

    fn plan(&self) -> RescuePlan {
        let target =
            RescueTarget { function: "LogWorker".into(), timeout_s: Some(60), batch: 4, parallelization_factor: 1 };
        RescuePlan {
            from: "https://sqs/1/LogFailures".into(),
            ids: self.there.iter().map(|(id, _)| id.clone()).collect(),
            targets: vec![target],
            records: 10,
            reason: None,
        }
    }

    fn run(&mut self) -> RescueReport {
        let report = self.play(Rescue::new(confirm(self.plan()), owner(), 7, START));
        let left = |id: &MessageId| self.there.iter().any(|(there, _)| there == id);
        assert!(!self.hidden.iter().any(left), "something is left hidden: {:?}", self.hidden);
        report
    }

    fn play(&mut self, mut rescue: Rescue) -> RescueReport {
        let Played { report, .. } = play_slowly(&mut rescue, START, Vec::new(), |_, order| {
            let answer = self.answer(order);
            let deleting = matches!(order, Order::Delete { .. }) && !self.deletes.is_empty();
            let takes_ms = if deleting { self.deletes.remove(0).0 * 1_000 } else { 20 };
            (takes_ms.max(20), answer)
        });
        let Report::Rescue(report) = report else { panic!("{report:?}") };
        assert_eq!(report.rescued + report.failed + report.gone + report.returned, report.asked, "{report:?}");
        report
    }
}

fn message(id: MessageId, body: String) -> Message {
    Message {
        receipt: format!("r-{id}").into(),
        id,
        body,
        attributes: Attributes::new(),
        system: SystemAttributes::default(),
    }
}

fn record(n: usize) -> StreamRecord {
    StreamRecord {
        event_id: format!("e{n}"),
        event_name: "INSERT".into(),
        event_version: "1.1".into(),
        region: "r".into(),
        created_at_s: 7,
        keys: json!({"k": {"N": n.to_string()}}),
        new_image: Some(json!({"k": {"N": n.to_string()}})),
        old_image: None,
        sequence_number: sequence(n),
        size_bytes: 9,
        view: "NEW_IMAGE".into(),
        identity: None,
    }
}

fn answered(error: Option<&str>, payload: &str) -> OrderResult {
    let invoked = Invoked { error: error.map(str::to_owned), payload: payload.to_owned(), log_tail: None };
    Outcome::Done(Answer::Invoked(Box::new(invoked)))
}

#[test]
fn records_go_in_order_a_batch_at_a_time_and_the_pointer_goes_last() {
    let mut world = World::new(&[("p-1", body(10, 18, 9, "LogWorker")), ("p-2", body(30, 30, 1, "LogWorker"))]);
    let report = world.run();
    assert_eq!((report.rescued, report.records, report.state), (2, 10, EndState::Done), "{report:?}");
    let mut runs = world.runs.clone();
    runs.sort_by_key(|run| run[0].clone());
    let expected = [10..14, 14..18, 18..19, 30..31].map(|range| range.map(sequence).collect::<Vec<_>>());
    assert_eq!(runs, expected);
    assert!(world.there.is_empty());
    let noted = world.journal.iter().filter(|entry| matches!(entry, JournalEntry::Noted { .. })).count();
    assert_eq!(noted, 4, "each run is written down before it is asked for");
}

#[test]
fn a_partial_answer_leaves_the_pointer_and_says_how_far_it_came() {
    let mut world = World::new(&[("p-1", body(10, 18, 9, "LogWorker"))]);
    let failed = json!({"batchItemFailures": [{"itemIdentifier": sequence(16)}, {"itemIdentifier": sequence(15)}]});
    world.answers = vec![answered(None, "null"), answered(None, &failed.to_string())];
    let report = world.run();
    assert_eq!((report.rescued, report.failed, report.records), (0, 1, 5), "{report:?}");
    assert!(report.faults[0].1.contains("5 of its 9 records came through before"), "{:?}", report.faults);
    assert_eq!((world.runs.len(), world.there.len(), report.state), (2, 1, EndState::Partly));
}

#[test]
fn what_cannot_be_run_for_certain_stays() {
    for (answer, why) in [
        (answered(Some("Unhandled"), r#"{"errorMessage":"mapper_parsing_exception"}"#), "mapper_parsing_exception"),
        (answered(None, r#"{"batchItemFailures":[{"itemIdentifier":"7"}]}"#), "not of this batch"),
        (Outcome::Unknown("cut".to_owned()), "may have been run"),
        (refused("TooManyRequestsException", "Rate Exceeded."), "not run"),
    ] {
        let mut world = World::new(&[("p-1", body(10, 11, 2, "LogWorker"))]);
        world.answers = vec![answer];
        let report = world.run();
        assert!(report.faults[0].1.contains(why), "{:?}", report.faults);
        assert_eq!((world.there.len(), report.rescued), (1, 0));
    }
}

#[test]
fn records_that_are_gone_and_pointers_of_others_are_left_and_named() {
    let mut world = World::new(&[
        ("gone", body(10, 12, 3, "LogWorker")),
        ("short", body(97, 99, 5, "LogWorker")),
        ("theirs", body(60, 61, 2, "Other")),
        ("letter", r#"{"run":"run-1"}"#.to_owned()),
        ("good", body(60, 63, 2, "LogWorker")),
    ]);
    world.stream = 50..100;
    let report = world.run();
    assert_eq!((report.rescued, report.failed, report.state), (1, 4, EndState::Partly), "{report:?}");
    let why =
        |id: &str| report.faults.iter().find(|(of, _)| of.as_str() == id).map(|(_, why)| why.as_str()).unwrap_or("");
    assert!(why("gone").contains("gone from the stream"), "{}", why("gone"));
    assert!(why("short").contains("only 3 of its 5 records"), "{}", why("short"));
    assert!(why("theirs").contains("Other, which is not on the card"));
    assert!(why("letter").contains("no pointer"));
    // A range with more records than the batch had holds those of other lanes.
    assert_eq!((report.records, world.runs.len()), (4, 1));
}

/// Longer than the lease of a pointer at hand.
const TOO_LATE_S: i64 = 200;

#[test]
fn a_pointer_that_shows_again_is_deleted_again_and_its_records_run_once() {
    // Its first delete does nothing although it is answered well, in time or too late.
    for took_s in [0, TOO_LATE_S] {
        let mut world = World::new(&[("p-1", body(10, 11, 2, "LogWorker")), ("p-2", body(30, 30, 1, "LogWorker"))]);
        world.deletes = vec![(took_s, false, true)];
        let report = world.run();
        assert_eq!((report.rescued, report.records, report.state), (2, 3, EndState::Done), "{report:?}");
        assert!(world.there.is_empty() && report.doubtful.is_empty());
        assert_eq!(world.runs.len(), 2, "nothing runs twice: {:?}", world.runs);
    }
}

#[test]
fn a_delete_that_came_too_late_is_named_where_the_queue_does_not_tell_and_looked_for_by_a_resume() {
    let mut world = World::new(&[("p-1", body(10, 11, 2, "LogWorker"))]);
    let plan = world.plan();
    (world.deletes, world.others) = (vec![(TOO_LATE_S, false, false)], 1);
    let report = world.play(Rescue::new(confirm(plan.clone()), owner(), 7, START));
    assert_eq!((report.rescued, report.failed, report.doubtful.len()), (0, 1, 1), "{report:?}");
    assert!(report.line().contains("1 perhaps deleted") && !report.line().contains("stay"), "{}", report.line());
    assert!(report.faults[0].1.contains("do not rescue it again"), "{:?}", report.faults);

    // As it would be taken up, had it been cut off before its end.
    world.journal.retain(|entry| !matches!(entry, JournalEntry::Ended { .. }));
    let record = Record::read(&world.journal).expect("it began");
    assert!(record.certain().iter().any(|line| line.contains("1 of them deleted when")), "{:?}", record.certain());
    (world.hidden, world.others) = (Vec::new(), 0);
    let report = world.play(Rescue::resume(confirm(plan), owner(), 7, START.plus_s(900), &record));
    assert_eq!((report.rescued, report.state, world.there.len()), (1, EndState::Done, 0), "{report:?}");
    assert_eq!(world.runs.len(), 1, "its records came through before");
}

#[test]
fn what_somebody_else_may_hold_is_not_called_gone() {
    let mut world = World::new(&[("p-1", body(10, 11, 2, "LogWorker"))]);
    let plan = world.plan();
    (world.hidden, world.others) = (vec!["p-1".into()], 1);
    let report = world.play(Rescue::new(confirm(plan), owner(), 7, START));
    assert_eq!((report.gone, report.failed), (0, 1), "{report:?}");
    assert!(report.faults[0].1.starts_with("it was not found"), "{:?}", report.faults);
}

#[test]
fn no_receive_is_out_while_a_pointer_is_at_hand() {
    let mut world = World::new(&[("p-1", body(10, 18, 9, "LogWorker")), ("p-2", body(30, 30, 1, "LogWorker"))]);
    let mut rescue = Rescue::new(confirm(world.plan()), owner(), 7, START);
    let (mut now, mut invoked) = (START, 0);
    while !rescue.is_finished() {
        let mut orders: Vec<(OrderId, Order)> = Vec::new();
        while let Some(order) = rescue.poll_order(now) {
            orders.push(order);
        }
        assert!(!orders.is_empty(), "it is never idle here");
        let receives = orders.iter().filter(|(_, order)| matches!(order, Order::Receive { .. })).count();
        let at_hand =
            |order: &Order| matches!(order, Order::Extend { .. } | Order::Invoke { .. } | Order::Delete { .. });
        assert!(receives <= 1 && (receives == 0 || !orders.iter().any(|(_, order)| at_hand(order))), "{orders:?}");
        invoked += orders.iter().filter(|(_, order)| matches!(order, Order::Invoke { .. })).count();
        for (id, order) in orders {
            now = now.plus_ms(20);
            let answer = world.answer(&order);
            rescue.handle_result(now, id, answer);
        }
    }
    assert_eq!(invoked, 4);
}
