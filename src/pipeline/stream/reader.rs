//! The reader of one shard: polls the log, deals records to lanes, forms batches, and keeps each
//! lane's order through failures, bisecting and a change of the number of lanes.

use crate::model::time::Timestamp;
use crate::pipeline::stream::Load;
use crate::pipeline::stream::batch::{Batch, Cursor};
use crate::pipeline::stream::lane::{BatchEnd, Lane, LaneState};
use crate::pipeline::stream::log::Log;
use crate::pipeline::stream::rules::{MAX_POLLED, Rules, backoff_ms};

/// What a lane wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Invoke the function with the batch; answer with [`Reader::finished`] or [`Reader::refused`].
    Send(Batch),
    /// The batch is given up: on-failure destination, then the lane goes on.
    Discard(Batch, Condition),
    /// Ask again at this moment.
    Wake(Timestamp),
}

/// Why a batch was given up, as the failure document spells it (aws-facts §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

/// Where the lanes stood when their number changed: what lies before is done and is skipped.
#[derive(Debug, Clone)]
pub(super) struct Epoch {
    pub(super) cursors: Vec<Cursor>,
    /// The furthest of them.
    pub(super) end: u64,
}

#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) lanes: Vec<Lane>,
    pub(super) epochs: Vec<Epoch>,
    /// Entries below this index have been polled.
    pub(super) polled: u64,
    /// The number of lanes there should be; differs from the lanes there are while these drain.
    wanted_lanes: u32,
}

impl Reader {
    /// Reads from `from` on: the log's base for TRIM_HORIZON.
    pub fn new(from: u64, lanes: u32, now: Timestamp) -> Self {
        let at = Cursor { entry: from, taken: 0 };
        Reader {
            lanes: (0..lanes).map(|_| Lane::new(at, now)).collect(),
            epochs: Vec::new(),
            polled: from,
            wanted_lanes: lanes,
        }
    }

    pub fn lanes(&self) -> u32 {
        self.lanes.len() as u32
    }

    pub fn running(&self) -> u32 {
        self.lanes.iter().filter(|lane| lane.is_running()).count() as u32
    }

    /// Whether a poll would find anything.
    pub fn is_behind<L: Load>(&self, log: &Log<L>) -> bool {
        self.polled < log.next()
    }

    /// One GetRecords: makes further entries known; says how many.
    pub fn poll<L: Load>(&mut self, log: &Log<L>) -> u64 {
        let from = self.polled.max(log.base());
        self.polled = log.next().min(from + MAX_POLLED);
        self.polled - from
    }

    /// Takes a new number of lanes. Batches at the function finish first; then the lanes are dealt
    /// anew, so no item is ever in two of them.
    pub fn set_lanes(&mut self, now: Timestamp, lanes: u32) {
        self.wanted_lanes = lanes;
        self.rehash_if_drained(now);
    }

    fn rehash_if_drained(&mut self, now: Timestamp) {
        if self.wanted_lanes == self.lanes() || self.running() > 0 {
            return;
        }
        let cursors: Vec<Cursor> = self.lanes.iter().map(Lane::at).collect();
        let start = cursors.iter().map(|at| at.entry).min().unwrap_or(self.polled);
        let end = cursors.iter().map(|at| at.entry + u64::from(at.taken > 0)).max().unwrap_or(start);
        if end > start {
            self.epochs.push(Epoch { cursors, end });
        }
        let at = Cursor { entry: start, taken: 0 };
        self.lanes = (0..self.wanted_lanes).map(|_| Lane::new(at, now)).collect();
    }

