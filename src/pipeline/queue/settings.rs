//! A queue's attributes: read from strings, checked against their ranges, answered as strings
//! (aws-facts §3.1). Propagation, up to 60 s on AWS, is immediate here.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::id::Arn;
use crate::model::queue::RedrivePolicy;
use crate::model::service_error::ServiceError;
use crate::pipeline::queues::refusal::{invalid_value, refuse};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub visibility_s: u32,
    pub retention_s: u32,
    pub delay_s: u32,
    pub wait_s: u32,
    pub max_message_bytes: u32,
    pub redrive: Option<RedrivePolicy>,
    /// Said by its name, and for ever.
    pub fifo: bool,
    /// FIFO: a message without a deduplication id is known by its body's SHA-256.
    pub content_based_deduplication: bool,
    /// Attributes that are kept and answered but change nothing here: `Policy`, `KmsMasterKeyId` …
    pub kept: BTreeMap<String, String>,
}

/// Settable number: name, lowest, highest.
struct Range {
    name: &'static str,
    low: u32,
    high: u32,
    field: fn(&mut Settings) -> &mut u32,
}

const RANGES: [Range; 5] = [
    Range { name: "VisibilityTimeout", low: 0, high: MAX_VISIBILITY_S, field: |s| &mut s.visibility_s },
    Range { name: "MessageRetentionPeriod", low: 60, high: 1_209_600, field: |s| &mut s.retention_s },
    Range { name: "DelaySeconds", low: 0, high: MAX_DELAY_S, field: |s| &mut s.delay_s },
    Range { name: "ReceiveMessageWaitTimeSeconds", low: 0, high: MAX_WAIT_S, field: |s| &mut s.wait_s },
    Range { name: "MaximumMessageSize", low: 1024, high: 1_048_576, field: |s| &mut s.max_message_bytes },
];

/// `VisibilityTimeout`, also the longest a message may be hidden from one receive, in seconds.
pub const MAX_VISIBILITY_S: u32 = 43_200;
/// `DelaySeconds`, in seconds.
pub const MAX_DELAY_S: u32 = 900;
/// `WaitTimeSeconds`, in seconds.
pub const MAX_WAIT_S: u32 = 20;
const MAX_RECEIVE_COUNT: u64 = 1000;
const DEFAULT_RECEIVE_COUNT: u64 = 10;
const KEPT: [&str; 5] =
    ["Policy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"];
/// Choices of a FIFO queue, SQS's own first. Its throughput limit is not emulated.
const FIFO_CHOICES: [(&str, [&str; 2]); 2] =
    [(SCOPE, ["queue", "messageGroup"]), ("FifoThroughputLimit", ["perQueue", "perMessageGroupId"])];
const SCOPE: &str = "DeduplicationScope";

