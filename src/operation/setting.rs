//! Which settings of an event source mapping Lambda takes (aws-facts §1.1–1.2), checked before the
//! call so that a person reads every fault at once, beside the field.

use crate::model::mapping::{Mapping, MappingChange, SourceKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    BatchSize,
    Window,
    ParallelizationFactor,
    MaxConcurrency,
    MaxRetryAttempts,
    MaxRecordAge,
    Bisect,
    OnFailure,
}

/// One reason why a change would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub field: Field,
    pub message: String,
}

/// Every fault of the change on this mapping; empty when Lambda would take it. Members that do not
/// change are not judged but for what a changed one makes of them.
pub fn validate_change(mapping: &Mapping, change: &MappingChange) -> Vec<Fault> {
    let kind = mapping.kind();
    let mut faults = Vec::new();
    let mut fault = |field, message: String| faults.push(Fault { field, message });

    if let Some(batch) = change.batch_size {
        let most = if kind == SourceKind::SqsFifo { FIFO_BATCH_MAX } else { BATCH_MAX };
        if !(1..=most).contains(&batch) {
            fault(Field::BatchSize, format!("batch size must be 1 to {most}, not {batch}"));
        }
    }
    if let Some(window) = change.window_s {
        if window > WINDOW_MAX_S {
            fault(Field::Window, format!("the window must be 0 to {WINDOW_MAX_S} s, not {window}"));
        } else if kind == SourceKind::SqsFifo && window > 0 {
            fault(Field::Window, "a FIFO queue has no batching window".to_owned());
        }
    }
    let after = change.applied_to(&mapping.settings);
    let (batch, window) = (after.batch_size.unwrap_or(SQS_BATCH_DEFAULT), after.window_s.unwrap_or(0));
    let touched = change.batch_size.is_some() || change.window_s.is_some();
    if kind == SourceKind::Sqs && touched && batch > SQS_BATCH_WITHOUT_WINDOW && window == 0 {
        let field = if change.window_s.is_some() { Field::Window } else { Field::BatchSize };
        fault(
            field,
            format!("a batch above {SQS_BATCH_WITHOUT_WINDOW} needs a window of at least 1 s (batch {batch})"),
        );
    }
    if let Some(factor) = change.parallelization_factor {
        if !kind.is_stream() {
            fault(Field::ParallelizationFactor, "only streams have a parallelization factor".to_owned());
        } else if !(1..=PARALLEL_MAX).contains(&factor) {
            fault(
                Field::ParallelizationFactor,
                format!("the parallelization factor must be 1 to {PARALLEL_MAX}, not {factor}"),
            );
        }
    }
    if let Some(limit) = change.max_concurrency {
        if !kind.is_queue() {
            fault(Field::MaxConcurrency, "only queues have a maximum concurrency".to_owned());
        } else if let Some(limit) = limit
            && !(CONCURRENCY_MIN..=CONCURRENCY_MAX).contains(&limit)
        {
            fault(
                Field::MaxConcurrency,
                format!("maximum concurrency must be {CONCURRENCY_MIN} to {CONCURRENCY_MAX}, not {limit}"),
            );
        }
    }
    of_failures(kind, change, &mut fault);
    faults
}

/// What becomes of records that fail: streams only.
fn of_failures(kind: SourceKind, change: &MappingChange, fault: &mut impl FnMut(Field, String)) {
    let given = [
        (
            change.max_retry_attempts.is_some(),
            Field::MaxRetryAttempts,
            "a limit of retries (a queue has maxReceiveCount)",
        ),
        (
            change.max_record_age_s.is_some(),
            Field::MaxRecordAge,
            "a greatest age of records (a queue has its retention)",
        ),
        (change.bisect.is_some(), Field::Bisect, "halved batches"),
        (
            change.on_failure.is_some(),
            Field::OnFailure,
            "an on-failure destination (a queue has its dead-letter queue)",
        ),
    ];
    for (_, field, what) in given.into_iter().filter(|(given, ..)| *given && !kind.is_stream()) {
        fault(field, format!("only streams have {what}"));
    }
    if let Some(attempts) = change.max_retry_attempts.filter(|attempts| !(-1..=RETRIES_MAX).contains(attempts)) {
        fault(Field::MaxRetryAttempts, format!("retries must be 0 to {RETRIES_MAX}, or -1 for no end, not {attempts}"));
    }
    let taken = |age: &i32| *age == -1 || (RECORD_AGE_MIN_S..=RECORD_AGE_MAX_S).contains(age);
    if let Some(age) = change.max_record_age_s.filter(|age| !taken(age)) {
        let range = format!("{RECORD_AGE_MIN_S} to {RECORD_AGE_MAX_S} s");
        fault(Field::MaxRecordAge, format!("the greatest age must be {range}, or -1 for no limit, not {age}"));
    }
    if let Some(arn) = change.on_failure.as_ref().and_then(Option::as_ref) {
        let known = ["sqs", "sns", "s3", "kafka"].contains(&arn.service());
        if !known {
            fault(
                Field::OnFailure,
                format!("{:?} is no ARN of an SQS queue, an SNS topic or an S3 bucket", arn.as_str()),
            );
        } else if arn.as_str().ends_with(".fifo") {
            fault(Field::OnFailure, "a FIFO queue or topic cannot be a destination".to_owned());
        }
    }
}

