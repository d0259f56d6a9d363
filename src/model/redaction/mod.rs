//! What of a message's body may not be shown: the values at configured paths become `"***"`. It is
//! for showing alone: what is exported, moved or deleted never comes through here and stays byte for
//! byte.

mod line;
mod path;
mod scan;

use std::borrow::Cow;

use crate::model::message::{AttributeValue, Attributes, Message};
use crate::model::redaction::path::Path;

/// Paths into message bodies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redaction {
    paths: Vec<Path>,
    /// The same, as they are looked for in logs and answers.
    anywhere: Vec<Path>,
}

/// Nothing is redacted.
pub static NOTHING: Redaction = Redaction { paths: Vec::new(), anywhere: Vec::new() };

/// Stands for a body in which paths mean nothing.
pub const NOT_JSON: &str = "*** (not JSON; redaction is on)";
/// Stands for a value that is named.
pub const STARS: &str = "***";
/// Stands for a body that is one JSON string: what is in there no path reaches.
pub const ONE_STRING: &str = "*** (one JSON string; redaction is on)";

impl Redaction {
    /// # Errors
    /// What is wrong with the first path that is none.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let paths: Vec<Path> = paths.into_iter().map(Path::parse).collect::<Result<_, _>>()?;
        Ok(Redaction { anywhere: line::anywhere(&paths), paths })
    }

    /// What any of these hides: for a body of which nobody knows any more in which context it was seen.
    pub fn all<'a>(each: impl IntoIterator<Item = &'a Redaction>) -> Self {
        let mut paths: Vec<Path> = Vec::new();
        for path in each.into_iter().flat_map(|one| &one.paths) {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        Redaction { anywhere: line::anywhere(&paths), paths }
    }

    pub fn is_on(&self) -> bool {
        !self.paths.is_empty()
    }

    /// The paths as they were written.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(Path::text)
    }

    /// The body as it may be shown. With `more` the text is only a body's beginning and may end
    /// anywhere.
    pub fn shown<'a>(&self, body: &'a str, more: bool) -> Cow<'a, str> {
        if self.is_on() { scan::redacted(&self.paths, body, more) } else { Cow::Borrowed(body) }
    }

    /// A line of a log, or a function's answer, as it may be shown: a body may lie anywhere in it.
    pub fn line<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_on() { line::shown(&self.anywhere, text) } else { Cow::Borrowed(text) }
    }

    /// A message's attribute as it may be shown: hidden where a path ends in its name, and searched like
    /// a line where it is JSON.
    pub fn attribute<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        if self.paths.iter().any(|path| path.ends_in(name)) {
            return Cow::Borrowed(STARS);
        }
        let json = value.trim_start().starts_with(['{', '[']);
        if self.is_on() && json { scan::redacted(&self.anywhere, value, false) } else { Cow::Borrowed(value) }
    }

    /// A message's attributes as they may be shown; what is binary no path reaches.
    pub fn attributes(&self, attributes: &Attributes) -> Attributes {
        let mut shown = attributes.clone();
        for (name, attribute) in shown.iter_mut().filter(|_| self.is_on()) {
            attribute.value = AttributeValue::Text(match &attribute.value {
                AttributeValue::Text(text) => self.attribute(name, text).into_owned(),
                AttributeValue::Binary(_) => STARS.to_owned(),
            });
        }
        shown
    }

    /// A whole message as it may be shown.
    pub fn message(&self, message: &Message) -> Message {
        Message {
            body: self.shown(&message.body, false).into_owned(),
            attributes: self.attributes(&message.attributes),
            ..message.clone()
        }
    }

    /// The same for a reader of the beginning: no more than `bytes` of it are looked at.
    pub fn beginning<'a>(&self, body: &'a str, bytes: usize, more: bool) -> Cow<'a, str> {
        if !self.is_on() || body.len() <= bytes {
            return self.shown(body, more);
        }
        let end = (0..=bytes).rev().find(|at| body.is_char_boundary(*at)).unwrap_or(0);
        self.shown(&body[..end], true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn shown<'a>(paths: &[&str], body: &'a str) -> Cow<'a, str> {
        Redaction::new(paths.iter().copied()).expect("valid paths").shown(body, false)
    }

    #[test]
    fn what_a_path_names_becomes_stars_and_every_other_byte_stays() {
        for (path, body, said) in [
            (
                "profile.email",
                r#"{ "profile": {"email":"a@b.c", "id":7}, "email":"own" }"#,
                r#"{ "profile": {"email":"***", "id":7}, "email":"own" }"#,
            ),
            ("profile", r#"{"profile":{"email":["a",{"b":1}]},"x":1}"#, r#"{"profile":"***","x":1}"#),
            (
                "to.*.email",
                r#"{"to":[{"email":1},{"email":null,"n":2}]}"#,
                r#"{"to":[{"email":"***"},{"email":"***","n":2}]}"#,
            ),
            ("to.1", r#"{"to":["a","b","c"]}"#, r#"{"to":["a","***","c"]}"#),
            ("to[1]", r#"{"to":["a","b","c"]}"#, r#"{"to":["a","***","c"]}"#),
            ("$.to[*].x", r#"{"to":[{"x":-1.5e3}, 2]}"#, r#"{"to":[{"x":"***"}, 2]}"#),
            ("*.email", r#"[{"email":true},{"mail":1}]"#, r#"[{"email":"***"},{"mail":1}]"#),
            (r"a\.b", r#"{"a.b":1,"a":{"b":2}}"#, r#"{"a.b":"***","a":{"b":2}}"#),
            (r#"["a.b"]"#, r#"{"a.b":1}"#, r#"{"a.b":"***"}"#),
            ("é", "{\"é\":\"日本\"}", "{\"é\":\"***\"}"),
        ] {
            assert_eq!(shown(&[path], body), said, "{path}");
        }
        let both = shown(&["a", "b.c"], r#"{"a":1,"b":{"c":2,"d":3}}"#);
        assert_eq!(both, r#"{"a":"***","b":{"c":"***","d":3}}"#);
    }

    #[test]
    fn nothing_is_touched_where_nothing_is_configured_or_named() {
        for body in ["no JSON", "", "\"a string\"", r#"{"a":1}"#] {
            assert!(matches!(NOTHING.shown(body, false), Cow::Borrowed(same) if same == body));
        }
        assert!(matches!(shown(&["b"], r#"{"a":1}"#), Cow::Borrowed(_)));
        assert_eq!(shown(&["b"], " 42 "), " 42 ", "a number has no members");
    }

    #[test]
    fn a_name_written_in_escapes_or_twice_is_found_all_the_same() {
        let body = r#"{"profile":{"em\u0061il":"a@b.c","email":"d@e.f"},"\u0070rofile":{"email":1}}"#;
        let said = r#"{"profile":{"em\u0061il":"***","email":"***"},"\u0070rofile":{"email":"***"}}"#;
        assert_eq!(shown(&["profile.email"], body), said);
    }

    #[test]
    fn what_is_not_json_is_not_shown_at_all() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for body in [
            "profile.email=a@b.c",
            "",
            "{'profile':{'email':'a@b.c'}}",
            r#"{profile:{"email":"a@b.c"}}"#,
            r#"{"a":1} a@b.c"#,
            "{\"a\":1}\n{\"profile\":{\"email\":\"a@b.c\"}}",
            r#"{"profile":{"email":"a@b.c""#,
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":1 "b":2}"#,
            r#"[1}"#,
            r#"{"a":a@b.c}"#,
            r#"{"\u12":1}"#,
            "{\"a\":\"line\nbreak\"}",
            "\u{feff}{\"profile\":{\"email\":\"a@b.c\"}}",
            deep.as_str(),
        ] {
            assert_eq!(shown(&["profile.email"], body), NOT_JSON, "{body}");
        }
        let twice = r#""{\"profile\":{\"email\":\"a@b.c\"}}""#;
        assert_eq!(shown(&["profile.email"], twice), ONE_STRING);
    }

    #[test]
    fn a_bomb_hurts_nobody() {
        for bomb in ["[".repeat(1_000_000), "{\"a\":".repeat(500_000), "\"".repeat(999_999), "\\".repeat(1_000_000)] {
            assert!([NOT_JSON, ONE_STRING].contains(&&*shown(&["a.b"], &bomb)));
            let head = Redaction::new(["a.b"]).expect("valid").beginning(&bomb, 4_096, false);
            assert!(head.len() <= 4_096);
        }
    }

    #[test]
    fn a_beginning_may_end_anywhere_and_still_tells_nothing() {
        let redaction = Redaction::new(["profile.email"]).expect("valid");
        let body = r#"{"run":"é","profile":{"email":{"a":"secret"},"id":7},"tags":[true,"x\"y"]}"#;
        for bytes in 0..=body.len() {
            let said = redaction.beginning(body, bytes, false);
            assert!(!said.contains("secret"), "{bytes}: {said}");
            assert_ne!(said, NOT_JSON, "{bytes}");
        }
        assert_eq!(redaction.beginning(body, 11, false), r#"{"run":"é""#);
        assert_eq!(redaction.beginning(body, 9, false), r#"{"run":""#, "never within a character");
    }

    #[test]
    fn an_attribute_is_hidden_by_its_name_and_searched_where_it_is_json() {
        let redaction = Redaction::new(["profile.email", "to.*"]).expect("paths");
        for (name, value, said) in [
            ("email", "a@b.c", "***"),
            ("kind", "order", "order"),
            ("context", r#"{"profile":{"email":"a@b.c"}}"#, r#"{"profile":{"email":"***"}}"#),
            ("context", "{broken a@b.c", NOT_JSON),
        ] {
            assert_eq!(redaction.attribute(name, value), said, "{name}");
            assert_eq!(NOTHING.attribute(name, value), value);
        }
    }

    #[test]
    fn a_path_that_is_none_is_said() {
        for (path, said) in [("", "empty"), ("$", "empty"), ("a..b", "two dots"), ("a.", "ends"), ("a[1", "closes")] {
            let wrong = Redaction::new([path]).expect_err(path);
            assert!(wrong.contains(said), "{path:?}: {wrong}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[ab]{1,2}|.{0,3}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The same by a parsed tree.
    fn by_tree(value: &mut Value, path: &[&str]) {
        let (Some(step), deeper) = (path.first(), path.get(1..).unwrap_or_default()) else { return };
        let into = |value: &mut Value| match deeper {
            [] => *value = Value::from("***"),
            deeper => by_tree(value, deeper),
        };
        match value {
            Value::Object(members) => {
                members.iter_mut().filter(|(name, _)| *step == "*" || name == step).for_each(|(_, value)| into(value));
            }
            Value::Array(items) => {
                let is = |n: usize| *step == "*" || *step == n.to_string();
                items.iter_mut().enumerate().filter(|(n, _)| is(*n)).for_each(|(_, value)| into(value));
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn it_redacts_what_a_parser_would_and_nothing_else(
            body in json(),
            path in prop::collection::vec(prop_oneof![Just("a"), Just("b"), Just("ab"), Just("*"), Just("0")], 1..4),
        ) {
            prop_assume!(!body.is_string());
            let mut wanted = body.clone();
            by_tree(&mut wanted, &path);
            for text in [body.to_string(), serde_json::to_string_pretty(&body).expect("a tree")] {
                let said = shown(&[path.join(".").as_str()], &text);
                let read: Value = serde_json::from_str(&said).expect("still JSON");
                prop_assert_eq!(&read, &wanted);
            }
        }

        #[test]
        fn no_text_makes_it_panic(body in "[\\[\\]{}\",:a\\\\0 \n.é]{0,60}", more in any::<bool>()) {
            let redaction = Redaction::new(["a", "*.a"]).expect("valid");
            let said = redaction.shown(&body, more);
            if !more && said != NOT_JSON && said != ONE_STRING {
                prop_assert!(serde_json::from_str::<Value>(&body).is_ok() || body.contains(['0', '\\']), "{}", body);
            }
        }
    }
}
