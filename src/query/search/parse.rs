//! From text to terms, and the completion of what is begun.

use crate::model::duration;
use crate::model::qualifier::{QUALIFIERS, Qualifier, Takes};
use crate::query::filter::Word;
use crate::query::kind::Shape;
use crate::query::search::test::{Compare, Test};
use crate::query::search::{Fault, Term};

type Parsed = (Vec<Term>, Option<String>);

pub(super) fn parse(text: &str) -> Result<Parsed, Fault> {
    let mut reader = Reader { text, at: 0 };
    let mut terms = Vec::new();
    if text.trim_start().starts_with('.') {
        return Ok((terms, Some(text.trim().to_owned())));
    }
    loop {
        reader.skip_space();
        if reader.rest().is_empty() {
            return Ok((terms, None));
        }
        let negated = reader.eat("-");
        if reader.rest().starts_with("jq:") {
            if negated {
                return Err(reader.fault("jq cannot be left out with -; write jq: … | not"));
            }
            reader.at += "jq:".len();
            let program = reader.rest().trim();
            if program.is_empty() {
                return Err(reader.fault("jq: wants a program behind it, jq: .body.step > 2"));
            }
            return Ok((terms, Some(program.to_owned())));
        }
        if negated && (reader.rest().is_empty() || reader.rest().starts_with(char::is_whitespace)) {
            reader.at -= 1;
            return Err(reader.fault("- leaves out what follows it, and nothing does; quote it to look for it"));
        }
        terms.push(Term { negated, test: reader.test()? });
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Bytes taken.
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        self.fault_at(self.at, what)
    }

    fn fault_at(&self, byte: usize, what: impl Into<String>) -> Fault {
        Fault { at: self.text[..byte].chars().count(), what: what.into() }
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// Up to the next space, or a quoted phrase; `\"` and `\\` inside one stand for themselves.
    fn value(&mut self) -> Result<String, Fault> {
        let start = self.at;
        if !self.eat("\"") {
            let rest = self.rest();
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            self.at += end;
            return Ok(rest[..end].to_owned());
        }
        let mut value = String::new();
        let mut escaped = false;
        for (index, c) in self.rest().char_indices() {
            match c {
                '"' | '\\' if escaped => value.push(c),
                '\\' => {}
                '"' => {
                    self.at += index + 1;
                    return Ok(value);
                }
                _ if escaped => value.extend(['\\', c]),
                c => value.push(c),
            }
            escaped = c == '\\' && !escaped;
        }
        Err(self.fault_at(start, "the quote is not closed"))
    }

    fn test(&mut self) -> Result<Test, Fault> {
        if self.rest().starts_with('"') {
            return Ok(Test::Phrase(self.value()?));
        }
        let start = self.at;
        let Some((name, operator)) = self.qualifier() else { return Ok(Test::Word(Word::new(&self.value()?))) };
        let (key, attribute) = match name.split_once('.') {
            Some(("attr", attribute)) => ("attr", Some(attribute)),
            _ => (name, None),
        };
        let Some(qualifier) = QUALIFIERS.iter().find(|qualifier| qualifier.name == key) else {
            let names: Vec<&str> = QUALIFIERS.iter().map(|qualifier| qualifier.name).collect();
            let what = format!("no qualifier {name}; there are {}; quote it to look for the text", names.join(", "));
            return Err(self.fault_at(start, what));
        };
        let operator_at = start + name.len();
        self.at = operator_at + operator.len();
        let value_at = self.at;
        let value = self.value()?;
        let judged = if qualifier.is_named() && operator != ":" || operator == ":" && is_compared_only(qualifier) {
            return Err(self.fault_at(operator_at, format!("write it as {}", qualifier.example)));
        } else if value.is_empty() {
            Err(format!("nothing behind {name}{operator}; {}", qualifier.example))
        } else {
            judge(qualifier, attribute, operator, value)
        };
        judged.map_err(|what| self.fault_at(value_at, what))
    }

    /// A name and the operator behind it, when what comes looks like a qualifier: small letters, and
    /// not `http://`. Anything else is a word.
    fn qualifier(&self) -> Option<(&'a str, &'a str)> {
        let rest = self.rest();
        let end = rest.find([':', '<', '>', '=', '"', ' ', '\t', '\n'])?;
        let (name, behind) = rest.split_at(end);
        let operator = ["<=", ">=", "<", ">", "=", ":"].into_iter().find(|operator| behind.starts_with(operator))?;
        let key = name.split('.').next().unwrap_or(name);
        let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase());
        let dotted = key == "attr" || key == name;
        (plain && dotted && !behind.starts_with("://")).then_some((name, operator))
    }
}

