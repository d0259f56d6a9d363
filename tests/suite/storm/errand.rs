//! Errands in the storm: scans, drops and restores of real jobs' dead letters on the real pipeline, with
//! everything going wrong that a seed can draw, judged by a count of identities ([`reckoning`]). What a
//! drop kept is put back at the end, so that the pipeline's own census has to agree that nothing is lost.

use redrive::model::id::{MessageId, QueueUrl};
use redrive::model::plan::{DropPlan, RestorePlan, ScanPlan};
use redrive::operation::progress::Report;
use redrive::operation::{Command, Undertaking};

use crate::storm::fault::{Chance, Faults};
use crate::storm::log::Rule;
use crate::storm::reckoning::{self, Tally};
use crate::storm::road::Road;
use crate::storm::scene::{self, Copies, Dead, FIFO, FIFO_BY_HAND, Queues, STANDARD};
use crate::storm::straight::Straight;
use crate::storm::{buried, confirm, owner_of, story};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Scan,
    Drop,
    /// Of what was dropped in peace before.
    Restore,
}

#[derive(Debug)]
pub struct Errand {
    pub seed: u64,
    pub kind: Kind,
    pub queues: Queues,
    pub messages: usize,
    /// To be looked at, dropped, put back.
    pub asked: usize,
    pub faults: Faults,
    /// Steps after which the process of each life dies; one more life ends it.
    deaths: Vec<u64>,
    /// Milliseconds after the beginning.
    commands: Vec<(i64, Command)>,
    /// The same of each life that takes it up again.
    later: Vec<(i64, Command)>,
    lease_s: u32,
    pub calm: bool,
}

