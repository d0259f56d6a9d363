//! What must be true when an errand is over, whatever happened to it.

use std::collections::{BTreeMap, BTreeSet};

use redrive::model::id::MessageId;
use redrive::model::message::Message;
use redrive::operation::order::{EndState, MessageState};
use redrive::operation::progress::{DropReport, Report, RestoreReport, ScanReport};

use crate::storm::errand::{Errand, OPERATION};
use crate::storm::log::Log;
use crate::storm::scene::{Copies, Dead, job_of};

/// How much of it there was, so that a storm in which nothing happens is seen.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub scanned: u64,
    pub hidden: u64,
    pub dropped: u64,
    pub restored: u64,
    /// Named by a restore or a drop, and those of them that are there after all (of a restore, twice), or not
    /// at all.
    pub named: u64,
    pub twice: u64,
    pub never: u64,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.scanned += other.scanned;
        self.hidden += other.hidden;
        self.dropped += other.dropped;
        self.restored += other.restored;
        self.named += other.named;
        self.twice += other.twice;
        self.never += other.never;
    }
}

/// When it is over every lease is given back, or it says until when what it holds is hidden. `unheard`:
/// receives without an answer, each of which may hide ten that nobody can count.
pub fn of_leases(errand: &Errand, report: &Report, in_flight: u64, unheard: usize) {
    let seed = errand.seed;
    if errand.calm {
        assert_eq!(in_flight, 0, "seed {seed}: not everything was given back: {report:?}");
    }
    if in_flight == 0 || errand.has_company() || errand.dies() || errand.is_left() {
        return;
    }
    let told = match report {
        Report::Scan(scan) => scan.hidden_until.is_some() && in_flight <= scan.hidden + 10 * unheard as u64,
        report => report.problem().is_some_and(|problem| problem.contains("hidden until") || problem.contains("shows")),
    };
    assert!(told, "seed {seed}: {in_flight} stay hidden without a word: {report:?}");
}

/// What the journal does not know to be over is not called done, and is said to be so; and what it knows to
/// be over is not said to be open.
pub fn of_the_end(errand: &Errand, report: &Report, open: bool) {
    let seed = errand.seed;
    let unwritten = report.problem().is_some_and(|problem| problem.contains("the journal"));
    assert!(!open || unwritten, "seed {seed}: its end is not on record, and it does not say so: {report:?}");
    assert!(!open || report.state() != EndState::Done, "seed {seed}: done, and not on record: {report:?}");
    let taken_up = report.problem().is_some_and(|problem| problem.contains("journal resume"));
    assert!(open || !taken_up, "seed {seed}: it is over, and said to be open: {report:?}");
}

pub fn of(errand: &Errand, dead: &Dead, report: &Report, log: &Log, copies: &Copies) -> Tally {
    let seed = errand.seed;
    assert_eq!(log.breaches, Vec::<String>::new(), "seed {seed}: {report:?}");
    for (n, (id, job)) in dead.iter().enumerate() {
        let there = copies.of(job);
        let kept = log.kept.get(id);
        assert!(kept.is_none_or(|copy| job_of(&copy.body) == *job), "seed {seed}: {id} has another's copy");
        assert!(there > 0 || kept.is_some(), "seed {seed}: {id} is lost: {report:?}");
        assert!(there == 1 || n < errand.asked, "seed {seed}: {id} was not asked for, and is there {there} times");
    }
    match report {
        Report::Scan(report) => of_scan(errand, dead, report, &log.found, copies),
        Report::Drop(report) => of_drop(errand, dead, report, log, copies),
        Report::Restore(report) => of_restore(errand, dead, report, log, copies),
        other => panic!("seed {seed}: no errand reports {other:?}"),
    }
}

/// It moved nothing, tells nobody twice, and says that it was everything only if it was.
fn of_scan(errand: &Errand, dead: &Dead, report: &ScanReport, found: &[Message], copies: &Copies) -> Tally {
    let seed = errand.seed;
    for job in dead.values() {
        assert_eq!(copies.of(job), 1, "seed {seed}: {job} is where it was: {report:?}");
    }
    let ids: BTreeSet<&MessageId> = found.iter().map(|message| &message.id).collect();
    assert_eq!(ids.len(), found.len(), "seed {seed}: a message is told once");
    assert!(found.iter().all(|copy| dead.get(&copy.id) == Some(&job_of(&copy.body))), "seed {seed}: as it is");
    // Of one that was taken up, since its end was not on record, the report is the resume's, which found nothing.
    let taken_up = report.problem.as_ref().is_some_and(|problem| problem.starts_with("cut off: a scan keeps nothing"));
    if !errand.dies() && !errand.is_left() && !taken_up {
        assert_eq!(report.scanned, found.len() as u64, "seed {seed}: {report:?}");
        assert!(report.scanned <= errand.asked as u64, "seed {seed}: no more than was asked for: {report:?}");
    }
    if report.complete && !errand.has_company() {
        assert_eq!(found.len(), errand.messages, "seed {seed}: it says that it saw all: {report:?}");
    }
    if errand.calm {
        assert_eq!(report.state, EndState::Done, "seed {seed}: {report:?}");
        // Behind what the scan itself holds nothing of a FIFO group is handed out: then it says that it was not all.
        let behind = errand.queues.fifo && !report.complete;
        assert!(report.scanned == errand.asked as u64 || behind, "seed {seed}: {report:?}");
    }
    Tally { scanned: report.scanned, hidden: report.hidden, ..Tally::default() }
}

