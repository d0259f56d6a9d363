//! What kind of failure a dead letter is: where it came from, which job and step, which error, which
//! form of body. Read from attributes and the top of the body alone; a guess is never made.

use std::fmt;

use crate::model::message::{AttributeValue, Message};
use crate::query::head::Head;

pub use crate::query::head::Form;

/// Letters of one kind are shown as one row with a count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// Where it came from: the queue SQS moved it from, the function, topic or rule that gave up on
    /// it; `None` when it was sent here by hand.
    pub origin: Option<String>,
    pub shape: Shape,
    /// The job's action or step: `send`.
    pub step: Option<String>,
    /// The error, shortened, when the message itself carries one.
    pub error: Option<String>,
    pub form: Form,
}

/// What sort of letter it is: this decides what can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// A message of a queue: it can go back there.
    Letter,
    /// An event Lambda gave up on (aws-facts §5.1): the event with error attributes beside it, or a
    /// destination's record around it. It is not a queue's message.
    LambdaFailure,
    /// `DDBStreamBatchInfo` or `KinesisBatchInfo`: where records were, not the records (§4.1).
    StreamPointer,
    /// What SNS could not deliver to a subscription.
    SnsDelivery,
    /// What EventBridge could not deliver to a rule's target.
    RuleTarget,
}

impl Shape {
    pub const ALL: [Shape; 5] =
        [Shape::Letter, Shape::LambdaFailure, Shape::StreamPointer, Shape::SnsDelivery, Shape::RuleTarget];

    /// As `kind:` takes it.
    pub fn word(self) -> &'static str {
        match self {
            Shape::Letter => "letter",
            Shape::LambdaFailure => "lambda",
            Shape::StreamPointer => "stream",
            Shape::SnsDelivery => "sns",
            Shape::RuleTarget => "eventbridge",
        }
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Shape::Letter => None,
            Shape::LambdaFailure => Some("Lambda failure"),
            Shape::StreamPointer => Some("stream pointer"),
            Shape::SnsDelivery => Some("SNS delivery"),
            Shape::RuleTarget => Some("EventBridge target"),
        }
    }
}

impl Kind {
    /// Why sending it back to a queue would be meaningless; `None` when it would not.
    pub fn not_redrivable(&self) -> Option<&'static str> {
        match self.shape {
            Shape::Letter => None,
            Shape::LambdaFailure => Some("a Lambda failure record: its event must be invoked again, not sent"),
            Shape::StreamPointer => {
                Some("points at stream records and does not hold them: nothing to send; r rescues them")
            }
            Shape::SnsDelivery => Some("SNS could not deliver it: no queue to send it back to; x exports it"),
            Shape::RuleTarget => Some("EventBridge could not deliver it: no queue to send it back to; x exports it"),
        }
    }
}

impl fmt::Display for Kind {
    /// `JobQueue · send · TimeoutError`; the form of its body only where nothing else tells.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = self.shape.name();
        let origin = self.origin.as_deref().or(shape.is_none().then_some("no origin"));
        let bare = self.step.is_none() && self.error.is_none() && shape.is_none();
        let form = bare.then(|| self.form.to_string());
        let parts = [origin, shape, self.step.as_deref(), self.error.as_deref(), form.as_deref()];
        let text: Vec<&str> = parts.into_iter().flatten().collect();
        f.pad(&text.join(" · "))
    }
}

pub fn kind_of(message: &Message) -> Kind {
    let head = Head::of(&message.body);
    let shape = shape_of(message, &head);
    let step = head
        .scalar("action")
        .or_else(|| head.scalar("step").map(|step| format!("step {step}")))
        .or_else(|| head.scalar("type"))
        .filter(|_| matches!(shape, Shape::Letter | Shape::LambdaFailure));
    Kind {
        origin: origin_of(message, &head, shape),
        shape,
        step: step.map(shortened),
        error: error_of(message, &head).map(shortened),
        form: head.form,
    }
}