impl Errand {
    /// Each kind in turn; of four of a kind one is calm, one is cancelled or left, one dies.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "errand");
        let kind = [Kind::Scan, Kind::Drop, Kind::Restore][(seed % 3) as usize];
        let turn = seed / 3 % 4;
        let queues = match chance.draw(8) {
            0 => FIFO,
            1 => FIFO_BY_HAND,
            _ => STANDARD,
        };
        let messages = 1 + chance.draw(80) as usize;
        // Of a FIFO queue all: what is behind a message that is held nobody sees.
        let asked = if queues.fifo { messages } else { 1 + chance.draw(messages as u64) as usize };
        let mut faults = if turn == 0 { Faults::default() } else { story::faults(&mut chance) };
        if queues.fifo {
            faults.task = 0;
        }
        let told = if chance.draw(2) == 0 { Command::Cancel } else { Command::Leave };
        let told_at_ms = chance.draw(4_000) as i64;
        let deaths = (0..=chance.draw(2)).map(|_| 1 + chance.draw(150)).collect();
        Errand {
            seed,
            kind,
            queues,
            messages,
            asked,
            faults,
            deaths: if turn == 3 { deaths } else { Vec::new() },
            commands: if turn == 2 { vec![(told_at_ms, told)] } else { Vec::new() },
            later: Vec::new(),
            lease_s: 10 + chance.draw(51) as u32,
            calm: turn == 0,
        }
    }

    /// Harsher: answers and writes of the journal are often lost, or come when the lease is over; and either
    /// messages are handed out while they are leased, or somebody else takes and moves what shows again. Of
    /// four one is cancelled or left, and one (but a scan) dies and may be cancelled when it is taken up.
    pub fn in_doubt(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "errand in doubt");
        let kind = [Kind::Drop, Kind::Restore, Kind::Drop, Kind::Scan][(seed % 4) as usize];
        let messages = 8 + chance.draw(40) as usize;
        let asked = if chance.draw(2) == 0 { messages } else { 1 + chance.draw(messages as u64) as usize };
        let alone = chance.draw(2) == 0;
        let mut rate = |least: u64, most: u64| least + chance.draw(most);
        let faults = Faults {
            throttle: rate(0, 50),
            lost_before: rate(0, 80),
            lost_after: rate(20, 100),
            entry: rate(0, 120),
            slow: rate(0, 120),
            journal: rate(0, 30),
            writing: rate(0, 100),
            redeliver: if alone { rate(30, 150) } else { 0 },
            rival: if alone { 0 } else { rate(300, 700) },
            ..Faults::default()
        };
        let told = if chance.draw(3) == 0 { Command::Leave } else { Command::Cancel };
        let within_ms = match kind {
            Kind::Scan => 300,
            _ if chance.draw(2) == 0 => 2_000,
            _ => 90_000,
        };
        let told = vec![(chance.draw(within_ms) as i64, told)];
        let deaths = vec![1 + chance.draw(120)];
        let turn = if kind == Kind::Scan { seed / 4 % 4 / 2 * 2 } else { seed / 4 % 4 };
        let faults = match (kind, turn) {
            // What one that is told to end still holds is counted to the message.
            (Kind::Scan, 0) => Faults { lost_before: 0, lost_after: 0, ..faults },
            _ => faults,
        };
        let (commands, deaths, later) = match turn {
            0 => (told, Vec::new(), Vec::new()),
            1 if chance.draw(2) == 0 => (Vec::new(), deaths, vec![(chance.draw(3_000) as i64, Command::Cancel)]),
            1 => (Vec::new(), deaths, Vec::new()),
            _ => Default::default(),
        };
        let (queues, lease_s, calm) = (STANDARD, 10 + chance.draw(51) as u32, false);
        Errand { seed, kind, queues, messages, asked, faults, deaths, commands, later, lease_s, calm }
    }

    /// Somebody else moves messages too.
    pub fn has_company(&self) -> bool {
        self.faults.rival > 0 || self.faults.task > 0
    }

    pub fn dies(&self) -> bool {
        !self.deaths.is_empty()
    }

    /// The process ends in the midst of it, and another takes it up.
    pub fn is_left(&self) -> bool {
        self.commands.iter().any(|(_, command)| *command == Command::Leave)
    }

    fn begin(&self, dead: &Dead, road: &mut impl Road) -> Undertaking {
        match self.kind {
            Kind::Scan => Undertaking::Scan(confirm(ScanPlan {
                queue: scene::url(self.queues.dead),
                own_max_receive_count: None,
                max_messages: self.asked as u32,
                max_bytes: 1 << 30,
                lease_s: self.lease_s,
            })),
            Kind::Drop => self.drop(dead),
            Kind::Restore => {
                // Half of them where they died, half where they came from.
                let place = |n: usize| if n.is_multiple_of(2) { self.queues.dead } else { self.queues.jobs };
                let places = dead.keys().take(self.asked).enumerate().map(|(n, id)| (id.clone(), scene::url(place(n))));
                restore(road, DROPPED, places.collect())
            }
        }
    }

    fn drop(&self, dead: &Dead) -> Undertaking {
        let ids = dead.keys().take(self.asked).cloned().collect();
        Undertaking::Drop(confirm(DropPlan { from: scene::url(self.queues.dead), ids, reason: None }))
    }

    fn rule(&self, dead: &Dead) -> Rule {
        let chosen = || dead.iter().take(self.asked);
        match self.kind {
            Kind::Scan => Rule::Scan,
            Kind::Drop => Rule::Drop(chosen().map(|(id, _)| id.clone()).collect()),
            Kind::Restore => Rule::Restore(chosen().map(|(id, job)| (job.clone(), id.clone())).collect()),
        }
    }
}

/// Copies that an operation kept, to where each is to go.
fn restore(road: &mut impl Road, kept_by: &str, messages: Vec<(MessageId, QueueUrl)>) -> Undertaking {
    let mut copies = road.log().book().copies(kept_by);
    copies.retain(|copy| messages.iter().any(|(id, _)| *id == copy.id));
    let source = RestorePlan::copies_of(&kept_by.into());
    let plan = RestorePlan { messages, source, file: None, max_message_bytes: 1 << 18, reason: None };
    Undertaking::Restore(confirm(plan), copies)
}

/// One errand, straight onto the pipeline.
///
/// # Panics
/// When anything is lost, deleted without a copy, put back twice without being named, left hidden without
/// a word, or told otherwise than it is.
pub fn straight(errand: &Errand) -> Tally {
    on(&mut Straight::new(errand.seed, errand.queues), errand)
}

