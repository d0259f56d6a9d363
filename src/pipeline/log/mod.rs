//! A log group a function, bounded: of each run what START, END and REPORT are written from, and the
//! handler's own lines in a ring of their own, so that a busy function's reports do not push its
//! error lines out. Lines are spelled when they are read.

mod answer;
pub mod line;
pub mod pattern;

use std::collections::{BTreeMap, VecDeque};

use crate::model::id::FunctionName;
use crate::model::time::Timestamp;
use crate::pipeline::rng::mix;

/// One line as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: Timestamp,
    /// Order among lines of one moment.
    pub number: u64,
    pub environment: Environment,
    pub text: String,
}

/// An execution environment: each writes a log stream of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Environment {
    id: u64,
    born: Timestamp,
}

/// What Lambda says about one run that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLog {
    /// The request id's number.
    pub run: u64,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub memory_mb: u32,
    /// The time-out it was cut off at, seconds.
    pub timed_out: Option<u32>,
}

#[derive(Debug, Default)]
pub struct Logs {
    functions: BTreeMap<FunctionName, Group>,
    next: u64,
}

#[derive(Debug, Default)]
struct Group {
    runs: VecDeque<(u64, Stay, RunLog)>,
    said: VecDeque<(u64, Timestamp, Environment, Box<str>)>,
    /// With the end of the last run in each.
    environments: Vec<(Environment, Timestamp)>,
    /// Where the handler that speaks now runs.
    current: Stay,
}

/// One run's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Stay {
    environment: Environment,
    /// The environment was made for it.
    cold: bool,
}

/// Runs kept of a function, and lines of its handler.
const KEPT_RUNS: usize = 6_000;
const KEPT_LINES: usize = 3_000;
/// Bytes kept of one line.
const MAX_LINE: usize = 2_048;
/// An environment that has nothing to do goes after this.
const IDLE_MS: i64 = 10 * 60 * 1000;

impl Logs {
    /// A run of the function is about to say what it did: its lines are those of the environment
    /// that was free when it started, or of a new one.
    pub fn enter(&mut self, function: &FunctionName, started_at: Timestamp, ends_at: Timestamp) {
        let group = self.group(function);
        group.environments.retain(|(_, last)| started_at.ms_since(*last) < IDLE_MS);
        let free = group.environments.iter_mut().filter(|(_, last)| *last <= started_at).max_by_key(|(_, last)| *last);
        group.current = match free {
            Some((environment, last)) => {
                *last = ends_at;
                Stay { environment: *environment, cold: false }
            }
            None => {
                let nth = group.environments.len() as u64;
                let id = mix(mix(started_at.ms() as u64) ^ mix(nth) ^ function.as_str().len() as u64);
                let environment = Environment { id, born: started_at };
                group.environments.push((environment, ends_at));
                Stay { environment, cold: true }
            }
        };
    }

    /// A line of the function's own code.
    pub fn say(&mut self, function: &FunctionName, at: Timestamp, text: &str) {
        let end = text.floor_char_boundary(MAX_LINE);
        let number = self.number();
        let group = self.group(function);
        let environment = group.current.environment;
        group.said.push_back((number, at, environment, text.get(..end).unwrap_or_default().into()));
        if group.said.len() > KEPT_LINES {
            group.said.pop_front();
        }
    }

    /// The run entered last is over.
    pub fn ended(&mut self, function: &FunctionName, run: RunLog) {
        let number = self.number();
        let group = self.group(function);
        let stay = group.current;
        group.runs.push_back((number, stay, run));
        if group.runs.len() > KEPT_RUNS {
            group.runs.pop_front();
        }
    }

    /// Lines from `from` until before `to`, oldest first; none of a function that never ran.
    pub fn lines(&self, function: &FunctionName, from: Timestamp, to: Timestamp) -> Vec<Line> {
        let Some(group) = self.functions.get(function) else { return Vec::new() };
        let within = |at: Timestamp| (from..to).contains(&at);
        let mut found: Vec<Line> = Vec::new();
        for (number, stay, run) in &group.runs {
            if within(run.started_at) || within(run.ended_at) {
                let spelled = line::of_run(run, stay.environment.id, stay.cold);
                let spelled = spelled.into_iter().map(|(at, text)| Line {
                    at,
                    number: *number,
                    environment: stay.environment,
                    text,
                });
                found.extend(spelled.filter(|line| within(line.at)));
            }
        }
        for (number, at, environment, text) in group.said.iter().filter(|(_, at, ..)| within(*at)) {
            found.push(Line { at: *at, number: *number, environment: *environment, text: text.to_string() });
        }
        // Stable: END, REPORT and the time-out of a run share its number.
        found.sort_by_key(|line| (line.at, line.number));
        found
    }

    fn group(&mut self, function: &FunctionName) -> &mut Group {
        if !self.functions.contains_key(function) {
            self.functions.insert(function.clone(), Group::default());
        }
        self.functions.entry(function.clone()).or_default()
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Environment {
    /// `2026/01/01/[$LATEST]0123…`
    pub fn stream(self) -> String {
        let day: String = self.born.to_string().chars().take(10).map(|c| if c == '-' { '/' } else { c }).collect();
        format!("{day}/[$LATEST]{:016x}{:016x}", self.id, mix(self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(logs: &mut Logs, function: &FunctionName, started_ms: i64, took_ms: i64) {
        let (from, to) = (Timestamp::from_ms(started_ms), Timestamp::from_ms(started_ms + took_ms));
        logs.enter(function, from, to);
        let run = RunLog { run: 7, started_at: from, ended_at: to, memory_mb: 256, timed_out: None };
        logs.ended(function, run);
    }

    #[test]
    fn reports_do_not_push_errors_out() {
        let mut logs = Logs::default();
        let function = FunctionName::from("JobWorker");
        logs.say(&function, Timestamp::from_s(1), "ERROR the step failed");
        for s in 0..9_000 {
            run(&mut logs, &function, s * 1000, 10);
        }
        let lines = logs.lines(&function, Timestamp::ZERO, Timestamp::from_s(10_000));
        assert_eq!(lines.len(), KEPT_RUNS * 3 + 1);
        assert_eq!(lines[0].text, "ERROR the step failed");
        assert!(logs.lines(&"other".into(), Timestamp::ZERO, Timestamp::from_s(9)).is_empty());
    }

    #[test]
    fn runs_at_the_same_time_write_different_streams_and_one_after_the_other_the_same() {
        let mut logs = Logs::default();
        let function = FunctionName::from("f");
        for (at, took) in [(0, 100), (50, 100), (200, 100), (IDLE_MS + 1_000, 100)] {
            run(&mut logs, &function, at, took);
        }
        let lines = logs.lines(&function, Timestamp::ZERO, Timestamp::from_s(10_000));
        let starts: Vec<&Line> = lines.iter().filter(|line| line.text.starts_with("START")).collect();
        assert_ne!(starts[0].environment, starts[1].environment, "both were busy");
        assert!(starts[2].environment == starts[1].environment, "the one used last is free again");
        let cold = lines.iter().filter(|line| line.text.contains("Init Duration")).count();
        assert_eq!(cold, 3, "two at the start, and one after a long rest");
        assert!(starts[0].environment.stream().starts_with("1970/01/01/[$LATEST]"));
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let mut logs = Logs::default();
        logs.say(&"f".into(), Timestamp::ZERO, &"ä".repeat(5_000));
        assert_eq!(logs.lines(&"f".into(), Timestamp::ZERO, Timestamp::from_s(1))[0].text.len(), MAX_LINE);
    }
}
