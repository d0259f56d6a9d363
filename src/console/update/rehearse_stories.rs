//! A person tunes with foresight, told as keys, state and effects. Tests only.

use crate::console::ConsoleOptions;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::msg::Msg;
use crate::console::overlay::{Card, Overlay, Pick};
use crate::console::rehearsal::RehearsingState;
use crate::console::update::trial::{NOW, Trial, progress, stream_mapping};
use crate::model::mapping::{MappingChange, MappingSettings};
use crate::model::metric::{MetricKey, Stat};
use crate::model::plan::{Plan, RetunePlan};
use crate::model::rehearsal::{Band, Candidate, Forecast, Rehearsal, Setting};
use crate::model::time::Timestamp;
use crate::operation::Undertaking;
use crate::operation::order::{EndState, JournalEntry};
use crate::operation::progress::{Kind, Phase, Progress, Report, RetuneReport};
use crate::operation::record::{Holder, Outline};
use crate::verdict::foretold::{RULE, Standing};

fn candidate(lanes: u32) -> Candidate {
    let band = |m: usize| {
        let p50 = (900_000.0 - 100_000.0 * m as f64).max(1_000.0);
        Some(Band { p10: p50 * 0.9, p50, p90: p50 * 1.1 })
    };
    Candidate {
        change: MappingChange { parallelization_factor: (lanes != 1).then_some(lanes), ..MappingChange::default() },
        setting: Setting::Lanes { parallelization_factor: lanes, batch_size: 100 },
        refused: None,
        forecast: Some(Forecast {
            age_ms: [band(5), band(15), band(60)],
            drain_s: (lanes > 1).then_some(Band { p10: 480.0, p50: 540.0, p90: 600.0 }),
            never: 0.0,
            load: 1.6 / f64::from(lanes),
            concurrency_peak: lanes * 4,
            concurrency_limit: 1_000,
            throttles: false,
            invocations_per_hour: 100.0,
            dollars_per_hour: None,
            out_per_s_peak: 10.0,
            out_per_s: 5.0,
            duration_p99_ms: 900.0,
            course_ms: (0..60).map(band).collect(),
        }),
    }
}

pub(super) fn rehearsal(at: Timestamp) -> Rehearsal {
    Rehearsal {
        mapping: "uuid-stream".into(),
        at,
        assumptions: Vec::new(),
        backtest: None,
        candidates: (1..=4).map(candidate).collect(),
        recommended: Some(3),
        declined: None,
    }
}

/// The form is open and its rehearsal asked for; answers the generation.
pub(super) fn open_tune(trial: &mut Trial) -> u64 {
    trial.types("2");
    let keys = trial.console.consumer_keys();
    let row = keys.iter().position(|id| id.as_str() == "uuid-stream").expect("it is listed");
    trial.console.cursors.consumers.put(&keys, row);
    trial.types("\n");
    match trial.types("t").as_slice() {
        [Effect::Rehearse(ask), Effect::FetchReserve(_)] => {
            assert_eq!(ask.mapping.id.as_str(), "uuid-stream");
            ask.generation
        }
        other => panic!("{other:?}; {}", trial.said()),
    }
}

pub(super) fn arrived(trial: &mut Trial, generation: u64, rehearsal: Rehearsal) {
    trial.tell(Msg::RehearsalArrived { mapping: "uuid-stream".into(), generation, result: Ok(rehearsal) });
}

fn metric(trial: &mut Trial, name: &str, points: Vec<(Timestamp, f64)>) {
    let key = MetricKey::lambda(&"LogWorker".into(), name, Stat::Maximum);
    trial.console.schedule.metrics_to = trial.console.now;
    let answer = std::collections::BTreeMap::from([(key, points)]);
    trial.tell(Msg::MetricsArrived { generation: 0, at: trial.console.now, result: Ok(answer) });
}

/// Takes the recommended candidate by one key and answers its card; gives back the operation.
fn tune_as_recommended(trial: &mut Trial) -> crate::model::id::OperationId {
    trial.types("r");
    trial.wait_ms(Card::DEAF_MS);
    match trial.types("\n").as_slice() {
        [Effect::Start { id, undertaking: Undertaking::Retune(confirmed) }] => {
            assert_eq!(confirmed.plan().change.parallelization_factor, Some(4));
            id.clone()
        }
        other => panic!("{other:?}; {}", trial.said()),
    }
}

