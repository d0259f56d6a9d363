//! Which records are whose: dealing entries to lanes, the records of a batch, its parts, and what no
//! lane has handled yet.

use crate::model::time::Timestamp;
use crate::pipeline::stream::Load;
use crate::pipeline::stream::batch::{Batch, Cursor};
use crate::pipeline::stream::lane::Lane;
use crate::pipeline::stream::log::Log;
use crate::pipeline::stream::reader::Reader;
use crate::pipeline::stream::rules::{MAX_PAYLOAD_BYTES, Rules};

impl Reader {
    /// Fills what the lane is gathering with entries that have been polled.
    pub(super) fn gather<L: Load>(&mut self, now: Timestamp, index: usize, log: &Log<L>, rules: &Rules) {
        let lanes = self.lanes();
        let mut batch = self.lanes[index].gathering;
        let was_empty = batch.is_empty();
        if batch.to.entry < log.base() {
            batch.to = Cursor { entry: log.base(), taken: 0 };
            if was_empty {
                batch.from = batch.to;
            }
        }
        while batch.to.entry < self.polled && !is_full(&batch, rules) {
            let entry = batch.to.entry;
            // A batch never mixes shards (aws-facts §1.5).
            if !batch.is_empty() && log.is_seam(entry) {
                self.lanes[index].full = true;
                break;
            }
            let behind = Cursor { entry: entry + 1, taken: 0 };
            let Some(load) = self.entry(entry, log) else {
                batch.extend(0, 0, 0, behind);
                continue;
            };
            let share = load.share(lane_number(index), lanes) - batch.to.taken;
            let room_bytes = MAX_PAYLOAD_BYTES.saturating_sub(batch.bytes) / u64::from(load.bytes().max(1));
            // A record larger than what is left starts the next batch; alone it is sent as it is.
            let least = u32::from(batch.is_empty());
            let room = (rules.batch_size - batch.records).min((room_bytes.min(1 << 30) as u32).max(least));
            let taken = share.min(room);
            let to = if taken == share { behind } else { Cursor { entry, taken: batch.to.taken + taken } };
            batch.extend(taken, load.bytes(), load.at_s(), to);
            if batch.is_empty() {
                batch.from = to;
            }
            if taken < share {
                self.lanes[index].full = true;
                break;
            }
        }
        self.lanes[index].full |= is_full(&batch, rules);
        if was_empty && !batch.is_empty() {
            let lane = &mut self.lanes[index];
            // The window begins when the run before it ended, or when the lane was first given work.
            let arrived = Timestamp::from_s(batch.first_at_s);
            lane.window_from = if arrived > lane.window_from { now } else { lane.window_from };
        }
        self.lanes[index].gathering = batch;
    }

    /// The records of an entry that were not handled before a change of lanes.
    fn entry<L: Load>(&self, index: u64, log: &Log<L>) -> Option<L> {
        let mut load = *log.get(index)?;
        for epoch in self.epochs.iter().filter(|epoch| index < epoch.end) {
            let lanes = epoch.cursors.len() as u32;
            let done = |lane: u32| match epoch.cursors.get(lane as usize) {
                Some(at) if at.entry > index => u32::MAX,
                Some(at) if at.entry == index => at.taken,
                _ => 0,
            };
            load = load.without(lanes, &done)?;
        }
        Some(load)
    }

    /// The entries of a batch and how many records of each are in it, in order.
    pub fn records_of<L: Load>(&self, lane: u32, batch: &Batch, log: &Log<L>) -> Vec<(u64, L, u32)> {
        let lanes = self.lanes();
        let last = batch.to.entry + u64::from(batch.to.taken > 0);
        let mut found = Vec::with_capacity(batch.records as usize);
        for index in batch.from.entry..last {
            let Some(load) = self.entry(index, log) else { continue };
            let share = load.share(lane, lanes);
            let from = if index == batch.from.entry { batch.from.taken } else { 0 };
            let to = if index == batch.to.entry { batch.to.taken.min(share) } else { share };
            if to > from {
                found.push((index, load, to - from));
            }
        }
        found
    }

