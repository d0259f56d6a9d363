//! The ground: a pipeline with dead letters that are real jobs, and what has become of each at the end.

use std::collections::BTreeMap;

use redrive::model::census::Census;
use redrive::model::id::{Arn, MessageId, QueueUrl};
use redrive::model::message::{Message, Outgoing};
use redrive::model::queue::QueueCounts;
use redrive::model::stream::StreamPointer;
use redrive::operation::order::{Lease, Order};
use redrive::pipeline::blueprint::{Blueprint, QueueBlueprint};
use redrive::pipeline::request::{
    LambdaReply, LambdaRequest, MappingUpdate, Receive, Reply, Request, SqsReply, SqsRequest, WebRequest,
};
use redrive::pipeline::standard::{JOB_DLQ, JOB_QUEUE, JOB_WORKER, standard};
use serde_json::Value;

use crate::storm::order::{counts, request_of};

/// A queue and where its dead letters are.
#[derive(Debug, Clone, Copy)]
pub struct Queues {
    pub jobs: &'static str,
    pub dead: &'static str,
    pub fifo: bool,
    /// Whoever consumes puts its dead letters there by itself, as they are: then they do not say where they
    /// came from, and keep their deduplication ids.
    pub by_hand: bool,
}

pub const STANDARD: Queues = Queues { jobs: JOB_QUEUE, dead: JOB_DLQ, fifo: false, by_hand: false };
pub const FIFO: Queues = Queues { jobs: "Orders.fifo", dead: "OrdersDead.fifo", fifo: true, by_hand: false };
pub const FIFO_BY_HAND: Queues = Queues { by_hand: true, ..FIFO };

/// Whoever answers for the pipeline, past all faults.
pub trait Site {
    fn ask(&mut self, request: Request) -> Reply;
    fn census(&mut self) -> Census;
}

/// Dead letters and the jobs they carry.
pub type Dead = BTreeMap<MessageId, String>;

/// How many copies there are of each job.
#[derive(Debug, Default)]
pub struct Copies {
    pub dead: BTreeMap<String, usize>,
    pub moved: BTreeMap<String, usize>,
    /// Those that were moved, as their queue hands them out: group and job.
    pub order: Vec<(String, String)>,
}

impl Copies {
    pub fn of(&self, job: &str) -> usize {
        [&self.dead, &self.moved].into_iter().filter_map(|copies| copies.get(job)).sum()
    }
}

/// Nothing arrives by itself, and nobody consumes until [`consume`].
pub fn blueprint() -> Blueprint {
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = 0;
    for mapping in &mut blueprint.mappings {
        mapping.enabled = mapping.function.as_str() != JOB_WORKER;
    }
    blueprint.queues.push(QueueBlueprint { redrive: Some((FIFO.dead.into(), 1)), ..QueueBlueprint::new(FIFO.jobs) });
    blueprint.queues.push(QueueBlueprint::new(FIFO.dead));
    for queue in &mut blueprint.queues {
        if let Some((_, most)) = &mut queue.redrive {
            *most = 1;
        }
    }
    blueprint
}

pub fn url(queue: &str) -> QueueUrl {
    let blueprint = standard();
    format!("{}/{}/{queue}", blueprint.sqs_endpoint, blueprint.account).into()
}

pub fn arn(queue: &str) -> Arn {
    let blueprint = standard();
    format!("arn:aws:sqs:{}:{}:{queue}", blueprint.region, blueprint.account).into()
}

/// Has so many jobs put into their queue, half a minute from now at the latest; the ids of those that
/// have one already.
pub fn begin(site: &mut impl Site, queues: Queues, messages: usize) -> Dead {
    if queues.fifo {
        return (0..messages).map(|n| send_ordered(site, n)).collect();
    }
    post(site, messages);
    Dead::new()
}

