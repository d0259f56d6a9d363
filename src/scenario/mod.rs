//! Scenario files: what the embedded pipeline is made of, what arrives, what goes wrong, what an
//! operator does when, and how it must end. A file says only how it differs from the standard
//! pipeline; its schema is in `assets/scenarios/README.md`. Nothing here runs anything.

pub mod action;
mod alarm;
mod assembly;
pub mod error;
pub mod expect;
mod file;
mod fleet;
mod library;
mod part;
#[cfg(test)]
mod play;
mod switch;
mod value;

use std::path::Path;

use crate::model::id::FunctionName;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::{Blueprint, TimelineEntry};
use crate::pipeline::request::Request;
use crate::scenario::action::Action;
use crate::scenario::error::ScenarioError;
use crate::scenario::expect::Expect;

/// The scenario the sandbox runs unless told otherwise.
pub const DEFAULT: &str = "night-shift";

#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// `night-shift`, or the file's name without `.toml`.
    pub name: String,
    /// One line: what an engineer finds.
    pub title: String,
    /// Virtual seconds to run before the console opens.
    pub history_s: u32,
    /// Without a timeline, which depends on how much history is run: [`Scenario::blueprint`].
    base: Blueprint,
    /// Seconds from the opening of the console (negative: during the history), switch, on or off.
    switching: Vec<(i64, String, bool)>,
    /// Seconds from the opening, and the function that gets new code then.
    deploys: Vec<(i64, FunctionName)>,
    /// Seconds from the opening, and what an operator does then.
    actions: Vec<(i64, Action)>,
    pub expect: Option<Expect>,
}

/// The built-in scenarios: name and title, the default first.
pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
    library::FILES.iter().map(|(name, text)| (*name, library::title(text)))
}

/// The built-in scenario of that name, or the one in that file: what `--scenario` takes.
///
/// # Errors
/// There is neither such a scenario nor such a file, or the file is wrong: where and why.
pub fn find(name_or_path: &str) -> Result<Scenario, ScenarioError> {
    if let Some((name, text)) = library::FILES.iter().find(|(name, _)| *name == name_or_path) {
        return parse(name, &format!("{name}.toml"), text);
    }
    if !name_or_path.contains('/') && !name_or_path.ends_with(".toml") {
        let known = library::FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        return Err(ScenarioError::Unknown { name: name_or_path.to_owned(), known });
    }
    let path = Path::new(name_or_path);
    let text = std::fs::read_to_string(path)
        .map_err(|why| ScenarioError::Unreadable { file: name_or_path.to_owned(), why: why.to_string() })?;
    let name = path.file_stem().map_or_else(|| name_or_path.to_owned(), |stem| stem.to_string_lossy().into_owned());
    parse(&name, name_or_path, &text)
}

/// Reads a scenario's text. `file` is what errors call it.
///
/// # Errors
/// The first thing that is wrong with it: file, line, key and why.
pub fn parse(name: &str, file: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let scenario = assembly::scenario(name, file, text)?;
    // What only the pipeline can tell (the bodies of the mix, for one) is found here and not when
    // the sandbox starts.
    Pipeline::new(scenario.blueprint(scenario.history_s), 0, Timestamp::ZERO)
        .map_err(|error| error::of_blueprint(file, text, &error))?;
    Ok(scenario)
}

impl Scenario {
    /// What to build when the console opens `history_s` virtual seconds after the start. What the
    /// timeline switches before that start is switched at it.
    pub fn blueprint(&self, history_s: u32) -> Blueprint {
        let entry = |(at_s, switch, on): &(i64, String, bool)| TimelineEntry {
            after_s: after(*at_s, history_s),
            switch: switch.clone(),
            on: *on,
        };
        let deploy = |(at_s, function): &(i64, FunctionName)| (after(*at_s, history_s), function.clone());
        Blueprint {
            timeline: self.switching.iter().map(entry).collect(),
            deploys: self.deploys.iter().map(deploy).collect(),
            ..self.base.clone()
        }
    }

    /// What an operator does: seconds after the start and the request to make then, in order.
    pub fn operations(&self, history_s: u32) -> Vec<(u64, Request)> {
        let request = |(at_s, action): &(i64, Action)| (after(*at_s, history_s), action.request(&self.base));
        self.actions.iter().map(request).collect()
    }
}

/// Seconds after the start of what happens `at_s` after an opening that is `history_s` after it.
fn after(at_s: i64, history_s: u32) -> u64 {
    u64::try_from(at_s.saturating_add(i64::from(history_s))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_is_right() {
        for (name, title) in built_in() {
            let scenario = find(name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((scenario.name.as_str(), scenario.title.as_str()), (name, title));
            assert!(!title.is_empty() && scenario.expect.is_some(), "{name}");
            let switches = scenario.base.switches.iter().map(|s| s.name.as_str()).collect::<Vec<_>>();
            for wanted in ["surge", "poison", "slow-index", "throttled", "failing-step", "stopped"] {
                assert!(switches.contains(&wanted), "{name} lacks {wanted}");
            }
        }
        assert_eq!(built_in().next().map(|(name, _)| name), Some(DEFAULT));
    }

    #[test]
    fn times_count_from_the_opening() {
        let text = "title = 't'\n[[timeline]]\nat_s = -60\nswitch = 'surge'\non = true\n\
                    [[timeline]]\nat_s = 30\ntune = 'LogWorker'\nparallelization_factor = 5\n";
        let scenario = parse("t", "t.toml", text).expect("right");
        assert_eq!(scenario.blueprint(100).timeline[0].after_s, 40);
        assert_eq!(scenario.blueprint(0).timeline[0].after_s, 0);
        assert_eq!(scenario.operations(100)[0].0, 130);
    }

    #[test]
    fn neither_a_name_nor_a_file_is_said_clearly() {
        let error = find("nigth-shift").expect_err("no such scenario").to_string();
        assert!(error.contains("nigth-shift") && error.contains("night-shift, steady"), "{error}");
        let error = find("./no/such.toml").expect_err("no such file").to_string();
        assert!(error.contains("./no/such.toml"), "{error}");
    }
}
