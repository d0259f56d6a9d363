//! An event source mapping: a source, a function, the settings between them (aws-facts §1).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, FunctionName, MappingId};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceKind {
    DynamoDb,
    Kinesis,
    Sqs,
    SqsFifo,
    Other,
}

impl SourceKind {
    pub fn of(source: &Arn) -> Self {
        match source.service() {
            "dynamodb" => SourceKind::DynamoDb,
            "kinesis" => SourceKind::Kinesis,
            "sqs" if source.as_str().ends_with(".fifo") => SourceKind::SqsFifo,
            "sqs" => SourceKind::Sqs,
            _ => SourceKind::Other,
        }
    }

    pub fn is_stream(self) -> bool {
        matches!(self, SourceKind::DynamoDb | SourceKind::Kinesis)
    }

    pub fn is_queue(self) -> bool {
        matches!(self, SourceKind::Sqs | SourceKind::SqsFifo)
    }
}

/// `State` as Lambda spells it; a string it may add later is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MappingState {
    Creating,
    Enabling,
    Enabled,
    Disabling,
    Disabled,
    Updating,
    Deleting,
    Other(String),
}

impl MappingState {
    pub fn parse(text: &str) -> Self {
        match text {
            "Creating" => MappingState::Creating,
            "Enabling" => MappingState::Enabling,
            "Enabled" => MappingState::Enabled,
            "Disabling" => MappingState::Disabling,
            "Disabled" => MappingState::Disabled,
            "Updating" => MappingState::Updating,
            "Deleting" => MappingState::Deleting,
            other => MappingState::Other(other.to_owned()),
        }
    }

    /// Enabled or Disabled: nothing is under way, and a change would be taken.
    pub fn is_settled(&self) -> bool {
        matches!(self, MappingState::Enabled | MappingState::Disabled)
    }
}

impl fmt::Display for MappingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            MappingState::Creating => "Creating",
            MappingState::Enabling => "Enabling",
            MappingState::Enabled => "Enabled",
            MappingState::Disabling => "Disabling",
            MappingState::Disabled => "Disabled",
            MappingState::Updating => "Updating",
            MappingState::Deleting => "Deleting",
            MappingState::Other(text) => text,
        };
        f.pad(text)
    }
}

/// The tunables. A member is `None` when Lambda did not answer it (SQS mappings carry no
/// parallelization factor; aws-facts §1.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappingSettings {
    pub batch_size: Option<u32>,
    /// `MaximumBatchingWindowInSeconds`.
    pub window_s: Option<u32>,
    /// Streams only: concurrent batches per shard, 1–10.
    pub parallelization_factor: Option<u32>,
    /// SQS only: `ScalingConfig.MaximumConcurrency`, 2–1000; `None` is no limit of the mapping's.
    pub max_concurrency: Option<u32>,
    /// `MaximumRetryAttempts`; -1 is "until the record expires".
    pub max_retry_attempts: Option<i32>,
    /// `MaximumRecordAgeInSeconds`; -1 is "until the record expires".
    pub max_record_age_s: Option<i32>,
    /// `BisectBatchOnFunctionError`.
    pub bisect: Option<bool>,
    pub on_failure: Option<Arn>,
    /// `FunctionResponseTypes` holds `ReportBatchItemFailures`.
    pub report_batch_item_failures: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    pub id: MappingId,
    pub source: Arn,
    pub function: FunctionName,
    pub function_arn: Arn,
    pub state: MappingState,
    /// `StateTransitionReason`: who made the last change.
    pub state_reason: Option<String>,
    pub settings: MappingSettings,
    pub last_processing_result: Option<String>,
    pub last_modified: Option<Timestamp>,
}

impl Mapping {
    pub fn kind(&self) -> SourceKind {
        SourceKind::of(&self.source)
    }
}

/// A partial `UpdateEventSourceMapping`: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappingChange {
    pub batch_size: Option<u32>,
    pub window_s: Option<u32>,
    pub parallelization_factor: Option<u32>,
    /// `Some(None)` removes the limit (`ScalingConfig: {}`); written as 0, so that it is still told
    /// from "unchanged" when it is read back.
    #[serde(default, with = "removable")]
    pub max_concurrency: Option<Option<u32>>,
    pub enabled: Option<bool>,
    /// -1 is "until the record expires".
    #[serde(default)]
    pub max_retry_attempts: Option<i32>,
    /// -1 is "until the record expires".
    #[serde(default)]
    pub max_record_age_s: Option<i32>,
    #[serde(default)]
    pub bisect: Option<bool>,
    /// `Some(None)` removes the destination; written as an empty text.
    #[serde(default, with = "clearable")]
    pub on_failure: Option<Option<Arn>>,
}

impl MappingChange {
    pub fn is_empty(&self) -> bool {
        *self == MappingChange::default()
    }

