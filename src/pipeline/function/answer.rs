//! What a function's answer means to the mapping that invoked it: which records of the batch failed
//! (aws-facts §1.7).

use serde_json::Value;

/// The `itemIdentifier`s of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failures {
    None,
    These(Vec<String>),
    /// An answer that names no record properly: the whole batch.
    All,
}

/// Reads `{"batchItemFailures":[{"itemIdentifier":"…"}]}`.
pub fn failures(answer: &str) -> Failures {
    if answer.trim().is_empty() {
        return Failures::None;
    }
    let Ok(value) = serde_json::from_str::<Value>(answer) else { return Failures::All };
    let Some(items) = value.get("batchItemFailures") else { return Failures::None };
    match items {
        Value::Null => Failures::None,
        Value::Array(items) if items.is_empty() => Failures::None,
        Value::Array(items) => {
            let named = items.iter().map(|item| {
                item.get("itemIdentifier").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
            });
            named.collect::<Option<Vec<_>>>().map_or(Failures::All, Failures::These)
        }
        _ => Failures::All,
    }
}

/// The answer that reports these records.
pub fn report(ids: &[String]) -> String {
    let items: Vec<Value> = ids.iter().map(|id| serde_json::json!({ "itemIdentifier": id })).collect();
    serde_json::json!({ "batchItemFailures": items }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_success_and_complete_failure_have_many_spellings() {
        for success in ["", "null", "{}", "\"\"", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#] {
            assert_eq!(failures(success), Failures::None, "{success}");
        }
        for failure in [
            "{",
            r#"{"batchItemFailures":[{"foo":"1"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":"x"}"#,
        ] {
            assert_eq!(failures(failure), Failures::All, "{failure}");
        }
        let ids = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(failures(&report(&ids)), Failures::These(ids));
    }
}
