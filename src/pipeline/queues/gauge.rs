//! What the queues tell CloudWatch (aws-facts §2.4): counts of calls as they happen, depths once a
//! minute while the queue is active.

use crate::model::id::QueueName;
use crate::model::time::Timestamp;
use crate::pipeline::meter::{Meter, SeriesId};
use crate::pipeline::queue::Queue;

/// The series of one queue.
#[derive(Debug)]
pub struct Gauges {
    visible: SeriesId,
    not_visible: SeriesId,
    delayed: SeriesId,
    oldest: SeriesId,
    sent: SeriesId,
    size: SeriesId,
    received: SeriesId,
    deleted: SeriesId,
    empty: SeriesId,
}

/// A queue reports for so long after it was last used, in seconds (aws-facts §2.4). The up to 15
/// minutes that AWS takes to notice that a queue woke up are left out.
const ACTIVE_S: i64 = 6 * 3600;

impl Gauges {
    pub fn new(name: &QueueName, meter: &mut Meter) -> Self {
        Gauges {
            visible: meter.sqs(name, "ApproximateNumberOfMessagesVisible"),
            not_visible: meter.sqs(name, "ApproximateNumberOfMessagesNotVisible"),
            delayed: meter.sqs(name, "ApproximateNumberOfMessagesDelayed"),
            oldest: meter.sqs(name, "ApproximateAgeOfOldestMessage"),
            sent: meter.sqs(name, "NumberOfMessagesSent"),
            size: meter.sqs(name, "SentMessageSize"),
            received: meter.sqs(name, "NumberOfMessagesReceived"),
            deleted: meter.sqs(name, "NumberOfMessagesDeleted"),
            empty: meter.sqs(name, "NumberOfEmptyReceives"),
        }
    }

    pub fn sent(&self, meter: &mut Meter, now: Timestamp, bytes: usize) {
        meter.add(self.sent, now, 1.0);
        meter.add(self.size, now, precise(bytes));
    }

    /// A receive that took `count` messages.
    pub fn received(&self, meter: &mut Meter, now: Timestamp, count: usize) {
        if count == 0 {
            meter.add(self.empty, now, 1.0);
        } else {
            meter.add_many(self.received, now, 1.0, u32::try_from(count).unwrap_or(u32::MAX));
        }
    }

    pub fn deleted(&self, meter: &mut Meter, now: Timestamp) {
        meter.add(self.deleted, now, 1.0);
    }

    /// The depths at `now`.
    pub fn sample(&self, meter: &mut Meter, now: Timestamp, queue: &Queue) {
        let store = queue.store();
        if store.is_empty() && now.ms_since(queue.active_at) > ACTIVE_S * 1000 {
            return;
        }
        meter.add(self.visible, now, precise(store.waiting()));
        meter.add(self.not_visible, now, precise(store.in_flight()));
        meter.add(self.delayed, now, precise(store.delayed()));
        let age_s = store.oldest_entered().map_or(0, |entered_at| now.ms_since(entered_at) / 1000);
        meter.add(self.oldest, now, precise(usize::try_from(age_s).unwrap_or(0)));
    }
}

/// Counts and sizes here stay far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn precise(count: usize) -> f64 {
    count as f64
}
