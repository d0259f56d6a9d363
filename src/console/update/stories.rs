//! What a person does on the console, told as keys, state and effects. Tests only.

use std::collections::BTreeMap;

use crate::console::ConsoleOptions;
use crate::console::armed::Armed;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::msg::Msg;
use crate::console::overlay::{Card, CardFocus, Overlay};
use crate::console::running::Effectiveness;
use crate::console::screen::Screen;
use crate::console::update::trial::{NOW, Trial, arn, progress, queue_mapping, stream_mapping};
use crate::model::finding::{Finding, Severity, Subject};
use crate::model::mapping::MappingChange;
use crate::model::metric::{MetricKey, Stat};
use crate::model::plan::Plan;
use crate::model::time::Timestamp;
use crate::operation::order::{EndState, JournalEntry};
use crate::operation::progress::{Kind, Progress, RedriveReport, Report, RetuneReport};
use crate::operation::record::Outline;
use crate::operation::{Command, Undertaking};

fn card(trial: &Trial) -> &Card {
    match trial.console.overlay() {
        Some(Overlay::Card(card)) => card,
        other => panic!("no card is shown but {other:?}; {}", trial.said()),
    }
}

/// `2`, the stream's consumer, `t`.
fn open_tune(trial: &mut Trial) {
    trial.types("2");
    let keys = trial.console.consumer_keys();
    let row = keys.iter().position(|id| id.as_str() == "uuid-stream").expect("it is listed");
    trial.console.cursors.consumers.put(&keys, row);
    trial.types("\nt");
}

/// Tunes parallel 1→5 by keys and gives back the operation's id.
fn tune_to_5(trial: &mut Trial) -> crate::model::id::OperationId {
    open_tune(trial);
    trial.types("5\n");
    trial.wait_ms(Card::DEAF_MS);
    match trial.types("\n").as_slice() {
        [Effect::Start { id, undertaking: Undertaking::Retune(confirmed) }] => {
            let change = MappingChange { parallelization_factor: Some(5), ..MappingChange::default() };
            assert_eq!(confirmed.plan().change, change);
            id.clone()
        }
        other => panic!("{other:?}; {}", trial.said()),
    }
}

#[test]
fn tune_is_followed_from_key_to_effect_and_back() {
    let mut trial = Trial::sandbox();
    let id = tune_to_5(&mut trial);
    let settled = trial.console.now;
    let mut mapping = stream_mapping();
    mapping.settings.parallelization_factor = Some(5);
    let report = RetuneReport {
        operation: id.clone(),
        state: EndState::Done,
        settled_at: Some(settled),
        mapping: Some(mapping.clone()),
        what: "parallel 1→5".to_owned(),
        put_back: false,
        problem: None,
        cause: None,
    };
    let report = Some(Report::Retune(report));
    let effects = trial.tell(Msg::OperationProgressed(Progress { report, ..progress(&id, Kind::Retune) }));
    assert_eq!(effects, [Effect::LoadJournal]);
    let marked: Vec<&str> = trial.console.picture.changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(marked, ["parallel 1→5"], "marked once on the chart");
    assert_eq!(trial.console.follows[0].state, Effectiveness::Awaited);

    // The age falls over three periods begun after it was settled.
    let start = settled.floor_to(60).plus_s(60);
    let points: Vec<(Timestamp, f64)> =
        (0..3).map(|i| (start.plus_s(i * 60), 900_000.0 - i as f64 * 100_000.0)).collect();
    trial.wait_ms(300_000);
    let key = MetricKey::lambda(&"LogWorker".into(), "IteratorAge", Stat::Maximum);
    let answer = BTreeMap::from([(key, points)]);
    trial.console.schedule.metrics_to = trial.console.now;
    trial.tell(Msg::MetricsArrived { generation: 0, at: trial.console.now, result: Ok(answer) });
    assert!(matches!(&trial.console.follows[0].state, Effectiveness::Seen(line) if line.contains("age falling")));

    // `u` puts back what was there, through a card of its own.
    trial.types("u");
    assert_eq!(card(&trial).planned.card().scope[0], "parallel 5→1");
    trial.wait_ms(Card::DEAF_MS);
    let effects = trial.types("\n");
    assert!(
        matches!(effects.as_slice(), [Effect::Start { undertaking: Undertaking::Retune(undo), .. }]
            if undo.plan().change.parallelization_factor == Some(1)),
        "{effects:?}"
    );
}