fn settled(trial: &mut Trial, id: &crate::model::id::OperationId) {
    let mut mapping = stream_mapping();
    mapping.settings.parallelization_factor = Some(4);
    let report = RetuneReport {
        operation: id.clone(),
        state: EndState::Done,
        settled_at: Some(trial.console.now),
        mapping: Some(mapping),
        what: "parallel 1→4".to_owned(),
        put_back: false,
        problem: None,
        cause: None,
    };
    let report = Some(Report::Retune(report));
    trial.tell(Msg::OperationProgressed(Progress { report, ..progress(id, Kind::Retune) }));
}

#[test]
fn the_recommended_setting_is_one_key_and_held_against_its_forecast() {
    let mut trial = Trial::sandbox();
    let generation = open_tune(&mut trial);
    trial.tell(Msg::RehearsalProgressed { mapping: "uuid-stream".into(), generation, done: 5, of: 60 });
    trial.types("r");
    assert!(trial.said().contains("nothing is rehearsed yet"), "{}", trial.said());
    let now = trial.console.now;
    arrived(&mut trial, generation, rehearsal(now));
    let id = tune_as_recommended(&mut trial);
    trial.wait_ms(5_000);
    settled(&mut trial, &id);
    let from = trial.console.follows[0].foreseen.as_ref().expect("it was rehearsed").from;
    let minute = |n: i64| from.floor_to(60).plus_s(60 * n);
    trial.wait_ms(720_000);
    metric(&mut trial, "IteratorAge", (0..11).map(|n| (minute(n), 900_000.0 - 90_000.0 * n as f64)).collect());
    let follow = &trial.console.follows[0];
    assert!(matches!(follow.standing, Standing::Drained { .. } | Standing::AsForecast), "{:?}", follow.standing);
    assert!(trial.console.findings.iter().all(|finding| finding.rule != RULE));
    // Later it is drained, and the line says so.
    metric(&mut trial, "IteratorAge", vec![(minute(9), 900.0), (minute(10), 900.0)]);
    let line = trial.console.follows[0].line();
    assert!(line.contains("drained at") && line.contains("as forecast"), "{line}");
}

#[test]
fn a_guard_speaks_and_offers_and_writes_nothing() {
    let mut trial = Trial::sandbox();
    let generation = open_tune(&mut trial);
    let now = trial.console.now;
    arrived(&mut trial, generation, rehearsal(now));
    let id = tune_as_recommended(&mut trial);
    settled(&mut trial, &id);
    let from = trial.console.now.floor_to(60);
    let effects = trial.wait_ms(600_000);
    assert!(effects.iter().all(|effect| !effect.writes()));
    metric(&mut trial, "IteratorAge", (0..9).map(|n| (from.plus_s(60 * n), 1_500_000.0)).collect());
    let finding = trial.console.findings.iter().find(|finding| finding.rule == RULE).expect("it trips");
    assert_eq!(finding.remedies[0].command, "undo");
    assert!(trial.said().contains("worse than forecast"), "{}", trial.said());
    trial.types("1u");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Card(_))), "{}", trial.said());
}

#[test]
fn a_rehearsal_is_stopped_by_esc_and_what_it_answers_then_is_dropped() {
    let mut trial = Trial::sandbox();
    let generation = open_tune(&mut trial);
    assert_eq!(trial.press(&[Key::plain(Code::Esc)]), [Effect::StopRehearsing]);
    assert!(matches!(trial.console.overlay(), Some(Overlay::Tune(_))), "the form stays");
    arrived(&mut trial, generation, rehearsal(NOW));
    let state = &trial.console.rehearsals[&"uuid-stream".into()].state;
    assert_eq!(*state, RehearsingState::Cancelled);
    assert!(matches!(trial.types("R").as_slice(), [Effect::Rehearse(ask)] if ask.generation > generation));
    trial.press(&[Key::plain(Code::Esc), Key::plain(Code::Esc)]);
    assert!(trial.console.overlays.is_empty());
}

#[test]
fn a_candidate_under_the_cursor_is_taken_and_a_refused_one_says_why() {
    let mut trial = Trial::sandbox();
    let generation = open_tune(&mut trial);
    let now = trial.console.now;
    let mut with_refused = rehearsal(now);
    with_refused.candidates[2].refused = Some("a run would take too long".to_owned());
    arrived(&mut trial, generation, with_refused);
    // Past the three fields: today's, parallel 2, parallel 3.
    trial.types("\t\t\t\t\t\n");
    assert!(trial.said().contains("too long"), "{}", trial.said());
    trial.press(&[Key::plain(Code::Up), Key::plain(Code::Enter)]);
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("{}", trial.said()) };
    assert_eq!(card.planned.card().scope[0], "parallel 1→2");
    assert!(
        card.planned.card().about[0].starts_with("forecast (est): drained in 9 m"),
        "{:?}",
        card.planned.card().about
    );
}