fn shape_of(message: &Message, head: &Head) -> Shape {
    let attribute = |name: &str| message.attributes.contains_key(name);
    // What SQS moved here came out of a queue, whatever is written in it.
    let by_sqs = message.system.dead_letter_source.is_some();
    if head.has("DDBStreamBatchInfo") || head.has("KinesisBatchInfo") {
        Shape::StreamPointer
    } else if head.has("requestPayload") && head.has("requestContext")
        || ["RequestID", "ErrorCode", "ErrorMessage"].into_iter().all(attribute)
    {
        Shape::LambdaFailure
    } else if !by_sqs && attribute("RULE_ARN") && attribute("TARGET_ARN") {
        Shape::RuleTarget
    } else if !by_sqs && head.has("TopicArn") && head.has("MessageId") && head.has("Type") && head.has("Message") {
        Shape::SnsDelivery
    } else {
        Shape::Letter
    }
}

fn origin_of(message: &Message, head: &Head, shape: Shape) -> Option<String> {
    let moved_from = message.system.dead_letter_source.as_ref().map(|arn| arn.resource().to_owned());
    let named = match shape {
        Shape::Letter => None,
        Shape::LambdaFailure | Shape::StreamPointer => {
            head.inner("requestContext", "functionArn").map(|arn| function_name(&arn).to_owned())
        }
        Shape::SnsDelivery => head.scalar("TopicArn").map(|arn| last(&arn, ':').to_owned()),
        Shape::RuleTarget => text_attribute(message, "RULE_ARN").map(|arn| last(arn, '/').to_owned()),
    };
    moved_from.or(named)
}

/// `arn:aws:lambda:r:a:function:NAME[:QUALIFIER]`
fn function_name(arn: &str) -> &str {
    arn.split(':').nth(6).unwrap_or(arn)
}

fn last(text: &str, separator: char) -> &str {
    text.rsplit(separator).next().unwrap_or(text)
}

/// What the letter itself says went wrong: beside the body first (a Lambda dead letter, a careful
/// consumer), then in it.
fn error_of(message: &Message, head: &Head) -> Option<String> {
    let beside = ["ErrorMessage", "ERROR_MESSAGE", "errorType", "ErrorCode", "ERROR_CODE", "error"];
    let beside = beside.into_iter().find_map(|name| text_attribute(message, name)).map(str::to_owned);
    beside
        .or_else(|| head.inner("responsePayload", "errorType"))
        .or_else(|| head.inner("responsePayload", "errorMessage"))
        .or_else(|| ["errorType", "error", "errorMessage"].into_iter().find_map(|name| head.scalar(name)))
        .or_else(|| head.inner("requestContext", "condition"))
        .or_else(|| head.inner("responseContext", "functionError"))
}

fn text_attribute<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    match &message.attributes.get(name)?.value {
        AttributeValue::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn shortened(text: String) -> String {
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    }
}

