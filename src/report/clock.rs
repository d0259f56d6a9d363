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

/// Only where something waits: `clock: LogWorker gets later; work is lost in 22 h at least`.
pub fn line(row: &Row) -> Option<String> {
    let drain = match (row.drain, row.drain_s) {
        ("drained" | "unknown", _) => return None,
        (_, Some([least, _, most])) => format!("drains in {}–{} est", spoken(least * 1000), spoken(most * 1000)),
        ("grows", None) => "gets later".to_owned(),
        ("holds", None) => "gets neither later nor earlier".to_owned(),
        ("stopped", None) => "is stopped".to_owned(),
        (word, None) => word.to_owned(),
    };
    let how = clock::told(row.loss);
    let loss = row.loss_at_least_s.map(|s| format!("; work is {how} in {} at least", spoken(s * 1000)));
    Some(format!("clock: {} {drain}{}", row.function, loss.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_a_sentence_and_only_where_something_waits() {
        let said = |drain: &'static str, drain_s| {
            line(&Row {
                mapping: "u-1".to_owned(),
                function: "LogWorker".to_owned(),
                drain,
                drain_s,
                loss_at_least_s: Some(79_200),
                loss: if drain == "holds" { "given up" } else { "dropped" },
            })
        };
        let given =
            "clock: LogWorker gets neither later nor earlier; work is given up to the on-failure destination in 22 h";
        assert_eq!(said("holds", None), Some(format!("{given} at least")));
        let ends = "; work is dropped in 22 h at least";
        assert_eq!(said("grows", None), Some(format!("clock: LogWorker gets later{ends}")));
        assert_eq!(said("stopped", None), Some(format!("clock: LogWorker is stopped{ends}")));
        let drains = format!("clock: LogWorker drains in 1 m–2 m est{ends}");
        assert_eq!(said("draining", Some([60, 90, 120])), Some(drains));
        assert_eq!(said("drained", None), None);
    }
}
