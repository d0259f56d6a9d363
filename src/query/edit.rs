//! Changing bodies by jq: the program sees `{body, attributes, meta}` as a filter does and yields it with
//! another `body`. A body that was text must stay text; one the program leaves as it was keeps its bytes.

use std::fmt;

use crate::model::message::Message;
use crate::model::nesting::nesting;
use crate::query::body::MAX_DEPTH;
use crate::query::jq::document;
use crate::query::layout::compact;

/// What a program makes of one body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    Same,
    New(String),
}

/// The program as it is run: it may change the body and nothing else.
pub fn program(code: &str) -> String {
    format!(
        ". as $before | (\n{code}\n) as $after
         | if ($after | type) != \"object\" or ($after | has(\"body\") | not)
           then error(\"it must yield the message with another body, as .body.x = 1 does\")
           elif $after.attributes != $before.attributes or $after.meta != $before.meta
           then error(\"only .body can be changed\")
           else [$after.body == $before.body, $after.body] end"
    )
}

/// What the program is run on.
pub fn input(message: &Message) -> String {
    document(message)
}

/// What [`program`] answered for a message.
///
/// # Errors
/// Why there is no body to send.
pub fn edited(message: &Message, answer: &str) -> Result<Edited, String> {
    let unlike = || "it yields no body".to_owned();
    let answer = compact(answer);
    if answer.starts_with("[true,") {
        return Ok(Edited::Same);
    }
    let body = answer.strip_prefix("[false,").and_then(|rest| rest.strip_suffix(']')).ok_or_else(unlike)?;
    if is_json(&message.body) {
        return Ok(Edited::New(body.to_owned()));
    }
    // Its body was text, and went in as a string.
    let text: String = serde_json::from_str(body).map_err(|_| "its body is text and must stay text".to_owned())?;
    Ok(Edited::New(text))
}

/// Why a body typed by hand is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Unchanged,
    /// The body was JSON and is not any more.
    NotJson(String),
    TooDeep,
    TooLarge {
        bytes: usize,
        most: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unchanged => f.write_str("nothing was changed"),
            Fault::NotJson(why) => write!(f, "it was JSON and is not any more: {why}"),
            Fault::TooDeep => write!(f, "it nests deeper than {MAX_DEPTH} levels"),
            Fault::TooLarge { bytes, most } => write!(f, "{bytes} bytes are more than its queue takes ({most})"),
        }
    }
}

/// A body typed by hand, as it will be sent: JSON that was on one line is so again.
///
/// # Errors
/// Why it is not taken.
pub fn typed(message: &Message, text: &str, most: u64) -> Result<String, Fault> {
    let before = &message.body;
    let body = if is_json(before) {
        if nesting(text) > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| Fault::NotJson(error.to_string()))?;
        if compact(before) == compact(text) {
            return Err(Fault::Unchanged);
        }
        if before.contains('\n') { text.to_owned() } else { compact(text) }
    } else {
        text.to_owned()
    };
    if body == *before {
        return Err(Fault::Unchanged);
    }
    let bytes = crate::model::message::size_bytes(&body, &message.attributes);
    if bytes as u64 > most {
        return Err(Fault::TooLarge { bytes, most });
    }
    Ok(body)
}

pub fn is_json(body: &str) -> bool {
    nesting(body) <= MAX_DEPTH && serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::SystemAttributes;
    use crate::query::jq::Program;

    fn message(body: &str) -> Message {
        Message {
            id: "m-1".into(),
            receipt: "r".into(),
            body: body.to_owned(),
            attributes: [].into(),
            system: SystemAttributes::default(),
        }
    }

    fn by(code: &str, body: &str) -> Result<Edited, String> {
        let message = message(body);
        let answer = Program::new(&program(code))?.first(&input(&message))?;
        edited(&message, &answer)
    }

    #[test]
    fn a_program_changes_the_body_and_keeps_every_digit_of_the_rest() {
        let body = r#"{"n": 12345678901234567890123, "x": 1.50, "to": "a"}"#;
        assert_eq!(
            by(r#".body.to = "b""#, body),
            Ok(Edited::New(r#"{"n":12345678901234567890123,"x":1.50,"to":"b"}"#.to_owned()))
        );
        assert_eq!(by(".", body), Ok(Edited::Same));
        assert_eq!(by(r#".body.to = "a""#, body), Ok(Edited::Same), "its bytes stay, spaces and all");
        assert_eq!(by(".body |= del(.x) # why\n", r#"{"x":1}"#), Ok(Edited::New("{}".to_owned())));
        assert_eq!(by(r#".body |= sub("b"; "é\n")"#, "a b"), Ok(Edited::New("a é\n".to_owned())));
    }

    #[test]
    fn what_is_no_edit_of_the_body_is_said() {
        let why = |code, body| by(code, body).expect_err("no edit");
        assert!(why(".body.to", r#"{"to":"a"}"#).contains("another body"));
        assert!(why(".attributes.x = 1", "{}").contains("only .body"));
        assert!(why(".meta.id = 1 | .body = 2", "{}").contains("only .body"));
        assert!(why(".body = 7", "text").contains("must stay text"));
        assert!(why("empty", "{}").contains("nothing"));
        assert!(why(".body.", "{}").starts_with("jq: "));
    }

    #[test]
    fn what_is_typed_is_checked_and_laid_out_as_it_was() {
        let one_line = message(r#"{"a":1,"b":"x  y"}"#);
        let typed = |text: &str| super::typed(&one_line, text, 60);
        assert_eq!(typed("{\n  \"a\": 2,\n  \"b\": \"x  y\"\n}"), Ok(r#"{"a":2,"b":"x  y"}"#.to_owned()));
        assert_eq!(typed("{\n  \"a\": 1,\n  \"b\": \"x  y\"\n}"), Err(Fault::Unchanged));
        assert!(matches!(typed("{\"a\": 2,}"), Err(Fault::NotJson(why)) if why.contains("line 1")));
        assert_eq!(typed(&"[".repeat(200)), Err(Fault::TooDeep));
        assert!(matches!(typed(&format!("\"{}\"", "x".repeat(70))), Err(Fault::TooLarge { .. })));
        assert_eq!(super::typed(&message("plain"), "plain!", 60), Ok("plain!".to_owned()));
    }
}
