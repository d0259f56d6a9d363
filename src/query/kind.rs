//! What kind of failure a dead letter is: where it came from, which job and step, which error. Read
//! from attributes and the top of the body alone; a guess is never made.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::model::message::{AttributeValue, Message};
use crate::query::body;

/// Letters of one kind are shown as one row with a count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// The queue SQS moved it from; `None` when it was sent here by hand.
    pub origin: Option<String>,
    pub shape: Shape,
    /// The job's action or step: `send`.
    pub step: Option<String>,
    /// The error, shortened, when the message itself carries one.
    pub error: Option<String>,
}

/// What sort of letter it is: this decides what can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// A message of a queue: it can go back there.
    Letter,
    /// Lambda's record of an event it gave up on (aws-facts §4): it is not the queue's message.
    LambdaFailure,
    /// `DDBStreamBatchInfo` or `KinesisBatchInfo`: where records were, not the records.
    StreamPointer,
}

impl Kind {
    /// Why sending it back to a queue would be meaningless; `None` when it would not.
    pub fn not_redrivable(&self) -> Option<&'static str> {
        match self.shape {
            Shape::Letter => None,
            Shape::LambdaFailure => Some("a Lambda failure record: its event must be invoked again, not sent"),
            Shape::StreamPointer => Some("points at stream records and does not hold them: nothing to send"),
        }
    }
}

impl fmt::Display for Kind {
    /// `JobQueue · send · TimeoutError`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match self.shape {
            Shape::Letter => None,
            Shape::LambdaFailure => Some("Lambda failure"),
            Shape::StreamPointer => Some("stream pointer"),
        };
        let origin = self.origin.as_deref().or(shape.is_none().then_some("no origin"));
        let parts = [origin, shape, self.step.as_deref(), self.error.as_deref()];
        let text: Vec<&str> = parts.into_iter().flatten().collect();
        f.pad(&text.join(" · "))
    }
}

pub fn kind_of(message: &Message) -> Kind {
    let head: Head = body::json(&message.body).unwrap_or_default();
    let error = error_attribute(message).or_else(|| {
        [&head.error_type, &head.error, &head.error_message].into_iter().find_map(|value| scalar(value.as_ref()))
    });
    let shape = if head.ddb.is_some() || head.kinesis.is_some() {
        Shape::StreamPointer
    } else if head.request_payload.is_some() && head.request_context.is_some() || has_lambda_attributes(message) {
        Shape::LambdaFailure
    } else {
        Shape::Letter
    };
    let step = scalar(head.action.as_ref())
        .or_else(|| scalar(head.step.as_ref()).map(|step| format!("step {step}")))
        .or_else(|| scalar(head.kind.as_ref()));
    Kind {
        origin: message.system.dead_letter_source.as_ref().map(|arn| arn.resource().to_owned()),
        shape,
        step: step.map(shortened),
        error: error.map(shortened),
    }
}

/// The members of a body that tell its kind; everything else is skipped.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    action: Option<Value>,
    step: Option<Value>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    error: Option<Value>,
    #[serde(rename = "errorType")]
    error_type: Option<Value>,
    #[serde(rename = "errorMessage")]
    error_message: Option<Value>,
    #[serde(rename = "requestPayload")]
    request_payload: Option<serde::de::IgnoredAny>,
    #[serde(rename = "requestContext")]
    request_context: Option<serde::de::IgnoredAny>,
    #[serde(rename = "DDBStreamBatchInfo")]
    ddb: Option<serde::de::IgnoredAny>,
    #[serde(rename = "KinesisBatchInfo")]
    kinesis: Option<serde::de::IgnoredAny>,
}

/// Characters of a step or an error kept in a kind.
const MAX_CHARS: usize = 60;

fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The error a Lambda dead letter (`ErrorMessage`, `ErrorCode`) or a careful consumer puts beside
/// the body.
fn error_attribute(message: &Message) -> Option<String> {
    let wanted = ["ErrorMessage", "errorType", "ErrorCode", "error"];
    wanted.iter().find_map(|name| match &message.attributes.get(*name)?.value {
        AttributeValue::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    })
}

/// Lambda's own dead-letter queue puts exactly these beside the event.
fn has_lambda_attributes(message: &Message) -> bool {
    ["RequestID", "ErrorCode", "ErrorMessage"].iter().all(|name| message.attributes.contains_key(*name))
}

fn shortened(text: String) -> String {
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::Arn;
    use crate::model::message::{Attribute, Attributes, SystemAttributes};

    fn letter(body: &str) -> Message {
        let source = Some(Arn::from("arn:aws:sqs:eu-west-1:123456789012:JobQueue"));
        Message {
            id: "m".into(),
            receipt: "r".into(),
            body: body.to_owned(),
            attributes: Attributes::new(),
            system: SystemAttributes { dead_letter_source: source, ..SystemAttributes::default() },
        }
    }

    #[test]
    fn a_job_is_known_by_its_action() {
        let kind = kind_of(&letter(r#"{"run":"r-1","step":3,"action":"send","recipient":"u"}"#));
        assert_eq!(kind.to_string(), "JobQueue · send");
        assert_eq!(kind.not_redrivable(), None);
        assert_eq!(kind_of(&letter(r#"{"run":"r-1","step":3}"#)).to_string(), "JobQueue · step 3");
        assert_eq!(kind_of(&letter("no json at all")).to_string(), "JobQueue");
    }

    #[test]
    fn an_error_beside_the_body_belongs_to_the_kind() {
        let mut message = letter(r#"{"action":"send"}"#);
        message.attributes.insert("ErrorMessage".to_owned(), Attribute::text("timed out\nat line 3"));
        assert_eq!(kind_of(&message).to_string(), "JobQueue · send · timed out");
    }

    #[test]
    fn a_stream_pointer_is_not_to_be_redriven() {
        let kind = kind_of(&letter(r#"{"requestContext":{},"DDBStreamBatchInfo":{"shardId":"s"}}"#));
        assert_eq!(kind.shape, Shape::StreamPointer);
        assert!(kind.not_redrivable().is_some());
        let record = kind_of(&letter(r#"{"requestContext":{},"requestPayload":{}}"#));
        assert_eq!(record.shape, Shape::LambdaFailure);
    }

    #[test]
    fn bodies_of_odd_form_have_a_kind_too() {
        for body in ["[]", "null", r#"{"action":{"a":1}}"#, r#"{"action":1,"action":2}"#, "\u{202e}", ""] {
            assert_eq!(kind_of(&letter(body)).origin.as_deref(), Some("JobQueue"), "{body:?}");
        }
        let long = kind_of(&letter(&format!(r#"{{"action":"{}"}}"#, "é".repeat(500))));
        assert_eq!(long.step.map(|step| step.chars().count()), Some(MAX_CHARS + 1));
    }
}
