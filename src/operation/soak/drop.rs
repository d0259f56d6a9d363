//! Drops and restores in virtual time with faults from a seed: nothing is deleted that the journal does
//! not hold whole, nothing else is touched, and what is put back is what was there.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::MessageId;
use crate::model::message::Message;
use crate::model::plan::{DropPlan, RestorePlan, ScanPlan};
use crate::operation::confirm::Confirmed;
use crate::operation::drop::Drop;
use crate::operation::order::{EndState, JournalEntry};
use crate::operation::progress::{DropReport, Report, RestoreReport};
use crate::operation::restore::Restore;
use crate::operation::scan::Scan;
use crate::operation::soak::drive::{Drive, Stop};
use crate::operation::soak::world::{DLQ, Faults, SIZE_LIMIT, World, id_of};
use crate::operation::soak::{START, confirm, confirm_in, owner, scanned};
use crate::operation::{Command, Operation};

const FAULTS: Faults = Faults {
    throttle: 40,
    lost_before: 20,
    lost_after: 20,
    entry: 20,
    redeliver: 5,
    slow: 10,
    rival: 200,
    journal: 3,
    task: 0,
    empty: 60,
};

fn confirmed(ids: Vec<MessageId>) -> Confirmed<DropPlan> {
    confirm_in(DropPlan { from: DLQ.into(), ids, reason: None }, "123456789012")
}

fn run(drive: &mut Drive, machine: &mut dyn Operation, dies_after: Option<u64>) -> Option<DropReport> {
    match drive.run(machine, dies_after) {
        Ok(Some(Report::Drop(report))) => Some(report),
        Ok(other) => panic!("a drop reports itself: {other:?}"),
        Err(Stop::Died) => None,
        Err(stop) => panic!("{stop:?}"),
    }
}

fn copies(drive: &Drive) -> BTreeMap<MessageId, Message> {
    let kept = drive.world.journal.iter().filter_map(|entry| match entry {
        JournalEntry::Backup { message, .. } => Some((message.id.clone(), (**message).clone())),
        _ => None,
    });
    kept.collect()
}

/// Every other message is dropped, whatever happens; the rest is not touched.
fn census(seed: u64, drive: &Drive, messages: usize) {
    assert_eq!(drive.world.breaches, Vec::<String>::new(), "seed {seed}");
    let kept = copies(drive);
    for identity in 0..messages {
        let there = drive.world.copies(identity) > 0;
        let chosen = identity % 2 == 0;
        assert!(there || chosen, "seed {seed}: {identity} was not chosen and is gone");
        assert!(there || kept.contains_key(&id_of(identity)), "seed {seed}: {identity} is gone without a copy");
    }
}

#[test]
fn nothing_is_deleted_that_the_journal_does_not_hold() {
    for seed in 0..120 {
        let messages = 40 + (seed as usize % 50);
        let faults = if seed % 3 == 0 { Faults::default() } else { FAULTS };
        let mut drive = Drive::new(World::new(seed, faults, messages), START);
        drive.world.drops = true;
        let chosen: Vec<MessageId> = (0..messages).step_by(2).map(id_of).collect();
        let dies_after = (seed % 4 == 1).then_some(seed * 7 % 160);
        if seed % 5 == 2 {
            drive.commands.push((START.plus_ms(400 + seed as i64 * 13), Command::Cancel));
        }
        let mut machine = Drop::new(confirmed(chosen.clone()), owner(), seed, START);
        let report = run(&mut drive, &mut machine, dies_after);
        census(seed, &drive, messages);
        let Some(report) = report else { continue };
        let sum = report.dropped + report.failed + report.gone + report.returned;
        assert_eq!(sum, chosen.len() as u64, "seed {seed}: {report:?}");
        if seed % 3 == 0 && seed % 5 != 2 {
            assert_eq!((report.state, report.dropped), (EndState::Done, chosen.len() as u64), "seed {seed}");
            assert_eq!(drive.world.visible(drive.now), drive.world.dlq.len(), "seed {seed}: something stays hidden");
        }
    }
}

