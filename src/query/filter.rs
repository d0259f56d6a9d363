//! Words. In short texts (names, kinds) they are found loosely, letters in order; in bodies
//! literally, because in a long text loose letters are found everywhere.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A filter ready to be asked. Small letters match both cases, capitals match themselves.
pub struct Filter {
    words: Vec<Word>,
    matcher: Matcher,
    buffer: Vec<char>,
}

/// One word to look for.
#[derive(Debug, Clone)]
pub(in crate::query) struct Word {
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
}

/// What a loose search needs beside the word.
pub(in crate::query) struct Loose {
    matcher: Matcher,
    buffer: Vec<char>,
}

impl Loose {
    pub(in crate::query) fn finds(&mut self, word: &Word, text: &str) -> bool {
        word.score(text, &mut self.matcher, &mut self.buffer).is_some()
    }
}

impl Word {
    pub(in crate::query) fn matcher() -> Loose {
        Loose { matcher: Matcher::new(Config::DEFAULT), buffer: Vec::new() }
    }

    pub(in crate::query) fn new(text: &str) -> Self {
        Word {
            text: text.to_owned(),
            pattern: Pattern::new(text, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy),
            any_case: !text.chars().any(char::is_uppercase),
        }
    }

    fn score(&self, text: &str, matcher: &mut Matcher, buffer: &mut Vec<char>) -> Option<u32> {
        self.pattern.score(Utf32Str::new(text, buffer), matcher)
    }

    pub(in crate::query) fn is_in(&self, text: &str) -> bool {
        if self.any_case { contains_any_case(text, &self.text) } else { text.contains(&self.text) }
    }
}

/// Substring search that takes ASCII letters of either case for the same. Bodies are searched by the
/// hundred thousand: nothing is copied, and the first byte is looked for before the rest.
pub(in crate::query) fn contains_any_case(text: &str, word: &str) -> bool {
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
    #[test]
    fn names_are_found_loosely() {
        let mut filter = Filter::new("jdlq").expect("a word");
        assert!(filter.takes(&["JobDLQ"]));
        assert!(!filter.takes(&["JobQueue"]));
        assert!(Filter::new("   ").is_none());
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