/// Several groups, each in the order of its numbers.
fn send_ordered(site: &mut impl Site, n: usize) -> (MessageId, String) {
    let job = format!("order-{n:05}");
    let message = Outgoing {
        body: format!(r#"{{"identity":"{job}"}}"#),
        group_id: Some(format!("customer-{}", n % 7)),
        deduplication_id: Some(format!("first-{n}")),
        ..Outgoing::default()
    };
    match site.ask(Request::Sqs(SqsRequest::Send { queue: url(FIFO.jobs), message })) {
        Reply::Sqs(SqsReply::Sent(sent)) => (sent.id, job),
        other => panic!("sent {other:?}"),
    }
}

fn post(site: &mut impl Site, messages: usize) {
    const BODY: &str = r#"{"automation":{"steps":[{"action":"send","recipient":"r-1","template":"welcome"}]}}"#;
    for _ in 0..messages {
        let Reply::Web(reply) = site.ask(Request::Web(WebRequest::PostAutomation { body: BODY.to_owned() })) else {
            panic!("the web service answers as such");
        };
        assert_eq!(reply.status, 202, "{}", reply.body);
    }
}

/// Receives the jobs once too often, so that each is dead.
pub fn let_die(site: &mut impl Site, queues: Queues, begun: Dead, messages: usize) -> Dead {
    let begun = if queues.by_hand { put_aside(site, queues) } else { begun };
    let mut empty = 0;
    while empty < 3 {
        empty = if receive(site, queues.jobs, 0).is_empty() { empty + 1 } else { 0 };
    }
    let dead = if queues.fifo {
        begun
    } else {
        let letters = drain(site, queues.dead, false);
        release(site, queues.dead, &letters);
        letters.iter().map(|letter| (letter.id.clone(), job_of(&letter.body))).collect()
    };
    let there = dead_letters(site, queues).visible;
    assert_eq!((dead.len(), there), (messages, messages as u64), "each job died once");
    dead
}

/// As a consumer does that keeps dead letters itself.
fn put_aside(site: &mut impl Site, queues: Queues) -> Dead {
    let mut dead = Dead::new();
    for message in drain(site, queues.jobs, true) {
        let outgoing = Outgoing {
            body: message.body.clone(),
            group_id: message.system.group_id,
            deduplication_id: message.system.deduplication_id,
            ..Outgoing::default()
        };
        match site.ask(Request::Sqs(SqsRequest::Send { queue: url(queues.dead), message: outgoing })) {
            Reply::Sqs(SqsReply::Sent(sent)) => dead.insert(sent.id, job_of(&message.body)),
            other => panic!("sent {other:?}"),
        };
    }
    dead
}

/// All copies there are; every lease has run out. What was looked at is given back, but for what is in
/// order: of that no more can be seen than is taken away.
pub fn count(site: &mut impl Site, queues: Queues) -> Copies {
    // Looking is receiving: it must not make anything die.
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":"1000"}}"#, arn(queues.dead));
    let attributes = [("RedrivePolicy".to_owned(), policy)].into();
    site.ask(Request::Sqs(SqsRequest::SetQueueAttributes { queue: url(queues.jobs), attributes }));
    let (mut copies, mut order) = (Copies::default(), Vec::new());
    for (queue, copies) in [(queues.dead, &mut copies.dead), (queues.jobs, &mut copies.moved)] {
        let found = drain(site, queue, queues.fifo);
        for message in &found {
            *copies.entry(job_of(&message.body)).or_default() += 1;
        }
        release(site, queue, &found);
        // The last one's stays: those that were moved.
        order = found.iter().map(|one| (one.system.group_id.clone().unwrap_or_default(), job_of(&one.body))).collect();
    }
    Copies { order, ..copies }
}

/// From now on the jobs are done.
pub fn consume(site: &mut impl Site) {
    let all = LambdaRequest::ListMappings { source: None, function: None, max: None, marker: None };
    let Reply::Lambda(LambdaReply::Mappings { mappings, .. }) = site.ask(Request::Lambda(all)) else {
        panic!("mappings are listed");
    };
    let mapping = mappings.into_iter().find(|mapping| mapping.function.as_str() == JOB_WORKER).expect("it is there");
    let update = MappingUpdate { enabled: Some(true), ..MappingUpdate::default() };
    site.ask(Request::Lambda(LambdaRequest::UpdateMapping { id: mapping.id, update }));
}

pub fn dead_letters(site: &mut impl Site, queues: Queues) -> QueueCounts {
    match site.ask(request_of(&Order::QueueCounts { queue: url(queues.dead) })) {
        Reply::Sqs(SqsReply::Attributes(attributes)) => counts(&attributes),
        other => panic!("no attributes: {other:?}"),
    }
}

pub fn receive(site: &mut impl Site, queue: &str, visibility_s: u32) -> Vec<Message> {
    receive_some(site, queue, visibility_s, 10)
}

pub fn receive_some(site: &mut impl Site, queue: &str, visibility_s: u32, max: u32) -> Vec<Message> {
    let ask = Receive {
        queue: url(queue),
        max,
        visibility_s: Some(visibility_s),
        wait_s: Some(0),
        attribute_names: vec!["All".to_owned()],
        system_names: vec!["All".to_owned()],
    };
    match site.ask(Request::Sqs(SqsRequest::Receive(ask))) {
        Reply::Sqs(SqsReply::Received { messages, .. }) => messages,
        other => panic!("received {other:?}"),
    }
}

fn drain(site: &mut impl Site, queue: &str, takes: bool) -> Vec<Message> {
    let (mut all, mut empty) = (Vec::new(), 0);
    while empty < 3 {
        let found = receive(site, queue, 3_600);
        empty = if found.is_empty() { empty + 1 } else { 0 };
        if takes && !found.is_empty() {
            let lease = |message: &Message| Lease { id: message.id.clone(), receipt: message.receipt.clone() };
            let entries = found.iter().map(lease).collect();
            site.ask(request_of(&Order::Delete { queue: url(queue), entries }));
        }
        all.extend(found);
    }
    all
}

fn release(site: &mut impl Site, queue: &str, messages: &[Message]) {
    for chunk in messages.chunks(10) {
        let entries =
            chunk.iter().enumerate().map(|(n, message)| (format!("e{n}"), message.receipt.clone(), 0)).collect();
        site.ask(Request::Sqs(SqsRequest::ChangeVisibilityBatch { queue: url(queue), entries }));
    }
}

/// Moves a message as another tool does: sent and deleted, no questions asked.
pub fn move_by_hand(site: &mut impl Site, queues: Queues, message: &Message) {
    let outgoing = Outgoing {
        body: message.body.clone(),
        attributes: message.attributes.clone(),
        group_id: message.system.group_id.clone().filter(|_| queues.fifo),
        deduplication_id: queues.fifo.then(|| format!("by-hand-{}", message.id)),
        ..Outgoing::default()
    };
    let lease = Lease { id: message.id.clone(), receipt: message.receipt.clone() };
    site.ask(request_of(&Order::Send { queue: url(queues.jobs), entries: vec![outgoing] }));
    site.ask(request_of(&Order::Delete { queue: url(queues.dead), entries: vec![lease] }));
}

/// What is in the queue of dead letters, given back.
pub fn seen(site: &mut impl Site, queues: Queues) -> Vec<Message> {
    let letters = drain(site, queues.dead, false);
    release(site, queues.dead, &letters);
    letters
}

/// What a message is counted by: the identity of its job, or the first record that it points at.
pub fn job_of(body: &str) -> String {
    if let Some(pointer) = StreamPointer::parse(body) {
        return format!("{}:{}", pointer.shard, pointer.first);
    }
    let job: Option<Value> = serde_json::from_str(body).ok();
    let identity = job.as_ref().and_then(|job| job.get("identity")).and_then(Value::as_str);
    identity.unwrap_or_else(|| panic!("not a job: {body}")).to_owned()
}
