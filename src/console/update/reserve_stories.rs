//! The reserve of a function on the form of its mapping, told as keys, state and effects. Tests only.

use crate::console::ConsoleOptions;
use crate::console::armed::Armed;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::msg::Msg;
use crate::console::overlay::{Card, Overlay, Tunable, TuneForm};
use crate::console::running::Effectiveness;
use crate::console::update::trial::{NOW, Trial, progress, stream_mapping};
use crate::model::function::AccountLimits;
use crate::model::metric::{MetricKey, Stat};
use crate::model::plan::RetunePlan;
use crate::model::reserve::{ReserveChange, ReserveReading};
use crate::model::time::Timestamp;
use crate::operation::Undertaking;
use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Progress, Report, RetuneReport};

/// The form's second page is open, the cursor on the reserve.
fn on_the_reserve() -> Trial {
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.console.armed = Armed::Always;
    trial.types("2");
    let keys = trial.console.consumer_keys();
    let row = keys.iter().position(|id| id.as_str() == "uuid-stream").expect("it is listed");
    trial.console.cursors.consumers.put(&keys, row);
    let effects = trial.types("\nt");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::FetchReserve(mapping) if mapping.id.as_str() == "uuid-stream"))
    );
    trial.types("m");
    trial.press(&[Key::plain(Code::Down); 4]);
    trial
}

fn read(trial: &mut Trial, reserve: Result<Option<u32>, String>) {
    let reading = ReserveReading {
        function: "LogWorker".into(),
        reserve,
        limits: Some(AccountLimits { concurrent: 1_000, unreserved: 900 }),
        shards: Some(4),
        source: Some(stream_mapping().source),
    };
    let (at, mapping) = (trial.console.now, "uuid-stream".into());
    trial.tell(Msg::ReserveArrived { at, mapping, reading: Box::new(reading) });
}

fn form(trial: &Trial) -> &TuneForm {
    match trial.console.overlay() {
        Some(Overlay::Tune(form)) => form,
        other => panic!("no form but {other:?}; {}", trial.said()),
    }
}

fn field(trial: &Trial) -> String {
    let form = form(trial);
    let field = &form.fields[form.focus];
    assert_eq!(field.tunable, Tunable::Reserve);
    field.line.text().to_owned()
}

/// Answers the card; what is started.
fn started(trial: &mut Trial) -> (crate::model::id::OperationId, RetunePlan) {
    trial.wait_ms(Card::DEAF_MS);
    match trial.types("\n").as_slice() {
        [Effect::Start { id, undertaking: Undertaking::Retune(confirmed) }] => (id.clone(), confirmed.plan().clone()),
        other => panic!("{other:?}; {}", trial.said()),
    }
}

fn settled(trial: &mut Trial, id: &crate::model::id::OperationId, what: &str) {
    let report = RetuneReport {
        operation: id.clone(),
        state: EndState::Done,
        settled_at: Some(trial.console.now),
        mapping: Some(stream_mapping()),
        what: what.to_owned(),
        put_back: false,
        problem: None,
        cause: None,
    };
    let report = Some(Report::Retune(report));
    trial.tell(Msg::OperationProgressed(Progress { report, ..progress(id, Kind::Retune) }));
}

fn reserve(before: Option<u32>, to: Option<u32>) -> Option<ReserveChange> {
    Some(ReserveChange { function: "LogWorker".into(), before, to })
}

#[test]
fn a_reserve_is_typed_once_it_is_known_warned_of_changed_and_put_back() {
    let mut trial = on_the_reserve();
    trial.types("3");
    assert_eq!(field(&trial), "", "what is not known is not typed over");
    read(&mut trial, Ok(Some(20)));
    assert_eq!(field(&trial), "20");
    trial.types("3");
    assert_eq!((field(&trial).as_str(), form(&trial).problems.len()), ("3", 0));
    trial.types("\n");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card; {}", trial.said()) };
    let text = card.planned.card().about.join("; ");
    assert!(text.contains("4 shards × 1 = 4 at once: with 3 the rest is throttled"), "{text}");
    assert!(text.contains("share 917 runs at a time, 900 now"), "{text}");
    let (id, plan) = started(&mut trial);
    assert_eq!((plan.reserve, plan.change.is_empty()), (reserve(Some(20), Some(3)), true));

    settled(&mut trial, &id, "reserved concurrency 20→3");
    assert_eq!(trial.console.picture.reserved_concurrency(&"LogWorker".into()), Some(3));
    assert_eq!(trial.console.follows[0].reserve, Some(Some(3)));
    trial.types("u");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card; {}", trial.said()) };
    let text = card.planned.card().about.join("; ");
    assert!(text.contains("share 900 runs at a time, 917 now"), "what was written is counted: {text}");
    let (_, undo) = started(&mut trial);
    assert_eq!((undo.reserve, undo.change.is_empty()), (reserve(Some(3), Some(20)), true));
}

