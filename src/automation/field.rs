//! The members of a step and what they must look like, whatever the action: texts, references,
//! durations, webhooks. Faults are gathered, never thrown.

use serde_json::{Map, Value};

use crate::automation::accessor::refers;
use crate::automation::duration::DurationError;
use crate::automation::fault::Fault;
use crate::automation::merge::{self, Merge};

/// The members of one step and where it stands.
pub(in crate::automation) struct Fields<'a> {
    pub members: &'a Map<String, Value>,
    pub path: &'a str,
}

impl<'a> Fields<'a> {
    /// A member that is there and not null.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|v| !v.is_null())
    }

    pub fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}

/// What has been found so far.
#[derive(Default)]
pub(in crate::automation) struct Check {
    pub faults: Vec<Fault>,
    /// Taken all the same.
    pub notes: Vec<Fault>,
}

impl Check {
    pub fn fault(&mut self, path: &str, message: &str) {
        self.faults.push(Fault::new(path, message));
    }

    pub fn webhook(&mut self, webhook: Option<&Value>, path: &str) -> Option<Value> {
        let Some(webhook) = webhook.filter(|w| !w.is_null()) else {
            self.fault(path, "is required");
            return None;
        };
        if !webhook.is_object() {
            self.fault(path, "must be an object with `url`");
            return None;
        }
        match webhook.get("url") {
            Some(Value::String(url)) if refers(&Value::String(url.clone())) => {}
            Some(Value::String(url)) if url.starts_with("https://") || url.starts_with("http://") => {}
            Some(reference) if refers(reference) => {}
            Some(_) => self.fault(&format!("{path}.url"), "must begin with https:// or http://"),
            None => self.fault(&format!("{path}.url"), "is required"),
        }
        const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        match webhook.get("method") {
            None => {}
            Some(Value::String(method)) if METHODS.contains(&method.as_str()) => {}
            Some(_) => self.fault(&format!("{path}.method"), "must be GET, POST, PUT, PATCH or DELETE"),
        }
        Some(webhook.clone())
    }

    pub fn merge(&mut self, fields: &Fields<'_>, name: &str) -> Merge {
        match fields.get(name) {
            None => Merge::Replace,
            Some(value) => value.as_str().and_then(Merge::parse).unwrap_or_else(|| {
                self.fault(&fields.at(name), &format!("must be {}", merge::WORDS));
                Merge::Replace
            }),
        }
    }

    pub fn duration(
        &mut self,
        value: &Value,
        path: &str,
        parse: fn(&str) -> Result<i64, DurationError>,
    ) -> Option<i64> {
        let Some(text) = value.as_str() else {
            self.fault(path, "must be a duration, as text");
            return None;
        };
        parse(text).map_err(|error| self.fault(path, &error.to_string())).ok()
    }

    pub fn required_text(&mut self, fields: &Fields<'_>, name: &str) -> Option<Value> {
        if fields.get(name).is_none() {
            self.fault(&fields.at(name), "is required");
            return None;
        }
        self.optional_text(fields, name)
    }

    pub fn optional_text(&mut self, fields: &Fields<'_>, name: &str) -> Option<Value> {
        let value = fields.get(name)?;
        self.text_or_reference(value, &fields.at(name)).then(|| value.clone())
    }

    pub fn text_or_reference(&mut self, value: &Value, path: &str) -> bool {
        let fine = match value {
            Value::String(text) => !text.is_empty(),
            other => refers(other),
        };
        if !fine {
            self.fault(path, "must be a text, or a reference to one");
        }
        fine
    }
}