/// Most records in a batch (aws-facts §1.1; also payloads stop at 6 MB, §1.5).
pub const BATCH_MAX: u32 = 10_000;
/// … from a FIFO queue.
pub const FIFO_BATCH_MAX: u32 = 10;
/// `Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10`
/// (aws-facts §1.2): enforced for SQS only.
pub const SQS_BATCH_WITHOUT_WINDOW: u32 = 10;
/// `MaximumBatchingWindowInSeconds` (aws-facts §1.1).
pub const WINDOW_MAX_S: u32 = 300;
/// `ParallelizationFactor`, streams only (aws-facts §1.1).
pub const PARALLEL_MAX: u32 = 10;
/// `ScalingConfig.MaximumConcurrency`, SQS only (aws-facts §1.1).
pub const CONCURRENCY_MIN: u32 = 2;
pub const CONCURRENCY_MAX: u32 = 1000;
/// `MaximumRetryAttempts` and `MaximumRecordAgeInSeconds`, streams only (aws-facts §1.1).
pub const RETRIES_MAX: i32 = 10_000;
pub const RECORD_AGE_MIN_S: i32 = 60;
pub const RECORD_AGE_MAX_S: i32 = 604_800;
const SQS_BATCH_DEFAULT: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::{MappingSettings, MappingState};

    fn mapping(source: &str, settings: MappingSettings) -> Mapping {
        Mapping {
            id: "u-1".into(),
            source: source.into(),
            function: "f".into(),
            function_arn: "arn:aws:lambda:r:1:function:f".into(),
            state: MappingState::Enabled,
            state_reason: None,
            settings,
            last_processing_result: None,
            last_modified: None,
        }
    }

    fn fields(source: &str, change: MappingChange) -> Vec<Field> {
        let settings = MappingSettings { batch_size: Some(10), window_s: Some(0), ..MappingSettings::default() };
        validate_change(&mapping(source, settings), &change).into_iter().map(|fault| fault.field).collect()
    }

    const QUEUE: &str = "arn:aws:sqs:r:1:q";
    const FIFO: &str = "arn:aws:sqs:r:1:q.fifo";
    const STREAM: &str = "arn:aws:dynamodb:r:1:table/t/stream/2026";

    #[test]
    fn a_large_batch_from_a_queue_needs_a_window() {
        let batch = MappingChange { batch_size: Some(11), ..MappingChange::default() };
        assert_eq!(fields(QUEUE, batch.clone()), [Field::BatchSize]);
        assert_eq!(fields(QUEUE, MappingChange { window_s: Some(1), ..batch.clone() }), []);
        assert_eq!(fields(STREAM, batch.clone()), [], "AWS takes batch 100 with window 0 on a stream");
        assert_eq!(fields(FIFO, batch), [Field::BatchSize]);
        let settings = MappingSettings { batch_size: Some(100), window_s: Some(5), ..MappingSettings::default() };
        let no_window = MappingChange { window_s: Some(0), ..MappingChange::default() };
        assert_eq!(validate_change(&mapping(QUEUE, settings), &no_window)[0].field, Field::Window);
    }

    #[test]
    fn ranges_end_where_lambda_ends_them() {
        let parallel = |n| MappingChange { parallelization_factor: Some(n), ..MappingChange::default() };
        let limit = |n| MappingChange { max_concurrency: Some(n), ..MappingChange::default() };
        let window = |n| MappingChange { window_s: Some(n), ..MappingChange::default() };
        let batch = |n| MappingChange { batch_size: Some(n), ..MappingChange::default() };
        let retries = |n| MappingChange { max_retry_attempts: Some(n), ..MappingChange::default() };
        let age = |s| MappingChange { max_record_age_s: Some(s), ..MappingChange::default() };
        let to =
            |arn: Option<&str>| MappingChange { on_failure: Some(arn.map(Into::into)), ..MappingChange::default() };
        for (source, change, ok) in [
            (STREAM, parallel(0), false),
            (STREAM, parallel(1), true),
            (STREAM, parallel(10), true),
            (STREAM, parallel(11), false),
            (QUEUE, parallel(2), false),
            (QUEUE, limit(Some(1)), false),
            (QUEUE, limit(Some(2)), true),
            (QUEUE, limit(Some(1000)), true),
            (QUEUE, limit(Some(1001)), false),
            (QUEUE, limit(None), true),
            (STREAM, limit(None), false),
            (STREAM, window(300), true),
            (STREAM, window(301), false),
            (FIFO, window(1), false),
            (STREAM, batch(0), false),
            (STREAM, batch(10_000), true),
            (STREAM, batch(10_001), false),
            (STREAM, retries(-1), true),
            (STREAM, retries(-2), false),
            (STREAM, retries(10_000), true),
            (STREAM, retries(10_001), false),
            (QUEUE, retries(3), false),
            (STREAM, age(-1), true),
            (STREAM, age(59), false),
            (STREAM, age(60), true),
            (STREAM, age(604_801), false),
            (STREAM, to(Some("arn:aws:sqs:r:1:Failures")), true),
            (STREAM, to(None), true),
            (STREAM, to(Some("arn:aws:sqs:r:1:Failures.fifo")), false),
            (STREAM, to(Some("Failures")), false),
            (QUEUE, to(None), false),
            (QUEUE, MappingChange { bisect: Some(true), ..MappingChange::default() }, false),
        ] {
            assert_eq!(fields(source, change.clone()).is_empty(), ok, "{source} {change:?}");
        }
    }
}