fn is_compared_only(qualifier: &Qualifier) -> bool {
    matches!(qualifier.takes, Takes::Duration | Takes::Bytes)
}

fn judge(qualifier: &Qualifier, attribute: Option<&str>, operator: &str, value: String) -> Result<Test, String> {
    let compare = Compare::parse(operator).unwrap_or(Compare::Equal);
    Ok(match (qualifier.name, qualifier.takes) {
        ("step", _) => Test::Step(value),
        ("from", _) => Test::From(value),
        ("error", _) => Test::Error(value),
        ("form", _) => Test::Form(value),
        ("id", _) => Test::Id(value),
        ("group", _) => Test::Group(value),
        ("attr", _) => match attribute {
            None => Test::HasAttribute(value),
            Some("") => return Err("which attribute? attr.tenant:acme*".to_owned()),
            Some(name) => Test::Attribute { name: name.to_owned(), value },
        },
        ("is", _) if value == "redriven" => Test::Redriven,
        (_, Takes::Word(words)) => match Shape::ALL.into_iter().find(|shape| shape.word() == value) {
            Some(shape) if qualifier.name == "kind" => Test::Shape(shape),
            _ => return Err(format!("{}: is one of {}", qualifier.name, words.join(", "))),
        },
        (_, Takes::Duration) => {
            let s = duration::parse(&value)?;
            Test::AgeMs(compare, i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1000))
        }
        (_, Takes::Bytes) => Test::Bytes(compare, bytes(&value)?),
        _ => Test::Count(compare, value.parse().map_err(|_| format!("{value:?} is no number; {}", qualifier.example))?),
    })
}

fn bytes(text: &str) -> Result<u64, String> {
    let small = text.to_ascii_lowercase();
    let digits = small.find(|c: char| !c.is_ascii_digit()).unwrap_or(small.len());
    let unit = match &small[digits..] {
        "" | "b" => 1,
        "k" | "kb" => 1024,
        "m" | "mb" => 1024 * 1024,
        _ => return Err(format!("{text:?} is no size; write 10kb, 1mb or 500b")),
    };
    let count: u64 = small[..digits].parse().map_err(|_| format!("{text:?} is no size; write 10kb"))?;
    Ok(count.saturating_mul(unit))
}

/// The line with its last word completed, as far as there is only one way on; `None` where nothing
/// fits.
pub fn complete(text: &str) -> Option<String> {
    if text.contains("jq:") || text.trim_start().starts_with('.') {
        return None;
    }
    let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let (before, word) = text.split_at(start);
    let (sign, word) = match word.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", word),
    };
    if word.is_empty() {
        return None;
    }
    let candidates: Vec<String> = QUALIFIERS
        .iter()
        .flat_map(|qualifier| match qualifier.takes {
            Takes::Word(words) => words.iter().map(|word| format!("{}:{word} ", qualifier.name)).collect(),
            _ if qualifier.is_named() => vec![format!("{}:", qualifier.name)],
            _ => vec![format!("{}>", qualifier.name)],
        })
        .filter(|candidate| candidate.starts_with(word))
        .collect();
    let first = candidates.first()?;
    let common = candidates.iter().fold(first.len(), |len, other| {
        first.bytes().zip(other.bytes()).take(len).take_while(|(one, other)| one == other).count()
    });
    Some(format!("{before}{sign}{}", &first[..common]))
}
