//! Counts what is sent and what of it is paid for. It counts; it does not limit.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::usage::Usage;

#[derive(Debug, Default)]
pub(super) struct Meter {
    metrics: AtomicU64,
    sqs: AtomicU64,
    lambda: AtomicU64,
    other: AtomicU64,
    log_bytes: AtomicU64,
    throttled: AtomicU64,
}

impl Meter {
    /// One request is about to be sent to `service` (the SDK's name of it), asking for so many metrics.
    pub(super) fn sent(&self, service: &str, metrics: usize) {
        let counter = match service {
            "SQS" => &self.sqs,
            "Lambda" => &self.lambda,
            _ => &self.other,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.metrics.fetch_add(metrics as u64, Ordering::Relaxed);
    }

    /// So many bytes of log lines were answered.
    pub(super) fn read_log(&self, bytes: u64) {
        self.log_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn told_slower(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            metrics: self.metrics.load(Ordering::Relaxed),
            sqs: self.sqs.load(Ordering::Relaxed),
            lambda: self.lambda.load(Ordering::Relaxed),
            other: self.other.load(Ordering::Relaxed),
            log_bytes: self.log_bytes.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_paid_for_is_counted_apart() {
        let meter = Meter::default();
        meter.sent("SQS", 0);
        meter.sent("SQS", 0);
        meter.sent("Lambda", 0);
        meter.sent("CloudWatch", 500);
        meter.read_log(2_048);
        meter.told_slower();
        let usage = meter.usage();
        assert_eq!(usage, Usage { metrics: 500, sqs: 2, lambda: 1, other: 1, log_bytes: 2_048, throttled: 1 });
        assert!((usage.dollars() - 0.0050008).abs() < 1e-9, "{}", usage.dollars());
    }
}