#[test]
fn what_is_put_back_is_what_was_there() {
    for seed in 0..40 {
        let faults = if seed % 2 == 0 { Faults::default() } else { FAULTS };
        let mut drive = Drive::new(World::new(seed, Faults::default(), 30), START);
        drive.world.drops = true;
        let mut machine = Drop::new(confirmed((0..30).map(id_of).collect()), owner(), seed, START);
        run(&mut drive, &mut machine, None).expect("it ends");
        let messages: Vec<Message> = copies(&drive).into_values().collect();
        assert_eq!(messages.len(), 30);
        drive.world.faults = faults;
        let places = messages.iter().map(|message| (message.id.clone(), DLQ.into())).collect();
        let plan = RestorePlan {
            messages: places,
            source: "op-1".to_owned(),
            file: None,
            max_message_bytes: SIZE_LIMIT as u64,
            reason: None,
        };
        let confirmed = confirm_in(plan, "123456789012");
        let mut machine = Restore::new(confirmed, messages, owner(), seed, drive.now);
        let report: RestoreReport = match drive.run(&mut machine, None) {
            Ok(Some(Report::Restore(report))) => report,
            other => panic!("seed {seed}: {other:?}"),
        };
        assert_eq!(drive.world.breaches, Vec::<String>::new(), "seed {seed}");
        let unknown: BTreeSet<&MessageId> = report.duplicates_possible.iter().collect();
        let failed: BTreeSet<&MessageId> = report.faults.iter().map(|(id, _)| id).collect();
        for identity in 0..30 {
            let sent = drive.world.delivered.iter().filter(|other| **other == identity).count();
            let id = id_of(identity);
            assert!(sent <= 1 || unknown.contains(&id), "seed {seed}: {identity} sent {sent} times and not named");
            assert!(sent >= 1 || failed.contains(&id) || report.returned > 0, "seed {seed}: {identity} not sent");
        }
        if seed % 2 == 0 {
            assert_eq!((report.state, report.restored), (EndState::Done, 30), "seed {seed}");
        }
    }
}

/// *Quiet while reading*: a scan of 5,000 hides more than a twentieth of them for at most a minute in
/// all, and nothing once it is over, however long its snapshot stays open.
#[test]
fn a_scan_of_five_thousand_is_quiet() {
    for (seed, cancelled_ms) in [(1, None), (2, None), (3, Some(1_500)), (4, Some(4_000))] {
        let plan = ScanPlan {
            queue: DLQ.into(),
            own_max_receive_count: None,
            max_messages: 100_000,
            max_bytes: 1 << 30,
            lease_s: 60,
        };
        let mut drive = Drive::new(World::new(seed, Faults::default(), 5_000), START);
        drive.commands = cancelled_ms.map(|ms| (START.plus_ms(ms), Command::Leave)).into_iter().collect();
        let mut machine = Scan::new(confirm(plan), owner(), seed, START);
        let report = scanned(drive.run(&mut machine, None).unwrap_or_else(|stop| panic!("seed {seed}: {stop:?}")));
        assert!(cancelled_ms.is_some() || report.scanned == 5_000, "{report:?}");
        let mut quiet_ms = 0;
        for pair in drive.seen.windows(2) {
            let ((at, visible), (until, _)) = (pair[0], pair[1]);
            if visible * 100 < 5_000 * 95 {
                quiet_ms += until.ms_since(at);
            }
        }
        assert!(quiet_ms > 0, "the test sees what is hidden");
        assert!(quiet_ms <= 60_000, "seed {seed}: {quiet_ms} ms below 95 %");
        assert_eq!(drive.world.visible(drive.now), 5_000, "seed {seed}: something stays hidden");
        assert!(drive.now.ms_since(START) <= 60_000, "over before the first lease ends");
    }
}
