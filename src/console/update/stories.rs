//! What a person does on the console, told as keys, state and effects. Tests only.

use std::collections::BTreeMap;

use crate::console::ConsoleOptions;
use crate::console::armed::Armed;
use crate::console::command::COMMANDS;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::msg::Msg;
use crate::console::overlay::{Card, CardFocus, Overlay};
use crate::console::running::Effectiveness;
use crate::console::screen::{Place, Screen};
use crate::console::update::trial::{NOW, Trial, progress, stream_mapping};
use crate::model::bench::{Bench, BenchCommand, Switch};
use crate::model::census::Census;
use crate::model::finding::Severity;
use crate::model::mapping::{MappingChange, MappingState};
use crate::model::metric::{MetricKey, Stat};
use crate::model::plan::Plan;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::operation::order::{EndState, JournalEntry};
use crate::operation::progress::{Kind, Progress, RedriveReport, Report, RetuneReport};
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
        problem: None,
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
        took_ms: 10,
    };
    let report = Some(Report::Redrive(report));
    trial.tell(Msg::OperationProgressed(Progress { report, ..progress(id, Kind::Redrive) }));
    let snapshot = trial.console.snapshot().expect("still open");
    assert_eq!(snapshot.len(), 8);
    assert!(snapshot.get(&"m-1".into()).is_some(), "what was refused is still there");
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
    assert!(trial.console.overlays.is_empty() && trial.said().contains("W arms writes"), "{}", trial.said());
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

fn bench(speed: f64) -> Bench {
    Bench {
        scenario: "night-shift".to_owned(),
        seed: 7,
        speed,
        speed_wanted: speed,
        switches: vec![Switch { name: "failing-step".to_owned(), what: "send fails".to_owned(), on: true }],
        preparing: false,
        now: NOW,
        census: Census::default(),
    }
}

#[test]
fn the_speed_is_held_while_messages_are_held() {
    let mut trial = Trial::sandbox();
    trial.tell(Msg::BenchArrived(bench(60.0)));
    assert_eq!(trial.types("5 "), [Effect::Bench(BenchCommand::Set { switch: "failing-step".to_owned(), on: false })]);
    let faster = [120.0, 300.0].map(|speed| Effect::Bench(BenchCommand::Speed(speed)));
    assert_eq!(trial.types("++"), faster, "pressed twice is twice, whenever the bench answers");
    trial.types("3");
    trial.press(&[Key::plain(Code::Down)]);
    let effects = trial.types("\n\n");
    assert!(
        matches!(effects.as_slice(), [Effect::Start { .. }, Effect::Bench(BenchCommand::HoldSpeed(true))]),
        "{effects:?}"
    );
    let Effect::Start { id, .. } = &effects[0] else { return };
    let effects = trial.tell(Msg::OperationBroke { id: id.clone(), why: "cut off".to_owned() });
    assert_eq!(effects, [Effect::LoadJournal, Effect::Bench(BenchCommand::HoldSpeed(false))]);
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
fn an_error_keeps_the_old_data_and_says_why_it_is_old() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let error = ServiceError::new("lambda:ListEventSourceMappings", "AccessDeniedException", "no");
    trial.tell(Msg::MappingsArrived { at: NOW, result: Err(error) });
    assert_eq!(trial.console.picture.mappings.len(), 2);
    let stale = trial.console.picture.mappings.values().filter_map(|mapping| mapping.stale.as_deref());
    assert!(stale.clone().count() == 2 && stale.clone().all(|why| why.contains("permission")));
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![stream_mapping()]) });
    assert!(trial.said().contains("the mapping of JobWorker was deleted"), "{}", trial.said());
}

#[test]
fn a_change_by_somebody_else_is_marked_and_a_transition_is_not() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let mut mapping = stream_mapping();
    mapping.state = MappingState::Updating;
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![mapping.clone()]) });
    assert!(trial.console.picture.changes.is_empty());
    mapping.state = MappingState::Enabled;
    mapping.settings.batch_size = Some(500);
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![mapping]) });
    assert_eq!(trial.console.picture.changes[0].what, "batch 100→500");
}

#[test]
fn an_answer_of_an_older_generation_is_dropped() {
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.console.generation = 3;
    let key = MetricKey::lambda(&"LogWorker".into(), "Errors", Stat::Sum);
    let answer = BTreeMap::from([(key.clone(), vec![(NOW, 1.0)])]);
    trial.tell(Msg::MetricsArrived { generation: 2, at: NOW, result: Ok(answer.clone()) });
    assert_eq!(trial.console.picture.metrics.get(&key), None);
    trial.tell(Msg::MetricsArrived { generation: 3, at: NOW, result: Ok(answer) });
    assert!(trial.console.picture.metrics.get(&key).is_some());
}

