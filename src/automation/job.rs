//! The body of a message in JobQueue: one step of one run. An operator reads it in a dead letter, so
//! it says run, step, action and recipient; the automation itself stays in RequestStore.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::automation::event::{ActionName, Reference};
use crate::automation::identity::{Identity, RunId};
use crate::model::time::Timestamp;

/// What earlier steps of the run changed of its context (`data`, `profile`, `refs`).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Overlay {
    #[default]
    None,
    Inline(Arc<Value>),
    /// Too large for a message: in S3 (`offload.rs`).
    Stored(Arc<Reference>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub run: RunId,
    /// Index of the step in `automation.steps`, from 0.
    pub step: u16,
    pub action: ActionName,
    pub recipient: Option<Arc<str>>,
    /// When a waiting step is due; set by its first handling.
    pub due: Option<Timestamp>,
    pub overlay: Overlay,
}

/// The body is not a job's; delivered again it will not be one either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the message body is no job: {0}")]
pub struct NotAJob(pub String);

impl Job {
    pub const fn identity(&self) -> Identity {
        Identity::job(self.run, self.step)
    }

    /// The message body. The same job gives the same bytes.
    pub fn to_body(&self) -> String {
        let mut body = Map::new();
        body.insert("run".into(), json!(self.run.to_string()));
        body.insert("step".into(), json!(self.step));
        body.insert("action".into(), json!(self.action.as_str()));
        if let Some(recipient) = &self.recipient {
            body.insert("recipient".into(), json!(&**recipient));
        }
        body.insert("identity".into(), json!(self.identity().to_string()));
        if let Some(due) = self.due {
            body.insert("due".into(), json!(due.to_string()));
        }
        match &self.overlay {
            Overlay::None => {}
            Overlay::Inline(value) => {
                body.insert("context".into(), (**value).clone());
            }
            Overlay::Stored(reference) => {
                body.insert("contextReference".into(), reference.to_json());
            }
        }
        Value::Object(body).to_string()
    }

    /// Reads a body back. Members it does not know are passed over; an operator may have edited it.
    pub fn parse(body: &str) -> Result<Job, NotAJob> {
        let fault = |what: &str| NotAJob(what.to_owned());
        let value: Value = serde_json::from_str(body).map_err(|e| NotAJob(format!("not JSON ({e})")))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let run: RunId = text("run")
            .ok_or_else(|| fault("`run` is missing or no text"))?
            .parse()
            .map_err(|e| NotAJob(format!("`run`: {e}")))?;
        let step = value.get("step").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
        let step = step.ok_or_else(|| fault("`step` is missing or no index"))?;
        let action = ActionName::parse(text("action").ok_or_else(|| fault("`action` is missing or no text"))?);
        let due = match value.get("due") {
            None | Some(Value::Null) => None,
            Some(due) => {
                let parsed = due.as_str().and_then(Timestamp::parse);
                Some(parsed.ok_or_else(|| fault("`due` is no time (expected 2026-01-01T00:00:00Z)"))?)
            }
        };
        let overlay = match (value.get("context"), value.get("contextReference")) {
            (Some(inline @ Value::Object(_)), _) => Overlay::Inline(Arc::new(inline.clone())),
            (None | Some(Value::Null), None | Some(Value::Null)) => Overlay::None,
            (None | Some(Value::Null), Some(reference)) => Overlay::Stored(Arc::new(reference_of(reference)?)),
            (Some(_), _) => return Err(fault("`context` is no object")),
        };
        if let Some(identity) = text("identity")
            && identity != Identity::job(run, step).to_string()
        {
            return Err(NotAJob(format!("`identity` {identity:?} does not belong to {run}, step {step}")));
        }
        Ok(Job { run, step, action, recipient: text("recipient").map(Arc::from), due, overlay })
    }
}

fn reference_of(value: &Value) -> Result<Reference, NotAJob> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let read = || {
        Some(Reference {
            bucket: text("bucket")?,
            key: text("key")?,
            size_bytes: value.get("size")?.as_u64()?,
            sha256: text("sha256")?,
        })
    };
    read().ok_or_else(|| NotAJob("`contextReference` lacks bucket, key, size or sha256".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn job() -> Job {
        Job {
            run: RunId::new(42),
            step: 1,
            action: ActionName::Send,
            recipient: Some("user-17".into()),
            due: Some(Timestamp::from_ms(1_767_225_600_123)),
            overlay: Overlay::Inline(Arc::new(json!({"data": {"a": 1}}))),
        }
    }

    #[test]
    fn a_job_survives_its_body() {
        let stored = Reference { bucket: "b".into(), key: "k".into(), size_bytes: 7, sha256: "ab".into() };
        let variants = [
            job(),
            Job { due: None, overlay: Overlay::None, recipient: None, ..job() },
            Job { overlay: Overlay::Stored(Arc::new(stored)), action: ActionName::parse("fax"), ..job() },
        ];
        for job in variants {
            assert_eq!(Job::parse(&job.to_body()), Ok(job));
        }
    }

    #[test]
    fn what_is_no_job_says_why() {
        let cases = [
            ("", "not JSON"),
            ("[]", "`run` is missing"),
            (r#"{"run":"7"}"#, "is no run"),
            (r#"{"run":"run-00000007","step":70000}"#, "`step`"),
            (r#"{"run":"run-00000007","step":1,"action":"send","due":"soon"}"#, "`due`"),
            (r#"{"run":"run-00000007","step":1,"action":"send","identity":"run-00000007/2/job"}"#, "does not belong"),
            (r#"{"run":"run-00000007","step":1,"action":"send","context":3}"#, "`context`"),
        ];
        for (body, word) in cases {
            let error = Job::parse(body).expect_err(body).to_string();
            assert!(error.contains(word), "{body}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body in ".{0,200}") {
            let _ = Job::parse(&body);
        }
    }
}