#[test]
fn settings_lambda_would_refuse_never_reach_a_card() {
    let mut trial = Trial::sandbox();
    open_tune(&mut trial);
    trial.types("11\n");
    let Some(Overlay::Tune(form)) = trial.console.overlay() else { panic!("the form is closed") };
    assert_eq!(form.fields[0].line.text(), "11");
    assert!(form.problems[0].contains("1 to 10"), "{:?}", form.problems);
    // The same value again is no change.
    trial.press(&[Key::plain(Code::Backspace)]);
    trial.types("\n");
    assert!(trial.said().contains("nothing is changed"));
}

#[test]
fn what_was_typed_ahead_does_not_answer_the_card() {
    let mut trial = Trial::sandbox();
    open_tune(&mut trial);
    assert_eq!(trial.types("5\n\n\n\n"), [], "enters in one burst");
    assert_eq!(card(&trial).focus, CardFocus::Go);
    trial.wait_ms(Card::DEAF_MS - 1);
    assert_eq!(trial.types("\n"), []);
    trial.wait_ms(1);
    assert_eq!(trial.types("\n").len(), 1);
    assert!(trial.console.overlays.is_empty());
}

fn about(rule: &str, subject: Subject) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity: Severity::Harm,
        subject,
        headline: rule.to_owned(),
        since: None,
        evidence: Vec::new(),
        remedies: Vec::new(),
    }
}

#[test]
fn a_consumer_is_as_bad_as_what_waits_for_it() {
    let mut trial = Trial::sandbox();
    let severity = |trial: &Trial, mapping| trial.console.mapping_severity(&mapping);
    trial.console.findings = vec![about("dead-letters-arriving", Subject::Queue("JobDLQ".into()))];
    assert_eq!(severity(&trial, queue_mapping()), None, "another queue");
    trial.console.findings.push(about("backlog-growing", Subject::Queue("JobQueue".into())));
    assert_eq!(severity(&trial, queue_mapping()), Some(Severity::Harm));
    assert_eq!(severity(&trial, stream_mapping()), None, "it reads no queue");
}

#[test]
fn on_a_line_about_no_queue_it_is_said_where_one_is() {
    let mut trial = Trial::sandbox();
    let lag = about("falling-behind", Subject::Mapping("uuid-stream".into()));
    let waiting = about("backlog-growing", Subject::Queue("JobQueue".into()));
    let dead = about("dead-letters-arriving", Subject::Queue("JobDLQ".into()));
    trial.console.findings = vec![lag.clone(), waiting, dead];
    trial.types("s");
    assert_eq!(trial.said(), "this line is about no queue: move to one that is, JobQueue's, or 3 lists them");
    trial.types("R");
    assert!(trial.said().contains("JobDLQ's"), "one whose letters have a way back: {}", trial.said());
    trial.console.findings = vec![lag];
    trial.types("R");
    assert!(trial.said().ends_with("this line is about no queue: 3 lists them"), "{}", trial.said());
}

#[test]
fn three_selected_messages_are_redriven_by_id_and_nothing_else() {
    let mut trial = Trial::sandbox();
    trial.scanned(10);
    assert_eq!(*trial.console.screen(), Screen::Triage("JobDLQ".into()));
    trial.types("   R");
    trial.wait_ms(Card::DEAF_MS);
    assert_eq!(trial.types("x2\n"), [], "the count is not the one asked for");
    assert!(card(&trial).wrong.is_some());
    let effects = trial.types("3\n");
    let [Effect::Start { id, undertaking: Undertaking::Redrive(confirmed) }] = effects.as_slice() else {
        panic!("{effects:?}; {:?}", card(&trial).wrong)
    };
    let ids: Vec<&str> = confirmed.plan().ids.iter().map(|id| id.as_str()).collect();
    assert_eq!(ids, ["m-0", "m-1", "m-2"]);
    assert_eq!(confirmed.plan().origins[0].1.name().as_str(), "JobQueue");
    let report = RedriveReport {
        operation: id.clone(),
        state: EndState::Partly,
        asked: 3,
        moved: 2,
        failed: 1,
        skipped: 0,
        gone: 0,
        returned: 0,
        duplicates_possible: Vec::new(),
        faults: vec![("m-1".into(), "refused".to_owned())],
        problem: None,
        cause: None,
        skipped_why: [].into(),
        bounced: Vec::new(),
        later_steps: Vec::new(),
        took_ms: 10,
    };
    let report = Some(Report::Redrive(report));
    trial.tell(Msg::OperationProgressed(Progress { report, ..progress(id, Kind::Redrive) }));
    let snapshot = trial.console.snapshot().expect("still open");
    assert_eq!(snapshot.len(), 8);
    assert!(snapshot.get(&"m-1".into()).is_some(), "what was refused is still there");
}

