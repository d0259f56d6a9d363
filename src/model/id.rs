//! Names of things, each its own type, so that a queue's URL is never taken for its ARN.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::model::message_id::MessageId;

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Self {
                $name(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                $name(text)
            }
        }
    )+};
}

text_id! {
    /// An Amazon resource name.
    Arn,
    /// The URL SQS addresses a queue by.
    QueueUrl,
    /// A queue's name: the last part of its URL and ARN, and CloudWatch's `QueueName` dimension.
    QueueName,
    /// A function's name, without version or alias: CloudWatch's `FunctionName` dimension.
    FunctionName,
    /// An event source mapping's UUID.
    MappingId,
    /// What one receive answered for one message; a later receive makes it void.
    ReceiptHandle,
    /// The handle of a message move task; AWS shows it only while the task runs.
    TaskHandle,
    /// One operation of this program, in the journal and on screen.
    OperationId,
    /// A CloudWatch alarm's name, unique in its account and region.
    AlarmName,
}

impl Arn {
    /// The part after the last `:` (a queue's or function's name), or after the last `/` in that.
    pub fn resource(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or(&self.0)
    }

    /// The service part: `sqs`, `lambda`, `dynamodb`, `kinesis`, `s3` …; empty when this is no ARN.
    pub fn service(&self) -> &str {
        self.0.split(':').nth(2).unwrap_or("")
    }

    /// The function in its ARN or bare name, without version or alias.
    pub fn function_name(&self) -> FunctionName {
        let rest = self.0.split_once(":function:").map_or(self.0.as_str(), |(_, rest)| rest);
        FunctionName(rest.split(':').next().unwrap_or(rest).to_owned())
    }

    /// The table in a DynamoDB stream's or table's ARN (`…:table/Events/stream/…`).
    pub fn table(&self) -> Option<&str> {
        self.0.split_once(":table/").map(|(_, rest)| rest.split('/').next().unwrap_or(rest))
    }
}

impl QueueUrl {
    /// The queue's name: the last segment of the path.
    pub fn name(&self) -> QueueName {
        QueueName(self.0.rsplit('/').next().unwrap_or(&self.0).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_gives_up_its_parts() {
        let stream = Arn::from("arn:aws:dynamodb:eu-west-1:123456789012:table/Events/stream/2026-01-01T00:00:00.000");
        assert_eq!((stream.service(), stream.table()), ("dynamodb", Some("Events")));
        let queue = Arn::from("arn:aws:sqs:eu-west-1:123456789012:JobDLQ");
        assert_eq!((queue.service(), queue.resource(), queue.table()), ("sqs", "JobDLQ", None));
        assert_eq!(QueueUrl::from("http://localhost/123456789012/JobDLQ").name().as_str(), "JobDLQ");
    }
}
