//! Test only: what is done with messages beside sending them back, key by key.

use crate::console::ConsoleOptions;
use crate::console::effect::Effect;
use crate::console::msg::{Msg, Sifted};
use crate::console::overlay::{Card, Overlay};
use crate::console::update::trial::{NOW, Trial, progress};
use crate::model::context::Context;
use crate::model::id::{MessageId, QueueName};
use crate::model::plan::{NotePlan, Plan};
use crate::operation::Undertaking;
use crate::operation::order::{EndState, JournalEntry};
use crate::operation::progress::{DropReport, Kind, Progress, Report};

fn snapshot_len(trial: &Trial) -> usize {
    trial.console.snapshots[&QueueName::from("JobDLQ")].len()
}

#[test]
fn a_drop_takes_the_count_and_the_account_and_only_what_was_selected() {
    let mut trial = Trial::sandbox();
    trial.scanned(6);
    trial.types("  D");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card: {}", trial.said()) };
    let text = card.planned.card();
    assert_eq!(text.title, "Drop 2 messages from JobDLQ");
    assert!(text.about.iter().any(|line| line.starts_with("effects: ")), "{:?}", text.about);
    assert!(!text.about.iter().any(|line| line.contains("come back")), "what is deleted does not: {:?}", text.about);
    trial.wait_ms(Card::DEAF_MS);
    assert_eq!(trial.types("2\n"), [], "the account's digits are missing");
    assert_eq!(trial.types("9013\n"), [], "another account's");
    let effects = trial.types("9012\n");
    let [Effect::Start { id, undertaking: Undertaking::Drop(confirmed) }, ..] = effects.as_slice() else {
        panic!("no drop was started: {effects:?}; {}", trial.said())
    };
    assert_eq!(confirmed.plan().ids, ["m-0".into(), "m-1".into()] as [MessageId; 2]);
    let report = DropReport {
        operation: id.clone(),
        state: EndState::Done,
        asked: 2,
        dropped: 2,
        failed: 0,
        gone: 0,
        returned: 0,
        doubtful: Vec::new(),
        faults: Vec::new(),
        problem: None,
        took_ms: 900,
        cause: None,
    };
    let report = Some(Report::Drop(report));
    trial.tell(Msg::OperationProgressed(Progress { report, ..progress(id, Kind::Drop) }));
    assert_eq!(snapshot_len(&trial), 4);
    assert!(trial.said().contains("2 of 2 dropped, each kept in the journal"), "{}", trial.said());
}

#[test]
fn what_was_selected_is_exported_and_nothing_is_received_for_it() {
    let mut trial = Trial::sandbox();
    trial.scanned(6);
    trial.types("  x");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Prompt(_))), "{}", trial.said());
    let effects = trial.types("\n");
    let [Effect::Export { path, messages, .. }] = effects.as_slice() else { panic!("no export: {effects:?}") };
    assert!(path.starts_with("JobDLQ-2026") && path.ends_with(".ndjson"), "{path}");
    assert_eq!(messages.len(), 2);
    trial.tell(Msg::Exported { path: path.clone(), result: Ok(2) });
    assert!(trial.said().contains("2 written to"), "{}", trial.said());
}

#[test]
fn old_work_is_left_out_unless_it_is_chosen() {
    let context = Context { stale_after_s: 1_800, ..Context::default() };
    let options = ConsoleOptions { sandbox: true, context, ..ConsoleOptions::default() };
    let mut trial = Trial::new(options);
    trial.scanned(6);
    trial.types("*R");
    let Some(Overlay::Choice(choice)) = trial.console.overlay() else { panic!("no question: {}", trial.said()) };
    assert!(choice.title.starts_with("6 of 6 were sent more than 30 m"), "{}", choice.title);
    assert!(choice.options[0].off.is_some(), "nothing is left when they are left out");
    trial.types("\n");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card: {}", trial.said()) };
    assert_eq!(card.planned.card().title, "Redrive 6 messages from JobDLQ");
}

#[test]
fn jq_is_asked_when_the_line_is_finished_and_lists_what_it_takes() {
    let mut trial = Trial::sandbox();
    trial.scanned(6);
    assert_eq!(trial.types("/ste\tsend jq: .body.step"), [], "not while it is typed");
    assert_eq!(trial.console.filter(), "step:send jq: .body.step");
    let effects = trial.types("\n");
    let [Effect::Sift { queue, question }] = effects.as_slice() else { panic!("nothing was asked: {effects:?}") };
    let ids: Vec<MessageId> = question.messages.iter().map(|message| message.id.clone()).collect();
    assert_eq!(ids, ["m-0".into(), "m-3".into()] as [MessageId; 2]);
    let sifted = Sifted { verdicts: vec![Some(true), Some(false)], reason: None };
    let (queue, expression) = (queue.clone(), question.expression.clone());
    assert_eq!(trial.tell(Msg::Sifted { queue, expression, ids, result: Ok(sifted) }), []);
    let snapshot = trial.console.snapshot().expect("open");
    assert_eq!(snapshot.shown_ids().map(MessageId::as_str).collect::<Vec<_>>(), ["m-0"]);
}

#[test]
fn a_note_is_kept_and_shown_where_the_kind_is() {
    let mut trial = Trial::sandbox();
    trial.scanned(6);
    let effects = trial.types("nwait for the mail provider\n");
    let [Effect::Note(note)] = effects.as_slice() else { panic!("no note: {effects:?}") };
    assert_eq!((note.kind.as_str(), note.text.as_str()), ("JobQueue · send", "wait for the mail provider"));
    assert!(trial.said().ends_with("\nnoted"), "on a narrow screen the note is not in view: {}", trial.said());
    let began = |at, note: NotePlan| JournalEntry::Began {
        operation: format!("note-{}", note.text.len()).as_str().into(),
        at,
        plan: Box::new(Plan::Note(note)),
        who: "me".to_owned(),
        account: String::new(),
        region: String::new(),
    };
    let outline = |entries| crate::operation::record::Outline { entries, ..Default::default() };
    let emptied = NotePlan { text: String::new(), ..note.clone() };
    let queue = QueueName::from("JobDLQ");
    trial.tell(Msg::JournalArrived { result: Ok(outline(vec![began(NOW, note.clone())])) });
    assert_eq!(trial.console.note_on(&queue, "JobQueue · send"), Some("wait for the mail provider"));
    let entries = vec![began(NOW, note.clone()), began(NOW.plus_s(1), emptied)];
    trial.tell(Msg::JournalArrived { result: Ok(outline(entries)) });
    assert_eq!(trial.console.note_on(&queue, "JobQueue · send"), None);
}

/// *Quiet while reading*: ten minutes with the snapshot open, and nothing is received.
#[test]
fn a_snapshot_that_stays_open_receives_nothing() {
    let mut trial = Trial::sandbox();
    trial.scanned(60);
    for _ in 0..600 {
        let effects = trial.wait_ms(1_000);
        assert!(!effects.iter().any(Effect::writes), "{effects:?}");
    }
    assert_eq!(snapshot_len(&trial), 60);
}