    /// What `lane` wants to do at `now`. Ask again after each `Discard` until there is none.
    pub fn want<L: Load>(&mut self, now: Timestamp, lane: u32, log: &Log<L>, rules: &Rules) -> Option<Want> {
        if self.wanted_lanes != self.lanes() {
            self.rehash_if_drained(now);
            if self.wanted_lanes != self.lanes() {
                return None;
            }
        }
        let index = lane as usize;
        match self.lanes.get(index)?.state {
            LaneState::Running => return None,
            LaneState::Backoff(until) if until > now => return Some(Want::Wake(until)),
            LaneState::Backoff(_) | LaneState::Idle => self.lanes[index].state = LaneState::Idle,
        }
        if self.lanes[index].pieces.is_empty() {
            self.gather(now, index, log, rules);
            let lane = &mut self.lanes[index];
            if lane.gathering.is_empty() {
                return None;
            }
            let opens = lane.window_from.plus_ms(rules.window_ms);
            if !lane.full && opens > now {
                return Some(Want::Wake(opens));
            }
            lane.close_gathering();
        }
        self.skip_trimmed(index, log);
        if let Some(old) = self.split_off_old(now, index, log, rules) {
            return Some(Want::Discard(old, Condition::RecordAgeExceeded));
        }
        let lane = &mut self.lanes[index];
        match lane.pieces.front_mut() {
            None => self.want(now, index as u32, log, rules),
            Some(batch) => {
                batch.sends += 1;
                lane.state = LaneState::Running;
                Some(Want::Send(*batch))
            }
        }
    }

    /// The function could not be invoked (throttle): tried again, and no attempt is used up
    /// (aws-facts §1.7).
    pub fn refused(&mut self, now: Timestamp, lane: u32) {
        let Some(lane) = self.lanes.get_mut(lane as usize) else { return };
        if let Some(batch) = lane.pieces.front_mut() {
            batch.sends -= 1;
        }
        lane.refusals += 1;
        lane.state = LaneState::Backoff(now.plus_ms(backoff_ms(lane.refusals)));
    }

    /// A sent batch ended. `Some` when that used up its attempts: it is given up.
    pub fn finished<L: Load>(
        &mut self,
        now: Timestamp,
        lane: u32,
        end: BatchEnd,
        log: &Log<L>,
        rules: &Rules,
    ) -> Option<Want> {
        let index = lane as usize;
        let state = self.lanes.get_mut(index)?;
        state.refusals = 0;
        state.state = LaneState::Idle;
        let batch = state.pieces.pop_front()?;
        let given_up = match end {
            BatchEnd::Done => {
                state.window_from = now;
                None
            }
            BatchEnd::Failed => self.failed(now, index, batch, log, rules),
            BatchEnd::Partial(done) => {
                let (_, rest) = self.split(index, batch, done, log);
                let mut rest = rest?;
                if rules.bisect {
                    // Split at the reported record: that costs no attempt.
                    rest.failures = batch.failures;
                    self.retry(now, index, [Some(rest), None], 1);
                    None
                } else {
                    self.failed(now, index, Batch { failures: batch.failures, sends: batch.sends, ..rest }, log, rules)
                }
            }
        };
        self.forget_epochs();
        self.rehash_if_drained(now);
        given_up
    }

    fn failed<L: Load>(
        &mut self,
        now: Timestamp,
        index: usize,
        mut batch: Batch,
        log: &Log<L>,
        rules: &Rules,
    ) -> Option<Want> {
        if rules.bisect && batch.records > 1 {
            let (first, second) = self.split(index, batch, batch.records / 2, log);
            self.retry(now, index, [first, second], 1);
            return None;
        }
        batch.failures += 1;
        if rules.max_retries.is_some_and(|max| batch.failures > max) {
            self.lanes[index].window_from = now;
            return Some(Want::Discard(batch, Condition::RetryAttemptsExhausted));
        }
        self.retry(now, index, [Some(batch), None], batch.failures);
        None
    }

    fn retry(&mut self, now: Timestamp, index: usize, parts: [Option<Batch>; 2], failures: u32) {
        let lane = &mut self.lanes[index];
        for part in parts.into_iter().flatten().rev() {
            lane.pieces.push_front(part);
        }
        lane.state = LaneState::Backoff(now.plus_ms(backoff_ms(failures)));
    }

    fn forget_epochs(&mut self) {
        let done_to = self.lanes.iter().map(|lane| lane.at().entry).min().unwrap_or(0);
        self.epochs.retain(|epoch| epoch.end > done_to);
    }
}