impl Default for Settings {
    fn default() -> Self {
        Settings {
            visibility_s: 30,
            retention_s: 345_600,
            delay_s: 0,
            wait_s: 0,
            max_message_bytes: 1_048_576,
            redrive: None,
            fifo: false,
            content_based_deduplication: false,
            kept: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// These settings with `attributes` applied, all or none.
    ///
    /// # Errors
    /// InvalidAttributeName or InvalidAttributeValue.
    pub fn with(&self, attributes: &BTreeMap<String, String>) -> Result<Settings, ServiceError> {
        let mut after = self.clone();
        for (name, value) in attributes {
            after.set(name, value)?;
        }
        Ok(after)
    }

    /// Whether two groups may use the same deduplication id.
    pub fn deduplicates_by_group(&self) -> bool {
        self.kept.get(SCOPE).is_some_and(|scope| scope == "messageGroup")
    }

    /// The settable attributes as strings; `RedrivePolicy` only where there is one.
    pub fn strings(&self) -> BTreeMap<String, String> {
        let mut read = self.clone();
        let mut all: BTreeMap<String, String> =
            RANGES.iter().map(|range| (range.name.to_owned(), (range.field)(&mut read).to_string())).collect();
        all.insert("SqsManagedSseEnabled".to_owned(), "true".to_owned());
        if self.fifo {
            all.insert("FifoQueue".to_owned(), "true".to_owned());
            all.insert("ContentBasedDeduplication".to_owned(), self.content_based_deduplication.to_string());
            all.extend(FIFO_CHOICES.map(|(name, [default, _])| (name.to_owned(), default.to_owned())));
        }
        all.extend(self.kept.iter().map(|(name, value)| (name.clone(), value.clone())));
        if let Some(policy) = &self.redrive {
            let text = format!(
                r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{}}}"#,
                policy.dead_letter_arn, policy.max_receive_count
            );
            all.insert("RedrivePolicy".to_owned(), text);
        }
        all
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ServiceError> {
        if let Some(range) = RANGES.iter().find(|range| range.name == name) {
            let number = value.parse::<u32>().ok().filter(|number| (range.low..=range.high).contains(number));
            *(range.field)(self) = number.ok_or_else(|| bad_value(name))?;
            return Ok(());
        }
        match name {
            "RedrivePolicy" => self.redrive = redrive_policy(value)?,
            "FifoQueue" if self.fifo && value == "true" => {}
            "FifoQueue" if self.fifo => {
                let text = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.";
                return Err(refuse("InvalidAttributeValue", 400, text));
            }
            "ContentBasedDeduplication" if self.fifo => {
                self.content_based_deduplication = value.parse().map_err(|_| bad_value(name))?;
            }
            _ if self.fifo
                && let Some((_, choices)) = FIFO_CHOICES.iter().find(|(choice, _)| *choice == name) =>
            {
                if !choices.contains(&value) {
                    return Err(bad_value(name));
                }
                self.kept.insert(name.to_owned(), value.to_owned());
            }
            _ if KEPT.contains(&name) && value.is_empty() => {
                self.kept.remove(name);
            }
            "Policy" | "RedriveAllowPolicy" if serde_json::from_str::<Value>(value).is_err() => {
                return Err(bad_value(name));
            }
            _ if KEPT.contains(&name) => {
                self.kept.insert(name.to_owned(), value.to_owned());
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }
}

/// `Unknown Attribute Colour.`
pub fn unknown(name: &str) -> ServiceError {
    refuse("InvalidAttributeName", 400, format!("Unknown Attribute {name}."))
}

fn bad_value(name: &str) -> ServiceError {
    refuse("InvalidAttributeValue", 400, format!("Invalid value for the parameter {name}."))
}

/// Reads `{"deadLetterTargetArn":"…","maxReceiveCount":5}`; the count may be a string, and is 10
/// when it is not there (aws-facts §3.3). An empty text takes the policy away.
fn redrive_policy(text: &str) -> Result<Option<RedrivePolicy>, ServiceError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |reason: &str| invalid_value(text, "RedrivePolicy", reason);
    let policy: Value = serde_json::from_str(text)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| wrong("Redrive policy is not a valid JSON map."))?;
    let target = policy.get("deadLetterTargetArn").and_then(Value::as_str);
    let target =
        target.ok_or_else(|| wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."))?;
    let count = match policy.get("maxReceiveCount") {
        None => Some(DEFAULT_RECEIVE_COUNT),
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
    };
    let count = count
        .filter(|count| (1..=MAX_RECEIVE_COUNT).contains(count))
        .and_then(|count| u32::try_from(count).ok())
        .ok_or_else(|| wrong("Invalid value for maxReceiveCount: must be between 1 and 1000, both inclusive."))?;
    Ok(Some(RedrivePolicy { dead_letter_arn: Arn::from(target), max_receive_count: count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Result<Settings, ServiceError> {
        Settings::default().with(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn values_are_checked_and_answered_as_strings() {
        let settings = set("VisibilityTimeout", "60").expect("in range");
        assert_eq!(settings.strings().get("VisibilityTimeout").map(String::as_str), Some("60"));
        for (name, value) in [("VisibilityTimeout", "43201"), ("DelaySeconds", "x"), ("MessageRetentionPeriod", "59")] {
            assert_eq!(set(name, value).expect_err(name).code, "InvalidAttributeValue");
        }
        assert_eq!(set("Colour", "red").expect_err("unknown").code, "InvalidAttributeName");
    }

    #[test]
    fn only_a_fifo_queue_has_a_fifo_queues_attributes() {
        let fifo = Settings { fifo: true, ..Settings::default() };
        let set = |settings: &Settings, name: &str, value: &str| {
            settings.with(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
        };
        for (name, value) in [("FifoQueue", "false"), ("ContentBasedDeduplication", "true"), (SCOPE, "queue")] {
            assert_eq!(set(&Settings::default(), name, value).expect_err(name).code, "InvalidAttributeName");
        }
        assert_eq!(set(&fifo, "FifoQueue", "true"), Ok(fifo.clone()));
        assert_eq!(set(&fifo, "FifoQueue", "false").expect_err("it stays one").code, "InvalidAttributeValue");
        assert_eq!(set(&fifo, SCOPE, "shard").expect_err("no scope").code, "InvalidAttributeValue");
        let grouped = set(&fifo, SCOPE, "messageGroup").expect("a scope");
        assert!(grouped.deduplicates_by_group() && !fifo.deduplicates_by_group());
        let shown = grouped.strings();
        let shown =
            ["FifoQueue", "ContentBasedDeduplication", SCOPE, "FifoThroughputLimit"].map(|name| shown[name].as_str());
        assert_eq!(shown, ["true", "false", "messageGroup", "perQueue"]);
    }

    #[test]
    fn a_redrive_policy_takes_its_count_as_number_or_string_and_goes_with_an_empty_text() {
        let text =
            |count: &str| format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:r:1:dlq","maxReceiveCount":{count}}}"#);
        for count in ["5", "\"5\""] {
            let policy = set("RedrivePolicy", &text(count)).expect("valid").redrive.expect("there");
            assert_eq!((policy.dead_letter_arn.resource(), policy.max_receive_count), ("dlq", 5));
        }
        for count in ["0", "1001", "true"] {
            assert!(set("RedrivePolicy", &text(count)).is_err(), "{count}");
        }
        let with = set("RedrivePolicy", &text("5")).expect("valid");
        let without = with.with(&BTreeMap::from([("RedrivePolicy".to_owned(), String::new())])).expect("cleared");
        assert_eq!(without, Settings::default());
    }
}
