//! What stands beside an account, a context's wishes and what was acknowledged, and what commands make of
//! it: the real binary on a served sandbox.

use redrive::journal::Journal;
use redrive::model::acknowledgement::Acknowledgement;
use redrive::model::finding::{Severity, Subject};
use redrive::model::time::Timestamp;
use serde_json::Value;

use crate::schema::{Served, check};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_finding_that_was_acknowledged_stands_last_in_the_status_and_says_by_whom() {
    let served = Served::start("night-shift");
    let before = served.json(&["status", "-o", "json"]);
    let findings = before["findings"].as_array().expect("a list");
    assert!(findings.iter().all(|finding| finding["acknowledged"].is_null()), "{before:#}");
    let worst = &findings[0];
    let rule = worst["rule"].as_str().expect("a rule").to_owned();
    let subject: Subject = serde_json::from_value(worst["subject"].clone()).expect("a subject");
    let journal = Journal::open(Some(&served.state_dir()), || Timestamp::from_s(1)).expect("a journal");
    let place = (before["account"].as_str().expect("known"), before["region"].as_str().expect("known"));
    let by = "arn:aws:sts::123456789012:assumed-role/operator/ann".to_owned();
    let known = Acknowledgement { severity: Severity::Harm, at: Timestamp::from_s(1), note: "seen".to_owned(), by };
    journal.acknowledge(place, vec![(rule.clone(), subject)], Some(known)).expect("kept");
    drop(journal);
    let after = served.json(&["status", "-o", "json"]);
    check("status", &after);
    let last = after["findings"].as_array().and_then(|findings| findings.last()).expect("one");
    assert_eq!((last["rule"].as_str(), last["acknowledged"]["note"].as_str()), (Some(rule.as_str()), Some("seen")));
    let table = text(&served.run(&["status"]).stdout);
    assert!(table.contains("by ann: seen"), "{table}");
}

#[test]
fn work_older_than_the_contexts_stale_after_is_left_out_of_a_redrive_until_it_is_chosen() {
    let served = Served::start("night-shift");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "current = \"c\"\n[contexts.c]\nstale_after = \"1s\"\n").expect("written");
    let run = |more: &[&str]| {
        let arguments = [&["dlq", "redrive", "JobDLQ", "--limit", "2", "--no-canary", "--yes", "-o", "json"], more];
        let output = served.command(&arguments.concat()).env("REDRIVE_CONFIG", file.path()).output().expect("it runs");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code(), answer, text(&output.stderr))
    };
    let (code, answer, said) = run(&[]);
    assert!(said.contains("2 left out: sent more than 1 s ago; --stale takes them too"), "{said}");
    assert_eq!((code, answer["skipped"].as_u64(), answer["moved"].as_u64()), (Some(5), Some(2), Some(0)), "{answer:#}");
    let (code, answer, said) = run(&["--stale"]);
    assert_eq!((code, answer["moved"].as_u64()), (Some(0), Some(2)), "{answer:#} {said}");
}
