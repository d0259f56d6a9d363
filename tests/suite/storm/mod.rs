//! Redrives of real jobs on the real pipeline, with everything going wrong that a seed can draw: told by
//! [`story`], once [`straight`] onto the pipeline and once through the SDK and its [`door`], and judged by
//! one and the same count of identities. Scans, drops and restores go through it as [`errand`]s. Shared by the suite and `cargo bench --bench soak`.

pub mod book;
pub mod connector;
pub mod door;
pub mod errand;
pub mod fault;
pub mod log;
pub mod order;
pub mod reckoning;
pub mod road;
pub mod run;
pub mod scene;
pub mod story;
pub mod straight;
#[path = "../../../src/operation/soak/suspicion.rs"]
pub mod suspicion;

use redrive::model::id::MessageId;
use redrive::model::plan::RedrivePlan;
use redrive::model::time::Timestamp;
use redrive::operation::card::Facts;
use redrive::operation::confirm::{Confirmed, Consent, Level, Planned, Preflight};
use redrive::operation::order::EndState;
use redrive::operation::progress::{RedriveReport, Report};
use redrive::operation::record::Record;
use redrive::operation::resume::ResumePlan;
use redrive::operation::{Owner, Undertaking};
use redrive::pipeline::standard::standard;

use crate::storm::log::Log;
use crate::storm::road::Road;
use crate::storm::scene::{Copies, Dead, Queues, Site};
use crate::storm::story::Story;
use crate::storm::straight::Straight;

pub const START: Timestamp = Timestamp::from_s(1_767_225_600);

/// Named only because a receive without an answer may have made their receipts void, and those of them
/// that it did.
#[derive(Debug, Default, Clone, Copy)]
pub struct Twice {
    pub doubted: u64,
    pub there: u64,
}

/// The process was killed.
#[derive(Debug)]
pub struct Died;

/// One seed, straight onto the pipeline.
///
/// # Panics
/// When anything is lost, exists twice without being named, or is named without a reason.
pub fn straight(seed: u64) {
    tell(Story::of(seed));
}

/// A story, straight onto the pipeline.
pub fn tell(story: Story) -> Twice {
    on(&mut Straight::new(story.seed, story.queues()), &story)
}

/// A story, on whichever road.
fn on(road: &mut impl Road, story: &Story) -> Twice {
    let (seed, queues) = (story.seed, story.queues());
    let dead = buried(road, queues, story.messages);
    road.begin(story.faults, &story.commands);
    let mut deaths = story.deaths.iter().copied();
    let report = loop {
        let undertaking = undertaking(story, &dead, &road.log());
        let machine = undertaking.begin(owner(), seed, road.now());
        match road.run(machine, deaths.next()) {
            Ok(report) => break redriven(report),
            // The next morning.
            Err(Died) => road.pass(100),
        }
        road.command(&story.later);
    };
    if story.is_calm() {
        assert_eq!(
            scene::dead_letters(road, queues).in_flight,
            0,
            "seed {seed}: what was not asked for was given back"
        );
    }
    road.calm_down();
    assert_eq!(scene::dead_letters(road, queues).in_flight, 0, "seed {seed}: something stays hidden");
    let copies = scene::count(road, queues);
    let twice = judge(story, &dead, &report, &road.log(), &copies);
    if !queues.fifo {
        scene::consume(road);
        road.pass(300);
        consumed(story, &copies, road);
    }
    twice
}

/// So many dead letters, in peace.
pub fn buried(road: &mut impl Road, queues: Queues, messages: usize) -> Dead {
    let begun = scene::begin(road, queues, messages);
    road.pass(30);
    scene::let_die(road, queues, begun, messages)
}

/// What the operator begins, or takes up again where the journal knows of it.
pub fn undertaking(story: &Story, dead: &Dead, log: &Log) -> Undertaking {
    match Record::read(&log.journal) {
        Some(record) => {
            let plan = ResumePlan { record: Box::new(record) };
            let confirmed = Preflight::new(plan, &Facts::default()).accept(&Consent::Enter);
            Undertaking::Resume(confirmed.map_err(|(_, why)| why).expect("it was confirmed before"))
        }
        None => {
            let ids: Vec<MessageId> = dead.keys().take(story.asked).cloned().collect();
            let queues = story.queues();
            let origins = vec![(scene::arn(queues.jobs), scene::url(queues.jobs))];
            let plan = RedrivePlan {
                rate_per_s: story.rate_per_s,
                lanes: story.lanes,
                fallback: queues.by_hand.then(|| scene::url(queues.jobs)),
                ..RedrivePlan::new(scene::url(queues.dead), scene::arn(queues.dead), ids, origins)
            };
            Undertaking::Redrive(confirm(plan))
        }
    }
}

