//! Test only: a snapshot as keys and scans move it.

use super::*;
use crate::model::message::{Attributes, SystemAttributes};

fn message(n: u64, action: &str) -> Arc<Message> {
    let sent_at = Timestamp::from_s(n as i64);
    Arc::new(Message {
        id: format!("m-{n}").into(),
        receipt: "r".into(),
        body: format!(r#"{{"action":"{action}","run":"r-{n}"}}"#),
        attributes: Attributes::new(),
        system: SystemAttributes { sent_at, ..SystemAttributes::default() },
    })
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::new("JobDLQ".into(), "op".into(), Timestamp::ZERO);
    snapshot.add((0..10).map(|n| message(n, if n % 3 == 0 { "send" } else { "invoke" })));
    snapshot
}

#[test]
fn messages_are_grouped_by_kind_and_never_listed_twice() {
    let mut snapshot = snapshot();
    snapshot.add([message(3, "send")]);
    let counts: Vec<(String, usize)> = snapshot.kinds().iter().map(|row| (row.kind.to_string(), row.count)).collect();
    assert_eq!(counts, [("no origin · send".to_owned(), 4), ("no origin · invoke".to_owned(), 6)]);
    assert_eq!((snapshot.len(), snapshot.shown_len()), (10, 10));
}

#[test]
fn a_filter_narrows_the_list_and_all_that_match_are_selected() {
    let mut snapshot = snapshot();
    snapshot.put(3);
    snapshot.set_filter(&Line::new("r-3"), Timestamp::ZERO);
    assert_eq!(snapshot.shown_ids().map(MessageId::as_str).collect::<Vec<_>>(), ["m-3"]);
    assert_eq!(snapshot.row(), 0);
    snapshot.set_filter(&Line::default(), Timestamp::ZERO);
    assert_eq!(snapshot.row(), 3, "the cursor stays on its message");
    snapshot.set_only_kind(Some(0));
    snapshot.toggle_all();
    assert_eq!(snapshot.selected().len(), 4);
    snapshot.set_only_kind(Some(1));
    assert_eq!(snapshot.selected_hidden(), 4);
    snapshot.set_only_kind(Some(0));
    snapshot.toggle_all();
    assert!(snapshot.selected().is_empty());
}

#[test]
fn moved_messages_leave_and_the_rest_keeps_its_state() {
    let mut snapshot = snapshot();
    snapshot.set_only_kind(Some(0));
    snapshot.toggle_all();
    snapshot.put(2);
    snapshot.remove(|id| id.as_str() == "m-0");
    assert_eq!((snapshot.len(), snapshot.shown_len(), snapshot.selected().len()), (9, 3, 3));
    assert_eq!(snapshot.current().map(|message| message.id.as_str()), Some("m-6"));
    assert_eq!(snapshot.kinds().iter().map(|row| (row.count, row.selected)).collect::<Vec<_>>(), [(6, 0), (3, 3)]);
}

#[test]
fn a_message_that_arrives_late_obeys_the_filter() {
    let mut snapshot = snapshot();
    snapshot.set_filter(&Line::new("invoke"), Timestamp::ZERO);
    snapshot.add([message(20, "send"), message(21, "invoke")]);
    assert_eq!(snapshot.shown_len(), 7);
}

#[test]
fn a_filter_that_cannot_be_understood_lists_nothing() {
    let mut snapshot = snapshot();
    snapshot.set_filter(&Line::new("setp:send"), Timestamp::ZERO);
    assert_eq!(snapshot.shown_len(), 0);
    assert!(snapshot.filter_fault().is_some_and(|why| why.contains("no qualifier setp")));
    snapshot.add([message(20, "send")]);
    snapshot.toggle_all();
    assert_eq!((snapshot.shown_len(), snapshot.selected().len()), (0, 0));
    snapshot.set_filter(&Line::new("-step:send"), Timestamp::ZERO);
    assert_eq!(snapshot.shown_len(), 6);
}

#[test]
fn what_jq_has_not_answered_for_is_not_listed() {
    let mut snapshot = snapshot();
    snapshot.set_filter(&Line::new("step:send jq: .body.n"), Timestamp::ZERO);
    assert!(snapshot.question().is_none(), "not while it is typed");
    snapshot.commit_filter();
    let question = snapshot.question().expect("four of step send");
    assert_eq!((question.messages.len(), snapshot.shown_len()), (4, 0));
    assert!(snapshot.question().is_none(), "one at a time");
    let ids: Vec<MessageId> = question.messages.iter().map(|message| message.id.clone()).collect();
    snapshot.answered("another", &ids, Ok(vec![Some(true); 4]));
    assert_eq!(snapshot.shown_len(), 0, "an answer to another question");
    snapshot.answered(&question.expression, &ids, Ok(vec![Some(true), Some(false), None, Some(true)]));
    assert_eq!(snapshot.shown_len(), 2);
    assert!(snapshot.filter_note().is_some_and(|note| note.starts_with("1 could not be judged")));
    snapshot.add([message(30, "send"), message(31, "invoke")]);
    let more = snapshot.question().expect("one more");
    snapshot.answered(&more.expression, &[more.messages[0].id.clone()], Err("it may never end".to_owned()));
    assert_eq!((snapshot.shown_len(), snapshot.filter_fault()), (0, Some("it may never end")));
}

#[test]
fn bodies_beyond_the_budget_go_to_disk_and_are_searched_there() {
    let mut snapshot = Snapshot::new("JobDLQ".into(), "op".into(), Timestamp::ZERO);
    let large = |n: u64| {
        let body = format!(r#"{{"action":"send","pad":"{}é"}}"#, "x".repeat(1024 * 1024));
        Arc::new(Message { body, ..Message::clone(&message(n, "send")) })
    };
    snapshot.add((0..60).map(large));
    let spilled = snapshot.spill();
    assert!(spilled.len() >= 20 && spilled.iter().all(|message| message.body.len() > 1024 * 1024));
    assert_eq!((snapshot.kinds().len(), snapshot.len()), (1, 60), "told apart before it was cut");
    let id = spilled[0].id.clone();
    assert!(snapshot.is_on_disk(&id) && snapshot.get(&id).is_some_and(|head| head.body.len() <= 256));
    assert_eq!(snapshot.size_bytes(snapshot.get(&id).expect("listed")), spilled[0].size_bytes());
    snapshot.set_filter(&Line::new("é"), Timestamp::ZERO);
    snapshot.commit_filter();
    assert_eq!(snapshot.question().map(|question| question.messages.len()), Some(spilled.len()));
    snapshot.put_body(&id, spilled[0].body.clone());
    assert_eq!(snapshot.whole(&id).map(|whole| whole.body.len()), Some(spilled[0].body.len()));
    assert!(!snapshot.is_on_disk(&id));
}
