//! The messages of a queue as counts: those that wait, in the order they are handed out, and how old the
//! oldest that is not done is. A message that was received often no longer counts for that
//! (`ApproximateAgeOfOldestMessage`, aws-facts §2.4).

use std::collections::{BTreeMap, VecDeque};

/// Messages that arrived together and were received as often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lot {
    pub(super) arrived_ms: i64,
    pub(super) n: u32,
    /// Of a million of them, so many bring another when they are handled.
    pub(super) brings_ppm: u32,
    received: u8,
}

impl Lot {
    /// So many of them.
    pub(super) fn of(self, n: u32) -> Self {
        Lot { n, ..self }
    }
}

#[derive(Debug, Default)]
pub(super) struct Line {
    waiting: VecDeque<Lot>,
    pub(super) total: u64,
    /// Messages that are not done, by when they arrived.
    fresh: BTreeMap<i64, u32>,
}

impl Line {
    pub(super) fn arrive(&mut self, arrived_ms: i64, n: u32, brings_ppm: u32) {
        if n > 0 {
            *self.fresh.entry(arrived_ms).or_default() += n;
            self.waiting.push_back(Lot { arrived_ms, n, brings_ppm, received: 0 });
            self.total += u64::from(n);
        }
    }

    /// They were not done, and can be received again: before those that came later.
    pub(super) fn come_back(&mut self, lots: &[Lot]) {
        for lot in lots.iter().rev().filter(|lot| lot.n > 0) {
            self.waiting.push_front(*lot);
            self.total += u64::from(lot.n);
        }
    }

    /// The next messages, at most so many.
    pub(super) fn take(&mut self, most: u32) -> Vec<Lot> {
        let (mut taken, mut left) = (Vec::new(), most);
        while left > 0
            && let Some(front) = self.waiting.front_mut()
        {
            let n = front.n.min(left);
            let lot = Lot { n, received: front.received.saturating_add(1), ..*front };
            front.n -= n;
            if front.n == 0 {
                self.waiting.pop_front();
            }
            left -= n;
            if lot.received == PATIENCE {
                self.forget(lot);
            }
            taken.push(lot);
        }
        self.total -= u64::from(most - left);
        taken
    }

    /// They are deleted.
    pub(super) fn done(&mut self, lot: Lot) {
        if lot.received < PATIENCE {
            self.forget(lot);
        }
    }

    pub(super) fn oldest_ms(&self) -> Option<i64> {
        self.fresh.keys().next().copied()
    }

    fn forget(&mut self, lot: Lot) {
        if let Some(n) = self.fresh.get_mut(&lot.arrived_ms) {
            *n = n.saturating_sub(lot.n);
            if *n == 0 {
                self.fresh.remove(&lot.arrived_ms);
            }
        }
    }
}

/// From this receive on a message no longer counts for the age of the oldest.
const PATIENCE: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_goes_first_and_does_not_make_the_queue_old_for_ever() {
        let mut line = Line::default();
        line.arrive(10, 3, 0);
        line.arrive(20, 2, 0);
        let first = line.take(4);
        assert_eq!(first.iter().map(|lot| (lot.arrived_ms, lot.n)).collect::<Vec<_>>(), [(10, 3), (20, 1)]);
        assert_eq!((line.total, line.oldest_ms()), (1, Some(10)), "in flight is not done");
        line.done(first[0]);
        assert_eq!(line.oldest_ms(), Some(20));
        for _ in 0..2 {
            line.come_back(&[first[1]]);
            let again = line.take(1);
            assert_eq!((again[0].arrived_ms, again[0].received), (20, 2), "before the one that still waits");
        }
        line.done(line.waiting[0]);
        let often = Lot { received: 2, ..first[1] };
        line.come_back(&[often]);
        assert_eq!(line.take(1)[0].received, PATIENCE);
        assert_eq!(line.oldest_ms(), None, "received three times");
    }
}
