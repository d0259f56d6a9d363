//! jq over messages: a program, and what it makes of one document. A program is hostile too: it may
//! never end, eat all memory, or nest a value so deep that dropping it overflows the stack and aborts
//! the process. Nothing here can stop that, so whoever runs one does it where nothing is lost: in a
//! process of its own, with limits and a deadline (`shell/jq.rs`).

use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, data};
use jaq_json::{Val, read};
use serde_json::{Map, Value, json};

use crate::model::message::{AttributeValue, Message};
use crate::model::nesting::nesting;
use crate::query::body::MAX_DEPTH;
use crate::query::kind::kind_of;

type Data = data::JustLut<Val>;

pub struct Program {
    filter: Filter<Data>,
}

impl Program {
    /// # Errors
    /// What is wrong with the program, and at which character.
    pub fn new(code: &str) -> Result<Self, String> {
        if code.len() > CODE_MOST || depth(code) > MAX_DEPTH {
            return Err(format!("jq: a program of more than {CODE_MOST} bytes, or nested deeper than {MAX_DEPTH}"));
        }
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(defs).load(&arena, File { code, path: () }).map_err(|errors| {
            let first = errors.into_iter().next().map(|(_, error)| unloadable(code, &error));
            format!("jq: {}", first.unwrap_or_else(|| "not a program".to_owned()))
        })?;
        let filter = Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
            let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
            let first = first.map(|(name, what)| format!("no {} {name} {}", what.as_str(), place(code, name)));
            format!("jq: {}", first.unwrap_or_else(|| "not a program".to_owned()))
        })?;
        Ok(Program { filter })
    }

    /// True when it yields something that is neither `false` nor `null`.
    ///
    /// # Errors
    /// What kept it from an answer.
    pub fn takes(&self, document: &str) -> Result<bool, String> {
        for value in self.run(document)?.take(OUTPUTS_MOST) {
            if !matches!(value?, Val::Null | Val::Bool(false)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first thing it yields, as JSON on one line.
    ///
    /// # Errors
    /// What kept it from an answer; that it yields nothing.
    pub fn first(&self, document: &str) -> Result<String, String> {
        match self.run(document)?.next() {
            Some(value) => value.map(|value| value.to_string()),
            None => Err("it yields nothing".to_owned()),
        }
    }

    fn run(&self, document: &str) -> Result<impl Iterator<Item = Result<Val, String>>, String> {
        let input = read::parse_single(document.as_bytes()).map_err(|error| error.to_string())?;
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new([]));
        Ok(self.filter.id.run((context, input)).map(|output| {
            output.map_err(|exception| match exception.get_err() {
                Ok(error) => shortened(&error.to_string()),
                Err(_) => "halt ends nothing here".to_owned(),
            })
        }))
    }
}

/// `{body, attributes, meta}` of a message, on one line. A body that is JSON, and not nested too deep
/// to be read, is there as it is, with every digit of its numbers; any other is a string.
pub fn document(message: &Message) -> String {
    let mut text = String::with_capacity(message.body.len() + 512);
    text.push_str("{\"body\":");
    text.push_str(&body(&message.body));
    text.push_str(",\"attributes\":");
    text.push_str(&attributes(message).to_string());
    text.push_str(",\"meta\":");
    text.push_str(&meta(message).to_string());
    text.push('}');
    text
}

/// A body as JSON on one line.
pub fn body(body: &str) -> String {
    let is_json = nesting(body) <= MAX_DEPTH && serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
    if is_json {
        // Outside of strings a line break is space, and inside of them there is none.
        body.replace(['\n', '\r'], " ")
    } else {
        Value::from(body).to_string()
    }
}

fn attributes(message: &Message) -> Value {
    let value = |value: &AttributeValue, number: bool| match value {
        AttributeValue::Text(text) if number => text.parse().map_or(json!(text), Value::Number),
        AttributeValue::Text(text) => json!(text),
        AttributeValue::Binary(bytes) => {
            use base64::Engine as _;
            json!(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
    };
    let all = message.attributes.iter().map(|(name, attribute)| {
        let number = attribute.data_type == "Number" || attribute.data_type.starts_with("Number.");
        (name.clone(), value(&attribute.value, number))
    });
    Value::Object(all.collect::<Map<_, _>>())
}

fn meta(message: &Message) -> Value {
    let (system, kind) = (&message.system, kind_of(message));
    json!({
        "id": message.id.as_str(),
        "sent_at": system.sent_at.to_string(),
        "sent_ms": system.sent_at.ms(),
        "count": system.receive_count,
        "from": kind.origin,
        "kind": kind.shape.word(),
        "step": kind.step,
        "error": kind.error,
        "form": kind.form.to_string(),
        "group": system.group_id,
        "deduplication": system.deduplication_id,
        "size": message.size_bytes(),
    })
}

/// How deep the program nests, brackets in its strings counted too: its parser recurses.
fn depth(code: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for byte in code.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn unloadable(code: &str, error: &load::Error<&str>) -> String {
    let said = |expected: &str, found: &str| match found {
        "" => format!("{expected} expected at the end"),
        found => format!("{expected} expected {}", place(code, found)),
    };
    match error {
        load::Error::Lex(errors) => errors.first().map(|(expected, found)| said(expected.as_str(), found)),
        load::Error::Parse(errors) => errors.first().map(|(expected, found)| said(expected.as_str(), found)),
        load::Error::Io(_) => Some("modules cannot be loaded here".to_owned()),
    }
    .unwrap_or_else(|| "not a program".to_owned())
}

/// `at 7, before "| x"`; nothing for what is not of this program.
fn place(code: &str, part: &str) -> String {
    let start = (part.as_ptr() as usize).wrapping_sub(code.as_ptr() as usize);
    match code.get(..start) {
        Some(before) if start + part.len() <= code.len() => {
            let rest: String = code[start..].chars().take(12).collect();
            format!("at {}, before {rest:?}", before.chars().count() + 1)
        }
        _ => String::new(),
    }
}

fn shortened(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    match line.char_indices().nth(REASON_CHARS) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

const CODE_MOST: usize = 16 * 1024;
/// Outputs looked at for something true.
const OUTPUTS_MOST: usize = 100_000;
const REASON_CHARS: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attribute, Attributes, SystemAttributes};

    fn message(body: &str) -> Message {
        Message {
            id: "m-1".into(),
            receipt: "r".into(),
            body: body.to_owned(),
            attributes: Attributes::from([
                ("tenant".to_owned(), Attribute::text("acme")),
                (
                    "tries".to_owned(),
                    Attribute { data_type: "Number".to_owned(), value: AttributeValue::Text("7".to_owned()) },
                ),
                (
                    "raw".to_owned(),
                    Attribute { data_type: "Binary".to_owned(), value: AttributeValue::Binary(vec![0, 255]) },
                ),
            ]),
            system: SystemAttributes { receive_count: 6, ..SystemAttributes::default() },
        }
    }

    fn takes(program: &str, body: &str) -> Result<bool, String> {
        Program::new(program)?.takes(&document(&message(body)))
    }

    #[test]
    fn a_program_sees_body_attributes_and_meta() {
        let body = "{\"step\":\n2,\"action\":\"send\",\"to\":[\"ann\"]}";
        for program in [
            ".body.step > 1",
            ".body.to[] == \"ann\"",
            ".attributes.tries == 7 and .attributes.tenant == \"acme\"",
            ".attributes.raw == \"AP8=\"",
            ".meta.count >= 6 and .meta.id == \"m-1\" and .meta.step == \"send\"",
            ".body.action | test(\"^se\")",
            "false, true",
        ] {
            assert_eq!(takes(program, body), Ok(true), "{program}");
        }
        for program in [".body.step > 2", "empty", "null", ".body.nothing"] {
            assert_eq!(takes(program, body), Ok(false), "{program}");
        }
        assert_eq!(takes(".body | startswith(\"no\")", "no json"), Ok(true), "any other body is a string");
        assert!(takes(".body.a.b", "no json").is_err());
    }

    #[test]
    fn what_is_wrong_with_a_program_is_told_with_its_place() {
        for (program, said) in [
            (".body |", "expected at the end"),
            (".body | foo", "no filter foo at 9"),
            (".a == $x", "no variable $x at 7"),
            (".a ) b", "at 4"),
            ("\"open", "expected"),
            ("import \"a\" as a; .", "cannot be loaded"),
        ] {
            let why = Program::new(program).err().unwrap_or_default();
            assert!(why.starts_with("jq: ") && why.contains(said), "{program}: {why}");
        }
        assert!(Program::new(&"(".repeat(2_000)).is_err(), "nested too deep to be parsed");
        assert!(takes("halt", "{}").is_err_and(|why| why.contains("halt")));
    }

    #[test]
    fn a_body_that_is_a_bomb_is_a_string_and_numbers_keep_their_digits() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(takes(".body | type == \"string\"", &deep), Ok(true));
        assert_eq!(takes(".body | type == \"string\"", "{\"a\":NaN}"), Ok(true), "not JSON");
        let first = |program: &str, body: &str| {
            Program::new(program).and_then(|program| program.first(&document(&message(body))))
        };
        let large = r#"{"n":12345678901234567890123,"f":1.10,"e":1e400}"#;
        assert_eq!(first(".body", large).as_deref(), Ok(large));
        assert_eq!(first(".body + {b:1} | del(.f, .e, .n)", large).as_deref(), Ok(r#"{"b":1}"#));
        assert!(first("empty", "{}").is_err());
    }
}
