//! The embedded copy: AWS's semantics as one sans-IO machine that runs the handlers of `automation`.
//! It never asks what time it is and never waits: inputs are `handle_*`, outputs `poll_*`
//! (the shape of quinn-proto's `Connection`).

mod alarm;
mod arrival;
pub mod blueprint;
mod bucket;
mod census;
mod deploy;
pub mod distribution;
pub mod external;
mod fault;
#[cfg(test)]
mod fifo_feed;
mod function;
mod gauge;
mod handler;
mod history;
mod index;
mod intern;
mod invoke;
mod lambda;
mod ledger;
pub mod log;
pub mod log_request;
pub mod mapping;
pub mod meter;
pub mod move_task;
pub mod notice;
pub mod object_request;
mod objects;
mod perform;
pub mod queue;
mod queue_feed;
pub mod queues;
mod record;
pub mod request;
pub mod rng;
mod schedule;
#[cfg(test)]
mod smoke;
mod stack;
pub mod stack_request;
pub mod standard;
pub mod stream;
mod stream_failure;
mod stream_feed;
pub mod stream_request;
pub mod streams;
pub mod summary;
mod switch;
mod table;
pub mod throttle;
pub mod timer;
mod web;
mod world;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_chacha::ChaCha8Rng;

use crate::automation::identity::Identity;
use crate::model::bench::Switch;
use crate::model::id::{Arn, FunctionName, QueueName};
use crate::model::time::Timestamp;
use crate::pipeline::alarm::Alarms;
use crate::pipeline::arrival::Arrivals;
use crate::pipeline::blueprint::{Blueprint, BlueprintError};
use crate::pipeline::bucket::Bucket;
use crate::pipeline::external::{Invocation, Outcome};
use crate::pipeline::fault::Faults;
use crate::pipeline::function::Functions;
use crate::pipeline::function::asynchronous::AsyncEvent;
use crate::pipeline::function::run::{Run, Work};
use crate::pipeline::gauge::{AccountGauges, FunctionGauges, MappingGauges, StreamGauges};
use crate::pipeline::history::{Deed, History};
use crate::pipeline::index::SearchIndex;
use crate::pipeline::ledger::Ledger;
use crate::pipeline::log::Logs;
use crate::pipeline::log_request::LogsRequest;
use crate::pipeline::mapping::Mapping;
use crate::pipeline::meter::Meter;
use crate::pipeline::notice::{Happening, MAX_NOTICES, Notice};
use crate::pipeline::queues::Queues;
use crate::pipeline::request::{InvocationId, Reply, Request, RequestId, Response};
use crate::pipeline::schedule::Timer;
use crate::pipeline::summary::Tally;
use crate::pipeline::table::Table;
use crate::pipeline::throttle::TokenBucket;
use crate::pipeline::timer::Timers;
use crate::pipeline::world::World;

/// The pipeline as one machine. Everything it does follows from its blueprint, its seed and the
/// order and times of what is handed to it.
///
/// `now` never goes backwards: an earlier `now` is taken for the latest one seen. Every input first
/// runs all timers up to its `now`; what is due at the same moment runs in the order it was set.
pub struct Pipeline {
    blueprint: Blueprint,
    start: Timestamp,
    now: Timestamp,
    timers: Timers<Timer>,
    /// Where a request's runs' jobs go: the queue that feeds JobWorker.
    job_queue: Option<QueueName>,
    stream_arn: Arn,

    queues: Queues,
    bucket: Bucket,
    table: Table,
    index: SearchIndex,
    world: World,
    ledger: Ledger,

    functions: Functions,
    runs: BTreeMap<u64, Run>,
    next_run: u64,
    asyncs: BTreeMap<u64, AsyncEvent>,
    next_async: u64,
    mappings: Vec<Mapping>,
    transitions: ChaCha8Rng,
    delays: ChaCha8Rng,

    arrivals: Arrivals,
    faults: Faults,
    control: TokenBucket,

    meter: Meter,
    alarms: Alarms,
    function_gauges: Vec<FunctionGauges>,
    mapping_gauges: Vec<Option<MappingGauges>>,
    account_gauges: AccountGauges,
    stream_gauges: StreamGauges,
    logs: Logs,
    tally: Tally,
    history: History,
    /// Jobs whose message a queue's retention took.
    expired: BTreeSet<Identity>,
    /// Jobs that somebody deleted with a copy put aside.
    dropped: BTreeSet<Identity>,

    responses: VecDeque<(RequestId, Response)>,
    invocations: VecDeque<Invocation>,
    notices: VecDeque<Notice>,
    watched: bool,
}

