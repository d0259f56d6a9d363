//! What a run of the pipeline came to, for the headless sandbox and for tests. Plain data.

use serde::Serialize;

use crate::model::census::Census;
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Requests the web service answered 202.
    pub requests: u64,
    /// Jobs that began to exist: first jobs of runs and each next one.
    pub jobs_started: u64,
    pub jobs_finished: u64,
    /// Messages that were moved to a dead-letter queue, each time one was.
    pub jobs_dead: u64,
    /// Messages sent back out of a dead-letter queue, by a move task or a mover.
    pub jobs_redriven: u64,
    /// Events in the table, each once.
    pub events: u64,
    /// Stream records whose event is in the search index, each event once.
    pub records_indexed: u64,
    /// The highest iterator age of any batch sent, in milliseconds; `None` when none was.
    pub iterator_age_max_ms: Option<i64>,
    pub census: Census,
    /// A digest of everything that happened, in order: equal for equal blueprint, seed and requests.
    pub history: String,
}
