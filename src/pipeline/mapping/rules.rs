//! What Lambda accepts in an event source mapping's settings and what it says when it does not
//! (aws-facts §1.1, §1.2), and the defaults it fills in.

use crate::model::id::Arn;
use crate::model::mapping::{MappingSettings, SourceKind};
use crate::model::service_error::ServiceError;
use crate::pipeline::blueprint::{FIFO_SUFFIX, MAX_FIFO_BATCH};
use crate::pipeline::request::MappingUpdate;

/// The settings of a new mapping: AWS's defaults where the blueprint says nothing, and nothing of
/// what the kind of source does not have.
pub fn filled(settings: &MappingSettings, kind: SourceKind) -> MappingSettings {
    let stream = kind.is_stream();
    MappingSettings {
        batch_size: settings.batch_size.or(Some(if stream { 100 } else { 10 })),
        window_s: settings.window_s.or(Some(0)),
        parallelization_factor: settings.parallelization_factor.or(Some(1)).filter(|_| stream),
        max_concurrency: settings.max_concurrency.filter(|_| !stream),
        max_retry_attempts: settings.max_retry_attempts.or(Some(-1)).filter(|_| stream),
        max_record_age_s: settings.max_record_age_s.or(Some(-1)).filter(|_| stream),
        bisect: settings.bisect.or(Some(false)).filter(|_| stream),
        on_failure: settings.on_failure.clone().filter(|_| stream),
        report_batch_item_failures: settings.report_batch_item_failures,
    }
}

/// The settings after an update.
pub fn updated(settings: &MappingSettings, update: &MappingUpdate) -> MappingSettings {
    let mut after = settings.clone();
    after.batch_size = update.batch_size.or(after.batch_size);
    after.window_s = update.window_s.or(after.window_s);
    after.parallelization_factor = update.parallelization_factor.or(after.parallelization_factor);
    after.max_retry_attempts = update.max_retry_attempts.or(after.max_retry_attempts);
    after.max_record_age_s = update.max_record_age_s.or(after.max_record_age_s);
    after.bisect = update.bisect.or(after.bisect);
    if let Some(limit) = update.max_concurrency {
        after.max_concurrency = limit;
    }
    if let Some(destination) = &update.on_failure {
        after.on_failure = destination.clone();
    }
    after.report_batch_item_failures = update.report_batch_item_failures.unwrap_or(after.report_batch_item_failures);
    after
}

/// Checks an update against the settings it would make.
///
/// # Errors
/// InvalidParameterValueException with Lambda's words where they are known.
pub fn check(update: &MappingUpdate, after: &MappingSettings, kind: SourceKind) -> Result<(), ServiceError> {
    let stream = kind.is_stream();
    in_range("batchSize", update.batch_size.map(i64::from), 1, 10_000)?;
    in_range("maximumBatchingWindowInSeconds", update.window_s.map(i64::from), 0, 300)?;
    in_range("parallelizationFactor", update.parallelization_factor.map(i64::from), 1, 10)?;
    in_range("maximumRetryAttempts", update.max_retry_attempts.map(i64::from), -1, 10_000)?;
    in_range("maximumRecordAgeInSeconds", update.max_record_age_s.map(i64::from), -1, 604_800)?;
    let concurrency = update.max_concurrency.flatten().map(i64::from);
    in_range("scalingConfig.maximumConcurrency", concurrency, 2, 1_000)?;
    if update.max_record_age_s.is_some_and(|age| (0..60).contains(&age)) {
        return Err(refused("MaximumRecordAgeInSeconds must be -1 or between 60 and 604800 seconds."));
    }
    if !stream {
        for (name, given) in [
            ("ParallelizationFactor", update.parallelization_factor.is_some()),
            ("MaximumRetryAttempts", update.max_retry_attempts.is_some()),
            ("MaximumRecordAgeInSeconds", update.max_record_age_s.is_some()),
            ("BisectBatchOnFunctionError", update.bisect.is_some()),
            ("DestinationConfig", update.on_failure.is_some()),
        ] {
            if given {
                return Err(unsupported(name));
            }
        }
        if after.batch_size.unwrap_or(0) > 10 && after.window_s.unwrap_or(0) == 0 {
            return Err(refused(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
            ));
        }
    } else if update.max_concurrency.is_some() {
        return Err(unsupported("ScalingConfig"));
    }
    Ok(())
}

/// A FIFO queue's batches are at most 10 messages, and wait for nothing (aws-facts §1.1).
///
/// # Errors
/// InvalidParameterValueException.
pub fn check_fifo(after: &MappingSettings) -> Result<(), ServiceError> {
    if after.batch_size.unwrap_or(0) > MAX_FIFO_BATCH {
        return Err(refused("Maximum batch size for FIFO queues is 10."));
    }
    if after.window_s.unwrap_or(0) > 0 {
        return Err(refused("Batching window is not supported for FIFO queues."));
    }
    Ok(())
}