impl Pipeline {
    /// A pipeline that has just been deployed: everything empty, mappings enabled as they say.
    ///
    /// # Errors
    /// What in the blueprint does not fit together.
    pub fn new(blueprint: Blueprint, seed: u64, start: Timestamp) -> Result<Self, BlueprintError> {
        blueprint.check()?;
        let mut meter = Meter::default();
        let mut queues = Queues::new(&blueprint.account, &blueprint.region, &blueprint.sqs_endpoint, seed);
        queues.deploy(start, &blueprint.queues, &mut meter);
        let functions = Functions::new(&blueprint, seed, start);
        let function_gauges = functions.iter().map(|f| FunctionGauges::new(&f.blueprint.name, &mut meter)).collect();
        let gauges = |meter: &mut Meter, mapping: &blueprint::MappingBlueprint| {
            mapping.event_count_metrics.then(|| MappingGauges::new(&mapping.id, meter))
        };
        let mapping_gauges = blueprint.mappings.iter().map(|m| gauges(&mut meter, m)).collect();
        let stream_arn = deploy::stream_arn(&blueprint, start);
        let mut pipeline = Pipeline {
            start,
            now: start,
            timers: Timers::default(),
            job_queue: deploy::job_queue(&blueprint),
            bucket: Bucket::new(&blueprint.load, &blueprint.table.payload_bucket)?,
            table: Table::new(&blueprint.table, start),
            index: SearchIndex::new(blueprint.limits.documents),
            world: World::new(&blueprint.templates)?,
            ledger: Ledger::new(blueprint.load.event_items),
            runs: BTreeMap::new(),
            next_run: 0,
            asyncs: BTreeMap::new(),
            next_async: 0,
            mappings: deploy::mappings(&blueprint, &functions, &queues, &stream_arn, start),
            transitions: rng::rng(seed, "mapping/transitions"),
            delays: rng::rng(seed, "bucket/notifications"),
            arrivals: Arrivals::new(&blueprint.load, seed, start),
            faults: Faults::new(&blueprint.switches, seed),
            control: TokenBucket::new(blueprint.limits.control_plane_rps, start),
            account_gauges: AccountGauges::new(&mut meter),
            stream_gauges: StreamGauges::new(&blueprint.table.name, &deploy::stream_label(start), &mut meter),
            function_gauges,
            mapping_gauges,
            alarms: Alarms::new(&blueprint, start),
            logs: Logs::default(),
            tally: Tally::default(),
            history: History::default(),
            expired: BTreeSet::new(),
            dropped: BTreeSet::new(),
            responses: VecDeque::new(),
            invocations: VecDeque::new(),
            notices: VecDeque::new(),
            watched: false,
            stream_arn,
            functions,
            queues,
            meter,
            blueprint,
        };
        pipeline.begin();
        Ok(pipeline)
    }

    /// The latest moment it has been told.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// The functions' logs.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Takes a request. Its answer comes out of [`Pipeline::poll_response`], at once or later.
    pub fn handle_request(&mut self, now: Timestamp, id: RequestId, request: Request) {
        self.run_until(now);
        let answer = match request {
            Request::Sqs(ask) => {
                let answer = self.queues.handle(self.now, id, ask, &mut self.meter);
                self.after_queues();
                answer.map(|answer| answer.map(Reply::Sqs))
            }
            Request::Lambda(ask) => self.lambda(id, ask).map(|answer| answer.map(Reply::Lambda)),
            Request::Objects(ask) => Some(self.objects(&ask).map(Reply::Objects)),
            Request::Streams(ask) => Some(self.streams(ask).map(Reply::Streams)),
            Request::CloudWatch(ask) => Some(self.cloudwatch(&ask).map(Reply::CloudWatch)),
            Request::Logs(LogsRequest::FilterLogEvents(ask)) => {
                let exists = |name: &FunctionName| self.functions.find(name).is_some();
                Some(self.logs.filter(&ask, exists).map(Reply::Logs))
            }
            Request::Identity => Some(Ok(self.identity())),
            Request::Stacks(name) => Some(self.stacks(name.as_deref()).map(Reply::Stacks)),
            Request::StackResources { stack, token } => Some(self.stack_resources(&stack, token.as_deref())),
            Request::Web(ask) => Some(Ok(Reply::Web(self.web(ask)))),
        };
        if let Some(answer) = answer {
            self.responses.push_back((id, answer));
        }
    }

    /// The caller is gone: no answer is wanted any more. What the request did stays done.
    pub fn handle_cancel(&mut self, now: Timestamp, id: RequestId) {
        self.run_until(now);
        self.queues.cancel(id);
        self.responses.retain(|(request, _)| *request != id);
        for run in self.runs.values_mut() {
            if let Work::Sync { request, .. } = &mut run.work
                && *request == Some(id)
            {
                *request = None;
            }
        }
    }

    /// Runs every timer up to `now`, in order.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.run_until(now);
    }

    /// An external run came back. One that was timed out meanwhile is not heard any more.
    pub fn handle_outcome(&mut self, now: Timestamp, id: InvocationId, outcome: Outcome) {
        self.run_until(now);
        self.run_ends(id.0, Some(outcome));
    }

    /// When [`Pipeline::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        [self.timers.next_at(), self.queues.poll_timeout()].into_iter().flatten().min()
    }

    pub fn poll_response(&mut self) -> Option<(RequestId, Response)> {
        if let Some((id, answer)) = self.queues.poll_reply() {
            self.responses.push_back((id, answer.map(Reply::Sqs)));
        }
        self.responses.pop_front()
    }

    pub fn poll_invocation(&mut self) -> Option<Invocation> {
        self.invocations.pop_front()
    }

    /// The oldest notice not yet taken; none unless [`Pipeline::watch`] is on.
    pub fn poll_event(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Whether notices are kept for [`Pipeline::poll_event`].
    pub fn watch(&mut self, on: bool) {
        self.watched = on;
        if !on {
            self.notices.clear();
        }
    }

    /// Switches a fault or a change of load; an unknown name is `false` and changes nothing.
    pub fn set_switch(&mut self, now: Timestamp, name: &str, on: bool) -> bool {
        self.run_until(now);
        self.switch(name, on)
    }

    pub fn switches(&self) -> Vec<Switch> {
        self.faults.shown()
    }

    /// A digest of everything that has happened, in order: the golden test's.
    pub fn history_hash(&self) -> String {
        self.history.digest()
    }

    fn note(&mut self, deed: Deed, a: u64, b: u64) {
        self.history.note(self.now.ms(), deed, a, b);
    }

    fn tell(&mut self, what: impl FnOnce() -> Happening) {
        if self.watched && self.notices.len() < MAX_NOTICES {
            self.notices.push_back(Notice { at: self.now, what: what() });
        }
    }
}
