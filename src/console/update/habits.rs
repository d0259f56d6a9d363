//! How the console behaves whatever is done on it: facts that arrive, what is found, any key at all.
//! Tests only.

use std::collections::BTreeMap;

use crate::console::ConsoleOptions;
use crate::console::command::COMMANDS;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::msg::Msg;
use crate::console::overlay::Overlay;
use crate::console::screen::{Place, Screen};
use crate::console::update::trial::{NOW, Trial, stream_mapping};
use crate::model::bench::{Bench, BenchCommand, Switch};
use crate::model::census::Census;
use crate::model::finding::Severity;
use crate::model::mapping::MappingState;
use crate::model::metric::{MetricKey, Stat};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

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
fn an_error_keeps_the_old_data_and_says_why_it_is_old() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let error = ServiceError::new("lambda:ListEventSourceMappings", "AccessDeniedException", "no");
    trial.tell(Msg::MappingsArrived { at: NOW, result: Err(error) });
    assert_eq!(trial.console.picture.mappings.len(), 2);
    let stale = trial.console.picture.mappings.values().filter_map(|mapping| mapping.stale.as_deref());
    assert!(stale.clone().count() == 2 && stale.clone().all(|why| why.contains("not allowed here")));
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![stream_mapping()]) });
    assert!(trial.said().contains("the mapping of JobWorker was deleted"), "{}", trial.said());
}

#[test]
fn keys_of_ones_own_do_what_the_tables_did_and_are_named_instead() {
    let mut keymap = crate::console::keymap::Keymap::default();
    keymap.give("queues", &["F3".to_owned()]).expect("free");
    keymap.give("scan", &["z".to_owned()]).expect("free");
    let mut trial = Trial::new(ConsoleOptions { keymap, sandbox: true, ..ConsoleOptions::default() });
    trial.types("3");
    assert_eq!(*trial.console.screen(), Screen::Map, "its own key is free now");
    trial.press(&[Key::plain(Code::F(3))]);
    assert_eq!(*trial.console.screen(), Screen::Queues);
    assert_eq!(trial.console.key_of("scan"), "z");
}

#[test]
fn a_network_that_is_gone_is_said_once() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let gone = |action| ServiceError::new(action, ServiceError::UNREACHABLE, "Connection refused");
    trial.tell(Msg::MappingsArrived { at: NOW, result: Err(gone("lambda:ListEventSourceMappings")) });
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Err(gone("cloudwatch:DescribeAlarms")) });
    trial.tell(Msg::MetricsArrived { generation: 0, at: NOW, result: Err(gone("cloudwatch:GetMetricData")) });
    let said: std::collections::BTreeSet<_> = trial.console.troubles.values().collect();
    assert_eq!(said.into_iter().collect::<Vec<_>>(), ["nobody answers: Connection refused"]);
    assert_eq!(trial.said(), "");
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
                Place::Logs => Screen::Logs("JobWorker".into()),
                Place::Journal => Screen::Journal,
                Place::Posture => Screen::Posture,
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
    // The first stops the rehearsal, the second closes the form.
    trial.types("\x1b\x1b2");
    assert_eq!(trial.console.mappings_here(), ["uuid-stream".into()], "the list opens at what the finding is about");
    trial.types("1\n");
    assert_eq!(*trial.console.screen(), Screen::ConsumerDetail("uuid-stream".into()));
    trial.types("1aknown: deploy\n");
    assert!(trial.console.acknowledgement(&finding).is_some_and(|seen| seen.note == "known: deploy"));
    assert_eq!(trial.console.count(Severity::Harm), 0);
    // It stands last now; pressed again there, it is back.
    trial.types("Ga");
    assert_eq!(trial.console.count(Severity::Harm), 1);
}

#[test]
fn what_is_told_of_an_advice_scrolls_once_it_has_the_keys_and_begins_anew_with_the_next_advice() {
    let mut trial = Trial::sandbox();
    trial.types("P");
    let first = trial.console.current_advice().expect("something to mend").key();
    trial.types("\tjjj");
    assert_eq!(trial.console.posture_detail.scroll, 3);
    assert_eq!(trial.console.current_advice().map(|advice| advice.key()), Some(first.clone()), "the list stays");
    trial.types("k\tj");
    let detail = trial.console.posture_detail;
    assert_eq!((detail.focused, detail.scroll), (false, 0));
    assert_ne!(trial.console.current_advice().map(|advice| advice.key()), Some(first));
}

#[test]
fn posture_is_one_line_while_something_is_wrong_and_a_line_a_rule_when_it_is_calm() {
    let mut trial = Trial::sandbox();
    let lines = |trial: &Trial| trial.console.findings.iter().filter(|f| f.rule.starts_with("posture/")).count();
    trial.console.judge();
    let calm = lines(&trial);
    assert!(calm > 1, "{:?}", trial.console.findings);
    put_age(&mut trial, 0.4);
    assert_eq!(lines(&trial), 1, "{:?}", trial.console.findings);
    assert!(trial.console.findings.last().is_some_and(|finding| finding.headline.contains("while it is calm")));
    let noted = |f: &&crate::model::finding::Finding| f.severity == Severity::Note && !f.rule.starts_with("posture/");
    let notes = trial.console.findings.iter().filter(noted).count();
    assert_eq!(trial.console.count(Severity::Note), notes, "posture is not counted in the header");
    assert!(!crate::console::status::five_lines(&trial.console).contains("calm"));
    // It opens, is put aside as a whole with one note, and comes back the same way.
    trial.types("G\n");
    assert_eq!(*trial.console.screen(), Screen::Posture);
    let all = trial.console.posture.advice.len();
    let copied = trial.types("Y");
    assert!(matches!(copied.as_slice(), [Effect::Copy(lines)] if lines.starts_with("aws ")), "{copied:?}");
    let effects = trial.types("1Gaknown\n");
    let kept: usize = effects
        .iter()
        .map(|effect| match effect {
            Effect::Acknowledge { keys, acknowledgement: Some(_) } => keys.len(),
            _ => 0,
        })
        .sum();
    assert_eq!((kept, trial.console.acknowledged.len()), (all, all), "{effects:?}");
    // What another console keeps is taken over, but not while our own is on its way.
    trial.tell(Msg::AcknowledgedArrived { saved: false, result: Ok(Default::default()) });
    assert_eq!(trial.console.acknowledged.len(), all);
    for _ in &effects {
        let result = Ok(trial.console.acknowledged.clone());
        trial.tell(Msg::AcknowledgedArrived { saved: true, result });
    }
    trial.tell(Msg::AcknowledgedArrived { saved: false, result: Ok(Default::default()) });
    assert_eq!(trial.console.acknowledged.len(), 0, "somebody took them back");
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