#[test]
fn what_no_known_queue_sent_is_left_out_before_the_card_and_a_scan_that_was_emptied_is_not_called_empty() {
    let mut trial = Trial::sandbox();
    trial.scanned(3);
    let queue = trial.console.picture.queues.get_mut(&"JobDLQ".into()).expect("it is there");
    let sources = std::mem::replace(&mut queue.value.sources, vec![arn("OtherQueue")]);
    trial.types("*R");
    assert!(trial.console.overlays.is_empty());
    assert!(trial.said().contains("nothing to redrive: not from a queue that dead-letters here"), "{}", trial.said());
    trial.console.picture.queues.get_mut(&"JobDLQ".into()).expect("it is there").value.sources = sources;
    trial.types("R");
    assert_eq!(card(&trial).planned.card().title, "Redrive 3 messages from JobDLQ");
    let snapshot = trial.console.snapshots.get_mut(&"JobDLQ".into()).expect("it was scanned");
    snapshot.remove(|_| true);
    assert_eq!((snapshot.len(), snapshot.found), (0, 3));
}

#[test]
fn redrive_without_a_selection_asks_which_and_keeps_the_choices_apart() {
    let mut trial = Trial::sandbox();
    trial.scanned(10);
    trial.types("/invoke\nR");
    let Some(Overlay::Choice(choice)) = trial.console.overlay() else { panic!("{}", trial.said()) };
    let labels: Vec<&str> = choice.options.iter().map(|option| option.label.as_str()).collect();
    assert_eq!(labels[0], "the message under the cursor");
    assert_eq!(labels[1], "everything that is listed: 6");
    assert!(labels[2].contains("shown or not, and what still arrives: ~312"), "{}", labels[2]);
    trial.types("2");
    assert_eq!(card(&trial).planned.card().title, "Redrive 6 messages from JobDLQ");
    trial.wait_ms(Card::DEAF_MS);
    trial.types("\x1bR3");
    trial.wait_ms(Card::DEAF_MS);
    let effects = trial.types("312\n");
    assert!(matches!(effects.as_slice(), [Effect::Start { undertaking: Undertaking::MoveAll(_), .. }]), "{effects:?}");
    // One at a time.
    trial.types("R");
    assert!(trial.console.overlays.is_empty() && trial.said().contains("is at work"), "{}", trial.said());
    let effects = trial.types("X");
    assert!(matches!(effects.as_slice(), [Effect::Command(_, Command::Cancel)]));
}

#[test]
fn an_account_is_read_only_until_its_digits_are_typed() {
    let mut trial = Trial::new(ConsoleOptions::default());
    open_tune(&mut trial);
    trial.types("5\n");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Tune(_))), "no card: {:?}", trial.console.overlay());
    assert!(trial.said().contains("W arms writes"), "{}", trial.said());
    trial.types("\x1b\x1b");
    assert!(trial.console.overlays.is_empty());
    trial.types("3\n\n");
    assert!(trial.console.snapshots.is_empty(), "scanning is a write");
    trial.types("W1234\n");
    assert!(!trial.console.may_write());
    trial.types("9012\n");
    assert!(trial.console.may_write());
    open_tune(&mut trial);
    trial.types("5\n");
    // The hour runs out while the card is open.
    trial.wait_ms(Armed::FOR_MS);
    assert!(trial.types("\n").iter().all(|effect| !effect.writes()));
    assert!(trial.said().contains("read-only"), "{}", trial.said());
}

#[test]
fn read_only_on_the_command_line_is_not_lifted_even_in_the_sandbox() {
    let mut trial = Trial::new(ConsoleOptions { read_only: true, sandbox: true, ..ConsoleOptions::default() });
    trial.types("W9012\n");
    assert_eq!(trial.console.armed, Armed::ReadOnly { locked: true });
    assert!(trial.said().contains("--read-only"));
}

