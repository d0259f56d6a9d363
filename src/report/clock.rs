//! Clocks of consumers, for people and for JSON: until it has drained, and until data is lost.

use serde::Serialize;

use crate::model::picture::Picture;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::clock::{self, Drain};

#[derive(Debug, Serialize)]
pub struct Row {
    pub mapping: String,
    pub function: String,
    /// `drained`, `draining`, `holds`, `grows`, `stopped`, `unknown`
    pub drain: &'static str,
    /// Seconds from now, while it is draining: least, likeliest, most. An estimate.
    pub drain_s: Option<[i64; 3]>,
    /// Seconds from now, a lower bound.
    pub loss_at_least_s: Option<i64>,
    /// `lost`, `dropped`, `given up`
    pub loss: &'static str,
}

pub fn rows(picture: &Picture, now: Timestamp) -> Vec<Row> {
    let whole = |ms: f64| (ms / 1000.0).round() as i64;
    let row = |mapping: &crate::model::mapping::Mapping| {
        let clocks = clock::of(picture, now, mapping);
        Row {
            mapping: mapping.id.to_string(),
            function: mapping.function.to_string(),
            drain: clocks.drain.word(),
            drain_s: match clocks.drain {
                Drain::In(spread) => Some([spread.least_ms, spread.likely_ms, spread.most_ms].map(whole)),
                _ => None,
            },
            loss_at_least_s: clocks.loss.at_least_ms.map(whole),
            loss: clocks.loss.how,
        }
    };
    picture.mappings.values().map(|seen| row(&seen.value)).collect()
}

/// Only where something waits: `clock: LogWorker grows; records are lost in 22 h at least`.
pub fn line(row: &Row) -> Option<String> {
    let drain = match (row.drain, row.drain_s) {
        ("drained" | "unknown", _) => return None,
        (_, Some([least, _, most])) => format!("drains in {}–{} est", spoken(least * 1000), spoken(most * 1000)),
        (word, None) => word.to_owned(),
    };
    let loss = row.loss_at_least_s.map(|s| format!("; work is {} in {} at least", row.loss, spoken(s * 1000)));
    Some(format!("clock: {} {drain}{}", row.function, loss.unwrap_or_default()))
}
