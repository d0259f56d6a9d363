//! What is stored for each run: the automation, its context and when it was accepted. RequestStore's
//! objects are these as JSON; in memory the automation and the context are shared between runs.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::automation::accessor::Scope;
use crate::automation::definition::Automation;
use crate::automation::fault::HandlerError;
use crate::automation::identity::RunId;
use crate::automation::validate;
use crate::model::time::Timestamp;

/// Where requests lie in the bucket; only objects under this start RequestWorker.
pub const PREFIX: &str = "automations/";

#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub run: RunId,
    pub accepted: Timestamp,
    pub automation: Arc<Automation>,
    /// `brand`, `data`, `profile`, `template` as given; an object.
    pub context: Arc<Value>,
    pub recipient: Option<Arc<str>>,
}

/// Members of a request that make up its context.
pub const CONTEXT_MEMBERS: [&str; 4] = ["brand", "data", "profile", "template"];

impl Request {
    /// `automations/run-0000002a.json`
    pub fn key(&self) -> String {
        object_key(self.run)
    }

    /// The object's body.
    pub fn to_body(&self) -> String {
        let mut body = Map::new();
        body.insert("run".into(), json!(self.run.to_string()));
        body.insert("accepted".into(), json!(self.accepted.to_string()));
        body.insert("automation".into(), self.automation.source.clone());
        if let Some(recipient) = &self.recipient {
            body.insert("recipient".into(), json!(&**recipient));
        }
        for (name, value) in self.context.as_object().into_iter().flatten() {
            body.insert(name.clone(), value.clone());
        }
        Value::Object(body).to_string()
    }

    /// Reads an object back.
    ///
    /// # Errors
    /// The object is no request: somebody else wrote it, or it was damaged.
    pub fn parse(body: &str) -> Result<Request, HandlerError> {
        let wrong = |why: String| HandlerError::new("BadRequestObject", why);
        let value: Value = serde_json::from_str(body).map_err(|e| wrong(format!("not JSON ({e})")))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let run = text("run").and_then(|t| t.parse().ok()).ok_or_else(|| wrong("`run` names no run".into()))?;
        let accepted = text("accepted").and_then(Timestamp::parse);
        let accepted = accepted.ok_or_else(|| wrong("`accepted` is no time".into()))?;
        let automation = validate::automation(value.get("automation").unwrap_or(&Value::Null), "automation");
        let automation = automation
            .map_err(|faults| wrong(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        Ok(Request {
            run,
            accepted,
            automation: Arc::new(automation),
            context: Arc::new(context_of(&value)),
            recipient: text("recipient").map(Arc::from),
        })
    }

    /// Where references of this run look. `overlay` is what earlier steps changed.
    pub fn scope<'a>(&'a self, overlay: Option<&'a Value>) -> Scope<'a> {
        Scope { context: &self.context, overlay, recipient: self.recipient.as_deref() }
    }

    /// The token a `cancel` step must name to stop this run, with its references replaced.
    pub fn cancelation_token(&self) -> Option<String> {
        let token = self.automation.cancelation_token.as_ref()?;
        match self.scope(None).resolve(token) {
            Value::String(token) if !token.is_empty() => Some(token),
            _ => None,
        }
    }
}

/// `automations/run-0000002a.json`
pub fn object_key(run: RunId) -> String {
    format!("{PREFIX}{run}.json")
}

/// The context members of a request's JSON.
pub fn context_of(value: &Value) -> Value {
    let members = CONTEXT_MEMBERS.iter().filter_map(|name| {
        let member = value.get(*name).filter(|v| !v.is_null())?;
        Some(((*name).to_owned(), member.clone()))
    });
    Value::Object(members.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_object() {
        let source = json!({"cancelation_token": "t-${data.id}", "steps": [{"action": "fax", "n": [1, null]}]});
        let request = Request {
            run: RunId::new(42),
            accepted: Timestamp::from_ms(1_767_225_600_123),
            automation: Arc::new(validate::automation(&source, "automation").expect("right")),
            context: Arc::new(json!({"data": {"id": 7}})),
            recipient: Some("user-1".into()),
        };
        assert_eq!(Request::parse(&request.to_body()), Ok(request.clone()));
        assert_eq!(request.cancelation_token().as_deref(), Some("t-7"));
        assert_eq!(request.key(), "automations/run-0000002a.json");
        assert!(Request::parse("{}").is_err() && Request::parse("not json").is_err());
    }
}
