//! Where runs begin: letters of jobs that nobody did, pointers at records that their function gave up, and
//! requests whose event Lambda dropped.

use redrive::model::message::Message;
use redrive::model::object::{Object, created_event};
use redrive::model::rerun::{RerunItem, RerunPlan, RerunSource};
use redrive::model::rescue::{RescuePlan, RescueTarget};
use redrive::model::service_error::Outcome;
use redrive::model::stream::StreamPointer;
use redrive::model::trial::TrialPlan;
use redrive::operation::Undertaking;
use redrive::operation::order::Answer;
use redrive::operation::redrive::edit;
use redrive::pipeline::blueprint::{Blueprint, Fault, PoisonKind, QueueBlueprint, Service, SwitchBlueprint};
use redrive::pipeline::distribution::Distribution;
use redrive::pipeline::object_request::{ObjectReply, ObjectRequest};
use redrive::pipeline::request::{Reply, Request};
use redrive::pipeline::standard::{JOB_WORKER, LOG_FAILURES, LOG_WORKER, REQUEST_STORE, REQUEST_WORKER, standard};

use crate::storm::order::read_stream;
use crate::storm::road::Road as _;
use crate::storm::run::{Carries, Kind, Run};
use crate::storm::scene::{self, Dead, Queues, STANDARD, Site as _};
use crate::storm::straight::Straight;
use crate::storm::{buried, confirm};

/// Records of one batch.
const BATCH: u32 = 6;
/// Seconds JobWorker, and everybody here, may run.
const TIMEOUT_S: u32 = 10;
const BROKEN: &str = "broken";

/// Pointers, and where somebody else takes them.
const POINTERS: Queues = Queues { jobs: "Elsewhere", dead: LOG_FAILURES, fifo: false, by_hand: false };

pub fn queues(kind: Kind) -> Queues {
    match kind {
        Kind::Rescue => POINTERS,
        Kind::Trial | Kind::Rerun => STANDARD,
    }
}

pub fn function(kind: Kind) -> &'static str {
    match kind {
        Kind::Trial => JOB_WORKER,
        Kind::Rescue => LOG_WORKER,
        Kind::Rerun => REQUEST_WORKER,
    }
}

pub struct Begun {
    pub queues: Queues,
    /// What is in the queue, to the identity that each is counted by.
    pub dead: Dead,
    pub asked: Vec<redrive::model::id::MessageId>,
    /// Of those asked for.
    pub carries: Carries,
    letters: Vec<Message>,
    objects: Vec<Object>,
}

/// Its function is broken to begin with; what goes wrong with it later is the run's.
pub fn blueprint(run: &Run) -> Blueprint {
    let mut blueprint = scene::blueprint();
    blueprint.queues.push(QueueBlueprint::new(POINTERS.jobs));
    let name = function(run.kind);
    for function in blueprint.functions.iter_mut().filter(|function| function.name.as_str() == name) {
        function.timeout_s = TIMEOUT_S;
        function.failure_ppm = run.failing;
        if run.slow {
            let (per_run_us, per_record_us) = (Distribution::Uniform(100_000, 11_000_000), Distribution::Uniform(1, 2));
            function.service = Service { per_run_us, per_record_us };
        }
    }
    for mapping in blueprint.mappings.iter_mut().filter(|mapping| mapping.function.as_str() == LOG_WORKER) {
        mapping.settings.batch_size = Some(BATCH);
        mapping.settings.bisect = Some(false);
        mapping.settings.max_retry_attempts = Some(0);
    }
    let switch = |name: &str, on, fault| SwitchBlueprint { name: name.into(), what: String::new(), on, fault };
    // A letter's function is not run before it is tried.
    let breaks = run.kind != Kind::Trial;
    blueprint.switches.push(switch(BROKEN, breaks, Fault::Broken { function: name.into() }));
    if run.poison {
        let how = if run.seed.is_multiple_of(2) { PoisonKind::Exception } else { PoisonKind::PartialBatch };
        let poison = match run.kind {
            Kind::Rescue => Fault::Poison { one_in: 9, how },
            _ => Fault::FailingStep { action: "send".to_owned(), one_in: 3 },
        };
        blueprint.switches.push(switch("poison", true, poison));
    }
    blueprint
}

pub fn prepare(road: &mut Straight, run: &Run) -> Begun {
    match run.kind {
        Kind::Trial => letters(road, run),
        Kind::Rescue => pointers(road, run),
        Kind::Rerun => requests(road, run),
    }
}

/// So many in a hundred, and one at least.
fn some(all: usize, share: u64) -> usize {
    (all * share as usize / 100).max(1).min(all)
}

