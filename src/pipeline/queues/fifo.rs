//! FIFO queues: stories with the answers AWS gives, and order, lock and deduplication over random
//! schedules.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::model::id::{MessageId, QueueName, ReceiptHandle};
use crate::model::message::{Message, Outgoing};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::QueueBlueprint;
use crate::pipeline::meter::Meter;
use crate::pipeline::queues::Queues;
use crate::pipeline::request::{Receive, RequestId, SqsReply, SqsRequest};

const WORK: &str = "work.fifo";
const DEAD: &str = "dead.fifo";

struct Bench {
    queues: Queues,
    meter: Meter,
    now: Timestamp,
}

impl Bench {
    /// Two receives, ten seconds each, then the dead-letter queue.
    fn new() -> Self {
        let (mut queues, mut meter) = (Queues::new("1", "r", "http://h", 1), Meter::default());
        let work = QueueBlueprint { visibility_s: 10, redrive: Some((DEAD.into(), 2)), ..QueueBlueprint::new(WORK) };
        queues.deploy(Timestamp::ZERO, &[work, QueueBlueprint::new(DEAD)], &mut meter);
        Bench { queues, meter, now: Timestamp::ZERO }
    }

    fn put(&mut self, body: &str, group: &str, id: Option<&str>) -> Result<MessageId, ServiceError> {
        let message = Outgoing {
            body: body.to_owned(),
            group_id: Some(group.to_owned()),
            deduplication_id: id.map(str::to_owned),
            ..Outgoing::default()
        };
        self.queues.put(self.now, &WORK.into(), message, &mut self.meter)
    }

    fn take(&mut self, name: &str, max: usize) -> Vec<Message> {
        self.queues.take(self.now, &name.into(), max, None, &mut self.meter)
    }

    fn bodies(&mut self, name: &str, max: usize) -> Vec<String> {
        self.take(name, max).into_iter().map(|message| message.body).collect()
    }

    fn finish(&mut self, receipt: &ReceiptHandle) -> Result<(), ServiceError> {
        self.queues.finish(self.now, &WORK.into(), receipt, &mut self.meter)
    }

    fn pass(&mut self, s: i64) {
        let end = self.now.plus_s(s);
        while let Some(at) = self.queues.poll_timeout().filter(|at| *at <= end) {
            self.queues.handle_timeout(at, &mut self.meter);
        }
        self.now = end;
    }

    fn visible(&mut self, name: &str) -> u64 {
        self.queues.ready(self.now, &name.into());
        self.queues.counts(&name.into()).visible
    }

    fn ask(&mut self, ask: SqsRequest) -> Option<Result<SqsReply, ServiceError>> {
        self.queues.handle(self.now, RequestId(1), ask, &mut self.meter)
    }
}

#[test]
fn a_receive_takes_one_group_as_far_as_it_can_and_locks_it() {
    let mut bench = Bench::new();
    for (body, group) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("a3", "a"), ("b2", "b")] {
        bench.put(body, group, None).expect("sent");
    }
    let first = bench.take(WORK, 2);
    assert_eq!(first.iter().map(|m| m.body.as_str()).collect::<Vec<_>>(), ["a1", "a2"]);
    assert_eq!(bench.bodies(WORK, 10), ["b1", "b2"], "a3 waits for a1 and a2");
    assert_eq!(bench.visible(WORK), 1, "what is locked counts as visible");
    assert!(bench.bodies(WORK, 10).is_empty());
    bench.finish(&first[0].receipt).expect("deleted");
    assert!(bench.bodies(WORK, 10).is_empty(), "a2 is in flight still");
    bench.finish(&first[1].receipt).expect("deleted");
    assert_eq!(bench.bodies(WORK, 10), ["a3"]);
    bench.pass(10);
    assert_eq!(bench.bodies(WORK, 10), ["b1", "b2", "a3"], "back in the order they came");
}

#[test]
fn a_handle_whose_visibility_is_over_deletes_nothing_and_says_so() {
    let mut bench = Bench::new();
    bench.put("b", "g", None).expect("sent");
    let old = bench.take(WORK, 1).remove(0).receipt;
    bench.pass(10);
    let error = bench.finish(&old).expect_err("visible again");
    assert_eq!(error.code, "InvalidParameterValue");
    assert!(error.message.ends_with("Reason: The receipt handle has expired."), "{}", error.message);
    let new = bench.take(WORK, 1).remove(0).receipt;
    assert!(bench.finish(&old).is_err(), "somebody else has it");
    bench.finish(&new).expect("deleted");
    bench.finish(&new).expect("deleted twice is deleted");
}

