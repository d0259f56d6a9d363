//! Reads event source mappings; the shapes Lambda answers them in are one here.

use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingOutput;
use aws_sdk_lambda::operation::update_event_source_mapping::UpdateEventSourceMappingOutput;
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionResponseType};

use crate::aws::Account;
use crate::aws::failure::refused;
use crate::aws::function::{name_in, unqualified};
use crate::model::id::{Arn, MappingId};
use crate::model::mapping::{Mapping, MappingSettings, MappingState};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

impl Account {
    /// Every mapping of the region in one paged list, so that the 15 calls a second the account has
    /// are left to others (aws-facts §1.4). Mappings without a source ARN (self-managed Kafka) are
    /// left out. Sorted by id.
    ///
    /// # Errors
    /// What Lambda refused, on any page.
    pub async fn mappings(&self) -> Result<Vec<Mapping>, ServiceError> {
        let mut pages = self.reads.lambda.list_event_source_mappings().max_items(PAGE).into_paginator().send();
        let mut mappings = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| refused("lambda:ListEventSourceMappings", &e))?;
            mappings.extend(page.event_source_mappings.iter().flatten().filter_map(from_listed));
        }
        mappings.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(mappings)
    }

    /// # Errors
    /// What Lambda refused; a mapping that does not exist any more is `is_missing`.
    pub async fn mapping(&self, id: &MappingId) -> Result<Mapping, ServiceError> {
        let request = self.reads.lambda.get_event_source_mapping().uuid(id.as_str());
        let answer = request.send().await.map_err(|e| refused("lambda:GetEventSourceMapping", &e))?;
        from_got(&answer).ok_or_else(|| incomplete("lambda:GetEventSourceMapping"))
    }
}

/// An answer that names no mapping, source or function.
pub(super) fn incomplete(action: &str) -> ServiceError {
    ServiceError { http: 200, ..ServiceError::new(action, "NotAws", "the answer names no mapping, source or function") }
}

/// Three shapes of the SDK with the same members.
macro_rules! mapping_from {
    ($name:ident, $shape:ty) => {
        pub(super) fn $name(shape: &$shape) -> Option<Mapping> {
            let count = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok());
            let function_arn = Arn::from(shape.function_arn()?);
            let on_failure = shape.destination_config().and_then(|config| config.on_failure()?.destination());
            Some(Mapping {
                id: MappingId::from(shape.uuid()?),
                source: Arn::from(shape.event_source_arn()?),
                function: name_in(&function_arn),
                function_arn: unqualified(&function_arn),
                state: MappingState::parse(shape.state().unwrap_or("")),
                state_reason: shape.state_transition_reason().map(str::to_owned),
                settings: MappingSettings {
                    batch_size: count(shape.batch_size()),
                    window_s: count(shape.maximum_batching_window_in_seconds()),
                    parallelization_factor: count(shape.parallelization_factor()),
                    max_concurrency: count(shape.scaling_config().and_then(|config| config.maximum_concurrency())),
                    max_retry_attempts: shape.maximum_retry_attempts(),
                    max_record_age_s: shape.maximum_record_age_in_seconds(),
                    bisect: shape.bisect_batch_on_function_error(),
                    on_failure: on_failure.filter(|arn| !arn.is_empty()).map(Arn::from),
                    report_batch_item_failures: shape
                        .function_response_types()
                        .contains(&FunctionResponseType::ReportBatchItemFailures),
                },
                last_processing_result: shape.last_processing_result().map(str::to_owned),
                last_modified: shape.last_modified().and_then(|at| at.to_millis().ok()).map(Timestamp::from_ms),
            })
        }
    };
}

mapping_from!(from_listed, EventSourceMappingConfiguration);
mapping_from!(from_got, GetEventSourceMappingOutput);
mapping_from!(from_updated, UpdateEventSourceMappingOutput);

/// Most mappings one page holds, whatever is asked for (aws-facts §1.4).
const PAGE: i32 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_lambda::types::{DestinationConfig, OnFailure};

    #[test]
    fn every_member_is_optional_but_the_names() {
        let bare = EventSourceMappingConfiguration::builder()
            .uuid("u")
            .event_source_arn("arn:aws:sqs:r:1:Jobs")
            .function_arn("arn:aws:lambda:r:1:function:JobWorker:live")
            .destination_config(DestinationConfig::builder().on_failure(OnFailure::builder().build()).build())
            .build();
        let mapping = from_listed(&bare).expect("named");
        assert_eq!(mapping.function.as_str(), "JobWorker");
        assert_eq!(mapping.function_arn.as_str(), "arn:aws:lambda:r:1:function:JobWorker");
        assert_eq!(mapping.settings, MappingSettings::default());
        assert_eq!(from_listed(&EventSourceMappingConfiguration::builder().uuid("kafka").build()), None);
    }
}