#[test]
fn write_on_the_command_line_asks_for_the_digits_at_once() {
    let mut trial = Trial::new(ConsoleOptions { write: true, ..ConsoleOptions::default() });
    assert!(!trial.console.may_write());
    trial.types("9012\n");
    assert!(trial.console.may_write());
}

#[test]
fn leaving_asks_only_while_something_runs() {
    let mut trial = Trial::sandbox();
    assert_eq!(trial.types("2q"), [], "back first");
    tune_to_5(&mut trial);
    assert_eq!(trial.press(&[Key::ctrl('c')]), []);
    assert_eq!(trial.console.overlay(), Some(&Overlay::Leave { running: 1 }));
    trial.types("n");
    assert_eq!(trial.press(&[Key::ctrl('c'), Key::ctrl('c')]), [Effect::Quit]);
    assert_eq!(Trial::sandbox().types("q"), [Effect::Quit]);
}

#[test]
fn the_journal_puts_settings_back_and_says_that_messages_cannot_be() {
    let mut trial = Trial::sandbox();
    let plan = crate::model::plan::RetunePlan {
        mapping: "uuid-stream".into(),
        before: crate::model::mapping::MappingSettings { parallelization_factor: Some(4), ..stream_mapping().settings },
        enabled_before: true,
        change: MappingChange { parallelization_factor: Some(1), ..MappingChange::default() },
        reason: None,
        revert_after_s: None,
        reserve: None,
    };
    let began = JournalEntry::Began {
        operation: "old-1".into(),
        at: NOW,
        plan: Box::new(Plan::Retune(plan)),
        who: "ann".to_owned(),
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    trial.tell(Msg::JournalArrived { result: Ok(Outline { entries: vec![began], ..Outline::default() }) });
    trial.types("4u");
    assert_eq!(card(&trial).planned.card().scope[0], "parallel 1→4");
    trial.wait_ms(Card::DEAF_MS);
    let copied = trial.types("Y");
    assert!(
        matches!(copied.as_slice(), [Effect::Copy(line)] if line.starts_with("aws lambda update-event-source-mapping")),
        "{copied:?}"
    );
    trial.types("\x1b");
    assert!(trial.console.overlays.is_empty());
}

#[test]
fn a_scan_of_an_account_shows_its_card_first() {
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.types("W9012\n3");
    let keys = trial.console.queue_keys();
    let row = keys.iter().position(|name| name.as_str() == "JobDLQ").expect("it is listed");
    trial.console.cursors.queues.put(&keys, row);
    for (way, place) in [("s", Screen::Queues), ("\n\n", Screen::Triage("JobDLQ".into()))] {
        assert!(trial.types(way).iter().all(|effect| !effect.writes()), "{way:?} receives without a card");
        assert_eq!(card(&trial).planned.card().title, "Scan JobDLQ");
        assert_eq!(*trial.console.screen(), place);
        trial.wait_ms(Card::DEAF_MS);
        trial.types("\x1b");
    }
    trial.types("s");
    trial.wait_ms(Card::DEAF_MS);
    let effects = trial.types("\n");
    assert!(matches!(effects.as_slice(), [Effect::Start { undertaking: Undertaking::Scan(_), .. }]), "{effects:?}");
    assert_eq!(*trial.console.screen(), Screen::Triage("JobDLQ".into()));
}

#[test]
fn what_was_paused_does_not_go_on_unarmed() {
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.types("W9012\n");
    trial.scanned(1);
    trial.types("R1");
    trial.wait_ms(Card::DEAF_MS);
    let effects = trial.types("\n");
    let [Effect::Start { id, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let id = id.clone();
    assert_eq!(trial.types("p"), [Effect::Command(id.clone(), Command::Pause)]);
    let paused = Progress { phase: crate::operation::progress::Phase::Paused, ..progress(&id, Kind::Redrive) };
    trial.tell(Msg::OperationProgressed(paused));
    trial.wait_ms(Armed::FOR_MS);
    assert_eq!(trial.types("p"), [], "the hour is over");
    assert_eq!(trial.types("X"), [Effect::Command(id, Command::Cancel)], "to stop is always allowed");
    trial.console.operations.iter_mut().for_each(|operation| operation.kind = Kind::MoveAll);
    assert_eq!(trial.types("p"), [], "nothing but a redrive can pause");
    assert!(trial.said().ends_with("cannot pause; X cancels it"), "{}", trial.said());
}
