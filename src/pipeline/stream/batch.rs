//! A batch: a stretch of one lane of a shard's log. It holds no records, only where they are.

/// A place in a shard's log, seen from one lane: the first `taken` records of the lane's share of
/// the entry lie before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cursor {
    pub entry: u64,
    pub taken: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    pub from: Cursor,
    /// Just behind its last record.
    pub to: Cursor,
    pub records: u32,
    pub bytes: u64,
    /// Arrival of its first and last record, whole seconds.
    pub first_at_s: i64,
    pub last_at_s: i64,
    /// Function errors that counted against MaximumRetryAttempts.
    pub failures: u32,
    /// Times it was sent to the function, for the failure document.
    pub sends: u32,
}

impl Batch {
    /// Nothing yet, from `at` on.
    pub fn empty(at: Cursor) -> Self {
        Batch { from: at, to: at, records: 0, bytes: 0, first_at_s: 0, last_at_s: 0, failures: 0, sends: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Adds `records` that arrived at `at_s` and moves the end.
    pub fn extend(&mut self, records: u32, bytes_each: u32, at_s: i64, to: Cursor) {
        if records > 0 {
            if self.records == 0 {
                self.first_at_s = at_s;
            }
            self.last_at_s = at_s;
            self.records += records;
            self.bytes += u64::from(records) * u64::from(bytes_each);
        }
        self.to = to;
    }
}
