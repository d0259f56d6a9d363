//! Looking into a message's body without being hurt by it: nesting is scanned before any parser sees
//! it, and what nests too deep is text.

use serde::de::DeserializeOwned;

use crate::model::nesting::nesting;

/// Levels of nesting beyond which a body is text (design, "Bodies are bombs").
pub const MAX_DEPTH: usize = 128;

/// The body as JSON of the wanted form; `None` when it is not that, or nests too deep to be tried.
pub fn json<T: DeserializeOwned>(body: &str) -> Option<T> {
    if nesting(body) > MAX_DEPTH { None } else { serde_json::from_str(body).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_counts_brackets_outside_strings_only() {
        assert_eq!(nesting(r#"{"a":[1,{"b":2}]}"#), 3);
        assert_eq!(nesting(r#"{"a":"[[[[\"[[["}"#), 1);
        assert_eq!(nesting("]]]]{"), 1);
        assert_eq!(nesting(""), 0);
    }

    #[test]
    fn a_bomb_is_text_and_hurts_nobody() {
        let bomb = "[".repeat(1_000_000);
        assert_eq!(json::<serde_json::Value>(&bomb), None);
        let closed = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(json::<serde_json::Value>(&closed), None);
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(json::<serde_json::Value>(&deep).is_some());
    }
}
