//! Counts what is sent and what of it is paid for. It counts; it does not limit.

use std::sync::atomic::{AtomicU64, Ordering};

/// Requests since the account was connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Metrics asked for by `GetMetricData`: a query once a page.
    pub metrics: u64,
    pub sqs: u64,
    /// Lambda control calls: free, but 15 a second for the whole account (aws-facts §1.4).
    pub lambda: u64,
    /// Calls to anything else, `GetMetricData` itself included.
    pub other: u64,
}

impl Usage {
    /// What the requests cost, in dollars: list prices, without any free tier.
    pub fn dollars(&self) -> f64 {
        self.metrics as f64 * METRIC_DOLLARS + self.sqs as f64 * SQS_REQUEST_DOLLARS
    }
}

#[derive(Debug, Default)]
pub(super) struct Meter {
    metrics: AtomicU64,
    sqs: AtomicU64,
    lambda: AtomicU64,
    other: AtomicU64,
}

impl Meter {
    /// One request is about to be sent to `service` (the SDK's name of it).
    pub(super) fn sent(&self, service: &str) {
        let counter = match service {
            "SQS" => &self.sqs,
            "Lambda" => &self.lambda,
            _ => &self.other,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn metrics_asked(&self, metrics: usize) {
        self.metrics.fetch_add(metrics as u64, Ordering::Relaxed);
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            metrics: self.metrics.load(Ordering::Relaxed),
            sqs: self.sqs.load(Ordering::Relaxed),
            lambda: self.lambda.load(Ordering::Relaxed),
            other: self.other.load(Ordering::Relaxed),
        }
    }
}

/// $0.01 per 1,000 metrics requested (aws-facts §2.6).
const METRIC_DOLLARS: f64 = 0.01 / 1_000.0;
/// $0.40 per million requests to standard queues.
const SQS_REQUEST_DOLLARS: f64 = 0.40 / 1_000_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_paid_for_is_counted_apart() {
        let meter = Meter::default();
        meter.sent("SQS");
        meter.sent("SQS");
        meter.sent("Lambda");
        meter.sent("CloudWatch");
        meter.metrics_asked(500);
        let usage = meter.usage();
        assert_eq!(usage, Usage { metrics: 500, sqs: 2, lambda: 1, other: 1 });
        assert!((usage.dollars() - 0.0050008).abs() < 1e-9, "{}", usage.dollars());
    }
}
