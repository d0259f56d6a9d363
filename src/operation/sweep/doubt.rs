//! When is a queue empty? Several empty answers are needed, and even then what is wanted may be hidden
//! by somebody's lease, or by a receive of ours whose answer was lost.

use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, Order, OrderResult};
use crate::operation::sweep::{EMPTIES_NEEDED, End, Sweep, SweepOrder, Want};

impl Sweep {
    /// Several empty answers: the end, unless somebody's lease, or a receive of ours whose answer was
    /// lost, may hide what is wanted.
    pub(super) fn conclude(&mut self, now: Timestamp, held: usize) -> Option<(Order, SweepOrder)> {
        if self.receiving > 0 {
            return None;
        }
        match self.want {
            Want::All { .. } | Want::Signs { .. } => {
                let hidden = self.lost_until.is_some_and(|until| until > now);
                self.finish(End::Empty { hidden });
                None
            }
            Want::Ids(_) if self.missing.is_empty() => {
                self.lost_until = None;
                self.finish(End::Found);
                None
            }
            Want::Ids(_) => {
                self.counting = true;
                let order = SweepOrder::Counts { held: held + self.held(), callers: held };
                Some((Order::QueueCounts { queue: self.queue.clone() }, order))
            }
        }
    }

    pub(super) fn handle_counts(&mut self, now: Timestamp, held: usize, callers: usize, result: &OrderResult) {
        self.counting = false;
        let hidden = match result {
            Outcome::Done(Answer::Counts(counts)) => counts.in_flight > held as u64,
            _ => true,
        } || self.lost_until.is_some_and(|until| until > now);
        let doubt_until = *self.doubt_until.get_or_insert(now.plus_ms(DOUBT_MS));
        if self.end.is_some() {
            return;
        }
        let visible = matches!(result, Outcome::Done(Answer::Counts(counts)) if counts.visible > 0);
        // Of a FIFO queue's group nothing is handed out behind a message that is held, and yet it counts as
        // visible.
        let behind = visible && self.queue.as_str().ends_with(".fifo");
        if behind && callers > 0 {
            // Behind one of the caller's own: it is moved, or given back, and then the next shows.
            self.empties = EMPTIES_NEEDED - 1;
            self.not_before = now.plus_ms(BEHIND_PAUSE_MS);
            self.give_up_at = Some(now.plus_ms(self.budget.time_ms));
        } else if visible && self.second_looks < SECOND_LOOKS_MOST {
            // Something showed since the last look, or the count is late.
            self.second_looks += 1;
            self.empties = 0;
        } else if hidden && now < doubt_until {
            self.empties = EMPTIES_NEEDED - 1;
            self.not_before = now.plus_ms(DOUBT_PAUSE_MS);
        } else {
            self.finish(End::Empty { hidden: hidden || behind });
        }
    }
}

/// How long others' leases are waited out: a lease of ours and a little.
const DOUBT_MS: i64 = 65_000;
const DOUBT_PAUSE_MS: i64 = 5_000;
/// Between two looks behind messages of one's own.
const BEHIND_PAUSE_MS: i64 = 1_000;
/// Times the count of visible messages is believed against three empty answers.
const SECOND_LOOKS_MOST: u32 = 5;
