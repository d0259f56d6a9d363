//! A function's log as it was read: some lines of a window, and what reading them took.

use crate::model::id::FunctionName;
use crate::model::time::Timestamp;

/// Where a function's lines go unless its configuration names another group.
pub fn default_group(function: &FunctionName) -> String {
    format!("/aws/lambda/{function}")
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub at: Timestamp,
    pub stream: String,
    /// CloudWatch's own: the same line has the same id however often it is read.
    pub id: String,
    pub text: String,
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogAsk {
    pub group: String,
    pub from: Timestamp,
    /// Inclusive.
    pub to: Timestamp,
    /// What the lines must hold besides, as typed.
    pub grep: Option<String>,
}

/// What one reading brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogReading {
    pub group: String,
    pub from: Timestamp,
    pub to: Timestamp,
    /// From when on everything asked for was read: later than `from` when the budget ran out.
    pub complete_from: Timestamp,
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// True when the log was too busy to be read whole: then only lines that look like trouble, and a
    /// sample of the reports, were asked for.
    pub filtered: bool,
    pub requests: u32,
    pub bytes: u64,
}

impl LogReading {
    /// The budget ran out before the window's beginning.
    pub fn is_cut(&self) -> bool {
        self.complete_from > self.from
    }

    /// Adds what a later reading brought; the oldest lines go first when there are too many.
    pub fn extend(&mut self, later: LogReading) {
        let known: std::collections::BTreeSet<&str> = self.lines.iter().map(|line| line.id.as_str()).collect();
        let new: Vec<LogLine> = later.lines.into_iter().filter(|line| !known.contains(line.id.as_str())).collect();
        self.lines.extend(new);
        self.lines.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let surplus = self.lines.len().saturating_sub(MAX_LINES);
        self.lines.drain(..surplus);
        if let (true, Some(first)) = (surplus > 0, self.lines.first()) {
            self.complete_from = self.complete_from.max(first.at);
        }
        self.to = self.to.max(later.to);
        self.filtered |= later.filtered;
        self.requests += later.requests;
        self.bytes += later.bytes;
    }

    /// Lines older than the window are let go.
    pub fn keep_from(&mut self, from: Timestamp) {
        self.lines.retain(|line| line.at >= from);
        self.from = self.from.max(from);
        self.complete_from = self.complete_from.max(from);
    }
}

/// Lines kept of one function.
pub const MAX_LINES: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(lines: std::ops::Range<i64>) -> LogReading {
        let line =
            |n: i64| LogLine { at: Timestamp::from_s(n), stream: "s".into(), id: format!("{n:09}"), text: "x".into() };
        let to = Timestamp::from_s(lines.end);
        LogReading { lines: lines.map(line).collect(), to, requests: 1, bytes: 10, ..LogReading::default() }
    }

    #[test]
    fn a_line_read_twice_is_there_once_and_the_oldest_go() {
        let mut all = reading(0..10);
        all.extend(reading(5..15));
        assert_eq!((all.lines.len(), all.to, all.requests), (15, Timestamp::from_s(15), 2));
        all.extend(reading(0..MAX_LINES as i64 + 5));
        assert_eq!((all.lines.len(), all.complete_from), (MAX_LINES, Timestamp::from_s(5)));
        all.keep_from(Timestamp::from_s(MAX_LINES as i64));
        assert_eq!(all.lines.len(), 5);
    }
}
