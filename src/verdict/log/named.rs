//! Which lines name something by its id, literally: a word of the line is the id, whole. That is all that
//! ties a line to a message; a line of the same time is of the same time and no more.

use std::collections::BTreeMap;

use crate::model::log::LogLine;
use crate::verdict::log::line::read;

/// The lines of a log by the ids that stand in them.
#[derive(Debug)]
pub struct Naming<'a> {
    lines: &'a [LogLine],
    /// By word: the newest line that is trouble, or else the newest.
    words: BTreeMap<&'a str, (bool, usize)>,
}

impl<'a> Naming<'a> {
    /// `lines` are oldest first.
    pub fn new(lines: &'a [LogLine]) -> Self {
        let mut words: BTreeMap<&str, (bool, usize)> = BTreeMap::new();
        for (n, line) in lines.iter().enumerate() {
            let trouble = read(&line.text).trouble.is_some();
            for word in line.text.split(|c: char| !is_of_word(c)).filter(|word| is_id(word)) {
                let known = words.entry(word).or_insert((trouble, n));
                if trouble >= known.0 {
                    *known = (trouble, n);
                }
            }
        }
        Naming { lines, words }
    }

    /// The line that names one of these, the first of them that is named.
    pub fn line_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<&'a LogLine> {
        let at = names.into_iter().filter(|name| is_id(name)).find_map(|name| self.words.get(name))?;
        self.lines.get(at.1)
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

/// Long enough, and with a digit: `send` or `12` in a line names nothing.
fn is_id(word: &str) -> bool {
    word.len() >= ID_LEAST && word.bytes().any(|byte| byte.is_ascii_digit())
}

const ID_LEAST: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    #[test]
    fn a_line_is_about_what_it_names_whole_and_nothing_else() {
        let line = |s: i64, text: &str| LogLine {
            at: Timestamp::from_s(s),
            stream: "s".to_owned(),
            id: s.to_string(),
            text: text.to_owned(),
        };
        let lines = [
            line(1, "START RequestId: 5fea7756-0ea4-451a-a703-a558b933e274"),
            line(2, "[ERROR] ProviderError: 503 (run run-000012, step 1)"),
            line(3, "run-000012 done with run-0000123"),
            line(4, "[ERROR] send failed 12 times"),
        ];
        let naming = Naming::new(&lines);
        let at = |names: &[&str]| naming.line_of(names.iter().copied()).map(|line| line.at.s());
        assert_eq!(at(&["run-000012"]), Some(2), "the error, though a later line names it too");
        assert_eq!(at(&["run-0000123"]), Some(3));
        assert_eq!(at(&["run-00001"]), None, "a part of a word names nothing");
        assert_eq!(at(&["12", "send"]), None, "nor does what is too short to be an id");
        assert_eq!(at(&["nobody-1", "5fea7756-0ea4-451a-a703-a558b933e274"]), Some(1));
    }
}
