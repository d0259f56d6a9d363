//! One seed's story: how many dead letters, which faults, what the operator does, when the process dies.

use redrive::operation::Command;

use crate::storm::fault::{Chance, Faults};
use crate::storm::scene::{FIFO, FIFO_BY_HAND, Queues, STANDARD};

#[derive(Debug)]
pub struct Story {
    pub seed: u64,
    /// Of a FIFO queue: then all are asked for, for what is behind a message that is held nobody sees.
    pub fifo: bool,
    pub messages: usize,
    pub asked: usize,
    pub lanes: u32,
    pub rate_per_s: Option<f64>,
    pub faults: Faults,
    /// Steps after which the process of each life dies; one more life ends the operation.
    pub deaths: Vec<u64>,
    /// Milliseconds after the beginning.
    pub commands: Vec<(i64, Command)>,
    /// The same of each life that takes it up again.
    pub later: Vec<(i64, Command)>,
    calm: bool,
}

impl Story {
    /// Every fourth seed is calm; of the others one in three is also commanded, and one in three dies.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "story");
        let messages = 1 + chance.draw(80) as usize;
        let fifo = chance.draw(4) == 0;
        let asked = if fifo { messages } else { 1 + chance.draw(messages as u64) as usize };
        let calm = seed.is_multiple_of(4);
        let mut faults = if calm { Faults::default() } else { faults(&mut chance) };
        if fifo {
            // SQS has no move tasks for FIFO queues.
            faults.task = 0;
        }
        let commands = if seed % 4 == 2 { commands(&mut chance) } else { Vec::new() };
        let deaths = match seed % 4 {
            3 => (0..=chance.draw(2)).map(|_| 1 + chance.draw(250)).collect(),
            _ => Vec::new(),
        };
        let lanes = 1 + chance.draw(6) as u32;
        let rate_per_s = (chance.draw(3) == 0).then(|| 0.5 + chance.draw(30) as f64);
        Story { seed, fifo, messages, asked, lanes, rate_per_s, faults, deaths, commands, later: Vec::new(), calm }
    }

    /// Messages are often handed out while they are leased, and answers are lost: receipts become void and
    /// nobody hears of it. One in three is cancelled, one dies and is cancelled when it is taken up again,
    /// one may look to the end.
    pub fn of_doubts(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "doubts");
        let messages = 20 + chance.draw(60) as usize;
        let asked = if chance.draw(2) == 0 { messages } else { 1 + chance.draw(messages as u64) as usize };
        let faults = Faults {
            redeliver: 30 + chance.draw(150),
            lost_after: 20 + chance.draw(100),
            slow: chance.draw(40),
            ..Faults::default()
        };
        let cancel = vec![(chance.draw(3_000) as i64, Command::Cancel)];
        let (commands, deaths, later) = match seed % 3 {
            0 => (cancel, Vec::new(), Vec::new()),
            1 => (Vec::new(), vec![1 + chance.draw(250)], cancel),
            _ => Default::default(),
        };
        let (lanes, rate_per_s) = (1 + chance.draw(6) as u32, None);
        let (fifo, calm) = (false, false);
        Story { seed, fifo, messages, asked, lanes, rate_per_s, faults, deaths, commands, later, calm }
    }

    pub fn queues(&self) -> Queues {
        match (self.fifo, self.seed.is_multiple_of(2)) {
            (false, _) => STANDARD,
            (true, false) => FIFO,
            (true, true) => FIFO_BY_HAND,
        }
    }

    pub fn is_calm(&self) -> bool {
        self.calm
    }

    /// Somebody else moves messages too.
    pub fn has_company(&self) -> bool {
        self.faults.rival > 0 || self.faults.task > 0
    }
}

/// What goes wrong in a night, and from when to when.
pub fn faults(chance: &mut Chance) -> Faults {
    let begins_ms = chance.draw(30_000) as i64;
    let lasts_ms = 20_000 + chance.draw(50_000) as i64;
    let no_extending = (chance.draw(3) == 0).then_some((begins_ms, begins_ms + lasts_ms));
    let mut rate = |most: u64| if chance.draw(2) == 0 { 0 } else { chance.draw(most) };
    let faults = Faults {
        throttle: rate(200),
        lost_before: rate(60),
        lost_after: rate(60),
        entry: rate(100),
        redeliver: rate(20),
        slow: rate(60),
        journal: rate(10),
        writing: 0,
        rival: rate(1_000),
        task: rate(2),
        no_extending,
    };
    // A message handed to two at once and moved by both: no mover can know.
    let company = faults.rival > 0 || faults.task > 0;
    Faults { redeliver: if company { 0 } else { faults.redeliver }, ..faults }
}

fn commands(chance: &mut Chance) -> Vec<(i64, Command)> {
    let at = chance.draw(4_000) as i64;
    match chance.draw(3) {
        0 => vec![(at, Command::Pause), (at + 70_000, Command::Resume)],
        1 => vec![(at, Command::Cancel)],
        _ => vec![(at, Command::Rate(Some(20.0)))],
    }
}
