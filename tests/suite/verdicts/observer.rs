//! Somebody who watches an account: reads once a minute what the console would read (queues, mappings,
//! metrics as they are published), and asks the rules. In virtual time, so that a week is minutes; by
//! the pipeline's requests and not by its insides.

use std::collections::BTreeMap;

use redrive::model::finding::Finding;
use redrive::model::function::{AccountLimits, FunctionAnswer, FunctionQuestion};
use redrive::model::id::{Arn, FunctionName, QueueName};
use redrive::model::observed::Observed;
use redrive::model::picture::{Identity, Picture};
use redrive::model::queue::{Queue, QueueCounts, RedrivePolicy};
use redrive::model::time::Timestamp;
use redrive::model::topology::{Edge, EdgeKind, Node, NodeKind, Topology};
use redrive::pipeline::Pipeline;
use redrive::pipeline::blueprint::Blueprint;
use redrive::pipeline::request::{
    CloudWatchReply, CloudWatchRequest, GetMetricData, LambdaReply, LambdaRequest, Reply, Request, RequestId, SqsReply,
    SqsRequest,
};
use redrive::pipeline::rng::mix;
use redrive::verdict;

pub const START: Timestamp = Timestamp::from_s(1_767_225_600);
/// What a question about metrics reaches back: periods are published late and again.
const OVERLAP_S: i64 = 20 * 60;

pub struct Observer {
    pub pipeline: Pipeline,
    pub picture: Picture,
    queues: Vec<(QueueName, Vec<QueueName>)>,
    endpoint: String,
    next_id: u64,
    /// Seeds minutes that are never published; `None` publishes all.
    pub gaps: Option<u64>,
    /// What is newer than this is not published yet, beyond CloudWatch's own delay; seconds.
    pub late_s: i64,
}

impl Observer {
    pub fn new(blueprint: Blueprint, seed: u64) -> Self {
        let endpoint = format!("{}/{}", blueprint.sqs_endpoint, blueprint.account);
        let dead_of = |name: &QueueName| {
            let reads = |queue: &&redrive::pipeline::blueprint::QueueBlueprint| {
                queue.redrive.as_ref().is_some_and(|(dead, _)| dead == name)
            };
            blueprint.queues.iter().filter(reads).map(|queue| queue.name.clone()).collect()
        };
        let queues = blueprint.queues.iter().map(|queue| (queue.name.clone(), dead_of(&queue.name))).collect();
        let identity =
            Identity { account: blueprint.account.clone(), region: blueprint.region.clone(), ..Identity::default() };
        let picture = Picture { identity: Some(Observed::new(identity, START)), ..Picture::default() };
        let pipeline = Pipeline::new(blueprint, seed, START).expect("the scenario is sound");
        Observer { pipeline, picture, queues, endpoint, next_id: 1, gaps: None, late_s: 0 }
    }

    pub fn now(&self) -> Timestamp {
        self.pipeline.now()
    }

    /// Lets time pass until `at`, then reads and judges.
    pub fn look(&mut self, at: Timestamp) -> Vec<Finding> {
        self.pipeline.handle_timeout(at);
        self.read_mappings();
        self.read_functions();
        self.read_limits();
        self.read_queues();
        self.read_metrics();
        verdict::judge(&self.picture, self.now())
    }

    /// What an operator does.
    pub fn order(&mut self, request: Request) {
        self.ask(request);
    }

    fn read_mappings(&mut self) {
        let ask_for = LambdaRequest::ListMappings { source: None, function: None, max: None, marker: None };
        let Reply::Lambda(LambdaReply::Mappings { mappings, .. }) = self.ask(Request::Lambda(ask_for)) else {
            panic!("mappings are listed")
        };
        let now = self.now();
        for mapping in mappings {
            self.picture.mappings.insert(mapping.id.clone(), Observed::new(mapping, now));
        }
    }

    fn read_functions(&mut self) {
        let ask_for = LambdaRequest::ListFunctions { max: None, marker: None };
        let Reply::Lambda(LambdaReply::Functions { functions, .. }) = self.ask(Request::Lambda(ask_for)) else {
            panic!("functions are listed")
        };
        let now = self.now();
        for found in functions {
            self.picture.functions.insert(found.function.name.clone(), Observed::new(found.function, now));
        }
    }

    /// What each function may run at a time, and the account: a console asks this once a discovery.
    fn read_limits(&mut self) {
        if self.picture.account_limits.is_some() {
            return;
        }
        let now = self.now();
        let ask_for = Request::Lambda(LambdaRequest::GetAccountSettings);
        let Reply::Lambda(LambdaReply::AccountSettings { concurrent, unreserved }) = self.ask(ask_for) else {
            panic!("the account's settings are answered")
        };
        self.picture.account_limits = Some(Observed::new(AccountLimits { concurrent, unreserved }, now));
        let names: Vec<FunctionName> = self.picture.functions.keys().cloned().collect();
        for name in names {
            let ask_for = Request::Lambda(LambdaRequest::GetConcurrency(name.clone()));
            let Reply::Lambda(LambdaReply::Concurrency(limit)) = self.ask(ask_for) else {
                panic!("a function's reserve is answered")
            };
            let answer = Ok(FunctionAnswer::Concurrency(limit));
            self.picture.put_function_setting(&name, FunctionQuestion::Concurrency, answer, now);
        }
        self.read_invokers(now);
    }