#[test]
fn what_is_sent_twice_in_five_minutes_is_there_once_even_when_it_is_done() {
    let mut bench = Bench::new();
    let first = bench.put("same", "g", None).expect("sent");
    assert_eq!(bench.put("same", "other group", None).map_err(|error| error.code), Err("InvalidParameterValue".into()));
    assert_eq!(bench.put("same", "h", None), Ok(first.clone()), "the queue's scope: the group does not matter");
    let taken = bench.take(WORK, 10);
    assert_eq!(taken.len(), 1);
    let system = &taken[0].system;
    assert_eq!(system.deduplication_id.as_deref().map(str::len), Some(64), "the body's SHA-256");
    assert_eq!(system.sequence_number.as_deref().map(str::len), Some(20));
    bench.finish(&taken[0].receipt).expect("deleted");
    bench.pass(299);
    assert_eq!(bench.put("same", "g", None), Ok(first.clone()));
    assert!(bench.take(WORK, 10).is_empty());
    let other = bench.put("same", "g", Some("an/id:of-its.own")).expect("sent");
    assert_ne!(other, first);
    bench.pass(1);
    assert_ne!(bench.put("same", "g", None), Ok(first), "five minutes are over");
    assert_eq!(bench.visible(WORK), 2);
}

#[test]
fn a_dead_letter_begins_anew_under_its_own_id_and_its_group_goes_on() {
    let mut bench = Bench::new();
    let id = bench.put("poison", "g", Some("d")).expect("sent");
    bench.put("behind", "g", None).expect("sent");
    for _ in 0..2 {
        assert_eq!(bench.bodies(WORK, 1), ["poison"]);
        bench.pass(10);
    }
    assert_eq!(bench.bodies(WORK, 1), ["behind"]);
    let dead = bench.take(DEAD, 1).remove(0);
    assert_eq!((dead.id.clone(), dead.system.receive_count), (id.clone(), 3));
    assert_eq!(dead.system.deduplication_id.as_deref(), Some(id.as_str()));
    assert_eq!((dead.system.group_id.as_deref(), dead.system.sent_at), (Some("g"), bench.now));
    assert!(dead.system.sequence_number.is_some());
}

#[test]
fn a_move_task_moves_groups_in_order_and_leaves_alone_what_is_locked() {
    let mut bench = Bench::new();
    for n in 1..=3 {
        bench.put(&format!("a{n}"), "a", None).expect("sent");
        bench.put(&format!("b{n}"), "b", None).expect("sent");
    }
    for _ in 0..2 {
        assert_eq!(bench.take(WORK, 10).len(), 6);
        bench.pass(10);
    }
    assert!(bench.take(WORK, 10).is_empty());
    assert_eq!(bench.visible(DEAD), 6);
    let held = bench.take(DEAD, 1).remove(0);
    assert_eq!(held.body, "a1");
    let source = bench.queues.arn(&DEAD.into());
    bench.queues.start_task(bench.now, &source, None, None).expect("started");
    bench.pass(5);
    assert_eq!(bench.bodies(WORK, 10), ["b1", "b2", "b3"]);
    assert_eq!(bench.visible(DEAD), 2, "a2 and a3 are behind a1");
}

#[test]
fn kinds_do_not_mix() {
    let mut bench = Bench::new();
    let plain = QueueName::from("plain");
    bench.queues.create(bench.now, &plain, &BTreeMap::new(), &mut bench.meter).expect("made");
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":3}}"#, bench.queues.arn(&DEAD.into()));
    let attributes = BTreeMap::from([("RedrivePolicy".to_owned(), policy)]);
    let queue = bench.queues.url(&plain);
    let error = bench.ask(SqsRequest::SetQueueAttributes { queue, attributes }).expect("at once").expect_err("fifo");
    assert!(error.message.ends_with("Dead-letter queue must be same type of queue as the source."));
    let (dead, to) = (bench.queues.arn(&DEAD.into()), bench.queues.arn(&plain));
    let error = bench.queues.start_task(bench.now, &dead, Some(to), None).expect_err("fifo to standard");
    assert_eq!(error.code, "InvalidParameterValue");
    let mut create = |name: &str, fifo: Option<&str>| {
        let attributes = fifo.map(|value| ("FifoQueue".to_owned(), value.to_owned())).into_iter().collect();
        bench.queues.create(bench.now, &name.into(), &attributes, &mut bench.meter).map_err(|error| error.code)
    };
    assert!(create("x.fifo", Some("true")).is_ok());
    assert!(create("x.fifo", Some("true")).is_ok(), "there already");
    assert_eq!(create("y.fifo", None), Err("InvalidParameterValue".into()));
    assert_eq!(create("y", Some("true")), Err("InvalidParameterValue".into()));
    assert_eq!(create("y", Some("false")), Err("InvalidAttributeName".into()));
    assert_eq!(create(".fifo", Some("true")), Err("InvalidParameterValue".into()));
}

#[test]
fn a_delete_unlocks_the_group_for_whoever_waits() {
    let mut bench = Bench::new();
    bench.put("1", "g", None).expect("sent");
    bench.put("2", "g", None).expect("sent");
    let first = bench.take(WORK, 1).remove(0);
    let queue = bench.queues.url(&WORK.into());
    let wait = Receive {
        queue: queue.clone(),
        max: 10,
        visibility_s: None,
        wait_s: Some(20),
        attribute_names: Vec::new(),
        system_names: Vec::new(),
    };
    assert!(bench.ask(SqsRequest::Receive(wait)).is_none(), "locked, so it waits");
    bench.now = bench.now.plus_s(2);
    bench.ask(SqsRequest::Delete { queue, receipt: first.receipt }).expect("at once").expect("deleted");
    let (_, reply) = bench.queues.poll_reply().expect("served at once");
    let Ok(SqsReply::Received { messages, .. }) = reply else { panic!("{reply:?}") };
    assert_eq!(messages[0].body, "2");
}