#[test]
fn every_command_can_be_found_in_the_palette_by_its_name() {
    for command in COMMANDS {
        let mut trial = Trial::sandbox();
        let place = Place::ALL.into_iter().find(|place| command.is_valid_on(*place, true)).expect("valid somewhere");
        trial.console.screens = vec![
            Screen::Map,
            match place {
                Place::Map => Screen::Map,
                Place::Consumers => Screen::Consumers,
                Place::ConsumerDetail => Screen::ConsumerDetail("uuid-stream".into()),
                Place::Queues => Screen::Queues,
                Place::Triage => Screen::Triage("JobDLQ".into()),
                Place::Journal => Screen::Journal,
                Place::Sandbox => Screen::Sandbox,
            },
        ];
        trial.types(&format!(":{}", command.name));
        let Some(Overlay::Palette(palette)) = trial.console.overlay() else { panic!("no palette") };
        assert_eq!(palette.found.first(), Some(&command.name));
    }
}

#[test]
fn the_palette_finds_names_loosely_and_help_literally() {
    let mut trial = Trial::sandbox();
    let found = |trial: &Trial| match trial.console.overlay() {
        Some(Overlay::Palette(palette)) => palette.found.clone(),
        other => panic!("{other:?}"),
    };
    trial.types(":rdr");
    assert_eq!(found(&trial), ["redrive"]);
    trial.types("\x1b:dead letters");
    assert_eq!(found(&trial), ["redrive", "queues"], "what is of this screen alone stands first");
    trial.types("\x1b:cons\n");
    assert_eq!(*trial.console.screen(), Screen::Consumers);
}

/// Any key at all, drawn from a small generator of its own.
fn random_key(state: &mut u64) -> Key {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let draw = (*state >> 33) as usize;
    let named = [Code::Enter, Code::Esc, Code::Tab, Code::BackTab, Code::Up, Code::Down, Code::Left, Code::Right];
    let more = [Code::Home, Code::End, Code::PageUp, Code::PageDown, Code::Backspace, Code::Delete, Code::F(1)];
    match draw % 10 {
        0 | 1 => Key::plain(named[draw / 10 % named.len()]),
        2 => Key::plain(more[draw / 10 % more.len()]),
        3 => {
            let commands = COMMANDS[draw / 10 % COMMANDS.len()].keys;
            commands[draw / 1000 % commands.len()]
        }
        4 => Key::ctrl(char::from(b'a' + (draw / 10 % 26) as u8)),
        5 => Key::char(['é', '漢', '\u{202e}', '\u{0}'][draw / 10 % 4]),
        _ => Key::char(char::from(b' ' + (draw / 10 % 95) as u8)),
    }
}

#[test]
fn twenty_thousand_random_keys_on_an_unarmed_console_write_nothing() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let mut state = 7;
    for n in 0..20_000 {
        let effects = trial.press(&[random_key(&mut state)]);
        assert!(effects.iter().all(|effect| !effect.writes()), "key {n} wrote: {effects:?}");
        if n % 50 == 0 {
            assert!(trial.wait_ms(500).iter().all(|effect| !effect.writes()));
        }
        assert!(!trial.console.may_write(), "key {n} armed the console by chance: choose another seed");
        trial.console.leaving = false;
    }
}

#[test]
fn random_keys_on_an_armed_console_never_break_it() {
    let mut trial = Trial::sandbox();
    trial.tell(Msg::BenchArrived(bench(1.0)));
    trial.scanned(20);
    let mut state = 11;
    let mut started = 0;
    for n in 0..20_000 {
        for effect in trial.press(&[random_key(&mut state)]) {
            if let Effect::Start { id, .. } = effect {
                started += 1;
                trial.tell(Msg::OperationBroke { id, why: "trial".to_owned() });
            }
        }
        if n % 10 == 0 {
            trial.wait_ms(500);
        }
        assert!(!trial.console.screens.is_empty());
        trial.console.leaving = false;
    }
    assert!(started > 0, "the keys reach what writes");
}

