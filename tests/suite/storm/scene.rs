//! The ground: a pipeline with dead letters that are real jobs, and what has become of each at the end.

use std::collections::BTreeMap;

use redrive::model::census::Census;
use redrive::model::id::{Arn, MessageId, QueueUrl};
use redrive::model::message::Message;
use redrive::model::queue::QueueCounts;
use redrive::operation::order::Order;
use redrive::pipeline::blueprint::Blueprint;
use redrive::pipeline::request::{
    LambdaReply, LambdaRequest, MappingUpdate, Receive, Reply, Request, SqsReply, SqsRequest, WebRequest,
};
use redrive::pipeline::standard::{JOB_DLQ, JOB_QUEUE, JOB_WORKER, standard};
use serde_json::Value;

use crate::storm::order::{counts, request_of};

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

/// Posts so many requests; half a minute later each has put its job into JobQueue.
pub fn post(site: &mut impl Site, messages: usize) {
    const BODY: &str = r#"{"automation":{"steps":[{"action":"send","recipient":"r-1","template":"welcome"}]}}"#;
    for _ in 0..messages {
        let Reply::Web(reply) = site.ask(Request::Web(WebRequest::PostAutomation { body: BODY.to_owned() })) else {
            panic!("the web service answers as such");
        };
        assert_eq!(reply.status, 202, "{}", reply.body);
    }
}

/// Receives the jobs once too often, so that each is dead.
pub fn let_die(site: &mut impl Site, messages: usize) -> Dead {
    let mut empty = 0;
    while empty < 3 {
        empty = if receive(site, JOB_QUEUE, 0).is_empty() { empty + 1 } else { 0 };
    }
    let letters = drain(site, JOB_DLQ);
    let dead: Dead = letters.iter().map(|letter| (letter.id.clone(), job_of(&letter.body))).collect();
    assert_eq!(dead.len(), messages, "each job died once");
    release(site, JOB_DLQ, &letters);
    dead
}

/// All copies there are; every lease has run out. What was looked at is given back.
pub fn count(site: &mut impl Site) -> Copies {
    // Looking is receiving: it must not make anything die.
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":"1000"}}"#, arn(JOB_DLQ));
    let attributes = [("RedrivePolicy".to_owned(), policy)].into();
    site.ask(Request::Sqs(SqsRequest::SetQueueAttributes { queue: url(JOB_QUEUE), attributes }));
    let mut copies = Copies::default();
    for (queue, copies) in [(JOB_DLQ, &mut copies.dead), (JOB_QUEUE, &mut copies.moved)] {
        let found = drain(site, queue);
        for message in &found {
            *copies.entry(job_of(&message.body)).or_default() += 1;
        }
        release(site, queue, &found);
    }
    copies
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

pub fn dead_letters(site: &mut impl Site) -> QueueCounts {
    match site.ask(request_of(&Order::QueueCounts { queue: url(JOB_DLQ) })) {
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

fn drain(site: &mut impl Site, queue: &str) -> Vec<Message> {
    let (mut all, mut empty) = (Vec::new(), 0);
    while empty < 3 {
        let found = receive(site, queue, 3_600);
        empty = if found.is_empty() { empty + 1 } else { 0 };
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

pub fn job_of(body: &str) -> String {
    let job: Option<Value> = serde_json::from_str(body).ok();
    let identity = job.as_ref().and_then(|job| job.get("identity")).and_then(Value::as_str);
    identity.unwrap_or_else(|| panic!("not a job: {body}")).to_owned()
}
