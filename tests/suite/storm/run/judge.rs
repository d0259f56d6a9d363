//! What must be true when a run is over: by what the pipeline's functions answered, by its census, by what is
//! in its queues, and by what an operator could have written down. Never by what the machine believes.

use std::collections::BTreeMap;

use redrive::model::census::Census;
use redrive::model::id::MessageId;
use redrive::model::trial::Verdict;
use redrive::operation::order::{EndState, MessageState};
use redrive::operation::progress::{Report, RerunReport, RescueReport, TrialReport};

use crate::storm::log::Log;
use crate::storm::run::ground::Begun;
use crate::storm::run::witness::Ran;
use crate::storm::run::{Kind, OPERATION, Run};
use crate::storm::scene::Copies;

/// How much of it there was, so that a storm in which nothing happens is seen.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Came through, and deleted.
    pub tried: u64,
    pub rescued: u64,
    pub reran: u64,
    /// Ran, and did not come through.
    pub failed: u64,
    /// Perhaps deleted, perhaps run.
    pub named: u64,
    /// What ran a second time, in a later life.
    pub again: u64,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.tried += other.tried;
        self.rescued += other.rescued;
        self.reran += other.reran;
        self.failed += other.failed;
        self.named += other.named;
        self.again += other.again;
    }
}

/// Whether it says until when something is hidden.
pub fn tells_of_hidden(report: &Report) -> bool {
    report.problem().is_some_and(|problem| problem.contains("hidden until") || problem.contains("shows"))
}

/// When it is over what it held is given back, or it says until when it is hidden; `told`: an earlier life said so.
pub fn of_leases(run: &Run, report: &Report, told: bool, in_flight: u64) {
    let seed = run.seed;
    if run.calm {
        assert_eq!(in_flight, 0, "seed {seed}: not everything was given back: {report:?}");
    }
    if in_flight == 0 || run.has_company() || run.dies() || run.faults.redeliver > 0 {
        return;
    }
    assert!(told || tells_of_hidden(report), "seed {seed}: {in_flight} stay hidden without a word: {report:?}");
}

/// What the journal does not know to be over is not called done, and is said to be so. `left`: where it is
/// left to be taken up, that is known.
pub fn of_the_end(run: &Run, report: &Report, open: bool, left: bool) {
    let seed = run.seed;
    let unwritten = report.problem().is_some_and(|problem| problem.contains("the journal"));
    assert!(!open || unwritten || left, "seed {seed}: its end is not on record, and it does not say so: {report:?}");
    assert!(!open || report.state() != EndState::Done, "seed {seed}: done, and not on record: {report:?}");
    // Nothing but leaving stops a rerun without a problem: what it has not run is left to be taken up.
    let midway = matches!(report, Report::Rerun(rerun) if rerun.returned > 0 && rerun.problem.is_none());
    assert!(open || !left || !midway, "seed {seed}: left in the middle, and ended on record: {report:?}");
}

pub fn of(run: &Run, begun: &Begun, report: &Report, log: &Log, copies: &Copies, census: &Census) -> Tally {
    let seed = run.seed;
    assert_eq!(log.breaches, Vec::<String>::new(), "seed {seed}: {report:?}");
    for (id, job) in &begun.dead {
        let there = copies.of(job);
        let through = begun.carries.get(id).is_some_and(|carried| log.witness.came_through(carried));
        assert!(there > 0 || through, "seed {seed}: {id} is deleted, and did not come through: {report:?}");
        assert!(there == 1 || begun.asked.contains(id), "seed {seed}: {id} was not asked for: {there}: {report:?}");
    }
    of_census(run, begun, log, census);
    let tally = Tally { again: again(begun, log), failed: failed(log), ..Tally::default() };
    match (run.kind, report) {
        (Kind::Trial, Report::Trial(report)) => of_trial(run, begun, report, log, copies, tally),
        // Taken up again it is closed, and that is all.
        (Kind::Trial, Report::Scan(report)) => {
            let said = report.problem.as_ref().is_some_and(|problem| problem.contains("may have run"));
            assert!(said, "seed {seed}: it does not say that it may have run: {report:?}");
            once(run, log);
            tally
        }
        (Kind::Rescue, Report::Rescue(report)) => of_rescue(run, begun, report, log, copies, tally),
        (Kind::Rerun, Report::Rerun(report)) => of_rerun(run, begun, report, log, tally),
        (kind, other) => panic!("seed {seed}: no {kind:?} reports {other:?}"),
    }
}

