//! Queues as rows.

use serde::Serialize;

use crate::model::observed::Observed;
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::{Timestamp, spoken};
use crate::report::table::{MISSING, Table, or_missing};

#[derive(Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub arn: String,
    /// Approximate, as SQS says (`GetQueueAttributes`).
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
    pub visibility_s: u32,
    pub retention_s: u32,
    pub dead_letter_queue: Option<String>,
    pub max_receive_count: Option<u32>,
    /// Queues whose dead-letter queue this is.
    pub dead_letters_of: Vec<String>,
    /// When the counts were read.
    pub at: String,
}

pub fn rows(picture: &Picture) -> Vec<Row> {
    picture.queues.values().map(row).collect()
}

fn row(queue: &Observed<Queue>) -> Row {
    let Observed { value, at, .. } = queue;
    Row {
        name: value.name.to_string(),
        arn: value.arn.to_string(),
        visible: value.counts.visible,
        in_flight: value.counts.in_flight,
        delayed: value.counts.delayed,
        visibility_s: value.visibility_s,
        retention_s: value.retention_s,
        dead_letter_queue: value.redrive.as_ref().map(|policy| policy.dead_letter_arn.resource().to_owned()),
        max_receive_count: value.redrive.as_ref().map(|policy| policy.max_receive_count),
        dead_letters_of: value.sources.iter().map(|arn| arn.resource().to_owned()).collect(),
        at: at.to_string(),
    }
}

pub fn table(rows: &[Row], now: Timestamp) -> String {
    let heads = ["QUEUE", "READY", "IN FLIGHT", "DELAYED", "VISIBILITY", "KEPT", "DEAD LETTERS GO TO", "AFTER", "READ"];
    let mut table = Table::new(&heads);
    for row in rows {
        let goes = match (&row.dead_letter_queue, row.dead_letters_of.as_slice()) {
            (Some(queue), _) => queue.clone(),
            (None, []) => MISSING.to_owned(),
            (None, sources) => format!("(dead letters of {})", sources.join(", ")),
        };
        let age = Timestamp::parse(&row.at).map(|at| spoken(now.ms_since(at).max(0)) + " ago");
        table.row([
            row.name.clone(),
            format!("~{}", row.visible),
            format!("~{}", row.in_flight),
            format!("~{}", row.delayed),
            spoken(i64::from(row.visibility_s) * 1000),
            spoken(i64::from(row.retention_s) * 1000),
            goes,
            row.max_receive_count.map_or(MISSING.to_owned(), receives),
            or_missing(age),
        ]);
    }
    table.text()
}

/// `5 receives`
fn receives(count: u32) -> String {
    if count == 1 { "1 receive".to_owned() } else { format!("{count} receives") }
}
