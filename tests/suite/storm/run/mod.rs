//! Runs in the storm: one letter tried, pointers rescued, lost requests run again, each by the real function
//! of the real pipeline, with everything going wrong that a seed can draw, also in the function itself. What
//! ran, and what came of it, is known by the pipeline's own answers as they leave it ([`witness`]), whoever
//! hears of them; and judged by that ([`judge`]).

pub mod ground;
pub mod judge;
pub mod witness;

use std::collections::BTreeMap;

use redrive::model::id::MessageId;
use redrive::operation::Command;
use redrive::operation::progress::Report;

use crate::storm::fault::{Chance, Faults};
use crate::storm::log::Rule;
use crate::storm::road::Road as _;
use crate::storm::run::ground::Begun;
use crate::storm::run::judge::Tally;
use crate::storm::scene::{self, Site as _};
use crate::storm::straight::Straight;
use crate::storm::{owner_of, story};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Trial,
    Rescue,
    /// Of requests whose run was lost.
    Rerun,
}

#[derive(Debug)]
pub struct Run {
    pub seed: u64,
    pub kind: Kind,
    /// Letters, or requests that are lost, or whose events become pointers.
    pub messages: usize,
    /// Of them, in a hundred.
    pub share: u64,
    /// A letter is tried with another body than it died with.
    pub edited: bool,
    /// The function's time-out is known.
    pub timed: bool,
    pub faults: Faults,
    /// Runs in a million that fail by chance.
    pub failing: u32,
    /// Some letters, or records, fail whenever they are run.
    pub poison: bool,
    /// Runs take up to a little more than they may.
    pub slow: bool,
    deaths: Vec<u64>,
    commands: Vec<(i64, Command)>,
    later: Vec<(i64, Command)>,
    pub calm: bool,
}

impl Run {
    /// Each kind in turn; of five of a kind one is calm, one is cancelled or left, one dies and may be cancelled
    /// when it is taken up, and two go to their end.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "run");
        let kind = [Kind::Trial, Kind::Rescue, Kind::Rerun][(seed % 3) as usize];
        let turn = seed / 3 % 5;
        let calm = turn == 0;
        let messages = match kind {
            Kind::Trial => 1 + chance.draw(20) as usize,
            Kind::Rescue => 1 + chance.draw(24) as usize,
            Kind::Rerun => 1 + chance.draw(30) as usize,
        };
        let faults = if calm { Faults::default() } else { faults(&mut chance) };
        let told = if chance.draw(2) == 0 { Command::Cancel } else { Command::Leave };
        let within_ms = if chance.draw(2) == 0 { 800 } else { 60_000 };
        let commands = if turn == 2 { vec![(chance.draw(within_ms) as i64, told)] } else { Vec::new() };
        let deaths = if turn == 3 { (0..=chance.draw(2)).map(|_| 1 + chance.draw(60)).collect() } else { Vec::new() };
        let again = (chance.draw(3_000) as i64, if chance.draw(3) == 0 { Command::Leave } else { Command::Cancel });
        let later = if turn == 3 && chance.draw(3) == 0 { vec![again] } else { Vec::new() };
        Run {
            seed,
            kind,
            messages,
            share: 30 + chance.draw(71),
            edited: chance.draw(4) == 0,
            timed: chance.draw(4) > 0,
            faults,
            failing: if calm || chance.draw(2) == 0 { 0 } else { 1_000 * chance.draw(300) as u32 },
            poison: !calm && chance.draw(2) == 0,
            slow: !calm && chance.draw(4) == 0,
            deaths,
            commands,
            later,
            calm,
        }
    }

    /// Harsher: answers come when the lease is over, and somebody else takes what shows again, and seldom moves it;
    /// letters and pointers are few, so that it is those at hand. Of four one is cancelled or left, one dies.
    pub fn in_doubt(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "run in doubt");
        let kind = [Kind::Trial, Kind::Rescue][(seed % 2) as usize];
        let messages = 1 + chance.draw(3) as usize;
        let faults = Faults {
            slow: 100 + chance.draw(250),
            rival: 1 + chance.draw(200),
            lost_after: chance.draw(60),
            entry: chance.draw(60),
            ..Faults::default()
        };
        let told = if chance.draw(2) == 0 { Command::Cancel } else { Command::Leave };
        let told = vec![(chance.draw(250_000) as i64, told)];
        let (commands, deaths) = match seed / 2 % 4 {
            0 => (told, Vec::new()),
            1 => (Vec::new(), vec![1 + chance.draw(60)]),
            _ => Default::default(),
        };
        let (share, edited, timed) = (100, false, true);
        let (failing, poison, slow, later, calm) = (0, false, false, Vec::new(), false);
        Run { seed, kind, messages, share, edited, timed, faults, failing, poison, slow, deaths, commands, later, calm }
    }

    /// Somebody else moves messages too.
    pub fn has_company(&self) -> bool {
        self.faults.rival > 0
    }

    pub fn dies(&self) -> bool {
        !self.deaths.is_empty()
    }

    pub fn is_told_to_end(&self) -> bool {
        !self.commands.is_empty() || !self.later.is_empty()
    }
}