    /// Two parts of a batch, the first with `records` records.
    pub(super) fn split<L: Load>(
        &self,
        index: usize,
        batch: Batch,
        records: u32,
        log: &Log<L>,
    ) -> (Option<Batch>, Option<Batch>) {
        let mut first = Batch { failures: batch.failures, sends: batch.sends, ..Batch::empty(batch.from) };
        let mut second: Option<Batch> = None;
        for (entry, load, n) in self.records_of(lane_number(index), &batch, log) {
            let behind = Cursor { entry: entry + 1, taken: 0 };
            let already = if entry == batch.from.entry { batch.from.taken } else { 0 };
            let to_first = n.min(records.saturating_sub(first.records));
            if to_first > 0 {
                let to = if to_first == n { behind } else { Cursor { entry, taken: already + to_first } };
                first.extend(to_first, load.bytes(), load.at_s(), to);
            }
            if to_first < n {
                let from = Cursor { entry, taken: already + to_first };
                let template = Batch { failures: batch.failures, sends: batch.sends, ..Batch::empty(from) };
                let part = second.get_or_insert(template);
                part.extend(n - to_first, load.bytes(), load.at_s(), behind);
            }
        }
        // The end of the whole is the end of the last part, so that nothing between them is read twice.
        match second.as_mut() {
            Some(part) => part.to = batch.to,
            None => first.to = batch.to,
        }
        ((!first.is_empty()).then_some(first), second)
    }

    /// What the trim took from under the first piece is gone.
    pub(super) fn skip_trimmed<L: Load>(&mut self, index: usize, log: &Log<L>) {
        while let Some(batch) = self.lanes[index].pieces.front().copied() {
            if batch.from.entry >= log.base() {
                return;
            }
            self.lanes[index].pieces.pop_front();
            let (rest, _) = self.split(index, batch, u32::MAX, log);
            if let Some(rest) = rest {
                let first = self.records_of(lane_number(index), &rest, log).first().map_or(log.base(), |r| r.0);
                let from = Cursor { entry: first.max(log.base()), taken: 0 };
                self.lanes[index].pieces.push_front(Batch { from, ..rest });
                return;
            }
        }
    }

    /// Takes records older than MaximumRecordAge off the front of the first piece.
    pub(super) fn split_off_old<L: Load>(
        &mut self,
        now: Timestamp,
        index: usize,
        log: &Log<L>,
        rules: &Rules,
    ) -> Option<Batch> {
        let oldest_s = now.s() - rules.max_age_s?;
        let batch = *self.lanes[index].pieces.front()?;
        if batch.first_at_s >= oldest_s {
            return None;
        }
        let records = self.records_of(lane_number(index), &batch, log);
        let old = records.iter().take_while(|(_, load, _)| load.at_s() < oldest_s).map(|(_, _, n)| n).sum();
        let (old, rest) = self.split(index, batch, old, log);
        let lane = &mut self.lanes[index];
        lane.pieces.pop_front();
        if let Some(rest) = rest {
            lane.pieces.push_front(rest);
        }
        old
    }

    /// Index behind the last entry that any lane has handled.
    pub fn furthest(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.at()).map(|at| at.entry + u64::from(at.taken > 0)).max().unwrap_or(0)
    }

    /// Over the whole log: how many records are not handled yet, and how many of these are at a
    /// function.
    pub fn open_total<L: Load>(&self, log: &Log<L>) -> (u64, u64) {
        // Behind the furthest lane everything is open; before the slowest nothing is.
        let first = self.lanes.iter().map(|lane| lane.at().entry).min().unwrap_or(0).max(log.base());
        let reached = |lane: &Lane| lane.pieces.back().map_or(lane.gathering.to, |piece| piece.to).entry + 1;
        let last = self.lanes.iter().map(reached).max().unwrap_or(0).max(self.furthest()).clamp(first, log.next());
        let (mut open, mut running) = (0, 0);
        for index in first..last {
            let (more, at_function) = self.open(index, log);
            open += u64::from(more);
            running += u64::from(at_function);
        }
        let behind = (last..log.next()).map(|index| log.get(index).map_or(0, |load| u64::from(load.share(0, 1))));
        (open + behind.sum::<u64>(), running)
    }

    /// How many records of an entry are not handled yet, and how many of these are at a function.
    pub fn open<L: Load>(&self, index: u64, log: &Log<L>) -> (u32, u32) {
        let Some(load) = self.entry(index, log) else { return (0, 0) };
        let lanes = self.lanes();
        let (mut open, mut running) = (0, 0);
        for (number, lane) in (0u32..).zip(&self.lanes) {
            let share = load.share(number, lanes);
            let at = lane.at();
            let done = match at.entry.cmp(&index) {
                std::cmp::Ordering::Greater => share,
                std::cmp::Ordering::Equal => at.taken.min(share),
                std::cmp::Ordering::Less => 0,
            };
            open += share - done;
            if let (true, Some(batch)) = (lane.is_running(), lane.pieces.front())
                && index >= batch.from.entry
                && (index < batch.to.entry || (index == batch.to.entry && batch.to.taken > 0))
            {
                running += share - done;
            }
        }
        (open, running.min(open))
    }
}

fn is_full(batch: &Batch, rules: &Rules) -> bool {
    batch.records >= rules.batch_size || batch.bytes >= MAX_PAYLOAD_BYTES
}

fn lane_number(index: usize) -> u32 {
    index as u32
}