/// What its level asks for is given.
pub fn confirm<T: Planned>(plan: T) -> Confirmed<T> {
    let preflight = Preflight::new(plan, &Facts { account: standard().account, ..Facts::default() });
    let consent = match preflight.level() {
        Level::Button | Level::Account { .. } => Consent::Enter,
        Level::Count(count) => Consent::Count(count.to_string()),
        Level::Irreversible { count, account_last4 } => {
            Consent::CountAndAccount { count: count.to_string(), account_last4: account_last4.clone() }
        }
    };
    preflight.accept(&consent).map_err(|(_, why)| why).expect("what is asked for was given")
}

pub fn owner() -> Owner {
    owner_of("op-1")
}

pub fn owner_of(operation: &str) -> Owner {
    Owner { operation: operation.into(), who: "tester".into(), account: "1".into(), region: "r".into() }
}

pub fn redriven(report: Report) -> RedriveReport {
    match report {
        Report::Redrive(report) => report,
        other => panic!("a redrive reports itself, not {other:?}"),
    }
}

/// Everything is somewhere, what is in two places is named, and what is named has a reason.
pub fn judge(story: &Story, dead: &Dead, report: &RedriveReport, log: &Log, copies: &Copies) -> Twice {
    let seed = story.seed;
    assert_eq!(log.breaches, Vec::<String>::new(), "seed {seed}: {report:?}");
    // Without the last look that a receive without an answer asks for.
    let early = report.problem.is_some() || report.state == EndState::Cancelled;
    let mut twice = Twice::default();
    for (n, (id, job)) in dead.iter().enumerate() {
        let copies_of = copies.of(job);
        assert!(copies_of > 0, "seed {seed}: {id} is lost: {report:?}");
        let named = report.duplicates_possible.contains(id);
        assert!(copies_of == 1 || named, "seed {seed}: {id} exists {copies_of} times, unnamed: {report:?}");
        if named && !log.suspicion.allows(id, false) {
            twice.doubted += 1;
            twice.there += u64::from(copies_of > 1);
        }
        let touched = copies.moved.contains_key(job);
        assert!(n < story.asked || !touched || story.has_company(), "seed {seed}: {id} was not asked for");
    }
    let wrongly: Vec<&MessageId> =
        report.duplicates_possible.iter().filter(|id| !log.suspicion.allows(id, early)).collect();
    assert_eq!(wrongly, Vec::<&MessageId>::new(), "seed {seed}: named without a reason: {report:?}");
    let hasty: Vec<&MessageId> = log.suspicion.hasty.iter().collect();
    assert_eq!(hasty, Vec::<&MessageId>::new(), "seed {seed}: sent with too little of the lease left: {report:?}");
    let sum = report.moved + report.failed + report.skipped + report.gone + report.returned;
    assert_eq!(sum, report.asked, "seed {seed}: every id ends in one way: {report:?}");
    if story.is_calm() {
        assert_eq!((report.state, report.moved), (EndState::Done, story.asked as u64), "seed {seed}: {report:?}");
        assert!(report.duplicates_possible.is_empty(), "seed {seed}: {report:?}");
        assert_eq!(copies.dead.len(), story.messages - story.asked, "seed {seed}: the others stay");
        let mut groups = copies.order.clone();
        groups.sort_by(|a, b| a.0.cmp(&b.0));
        assert!(groups.is_sorted() || !story.fifo, "seed {seed}: each group in its order: {groups:?}");
    }
    twice
}

/// Jobs that were moved are done by now; the pipeline's own count agrees that none is lost.
pub fn consumed(story: &Story, copies: &Copies, site: &mut impl Site) {
    let (seed, jobs) = (story.seed, site.census().jobs);
    assert_eq!(
        (jobs.lost, jobs.expired, jobs.waiting + jobs.in_flight + jobs.delayed),
        (0, 0, 0),
        "seed {seed}: {jobs:?}"
    );
    assert_eq!(jobs.done, copies.moved.len() as u64, "seed {seed}: what was moved is done: {jobs:?}");
    assert_eq!(jobs.done + jobs.dead, story.messages as u64, "seed {seed}: {jobs:?}");
}
