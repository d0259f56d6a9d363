//! What a body may be before any parser sees it: bounded, UTF-8, and not nested beyond what a
//! parser's stack can take (design, "Bodies are bombs").

use crate::model::nesting::nests_deeper;
use crate::wire::json::{Json, Object};

/// Largest body taken, in bytes: a function's event of 6 MB, or an SQS batch of 1 MiB with its escapes
/// (aws-facts §3.1, §10).
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Deepest nesting of arrays and objects that is handed to a parser.
pub const MAX_NESTING: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body is {0} bytes; at most {MAX_BODY_BYTES} are taken")]
    TooLarge(usize),
    #[error("the body is not UTF-8 (first bad byte at {0})")]
    NotUtf8(usize),
    #[error("the body is nested deeper than {MAX_NESTING} levels")]
    TooDeep,
    #[error("the body is not what it should be: {0}")]
    Malformed(String),
}

impl BodyError {
    pub fn http(&self) -> u16 {
        if matches!(self, BodyError::TooLarge(_)) { 413 } else { 400 }
    }
}

/// The body as text.
pub fn text(body: &[u8]) -> Result<&str, BodyError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(BodyError::TooLarge(body.len()));
    }
    std::str::from_utf8(body).map_err(|error| BodyError::NotUtf8(error.valid_up_to()))
}

/// The body as JSON text that may be handed to a parser.
pub fn json_text(body: &[u8]) -> Result<&str, BodyError> {
    let text = text(body)?;
    if nests_deeper(text, MAX_NESTING) {
        return Err(BodyError::TooDeep);
    }
    Ok(text)
}

/// The body as a JSON object.
pub fn json_object(body: &[u8]) -> Result<Object<'_>, BodyError> {
    match serde_json::from_str(json_text(body)?) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(BodyError::Malformed("a JSON object was expected".to_owned())),
        Err(error) => Err(BodyError::Malformed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::nesting::nesting;

    #[test]
    fn nesting_counts_brackets_outside_strings() {
        assert_eq!(nesting(r#"{"a":[1,{"b":2}],"c":"[[[[\"[["}"#), 3);
        assert_eq!(nesting(&"[".repeat(500)), 500);
        assert!(nests_deeper("[[[]", 2) && !nests_deeper("[[]", 2) && !nests_deeper("[][][]", 2));
    }

    #[test]
    fn limits_say_what_they_are() {
        assert_eq!(json_object(b"{\"a\":1}").map(|object| object.iter().count()), Ok(1));
        assert_eq!(json_object("[".repeat(129).as_bytes()), Err(BodyError::TooDeep));
        assert!(matches!(json_object("[".repeat(128).as_bytes()), Err(BodyError::Malformed(_))));
        assert_eq!(text(b"ab\xff"), Err(BodyError::NotUtf8(2)));
        assert_eq!(text(&vec![b'a'; MAX_BODY_BYTES + 1]), Err(BodyError::TooLarge(MAX_BODY_BYTES + 1)));
    }
}
