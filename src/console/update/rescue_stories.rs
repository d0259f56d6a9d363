//! Test only: pointers rescued, key by key.

use serde_json::json;

use crate::console::effect::Effect;
use crate::console::msg::Msg;
use crate::console::overlay::{Card, Overlay};
use crate::console::update::trial::{NOW, Trial, progress};
use crate::model::function::Function;
use crate::model::id::{MessageId, QueueName};
use crate::model::message::Message;
use crate::model::observed::Observed;
use crate::operation::Undertaking;
use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Progress, Report, RescueReport};

fn pointer(id: &str, function: &str, hours_ago: i64) -> Message {
    let body = json!({
        "requestContext": {"functionArn": format!("arn:aws:lambda:r:1:function:{function}"), "condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {"shardId": "s", "startSequenceNumber": "1", "endSequenceNumber": "9", "batchSize": 4,
            "approximateArrivalOfFirstRecord": NOW.plus_s(-3_600 * hours_ago).to_string(), "streamArn": "arn:stream"},
    });
    Message { id: id.into(), body: body.to_string(), ..crate::console::update::trial::letter(0) }
}

/// Three letters of the dead-letter queue are pointers, one of them of another function.
fn trial() -> Trial {
    let mut trial = Trial::sandbox();
    trial.scanned(1);
    let function = Function {
        name: "LogWorker".into(),
        arn: "arn:aws:lambda:eu-west-1:123456789012:function:LogWorker".into(),
        timeout_s: Some(60),
        memory_mb: None,
        last_modified: None,
        code_sha256: None,
        reserved_concurrency: None,
        dead_letter: None,
    };
    trial.console.picture.functions.insert("LogWorker".into(), Observed::new(function, NOW));
    for mapping in trial.console.picture.mappings.values_mut() {
        if mapping.value.function.as_str() == "LogWorker" {
            mapping.value.settings.parallelization_factor = Some(4);
        }
    }
    let snapshot = trial.console.snapshots.get_mut(&QueueName::from("JobDLQ")).expect("scanned");
    let found = [pointer("p-1", "LogWorker", 3), pointer("p-2", "LogWorker", 30), pointer("p-3", "Stranger", 1)];
    snapshot.add(found.map(std::sync::Arc::new));
    trial
}

#[test]
fn the_card_says_how_long_the_records_exist_and_what_may_run_twice() {
    let mut trial = trial();
    trial.types("*r");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card: {}", trial.said()) };
    let text = card.planned.card();
    assert_eq!(text.title, "Rescue 2 pointers of JobDLQ");
    let has = |lines: &[String], what: &str| lines.iter().any(|line| line.contains(what));
    assert!(has(&text.about, "the stream keeps these records 20 h 59 m more"), "{:?}", text.about);
    assert!(has(&text.about, "1 of these is older than the 24 h"), "{:?}", text.about);
    assert!(has(&text.about, "given up by Stranger, which is not here"), "{:?}", text.about);
    assert!(has(&text.about, "no pointer into a DynamoDB stream"), "{:?}", text.about);
    assert!(has(&text.scope, "records of other lanes, which came through and come again"), "{:?}", text.scope);
    trial.wait_ms(Card::DEAF_MS);
    let effects = trial.types("2\n");
    let [Effect::Start { id, undertaking: Undertaking::Rescue(confirmed) }, ..] = effects.as_slice() else {
        panic!("no rescue was started: {effects:?}; {}", trial.said())
    };
    assert_eq!(confirmed.plan().ids, ["p-1".into(), "p-2".into()] as [MessageId; 2]);
    let report = RescueReport {
        operation: id.clone(),
        state: EndState::Partly,
        asked: 2,
        rescued: 1,
        failed: 1,
        gone: 0,
        returned: 0,
        doubtful: Vec::new(),
        records: 4,
        faults: vec![("p-2".into(), "its records are gone".to_owned())],
        problem: None,
        cause: None,
    };
    let report = Some(Report::Rescue(report));
    trial.tell(Msg::OperationProgressed(Progress { report, ..progress(id, Kind::Rescue) }));
    let snapshot = &trial.console.snapshots[&QueueName::from("JobDLQ")];
    let left: Vec<&str> = snapshot.messages().map(|(message, _)| message.id.as_str()).collect();
    assert!(!left.contains(&"p-1") && left.contains(&"p-2"), "only what was rescued is gone: {left:?}");
}

#[test]
fn what_is_no_pointer_is_not_rescued_and_where_redriving_is_off_this_key_is_named() {
    let mut trial = trial();
    trial.types("r\n");
    assert!(trial.said().contains("no pointer into a DynamoDB stream"), "{}", trial.said());
    let arn = trial.console.picture.queues[&QueueName::from("JobDLQ")].value.arn.clone();
    for queue in trial.console.picture.queues.values_mut() {
        queue.value.sources.clear();
    }
    for mapping in trial.console.picture.mappings.values_mut() {
        mapping.value.settings.on_failure = Some(arn.clone());
    }
    trial.types("\x1bR");
    assert!(trial.said().contains("r rescues the records"), "{}", trial.said());
}
