//! A pipeline in virtual time as the ground operations are done on: orders go straight to it, with
//! faults drawn from a seed on the way there and back.

use std::collections::BTreeMap;

use redrive::model::id::{Arn, QueueName, QueueUrl};
use redrive::model::mapping::Mapping;
use redrive::model::queue::QueueCounts;
use redrive::model::service_error::{Outcome, ServiceError};
use redrive::model::time::Timestamp;
use redrive::operation::Operation;
use redrive::operation::order::{Answer, JournalEntry, Order, OrderId, OrderResult};
use redrive::operation::progress::{Progress, Report};
use redrive::pipeline::Pipeline;
use redrive::pipeline::request::{LambdaReply, LambdaRequest, Reply, Request, RequestId, SqsReply};
use redrive::scenario;

use crate::soak::START;
use crate::storm::order::{counts, request_of, result_of};

/// Chances in a thousand that a request is refused, does not arrive, or its answer does not come back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    pub throttle: u64,
    pub lost_before: u64,
    pub lost_after: u64,
}

enum Way {
    Answers(Order),
    Lost,
}

pub struct Ground {
    pub pipeline: Pipeline,
    pub now: Timestamp,
    pub journal: Vec<JournalEntry>,
    pub told: Vec<Progress>,
    faults: Faults,
    chance: u64,
    next_request: u64,
    under_way: BTreeMap<RequestId, (OrderId, Way)>,
    /// Answers on their way back.
    back: BTreeMap<(Timestamp, u64), (OrderId, OrderResult)>,
}

impl Ground {
    pub fn new(pipeline: Pipeline, seed: u64, faults: Faults) -> Self {
        Ground {
            now: pipeline.now(),
            pipeline,
            journal: Vec::new(),
            told: Vec::new(),
            faults,
            chance: seed.wrapping_mul(2).wrapping_add(1),
            next_request: 1,
            under_way: BTreeMap::new(),
            back: BTreeMap::new(),
        }
    }

    /// A scenario from its beginning.
    pub fn of(name: &str, toml: &str, seed: u64, faults: Faults) -> Self {
        let file = format!("{name}.toml");
        let scenario = scenario::parse(name, &file, toml).unwrap_or_else(|error| panic!("{error}"));
        let pipeline = Pipeline::new(scenario.blueprint(0), seed, START).unwrap_or_else(|error| panic!("{error}"));
        Ground::new(pipeline, seed, faults)
    }

    /// Lets time pass.
    pub fn pass(&mut self, s: i64) {
        self.now = self.now.plus_s(s);
        self.pipeline.handle_timeout(self.now);
    }

    /// Asks as somebody else does, without faults.
    pub fn ask(&mut self, request: Request) -> Reply {
        let id = self.request_id();
        self.pipeline.handle_request(self.now, id, request);
        while let Some((answered, response)) = self.pipeline.poll_response() {
            if answered == id {
                return response.expect("it is answered well");
            }
        }
        panic!("it is answered at once")
    }

    /// Runs a machine to its end; its report.
    pub fn run(&mut self, machine: &mut dyn Operation) -> Report {
        for _ in 0..STEPS_MOST {
            while let Some((id, order)) = machine.poll_order(self.now) {
                self.order(id, order);
            }
            self.collect();
            self.told.extend(std::iter::from_fn(|| machine.poll_progress()));
            if machine.is_finished() {
                return self.told.last().and_then(|last| last.report.clone()).expect("the last progress carries it");
            }
            let answer_at = self.back.first_key_value().map(|((at, _), _)| *at);
            if answer_at.is_some_and(|at| at <= self.now) {
                if let Some((_, (id, result))) = self.back.pop_first() {
                    machine.handle_result(self.now, id, result);
                }
                continue;
            }
            let pipeline_at = self.pipeline.poll_timeout().filter(|_| !self.under_way.is_empty());
            let next = [answer_at, machine.poll_timeout(), pipeline_at].into_iter().flatten().min();
            self.now = self.now.max(next.expect("something is waited for"));
            self.pipeline.handle_timeout(self.now);
            machine.handle_timeout(self.now);
        }
        panic!("no end after {STEPS_MOST} steps: {:?}", self.told.last())
    }

    fn order(&mut self, id: OrderId, order: Order) {
        if let Order::Record(entries) = order {
            self.journal.extend(entries);
            return self.answer(1, id, Outcome::Done(Answer::Recorded));
        }
        if self.happens(self.faults.throttle) {
            let error = ServiceError::new("test", "RequestThrottled", "slower");
            return self.answer(20, id, Outcome::Refused(error));
        }
        if self.happens(self.faults.lost_before) {
            return self.answer(1_000, id, Outcome::Unknown("cut before it arrived".to_owned()));
        }
        let way = if self.happens(self.faults.lost_after) { Way::Lost } else { Way::Answers(order.clone()) };
        let request = self.request_id();
        self.under_way.insert(request, (id, way));
        self.pipeline.handle_request(self.now, request, request_of(&order));
    }

    fn collect(&mut self) {
        while let Some((request, response)) = self.pipeline.poll_response() {
            let Some((id, way)) = self.under_way.remove(&request) else { continue };
            match way {
                Way::Answers(order) => self.answer(20, id, result_of(&order, response)),
                Way::Lost => self.answer(1_000, id, Outcome::Unknown("cut before the answer".to_owned())),
            }
        }
    }

    fn answer(&mut self, after_ms: i64, id: OrderId, result: OrderResult) {
        let place = (self.now.plus_ms(after_ms), self.next_request);
        self.next_request += 1;
        self.back.insert(place, (id, result));
    }

    fn request_id(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// Xorshift: good enough to be unlucky by.
    fn happens(&mut self, chance: u64) -> bool {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % 1_000 < chance
    }

    pub fn url(&self, queue: &str) -> QueueUrl {
        let blueprint = self.pipeline.blueprint();
        QueueUrl::new(format!("{}/{}/{queue}", blueprint.sqs_endpoint, blueprint.account))
    }

    pub fn arn(&self, queue: &str) -> Arn {
        let blueprint = self.pipeline.blueprint();
        Arn::new(format!("arn:aws:sqs:{}:{}:{queue}", blueprint.region, blueprint.account))
    }

    pub fn counts(&mut self, queue: &QueueName) -> QueueCounts {
        let url = self.url(queue.as_str());
        match self.ask(request_of(&Order::QueueCounts { queue: url })) {
            Reply::Sqs(SqsReply::Attributes(attributes)) => counts(&attributes),
            other => panic!("no attributes: {other:?}"),
        }
    }

    pub fn mapping(&mut self, function: &str) -> Mapping {
        let ask = LambdaRequest::ListMappings { source: None, function: None, max: None, marker: None };
        match self.ask(Request::Lambda(ask)) {
            Reply::Lambda(LambdaReply::Mappings { mappings, .. }) => mappings
                .into_iter()
                .find(|mapping| mapping.function.as_str() == function)
                .expect("it is in the blueprint"),
            other => panic!("no mappings: {other:?}"),
        }
    }
}

const STEPS_MOST: u32 = 200_000;