fn put_age(trial: &mut Trial, slope: f64) {
    let to = trial.console.now.floor_to(60);
    let points = |scale: f64| -> Vec<(Timestamp, f64)> {
        (1..90).map(|ago| (to.plus_s(-60 * ago), (90 - ago) as f64 * 60_000.0 * slope * scale)).collect()
    };
    let key = |stat| MetricKey::lambda(&"LogWorker".into(), "IteratorAge", stat);
    let answer = BTreeMap::from([(key(Stat::Maximum), points(1.0)), (key(Stat::Minimum), points(0.9))]);
    trial.tell(Msg::MetricsArrived { generation: 0, at: trial.console.now, result: Ok(answer) });
}

#[test]
fn a_finding_leads_to_its_consumer_and_is_put_aside_until_it_gets_worse() {
    let mut trial = Trial::sandbox();
    put_age(&mut trial, 0.4);
    let finding = trial.console.current_finding().expect("it is behind").clone();
    assert_eq!((finding.rule.as_str(), finding.severity), ("falling-behind", Severity::Harm));
    assert!(finding.remedies.iter().all(|remedy| crate::console::command::by_name(&remedy.command).is_some()));
    let status = crate::console::status::five_lines(&trial.console);
    assert_eq!(status.lines().count(), 5);
    assert!(status.contains("✖ LogWorker is falling behind") && status.contains("records are lost"), "{status}");
    trial.types("t");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Tune(form)) if form.name == "LogWorker"));
    trial.types("\x1b\n");
    assert_eq!(*trial.console.screen(), Screen::ConsumerDetail("uuid-stream".into()));
    trial.types("1aknown: deploy\n");
    assert!(trial.console.acknowledgement(&finding).is_some_and(|seen| seen.note == "known: deploy"));
    assert_eq!(trial.console.count(Severity::Harm), 0);
    // It stands last now; pressed again there, it is back.
    trial.types("Ga");
    assert_eq!(trial.console.count(Severity::Harm), 1);
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
    };
    let began = JournalEntry::Began {
        operation: "old-1".into(),
        at: NOW,
        plan: Box::new(Plan::Retune(plan)),
        who: "ann".to_owned(),
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    trial.tell(Msg::JournalArrived { result: Ok(vec![began]) });
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
fn what_the_command_line_names_is_opened_when_it_turns_up() {
    let open = |name: &str| ConsoleOptions { open: Some(name.to_owned()), ..ConsoleOptions::default() };
    assert_eq!(*Trial::new(open("JobDLQ")).console.screen(), Screen::Triage("JobDLQ".into()));
    assert_eq!(*Trial::new(open("LogWorker")).console.screen(), Screen::ConsumerDetail("uuid-stream".into()));
    let trial = Trial::new(open("Nothing"));
    assert_eq!(*trial.console.screen(), Screen::Map);
    assert!(trial.said().contains("Nothing is not on the map"), "{}", trial.said());
}

#[test]
fn pasted_text_is_text_and_never_keys() {
    let mut trial = Trial::sandbox();
    assert_eq!(trial.tell(Msg::Paste("q\n5R".to_owned())), []);
    assert_eq!(*trial.console.screen(), Screen::Map);
    trial.types("3/");
    trial.tell(Msg::Paste("dl\nq".to_owned()));
    assert_eq!(trial.console.filter(), "dlq");
    assert_eq!(trial.console.queue_keys(), ["JobDLQ".into()]);
    trial.types("\n\x1b");
    assert_eq!((trial.console.filter(), trial.console.queue_keys().len()), ("", 2));
}

#[test]
fn a_frozen_picture_stays_as_it_is() {
    let mut trial = Trial::sandbox();
    trial.types("f");
    let mut mapping = stream_mapping();
    mapping.settings.batch_size = Some(7);
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![mapping]) });
    assert_eq!(trial.console.picture.mappings.len(), 2);
    assert_eq!(trial.wait_ms(600_000), []);
    trial.types("f");
    assert!(trial.wait_ms(250).contains(&Effect::FetchMappings));
}

#[test]
fn history_that_was_not_ready_is_asked_for_again() {
    let mut trial = Trial::sandbox();
    trial.tell(Msg::BenchArrived(Bench { preparing: true, ..bench(1.0) }));
    put_age(&mut trial, 0.1);
    trial.tell(Msg::BenchArrived(bench(1.0)));
    assert_eq!(trial.console.generation, 1);
    let effects = trial.wait_ms(250);
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::FetchMetrics { generation, from, to, .. } => Some((*generation, to.ms_since(*from))),
        _ => None,
    });
    assert!(asked.is_some_and(|(generation, span)| generation == 1 && span >= 3 * 3_600_000), "{effects:?}");
}
