//! The web service's part: validate, store, answer 202 with a run id before anything is processed.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::automation::fault::Fault;
use crate::automation::identity::RunId;
use crate::automation::order::Order;
use crate::automation::request::{CONTEXT_MEMBERS, Request, context_of};
use crate::automation::validate;
use crate::model::time::Timestamp;

/// A request that will be processed. Store it, then answer 202.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    pub request: Arc<Request>,
    /// What was taken but will not be done.
    pub notes: Vec<Fault>,
}

impl Accepted {
    pub fn order(&self) -> Order {
        Order::PutRequest(self.request.clone())
    }

    /// The same request once more for another run and recipient, sharing automation and context:
    /// how load is made without reading the same body a million times.
    #[must_use]
    pub fn again(&self, run: RunId, recipient: Option<Arc<str>>, now: Timestamp) -> Accepted {
        let request = Request { run, accepted: now, recipient, ..(*self.request).clone() };
        Accepted { request: Arc::new(request), notes: self.notes.clone() }
    }

    /// The body of the 202.
    pub fn answer(&self) -> String {
        let mut answer = json!({"runId": self.request.run.to_string()});
        if !self.notes.is_empty() {
            answer["notes"] = faults_json(&self.notes);
        }
        answer.to_string()
    }
}

/// Reads the body of `POST /automations`. The run gets the number it is given; a refused body uses
/// none.
///
/// # Errors
/// Every fault of the body: answer 400 with [`refusal`].
pub fn intake(body: &str, run: RunId, now: Timestamp) -> Result<Accepted, Vec<Fault>> {
    let value: Value =
        serde_json::from_str(body).map_err(|e| vec![Fault::new("", format!("the body is not JSON: {e}"))])?;
    accept(&value, run, now)
}

/// The same for a body that is JSON already.
pub fn accept(value: &Value, run: RunId, now: Timestamp) -> Result<Accepted, Vec<Fault>> {
    let Some(members) = value.as_object() else {
        return Err(vec![Fault::new("", "the body must be an object with `automation`")]);
    };
    let mut faults = Vec::new();
    let automation = match members.get("automation") {
        None => Err(vec![Fault::new("automation", "is required")]),
        Some(automation) => validate::automation(automation, "automation"),
    };
    for (name, member) in members {
        let right = match name.as_str() {
            "automation" => continue,
            "recipient" | "brand" | "template" => member.is_string() || member.is_null(),
            "data" | "profile" => member.is_object() || member.is_null(),
            _ => {
                faults.push(Fault::new(name, format!("is not known (known: automation, recipient, {})", known())));
                continue;
            }
        };
        if !right {
            let kind = if matches!(name.as_str(), "data" | "profile") { "an object" } else { "a text" };
            faults.push(Fault::new(name, format!("must be {kind}")));
        }
    }
    match automation {
        Err(mut wrong) => {
            wrong.append(&mut faults);
            Err(wrong)
        }
        Ok(_) if !faults.is_empty() => Err(faults),
        Ok(automation) => {
            let notes = automation.notes.clone();
            let request = Request {
                run,
                accepted: now,
                automation: Arc::new(automation),
                context: Arc::new(context_of(value)),
                recipient: members.get("recipient").and_then(Value::as_str).map(Arc::from),
            };
            Ok(Accepted { request: Arc::new(request), notes })
        }
    }
}

/// The body of the 400.
pub fn refusal(faults: &[Fault]) -> String {
    json!({"message": "the request was not accepted", "faults": faults_json(faults)}).to_string()
}

fn faults_json(faults: &[Fault]) -> Value {
    faults.iter().map(|f| json!({"path": f.path, "message": f.message})).collect()
}

fn known() -> String {
    CONTEXT_MEMBERS.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_s(1_767_225_600);

    #[test]
    fn a_right_body_is_accepted_and_stored_before_anything_else() {
        let body = r#"{"automation":{"steps":[{"action":"fax"}]},"recipient":"user-1","data":{"a":1}}"#;
        let accepted = intake(body, RunId::new(42), NOW).expect("right");
        assert_eq!(accepted.request.recipient.as_deref(), Some("user-1"));
        assert!(matches!(accepted.order(), Order::PutRequest(r) if r.run == RunId::new(42) && r.accepted == NOW));
        assert!(accepted.answer().contains(r#""runId":"run-0000002a""#) && accepted.answer().contains("notes"));
    }

    #[test]
    fn a_wrong_body_names_all_its_faults() {
        let body = r#"{"automation":{"steps":[{"action":"delay"}]},"data":[],"extra":1}"#;
        let faults = intake(body, RunId::new(1), NOW).expect_err("wrong");
        let paths: Vec<&str> = faults.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["automation.steps[0]", "data", "extra"]);
        assert!(refusal(&faults).contains(r#""path":"extra""#));
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        for body in ["", "[]", "3", &deep] {
            assert_eq!(intake(body, RunId::new(1), NOW).expect_err("wrong").len(), 1, "{body:.9}");
        }
    }
}
