//! The ladder where what is redriven may die again, on the real pipeline with its consumer at work: how
//! many messages are disturbed before it stops.

use std::collections::BTreeSet;

use redrive::model::plan::{Ladder, RedrivePlan};
use redrive::operation::order::{JournalEntry, MessageState};
use redrive::operation::progress::{Cause, RedriveReport, Report};
use redrive::operation::redrive::Redrive;

use super::{confirm, owner, redrive_plan, scan};
use crate::soak::ground::{Faults, Ground};

/// No send works for five minutes; one run in five is poison, then and afterwards.
const SCENARIO: &str = r#"
title = "an outage, and poison that stays"
[load]
requests_per_s = 1
[[queues]]
name = "JobQueue"
visibility_s = 20
[[functions]]
name = "JobWorker"
timeout_s = 10
[[switches]]
name = "outage"
on = true
fault.failing-step = { action = "send", one_in = 1 }
[[switches]]
name = "bad"
on = true
fault.failing-step = { action = "send", one_in = 5 }
"#;

/// maxReceiveCount 5 × visibility 20 s, and a minute.
const WAIT_MS: i64 = 160_000;

/// Redrives all there are; the report, and how many were sent.
fn climb(seed: u64, mended: bool) -> (RedriveReport, usize) {
    let mut ground = Ground::of("ladder", SCENARIO, seed, Faults::default());
    ground.pass(300);
    if mended {
        assert!(ground.pipeline.set_switch(ground.now, "outage", false), "there is such a switch");
    }
    let ids = scan(&mut ground, seed);
    assert!(ids.len() > 126, "seed {seed}: enough for every rung and more: {}", ids.len());
    let ladder = Ladder { rungs: Ladder::DEFAULT_RUNGS.to_vec(), wait_ms: WAIT_MS };
    let plan = RedrivePlan { rate_per_s: None, ladder: Some(ladder), ..redrive_plan(&ground, ids) };
    let mut machine = Redrive::new(confirm(plan), owner("redrive"), seed, ground.now);
    let Report::Redrive(report) = ground.run(&mut machine) else { panic!("seed {seed}: a redrive reports itself") };
    let census = ground.pipeline.summary().census;
    assert_eq!(census.jobs.lost, 0, "seed {seed}: {census:?}");
    let sent: BTreeSet<_> = ground
        .journal
        .iter()
        .filter_map(|entry| match entry {
            JournalEntry::Message { id, state: MessageState::Acknowledged { .. }, .. } => Some(id),
            _ => None,
        })
        .collect();
    (report, sent.len())
}

#[test]
fn where_everything_is_poison_one_message_is_disturbed() {
    for seed in 0..20 {
        let (report, sent) = climb(seed, false);
        assert_eq!((sent, report.cause), (1, Some(Cause::Bounced)), "seed {seed}: {report:?}");
    }
}

#[test]
fn where_one_in_five_is_poison_hardly_ever_more_than_26_are_disturbed() {
    let disturbed: Vec<usize> = (0..100).map(|seed| climb(seed, true).1).collect();
    let few = disturbed.iter().filter(|sent| **sent <= 26).count();
    assert!(few >= 95, "{few} of 100: {disturbed:?}");
}
