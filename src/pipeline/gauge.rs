//! The metrics functions and mappings publish, by AWS's names (aws-facts §2.1–§2.3): which series
//! each needs, made once.

use crate::model::id::{FunctionName, MappingId};
use crate::pipeline::meter::{Meter, SeriesId};

/// One function's.
#[derive(Debug)]
pub struct FunctionGauges {
    pub invocations: SeriesId,
    pub errors: SeriesId,
    pub throttles: SeriesId,
    pub duration: SeriesId,
    pub concurrency: SeriesId,
    pub iterator_age: SeriesId,
    pub async_received: SeriesId,
    pub async_age: SeriesId,
    pub async_dropped: SeriesId,
    pub recursive_dropped: SeriesId,
    pub destination_failures: SeriesId,
}

impl FunctionGauges {
    pub fn new(name: &FunctionName, meter: &mut Meter) -> Self {
        FunctionGauges {
            invocations: meter.lambda(name, "Invocations"),
            errors: meter.lambda(name, "Errors"),
            throttles: meter.lambda(name, "Throttles"),
            duration: meter.lambda(name, "Duration"),
            concurrency: meter.lambda(name, "ConcurrentExecutions"),
            iterator_age: meter.lambda(name, "IteratorAge"),
            async_received: meter.lambda(name, "AsyncEventsReceived"),
            async_age: meter.lambda(name, "AsyncEventAge"),
            async_dropped: meter.lambda(name, "AsyncEventsDropped"),
            recursive_dropped: meter.lambda(name, "RecursiveInvocationsDropped"),
            destination_failures: meter.lambda(name, "DestinationDeliveryFailures"),
        }
    }
}

/// The whole account's.
#[derive(Debug)]
pub struct AccountGauges {
    pub invocations: SeriesId,
    pub errors: SeriesId,
    pub throttles: SeriesId,
    pub concurrency: SeriesId,
    /// Of functions without a reserve.
    pub unreserved: SeriesId,
}

impl AccountGauges {
    pub fn new(meter: &mut Meter) -> Self {
        AccountGauges {
            invocations: meter.account("Invocations"),
            errors: meter.account("Errors"),
            throttles: meter.account("Throttles"),
            concurrency: meter.account("ConcurrentExecutions"),
            unreserved: meter.account("UnreservedConcurrentExecutions"),
        }
    }
}

/// One mapping's, when it has `MetricsConfig: EventCount`.
#[derive(Debug)]
pub struct MappingGauges {
    pub polled: SeriesId,
    pub invoked: SeriesId,
    pub failed: SeriesId,
    /// Streams.
    pub dropped: SeriesId,
    pub delivered: SeriesId,
    /// SQS.
    pub deleted: SeriesId,
}

impl MappingGauges {
    pub fn new(id: &MappingId, meter: &mut Meter) -> Self {
        MappingGauges {
            polled: meter.mapping(id, "PolledEventCount"),
            invoked: meter.mapping(id, "InvokedEventCount"),
            failed: meter.mapping(id, "FailedInvokeEventCount"),
            dropped: meter.mapping(id, "DroppedEventCount"),
            delivered: meter.mapping(id, "OnFailureDestinationDeliveredEventCount"),
            deleted: meter.mapping(id, "DeletedEventCount"),
        }
    }
}

/// One table's and its stream's (aws-facts §2.5).
#[derive(Debug)]
pub struct StreamGauges {
    pub returned: SeriesId,
    /// Capacity units: one for each KB of an item written, rounded up.
    pub written: SeriesId,
}

impl StreamGauges {
    pub fn new(table: &str, label: &str, meter: &mut Meter) -> Self {
        StreamGauges {
            returned: meter.stream(table, label, "ReturnedRecordsCount"),
            written: meter.table(table, "ConsumedWriteCapacityUnits"),
        }
    }
}

/// Bytes that a write capacity unit pays for.
pub const WRITE_UNIT_BYTES: usize = 1024;