/// As of any night, with longer waits, and a journal that fails more often.
fn faults(chance: &mut Chance) -> Faults {
    let faults = story::faults(chance);
    let mut rate = |most: u64| if chance.draw(2) == 0 { 0 } else { chance.draw(most) };
    let (journal, writing, slow, lost_after) = (rate(60), rate(60), rate(200), rate(150));
    // Nobody starts a move task for what is no dead-letter queue of a queue.
    Faults { task: 0, journal, writing, slow, lost_after, ..faults }
}

/// One story, straight onto the pipeline.
///
/// # Panics
/// When what did not come through is deleted, anything runs that is not on record or runs again that is,
/// something stays hidden without a word, or what is told or on record is not so.
pub fn straight(run: &Run) -> Tally {
    let seed = run.seed;
    let mut road = Straight::of(ground::blueprint(run), seed, ground::queues(run.kind));
    let begun = ground::prepare(&mut road, run);
    if begun.carries.is_empty() {
        // Every batch came through before its consumer broke: there is nothing to do.
        return Tally::default();
    }
    road.log.turn(Rule::Run(begun.carries.clone()));
    let (report, told) = carry_out(&mut road, run, &begun);
    let in_flight = if run.kind == Kind::Rerun { 0 } else { scene::dead_letters(&mut road, begun.queues).in_flight };
    judge::of_leases(run, &report, told, in_flight);
    road.calm_down();
    // The longest lease there is: of a function whose time-out is not known.
    road.pass(1_200);
    let copies = if run.kind == Kind::Rerun { scene::Copies::default() } else { scene::count(&mut road, begun.queues) };
    let census = road.census();
    judge::of(run, &begun, &report, &road.log, &copies, &census)
}

/// Through all that happens to it, until the journal has its end; and whether an earlier life said that something
/// stays hidden.
fn carry_out(road: &mut Straight, run: &Run, begun: &Begun) -> (Report, bool) {
    let (mut told, mut hidden) = (run.commands.as_slice(), false);
    road.begin(run.faults, told);
    let mut deaths = run.deaths.iter().copied();
    for life in 0.. {
        let undertaking = road.log.book().resumed(OPERATION).unwrap_or_else(|| begun.undertaking(run));
        road.log.witness.lives();
        let machine = undertaking.begin(owner_of(OPERATION), run.seed, road.now());
        if let Ok(report) = road.run(machine, deaths.next()) {
            let open = road.log.book().is_open(OPERATION);
            let left = told.iter().any(|(_, command)| *command == Command::Leave);
            judge::of_the_end(run, &report, open, left);
            if !open {
                return (report, hidden);
            }
            hidden |= judge::tells_of_hidden(&report);
            road.log.died();
        }
        road.pass(100);
        // Whoever ends it every morning never sees the end of it.
        told = if life < 2 { run.later.as_slice() } else { &[] };
        road.command(told);
    }
    unreachable!("it is taken up until it is over")
}

/// To what each of its messages carries: itself, the records it points at, in their order.
pub type Carries = BTreeMap<MessageId, Vec<String>>;

pub const OPERATION: &str = "op-1";
