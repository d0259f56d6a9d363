//! A drop and a restore that are cut off and taken up again from the journal, as `journal resume` does.

use std::collections::BTreeSet;

use crate::model::id::MessageId;
use crate::model::message::{Message, SystemAttributes};
use crate::model::plan::{DropPlan, RestorePlan};
use crate::model::time::Timestamp;
use crate::operation::card::Facts;
use crate::operation::confirm::{Confirmed, Consent, Planned, Preflight};
use crate::operation::desk::{Death, Desk};
use crate::operation::drop::Drop;
use crate::operation::order::{EndState, JournalEntry, Order};
use crate::operation::progress::Report;
use crate::operation::record::Record;
use crate::operation::restore::Restore;
use crate::operation::resume::ResumePlan;
use crate::operation::{Owner, Undertaking};

const NOW: Timestamp = Timestamp::from_s(1_000);
const LETTERS: usize = 25;

fn letter(n: usize) -> Message {
    Message {
        id: format!("m-{n:02}").into(),
        receipt: format!("r-{n}").into(),
        body: format!("body {n}"),
        attributes: [].into(),
        system: SystemAttributes::default(),
    }
}

fn letters() -> Vec<Message> {
    (0..LETTERS).map(letter).collect()
}

fn facts() -> Facts {
    Facts { account: "123456789012".to_owned(), ..Facts::default() }
}

fn confirmed<T: Planned>(plan: T) -> Confirmed<T> {
    let consent = Consent::CountAndAccount { count: LETTERS.to_string(), account_last4: "9012".to_owned() };
    let Ok(confirmed) = Preflight::new(plan, &facts()).accept(&consent) else { panic!("it was counted") };
    confirmed
}

fn owner() -> Owner {
    Owner { operation: "op".into(), who: "me".into(), account: "1".into(), region: "r".into() }
}

/// As the journal hands it out, and confirmed by whoever resumes.
fn resumed(record: Record) -> (Vec<String>, Box<dyn crate::operation::Operation>) {
    let certain = record.certain();
    let preflight = Preflight::new(ResumePlan { record: Box::new(record) }, &facts());
    let Ok(confirmed) = preflight.accept(&Consent::Enter) else { panic!("a resume takes a button") };
    (certain, Undertaking::Resume(confirmed).begin(owner(), 2, NOW.plus_s(600)))
}

#[test]
fn a_drop_that_was_cut_off_is_finished_and_names_what_it_may_have_deleted_unheard() {
    let mut desk = Desk::new(letters());
    // Dies once a delete was done and before anybody heard of it.
    desk.dies = |desk, order| match order {
        Order::Delete { .. } if desk.dead.len() < LETTERS => Death::After,
        _ => Death::No,
    };
    let ids: Vec<MessageId> = letters().into_iter().map(|letter| letter.id).collect();
    let plan = DropPlan { from: "https://q/1/dlq".into(), ids, reason: None };
    assert_eq!(desk.play(&mut Drop::new(confirmed(plan), owner(), 1, NOW), NOW), None, "it died");
    let left = desk.dead.len();
    assert!(left > 0 && left < LETTERS, "{left}");
    desk.wake();
    let record = Record::read(&desk.journal).expect("it began");
    let (certain, mut machine) = resumed(record);
    assert!(certain[0].ends_with(&format!("of {LETTERS} dropped, each with its copy here")), "{certain:?}");
    let Some(Report::Drop(report)) = desk.play(machine.as_mut(), NOW.plus_s(600)) else { panic!("it reports itself") };
    assert_eq!((report.dropped, report.gone, desk.dead.len()), (left as u64, 0, 0), "{report:?}");
    // Out of the queue, by our delete or by somebody else's hand: nobody knows.
    assert_eq!((report.state, report.doubtful.len()), (EndState::Partly, LETTERS - left), "{report:?}");
    let kept: BTreeSet<String> = desk
        .journal
        .iter()
        .filter_map(|entry| match entry {
            JournalEntry::Backup { message, .. } => Some(message.body.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(kept.len(), LETTERS, "nothing was deleted without a copy");
}

#[test]
fn a_restore_that_was_cut_off_sends_the_rest_and_names_what_may_be_back() {
    let mut desk = Desk::new(Vec::new());
    desk.dies = |desk, order| match order {
        Order::Send { .. } if !desk.sent.is_empty() => Death::After,
        _ => Death::No,
    };
    let plan = RestorePlan {
        messages: letters().into_iter().map(|letter| (letter.id, "https://q/1/dlq".into())).collect(),
        source: RestorePlan::copies_of(&"op-drop".into()),
        file: None,
        max_message_bytes: 1_000,
        reason: None,
    };
    assert_eq!(plan.operation(), Some("op-drop".into()));
    assert_eq!(desk.play(&mut Restore::new(confirmed(plan), letters(), owner(), 1, NOW), NOW), None, "it died");
    let before = desk.sent.len();
    desk.wake();
    let record = Record { copies: letters(), ..Record::read(&desk.journal).expect("it began") };
    let (certain, mut machine) = resumed(record);
    let Some(Report::Restore(report)) = desk.play(machine.as_mut(), NOW.plus_s(600)) else {
        panic!("it reports itself")
    };
    let unsure = report.duplicates_possible.len() as u64;
    assert!(unsure > 0 && certain.iter().any(|line| line.contains("may be back")), "{certain:?}; {report:?}");
    assert_eq!(report.restored + unsure, LETTERS as u64, "{report:?}");
    let distinct: BTreeSet<&String> = desk.sent.iter().collect();
    assert_eq!(distinct.len(), desk.sent.len(), "none was sent twice: {before} before");
}

#[test]
fn copies_that_are_no_longer_there_are_said_and_not_made_up() {
    let mut desk = Desk::new(Vec::new());
    // Before anything is on record as about to be sent.
    desk.dies = |_, order| match order {
        Order::Record(entries) if entries.iter().any(|entry| matches!(entry, JournalEntry::Message { .. })) => {
            Death::Before
        }
        _ => Death::No,
    };
    let plan = RestorePlan {
        messages: letters().into_iter().map(|letter| (letter.id, "https://q/1/dlq".into())).collect(),
        source: "letters.ndjson".to_owned(),
        file: None,
        max_message_bytes: 1_000,
        reason: None,
    };
    assert_eq!(desk.play(&mut Restore::new(confirmed(plan), letters(), owner(), 1, NOW), NOW), None);
    desk.wake();
    let (certain, mut machine) = resumed(Record::read(&desk.journal).expect("it began"));
    assert!(certain.iter().any(|line| line.contains("the file they are in")), "{certain:?}");
    let Some(Report::Restore(report)) = desk.play(machine.as_mut(), NOW.plus_s(600)) else {
        panic!("it reports itself")
    };
    assert_eq!(desk.sent, Vec::<String>::new());
    assert!(report.problem.is_some_and(|why| why.contains("no copy in the journal")), "it says so");
}
