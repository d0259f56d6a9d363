//! What a command says, and how it ends, when it is stopped in the middle or has nothing to go on with.

use crate::pty::Session;
use crate::schema::Served;

/// Done in part (ux.md, "Command line").
const IN_PART: u32 = 5;

#[test]
fn a_rehearsal_that_is_stopped_says_so() {
    let served = Served::start("night-shift");
    let place = ["--endpoint-url", &served.endpoint, "--region", "eu-west-1"];
    let rehearse = ["rehearse", "LogWorker", "--samples", "200"];
    let mut session = Session::start(100, 30, &[&rehearse[..], &place[..]].concat());
    session.wait_for("rehearsing:");
    session.keys("\x03");
    assert_eq!(session.end(), IN_PART, "{}", session.screen());
    let screen = session.screen();
    assert!(screen.contains("the rehearsal was stopped after"), "{screen}");
    assert!(!screen.contains("recommended"), "nothing is told of so few: {screen}");
}

#[test]
fn what_the_journal_does_not_know_is_told_before_a_region_is_asked_for() {
    let mut session = Session::start(100, 30, &["journal", "resume", "op-nope"]);
    assert_eq!(session.end(), 2);
    let screen = session.screen();
    assert!(screen.contains("the journal has no operation op-nope") && !screen.contains("no region"), "{screen}");
}

/// A sandbox at twenty times real time is ahead of this machine's clock within a second.
#[test]
fn nothing_ends_before_it_began_however_wrong_this_machines_clock() {
    let served = Served::start("night-shift");
    let shown = served.run(&["dlq", "show", "JobDLQ", "--yes"]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let rows = served.json(&["journal", "list", "-o", "json"]);
    let operation = rows[0]["operation"].as_str().expect("the scan is listed");
    let entries = served.json(&["journal", "show", operation, "-o", "json"]);
    let at = |name: &str| {
        let entry = entries.as_array().and_then(|all| all.iter().find(|entry| entry["entry"] == name));
        entry.and_then(|entry| entry["at"].as_i64()).unwrap_or_else(|| panic!("no {name}: {entries}"))
    };
    assert!(at("began") <= at("ended"), "{entries}");
}
