//! From the records of a pointer to the events of its function's invocations.

use std::ops::Range;

use crate::model::id::Arn;
use crate::model::stream::{StreamRecord, by_sequence, event};

/// The records of one pointer on their way, a batch at a time.
#[derive(Debug)]
pub(in crate::operation) struct Batches {
    stream: Arn,
    records: Vec<StreamRecord>,
    size: usize,
    next: usize,
}

/// Bytes of an event that is waited for, with room for what is around the records (aws-facts §10: 6 MB).
const MAX_EVENT_BYTES: usize = 5_500_000;

impl Batches {
    pub(in crate::operation) fn new(stream: Arn, records: Vec<StreamRecord>, size: u32) -> Self {
        Batches { stream, records, size: usize::try_from(size.max(1)).unwrap_or(usize::MAX), next: 0 }
    }

    /// The next event, and which records are in it; `None` behind the last.
    pub(in crate::operation) fn event(&self) -> Option<(String, Range<usize>)> {
        let mut end = (self.next + self.size).min(self.records.len());
        while end > self.next {
            let text = event(&self.records[self.next..end], &self.stream).to_string();
            // A record that is too large alone is sent all the same: Lambda says so.
            if text.len() <= MAX_EVENT_BYTES || end == self.next + 1 {
                return Some((text, self.next..end));
            }
            end = self.next + (end - self.next) / 2;
        }
        None
    }

    /// The records up to `end` came through.
    pub(in crate::operation) fn passed(&mut self, end: usize) {
        self.next = end;
    }

    pub(in crate::operation) fn done(&self) -> usize {
        self.next
    }

    pub(in crate::operation) fn len(&self) -> usize {
        self.records.len()
    }

    /// How many of these records came through when the function names the failed ones: those before the
    /// lowest (aws-facts §1.7). `None` when it names one that is not among them.
    pub(in crate::operation) fn before(&self, of: &Range<usize>, failed: &[String]) -> Option<usize> {
        let records = &self.records[of.clone()];
        let at = |id: &String| records.iter().position(|record| by_sequence(&record.sequence_number, id).is_eq());
        failed.iter().map(at).collect::<Option<Vec<usize>>>()?.into_iter().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(n: usize, bytes: usize) -> StreamRecord {
        StreamRecord {
            event_id: format!("e{n}"),
            event_name: "INSERT".into(),
            event_version: "1.1".into(),
            region: "r".into(),
            created_at_s: 7,
            keys: json!({"k": {"S": "v"}}),
            new_image: Some(json!({"text": {"S": "x".repeat(bytes)}})),
            old_image: None,
            sequence_number: format!("10000000000000000000{n:02}"),
            size_bytes: bytes as u64,
            view: "NEW_IMAGE".into(),
            identity: None,
        }
    }

    #[test]
    fn batches_keep_the_order_the_size_and_the_limit_of_an_event() {
        let mut batches = Batches::new("s".into(), (0..5).map(|n| record(n, 2_000_000)).collect(), 4);
        let mut taken = Vec::new();
        while let Some((text, range)) = batches.event() {
            assert!(text.len() < 6_000_000);
            batches.passed(range.end);
            taken.push(range);
        }
        assert_eq!(taken, [0..2, 2..3, 3..5]);
    }

    #[test]
    fn the_lowest_failed_record_says_how_many_came_through() {
        let batches = Batches::new("s".into(), (0..6).map(|n| record(n, 1)).collect(), 10);
        let named = |n: usize| record(n, 1).sequence_number;
        assert_eq!(batches.before(&(2..6), &[named(5), named(4)]), Some(2));
        assert_eq!(batches.before(&(2..6), &[named(1)]), None, "not of this batch");
    }
}