#[test]
fn where_nothing_is_recommended_the_key_says_why() {
    let mut trial = Trial::sandbox();
    let generation = open_tune(&mut trial);
    let declined = Some("40 % of its runs fail: the lag is not one of capacity".to_owned());
    arrived(&mut trial, generation, Rehearsal { recommended: None, declined, ..rehearsal(NOW) });
    trial.types("r");
    assert!(trial.said().contains("not one of capacity"), "{}", trial.said());
    assert!(matches!(trial.console.overlay(), Some(Overlay::Tune(_))));
}

fn to_be_put_back(began_at: Timestamp, holder: Holder) -> Outline {
    let settings = |lanes| MappingSettings { parallelization_factor: Some(lanes), ..stream_mapping().settings };
    let plan = RetunePlan {
        mapping: "uuid-stream".into(),
        before: settings(1),
        enabled_before: true,
        change: MappingChange { parallelization_factor: Some(5), ..MappingChange::default() },
        reason: None,
        revert_after_s: Some(900),
        reserve: None,
    };
    let began = JournalEntry::Began {
        operation: "old-1".into(),
        at: began_at,
        plan: Box::new(Plan::Retune(plan)),
        who: "ann".to_owned(),
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    Outline { entries: vec![began], holders: [("old-1".into(), holder)].into(), ..Outline::default() }
}

fn dead() -> Holder {
    Holder::Dead { who: "laptop, pid 4711".to_owned(), why: "it does not run any more".to_owned() }
}

/// Applied, killed, opened again eight hours later with the backlog drained.
#[test]
fn opened_again_past_its_time_it_asks_once_and_writes_nothing() {
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.types("W9012\n");
    let mut tuned = stream_mapping();
    tuned.settings.parallelization_factor = Some(5);
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![tuned]) });
    metric(&mut trial, "IteratorAge", vec![(NOW.plus_s(-180), 900.0), (NOW.plus_s(-120), 900.0)]);
    let mut effects = trial.tell(Msg::JournalArrived { result: Ok(to_be_put_back(NOW.plus_s(-8 * 3600), dead())) });
    let mut asked = 0;
    for _ in 0..600 {
        effects.extend(trial.wait_ms(1_000));
        if let Some(Overlay::Choice(choice)) = trial.console.overlay() {
            asked += 1;
            assert!(choice.title.contains("was to be put back"), "{}", choice.title);
            assert_eq!(choice.options[0].label, "keep parallel 1→5");
            assert!(choice.options[0].detail.contains("its age is 900 ms at"), "{}", choice.options[0].detail);
            assert_eq!(choice.options[1].label, "put it back: parallel 5→1");
            trial.press(&[Key::plain(Code::Esc)]);
        }
    }
    assert_eq!(asked, 1);
    assert!(effects.iter().all(|effect| !effect.writes()), "{effects:?}");
}

#[test]
fn it_asks_once_it_knows_of_which_consumer_and_how_late_that_is_or_cannot_know() {
    let asked = |trial: &Trial| match trial.console.overlay() {
        Some(Overlay::Choice(choice)) => Some((choice.title.clone(), choice.options[0].detail.clone())),
        _ => None,
    };
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.console.picture.mappings.clear();
    trial.tell(Msg::JournalArrived { result: Ok(to_be_put_back(NOW.plus_s(-8 * 3600), dead())) });
    trial.wait_ms(1_000);
    assert_eq!(asked(&trial), None, "nobody knows yet what it is");
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![stream_mapping()]) });
    trial.wait_ms(1_000);
    assert_eq!(asked(&trial), None, "nor how late it is");
    metric(&mut trial, "IteratorAge", vec![(NOW.plus_s(-180), 900.0), (NOW.plus_s(-120), 900.0)]);
    trial.wait_ms(1_000);
    let (title, detail) = asked(&trial).expect("asked");
    assert!(title.starts_with("LogWorker: was to be put back 7 h 45 m ago"), "{title}");
    assert!(detail.starts_with("its age is 900 ms"), "{detail}");
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.console.picture.mappings.clear();
    trial.tell(Msg::JournalArrived { result: Ok(to_be_put_back(NOW.plus_s(-8 * 3600), dead())) });
    for _ in 0..30 {
        trial.wait_ms(1_000);
    }
    let (title, detail) = asked(&trial).expect("asked although it was deleted since");
    assert!(title.starts_with("uuid-stream: was to be put back"), "{title}");
    assert_eq!(detail, "its mapping is not in the picture");
}

