//! The verdict table: every scenario of `assets/scenarios/verdicts/` is watched as the console watches
//! an account. Each rule speaks within the bound it declares, not before its fault, and is silent again
//! in time. Many seeds and quiet weeks: `cargo bench --bench verdicts`.

mod case;
mod observer;
mod quiet;
mod shown;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use crate::verdicts::case::{Came, Case, names, scenario};

fn played(name: &str) -> (Case, Came) {
    let case = Case::of(scenario(name));
    let came = case.play(7);
    (case, came)
}

fn speaks_within_its_bound(name: &str) -> Came {
    let (case, came) = played(name);
    let (shown, fired) = (came.shown_s, came.fired_s);
    let (Some(shown_s), Some(fired_s)) = (shown, fired) else { panic!("{name}: shown {shown:?}, spoke {fired:?}") };
    assert!(fired_s - shown_s <= i64::from(case.bound.fires_s), "{name}: {} s after it was shown", fired_s - shown_s);
    assert_eq!(came.early, Vec::<String>::new(), "{name}: before the fault");
    let (Some(gone_s), Some(cleared_s)) = (came.gone_s, came.cleared_s) else {
        panic!("{name}: gone {:?}, silent {:?}", came.gone_s, came.cleared_s)
    };
    assert!(cleared_s - gone_s <= i64::from(case.bound.clears_s), "{name}: silent {} s later", cleared_s - gone_s);
    came
}

#[test]
fn every_rule_has_a_scenario_and_every_scenario_a_rule() {
    let rules: BTreeSet<&str> = redrive::verdict::BOUNDS.iter().map(|(rule, _)| *rule).collect();
    let told: BTreeSet<String> = names().iter().map(|name| Case::of(scenario(name)).rule).collect();
    let told: BTreeSet<&str> = told.iter().map(String::as_str).collect();
    assert_eq!(told, rules);
}

#[test]
fn every_rule_speaks_within_its_bound_and_not_before() {
    let mut left: Vec<String> = names();
    left.retain(|name| !name.starts_with("lane-stuck") && !name.starts_with("throttled"));
    let left = Mutex::new(left);
    // Each is some seconds of one core.
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = left.lock().map(|mut left| left.pop()).expect("nobody panics holding it") {
                    speaks_within_its_bound(&name);
                }
            });
        }
    });
}

#[test]
fn a_stuck_lane_is_told_by_exceptions_and_by_partial_responses_and_never_answered_with_lanes() {
    for name in ["lane-stuck-exception", "lane-stuck-partial"] {
        let came = speaks_within_its_bound(name);
        assert!(!came.tuned, "{name}: capacity advice");
        let headline = came.first.map(|finding| finding.headline);
        assert_eq!(headline.as_deref(), Some("one lane of LogWorker is stuck"), "{name}");
    }
}

#[test]
fn whose_limit_throttles_is_told_apart() {
    for (name, words) in [
        ("throttled-job-reserved", "JobWorker is throttled by its reserved concurrency"),
        ("throttled-job-account", "JobWorker is throttled by the account's limit"),
        ("throttled-job", "JobWorker is throttled, though the account has room"),
    ] {
        let headline = speaks_within_its_bound(name).first.map(|finding| finding.headline);
        assert_eq!(headline.as_deref(), Some(words), "{name}");
    }
}

#[test]
fn two_quiet_days_page_nobody() {
    for seed in 1..=2 {
        assert_eq!(quiet::week(seed, 2), Vec::<String>::new());
    }
}
