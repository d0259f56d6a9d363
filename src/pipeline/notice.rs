//! What a watcher of the pipeline can be told as it happens: for tests and for the bench screen. Only
//! kept while somebody watches, and bounded.

use crate::model::id::FunctionName;
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub at: Timestamp,
    pub what: Happening,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A stream batch was sent to its function; `age_ms` is its iterator age.
    BatchSent {
        function: FunctionName,
        shard: u32,
        lane: u32,
        records: u32,
        age_ms: i64,
    },
    /// An event was indexed for the first time: the hash of its item, and the record's place in the
    /// log of its shard.
    Indexed {
        item: u64,
        sequence: u64,
    },
    RunEnded {
        function: FunctionName,
        failed: bool,
    },
    Throttled {
        function: FunctionName,
    },
    /// A document went to an on-failure destination, for so many records.
    Discarded {
        function: FunctionName,
        records: u32,
    },
    Switched {
        switch: String,
        on: bool,
    },
}

/// Notices kept for a watcher that does not come.
pub const MAX_NOTICES: usize = 100_000;
