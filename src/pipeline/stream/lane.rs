//! One lane of a shard: serial, in order. A batch that fails blocks its lane and no other
//! (aws-facts §1.6).

use std::collections::VecDeque;

use crate::model::time::Timestamp;
use crate::pipeline::stream::batch::{Batch, Cursor};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneState {
    Idle,
    /// A batch is at the function.
    Running,
    /// The next batch is not sent before this moment: a failure or a refusal came before.
    Backoff(Timestamp),
}

/// How a sent batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchEnd {
    Done,
    /// Exception, time-out, or everything in it reported as failed.
    Failed,
    /// `batchItemFailures`: the index in the batch of the lowest failure, 1 or more; all before it
    /// are done.
    Partial(u32),
}

#[derive(Debug, Clone)]
pub struct Lane {
    pub state: LaneState,
    /// Parts of a batch that failed, in order; the first is the one being sent.
    pub pieces: VecDeque<Batch>,
    /// What is being gathered behind them.
    pub gathering: Batch,
    /// What is gathered can take no more, though there is more.
    pub full: bool,
    /// When the batching window began.
    pub window_from: Timestamp,
    /// Refusals (throttles) in a row.
    pub refusals: u32,
}

impl Lane {
    pub fn new(at: Cursor, now: Timestamp) -> Self {
        Lane {
            state: LaneState::Idle,
            pieces: VecDeque::new(),
            gathering: Batch::empty(at),
            full: false,
            window_from: now,
            refusals: 0,
        }
    }

    /// The first record that is not handled yet.
    pub fn at(&self) -> Cursor {
        self.pieces.front().map_or(self.gathering.from, |piece| piece.from)
    }

    pub fn is_running(&self) -> bool {
        self.state == LaneState::Running
    }

    /// Moves everything gathered behind the pieces, as the next to be sent.
    pub fn close_gathering(&mut self) {
        if !self.gathering.is_empty() {
            self.pieces.push_back(self.gathering);
            self.gathering = Batch::empty(self.gathering.to);
            self.full = false;
        }
    }
}