/// Checks the destination of an update; `exists` says whether a queue is there.
///
/// # Errors
/// InvalidParameterValueException.
pub fn check_destination(destination: Option<&Arn>, exists: bool) -> Result<(), ServiceError> {
    match destination {
        None => Ok(()),
        Some(arn) if arn.as_str().starts_with("arn:aws:sqs:") && arn.as_str().ends_with(FIFO_SUFFIX) => {
            Err(refused("Invalid destination. FIFO queues are not supported."))
        }
        Some(_) if exists => Ok(()),
        Some(arn) => Err(refused(&format!(
            "The destination ARN {arn} is invalid. Provide the ARN of an existing SQS queue, SNS topic or S3 bucket."
        ))),
    }
}

/// SQS: a message must stay hidden as long as the function may run (aws-facts §1.2).
///
/// # Errors
/// InvalidParameterValueException.
pub fn check_visibility(visibility_s: u32, timeout_s: u32) -> Result<(), ServiceError> {
    if visibility_s >= timeout_s {
        return Ok(());
    }
    Err(refused(&format!(
        "Queue visibility timeout: {visibility_s} seconds is less than Function timeout: {timeout_s} seconds"
    )))
}

fn in_range(member: &str, value: Option<i64>, low: i64, high: i64) -> Result<(), ServiceError> {
    let (rule, bound, value) = match value {
        Some(value) if value < low => ("greater than", low, value),
        Some(value) if value > high => ("less than", high, value),
        _ => return Ok(()),
    };
    let message = format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
         Member must have value {rule} or equal to {bound}"
    );
    Err(ServiceError::new("lambda:UpdateEventSourceMapping", "ValidationException", message))
}

fn unsupported(parameter: &str) -> ServiceError {
    refused(&format!("Unsupported {parameter} parameter for given event source mapping type."))
}

fn refused(message: &str) -> ServiceError {
    ServiceError::new("lambda:UpdateEventSourceMapping", "InvalidParameterValueException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_all(update: MappingUpdate, kind: SourceKind) -> Result<(), String> {
        let before = filled(&MappingSettings::default(), kind);
        check(&update, &updated(&before, &update), kind).map_err(|error| error.message)
    }

    #[test]
    fn defaults_are_those_of_the_source() {
        let queue = filled(&MappingSettings::default(), SourceKind::Sqs);
        assert_eq!((queue.batch_size, queue.parallelization_factor, queue.bisect), (Some(10), None, None));
        let stream = filled(&MappingSettings::default(), SourceKind::DynamoDb);
        assert_eq!((stream.batch_size, stream.parallelization_factor), (Some(100), Some(1)));
        assert_eq!((stream.max_retry_attempts, stream.max_record_age_s), (Some(-1), Some(-1)));
    }

    #[test]
    fn a_large_batch_needs_a_window_on_sqs_only() {
        let large = MappingUpdate { batch_size: Some(100), ..MappingUpdate::default() };
        let said = check_all(large.clone(), SourceKind::Sqs).expect_err("refused");
        assert!(said.starts_with("Maximum batch window in seconds must be greater than 0"));
        assert_eq!(check_all(large.clone(), SourceKind::DynamoDb), Ok(()));
        assert_eq!(check_all(MappingUpdate { window_s: Some(1), ..large }, SourceKind::Sqs), Ok(()));
    }

    #[test]
    fn ranges_and_foreign_parameters_are_refused() {
        let update = |f: fn(&mut MappingUpdate)| {
            let mut update = MappingUpdate::default();
            f(&mut update);
            update
        };
        let eleven = update(|u| u.parallelization_factor = Some(11));
        assert!(check_all(eleven, SourceKind::DynamoDb).expect_err("refused").contains("less than or equal to 10"));
        let factor = update(|u| u.parallelization_factor = Some(2));
        let said = check_all(factor, SourceKind::Sqs).expect_err("refused");
        assert_eq!(said, "Unsupported ParallelizationFactor parameter for given event source mapping type.");
        let concurrency = update(|u| u.max_concurrency = Some(Some(1)));
        assert!(check_all(concurrency, SourceKind::Sqs).is_err());
        let none = update(|u| u.max_concurrency = Some(None));
        assert_eq!(check_all(none, SourceKind::Sqs), Ok(()));
        let age = update(|u| u.max_record_age_s = Some(30));
        assert!(check_all(age, SourceKind::DynamoDb).is_err());
    }

    #[test]
    fn visibility_must_cover_the_timeout() {
        assert!(check_visibility(60, 60).is_ok());
        let said = check_visibility(30, 60).expect_err("refused").message;
        assert_eq!(said, "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds");
    }
}