#[test]
fn the_answer_is_a_line_in_the_journal_or_a_card() {
    let past = NOW.plus_s(-8 * 3600);
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.tell(Msg::JournalArrived { result: Ok(to_be_put_back(past, dead())) });
    trial.wait_ms(1_000);
    trial.wait_ms(30_000);
    let effects = trial.types("1");
    assert!(matches!(effects.as_slice(), [Effect::CloseRecord { operation, .. }] if operation.as_str() == "old-1"));
    assert!(effects.iter().all(|effect| !effect.writes()));
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.tell(Msg::JournalArrived { result: Ok(to_be_put_back(past, dead())) });
    trial.wait_ms(1_000);
    trial.wait_ms(30_000);
    let Some(Overlay::Choice(choice)) = trial.console.overlay() else { panic!("not asked") };
    assert_eq!(choice.options[1].pick, Pick::PutBack("old-1".into()));
    assert_eq!(trial.types("2"), [Effect::LoadRecord("old-1".into())]);
}

#[test]
fn nobody_is_asked_before_its_time_or_while_another_process_holds_it() {
    let alive = Holder::Other { who: "laptop, pid 4711".to_owned() };
    for outline in [to_be_put_back(NOW.plus_s(-8 * 3600), alive), to_be_put_back(NOW.plus_s(-60), dead())] {
        let mut trial = Trial::new(ConsoleOptions::default());
        trial.tell(Msg::JournalArrived { result: Ok(outline) });
        trial.wait_ms(5_000);
        assert!(trial.console.overlays.is_empty());
    }
}

#[test]
fn a_change_that_is_put_back_later_is_followed_while_it_holds_and_x_keeps_it() {
    let mut trial = Trial::sandbox();
    let generation = open_tune(&mut trial);
    let now = trial.console.now;
    arrived(&mut trial, generation, rehearsal(now));
    trial.types("b");
    let id = tune_as_recommended(&mut trial);
    let holding = Progress { phase: Phase::Holding, ..progress(&id, Kind::Retune) };
    trial.tell(Msg::OperationProgressed(holding.clone()));
    trial.tell(Msg::OperationProgressed(holding));
    assert_eq!(trial.console.follows.len(), 1);
    assert!(trial.console.follows[0].foreseen.is_some());
    assert_eq!(trial.console.picture.changes.len(), 1, "marked once");
    let effects = trial.types("X");
    assert!(matches!(effects.as_slice(), [Effect::Command(kept, crate::operation::Command::Cancel)] if *kept == id));
    // It holds nobody up: the settings can be put back at once.
    trial.types("u");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Card(_))), "{}", trial.said());
}

#[test]
fn a_queues_consumer_is_tuned_by_its_limit_of_runs() {
    let mut trial = Trial::sandbox();
    trial.types("2");
    let keys = trial.console.consumer_keys();
    let row = keys.iter().position(|id| id.as_str() == "uuid-queue").expect("it is listed");
    trial.console.cursors.consumers.put(&keys, row);
    trial.types("\n");
    let generation = match trial.types("t").as_slice() {
        [Effect::Rehearse(ask), ..] => {
            let queue = ask.queue.clone().expect("the queue is told");
            assert_eq!((ask.mapping.id.as_str(), queue.other_readers), ("uuid-queue", 0));
            ask.generation
        }
        other => panic!("{other:?}; {}", trial.said()),
    };
    let of = |limit: Option<u32>, like: u32| Candidate {
        change: MappingChange { max_concurrency: limit.map(Some), ..MappingChange::default() },
        setting: Setting::Places { max_concurrency: limit, batch_size: 10 },
        ..candidate(like)
    };
    let candidates = vec![of(None, 1), of(Some(2), 2), of(Some(20), 4)];
    let rehearsal =
        Rehearsal { mapping: "uuid-queue".into(), candidates, recommended: Some(2), ..rehearsal(trial.console.now) };
    trial.tell(Msg::RehearsalArrived { mapping: "uuid-queue".into(), generation, result: Ok(rehearsal) });
    trial.types("r");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("{}", trial.said()) };
    assert!(card.planned.card().scope[0].contains("no limit→20"), "{:?}", card.planned.card().scope);
    trial.wait_ms(Card::DEAF_MS);
    match trial.types("\n").as_slice() {
        [Effect::Start { undertaking: Undertaking::Retune(confirmed), .. }] => {
            let expected = MappingChange { max_concurrency: Some(Some(20)), ..MappingChange::default() };
            assert_eq!(confirmed.plan().change, expected, "and nothing else");
        }
        other => panic!("{other:?}; {}", trial.said()),
    }
}
