//! What was asked of an account, as it left: repeats, discovery and operations counted. What of it is
//! paid for, at list prices and without any free tier.

use serde::{Deserialize, Serialize};

/// Requests since the account was connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Metrics asked for by `GetMetricData`: a query once a page, and once a repeat.
    pub metrics: u64,
    pub sqs: u64,
    /// Lambda control calls: free, but 15 a second for the whole account (aws-facts §1.4).
    pub lambda: u64,
    /// Calls to anything else, `GetMetricData` itself included.
    pub other: u64,
    /// Bytes of log lines that `FilterLogEvents` answered. Its answers do not say how much it scanned.
    #[serde(default)]
    pub log_bytes: u64,
    /// Answers that said "slower", those the SDK then repeated included.
    pub throttled: u64,
}

impl Usage {
    /// What is paid for at a price that is known. Log bytes are not in it: no source names a price of
    /// `FilterLogEvents`, so they are shown as bytes.
    pub fn dollars(&self) -> f64 {
        self.metrics as f64 * METRIC_DOLLARS + self.sqs as f64 * SQS_REQUEST_DOLLARS
    }
}

/// What watching may cost, in dollars an hour; polling of what is well is stretched to stay within it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget(pub f64);

impl Default for Budget {
    fn default() -> Self {
        Budget(0.05)
    }
}

/// $0.01 per 1,000 metrics requested, never in the free tier (aws-facts §2.6).
pub const METRIC_DOLLARS: f64 = 0.01 / 1_000.0;
/// $0.40 per million requests to standard queues.
pub const SQS_REQUEST_DOLLARS: f64 = 0.40 / 1_000_000.0;