/// One errand, on whichever road.
pub fn on(road: &mut impl Road, errand: &Errand) -> Tally {
    let (seed, queues) = (errand.seed, errand.queues);
    let dead = buried(road, queues, errand.messages);
    if errand.kind == Kind::Restore {
        road.log().turn(Rule::Drop(dead.keys().cloned().collect()));
        let report = in_peace(road, seed, DROPPED, errand.drop(&dead));
        assert!(matches!(&report, Report::Drop(drop) if drop.dropped == errand.asked as u64), "{report:?}");
    }
    road.log().turn(errand.rule(&dead));
    let report = carry_out(road, errand, &dead);
    let in_flight = scene::dead_letters(road, queues).in_flight;
    let unheard = road.log().suspicion.unheard.len();
    reckoning::of_leases(errand, &report, in_flight, unheard);
    road.calm_down();
    assert_eq!(scene::dead_letters(road, queues).in_flight, 0, "seed {seed}: something stays hidden");
    let copies = scene::count(road, queues);
    let tally = reckoning::of(errand, &dead, &report, &road.log(), &copies);
    if !queues.fifo {
        put_back(road, errand, &dead, &copies);
    }
    tally
}

/// Through all that happens to it, until the journal has its end.
fn carry_out(road: &mut impl Road, errand: &Errand, dead: &Dead) -> Report {
    road.begin(errand.faults, &errand.commands);
    let mut deaths = errand.deaths.iter().copied();
    let mut left = errand.is_left();
    loop {
        let resumed = road.log().book().resumed(OPERATION);
        if resumed.is_none() {
            // What begins anew, for nothing of it is on record, tells anew.
            road.log().found.clear();
        }
        let undertaking = resumed.unwrap_or_else(|| errand.begin(dead, road));
        let machine = undertaking.begin(owner_of(OPERATION), errand.seed, road.now());
        if let Ok(report) = road.run(machine, deaths.next()) {
            let open = road.log().book().is_open(OPERATION);
            // Where it was left it is taken up once more.
            if !open || !std::mem::take(&mut left) {
                reckoning::of_the_end(errand, &report, open);
            }
            // Where its end is not on record the operator takes it up, as the report says.
            if !open {
                return report;
            }
            road.log().died();
        }
        road.pass(100);
        road.command(&errand.later);
    }
}

fn in_peace(road: &mut impl Road, seed: u64, operation: &str, undertaking: Undertaking) -> Report {
    road.begin(Faults::default(), &[]);
    let machine = undertaking.begin(owner_of(operation), seed, road.now());
    road.run(machine, None).expect("nobody dies in peace")
}

/// What is nowhere any more has its copy in the journal: put back in peace, and done by its consumer, it is
/// not lost by the pipeline's own count either.
fn put_back(road: &mut impl Road, errand: &Errand, dead: &Dead, copies: &Copies) {
    let seed = errand.seed;
    let kept_by = if errand.kind == Kind::Restore { DROPPED } else { OPERATION };
    let away: Dead =
        dead.iter().filter(|(_, job)| copies.of(job) == 0).map(|(id, job)| (id.clone(), job.clone())).collect();
    if !away.is_empty() {
        road.log().turn(Rule::Restore(away.iter().map(|(id, job)| (job.clone(), id.clone())).collect()));
        let places = away.keys().map(|id| (id.clone(), scene::url(errand.queues.jobs))).collect();
        let undertaking = restore(road, kept_by, places);
        let report = in_peace(road, seed, "op-2", undertaking);
        let Report::Restore(report) = &report else { panic!("a restore reports itself: {report:?}") };
        assert_eq!(report.restored, away.len() as u64, "seed {seed}: everything has its copy: {report:?}");
    }
    scene::consume(road);
    road.pass(300);
    let jobs = road.census().jobs;
    let waiting = jobs.waiting + jobs.in_flight + jobs.delayed;
    assert_eq!((jobs.lost, jobs.expired, waiting), (0, 0, 0), "seed {seed}: {jobs:?}");
    assert_eq!(jobs.done + jobs.dead, errand.messages as u64, "seed {seed}: {jobs:?}");
}

pub const OPERATION: &str = "op-1";
const DROPPED: &str = "op-0";
