//! The operations, as they are, on the pipeline, as it is, in virtual time: what an operator does in a
//! night, with an unlucky network, and the count of identities afterwards.

mod ground;
mod ladder;
mod seeds;
mod trial;

use redrive::model::id::MessageId;
use redrive::model::mapping::MappingChange;
use redrive::model::plan::{MoveAllPlan, RedrivePlan, RetunePlan, ScanPlan};
use redrive::model::time::Timestamp;
use redrive::operation::card::Facts;
use redrive::operation::confirm::{Confirmed, Consent, Level, Planned, Preflight};
use redrive::operation::move_all::MoveAll;
use redrive::operation::order::EndState;
use redrive::operation::progress::Report;
use redrive::operation::redrive::Redrive;
use redrive::operation::retune::Retune;
use redrive::operation::scan::Scan;
use redrive::operation::{Operation, Owner};

use crate::soak::ground::{Faults, Ground};

const START: Timestamp = Timestamp::from_s(1_767_225_600);

/// A step that fails for one run in four, so that a few minutes fill JobDLQ.
const SCENARIO: &str = r#"
title = "a step that fails often"
[load]
requests_per_s = 1
[[queues]]
name = "JobQueue"
visibility_s = 20
[[functions]]
name = "JobWorker"
timeout_s = 10
[[switches]]
name = "failing-step"
on = true
fault.failing-step = { action = "send", one_in = 4 }
"#;

/// A night: the step fails for five minutes; when it is mended, what it left is in JobDLQ.
fn night(seed: u64, faults: Faults) -> Ground {
    let mut ground = Ground::of("soak", SCENARIO, seed, faults);
    ground.pass(300);
    assert!(ground.pipeline.set_switch(ground.now, "failing-step", false), "there is such a switch");
    ground.pass(300);
    ground
}

fn owner(name: &str) -> Owner {
    Owner { operation: name.into(), who: "tester".into(), account: "1".into(), region: "r".into() }
}

fn confirm<T: Planned>(plan: T) -> Confirmed<T> {
    let preflight = Preflight::new(plan, &Facts::default());
    let consent = match preflight.level() {
        Level::Button | Level::Account { .. } => Consent::Enter,
        Level::Count(count) | Level::Irreversible { count, .. } => Consent::Count(count.to_string()),
    };
    preflight.accept(&consent).map_err(|(_, why)| why).expect("what the level asks for was given")
}

fn scan(ground: &mut Ground, seed: u64) -> Vec<MessageId> {
    let plan = ScanPlan {
        queue: ground.url("JobDLQ"),
        own_max_receive_count: None,
        max_messages: 1_000,
        max_bytes: 1 << 30,
        lease_s: 60,
    };
    ground.told.clear();
    let report = ground.run(&mut Scan::new(confirm(plan), owner("scan"), seed, ground.now));
    let found: Vec<MessageId> =
        ground.told.iter().flat_map(|told| &told.found).map(|message| message.id.clone()).collect();
    assert!(matches!(report, Report::Scan(report) if report.scanned == found.len() as u64), "seed {seed}");
    found
}

fn redrive_plan(ground: &Ground, ids: Vec<MessageId>) -> RedrivePlan {
    let origins = vec![(ground.arn("JobQueue"), ground.url("JobQueue"))];
    RedrivePlan {
        max_message_bytes: 262_144,
        rate_per_s: Some(20.0),
        ..RedrivePlan::new(ground.url("JobDLQ"), ground.arn("JobDLQ"), ids, origins)
    }
}

/// Scan, redrive half, move the rest, and look again when any bounce would have come back.
fn put_right(seed: u64, faults: Faults) {
    let mut ground = night(seed, faults);
    let before = ground.counts(&"JobDLQ".into()).total();
    assert!(before > 20, "seed {seed}: the night left {before} dead letters");
    let found = scan(&mut ground, seed);
    if faults.lost_after == 0 {
        assert_eq!(found.len() as u64, before, "seed {seed}");
        let counts = ground.counts(&"JobDLQ".into());
        assert_eq!((counts.visible, counts.in_flight), (before, 0), "seed {seed}: all is given back");
    }
    let half: Vec<MessageId> = found.iter().take(found.len() / 2).cloned().collect();
    let plan = redrive_plan(&ground, half.clone());
    let mut machine = Redrive::new(confirm(plan), owner("redrive"), seed, ground.now);
    let Report::Redrive(report) = ground.run(&mut machine) else { panic!("seed {seed}: a redrive reports itself") };
    if faults.throttle + faults.lost_before + faults.lost_after == 0 {
        assert_eq!((report.state, report.moved), (EndState::Done, half.len() as u64), "seed {seed}: {report:?}");
        assert!(report.duplicates_possible.is_empty(), "seed {seed}: {report:?}");
    }
    let sum = report.moved + report.failed + report.skipped + report.gone + report.returned;
    assert_eq!(sum, half.len() as u64, "seed {seed}: {report:?}");
    move_rest(&mut ground, seed);
    // Visibility × (maxReceiveCount + 1) later (issue: "and still empty").
    ground.pass(20 * 6 + 70);
    assert_eq!(ground.counts(&"JobDLQ".into()).total(), 0, "seed {seed}: nothing came back");
    let census = ground.pipeline.summary().census;
    assert_eq!((census.jobs.lost, census.events.lost, census.jobs.dead), (0, 0, 0), "seed {seed}: {census:?}");
}

fn move_rest(ground: &mut Ground, seed: u64) {
    let about = ground.counts(&"JobDLQ".into()).total();
    // What a lost answer hides shows again within a lease; a task moves what shows while it runs.
    ground.pass(61);
    let plan = MoveAllPlan {
        from_arn: ground.arn("JobDLQ"),
        from: ground.url("JobDLQ"),
        to: None,
        max_per_s: Some(50),
        about,
        reason: None,
    };
    let mut machine = MoveAll::new(confirm(plan), owner("move-all"), seed, ground.now);
    let Report::MoveAll(report) = ground.run(&mut machine) else { panic!("seed {seed}: it reports itself") };
    assert_eq!(report.state, EndState::Done, "seed {seed}: {report:?}");
}

#[test]
fn without_faults_every_dead_letter_is_moved_and_none_comes_back() {
    (0..5).for_each(|seed| put_right(seed, Faults::default()));
}

#[test]
fn with_an_unlucky_network_nothing_is_lost() {
    (100..140).for_each(|seed| put_right(seed, Faults { throttle: 50, lost_before: 20, lost_after: 20 }));
}

#[test]
fn a_retune_settles_when_the_pipeline_says_so() {
    for (seed, faults) in [(1, Faults::default()), (2, Faults { throttle: 200, lost_before: 100, lost_after: 200 })] {
        let mut ground = night(seed, faults);
        let mapping = ground.mapping("LogWorker");
        let change = MappingChange { parallelization_factor: Some(5), ..MappingChange::default() };
        let plan = RetunePlan {
            mapping: mapping.id.clone(),
            before: mapping.settings.clone(),
            enabled_before: true,
            change,
            reason: None,
            revert_after_s: None,
            reserve: None,
        };
        let mut machine: Box<dyn Operation> = Box::new(Retune::new(confirm(plan), owner("retune"), seed, ground.now));
        let report = ground.run(machine.as_mut());
        assert!(matches!(&report, Report::Retune(report) if report.state == EndState::Done), "seed {seed}: {report:?}");
        assert_eq!(ground.mapping("LogWorker").settings.parallelization_factor, Some(5), "seed {seed}");
    }
}
