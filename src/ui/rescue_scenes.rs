//! Test only: pointers into a stream, and what can be done with them.

use std::sync::Arc;

use serde_json::json;

use crate::console::Console;
use crate::console::screen::Screen;
use crate::console::snapshot::Snapshot;
use crate::model::message::Message;
use crate::ui::{fixture, scenes};

/// A pointer that LogWorker's mapping left so many minutes ago.
fn pointer(n: u64, minutes: i64) -> Arc<Message> {
    let arrived = fixture::now().plus_s(-60 * (minutes + 2)).to_string();
    let body = json!({
        "requestContext": {
            "requestId": format!("316aa6d0-0000-4000-8000-{n:012}"),
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:LogWorker",
            "condition": if n.is_multiple_of(4) { "RecordAgeExceeded" } else { "RetryAttemptsExhausted" },
            "approximateInvokeCount": 6,
        },
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": format!("shardId-{:04}", n % 4),
            "startSequenceNumber": format!("80000000000000000{n:04}"),
            "endSequenceNumber": format!("80000000000000000{:04}", n + 2),
            "approximateArrivalOfFirstRecord": arrived,
            "approximateArrivalOfLastRecord": arrived,
            "batchSize": 3,
            "streamArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/EventTable/stream/2026-01-01T00:00:00.000",
        },
    });
    let mut message = Message::clone(&scenes::letter(n, body.to_string(), minutes));
    message.system.dead_letter_source = None;
    message.attributes.clear();
    Arc::new(message)
}

/// LogFailures scanned.
pub fn triage() -> Console {
    let mut console = scenes::armed();
    let mut snapshot = Snapshot::new("LogFailures".into(), "op-1".into(), fixture::now());
    snapshot.add((0..12).map(|n| pointer(n, 30 + 60 * n as i64)).chain([pointer(12, 25 * 60)]));
    snapshot.line = "13 of ~13 scanned at 03:12Z".to_owned();
    console.snapshots.insert("LogFailures".into(), snapshot);
    console.screens.push(Screen::Triage("LogFailures".into()));
    console
}

/// The card of all of them.
pub fn card() -> Console {
    let mut console = triage();
    scenes::type_keys(&mut console, "*r");
    scenes::wait(&mut console);
    console
}

/// `R` says what to press instead.
pub fn refused() -> Console {
    let mut console = triage();
    scenes::type_keys(&mut console, "R");
    console
}