/// What it says of each is so: dropped is not there, gone is not in its queue, and the others are.
fn of_drop(errand: &Errand, dead: &Dead, report: &DropReport, log: &Log, copies: &Copies) -> Tally {
    let seed = errand.seed;
    let states = last_words(log);
    let mut tally = Tally { dropped: report.dropped, ..Tally::default() };
    for (id, job) in dead.iter().take(errand.asked) {
        let (there, in_queue) = (copies.of(job), copies.dead.contains_key(job));
        assert!(there <= 1, "seed {seed}: {id} is there {there} times, and nobody sends: {report:?}");
        match states.get(id) {
            Some(MessageState::Dropped { .. }) => {
                assert_eq!(there, 0, "seed {seed}: {id} is said to be dropped and is there: {report:?}");
            }
            Some(MessageState::Gone) => {
                assert!(!in_queue, "seed {seed}: {id} is said to be gone and is there: {report:?}");
            }
            _ => {}
        }
    }
    for id in dead.keys().take(errand.asked) {
        let named = report.doubtful.contains(id);
        let doubted = matches!(states.get(id), Some(MessageState::Doubted));
        assert_eq!(named, doubted, "seed {seed}: {id} is doubtful on record or in the report alone: {report:?}");
        assert!(!named || report.faults.iter().any(|(fault, _)| fault == id), "seed {seed}: {id} is told why");
        let there = copies.of(&dead[id]) > 0;
        tally.named += u64::from(named);
        tally.twice += u64::from(named && there);
        tally.never += u64::from(named && !there);
    }
    let known = states.values().filter(|state| matches!(state, MessageState::Dropped { .. })).count();
    assert_eq!(report.dropped, known as u64, "seed {seed}: what it says is on record: {report:?}");
    let sum = report.dropped + report.failed + report.gone + report.returned;
    assert_eq!(sum, errand.asked as u64, "seed {seed}: every id ends in one way: {report:?}");
    if errand.calm {
        assert_eq!((report.state, report.dropped), (EndState::Done, errand.asked as u64), "seed {seed}: {report:?}");
    }
    tally
}

/// Once each, or named; named with a reason; and what is not back has its copy, which is asked of the
/// journal itself.
fn of_restore(errand: &Errand, dead: &Dead, report: &RestoreReport, log: &Log, copies: &Copies) -> Tally {
    let seed = errand.seed;
    let states = last_words(log);
    let mut tally = Tally { restored: report.restored, ..Tally::default() };
    for (id, job) in dead.iter().take(errand.asked) {
        let (there, named) = (copies.of(job), report.duplicates_possible.contains(id));
        assert!(there <= 1 || named, "seed {seed}: {id} is there {there} times, unnamed: {report:?}");
        assert!(!named || log.unsure.contains(id), "seed {seed}: {id} is named without a reason: {report:?}");
        match states.get(id) {
            Some(MessageState::Acknowledged { .. }) => {
                assert!(there > 0, "seed {seed}: {id} is said to be back and is not: {report:?}");
            }
            Some(MessageState::Failed { .. } | MessageState::NotSent { .. }) | None => {
                assert_eq!(there, 0, "seed {seed}: {id} is back, and said not to be: {report:?}");
            }
            _ => assert!(named, "seed {seed}: nobody knows of {id}, unnamed: {report:?}"),
        }
        if named {
            tally.named += 1;
            tally.twice += u64::from(there > 1);
            tally.never += u64::from(there == 0);
        }
    }
    let sum = report.restored + report.failed + report.returned;
    assert_eq!(sum, errand.asked as u64, "seed {seed}: every id ends in one way: {report:?}");
    if errand.calm {
        assert_eq!((report.state, report.restored), (EndState::Done, errand.asked as u64), "seed {seed}: {report:?}");
    }
    tally
}

/// As the journal has them.
fn last_words(log: &Log) -> BTreeMap<MessageId, MessageState> {
    log.book().record(OPERATION).map(|record| record.states).unwrap_or_default()
}
