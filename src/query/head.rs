//! The top of a message's body: the members that tell what it is, and the names of the rest. Values
//! that tell nothing are skipped unread.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::query::body;

/// What was read off a body.
#[derive(Debug, Default, PartialEq)]
pub(in crate::query) struct Head {
    pub form: Form,
    /// Members of [`READ`], the first of each name.
    members: Vec<(&'static str, Value)>,
    present: Vec<&'static str>,
}

/// What form a body has: the names of its members, or what it is instead of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Form {
    /// Not JSON, or nested too deep to be read as such.
    #[default]
    Text,
    Empty,
    Array,
    /// A string, a number, `true`, `null`.
    Scalar,
    /// Sorted names, shortened.
    Object(String),
}

impl fmt::Display for Form {
    /// `{action,run,step}`, `text`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Text => "text",
            Form::Empty => "empty",
            Form::Array => "an array",
            Form::Scalar => "a scalar",
            Form::Object(names) => names,
        })
    }
}

impl Head {
    pub(in crate::query) fn of(text: &str) -> Head {
        if text.trim().is_empty() {
            return Head { form: Form::Empty, ..Head::default() };
        }
        body::json(text).unwrap_or_default()
    }

    pub(in crate::query) fn member(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(in crate::query) fn has(&self, name: &str) -> bool {
        self.present.contains(&name)
    }

    /// A member's text or number.
    pub(in crate::query) fn scalar(&self, name: &str) -> Option<String> {
        scalar(self.member(name)?)
    }

    /// The same one level down: `requestContext.condition`.
    pub(in crate::query) fn inner(&self, outer: &str, name: &str) -> Option<String> {
        scalar(self.member(outer)?.get(name)?)
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads)
    }
}

struct Reads;

impl<'de> Visitor<'de> for Reads {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::default();
        let mut names: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if let Some(known) = READ.iter().find(|known| **known == name) {
                let value = map.next_value()?;
                if head.member(known).is_none() {
                    head.members.push((known, value));
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if let Some(known) = READ.iter().chain(&NOTICED).find(|known| **known == name) {
                head.present.push(known);
            }
            if names.len() <= NAMES_MOST {
                names.push(name);
            }
        }
        names.sort();
        names.dedup();
        head.form = Form::Object(listed(&names));
        Ok(head)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Head, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Head { form: Form::Array, ..Head::default() })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Head, E> {
        Ok(plain())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Head, E> {
        Ok(plain())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Head, E> {
        Ok(plain())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Head, E> {
        Ok(plain())
    }

    fn visit_str<E>(self, _: &str) -> Result<Head, E> {
        Ok(plain())
    }

    fn visit_unit<E>(self) -> Result<Head, E> {
        Ok(plain())
    }
}

fn plain() -> Head {
    Head { form: Form::Scalar, ..Head::default() }
}

fn listed(names: &[String]) -> String {
    let mut text = String::from("{");
    for (index, name) in names.iter().enumerate() {
        if index == NAMES_MOST || text.len() + name.len() > FORM_BYTES {
            text.push_str(if index == 0 { "…" } else { ",…" });
            break;
        }
        if index > 0 {
            text.push(',');
        }
        text.push_str(name);
    }
    text.push('}');
    text
}

/// Members whose value is read.
const READ: [&str; 10] = [
    "action",
    "step",
    "type",
    "error",
    "errorType",
    "errorMessage",
    "requestContext",
    "responseContext",
    "responsePayload",
    "TopicArn",
];
/// Members that matter by being there; their values may be large.
const NOTICED: [&str; 6] = ["requestPayload", "DDBStreamBatchInfo", "KinesisBatchInfo", "Type", "MessageId", "Message"];
/// Names a form lists.
const NAMES_MOST: usize = 12;
const FORM_BYTES: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_the_names_of_the_members_in_order() {
        let form = |text: &str| Head::of(text).form.to_string();
        assert_eq!(form(r#"{"step":1,"action":"send","run":"r"}"#), "{action,run,step}");
        assert_eq!(form(r#"{"a":1,"a":2}"#), "{a}");
        assert_eq!(form("[1,{}]"), "an array");
        assert_eq!(form("7.5"), "a scalar");
        assert_eq!(form(" \n"), "empty");
        assert_eq!(form("{\"a\":"), "text");
        assert_eq!(form("{}"), "{}");
        let many: Vec<String> = (0..500).map(|n| format!("\"k{n:03}\":0")).collect();
        assert!(form(&format!("{{{}}}", many.join(","))).len() < 140);
        assert_eq!(form(&format!("{{\"{}\":0}}", "x".repeat(500))), "{…}");
    }
}
