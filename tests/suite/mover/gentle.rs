//! Gentle unless told otherwise: dead letters go back into a consumer with a quarter of its load
//! to spare, at the rate nobody chose, while its live jobs come in. Each live job's wait, from its send
//! to its first run, is counted: before the redrive, and while it runs.

use std::collections::BTreeMap;

use redrive::model::id::{Arn, MessageId, QueueUrl};
use redrive::model::mapping::Mapping;
use redrive::model::message::Outgoing;
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::observed::Observed;
use redrive::model::picture::Picture;
use redrive::model::plan::RedrivePlan;
use redrive::model::service_error::Outcome;
use redrive::model::time::Timestamp;
use redrive::operation::card::Facts;
use redrive::operation::confirm::{Consent, Preflight};
use redrive::operation::order::{Answer, EndState, Order, OrderId, OrderResult, Vitals};
use redrive::operation::progress::{RedriveReport, Report};
use redrive::operation::redrive::{MARK, Redrive};
use redrive::operation::{Operation, Owner, advice};
use redrive::pipeline::Pipeline;
use redrive::pipeline::external;
use redrive::pipeline::request::{
    CloudWatchReply, CloudWatchRequest, GetMetricData, InvocationId, LambdaReply, LambdaRequest, Receive, Reply,
    Request, RequestId, Response, SqsReply, SqsRequest,
};
use redrive::pipeline::standard::{JOB_DLQ, JOB_QUEUE, JOB_WORKER, standard};

const START: Timestamp = Timestamp::from_s(1_767_225_600);
/// Twenty jobs at a time, a second each, sixteen a second coming in: a quarter more than comes in
/// could be done.
const AT_A_TIME: u32 = 20;
const SERVICE_MS: u64 = 1_000;
const LIVE_PER_S: f64 = 16.0;

/// A consumer of our own on the real queue, mapping and lanes of the pipeline.
struct Consumer {
    pipeline: Pipeline,
    now: Timestamp,
    chance: u64,
    next_request: u64,
    live_at: Timestamp,
    runs: BTreeMap<(Timestamp, u64), InvocationId>,
    /// When it came, and how long each live job waited for its first run, in milliseconds.
    waits: Vec<(Timestamp, i64)>,
    /// Calls under way, and answers on their way back.
    asked: BTreeMap<RequestId, (OrderId, Order)>,
    back: BTreeMap<(Timestamp, u64), (OrderId, OrderResult)>,
}

