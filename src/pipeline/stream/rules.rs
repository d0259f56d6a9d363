//! A stream mapping's settings as the reader obeys them: no options left, AWS's defaults filled in.

use crate::model::mapping::MappingSettings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub batch_size: u32,
    pub window_ms: i64,
    /// Lanes a shard is read in.
    pub lanes: u32,
    /// Retries after a function error; `None`: until the record expires.
    pub max_retries: Option<u32>,
    pub max_age_s: Option<i64>,
    pub bisect: bool,
    /// Answers of `batchItemFailures` are heeded.
    pub partial: bool,
}

impl Rules {
    pub fn of(settings: &MappingSettings) -> Self {
        Rules {
            batch_size: settings.batch_size.unwrap_or(DEFAULT_BATCH_SIZE).max(1),
            window_ms: i64::from(settings.window_s.unwrap_or(0)) * 1000,
            lanes: settings.parallelization_factor.unwrap_or(1).max(1),
            max_retries: settings.max_retry_attempts.and_then(|n| u32::try_from(n).ok()),
            max_age_s: settings.max_record_age_s.filter(|age| *age >= 0).map(i64::from),
            bisect: settings.bisect.unwrap_or(false),
            partial: settings.report_batch_item_failures,
        }
    }
}

/// Records in a batch at most, when the mapping does not say (aws-facts §1.1).
pub const DEFAULT_BATCH_SIZE: u32 = 100;
/// Bytes of an invocation payload at most (aws-facts §1.5).
pub const MAX_PAYLOAD_BYTES: u64 = 6 * 1024 * 1024;
/// Milliseconds between two polls of a shard of a DynamoDB stream: 4 a second (aws-facts §1.5).
pub const POLL_MS: i64 = 250;
/// Records one GetRecords answers at most (aws-facts §10).
pub const MAX_POLLED: u64 = 1000;
/// First pause before a failed or refused batch is sent again; it doubles each time.
pub const FIRST_BACKOFF_MS: i64 = 1000;
pub const MAX_BACKOFF_MS: i64 = 30_000;

/// Milliseconds to wait before the attempt after `failures` failures in a row.
pub fn backoff_ms(failures: u32) -> i64 {
    let doubled = FIRST_BACKOFF_MS << failures.saturating_sub(1).min(10);
    doubled.min(MAX_BACKOFF_MS)
}
