//! The `if` of a step: literals, accessors, comparisons, `&& || !` and parentheses (aws-facts §9).
//! No calls, no arithmetic: a condition cannot run long or fail.

use std::fmt;

use serde_json::Value;

use crate::automation::accessor::{Scope, segments};

/// How deep parentheses and `!` may nest; a limit of ours, so that a text cannot exhaust the stack.
pub const MAX_DEPTH: usize = 32;
/// Longest condition read, in bytes; a limit of ours.
pub const MAX_BYTES: usize = 4096;

#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A number, a text, true, false or null.
    Literal(Value),
    /// `data.foo`
    Path(String),
    Not(Box<Condition>),
    /// True when all are (`&&`); at least two.
    All(Vec<Condition>),
    /// True when one is (`||`); at least two.
    Any(Vec<Condition>),
    Compare(Box<Condition>, Comparison, Box<Condition>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a text is no condition, and at which byte that shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at character {at}")]
pub struct ConditionError {
    pub what: String,
    /// Counted in characters, from 1.
    pub at: usize,
}

impl Condition {
    pub fn parse(text: &str) -> Result<Condition, ConditionError> {
        if text.len() > MAX_BYTES {
            return Err(ConditionError { what: format!("the condition is longer than {MAX_BYTES} bytes"), at: 1 });
        }
        let mut parser = Parser { text, at: 0, depth: 0 };
        let condition = parser.any()?;
        parser.spaces();
        if parser.at < text.len() { Err(parser.error("unexpected text")) } else { Ok(condition) }
    }

    /// Whether the step is to run. What leads nowhere is null, and null is not true.
    pub fn holds(&self, scope: &Scope<'_>) -> bool {
        match self {
            Condition::Not(inner) => !inner.holds(scope),
            Condition::All(parts) => parts.iter().all(|p| p.holds(scope)),
            Condition::Any(parts) => parts.iter().any(|p| p.holds(scope)),
            Condition::Compare(left, how, right) => how.holds(&left.value(scope), &right.value(scope)),
            Condition::Literal(_) | Condition::Path(_) => truthy(&self.value(scope)),
        }
    }

    fn value(&self, scope: &Scope<'_>) -> Value {
        match self {
            Condition::Literal(value) => value.clone(),
            Condition::Path(path) => scope.lookup(path).unwrap_or(Value::Null),
            other => Value::Bool(other.holds(scope)),
        }
    }
}

/// As in the designer's JavaScript: false, null, 0 and the empty text are not true.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64().is_some_and(|n| n != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

impl Comparison {
    /// Numbers compare as numbers and texts as texts; of different kinds nothing is less or equal.
    fn holds(self, left: &Value, right: &Value) -> bool {
        let order = match (left, right) {
            (Value::Number(l), Value::Number(r)) => l.as_f64().and_then(|l| l.partial_cmp(&r.as_f64()?)),
            (Value::String(l), Value::String(r)) => Some(l.cmp(r)),
            _ => (left == right).then_some(std::cmp::Ordering::Equal),
        };
        match self {
            Comparison::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
            Comparison::NotEqual => !order.is_some_and(std::cmp::Ordering::is_eq),
            Comparison::Less => order.is_some_and(std::cmp::Ordering::is_lt),
            Comparison::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
            Comparison::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
            Comparison::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

/// Signs as written, longest first; `===` and `==` mean the same here.
const SIGNS: [(&str, Comparison); 8] = [
    ("===", Comparison::Equal),
    ("!==", Comparison::NotEqual),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl fmt::Display for Condition {
    /// With every parenthesis that may be needed; parses back to the same condition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Condition], sign: &str| {
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    write!(f, " {sign} ")?;
                }
                write!(f, "{}", Bracketed(part))?;
            }
            Ok(())
        };
        match self {
            Condition::Literal(value) => write!(f, "{value}"),
            Condition::Path(path) => f.write_str(path),
            Condition::Not(inner) => write!(f, "!{}", Bracketed(inner)),
            Condition::All(parts) => joined(f, parts, "&&"),
            Condition::Any(parts) => joined(f, parts, "||"),
            Condition::Compare(left, how, right) => {
                write!(f, "{} {} {}", Bracketed(left), how.sign(), Bracketed(right))
            }
        }
    }
}

struct Bracketed<'a>(&'a Condition);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            leaf @ (Condition::Literal(_) | Condition::Path(_)) => write!(f, "{leaf}"),
            other => write!(f, "({other})"),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset; always at a character's start.
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.all()?];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.comparison()?];
        while self.take("&&") {
            parts.push(self.comparison()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn comparison(&mut self) -> Result<Condition, ConditionError> {
        let left = self.operand()?;
        let Some((_, how)) = SIGNS.into_iter().find(|(sign, _)| self.take(sign)) else { return Ok(left) };
        let right = self.operand()?;
        Ok(Condition::Compare(Box::new(left), how, Box::new(right)))
    }

    fn operand(&mut self) -> Result<Condition, ConditionError> {
        self.spaces();
        if self.depth >= MAX_DEPTH {
            return Err(self.error(&format!("nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let operand = self.operand_inside();
        self.depth -= 1;
        operand
    }

    fn operand_inside(&mut self) -> Result<Condition, ConditionError> {
        if self.take("(") {
            let inner = self.any()?;
            return if self.take(")") { Ok(inner) } else { Err(self.error("expected `)`")) };
        }
        if self.take("${") {
            let path = self.path()?;
            return if self.take("}") { Ok(path) } else { Err(self.error("expected `}`")) };
        }
        match self.rest().chars().next() {
            None => Err(self.error("expected a value")),
            Some('!') => {
                self.at += 1;
                Ok(Condition::Not(Box::new(self.operand()?)))
            }
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            Some('{') => self.reference(),
            Some(c) if c.is_ascii_digit() || c == '-' => self.number(),
            Some(_) => Ok(match self.path()? {
                Condition::Path(word) if word == "true" => Condition::Literal(Value::Bool(true)),
                Condition::Path(word) if word == "false" => Condition::Literal(Value::Bool(false)),
                Condition::Path(word) if word == "null" || word == "undefined" => Condition::Literal(Value::Null),
                path => path,
            }),
        }
    }

    /// `{"$ref": "data.foo"}`
    fn reference(&mut self) -> Result<Condition, ConditionError> {
        let begun = self.at;
        self.at += 1;
        let read = (|| {
            let name = self.string_word()?;
            let path = if self.take(":") { self.string_word()? } else { return None };
            (name == "$ref" && segments(&path).is_some() && self.take("}")).then_some(path)
        })();
        read.map(Condition::Path).ok_or_else(|| {
            self.at = begun;
            self.error("expected {\"$ref\": \"data.…\"}")
        })
    }

    fn string_word(&mut self) -> Option<String> {
        self.spaces();
        match self.quoted('"').ok()? {
            Condition::Literal(Value::String(word)) => Some(word),
            _ => None,
        }
    }

    /// A text in either quotes; `\` takes the next character as it is, `\n` and `\t` as usual.
    fn quoted(&mut self, quote: char) -> Result<Condition, ConditionError> {
        let (mut out, mut escaped) = (String::new(), false);
        if !self.rest().starts_with(quote) {
            return Err(self.error("expected a text"));
        }
        if quote == '"' {
            return self.json_string();
        }
        for (offset, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => {
                    out.push(match c {
                        'n' => '\n',
                        't' => '\t',
                        c => c,
                    });
                    escaped = false;
                }
                '\\' => escaped = true,
                c if c == quote => {
                    self.at += offset + c.len_utf8();
                    return Ok(Condition::Literal(Value::String(out)));
                }
                c => out.push(c),
            }
        }
        Err(self.error("a text that does not end"))
    }

    fn json_string(&mut self) -> Result<Condition, ConditionError> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        match values.next() {
            Some(Ok(text)) => {
                self.at += values.byte_offset();
                Ok(Condition::Literal(Value::String(text)))
            }
            _ => Err(self.error("a text that does not end or holds a bad escape")),
        }
    }

    fn number(&mut self) -> Result<Condition, ConditionError> {
        let part_of = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        let end = self.rest().find(|c| !part_of(c)).unwrap_or(self.rest().len());
        match serde_json::from_str::<serde_json::Number>(&self.rest()[..end]) {
            Ok(number) => {
                self.at += end;
                Ok(Condition::Literal(Value::Number(number)))
            }
            Err(_) => Err(self.error("not a number")),
        }
    }

    fn path(&mut self) -> Result<Condition, ConditionError> {
        self.spaces();
        let part_of = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '[' | ']' | '-');
        let end = self.rest().find(|c| !part_of(c)).unwrap_or(self.rest().len());
        let word = &self.rest()[..end];
        if segments(word).is_none() {
            return Err(self.error("expected a value such as data.name, 5, 'text' or true"));
        }
        let path = Condition::Path(word.to_owned());
        self.at += end;
        Ok(path)
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, sign: &str) -> bool {
        self.spaces();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    fn error(&self, what: &str) -> ConditionError {
        ConditionError { what: what.to_owned(), at: self.text[..self.at].chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn holds(text: &str) -> bool {
        let context = json!({"data": {"n": 5, "name": "Ada", "off": false, "list": [1], "empty": ""}});
        let scope = Scope { context: &context, overlay: None, recipient: Some("user-1") };
        Condition::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).holds(&scope)
    }

    #[test]
    fn conditions_hold_as_they_read() {
        for text in [
            "true",
            "data.n == 5",
            "data.n >= 5 && data.n < 6",
            "data.name === 'Ada'",
            "!data.off",
            "${data.n} != 4",
            "{\"$ref\": \"data.n\"} > 4.5",
            "data.missing == null",
            "!(data.n > 9 || data.off)",
            "recipient == \"user-1\"",
            "data.list[0] == 1",
            "data.off || data.n",
            "(1 < 2) == true || !false",
            "'b' > 'a'",
            "data.n > -1",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in
            ["data.missing", "data.empty", "0", "data.name > 3", "data.n == '5'", "data.n && data.off", "!data.n"]
        {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_says_where() {
        let cases = [
            ("", 1),
            ("data.n ==", 10),
            ("(data.n", 8),
            ("data.n data.m", 8),
            ("'open", 1),
            ("5x", 1),
            ("${data.n", 9),
            ("data..n", 1),
            ("data.f(1)", 7),
            ("{\"ref\": 1}", 1),
            ("é && ", 6),
        ];
        for (text, at) in cases {
            assert_eq!(Condition::parse(text).expect_err(text).at, at, "{text}");
        }
        let deep = format!("{}1{}", "(".repeat(40), ")".repeat(40));
        assert!(Condition::parse(&deep).expect_err("too deep").what.contains("deep"));
        let nots = format!("{}1", "!".repeat(MAX_BYTES - 1));
        assert!(Condition::parse(&nots).expect_err("too deep").what.contains("deep"));
        assert!(Condition::parse(&"1".repeat(MAX_BYTES + 1)).expect_err("too long").what.contains("longer"));
    }

    fn condition() -> impl Strategy<Value = Condition> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(|n| Condition::Literal(json!(n))),
            "[a-zé\"'\\\\\n]{0,6}".prop_map(|t| Condition::Literal(json!(t))),
            any::<bool>().prop_map(|b| Condition::Literal(json!(b))),
            "(data|profile)(\\.[a-z]{1,4}(\\[[0-9]\\])?){1,2}".prop_map(Condition::Path),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let some = proptest::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                inner.clone().prop_map(|c| Condition::Not(Box::new(c))),
                some.clone().prop_map(Condition::All),
                some.prop_map(Condition::Any),
                (inner.clone(), 0usize..SIGNS.len(), inner).prop_map(|(l, how, r)| Condition::Compare(
                    Box::new(l),
                    SIGNS[how].1,
                    Box::new(r)
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_condition_survives_its_text(condition in condition()) {
            prop_assert_eq!(Condition::parse(&condition.to_string()), Ok(condition));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[ ()!&|=<>{}\"'$a-c.\\[\\]0-9eé\\\\-]{0,40}") {
            let _ = Condition::parse(&text);
        }
    }
}