impl Consumer {
    fn new(seed: u64) -> Self {
        let mut blueprint = standard();
        blueprint.load.requests_per_ks = 0;
        blueprint.load.events_per_ks = 0;
        for function in blueprint.functions.iter_mut().filter(|function| function.name.as_str() == JOB_WORKER) {
            function.external = true;
        }
        for mapping in blueprint.mappings.iter_mut().filter(|mapping| mapping.function.as_str() == JOB_WORKER) {
            mapping.settings.batch_size = Some(1);
            mapping.settings.max_concurrency = Some(AT_A_TIME);
        }
        let pipeline = Pipeline::new(blueprint, seed, START).unwrap_or_else(|error| panic!("{error}"));
        Consumer {
            pipeline,
            now: START,
            chance: seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15),
            next_request: 1,
            live_at: START,
            runs: BTreeMap::new(),
            waits: Vec::new(),
            asked: BTreeMap::new(),
            back: BTreeMap::new(),
        }
    }

    fn url(&self, queue: &str) -> QueueUrl {
        let blueprint = self.pipeline.blueprint();
        QueueUrl::new(format!("{}/{}/{queue}", blueprint.sqs_endpoint, blueprint.account))
    }

    fn arn(&self, queue: &str) -> Arn {
        let blueprint = self.pipeline.blueprint();
        Arn::new(format!("arn:aws:sqs:{}:{}:{queue}", blueprint.region, blueprint.account))
    }

    /// Uniform in 0..1.
    fn drawn(&mut self) -> f64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn ask(&mut self, request: Request) -> Reply {
        self.next_request += 1;
        let id = RequestId(self.next_request);
        self.pipeline.handle_request(self.now, id, request);
        while let Some((answered, response)) = self.pipeline.poll_response() {
            if answered == id {
                return response.expect("it is answered well");
            }
            self.answered(answered, response);
        }
        panic!("it is answered at once")
    }

    fn send(&mut self, queue: &str, bodies: impl Iterator<Item = String>) -> Vec<MessageId> {
        let outgoing = |(n, body): (usize, String)| (format!("e{n}"), Outgoing { body, ..Outgoing::default() });
        let (queue, entries) = (self.url(queue), bodies.enumerate().map(outgoing).collect());
        match self.ask(Request::Sqs(SqsRequest::SendBatch { queue, entries })) {
            Reply::Sqs(SqsReply::SentBatch { ok, .. }) => ok.into_iter().map(|(_, sent)| sent.id).collect(),
            other => panic!("sent: {other:?}"),
        }
    }

    /// Goes to the next thing that happens, `machine_at` at the latest.
    fn step(&mut self, machine_at: Option<Timestamp>) {
        let own = self.runs.first_key_value().map(|((at, _), _)| *at);
        let back = self.back.first_key_value().map(|((at, _), _)| *at);
        let next = [Some(self.live_at), own, back, machine_at, self.pipeline.poll_timeout()];
        self.now = next.into_iter().flatten().min().unwrap_or(self.now).max(self.now);
        self.pipeline.handle_timeout(self.now);
        if self.live_at <= self.now {
            self.send(JOB_QUEUE, std::iter::once("live".to_owned()));
            let gap_s = -(1.0 - self.drawn()).ln() / LIVE_PER_S;
            self.live_at = self.now.plus_ms((gap_s * 1000.0).ceil() as i64);
        }
        while let Some(entry) = self.runs.first_entry()
            && entry.key().0 <= self.now
        {
            let id = entry.remove();
            self.pipeline.handle_outcome(self.now, id, external::Outcome::Returned("{}".to_owned()));
        }
        while let Some(run) = self.pipeline.poll_invocation() {
            self.note(&run.payload);
            let takes_ms = SERVICE_MS / 2 + (self.drawn() * SERVICE_MS as f64) as u64;
            self.runs.insert((self.now.plus_ms(takes_ms as i64), run.id.0), run.id);
        }
        while let Some((id, response)) = self.pipeline.poll_response() {
            self.answered(id, response);
        }
    }

    fn note(&mut self, payload: &str) {
        let event: serde_json::Value = serde_json::from_str(payload).expect("an event");
        for record in event["Records"].as_array().expect("records") {
            let (system, own) = (&record["attributes"], &record["messageAttributes"]);
            if system["ApproximateReceiveCount"] == "1" && own.get(MARK).is_none() {
                let sent_ms: i64 = system["SentTimestamp"].as_str().and_then(|ms| ms.parse().ok()).expect("a time");
                self.waits.push((self.now, self.now.ms_since(Timestamp::from_ms(sent_ms))));
            }
        }
    }

    fn metric(&mut self, key: MetricKey, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, f64)> {
        let queries = vec![("m0".to_owned(), key, 60)];
        let ask = GetMetricData { queries, from, to, ascending: true, max_datapoints: None, token: None };
        match self.ask(Request::CloudWatch(CloudWatchRequest::GetMetricData(ask))) {
            Reply::CloudWatch(CloudWatchReply::MetricData { results, .. }) => {
                results.into_iter().flat_map(|result| result.points).collect()
            }
            other => panic!("no metrics: {other:?}"),
        }
    }

    /// As `aws/vitals.rs` reads them.
    fn vitals(&mut self, at: Timestamp) -> Vitals {
        let to = at.floor_to(60).plus_s(60);
        let age = MetricKey::sqs(&JOB_QUEUE.into(), "ApproximateAgeOfOldestMessage", Stat::Maximum);
        let throttles = MetricKey::lambda(&JOB_WORKER.into(), "Throttles", Stat::Sum);
        let ages = self.metric(age, to.plus_s(-300), to);
        let throttles = self.metric(throttles, to.plus_s(-300), to);
        Vitals {
            oldest_age_s: ages.last().map(|(_, age)| *age),
            throttles: (!throttles.is_empty()).then(|| throttles.iter().map(|(_, n)| n).sum()),
        }
    }

    fn perform(&mut self, id: OrderId, order: Order) {
        let numbered = |n: usize| format!("e{n}");
        let request = match order.clone() {
            Order::Record(_) => return self.answer(4, id, Outcome::Done(Answer::Recorded)),
            Order::Vitals { at, .. } => {
                let vitals = self.vitals(at);
                return self.answer(50, id, Outcome::Done(Answer::Vitals(vitals)));
            }
            Order::Receive { queue, max, visibility_s, wait_s } => SqsRequest::Receive(Receive {
                queue,
                max,
                visibility_s: Some(visibility_s),
                wait_s: Some(wait_s),
                attribute_names: vec!["All".to_owned()],
                system_names: vec!["All".to_owned()],
            }),
            Order::Send { queue, entries } => {
                let entries = entries.into_iter().enumerate().map(|(n, outgoing)| (numbered(n), outgoing)).collect();
                SqsRequest::SendBatch { queue, entries }
            }
            Order::Delete { queue, entries } => {
                let entries = entries.into_iter().enumerate().map(|(n, lease)| (numbered(n), lease.receipt)).collect();
                SqsRequest::DeleteBatch { queue, entries }
            }
            Order::Extend { queue, entries, visibility_s } => {
                let entries = entries.into_iter().enumerate();
                let entries = entries.map(|(n, lease)| (numbered(n), lease.receipt, visibility_s)).collect();
                SqsRequest::ChangeVisibilityBatch { queue, entries }
            }
            Order::Release { queue, entries } => {
                let entries = entries.into_iter().enumerate();
                let entries = entries.map(|(n, lease)| (numbered(n), lease.receipt, 0)).collect();
                SqsRequest::ChangeVisibilityBatch { queue, entries }
            }
            other => panic!("not ordered by a redrive of messages that are there: {other:?}"),
        };
        self.next_request += 1;
        let asked = RequestId(self.next_request);
        self.asked.insert(asked, (id, order));
        self.pipeline.handle_request(self.now, asked, Request::Sqs(request));
    }

    fn answered(&mut self, id: RequestId, response: Response) {
        let Some((id, order)) = self.asked.remove(&id) else { return };
        let answer = match response.expect("without faults") {
            Reply::Sqs(SqsReply::Received { messages, .. }) => Answer::Received(messages),
            Reply::Sqs(SqsReply::SentBatch { ok, failed }) => {
                assert!(failed.is_empty(), "{failed:?}");
                let mut sent: BTreeMap<String, _> = ok.into_iter().map(|(id, sent)| (id, sent.id)).collect();
                Answer::Sent((0..sent.len()).filter_map(|n| sent.remove(&format!("e{n}"))).map(Ok).collect())
            }
            Reply::Sqs(SqsReply::Batch { ok, failed }) => {
                assert!(failed.is_empty(), "{order:?}: {failed:?}");
                Answer::Entries(vec![Ok(()); ok.len()])
            }
            other => panic!("{order:?} was answered {other:?}"),
        };
        self.answer(20, id, Outcome::Done(answer));
    }

    fn answer(&mut self, after_ms: i64, id: OrderId, result: OrderResult) {
        self.next_request += 1;
        self.back.insert((self.now.plus_ms(after_ms), self.next_request), (id, result));
    }

    fn run(&mut self, machine: &mut dyn Operation) -> RedriveReport {
        let mut report = None;
        loop {
            while let Some((id, order)) = machine.poll_order(self.now) {
                self.perform(id, order);
            }
            while let Some(progress) = machine.poll_progress() {
                report = progress.report.or(report);
            }
            if machine.is_finished() {
                let Some(Report::Redrive(report)) = report else { panic!("a redrive reports itself") };
                return report;
            }
            if let Some(entry) = self.back.first_entry()
                && entry.key().0 <= self.now
            {
                let (id, result) = entry.remove();
                machine.handle_result(self.now, id, result);
                continue;
            }
            self.step(machine.poll_timeout());
            machine.handle_timeout(self.now);
        }
    }

    /// Of the live jobs that ran in this time, in milliseconds.
    fn p95(&self, from: Timestamp, to: Timestamp) -> i64 {
        let within = self.waits.iter().filter(|(at, _)| *at >= from && *at < to);
        let mut waits: Vec<i64> = within.map(|(_, wait)| *wait).collect();
        waits.sort_unstable();
        waits[waits.len() * 95 / 100]
    }

    /// What a console would know: both queues, and what was deleted lately.
    fn picture(&mut self) -> Picture {
        let queue = |name: &str, url, arn| redrive::model::queue::Queue {
            name: name.into(),
            url,
            arn,
            fifo: false,
            counts: Default::default(),
            visibility_s: 60,
            retention_s: 345_600,
            delay_s: 0,
            max_message_bytes: 1_048_576,
            redrive: None,
            sources: Vec::new(),
            last_modified: None,
        };
        let mut picture = Picture::default();
        picture.put_queue(queue(JOB_QUEUE, self.url(JOB_QUEUE), self.arn(JOB_QUEUE)), self.now);
        let mut dead = queue(JOB_DLQ, self.url(JOB_DLQ), self.arn(JOB_DLQ));
        dead.sources.push(self.arn(JOB_QUEUE));
        picture.put_queue(dead, self.now);
        let mapping = self.mapping();
        picture.mappings.insert(mapping.id.clone(), Observed::new(mapping, self.now));
        for key in [
            MetricKey::sqs(&JOB_QUEUE.into(), "NumberOfMessagesDeleted", Stat::Sum),
            MetricKey::lambda(&JOB_WORKER.into(), "Invocations", Stat::Sum),
            MetricKey::lambda(&JOB_WORKER.into(), "Duration", Stat::Average),
        ] {
            let points = self.metric(key.clone(), self.now.plus_s(-1_800), self.now);
            picture.metrics.merge(&key, self.now, points);
        }
        picture
    }

    fn mapping(&mut self) -> Mapping {
        let ask = LambdaRequest::ListMappings {
            source: None,
            function: Some(JOB_WORKER.to_owned()),
            max: None,
            marker: None,
        };
        match self.ask(Request::Lambda(ask)) {
            Reply::Lambda(LambdaReply::Mappings { mappings, .. }) => mappings.into_iter().next().expect("one"),
            other => panic!("no mappings: {other:?}"),
        }
    }
}

