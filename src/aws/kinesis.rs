//! What is known of a Kinesis stream beside its metrics: how long it keeps records, and how many shards
//! are open. One operation is not worth an SDK crate: it goes by [`Account::json`].

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::Account;
use crate::aws::signed::{Api, JSON_1_1, Protocol};
use crate::model::id::Arn;
use crate::model::mapping::{Mapping, SourceKind};
use crate::model::service_error::ServiceError;
use crate::model::stream::StreamSummary;

const KINESIS: Api = Api {
    id: "Kinesis",
    host: "kinesis",
    signing_name: "kinesis",
    protocol: Protocol::Json { content_type: JSON_1_1, target: "Kinesis_20131202" },
};
const DESCRIBE: &str = "kinesis:DescribeStreamSummary";

impl Account {
    /// The stream's own retention and its open shards. `source` may be a consumer of it.
    ///
    /// # Errors
    /// What the service refused.
    pub async fn stream_summary(&self, source: &Arn) -> Result<StreamSummary, ServiceError> {
        let answer = self.json(&KINESIS, DESCRIBE, &json!({"StreamARN": stream_of(source)})).await?;
        let number = |name: &str| {
            let value = answer.pointer(&format!("/StreamDescriptionSummary/{name}")).and_then(Value::as_u64);
            value.and_then(|n| u32::try_from(n).ok())
        };
        match (number("RetentionPeriodHours"), number("OpenShardCount")) {
            (Some(retention_h), Some(open_shards)) => Ok(StreamSummary { retention_h, open_shards }),
            _ => Err(ServiceError { http: 0, ..ServiceError::new(DESCRIBE, "NotRead", "an answer without both") }),
        }
    }

    /// The same of every Kinesis stream that these mappings read, each once.
    pub async fn stream_summaries(&self, mappings: &[Mapping]) -> Vec<(Arn, Result<StreamSummary, ServiceError>)> {
        let kinesis = mappings.iter().filter(|mapping| mapping.kind() == SourceKind::Kinesis);
        let sources: BTreeSet<&Arn> = kinesis.map(|mapping| &mapping.source).collect();
        let mut found = Vec::new();
        for source in sources {
            found.push((source.clone(), self.stream_summary(source).await));
        }
        found
    }

    /// Open shards of whatever stream a mapping reads; `None` for a queue.
    ///
    /// # Errors
    /// What the service refused.
    pub async fn shards_of(&self, mapping: &Mapping) -> Result<Option<u32>, ServiceError> {
        match mapping.kind() {
            SourceKind::DynamoDb => self.open_shards(&mapping.source).await.map(Some),
            SourceKind::Kinesis => Ok(Some(self.stream_summary(&mapping.source).await?.open_shards)),
            SourceKind::Sqs | SourceKind::SqsFifo | SourceKind::Other => Ok(None),
        }
    }
}

/// `…:stream/orders` of `…:stream/orders/consumer/app:1700000000`.
fn stream_of(source: &Arn) -> &str {
    let text = source.as_str();
    text.find("/consumer/").map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_of_a_stream_is_asked_about_as_the_stream() {
        let plain = Arn::from("arn:aws:kinesis:r:1:stream/orders");
        let consumer = Arn::from("arn:aws:kinesis:r:1:stream/orders/consumer/app:1700000000");
        assert_eq!(stream_of(&plain), plain.as_str());
        assert_eq!(stream_of(&consumer), plain.as_str());
    }
}
