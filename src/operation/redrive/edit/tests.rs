//! An edited redrive played by hand: what is on record before what is sent, and what a resume sends.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::message::{Message, SystemAttributes};
use crate::model::plan::{Ladder, Plan, RedrivePlan};
use crate::operation::card::Facts;
use crate::operation::confirm::{Confirmed, Consent, Preflight};
use crate::operation::desk::{Death, Desk};
use crate::operation::order::{EndState, MessageState, Order};
use crate::operation::progress::{Cause, RedriveReport, Report};
use crate::operation::record::Record;
use crate::operation::redrive::Redrive;

const NOW: Timestamp = Timestamp::from_s(1_000);

fn letter(n: usize) -> Message {
    Message {
        id: format!("m-{n}").into(),
        receipt: format!("r-{n}").into(),
        body: format!("{{\"n\":{n}}}"),
        attributes: [].into(),
        system: SystemAttributes { dead_letter_source: Some("arn:q".into()), ..SystemAttributes::default() },
    }
}

fn bodies(count: usize) -> BTreeMap<MessageId, String> {
    (0..count).map(|n| (letter(n).id, format!("{{\"n\":{n},\"edited\":true}}"))).collect()
}

fn planned(count: usize, laddered: bool) -> RedrivePlan {
    let ids = (0..count).map(|n| letter(n).id).collect();
    let origins = vec![("arn:q".into(), "https://q/1/q".into())];
    RedrivePlan {
        ladder: laddered.then(|| Ladder { rungs: vec![1], wait_ms: 1_000 }),
        edit: Some(plan(".body.edited = true", &bodies(count))),
        ..RedrivePlan::new("https://q/1/dlq".into(), "arn:dlq".into(), ids, origins)
    }
}

fn confirmed(plan: RedrivePlan) -> Confirmed<RedrivePlan> {
    let consent = Consent::Count(plan.ids.len().to_string());
    let Ok(confirmed) = Preflight::new(plan, &Facts::default()).accept(&consent) else { panic!("it was counted") };
    confirmed
}

fn owner() -> Owner {
    Owner { operation: "op".into(), who: "me".into(), account: "1".into(), region: "r".into() }
}

fn originals(desk: &Desk) -> BTreeSet<String> {
    let body = |entry: &JournalEntry| match entry {
        JournalEntry::Backup { message, .. } => Some(message.body.clone()),
        _ => None,
    };
    desk.journal.iter().filter_map(body).collect()
}

fn play(desk: &mut Desk, mut machine: Redrive) -> Option<RedriveReport> {
    match desk.play(&mut machine, NOW)? {
        Report::Redrive(report) => Some(report),
        other => panic!("not a redrive's: {other:?}"),
    }
}

fn desk(count: usize) -> Desk {
    Desk::new((0..count).map(letter).collect())
}

#[test]
fn the_edited_bodies_are_sent_and_the_originals_are_on_record_before() {
    let mut desk = desk(3);
    let machine = Redrive::edited(confirmed(planned(3, true)), bodies(3), owner(), 1, NOW);
    let report = play(&mut desk, machine).expect("it ends");
    assert_eq!((report.state, report.moved), (EndState::Done, 3), "{report:?}");
    let sent: BTreeSet<String> = desk.sent.iter().cloned().collect();
    assert_eq!(sent, bodies(3).into_values().collect());
    assert_eq!(originals(&desk), (0..3).map(|n| letter(n).body).collect());
    let of_first =
        |entry: &JournalEntry| matches!(entry, JournalEntry::Backup { message, .. } if message.id.as_str() == "m-0");
    let recorded = |entry: &JournalEntry| matches!(entry, JournalEntry::Message { id, state: MessageState::Recorded { .. }, .. } if id.as_str() == "m-0");
    let at = |what: &dyn Fn(&JournalEntry) -> bool| desk.journal.iter().position(what).expect("on record");
    assert!(at(&of_first) < at(&recorded));
}

#[test]
fn a_resume_sends_exactly_the_edited_body_or_nothing() {
    for pruned in [false, true] {
        let mut desk = desk(3);
        desk.dies = |desk, order| match order {
            Order::Send { .. } if desk.sent.len() == 1 => Death::Before,
            _ => Death::No,
        };
        let machine = Redrive::edited(confirmed(planned(3, true)), bodies(3), owner(), 1, NOW);
        assert_eq!(play(&mut desk, machine), None, "it died");
        assert_eq!(desk.sent.len(), 1);
        desk.wake();
        if pruned {
            desk.journal.retain(|entry| !matches!(entry, JournalEntry::Edited { .. }));
        }
        let record = Record::read(&desk.journal).expect("it began");
        assert!(matches!(&record.plan, Plan::Redrive(plan) if plan.edit.is_some()));
        let confirmed = Confirmed::recorded(&record.began()).expect("a redrive");
        let report =
            play(&mut desk, Redrive::resume(confirmed, owner(), 2, NOW.plus_s(600), &record)).expect("it ends");
        let expected: BTreeSet<String> = bodies(3).into_values().collect();
        assert!(desk.sent.iter().all(|body| expected.contains(body)), "{:?}", desk.sent);
        if pruned {
            assert_eq!(desk.sent.len(), 1, "nothing is made up");
            assert!(report.skipped + report.failed >= 2, "{report:?}");
        } else {
            // What was recorded when it died may have been sent: named, and not sent again.
            assert_eq!(desk.sent.len() + report.duplicates_possible.len(), 3, "{report:?}");
        }
    }
}

#[test]
fn a_body_that_is_not_what_was_confirmed_is_not_sent() {
    let mut desk = desk(1);
    let other = BTreeMap::from([(letter(0).id, "something else".to_owned())]);
    let report =
        play(&mut desk, Redrive::edited(confirmed(planned(1, false)), other, owner(), 1, NOW)).expect("it ends");
    assert_eq!((report.skipped, desk.sent.len()), (1, 0), "{report:?}");
}

#[test]
fn many_edited_messages_do_not_go_all_at_once() {
    let mut desk = desk(2);
    let report =
        play(&mut desk, Redrive::edited(confirmed(planned(2, false)), bodies(2), owner(), 1, NOW)).expect("it ends");
    assert_eq!((report.moved, report.cause, desk.sent.len()), (0, Some(Cause::Refused), 0), "{report:?}");
}