#[test]
fn somebody_elses_reserve_is_told_as_a_change_of_the_function_and_ours_is_told_once() {
    let mut trial = on_the_reserve();
    read(&mut trial, Ok(Some(20)));
    let told = |trial: &Trial| -> Vec<String> {
        let changes = trial.console.picture.changes.iter();
        changes.map(|change| change.what.clone()).filter(|what| what.starts_with("reserved")).collect()
    };
    assert_eq!(told(&trial), Vec::<String>::new(), "what is seen first is no change");
    read(&mut trial, Ok(Some(8)));
    assert_eq!(told(&trial), ["reserved concurrency 20→8"]);
    trial.types("3\n");
    let (id, _) = started(&mut trial);
    settled(&mut trial, &id, "reserved concurrency 8→3");
    read(&mut trial, Ok(Some(3)));
    assert_eq!(told(&trial), ["reserved concurrency 20→8", "reserved concurrency 8→3"]);
}

#[test]
fn what_the_account_does_not_leave_is_said_beside_the_field_and_nothing_is_none() {
    let mut trial = on_the_reserve();
    read(&mut trial, Ok(Some(20)));
    trial.types("950");
    assert!(form(&trial).problems[0].contains("at most 820"), "{:?}", form(&trial).problems);
    trial.types("\n");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Tune(_))), "no card for what is refused");
    (0..3).for_each(|_| drop(trial.press(&[Key::plain(Code::Backspace)])));
    trial.types("\n");
    let (_, plan) = started(&mut trial);
    assert_eq!(plan.reserve, reserve(Some(20), None));
}

#[test]
fn a_reserve_that_may_not_be_read_is_not_changed() {
    let mut trial = on_the_reserve();
    read(&mut trial, Err("lambda:GetFunctionConcurrency: AccessDeniedException".to_owned()));
    trial.types("7");
    trial.press(&[Key::plain(Code::Right)]);
    assert_eq!(field(&trial), "");
}

#[test]
fn a_new_reserve_is_effective_when_the_metrics_of_later_periods_say_so() {
    let points = |values: &[f64], from: Timestamp| -> Vec<(Timestamp, f64)> {
        values.iter().enumerate().map(|(n, value)| (from.plus_s(60 * n as i64), *value)).collect()
    };
    for (to, concurrency, throttles, effective) in [
        (Some(3), [3.0, 3.0, 2.0], [40.0, 40.0, 40.0], Some("effective: concurrency 9→3 since")),
        (Some(3), [9.0, 9.0, 9.0], [0.0, 0.0, 0.0], None),
        (Some(0), [9.0, 9.0, 9.0], [0.0, 50.0, 50.0], Some("effective: runs are refused since")),
        (None, [9.0, 9.0, 9.0], [0.0, 0.0, 0.0], Some("effective: no run refused since")),
    ] {
        let mut trial = on_the_reserve();
        read(&mut trial, Ok(Some(9)));
        match to {
            Some(to) => drop(trial.types(&to.to_string())),
            None => drop(trial.press(&[Key::plain(Code::Backspace)])),
        }
        trial.types("\n");
        let (id, _) = started(&mut trial);
        settled(&mut trial, &id, "reserved concurrency");
        let from = NOW.floor_to(60).plus_s(60);
        trial.console.now = from.plus_s(600);
        // Only where it is removed were runs refused before.
        let before = if to.is_none() { 5.0 } else { 0.0 };
        for (name, stat, values, earlier) in
            [("ConcurrentExecutions", Stat::Maximum, concurrency, 9.0), ("Throttles", Stat::Sum, throttles, before)]
        {
            let key = MetricKey::lambda(&"LogWorker".into(), name, stat);
            let metrics = &mut trial.console.picture.metrics;
            metrics.merge(&key, from.plus_s(600), points(&[earlier; 5], from.plus_s(-360)));
            metrics.merge(&key, from.plus_s(600), points(&values, from));
        }
        crate::console::update::follow::look(&mut trial.console);
        let seen = match &trial.console.follows[0].state {
            Effectiveness::Seen(seen) => Some(seen.as_str()),
            _ => None,
        };
        assert_eq!(
            seen.map(|seen| effective.is_some_and(|line| seen.starts_with(line))),
            effective.map(|_| true),
            "{to:?}: {seen:?}"
        );
    }
}