    /// The settings as they will be once the change is applied.
    #[must_use]
    pub fn applied_to(&self, settings: &MappingSettings) -> MappingSettings {
        let mut after = settings.clone();
        after.batch_size = self.batch_size.or(after.batch_size);
        after.window_s = self.window_s.or(after.window_s);
        after.parallelization_factor = self.parallelization_factor.or(after.parallelization_factor);
        if let Some(limit) = self.max_concurrency {
            after.max_concurrency = limit;
        }
        after.max_retry_attempts = self.max_retry_attempts.or(after.max_retry_attempts);
        after.max_record_age_s = self.max_record_age_s.or(after.max_record_age_s);
        after.bisect = self.bisect.or(after.bisect);
        if let Some(destination) = &self.on_failure {
            after.on_failure.clone_from(destination);
        }
        after
    }

    /// What sets every one of these settings.
    pub fn of(settings: &MappingSettings, enabled: bool) -> Self {
        MappingChange {
            batch_size: settings.batch_size,
            window_s: settings.window_s,
            parallelization_factor: settings.parallelization_factor,
            max_concurrency: Some(settings.max_concurrency),
            enabled: Some(enabled),
            max_retry_attempts: settings.max_retry_attempts,
            max_record_age_s: settings.max_record_age_s,
            bisect: settings.bisect,
            on_failure: Some(settings.on_failure.clone()),
        }
    }

    /// Of this change, what is not so already.
    #[must_use]
    pub fn beside(self, settings: &MappingSettings, enabled: bool) -> Self {
        let now = MappingChange::of(settings, enabled);
        fn new<T: PartialEq>(wanted: Option<T>, now: &Option<T>) -> Option<T> {
            wanted.filter(|wanted| now.as_ref() != Some(wanted))
        }
        MappingChange {
            batch_size: new(self.batch_size, &now.batch_size),
            window_s: new(self.window_s, &now.window_s),
            parallelization_factor: new(self.parallelization_factor, &now.parallelization_factor),
            max_concurrency: new(self.max_concurrency, &now.max_concurrency),
            enabled: new(self.enabled, &now.enabled),
            max_retry_attempts: new(self.max_retry_attempts, &now.max_retry_attempts),
            max_record_age_s: new(self.max_record_age_s, &now.max_record_age_s),
            bisect: new(self.bisect, &now.bisect),
            on_failure: new(self.on_failure, &now.on_failure),
        }
    }
}

/// `None` ↔ null, `Some(None)` ↔ 0, `Some(Some(n))` ↔ n: JSON has one null for two absences.
mod removable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Option<Option<u32>>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Option::unwrap_or_default).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
        Ok(Option::<u32>::deserialize(deserializer)?.map(|n| (n != 0).then_some(n)))
    }
}

/// `None` ↔ null, `Some(None)` ↔ "", `Some(Some(arn))` ↔ the ARN.
mod clearable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::id::Arn;

    #[allow(clippy::ref_option, reason = "serde gives the member as it is")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Option<Arn>>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|arn| arn.as_ref().map_or("", Arn::as_str)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Arn>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map(|text| (!text.is_empty()).then(|| Arn::from(text))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_that_is_removed_survives_being_written_down() {
        for on_failure in [None, Some(None), Some(Some(Arn::from("arn:aws:sqs:r:1:Q")))] {
            let change = MappingChange { on_failure, ..MappingChange::default() };
            let text = serde_json::to_string(&change).expect("plain data");
            assert_eq!(serde_json::from_str::<MappingChange>(&text).expect("its own text"), change, "{text}");
        }
        let old = r#"{"batch_size":5,"window_s":null,"parallelization_factor":null,"enabled":null}"#;
        let change: MappingChange = serde_json::from_str(old).expect("of an older journal");
        assert_eq!(change, MappingChange { batch_size: Some(5), ..MappingChange::default() });
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        let settings = MappingSettings {
            batch_size: Some(10),
            bisect: Some(false),
            on_failure: Some("arn:aws:sqs:r:1:Q".into()),
            ..MappingSettings::default()
        };
        assert!(MappingChange::of(&settings, true).beside(&settings, true).is_empty());
        let change = MappingChange {
            bisect: Some(true),
            batch_size: Some(10),
            on_failure: Some(None),
            ..MappingChange::default()
        };
        let left = MappingChange { bisect: Some(true), on_failure: Some(None), ..MappingChange::default() };
        assert_eq!(change.beside(&settings, true), left);
    }

    #[test]
    fn a_removed_limit_survives_being_written_down() {
        for limit in [None, Some(None), Some(Some(5))] {
            let change = MappingChange { max_concurrency: limit, ..MappingChange::default() };
            let text = serde_json::to_string(&change).expect("plain data");
            assert_eq!(serde_json::from_str::<MappingChange>(&text).expect("its own text"), change, "{text}");
        }
    }
}
