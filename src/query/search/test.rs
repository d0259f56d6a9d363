//! One term, and what it thinks of a message.

use std::cmp::Ordering;

use crate::model::message::{AttributeValue, Message};
use crate::model::time::Timestamp;
use crate::query::filter::{Word, contains_any_case};
use crate::query::kind::{Kind, Shape};

#[derive(Debug, Clone)]
pub(super) enum Test {
    /// Loosely in the kind, literally anywhere in the message.
    Word(Word),
    /// Literally, anywhere.
    Phrase(String),
    Step(String),
    From(String),
    Error(String),
    Form(String),
    Shape(Shape),
    Id(String),
    Group(String),
    HasAttribute(String),
    Attribute {
        name: String,
        value: String,
    },
    Redriven,
    AgeMs(Compare, i64),
    Count(Compare, u64),
    Bytes(Compare, u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Compare {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "<" => Compare::Less,
            "<=" => Compare::AtMost,
            "=" | ":" => Compare::Equal,
            ">=" => Compare::AtLeast,
            ">" => Compare::More,
            _ => return None,
        })
    }

    fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        let order = left.cmp(right);
        match self {
            Compare::Less => order == Ordering::Less,
            Compare::AtMost => order != Ordering::Greater,
            Compare::Equal => order == Ordering::Equal,
            Compare::AtLeast => order != Ordering::Less,
            Compare::More => order == Ordering::Greater,
        }
    }
}

impl Test {
    pub(super) fn takes(&self, message: &Message, kind: &Kind, now: Timestamp) -> bool {
        let system = &message.system;
        let is = |pattern: &str, text: Option<&str>| text.is_some_and(|text| glob(pattern, text));
        match self {
            Test::Word(word) => anywhere(message, |text| word.is_in(text)),
            Test::Phrase(phrase) => {
                anywhere(message, |text| text.contains(phrase.as_str())) || kind.to_string().contains(phrase.as_str())
            }
            Test::Step(pattern) => is(pattern, kind.step.as_deref()),
            Test::From(pattern) => is(pattern, kind.origin.as_deref()),
            Test::Error(text) => kind.error.as_deref().is_some_and(|error| contains_any_case(error, text)),
            Test::Form(text) => contains_any_case(&kind.form.to_string(), text),
            Test::Shape(shape) => kind.shape == *shape,
            Test::Id(pattern) => glob(pattern, message.id.as_str()),
            Test::Group(pattern) => is(pattern, system.group_id.as_deref()),
            Test::HasAttribute(name) => message.attributes.contains_key(name),
            Test::Attribute { name, value } => match message.attributes.get(name).map(|attribute| &attribute.value) {
                Some(AttributeValue::Text(text)) => glob(value, text),
                _ => false,
            },
            Test::Redriven => message.attributes.contains_key("redrive-from"),
            Test::AgeMs(compare, ms) => compare.holds(&now.ms_since(system.sent_at), ms),
            Test::Count(compare, count) => compare.holds(&u64::from(system.receive_count), count),
            Test::Bytes(compare, bytes) => compare.holds(&(message.size_bytes() as u64), bytes),
        }
    }
}

fn anywhere(message: &Message, found: impl Fn(&str) -> bool) -> bool {
    found(message.id.as_str())
        || found(&message.body)
        || message.attributes.iter().any(|(name, attribute)| {
            found(name) || matches!(&attribute.value, AttributeValue::Text(text) if found(text))
        })
}

/// Either case, `*` stands for anything. No recursion: the last star is the only place to go back to.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text) in [("a*c", "abbc"), ("*", ""), ("", ""), ("JOB*", "jobqueue"), ("*a*b*", "xxaxxbxx")] {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*c", "abbcd"), ("", "x"), ("job", "jobqueue"), ("*ab", "aba")] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }
}