/// The pipeline's own count: what is nowhere any more was done.
fn of_census(run: &Run, begun: &Begun, log: &Log, census: &Census) {
    let seed = run.seed;
    let (jobs, events) = (&census.jobs, &census.events);
    assert_eq!((jobs.expired, events.expired, events.lost), (0, 0, 0), "seed {seed}: {census:?}");
    let through = begun.carries.values().flatten().filter(|one| log.witness.of(one).1 > 0).count() as u64;
    match run.kind {
        Kind::Trial => {
            assert_eq!((jobs.lost, jobs.done), (0, through), "seed {seed}: {census:?}");
        }
        Kind::Rescue => {
            assert_eq!(jobs.lost, 0, "seed {seed}: {census:?}");
        }
        Kind::Rerun => {
            assert_eq!(jobs.lost, run.messages as u64 - through, "seed {seed}: what ran again is a job: {census:?}");
        }
    }
}

fn failed(log: &Log) -> u64 {
    log.witness.ran.iter().filter(|ran| ran.passed != Some(ran.carried.len())).count() as u64
}

fn again(begun: &Begun, log: &Log) -> u64 {
    begun.carries.values().flatten().filter(|one| log.witness.of(one).1 > 1).count() as u64
}

/// Nothing was asked to run more often than once, in whatever life.
fn once(run: &Run, log: &Log) {
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    for ran in &log.witness.ran {
        ran.carried.iter().for_each(|one| *times.entry(one).or_default() += 1);
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "seed {}: ran more often than once: {twice:?}", run.seed);
}

fn of_trial(run: &Run, begun: &Begun, report: &TrialReport, log: &Log, copies: &Copies, tally: Tally) -> Tally {
    let seed = run.seed;
    let id = &begun.asked[0];
    once(run, log);
    let (ran, through) = log.witness.of(id.as_str());
    let there = copies.dead.contains_key(&begun.dead[id]);
    // What somebody else moved is there too.
    let anywhere = if run.has_company() { copies.of(&begun.dead[id]) > 0 } else { there };
    let left = run.is_told_to_end();
    match &report.verdict {
        Verdict::Succeeded => assert_eq!((ran, through), (1, 1), "seed {seed}: {report:?}"),
        Verdict::Failed(_) => assert_eq!((ran, through), (1, 0), "seed {seed}: {report:?}"),
        Verdict::NotRun(_) => assert_eq!(ran, 0, "seed {seed}: it ran: {report:?}"),
        Verdict::MayHaveRun(_) => {
            assert!(log.witness.unheard > 0 || left, "seed {seed}: that it may have run has no reason: {report:?}");
        }
    }
    assert!(!report.deleted || !there, "seed {seed}: said to be deleted, and is there: {report:?}");
    assert!(!report.doubtful || log.witness.unsure.contains(id), "seed {seed}: doubtful without a reason: {report:?}");
    let succeeded = report.verdict == Verdict::Succeeded;
    let stays = !(report.deleted || report.doubtful);
    assert!(!stays || anywhere, "seed {seed}: said to be there still, and is not: {report:?}");
    let state = last_words(log).remove(id);
    let agrees = match &state {
        Some(MessageState::Deleted { .. }) => report.deleted,
        Some(MessageState::PossibleDuplicate { .. }) => {
            report.doubtful || matches!(report.verdict, Verdict::MayHaveRun(_))
        }
        Some(MessageState::Duplicate { .. }) => succeeded && stays,
        Some(MessageState::Failed { .. }) => matches!(report.verdict, Verdict::Failed(_)),
        Some(MessageState::Skipped { .. }) => matches!(report.verdict, Verdict::NotRun(_)),
        _ => false,
    };
    // Where its first line is not on record nothing is.
    let unbegun = log.book().record(OPERATION).is_none();
    assert!(agrees || unbegun, "seed {seed}: on record is {state:?}, and told: {report:?}");
    assert!(!unbegun || ran == 0, "seed {seed}: nothing is on record, and it ran: {report:?}");
    if run.calm {
        assert!(report.deleted && report.state == EndState::Done, "seed {seed}: {report:?}");
    }
    let may_have = matches!(report.verdict, Verdict::MayHaveRun(_));
    Tally { tried: u64::from(report.deleted), named: u64::from(report.doubtful || may_have), ..tally }
}

