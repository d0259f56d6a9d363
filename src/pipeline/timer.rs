//! When what is due. Ties break by the order in which timers were set (design, day one, 5).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::time::Timestamp;

#[derive(Debug)]
pub struct Timers<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    next: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Timestamp,
    number: u64,
    what: T,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Timers { heap: BinaryHeap::new(), next: 0 }
    }
}

impl<T> Timers<T> {
    pub fn set(&mut self, at: Timestamp, what: T) {
        self.heap.push(Reverse(Entry { at, number: self.next, what }));
        self.next += 1;
    }

    pub fn next_at(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// The first timer due at `now`, with the moment it was set for.
    pub fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, T)> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.what))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_keep_the_order_they_were_set_in() {
        let mut timers = Timers::default();
        let at = Timestamp::from_s;
        for (when, what) in [(2, 'c'), (1, 'a'), (2, 'd'), (1, 'b')] {
            timers.set(at(when), what);
        }
        let mut order = String::new();
        while let Some((_, what)) = timers.take_due(at(2)) {
            order.push(what);
        }
        assert_eq!(order, "abcd");
        timers.set(at(5), 'e');
        assert!(timers.take_due(at(4)).is_none());
        assert_eq!(timers.next_at(), Some(at(5)));
    }
}
