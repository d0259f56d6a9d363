//! The ladder on queues whose messages may die again: how many are disturbed, and that it waits.

use crate::model::plan::{Ladder, RedrivePlan};
use crate::operation::order::{EndState, JournalEntry};
use crate::operation::progress::{Cause, RedriveReport};
use crate::operation::redrive::Redrive;
use crate::operation::soak::drive::Drive;
use crate::operation::soak::world::{Faults, World};
use crate::operation::soak::{START, confirm, owner, redrive_plan, redriven};

const MESSAGES: usize = 200;
/// maxReceiveCount 5, visibility 60 s, and the minute beyond.
const WAIT_MS: i64 = 6 * 60_000;

/// A redrive of all, of which so many in a hundred die again; and when each was sent.
fn climb(seed: u64, poisoned: u64, faults: Faults) -> (RedriveReport, Drive) {
    let mut world = World::new(seed, faults, MESSAGES);
    world.poison = (0..MESSAGES).filter(|_| world.draw(100) < poisoned).collect();
    world.bounces_after_ms = 5 * 60_000;
    let ladder = Ladder { rungs: Ladder::DEFAULT_RUNGS.to_vec(), wait_ms: WAIT_MS };
    let plan = RedrivePlan { ladder: Some(ladder), ..redrive_plan(0..MESSAGES, None) };
    let mut drive = Drive::new(world, START);
    let mut machine = Redrive::new(confirm(plan), owner(), seed, START);
    let report = drive.run(&mut machine, None).unwrap_or_else(|stop| panic!("seed {seed}: {stop:?}"));
    assert_eq!(drive.world.breaches, Vec::<String>::new(), "seed {seed}");
    (redriven(report), drive)
}

#[test]
fn where_every_message_is_poison_one_is_disturbed() {
    for seed in 0..100 {
        let (report, drive) = climb(seed, 100, Faults::default());
        assert_eq!(drive.world.sends.len(), 1, "seed {seed}: {report:?}");
        assert_eq!((report.bounced.len(), report.cause), (1, Some(Cause::Bounced)), "seed {seed}: {report:?}");
        assert_eq!((report.state, report.returned), (EndState::Partly, MESSAGES as u64 - 1), "seed {seed}");
        let problem = report.problem.expect("it says why it stopped");
        assert!(
            problem.contains("1 of 1 sent came back: the ladder stopped at rung 1 of 4; the rest, 199"),
            "{problem}"
        );
    }
}

#[test]
fn where_one_in_five_is_poison_hardly_ever_more_than_26_are_disturbed() {
    let disturbed: Vec<usize> = (0..100).map(|seed| climb(seed, 20, Faults::default()).1.world.sends.len()).collect();
    let few = disturbed.iter().filter(|sent| **sent <= 26).count();
    assert!(few >= 95, "{few} of 100: {disturbed:?}");
}

#[test]
fn a_rung_is_waited_for_in_full_and_the_rest_goes_after_the_last() {
    for (seed, faults) in
        [(1, Faults::default()), (2, Faults { throttle: 100, entry: 50, slow: 20, ..Faults::default() })]
    {
        let calm = faults.throttle == 0;
        let (report, drive) = climb(seed, 0, faults);
        assert_eq!(report.moved, MESSAGES as u64, "seed {seed}: {report:?}");
        let sends = &drive.world.sends;
        let mut sent = 0;
        for rung in Ladder::DEFAULT_RUNGS {
            sent += rung as usize;
            let (last, next) = (sends[sent - 1].0, sends[sent].0);
            assert!(next.ms_since(last) >= WAIT_MS, "seed {seed}: after {sent}: {last} then {next}");
        }
        let notes: Vec<String> = drive
            .world
            .journal
            .iter()
            .filter_map(|entry| match entry {
                JournalEntry::Noted { text, .. } => Some(text.clone()),
                _ => None,
            })
            .collect();
        let passes = notes.iter().filter(|text| text.contains("no bounce seen within "));
        assert_eq!(passes.clone().count(), 4, "seed {seed}: each rung says what was seen, and no more: {notes:?}");
        for text in passes {
            // It says how long it truly waited: refused and slow looks make that longer, never shorter.
            let within = text.split("within ").nth(1).expect("it says how long");
            let minutes: i64 = within.split(' ').next().and_then(|n| n.parse().ok()).expect("minutes");
            let exact = within == "6 m";
            assert!(if calm { exact } else { minutes * 60_000 >= WAIT_MS }, "seed {seed}: {text}");
        }
    }
}

#[test]
fn cut_off_on_a_rung_it_waits_for_that_rung_again() {
    for seed in 0..40 {
        let mut world = World::new(seed, Faults::default(), MESSAGES);
        world.bounces_after_ms = 5 * 60_000;
        let ladder = Ladder { rungs: vec![1, 5, 20], wait_ms: WAIT_MS };
        let plan = RedrivePlan { ladder: Some(ladder), ..redrive_plan(0..MESSAGES, None) };
        let mut drive = Drive::new(world, START);
        let mut machine = Redrive::new(confirm(plan), owner(), seed, START);
        let _ = drive.run(&mut machine, Some(20 + seed * 4));
        let before = drive.world.sends.len();
        let at = drive.now;
        let report = super::resume(&mut drive, seed, 4, MESSAGES, None).expect("it ends");
        let report = redriven(report);
        let next = drive.world.sends.get(before);
        let waits = [1, 6, 26].contains(&before);
        assert!(
            !waits || next.is_none_or(|next| next.0.ms_since(at) >= WAIT_MS),
            "seed {seed}: after {before}: {next:?}"
        );
        assert_eq!(report.moved + report.failed, MESSAGES as u64, "seed {seed}: {report:?}");
    }
}
