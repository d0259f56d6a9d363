//! Event source mappings in JSON: the update as it comes, the configuration as it goes out. Members
//! a mapping does not have are left out (aws-facts §1.1).

use serde_json::{Map, Value, json};

use crate::model::id::Arn;
use crate::model::mapping::Mapping;
use crate::pipeline::request::MappingUpdate;
use crate::wire::members::{MemberError, Members};

/// The members of `UpdateEventSourceMapping`. What the sandbox does not model is refused by name
/// rather than dropped in silence; `FunctionName` is, since tools send it unchanged.
pub fn read_update(m: Members<'_>) -> Result<MappingUpdate, MemberError> {
    if let Some(name) = m.names().find(|name| !KNOWN.contains(name)) {
        return Err(MemberError::Type {
            name: name.to_owned(),
            expected: "not to be there: the sandbox does not model it",
        });
    }
    let max_concurrency = m.object("ScalingConfig")?.map(|scaling| scaling.number("MaximumConcurrency")).transpose()?;
    let on_failure = match m.object("DestinationConfig")? {
        None => None,
        Some(config) => match config.object("OnFailure")? {
            None => None,
            Some(destination) => Some(destination.text("Destination")?.filter(|arn| !arn.is_empty()).map(Arn::new)),
        },
    };
    let reports = m.value("FunctionResponseTypes").is_some().then(|| m.texts("FunctionResponseTypes")).transpose()?;
    Ok(MappingUpdate {
        enabled: m.flag("Enabled")?,
        batch_size: m.number("BatchSize")?,
        window_s: m.number("MaximumBatchingWindowInSeconds")?,
        parallelization_factor: m.number("ParallelizationFactor")?,
        max_concurrency,
        max_retry_attempts: m.integer("MaximumRetryAttempts")?,
        max_record_age_s: m.integer("MaximumRecordAgeInSeconds")?,
        bisect: m.flag("BisectBatchOnFunctionError")?,
        on_failure,
        report_batch_item_failures: reports.map(|types| types.iter().any(|kind| kind == REPORT)),
    })
}

/// `EventSourceMappingConfiguration`.
pub fn write(mapping: &Mapping) -> Value {
    let settings = &mapping.settings;
    let mut m = Map::new();
    let mut put = |name: &str, value: Value| m.insert(name.to_owned(), value);
    put("UUID", json!(mapping.id.as_str()));
    if let Some((prefix, _)) = mapping.function_arn.as_str().split_once(":function:") {
        put("EventSourceMappingArn", json!(format!("{prefix}:event-source-mapping:{}", mapping.id)));
    }
    put("EventSourceArn", json!(mapping.source.as_str()));
    put("FunctionArn", json!(mapping.function_arn.as_str()));
    put("State", json!(mapping.state.to_string()));
    let types: &[&str] = if settings.report_batch_item_failures { &[REPORT] } else { &[] };
    put("FunctionResponseTypes", json!(types));
    // Streams answer an empty destination, SQS mappings none at all (aws-facts §1.1).
    match &settings.on_failure {
        Some(arn) => put("DestinationConfig", json!({"OnFailure": {"Destination": arn.as_str()}})),
        None if mapping.kind().is_stream() => put("DestinationConfig", json!({"OnFailure": {}})),
        None => None,
    };
    let optional = [
        ("BatchSize", settings.batch_size.map(Value::from)),
        ("MaximumBatchingWindowInSeconds", settings.window_s.map(Value::from)),
        ("ParallelizationFactor", settings.parallelization_factor.map(Value::from)),
        ("ScalingConfig", settings.max_concurrency.map(|n| json!({"MaximumConcurrency": n}))),
        ("MaximumRetryAttempts", settings.max_retry_attempts.map(Value::from)),
        ("MaximumRecordAgeInSeconds", settings.max_record_age_s.map(Value::from)),
        ("BisectBatchOnFunctionError", settings.bisect.map(Value::from)),
        ("StateTransitionReason", mapping.state_reason.clone().map(Value::from)),
        ("LastProcessingResult", mapping.last_processing_result.clone().map(Value::from)),
        // Seconds with a fraction (aws-facts §1.1).
        ("LastModified", mapping.last_modified.map(|at| json!(at.ms() as f64 / 1000.0))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            m.insert(name.to_owned(), value);
        }
    }
    Value::Object(m)
}

const REPORT: &str = "ReportBatchItemFailures";

const KNOWN: [&str; 12] = [
    "UUID",
    "FunctionName",
    "Enabled",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "ParallelizationFactor",
    "ScalingConfig",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FunctionResponseTypes",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::{MappingSettings, MappingState};
    use crate::model::time::Timestamp;

    fn update(value: Value) -> Result<MappingUpdate, MemberError> {
        let text = value.to_string();
        read_update(Members::new(&crate::wire::body::json_object(text.as_bytes()).expect("an object")))
    }

    #[test]
    fn clearing_is_told_from_leaving_alone() {
        assert_eq!(update(json!({})), Ok(MappingUpdate::default()));
        let cleared = update(
            json!({"ScalingConfig": {}, "DestinationConfig": {"OnFailure": {"Destination": ""}}, "FunctionResponseTypes": []}),
        );
        let expected = MappingUpdate {
            max_concurrency: Some(None),
            on_failure: Some(None),
            report_batch_item_failures: Some(false),
            ..MappingUpdate::default()
        };
        assert_eq!(cleared, Ok(expected));
        assert!(update(json!({"TumblingWindowInSeconds": 5})).is_err());
    }

    #[test]
    fn a_queue_mapping_has_no_stream_members() {
        let mapping = Mapping {
            id: "u".into(),
            source: "arn:aws:sqs:r:1:Q".into(),
            function: "f".into(),
            function_arn: "arn:aws:lambda:r:1:function:f".into(),
            state: MappingState::Updating,
            state_reason: None,
            settings: MappingSettings { batch_size: Some(10), ..MappingSettings::default() },
            last_processing_result: None,
            last_modified: Some(Timestamp::from_ms(1_500)),
        };
        let expected = json!({
            "UUID": "u", "EventSourceMappingArn": "arn:aws:lambda:r:1:event-source-mapping:u", "EventSourceArn": "arn:aws:sqs:r:1:Q",
            "FunctionArn": "arn:aws:lambda:r:1:function:f", "State": "Updating", "BatchSize": 10, "FunctionResponseTypes": [],
            "LastModified": 1.5,
        });
        assert_eq!(write(&mapping), expected);
    }
}
