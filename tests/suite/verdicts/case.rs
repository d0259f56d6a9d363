//! One scenario of `assets/scenarios/verdicts/`: when its fault starts and ends is read from its
//! timeline, which rule it is about from its name, how soon that rule must speak from the rule.

use redrive::model::finding::{Finding, Severity};
use redrive::model::time::Timestamp;
use redrive::pipeline::request::{Request, SqsRequest};
use redrive::scenario::Scenario;
use redrive::verdict::{Bound, bound_of};

use super::observer::{Observer, START};
use super::shown::shows;

/// Seconds between two looks: a console's pace for what is in view.
const LOOK_S: i64 = 60;
/// Not on the minute: nobody polls in step with CloudWatch.
const OFFSET_S: i64 = 17;

/// The first minutes of a run have no past to judge by.
const UNSETTLED_S: i64 = 1_200;

pub struct Case {
    /// `lane-stuck`
    pub rule: String,
    pub scenario: Scenario,
    pub from: Timestamp,
    pub to: Timestamp,
    pub bound: Bound,
}

#[derive(Debug, Default)]
pub struct Came {
    /// Seconds from the fault's start until it could be seen at all, and until the rule spoke.
    pub shown_s: Option<i64>,
    pub fired_s: Option<i64>,
    /// Seconds from the fault's end until nothing of it can be seen, and until the rule was silent.
    pub gone_s: Option<i64>,
    pub cleared_s: Option<i64>,
    /// Findings before the fault that are more than a note, and the rule itself, as `sign rule`.
    pub early: Vec<String>,
    /// What the rule said first.
    pub first: Option<Finding>,
    /// A remedy that changes settings was offered while the fault lasted, by whatever rule.
    pub tuned: bool,
}

impl Case {
    /// `lane-stuck-partial` is about `lane-stuck`: the longest rule its name begins with.
    pub fn of(scenario: Scenario) -> Self {
        let rules = redrive::verdict::BOUNDS.iter().map(|(rule, _)| *rule);
        let rule = rules.filter(|rule| scenario.name.starts_with(rule)).max_by_key(|rule| rule.len());
        let rule = rule.unwrap_or_else(|| panic!("{} is named after no rule", scenario.name)).to_owned();
        let (from, to) = fault(&scenario);
        let bound = bound_of(&rule).expect("it is one of the table");
        Case { rule, scenario, from, to, bound }
    }

    pub fn play(&self, seed: u64) -> Came {
        let mut observer = Observer::new(self.scenario.blueprint(self.scenario.history_s), seed);
        let mut orders = self.scenario.operations(self.scenario.history_s);
        orders.reverse();
        let mut came = Came::default();
        let end = self.to.plus_s(i64::from(self.bound.clears_s) + 3_600);
        let mut at = START.plus_s(OFFSET_S);
        while at < end {
            while let Some((_, request)) = orders.pop_if(|(after_s, _)| START.plus_s(whole(*after_s)) <= at) {
                observer.order(request);
            }
            let findings = observer.look(at);
            let ours = findings.iter().find(|finding| finding.rule == self.rule);
            if at < START.plus_s(UNSETTLED_S) {
                // Nothing is published yet: blind is what it is.
            } else if at < self.from {
                came.early
                    .extend(self.early(&findings).map(|f| format!("{} {} at {}", f.severity, f.rule, at.clock())));
            } else if came.fired_s.is_none() {
                if came.shown_s.is_none() && shows(self, &observer) {
                    came.shown_s = Some(at.ms_since(self.from) / 1000);
                }
                if let Some(finding) = ours {
                    came.fired_s = Some(at.ms_since(self.from) / 1000);
                    came.shown_s.get_or_insert(at.ms_since(self.from) / 1000);
                    came.first = Some(finding.clone());
                }
            }
            if at > self.from && at <= self.to {
                came.tuned |= findings.iter().flat_map(|found| &found.remedies).any(|remedy| remedy.command == "tune");
            }
            if at > self.to {
                let since_s = at.ms_since(self.to) / 1000;
                if came.gone_s.is_none() && !shows(self, &observer) {
                    came.gone_s = Some(since_s);
                }
                if ours.is_none() && came.fired_s.is_some() {
                    came.cleared_s.get_or_insert(since_s);
                    if came.gone_s.is_some() {
                        break;
                    }
                } else {
                    came.cleared_s = None;
                }
            }
            at = at.plus_s(LOOK_S);
        }
        came
    }

    /// What was said although nothing was wrong yet: anything that is more than a note, and the rule
    /// itself. A consumer that catches up was late before, by the nature of the thing.
    fn early<'a>(&'a self, findings: &'a [Finding]) -> impl Iterator<Item = &'a Finding> {
        let late_before = self.rule == "catching-up";
        findings
            .iter()
            .filter(move |finding| finding.rule == self.rule || (!late_before && finding.severity <= Severity::Warning))
    }
}

/// The first switch that goes on; the last that goes off, or the redrive that takes the dead letters away.
fn fault(scenario: &Scenario) -> (Timestamp, Timestamp) {
    let timeline = scenario.blueprint(scenario.history_s).timeline;
    let moved =
        |(_, request): &&(u64, Request)| matches!(request, Request::Sqs(SqsRequest::StartMessageMoveTask { .. }));
    let redriven = scenario.operations(scenario.history_s).iter().find(moved).map(|(after_s, _)| *after_s);
    let on = timeline.iter().find(|entry| entry.on).map(|entry| entry.after_s);
    let off = timeline.iter().rev().find(|entry| !entry.on).map(|entry| entry.after_s);
    let at = |after_s: Option<u64>, what: &str| {
        let after_s = after_s.unwrap_or_else(|| panic!("{}: its timeline switches nothing {what}", scenario.name));
        START.plus_s(whole(after_s))
    };
    (at(on, "on"), at(redriven.or(off), "off"))
}

fn whole(after_s: u64) -> i64 {
    i64::try_from(after_s).expect("seconds of a run")
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenarios/verdicts");

/// Every scenario of the folder.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(FOLDER).expect("the folder is there");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

pub fn scenario(name: &str) -> Scenario {
    redrive::scenario::find(&format!("{FOLDER}/{name}.toml")).unwrap_or_else(|error| panic!("{error}"))
}
