//! A mapping on a FIFO queue, seen from an external function: order within a group, one batch of a
//! group at a time, and what a partial failure holds up.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::message::Outgoing;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::{Blueprint, BlueprintError, QueueBlueprint, Source};
use crate::pipeline::external::{Invocation, Outcome};
use crate::pipeline::function::answer;
use crate::pipeline::request::{LambdaRequest, MappingUpdate, Reply, Request, RequestId, SqsRequest};
use crate::pipeline::standard::{JOB_WORKER, standard};

const START: Timestamp = Timestamp::from_s(1_767_225_600);
const QUEUE: &str = "orders.fifo";

fn blueprint() -> Blueprint {
    let mut blueprint = standard();
    blueprint.queues.push(QueueBlueprint { visibility_s: 30, ..QueueBlueprint::new(QUEUE) });
    blueprint.mappings[0].source = Source::Queue(QUEUE.into());
    blueprint.load.requests_per_ks = 0;
    let worker = blueprint.functions.iter_mut().find(|function| function.name.as_str() == JOB_WORKER);
    worker.expect("JobWorker").external = true;
    blueprint
}

struct Bench {
    pipeline: Pipeline,
    requests: u64,
}

impl Bench {
    fn new() -> Self {
        Bench { pipeline: Pipeline::new(blueprint(), 7, START).expect("sound"), requests: 0 }
    }

    fn ask(&mut self, request: Request) -> Result<Reply, String> {
        self.requests += 1;
        self.pipeline.handle_request(self.pipeline.now(), RequestId(self.requests), request);
        let (_, answer) = self.pipeline.poll_response().expect("at once");
        answer.map_err(|error| error.message)
    }

    fn send(&mut self, group: &str, body: &str) {
        let queue = format!("https://sqs/{}/{QUEUE}", self.pipeline.blueprint().account);
        let message = Outgoing { body: body.to_owned(), group_id: Some(group.to_owned()), ..Outgoing::default() };
        self.ask(Request::Sqs(SqsRequest::Send { queue: queue.into(), message })).expect("sent");
    }

    /// Runs until something is to be invoked, at most `s` seconds.
    fn invocation(&mut self, s: i64) -> Option<Invocation> {
        let end = self.pipeline.now().plus_s(s);
        loop {
            if let Some(invocation) = self.pipeline.poll_invocation() {
                return Some(invocation);
            }
            let next = self.pipeline.poll_timeout().filter(|at| *at <= end)?;
            self.pipeline.handle_timeout(next);
        }
    }

    fn answer(&mut self, invocation: &Invocation, failed: &[&str]) {
        let ids: Vec<String> = records(invocation)
            .iter()
            .filter(|record| failed.contains(&record["body"].as_str().unwrap_or_default()))
            .map(|record| record["messageId"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(ids.len(), failed.len());
        self.pipeline.handle_outcome(self.pipeline.now(), invocation.id, Outcome::Returned(answer::report(&ids)));
    }
}

fn records(invocation: &Invocation) -> Vec<Value> {
    let event: Value = serde_json::from_str(&invocation.payload).expect("JSON");
    event["Records"].as_array().cloned().unwrap_or_default()
}

fn bodies(invocation: &Invocation) -> Vec<String> {
    records(invocation).iter().map(|record| record["body"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_failed_message_holds_up_its_group_and_nobody_else() {
    let mut bench = Bench::new();
    for n in 1..=3 {
        bench.send("a", &format!("a{n}"));
        bench.send("b", &format!("b{n}"));
    }
    let first = bench.invocation(5).expect("a batch");
    assert_eq!(bodies(&first), ["a1", "a2", "a3", "b1", "b2", "b3"], "several groups, each in order");
    let attributes = &records(&first)[0]["attributes"];
    assert_eq!(attributes["MessageGroupId"], "a");
    assert!(attributes["SequenceNumber"].is_string() && attributes["MessageDeduplicationId"].is_string());
    bench.send("a", "a4");
    bench.send("b", "b4");
    assert!(bench.invocation(3).is_none(), "both groups are in flight");
    // As AWS advises: the first that failed and everything behind it.
    bench.answer(&first, &["a2", "a3"]);
    let second = bench.invocation(5).expect("b is free again");
    assert_eq!(bodies(&second), ["b4"]);
    bench.answer(&second, &[]);
    assert!(bench.invocation(15).is_none(), "a4 does not overtake a2 and a3");
    let third = bench.invocation(30).expect("their visibility is over");
    assert_eq!(bodies(&third), ["a2", "a3", "a4"]);
    assert_eq!(records(&third)[0]["attributes"]["ApproximateReceiveCount"], "2");
}

#[test]
fn as_many_batches_run_as_groups_are_free() {
    let mut bench = Bench::new();
    for n in 0..30 {
        bench.send(&format!("g{}", n % 3), &format!("{n}"));
    }
    let mut running: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while let Some(invocation) = bench.invocation(2) {
        assert!(records(&invocation).len() <= 10);
        for record in records(&invocation) {
            let group = record["attributes"]["MessageGroupId"].as_str().unwrap_or_default().to_owned();
            running.entry(group).or_default().push(record["body"].as_str().unwrap_or_default().to_owned());
        }
    }
    for (group, bodies) in &running {
        let numbers: Vec<u32> = bodies.iter().map(|body| body.parse().expect("a number")).collect();
        assert!(numbers.is_sorted() && numbers.len() == 10, "{group}: {numbers:?}");
    }
    assert_eq!(running.len(), 3);
}

#[test]
fn a_fifo_mapping_takes_ten_at_most_and_waits_for_nothing() {
    let mut bench = Bench::new();
    let id = bench.pipeline.blueprint().mappings[0].id.clone();
    let mut update = |update: MappingUpdate| {
        bench.ask(Request::Lambda(LambdaRequest::UpdateMapping { id: id.clone(), update })).expect_err("refused")
    };
    let eleven = MappingUpdate { batch_size: Some(11), window_s: Some(1), ..MappingUpdate::default() };
    assert!(update(eleven).contains("FIFO queues is 10"));
    let window = MappingUpdate { window_s: Some(1), ..MappingUpdate::default() };
    assert!(update(window).contains("not supported for FIFO queues"));
    let mut eleven = blueprint();
    eleven.mappings[0].settings.batch_size = Some(11);
    assert!(matches!(eleven.check(), Err(BlueprintError::Range { .. })));
    let mut mixed = blueprint();
    mixed.queues[0].redrive = Some((QUEUE.into(), 3));
    assert!(matches!(mixed.check(), Err(BlueprintError::OtherKind { .. })));
}