fn letters(road: &mut Straight, run: &Run) -> Begun {
    let dead = buried(road, STANDARD, run.messages);
    let letters = scene::seen(road, STANDARD);
    let at = run.share as usize % dead.len();
    let asked: Vec<_> = dead.keys().skip(at).take(1).cloned().collect();
    let carries = asked.iter().map(|id| (id.clone(), vec![id.to_string()])).collect();
    Begun { queues: STANDARD, dead, asked, carries, letters, objects: Vec::new() }
}

fn pointers(road: &mut Straight, run: &Run) -> Begun {
    scene::begin(road, STANDARD, run.messages);
    road.pass(120);
    road.switch(BROKEN, false);
    let letters = scene::seen(road, POINTERS);
    let dead: Dead = letters.iter().map(|letter| (letter.id.clone(), scene::job_of(&letter.body))).collect();
    let asked: Vec<_> = dead.keys().take(some(dead.len(), run.share)).cloned().collect();
    let mut carries = Carries::new();
    for letter in letters.iter().filter(|letter| asked.contains(&letter.id)) {
        let pointer = StreamPointer::parse(&letter.body).expect("it points into the stream");
        let Outcome::Done(Answer::Records(records)) = read_stream(&pointer, |ask| Ok(road.ask(ask))) else {
            panic!("the stream has them")
        };
        assert_eq!(records.len(), pointer.batch_size as usize, "one lane: the range is the batch");
        carries.insert(letter.id.clone(), records.into_iter().map(|record| record.sequence_number).collect());
    }
    Begun { queues: POINTERS, dead, asked, carries, letters, objects: Vec::new() }
}

fn requests(road: &mut Straight, run: &Run) -> Begun {
    scene::begin(road, STANDARD, run.messages);
    // Two retries, and then it is dropped.
    road.pass(900);
    road.switch(BROKEN, false);
    let list = ObjectRequest::List { bucket: REQUEST_STORE.into(), prefix: String::new(), after: None, max: 1_000 };
    let Reply::Objects(ObjectReply::Listed { objects, .. }) = road.ask(Request::Objects(list)) else {
        panic!("they are listed")
    };
    assert_eq!(objects.len(), run.messages, "each was stored");
    let objects: Vec<Object> = objects.into_iter().take(some(run.messages, run.share)).collect();
    let asked: Vec<_> = objects.iter().map(|object| object.key.as_str().into()).collect();
    let key = |object: &Object| {
        let event = created_event(&standard().region, REQUEST_STORE, object);
        event.pointer("/Records/0/s3/object/key").and_then(|key| key.as_str()).expect("it names its object").to_owned()
    };
    let carries = objects.iter().map(|object| (object.key.as_str().into(), vec![key(object)])).collect();
    Begun { queues: STANDARD, dead: Dead::new(), asked, carries, letters: Vec::new(), objects }
}

impl Begun {
    /// The new body of a letter, which does the same.
    pub fn edited(&self, run: &Run) -> Option<String> {
        let letter = self.letters.iter().find(|letter| self.asked.contains(&letter.id))?;
        (run.kind == Kind::Trial && run.edited).then(|| format!(" {}", letter.body))
    }

    pub fn undertaking(&self, run: &Run) -> Undertaking {
        let timeout_s = run.timed.then_some(TIMEOUT_S);
        let function = function(run.kind);
        let target = RescueTarget { function: function.into(), timeout_s, batch: 4, parallelization_factor: 1 };
        match run.kind {
            Kind::Trial => {
                let edited = self.edited(run);
                let bodies = edited.iter().map(|body| (self.asked[0].clone(), body.clone())).collect();
                let plan = TrialPlan {
                    from: scene::url(self.queues.dead),
                    id: self.asked[0].clone(),
                    function: function.into(),
                    timeout_s,
                    source: scene::arn(self.queues.jobs),
                    region: standard().region,
                    reason: None,
                    edit: edited.as_ref().map(|_| edit::plan("by hand", &bodies)),
                };
                match edited {
                    Some(body) => Undertaking::TryEdited(Box::new(confirm(plan)), body),
                    None => Undertaking::Trial(confirm(plan)),
                }
            }
            Kind::Rescue => Undertaking::Rescue(confirm(RescuePlan {
                from: scene::url(self.queues.dead),
                ids: self.asked.clone(),
                targets: vec![target],
                records: self.carries.values().map(|records| records.len() as u64).sum(),
                reason: None,
            })),
            Kind::Rerun => Undertaking::Rerun(confirm(RerunPlan {
                source: RerunSource::Requests,
                bucket: REQUEST_STORE.to_owned(),
                items: self
                    .objects
                    .iter()
                    .map(|one| RerunItem { object: one.clone(), function: function.into() })
                    .collect(),
                targets: vec![target],
                reason: None,
            })),
        }
    }
}
