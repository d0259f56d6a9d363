//! Filtering by text. Every word must be found: in short texts (names, ids, kinds) loosely, letters
//! in order; in bodies literally, because in a long text loose letters are found everywhere.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::model::message::{AttributeValue, Message};

/// A filter ready to be asked. Small letters match both cases, capitals match themselves.
pub struct Filter {
    words: Vec<Word>,
    matcher: Matcher,
    buffer: Vec<char>,
}

struct Word {
    text: String,
    pattern: Pattern,
    any_case: bool,
}

impl Filter {
    /// `None` when there is nothing to look for: everything matches.
    pub fn new(text: &str) -> Option<Self> {
        let words: Vec<Word> = text.split_whitespace().map(Word::new).collect();
        (!words.is_empty()).then(|| Filter { words, matcher: Matcher::new(Config::DEFAULT), buffer: Vec::new() })
    }

    /// True when every word is in one of these short texts.
    pub fn takes(&mut self, texts: &[&str]) -> bool {
        let Filter { words, matcher, buffer } = self;
        words.iter().all(|word| texts.iter().any(|text| word.score(text, matcher, buffer).is_some()))
    }

    /// How well the text matches, more is better; `None` when it does not.
    pub fn score(&mut self, text: &str) -> Option<u32> {
        let Filter { words, matcher, buffer } = self;
        words.iter().map(|word| word.score(text, matcher, buffer)).sum()
    }

    /// Which of the words are in a kind's text (loosely): asked once a kind, not once a message.
    pub fn in_kind(&mut self, kind: &str) -> InKind {
        let Filter { words, matcher, buffer } = self;
        InKind(words.iter().map(|word| word.score(kind, matcher, buffer).is_some()).collect())
    }

    /// True when every word is in the message's kind, or literally in its id, its body or the text of
    /// its attributes.
    pub fn takes_message(&self, message: &Message, kind: &InKind) -> bool {
        self.words.iter().zip(&kind.0).all(|(word, in_kind)| {
            *in_kind
                || word.is_in(message.id.as_str())
                || word.is_in(&message.body)
                || message.attributes.iter().any(|(name, attribute)| {
                    word.is_in(name) || matches!(&attribute.value, AttributeValue::Text(text) if word.is_in(text))
                })
        })
    }
}

/// What [`Filter::in_kind`] found, word by word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InKind(Vec<bool>);

impl Word {
    fn new(text: &str) -> Self {
        Word {
            text: text.to_owned(),
            pattern: Pattern::new(text, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy),
            any_case: !text.chars().any(char::is_uppercase),
        }
    }

    fn score(&self, text: &str, matcher: &mut Matcher, buffer: &mut Vec<char>) -> Option<u32> {
        self.pattern.score(Utf32Str::new(text, buffer), matcher)
    }

    fn is_in(&self, text: &str) -> bool {
        if self.any_case { contains_any_case(text, &self.text) } else { text.contains(&self.text) }
    }
}

/// Substring search that takes ASCII letters of either case for the same. Bodies are searched by the
/// hundred thousand: nothing is copied, and the first byte is looked for before the rest.
fn contains_any_case(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some((first, rest)) = word.split_first() else { return true };
    let (small, capital) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let mut at = 0;
    while at + word.len() <= text.len() {
        let last = text.len() - rest.len();
        let Some(found) = text[at..last].iter().position(|byte| *byte == small || *byte == capital) else {
            return false;
        };
        let next = at + found + 1;
        if text[next..next + rest.len()].eq_ignore_ascii_case(rest) {
            return true;
        }
        at = next;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attribute, Attributes, SystemAttributes};

    fn message(body: &str) -> Message {
        Message {
            id: "5fea7756-0ea4-451a-a703-a558b933e274".into(),
            receipt: "r".into(),
            body: body.to_owned(),
            attributes: Attributes::from([("Tenant".to_owned(), Attribute::text("acme"))]),
            system: SystemAttributes::default(),
        }
    }

    #[test]
    fn names_are_found_loosely() {
        let mut filter = Filter::new("jdlq").expect("a word");
        assert!(filter.takes(&["JobDLQ"]));
        assert!(!filter.takes(&["JobQueue"]));
        assert!(Filter::new("   ").is_none());
    }

    #[test]
    fn every_word_must_be_somewhere_in_a_message() {
        let message = message(r#"{"action":"send","to":"ann@example.com"}"#);
        let takes = |text: &str| {
            let mut filter = Filter::new(text).expect("a word");
            let kind = filter.in_kind("JobQueue · send");
            filter.takes_message(&message, &kind)
        };
        assert!(takes("ANN@example.com") == message.body.contains("ANN@example.com"));
        for found in ["ann", "jq", "5fea7756", "acme send", "tenant"] {
            assert!(takes(found), "{found}");
        }
        for missing in ["bob", "ann bob", "axe", "Ann"] {
            assert!(!takes(missing), "{missing}");
        }
    }

    #[test]
    fn searching_ends_at_the_end() {
        assert!(contains_any_case("abC", "bc"));
        assert!(!contains_any_case("ab", "abc"));
        assert!(contains_any_case("", ""));
        assert!(!contains_any_case("", "a"));
        assert!(contains_any_case("ééx", "x"));
    }
}
