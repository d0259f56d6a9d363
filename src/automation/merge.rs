//! The four ways a step merges new data into old (aws-facts §9).

use serde_json::{Map, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Merge {
    /// Members absent in the new are dropped: the new stands alone.
    #[default]
    Replace,
    /// The new wins, other members are kept.
    Overwrite,
    /// Only members that are missing are added.
    Soft,
    /// Only when there is nothing yet.
    None,
}

/// Every word [`Merge::parse`] takes, for fault messages.
pub const WORDS: &str = "replace, overwrite, soft-merge or none";

impl Merge {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "replace" => Some(Merge::Replace),
            "overwrite" => Some(Merge::Overwrite),
            "soft-merge" => Some(Merge::Soft),
            "none" => Some(Merge::None),
            _ => None,
        }
    }

    /// `old` with `new` merged in. Members are merged at the top level only; where either is no
    /// object, `Overwrite` takes the new and `Soft` keeps the old unless it is empty.
    pub fn apply(self, old: &Value, new: &Value) -> Value {
        match (self, old, new) {
            (Merge::Replace, _, new) => new.clone(),
            (Merge::None, old, new) => pick(old, new),
            (Merge::Overwrite, Value::Object(old), Value::Object(new)) => Value::Object(over(old, new)),
            (Merge::Overwrite, _, new) => new.clone(),
            (Merge::Soft, Value::Object(old), Value::Object(new)) => Value::Object(over(new, old)),
            (Merge::Soft, old, new) => pick(old, new),
        }
    }
}

/// `base` with the members of `winner` laid over it.
fn over(base: &Map<String, Value>, winner: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = base.clone();
    merged.extend(winner.iter().map(|(name, value)| (name.clone(), value.clone())));
    merged
}

fn pick(old: &Value, new: &Value) -> Value {
    let empty = match old {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if empty { new.clone() } else { old.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_way_merges_as_written() {
        let (old, new) = (json!({"a": 1, "b": 1}), json!({"b": 2, "c": 2}));
        assert_eq!(Merge::Replace.apply(&old, &new), json!({"b": 2, "c": 2}));
        assert_eq!(Merge::Overwrite.apply(&old, &new), json!({"a": 1, "b": 2, "c": 2}));
        assert_eq!(Merge::Soft.apply(&old, &new), json!({"a": 1, "b": 1, "c": 2}));
        assert_eq!(Merge::None.apply(&old, &new), old);
        assert_eq!(Merge::None.apply(&json!({}), &new), new);
        assert_eq!(Merge::Soft.apply(&Value::Null, &new), new);
        assert_eq!(Merge::Overwrite.apply(&json!("text"), &new), new);
    }
}
