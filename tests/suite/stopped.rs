//! What a command says, and how it ends, when it is stopped in the middle or has nothing to go on with.

use redrive::journal::Journal;
use redrive::model::id::MessageId;
use redrive::model::plan::{Plan, RedrivePlan};
use redrive::model::service_error::Outcome;
use redrive::operation::order::{JournalEntry, JournalSink as _};
use redrive::pipeline::standard::{JOB_DLQ, JOB_QUEUE, standard};

use crate::pty::Session;
use crate::schema::Served;
use crate::storm::{self, scene};

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

/// A redrive that another process began, and left: two messages, one in fifty seconds.
fn left_open(journal: &Journal, operation: &str, ids: Vec<MessageId>) {
    let (url, arn) = (scene::url, scene::arn);
    let origins = vec![(arn(JOB_QUEUE), url(JOB_QUEUE))];
    let plan =
        RedrivePlan { rate_per_s: Some(0.02), lanes: 1, ..RedrivePlan::new(url(JOB_DLQ), arn(JOB_DLQ), ids, origins) };
    let began = JournalEntry::Began {
        operation: operation.into(),
        at: storm::START,
        plan: Box::new(Plan::Redrive(plan)),
        who: "tester".into(),
        account: standard().account,
        region: standard().region,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let kept = runtime.block_on(journal.record(vec![began]));
    assert!(matches!(kept, Outcome::Done(_)), "{kept:?}");
    journal.let_go(&operation.into());
}

/// The first is ended and gives back what it holds; the second is not begun, is named, and stays open.
#[test]
fn a_resume_of_all_that_is_stopped_begins_no_other() {
    let served = Served::start("night-shift");
    let rows = served.json(&["dlq", "list", "JobDLQ", "--max", "50", "--yes", "-o", "json"]);
    let ids = rows.as_array().expect("a list").iter().filter_map(|row| row["id"].as_str()).map(MessageId::from);
    let mut ids: Vec<MessageId> = ids.collect();
    let (more, first) = (ids.split_off(2), ids);
    {
        let journal = Journal::open(Some(&served.state_dir()), || storm::START).expect("a journal");
        left_open(&journal, "op-first", first);
        left_open(&journal, "op-second", more.into_iter().take(2).collect());
    }
    let state = served.state_dir().to_string_lossy().into_owned();
    let resume = ["journal", "resume", "--yes", "--endpoint-url", &served.endpoint, "--region", "eu-west-1"];
    let mut session = Session::start_with(120, 200, &resume, &[("REDRIVE_STATE_DIR", &state)]);
    session.wait_for("1 of 2 moved");
    session.keys("\x03");
    assert_eq!(session.end(), IN_PART, "{}", session.screen());
    let screen = session.screen();
    assert!(screen.contains("redrive: not begun: op-second"), "{screen}");
    let rows = served.json(&["journal", "list", "-o", "json"]);
    let listed = rows.as_array().expect("a list");
    let row = |id: &str| listed.iter().find(|row| row["operation"] == id).expect("it is listed").clone();
    assert_eq!(row("op-first")["state"], "cancelled", "{rows}");
    assert_ne!(row("op-second")["state"], "cancelled", "{rows}");
    let entries = served.json(&["journal", "show", "op-second", "-o", "json"]);
    assert_eq!(entries.as_array().map(Vec::len), Some(1), "nothing was done for it: {entries}");
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