fn of_rescue(run: &Run, begun: &Begun, report: &RescueReport, log: &Log, copies: &Copies, tally: Tally) -> Tally {
    let seed = run.seed;
    let states = last_words(log);
    let of_state = |what: fn(&MessageState) -> bool| states.values().filter(|state| what(state)).count() as u64;
    for id in &begun.asked {
        let there = copies.dead.contains_key(&begun.dead[id]);
        let fault = report.faults.iter().find(|(fault, _)| fault == id).map(|(_, why)| why.as_str());
        let doubtful = report.doubtful.contains(id);
        match states.get(id) {
            Some(MessageState::Deleted { .. }) => {
                assert!(!there, "seed {seed}: {id} is said to be deleted, and is there: {report:?}");
                assert!(fault.is_none(), "seed {seed}: {id} is deleted on record, and told as failed: {report:?}");
            }
            Some(MessageState::Doubted) => {
                assert!(doubtful, "seed {seed}: {id} is doubted on record, and not told: {report:?}");
            }
            _ => assert!(!doubtful, "seed {seed}: {id} is told as doubtful, and not on record: {report:?}"),
        }
        assert!(!doubtful || fault.is_some(), "seed {seed}: {id} is not told why: {report:?}");
        let unsure = log.witness.unsure.contains(id);
        assert!(!doubtful || unsure, "seed {seed}: {id} is doubtful without a reason: {report:?}");
        let stays = fault.is_some_and(|why| !doubtful && !why.contains("not found"));
        assert!(
            !stays || there || run.has_company(),
            "seed {seed}: {id} is said to stay, and is not there: {report:?}"
        );
    }
    assert_eq!(
        report.rescued,
        of_state(|state| matches!(state, MessageState::Deleted { .. })),
        "seed {seed}: {report:?}"
    );
    let sum = report.rescued + report.failed + report.gone + report.returned;
    assert_eq!(sum, report.asked, "seed {seed}: every pointer ends in one way: {report:?}");
    assert_eq!(report.failed, report.faults.len() as u64, "seed {seed}: each is told why: {report:?}");
    if !run.has_company() {
        let away = begun.asked.iter().filter(|id| !copies.dead.contains_key(&begun.dead[*id])).count() as u64;
        let unfound = report.faults.iter().filter(|(_, why)| why.contains("not found")).count() as u64;
        let said = report.rescued + unfound + report.gone;
        assert!(away <= said || report.state == EndState::Cancelled, "seed {seed}: {away} are away: {report:?}");
    }
    // An answer that was lost is not counted, nor what an earlier life ran.
    let through = |ran: &&Ran| ran.life == log.witness.life;
    let records: usize = log.witness.ran.iter().filter(through).filter_map(|ran| ran.passed).sum();
    assert!(report.records <= records as u64, "seed {seed}: {records} came through: {report:?}");
    if run.calm {
        let all: u64 = begun.carries.values().map(|records| records.len() as u64).sum();
        let told = (report.state, report.rescued, report.records);
        assert_eq!(told, (EndState::Done, begun.asked.len() as u64, all), "seed {seed}: {report:?}");
    }
    Tally { rescued: report.rescued, named: report.doubtful.len() as u64, ..tally }
}

fn of_rerun(run: &Run, begun: &Begun, report: &RerunReport, log: &Log, tally: Tally) -> Tally {
    let seed = run.seed;
    once(run, log);
    let states = last_words(log);
    let mut ran_all = 0;
    for id in &begun.asked {
        let (ran, through) = log.witness.of(&begun.carries[id][0]);
        let failed = report.faults.iter().any(|(fault, _)| fault == id);
        let may_have = report.may_have_run.contains(id);
        match states.get(id) {
            Some(MessageState::Ran) => {
                assert_eq!(through, 1, "seed {seed}: {id} is said to have come through: {report:?}");
                assert!(!failed && !may_have, "seed {seed}: {id} came through, on record: {report:?}");
                ran_all += 1;
            }
            Some(MessageState::Failed { .. }) => {
                assert_eq!(through, 0, "seed {seed}: {id} came through, and is said not to have: {report:?}");
                assert!(failed, "seed {seed}: {id} failed, on record: {report:?}");
            }
            Some(MessageState::PossibleDuplicate { .. }) => {
                assert!(may_have, "seed {seed}: {id} may have run, on record: {report:?}");
            }
            // Its end could not be written: nobody knows.
            Some(MessageState::Running { .. }) => {
                assert!(failed || may_have || report.ran > 0, "seed {seed}: nobody knows of {id}: {report:?}");
            }
            _ => assert_eq!(ran, 0, "seed {seed}: {id} ran, and nothing is on record: {report:?}"),
        }
    }
    assert!(report.ran >= ran_all, "seed {seed}: {ran_all} on record: {report:?}");
    let sum = report.ran + report.failed + report.may_have_run.len() as u64 + report.returned;
    assert_eq!(sum, report.asked, "seed {seed}: every item ends in one way: {report:?}");
    if run.calm {
        let told = (report.state, report.ran);
        assert_eq!(told, (EndState::Done, begun.asked.len() as u64), "seed {seed}: {report:?}");
    }
    Tally { reran: report.ran, named: report.may_have_run.len() as u64, ..tally }
}

/// As the journal has them.
fn last_words(log: &Log) -> BTreeMap<MessageId, MessageState> {
    log.book().record(OPERATION).map(|record| record.states).unwrap_or_default()
}
