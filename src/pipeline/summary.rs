//! What a run of the pipeline came to, for the headless sandbox and for tests.

use serde::Serialize;

use crate::automation::identity::Identity;
use crate::model::census::Census;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Requests the web service answered 202.
    pub requests: u64,
    /// Jobs that began to exist: first jobs of runs and each next one.
    pub jobs_started: u64,
    pub jobs_finished: u64,
    /// Times a message was moved to a dead-letter queue.
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

/// What is counted as it happens, because no container keeps it.
#[derive(Debug, Default)]
pub struct Tally {
    pub requests: u64,
    pub iterator_age_max_ms: Option<i64>,
    /// Open jobs whose message somebody deleted from a dead-letter queue: redriven by a mover, if a
    /// copy is elsewhere.
    pub taken_from_dead: Vec<(Timestamp, Identity)>,
}

impl Pipeline {
    pub fn summary(&self) -> Summary {
        let totals = self.ledger.totals();
        Summary {
            from: self.start,
            to: self.now,
            requests: self.tally.requests,
            jobs_started: totals.made,
            jobs_finished: totals.ended,
            jobs_dead: self.queues.dead_lettered(),
            jobs_redriven: self.queues.moved() + self.tally.taken_from_dead.len() as u64,
            events: totals.events,
            records_indexed: totals.indexed,
            iterator_age_max_ms: self.tally.iterator_age_max_ms,
            census: self.census(),
            history: self.history_hash(),
        }
    }
}
