//! A log a function, bounded: Lambda's own lines (START, END, REPORT) and the handler's in rings of
//! their own, so that a busy function's reports do not push its error lines out.

use std::collections::{BTreeMap, VecDeque};

use crate::model::id::FunctionName;
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: Timestamp,
    /// Order among lines of one moment.
    pub number: u64,
    pub text: Box<str>,
}

#[derive(Debug, Default)]
pub struct Logs {
    functions: BTreeMap<FunctionName, Rings>,
    next: u64,
}

#[derive(Debug, Default)]
struct Rings {
    platform: VecDeque<Line>,
    handler: VecDeque<Line>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// Lambda itself.
    Platform,
    /// The function's code.
    Handler,
}

/// Lines kept for each voice of a function.
const KEPT: usize = 1_000;
/// Bytes kept of one line.
const MAX_LINE: usize = 2_048;

impl Logs {
    pub fn put(&mut self, function: &FunctionName, at: Timestamp, voice: Voice, text: &str) {
        let end = text.floor_char_boundary(MAX_LINE);
        let line = Line { at, number: self.next, text: text.get(..end).unwrap_or_default().into() };
        self.next += 1;
        if !self.functions.contains_key(function) {
            self.functions.insert(function.clone(), Rings::default());
        }
        let Some(rings) = self.functions.get_mut(function) else { return };
        let ring = match voice {
            Voice::Platform => &mut rings.platform,
            Voice::Handler => &mut rings.handler,
        };
        ring.push_back(line);
        if ring.len() > KEPT {
            ring.pop_front();
        }
    }

    /// Lines from `from` until before `to`, oldest first, at most the last `max`.
    pub fn lines(&self, function: &FunctionName, from: Timestamp, to: Timestamp, max: usize) -> Vec<&Line> {
        let Some(rings) = self.functions.get(function) else { return Vec::new() };
        let all = rings.platform.iter().chain(&rings.handler);
        let mut found: Vec<&Line> = all.filter(|line| (from..to).contains(&line.at)).collect();
        found.sort_by_key(|line| (line.at, line.number));
        found.drain(..found.len().saturating_sub(max));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_do_not_push_errors_out() {
        let mut logs = Logs::default();
        let function = FunctionName::from("JobWorker");
        logs.put(&function, Timestamp::from_s(1), Voice::Handler, "ERROR the step failed");
        for s in 0..5_000 {
            logs.put(&function, Timestamp::from_s(s), Voice::Platform, "REPORT");
        }
        let lines = logs.lines(&function, Timestamp::ZERO, Timestamp::from_s(10_000), 10_000);
        assert_eq!(lines.len(), KEPT + 1);
        assert_eq!(&*lines[0].text, "ERROR the step failed");
        assert_eq!(logs.lines(&function, Timestamp::ZERO, Timestamp::from_s(10_000), 3).len(), 3);
        assert!(logs.lines(&"other".into(), Timestamp::ZERO, Timestamp::from_s(9), 9).is_empty());
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let mut logs = Logs::default();
        logs.put(&"f".into(), Timestamp::ZERO, Voice::Handler, &"ä".repeat(5_000));
        let lines = logs.lines(&"f".into(), Timestamp::ZERO, Timestamp::from_s(1), 1);
        assert_eq!(lines[0].text.len(), MAX_LINE);
    }
}
