//! The log of one shard: entries in order, each with its index for ever, the oldest trimmed.

use std::collections::VecDeque;

use crate::pipeline::stream::Load;

/// Entries are kept in chunks, so that a long log neither moves nor doubles in memory.
#[derive(Debug, Clone)]
pub struct Log<L> {
    chunks: VecDeque<Vec<L>>,
    /// Index of the first entry of the first chunk.
    chunks_from: u64,
    /// The oldest entry that is not trimmed.
    base: u64,
    next: u64,
    /// First entry of each shard but the first that this log was.
    seams: Vec<u64>,
}

impl<L> Default for Log<L> {
    fn default() -> Self {
        Log { chunks: VecDeque::new(), chunks_from: 0, base: 0, next: 0, seams: Vec::new() }
    }
}

impl<L: Load> Log<L> {
    /// Appends an entry and says its index.
    pub fn push(&mut self, entry: L) -> u64 {
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(entry),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(entry);
                self.chunks.push_back(chunk);
            }
        }
        self.next += 1;
        self.next - 1
    }

    /// The entry at an index; `None` when it is trimmed or not there yet.
    pub fn get(&self, index: u64) -> Option<&L> {
        if index < self.base || index >= self.next {
            return None;
        }
        let offset = (index - self.chunks_from) as usize;
        self.chunks.get(offset / CHUNK)?.get(offset % CHUNK)
    }

    /// Index of the oldest entry still there; equal to [`Log::next`] when there is none.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Index the next entry will get.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The next entry is the first of a new shard. Nothing happens when the shard is empty still.
    pub fn seam(&mut self) {
        if self.seams.last().map_or(0, |seam| *seam) < self.next {
            self.seams.push(self.next);
        }
    }

    /// Where one shard ended and the next began, oldest first.
    pub fn seams(&self) -> &[u64] {
        &self.seams
    }

    pub fn is_seam(&self, index: u64) -> bool {
        self.seams.binary_search(&index).is_ok()
    }

    /// Forgets entries that arrived before `oldest_s`; says how many.
    pub fn trim(&mut self, oldest_s: i64) -> u64 {
        let before = self.base;
        while self.get(self.base).is_some_and(|entry| entry.at_s() < oldest_s) {
            self.base += 1;
            if self.base - self.chunks_from == CHUNK as u64 {
                self.chunks.pop_front();
                self.chunks_from = self.base;
            }
        }
        self.base - before
    }
}

/// Entries in one chunk.
const CHUNK: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::stream::count::Count;

    #[test]
    fn indices_stay_when_old_entries_go() {
        let mut log = Log::default();
        let entry = |at_s| Count::new(1, 1, 0, 0, at_s, 1);
        for at_s in 0..5000 {
            assert_eq!(log.push(entry(at_s)), at_s as u64);
        }
        assert_eq!(log.trim(3000), 3000);
        assert_eq!((log.base(), log.next()), (3000, 5000));
        assert_eq!(log.get(2999), None);
        assert_eq!(log.get(3000), Some(&entry(3000)));
        assert_eq!(log.get(4999), Some(&entry(4999)));
        assert_eq!(log.trim(i64::MAX), 2000);
        assert_eq!(log.base(), log.next());
        log.push(entry(9000));
        assert_eq!(log.get(5000), Some(&entry(9000)));
    }
}
