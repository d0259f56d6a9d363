//! The ids a message is called by: its own, that of its job and that of the request it failed in. Where one
//! of them stands in a line of a log, that line is about this message; nothing else says so.

use serde::Deserialize;
use serde_json::Value;

use crate::model::message::{AttributeValue, Message};
use crate::query::body;

#[derive(Debug, Default, Deserialize)]
struct Named {
    #[serde(alias = "runId", alias = "run_id")]
    run: Option<Value>,
    #[serde(alias = "jobId", alias = "job_id")]
    job: Option<Value>,
    #[serde(rename = "requestId", alias = "request_id")]
    request: Option<Value>,
    #[serde(rename = "requestContext")]
    context: Option<Context>,
}

/// Of a Lambda destination's record.
#[derive(Debug, Default, Deserialize)]
struct Context {
    #[serde(rename = "requestId")]
    request: Option<Value>,
}

/// Each once, the message's own first.
pub fn names(message: &Message) -> Vec<String> {
    let named: Named = body::json(&message.body).unwrap_or_default();
    let attribute = message.attributes.get("RequestID").and_then(|attribute| match &attribute.value {
        AttributeValue::Text(text) => Some(text.clone()),
        AttributeValue::Binary(_) => None,
    });
    let context = named.context.and_then(|context| context.request);
    let in_body =
        [named.run, named.job, named.request, context].into_iter().flatten().filter_map(|value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
    let mut names = vec![message.id.to_string()];
    for name in in_body.chain(attribute) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attribute, SystemAttributes};

    #[test]
    fn a_message_is_called_by_its_own_its_jobs_and_its_requests_id() {
        let of = |body: &str| {
            let attributes = [("RequestID".to_owned(), Attribute::text("req-9"))].into();
            let (id, receipt) = ("m-1".into(), "r".into());
            names(&Message { id, receipt, body: body.to_owned(), attributes, system: SystemAttributes::default() })
        };
        assert_eq!(
            of(r#"{"run":"run-7","job_id":12,"requestContext":{"requestId":"q"}}"#),
            ["m-1", "run-7", "12", "q", "req-9"]
        );
        assert_eq!(of("text"), ["m-1", "req-9"]);
    }
}
