//! Event source mappings as rows.

use serde::Serialize;

use crate::model::mapping::Mapping;
use crate::model::metric::{MetricKey, Stat};
use crate::model::observed::Observed;
use crate::model::picture::Picture;
use crate::model::time::{Timestamp, spoken};
use crate::report::table::{MISSING, Table, or_missing};

#[derive(Debug, Serialize)]
pub struct Row {
    pub function: String,
    pub mapping: String,
    /// The table of a stream, or the queue.
    pub source: String,
    pub source_arn: String,
    pub state: String,
    pub state_reason: Option<String>,
    pub batch_size: Option<u32>,
    pub window_s: Option<u32>,
    pub parallelization_factor: Option<u32>,
    pub max_concurrency: Option<u32>,
    pub last_processing_result: Option<String>,
    /// When state and settings were read.
    pub at: String,
    /// Why they are older than they should be.
    pub stale: Option<String>,
    /// `IteratorAge`, Maximum, newest published minute, in milliseconds; streams only.
    pub iterator_age_ms: Option<f64>,
    /// The start of that minute.
    pub iterator_age_at: Option<String>,
}

pub fn rows(picture: &Picture) -> Vec<Row> {
    picture.mappings.values().map(|mapping| row(mapping, picture)).collect()
}

fn row(mapping: &Observed<Mapping>, picture: &Picture) -> Row {
    let Mapping { id, source, function, state, state_reason, settings, last_processing_result, .. } = &mapping.value;
    let age = mapping
        .value
        .kind()
        .is_stream()
        .then(|| MetricKey::lambda(function, "IteratorAge", Stat::Maximum))
        .and_then(|key| picture.metrics.get(&key)?.newest());
    Row {
        function: function.to_string(),
        mapping: id.to_string(),
        source: source.table().unwrap_or(source.resource()).to_owned(),
        source_arn: source.to_string(),
        state: state.to_string(),
        state_reason: state_reason.clone(),
        batch_size: settings.batch_size,
        window_s: settings.window_s,
        parallelization_factor: settings.parallelization_factor,
        max_concurrency: settings.max_concurrency,
        last_processing_result: last_processing_result.clone(),
        at: mapping.at.to_string(),
        stale: mapping.stale.clone(),
        iterator_age_ms: age.map(|(_, value)| value),
        iterator_age_at: age.map(|(at, _)| at.to_string()),
    }
}

pub fn table(rows: &[Row], now: Timestamp) -> String {
    let heads = ["FUNCTION", "SOURCE", "STATE", "BATCH", "WINDOW", "PARALLEL", "CONCURRENCY", "ITERATOR AGE", "LAST"];
    let mut table = Table::new(&heads);
    for row in rows {
        let at = row.iterator_age_at.as_deref().and_then(Timestamp::parse);
        let age = match (row.iterator_age_ms, at) {
            (Some(ms), Some(at)) => format!("{} ({} ago)", spoken(ms as i64), spoken(now.ms_since(at).max(0))),
            _ => MISSING.to_owned(),
        };
        table.row([
            row.function.clone(),
            row.source.clone(),
            row.state.clone(),
            or_missing(row.batch_size),
            row.window_s.map_or(MISSING.to_owned(), |s| format!("{s} s")),
            or_missing(row.parallelization_factor),
            or_missing(row.max_concurrency),
            age,
            or_missing(row.last_processing_result.as_ref()),
        ]);
    }
    table.text()
}
