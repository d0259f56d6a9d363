//! Which objects a function's log names, and how the runs that named them ended. A name counts only where it
//! stands whole; a run has failed where a line of its request says so.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

use crate::model::log::LogLine;
use crate::model::object::Object;
use crate::model::time::Timestamp;
use crate::verdict::log::Trouble;
use crate::verdict::log::line::read;

/// A line that names an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention {
    pub at: Timestamp,
    /// The run that said it failed.
    pub failed: bool,
}

/// Shortest part of a key that is taken for its name.
const SHORTEST: usize = 8;

/// The requests that a log calls failed.
pub fn failed_requests(lines: &[LogLine]) -> BTreeSet<String> {
    let failed = lines.iter().map(|line| read(&line.text)).filter(|said| is_failure(said.trouble));
    failed.filter_map(|said| said.request).collect()
}

fn is_failure(trouble: Option<Trouble>) -> bool {
    trouble.is_some_and(|trouble| !matches!(trouble, Trouble::Warning | Trouble::Throttled))
}

/// Mentions by the object's place in `objects`, oldest first.
pub fn mentions(objects: &[Object], lines: &[LogLine], failed: &BTreeSet<String>) -> BTreeMap<usize, Vec<Mention>> {
    let names = Names::of(objects);
    let mut found: BTreeMap<usize, Vec<Mention>> = BTreeMap::new();
    for line in lines {
        let mut named: Vec<usize> = tokens(&line.text).filter_map(|token| names.find(token)).collect();
        named.sort_unstable();
        named.dedup();
        if named.is_empty() {
            continue;
        }
        let said = read(&line.text);
        let failed = is_failure(said.trouble) || said.request.is_some_and(|request| failed.contains(&request));
        for index in named {
            found.entry(index).or_default().push(Mention { at: line.at, failed });
        }
    }
    found.values_mut().for_each(|mentions| mentions.sort_by_key(|mention| mention.at));
    found
}

/// Whether a log can name it at all: it stands in one piece.
pub fn can_be_named(object: &Object) -> bool {
    object.name().len() >= SHORTEST && object.name().chars().all(is_part)
}

#[derive(Default)]
struct Names<'a> {
    /// Of keys, last parts and last parts without extension; `None` where several have it.
    by_name: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> Names<'a> {
    fn of(objects: &'a [Object]) -> Self {
        let mut names = Names::default();
        for (index, object) in objects.iter().enumerate() {
            let name = object.name();
            let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
            let own: BTreeSet<&str> = [object.key.as_str(), name, stem].into();
            for one in own.into_iter().filter(|one| one.len() >= SHORTEST) {
                let only = !names.by_name.contains_key(one);
                names.by_name.insert(one, only.then_some(index));
            }
        }
        names
    }

    fn find(&self, token: &str) -> Option<usize> {
        let token = token.trim_matches(|c: char| ".-+".contains(c));
        if token.len() < SHORTEST {
            return None;
        }
        let decoded = percent_decode_str(token).decode_utf8().ok()?;
        let last = decoded.rsplit('/').next().unwrap_or(&decoded);
        let whole = self.by_name.get(decoded.as_ref()).copied().flatten();
        whole.or_else(|| self.by_name.get(last).copied().flatten())
    }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_part(c) && !"/%".contains(c)).filter(|token| token.len() >= SHORTEST)
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.+".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f507cfc-a012-4c5d-9bb8-0123456789ab";

    fn object(key: &str) -> Object {
        Object { key: key.into(), size: 1, modified_at: Timestamp::ZERO, etag: String::new() }
    }

    fn line(text: &str) -> LogLine {
        LogLine { at: Timestamp::from_s(7), stream: "s".into(), id: text.into(), text: text.into() }
    }

    #[test]
    fn a_name_counts_where_it_stands_whole() {
        let objects = [
            "a/run-00000001.json",
            "a/run-00000002.json",
            "b/same-name.json",
            "c/same-name.json",
            "a/run-000000010.json",
        ];
        let objects = objects.map(object);
        let named = |text: &str| mentions(&objects, &[line(text)], &BTreeSet::new()).into_keys().collect::<Vec<_>>();
        assert_eq!(named("took up a/run-00000001.json."), [0]);
        assert_eq!(named(r#"{"key":"a%2Frun-00000002.json","run":"run-00000001"}"#), [0, 1]);
        assert_eq!(named("run-00000001x run-0000000 xrun-00000001 run-000000010"), [4]);
        assert_eq!(named("same-name.json and b/same-name.json"), [2], "two have the short name");
        assert!(can_be_named(&objects[0]) && !can_be_named(&object("a/b c d e f g")) && !can_be_named(&object("a/1")));
    }

    #[test]
    fn a_run_has_failed_when_a_line_of_its_request_says_so() {
        let objects = [object("a/run-00000001.json")];
        let told = line(&format!("[INFO]\t2026-01-01T00:00:00Z\t{ID}\ttook up a/run-00000001.json"));
        let ended = |lines: &[LogLine]| {
            let failed = failed_requests(lines);
            mentions(&objects, std::slice::from_ref(&told), &failed)[&0][0].failed
        };
        assert!(!ended(&[]));
        assert!(!ended(&[line(&format!("[WARNING]\t2026-01-01T00:00:00Z\t{ID}\tslow"))]));
        assert!(ended(&[line(&format!("2026-01-01T00:00:00Z {ID} Task timed out after 3.00 seconds"))]));
        let thrown = [line("[ERROR] AccessDenied: not allowed (a/run-00000001.json)")];
        assert!(mentions(&objects, &thrown, &BTreeSet::new())[&0][0].failed);
    }
}