/// Characters of a step or an error kept in a kind.
const MAX_CHARS: usize = 60;

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

    /// Put there by a service and not by SQS.
    fn put(body: &str, attributes: &[(&str, &str)]) -> Message {
        let mut message = letter(body);
        message.system.dead_letter_source = None;
        let attributes = attributes.iter().map(|(name, text)| ((*name).to_owned(), Attribute::text(*text)));
        message.attributes = attributes.collect();
        message
    }

    #[test]
    fn a_job_is_known_by_its_action() {
        let kind = kind_of(&letter(r#"{"run":"r-1","step":3,"action":"send","recipient":"u"}"#));
        assert_eq!(kind.to_string(), "JobQueue · send");
        assert_eq!(kind.form.to_string(), "{action,recipient,run,step}");
        assert_eq!(kind.not_redrivable(), None);
        assert_eq!(kind_of(&letter(r#"{"run":"r-1","step":3}"#)).to_string(), "JobQueue · step 3");
        assert_eq!(kind_of(&letter("no json at all")).to_string(), "JobQueue · text");
        assert_eq!(kind_of(&letter(r#"{"b":1,"a":2}"#)).to_string(), "JobQueue · {a,b}");
    }

    #[test]
    fn an_error_beside_the_body_belongs_to_the_kind() {
        let mut message = letter(r#"{"action":"send"}"#);
        message.attributes.insert("ErrorMessage".to_owned(), Attribute::text("timed out\nat line 3"));
        assert_eq!(kind_of(&message).to_string(), "JobQueue · send · timed out");
    }

    #[test]
    fn what_lambda_gave_up_on_is_invoked_again_and_not_sent() {
        let event = r#"{"Records":[{"s3":{}}]}"#;
        let beside = [("RequestID", "r-1"), ("ErrorCode", "200"), ("ErrorMessage", "out of time")];
        let kind = kind_of(&put(event, &beside));
        assert_eq!((kind.shape, kind.error.as_deref()), (Shape::LambdaFailure, Some("out of time")));
        let record = r#"{"version":"1.0","requestContext":{"requestId":"r","condition":"RetriesExhausted",
            "functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:RequestWorker:$LATEST"},
            "requestPayload":{"a":1},"responsePayload":{"errorType":"TypeError"}}"#;
        let kind = kind_of(&put(record, &[]));
        assert_eq!(kind.to_string(), "RequestWorker · Lambda failure · TypeError");
        assert!(kind.not_redrivable().is_some_and(|why| why.contains("invoked again")));
    }

    #[test]
    fn a_stream_pointer_is_not_to_be_redriven() {
        for info in ["DDBStreamBatchInfo", "KinesisBatchInfo"] {
            let body = format!(
                r#"{{"requestContext":{{"functionArn":"arn:aws:lambda:r:1:function:LogWorker","condition":"RetryAttemptsExhausted"}},"{info}":{{"shardId":"s"}}}}"#
            );
            let kind = kind_of(&put(&body, &[]));
            assert_eq!(kind.shape, Shape::StreamPointer);
            assert_eq!(kind.to_string(), "LogWorker · stream pointer · RetryAttemptsExhausted");
            assert!(kind.not_redrivable().is_some());
        }
    }

    #[test]
    fn what_sns_or_eventbridge_could_not_deliver_is_named_and_only_exported() {
        let sns = r#"{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:r:1:orders","Message":"hi"}"#;
        let kind = kind_of(&put(sns, &[]));
        assert_eq!(kind.to_string(), "orders · SNS delivery");
        assert!(kind.not_redrivable().is_some_and(|why| why.contains("SNS")));
        assert_eq!(kind_of(&letter(sns)).shape, Shape::Letter, "a subscriber's queue gave up on it, not SNS");
        let rule = [
            ("RULE_ARN", "arn:aws:events:r:1:rule/nightly"),
            ("TARGET_ARN", "arn:aws:lambda:r:1:function:f"),
            ("ERROR_CODE", "NO_PERMISSIONS"),
        ];
        let kind = kind_of(&put(r#"{"detail-type":"x","detail":{}}"#, &rule));
        assert_eq!(kind.to_string(), "nightly · EventBridge target · NO_PERMISSIONS");
        assert!(kind.not_redrivable().is_some_and(|why| why.contains("EventBridge")));
    }

    #[test]
    fn bodies_of_odd_form_have_a_kind_too() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for body in ["[]", "null", r#"{"action":{"a":1}}"#, r#"{"action":1,"action":2}"#, "\u{202e}", "", &deep] {
            assert_eq!(kind_of(&letter(body)).origin.as_deref(), Some("JobQueue"), "{body:.20?}");
        }
        assert_eq!(kind_of(&letter(&deep)).form, Form::Text, "too deep to be read");
        let long = kind_of(&letter(&format!(r#"{{"action":"{}"}}"#, "é".repeat(500))));
        assert_eq!(long.step.map(|step| step.chars().count()), Some(MAX_CHARS + 1));
    }
}
