//! What a function's answer says about the records it was invoked with (aws-facts §1.7). In doubt it
//! failed: what is not certainly done is not deleted.

use serde_json::Value;

use crate::model::nesting::nesting;
use crate::model::trial::{Invoked, Verdict};

/// Which records failed by the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operation) enum Failures {
    None,
    /// `itemIdentifier`s, as they came.
    These(Vec<String>),
    /// All of them: an error, or an answer that names none properly.
    All(String),
}

/// How a failure begins that the answer names without saying why.
pub(in crate::operation) const BATCH_ITEM_FAILURES: &str = "it answered that the message failed";
/// Deepest answer that is looked into.
const MAX_NESTING: usize = 64;
/// Characters of an error that are told.
const MAX_TOLD: usize = 600;

pub(in crate::operation) fn failures(invoked: &Invoked) -> Failures {
    if let Some(kind) = &invoked.error {
        return Failures::All(error(kind, &invoked.payload));
    }
    let payload = invoked.payload.trim();
    if payload.is_empty() {
        return Failures::None;
    }
    let unread = |why: &str| Failures::All(format!("its answer {why}: {}", told(payload)));
    if nesting(payload) > MAX_NESTING {
        return unread("is nested too deep to be read");
    }
    let Ok(value) = serde_json::from_str::<Value>(payload) else { return unread("is no JSON") };
    let items = match value.get("batchItemFailures") {
        None | Some(Value::Null) => return Failures::None,
        Some(Value::Array(items)) if items.is_empty() => return Failures::None,
        Some(Value::Array(items)) => items,
        Some(_) => return unread("names batchItemFailures that are no list"),
    };
    let ids = items
        .iter()
        .map(|item| item.get("itemIdentifier").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned));
    match ids.collect::<Option<Vec<_>>>() {
        Some(ids) => Failures::These(ids),
        None => unread("names a failed record without its itemIdentifier"),
    }
}

/// The verdict on one message. An answer that names another message is one that cannot be trusted.
pub(in crate::operation) fn verdict(invoked: &Invoked, id: &str) -> Verdict {
    match failures(invoked) {
        Failures::None => Verdict::Succeeded,
        Failures::All(why) => Verdict::Failed(why),
        Failures::These(ids) if ids.iter().any(|failed| failed == id) => {
            Verdict::Failed(format!("{BATCH_ITEM_FAILURES} (batchItemFailures); its log says more"))
        }
        Failures::These(ids) => {
            Verdict::Failed(format!("it answered that {} failed, which is another message", told(&ids.join(", "))))
        }
    }
}

/// `ProviderError: the provider refused to send`
fn error(kind: &str, payload: &str) -> String {
    let value: Option<Value> =
        Some(payload).filter(|text| nesting(text) <= MAX_NESTING).and_then(|text| serde_json::from_str(text).ok());
    let part = |name: &str| value.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    match (part("errorType"), part("errorMessage")) {
        (Some(name), Some(message)) => told(&format!("{name}: {message}")),
        (None, Some(message)) => told(&message),
        _ => format!("{kind}: {}", told(payload)),
    }
}

fn told(text: &str) -> String {
    match text.char_indices().nth(MAX_TOLD) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(error: Option<&str>, payload: &str) -> Verdict {
        let invoked = Invoked { error: error.map(str::to_owned), payload: payload.to_owned(), log_tail: None };
        verdict(&invoked, "m-1")
    }

    #[test]
    fn only_a_clear_answer_is_a_success() {
        for good in ["", "null", "{}", "\"done\"", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#] {
            assert_eq!(answered(None, good), Verdict::Succeeded, "{good}");
        }
        let deep = "[".repeat(10_000);
        for bad in [
            "{",
            &deep,
            r#"{"batchItemFailures":[{"itemIdentifier":"m-1"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"m-2"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"id":"m-1"}]}"#,
            r#"{"batchItemFailures":"m-1"}"#,
        ] {
            assert!(matches!(answered(None, bad), Verdict::Failed(_)), "{}", told(bad));
        }
    }

    #[test]
    fn an_error_is_told_by_its_name_and_message() {
        let thrown = r#"{"errorType":"ProviderError","errorMessage":"503","trace":[]}"#;
        assert_eq!(answered(Some("Unhandled"), thrown), Verdict::Failed("ProviderError: 503".to_owned()));
        assert_eq!(answered(Some("Unhandled"), "what"), Verdict::Failed("Unhandled: what".to_owned()));
        let Verdict::Failed(long) = answered(Some("Unhandled"), &"é".repeat(10_000)) else { panic!() };
        assert!(long.chars().count() < 700);
    }
}
