//! Trying dead letters where half of them are poison, at the slowest settings people use: each verdict
//! is there in seconds, is right, and what came through is done once.

use redrive::model::id::MessageId;
use redrive::model::trial::{TrialPlan, Verdict};
use redrive::operation::progress::{Report, TrialReport};
use redrive::operation::trial::Trial;

use super::{confirm, owner, scan};
use crate::soak::ground::{Faults, Ground};

/// For an hour no send works; two runs in five are poison, then and afterwards.
const SCENARIO: &str = r#"
title = "an outage, and poison that stays"
[load]
requests_per_s = 0.05
[[queues]]
name = "JobQueue"
visibility_s = 360
dead_letter_queue = "JobDLQ"
max_receive_count = 5
[[switches]]
name = "outage"
on = true
fault.failing-step = { action = "send", one_in = 1 }
[[switches]]
name = "bad"
on = true
fault.failing-step = { action = "send", one_in = 3 }
"#;

/// Seconds of account time a verdict may take (issue 4, "Try one").
const PATIENCE_MS: i64 = 15_000;

fn night(seed: u64, faults: Faults) -> Ground {
    let mut ground = Ground::of("trial", SCENARIO, seed, faults);
    ground.pass(3600);
    assert!(ground.pipeline.set_switch(ground.now, "outage", false), "there is such a switch");
    ground
}

fn attempt(ground: &mut Ground, id: &MessageId, seed: u64) -> TrialReport {
    let plan = TrialPlan {
        from: ground.url("JobDLQ"),
        id: id.clone(),
        function: "JobWorker".into(),
        timeout_s: Some(10),
        source: ground.arn("JobQueue"),
        region: "eu-west-1".to_owned(),
        reason: None,
        edit: None,
    };
    match ground.run(&mut Trial::new(confirm(plan), owner("trial"), seed, ground.now)) {
        Report::Trial(report) => report,
        other => panic!("seed {seed}: {other:?}"),
    }
}

#[test]
fn a_good_message_is_told_from_a_poison_one_in_seconds() {
    for seed in 0..4 {
        let mut ground = night(seed, Faults::default());
        let (mut good, mut poison) = (0, 0);
        for id in scan(&mut ground, seed).into_iter().take(16) {
            let began = ground.now;
            let report = attempt(&mut ground, &id, seed);
            let took_ms = ground.now.ms_since(began);
            assert!(took_ms <= PATIENCE_MS, "seed {seed}: {took_ms} ms");
            match &report.verdict {
                Verdict::Succeeded => {
                    assert!(report.deleted, "seed {seed}: {report:?}");
                    good += 1;
                }
                Verdict::Failed(why) => {
                    assert!(why.contains("ProviderError") || why.contains("JobFailed"), "seed {seed}: {why}");
                    let log = report.log_tail.as_deref().unwrap_or_default();
                    assert!(log.contains("503 unavailable") && log.contains("REPORT RequestId"), "seed {seed}: {log}");
                    poison += 1;
                }
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        assert!(good > 2 && poison > 2, "seed {seed}: {good} good, {poison} poison");
        let left = scan(&mut ground, seed);
        assert!(left.len() >= poison, "seed {seed}: the poison is still there");
        let census = ground.pipeline.summary().census;
        assert_eq!((census.jobs.lost, census.events.lost), (0, 0), "seed {seed}: {census:?}");
    }
}

#[test]
fn with_an_unlucky_network_a_message_is_deleted_only_when_its_job_is_done() {
    for seed in 100..120 {
        let mut ground = night(seed, Faults { throttle: 100, lost_before: 50, lost_after: 100 });
        for id in scan(&mut ground, seed).into_iter().take(8) {
            let report = attempt(&mut ground, &id, seed);
            let came_through = report.verdict == Verdict::Succeeded;
            assert!(came_through || !report.deleted, "seed {seed}: {report:?}");
        }
        let census = ground.pipeline.summary().census;
        assert_eq!((census.jobs.lost, census.events.lost), (0, 0), "seed {seed}: {census:?}");
    }
}