#[derive(Debug, Clone)]
enum Step {
    Pass { s: i64 },
    Send { group: usize, repeat: bool },
    Receive { max: usize },
    Delete { nth: usize },
    GiveBack { nth: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (1..12_i64).prop_map(|s| Step::Pass { s }),
        4 => (0..3_usize, prop::bool::weighted(0.2)).prop_map(|(group, repeat)| Step::Send { group, repeat }),
        5 => (1..6_usize).prop_map(|max| Step::Receive { max }),
        4 => any::<usize>().prop_map(|nth| Step::Delete { nth }),
        2 => any::<usize>().prop_map(|nth| Step::GiveBack { nth }),
    ]
}

/// What somebody who knows the rules expects, kept without the queue.
#[derive(Default)]
struct Told {
    /// Body → when it was last sent as new.
    sent: BTreeMap<String, Timestamp>,
    /// Messages of a group that are neither deleted nor dead, in order.
    live: BTreeMap<usize, Vec<String>>,
    /// Receipt, body, group, until when it is ours.
    held: Vec<(ReceiptHandle, String, usize, Timestamp)>,
    received: BTreeMap<String, u32>,
}

fn run(bench: &mut Bench, told: &mut Told, step: Step) {
    match step {
        Step::Pass { s } => bench.pass(s),
        Step::Send { group, repeat } => {
            let known = told.sent.len();
            let number = if repeat && known > 0 { known - 1 } else { known };
            let body = format!("m{number}");
            let before = told.sent.get(&body).copied();
            bench.put(&body, &format!("g{group}"), None).expect("sent");
            if before.is_none_or(|at| at.plus_s(300) <= bench.now) {
                told.sent.insert(body.clone(), bench.now);
                // A body that comes again after its time would be in two places: it is a message of its own.
                if before.is_none() {
                    told.live.entry(group).or_default().push(body);
                }
            }
        }
        Step::Receive { max } => {
            let now = bench.now;
            told.held.retain(|(_, _, _, until)| *until > now);
            let locked: BTreeSet<usize> = told.held.iter().map(|(_, _, group, _)| *group).collect();
            let taken = bench.take(WORK, max);
            let mut seen: BTreeMap<usize, Vec<String>> = BTreeMap::new();
            for message in taken {
                let group: usize =
                    message.system.group_id.as_deref().and_then(|g| g[1..].parse().ok()).expect("a group");
                assert!(!locked.contains(&group), "{} came while its group was in flight", message.body);
                *told.received.entry(message.body.clone()).or_default() += 1;
                seen.entry(group).or_default().push(message.body.clone());
                told.held.push((message.receipt, message.body, group, now.plus_s(10)));
            }
            // Whoever had two receives in vain is dead as soon as its turn comes.
            for (group, bodies) in seen {
                let live = told.live.entry(group).or_default();
                let dead = |body: &String, received: &BTreeMap<String, u32>| {
                    !bodies.contains(body) && received.get(body).is_some_and(|n| *n >= 2)
                };
                live.retain(|body| !dead(body, &told.received));
                assert_eq!(live[..bodies.len()], bodies[..], "out of order");
            }
        }
        Step::Delete { nth } if !told.held.is_empty() => {
            let nth = nth % told.held.len();
            let (receipt, body, group, until) = told.held.remove(nth);
            let done = bench.finish(&receipt);
            assert_eq!(done.is_ok(), until > bench.now, "{body}: {done:?}");
            if done.is_ok() {
                told.live.entry(group).or_default().retain(|other| *other != body);
            }
        }
        Step::GiveBack { nth } if !told.held.is_empty() => {
            let nth = nth % told.held.len();
            let (receipt, _, _, until) = told.held.remove(nth);
            let done = bench.queues.set_visibility(bench.now, &WORK.into(), &receipt, 0);
            assert_eq!(done.is_ok(), until > bench.now);
        }
        Step::Delete { .. } | Step::GiveBack { .. } => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_keep_their_order_and_nothing_is_there_twice(steps in prop::collection::vec(step(), 1..120)) {
        let (mut bench, mut told) = (Bench::new(), Told::default());
        for step in steps {
            // Long enough for the order of five minutes' sends, short enough that no id comes back.
            if bench.now >= Timestamp::from_s(299) {
                break;
            }
            run(&mut bench, &mut told, step);
            let mut count: BTreeMap<String, u32> = BTreeMap::new();
            bench.queues.each_body(bench.now, |_, body, _, _| *count.entry(body.to_owned()).or_default() += 1);
            prop_assert!(count.values().all(|n| *n == 1), "{count:?}");
            let live: usize = told.live.values().map(Vec::len).sum();
            prop_assert!(count.len() >= live, "{count:?} lacks some of {:?}", told.live);
        }
    }
}