    /// Who may invoke what: only that says which functions have asynchronous events.
    fn read_invokers(&mut self, now: Timestamp) {
        let functions: Vec<(FunctionName, Arn)> =
            self.picture.functions.values().map(|seen| (seen.value.name.clone(), seen.value.arn.clone())).collect();
        let mut topology = Topology::default();
        for (name, arn) in functions {
            let node = Node { arn: arn.clone(), kind: NodeKind::Function, name: name.to_string() };
            topology.nodes.push(node);
            if let Some(Reply::Lambda(LambdaReply::Policy(_))) =
                self.try_ask(Request::Lambda(LambdaRequest::GetPolicy(name)))
            {
                topology.edges.push(Edge { from: "arn:aws:s3:::bucket".into(), to: arn, kind: EdgeKind::Invokes });
            }
        }
        self.picture.topology = Some(Observed::new(topology, now));
    }

    fn read_queues(&mut self) {
        for (name, sources) in self.queues.clone() {
            let url = format!("{}/{name}", self.endpoint);
            let ask_for = SqsRequest::GetQueueAttributes { queue: url.as_str().into(), names: vec!["All".to_owned()] };
            let Reply::Sqs(SqsReply::Attributes(attributes)) = self.ask(Request::Sqs(ask_for)) else {
                panic!("a queue of the scenario is there")
            };
            let arn = |name: &QueueName| -> redrive::model::id::Arn {
                let here = attributes.get("QueueArn").map_or("", String::as_str);
                let (stem, _) = here.rsplit_once(':').unwrap_or((here, ""));
                format!("{stem}:{name}").as_str().into()
            };
            let number = |name: &str| attributes.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            let queue = Queue {
                url: url.as_str().into(),
                arn: arn(&name),
                counts: QueueCounts {
                    visible: number("ApproximateNumberOfMessages"),
                    in_flight: number("ApproximateNumberOfMessagesNotVisible"),
                    delayed: number("ApproximateNumberOfMessagesDelayed"),
                },
                visibility_s: number("VisibilityTimeout") as u32,
                retention_s: number("MessageRetentionPeriod") as u32,
                delay_s: number("DelaySeconds") as u32,
                max_message_bytes: number("MaximumMessageSize"),
                redrive: attributes.get("RedrivePolicy").and_then(|text| policy(text)),
                fifo: name.as_str().ends_with(".fifo"),
                last_modified: None,
                sources: sources.iter().map(arn).collect(),
                name,
            };
            let now = self.now();
            self.picture.put_queue(queue, now);
        }
    }

    fn read_metrics(&mut self) {
        let (keys, now) = (verdict::wanted(&self.picture), self.now());
        let queries = keys.iter().enumerate().map(|(n, key)| (format!("q{n}"), key.clone(), 60)).collect();
        let to = now.floor_to(60).plus_s(60);
        let ask_for = GetMetricData {
            queries,
            from: to.plus_s(-OVERLAP_S),
            to,
            ascending: true,
            max_datapoints: None,
            token: None,
        };
        let request = Request::CloudWatch(CloudWatchRequest::GetMetricData(ask_for));
        let Reply::CloudWatch(CloudWatchReply::MetricData { results, .. }) = self.ask(request) else {
            panic!("metrics are answered")
        };
        let points: BTreeMap<String, _> = results.into_iter().map(|result| (result.id, result.points)).collect();
        for (n, key) in keys.iter().enumerate() {
            let mut found: Vec<(Timestamp, f64)> = points.get(&format!("q{n}")).cloned().unwrap_or_default();
            found.retain(|(at, _)| *at <= now.plus_s(-self.late_s) && !self.is_gap(n, *at));
            self.picture.metrics.merge(key, now, found);
        }
    }

    /// One minute in 300, of each metric its own.
    fn is_gap(&self, key: usize, at: Timestamp) -> bool {
        self.gaps.is_some_and(|seed| mix(seed ^ (key as u64) << 48 ^ at.s() as u64).is_multiple_of(300))
    }

    fn ask(&mut self, request: Request) -> Reply {
        self.try_ask(request).expect("it is answered")
    }

    /// `None` where it is refused.
    fn try_ask(&mut self, request: Request) -> Option<Reply> {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.pipeline.handle_request(self.pipeline.now(), id, request);
        loop {
            while let Some((answered, response)) = self.pipeline.poll_response() {
                if answered == id {
                    return response.ok();
                }
            }
            let next = self.pipeline.poll_timeout().expect("an answer comes");
            self.pipeline.handle_timeout(next);
        }
    }
}

fn policy(text: &str) -> Option<RedrivePolicy> {
    let policy: serde_json::Value = serde_json::from_str(text).ok()?;
    let most = policy.get("maxReceiveCount")?;
    let most = most.as_u64().or_else(|| most.as_str()?.parse().ok())?;
    Some(RedrivePolicy {
        dead_letter_arn: policy.get("deadLetterTargetArn")?.as_str()?.into(),
        max_receive_count: most as u32,
    })
}