/// The 95th percentile of live jobs' waits, before and during the redrive, in milliseconds.
pub struct Seen {
    pub before_ms: i64,
    pub during_ms: i64,
    /// The rate and how it came about.
    pub why: String,
    pub report: RedriveReport,
}

/// So many dead letters, redriven at the rate nobody chose.
pub fn redriven(dead: usize, seed: u64) -> Seen {
    let mut consumer = Consumer::new(seed);
    let batches = (0..dead).step_by(10).map(|first| (first..first + 10).map(|n| format!("dead {n}")));
    let ids: Vec<MessageId> = batches.flat_map(|bodies| consumer.send(JOB_DLQ, bodies)).collect();
    while consumer.now.ms_since(START) < SETTLING_S * 2_000 {
        consumer.step(None);
    }
    let began = consumer.now;
    let before_ms = consumer.p95(began.plus_s(-SETTLING_S), began);
    let picture = consumer.picture();
    let queue = &picture.queues[&JOB_DLQ.into()].value;
    let (rate, why) = advice::rate(&picture, queue, began);
    let plan = RedrivePlan {
        fallback: Some(consumer.url(JOB_QUEUE)),
        rate_per_s: Some(rate),
        gentle: Some(advice::gentle(&picture, queue)),
        ..RedrivePlan::new(queue.url.clone(), queue.arn.clone(), ids, Vec::new())
    };
    let consent = Consent::Count(dead.to_string());
    let Ok(confirmed) = Preflight::new(plan, &Facts::default()).accept(&consent) else { panic!("it was counted") };
    let owner = Owner { operation: "gentle".into(), who: "me".into(), account: "1".into(), region: "r".into() };
    let report = consumer.run(&mut Redrive::new(confirmed, owner, seed, began));
    assert_eq!((report.state, report.moved), (EndState::Done, dead as u64), "{report:?}");
    Seen { before_ms, during_ms: consumer.p95(began, consumer.now), why, report }
}

/// As long as the pipeline runs before anything is measured, and then as long again.
const SETTLING_S: i64 = 900;
