//! One scenario of `assets/scenarios/verdicts/`: when its fault starts and ends is read from its
//! timeline, which rule it is about from its name, how soon that rule must speak from the rule.

use redrive::model::finding::Finding;
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::time::Timestamp;
use redrive::scenario::Scenario;
use redrive::verdict::{Bound, bound_of};

use super::observer::{Observer, START};

/// Seconds between two looks: a console's pace for what is in view.
const LOOK_S: i64 = 60;
/// Not on the minute: nobody polls in step with CloudWatch.
const OFFSET_S: i64 = 17;

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
    /// Findings before the fault that are more than a note, as `sign rule`.
    pub early: Vec<String>,
    /// What the rule said first.
    pub first: Option<Finding>,
    /// A remedy that changes settings was offered for it.
    pub tuned: bool,
}

impl Case {
    /// `lane-stuck-partial` is about `lane-stuck`: the longest rule its name begins with.
    pub fn of(scenario: Scenario) -> Self {
        let rules = redrive::verdict::BOUNDS.iter().map(|(rule, _)| *rule);
        let rule = rules.filter(|rule| scenario.name.starts_with(rule)).max_by_key(|rule| rule.len());
        let rule = rule.unwrap_or_else(|| panic!("{} is named after no rule", scenario.name)).to_owned();
        let timeline = scenario.blueprint(scenario.history_s).timeline;
        let at = |on: bool| {
            let entry = timeline.iter().find(|entry| entry.on == on);
            let entry = entry.unwrap_or_else(|| panic!("{}: its timeline switches nothing {on}", scenario.name));
            START.plus_s(i64::try_from(entry.after_s).expect("seconds of a run"))
        };
        let (from, to) = (at(true), at(false));
        let bound = bound_of(&rule).expect("it is one of the table");
        Case { rule, scenario, from, to, bound }
    }

    pub fn play(&self, seed: u64) -> Came {
        let mut observer = Observer::new(self.scenario.blueprint(self.scenario.history_s), seed);
        let mut came = Came::default();
        let end = self.to.plus_s(i64::from(self.bound.clears_s) + 3_600);
        let mut at = START.plus_s(OFFSET_S);
        while at < end {
            let findings = observer.look(at);
            let ours = findings.iter().find(|finding| finding.rule == self.rule);
            if at < self.from {
                let told = |finding: &&Finding| finding.severity <= redrive::model::finding::Severity::Warning;
                came.early.extend(
                    findings.iter().filter(told).map(|f| format!("{} {} at {}", f.severity, f.rule, at.clock())),
                );
            } else if came.fired_s.is_none() {
                if came.shown_s.is_none() && self.shows(&observer) {
                    came.shown_s = Some(at.ms_since(self.from) / 1000);
                }
                if let Some(finding) = ours {
                    came.fired_s = Some(at.ms_since(self.from) / 1000);
                    came.shown_s.get_or_insert(at.ms_since(self.from) / 1000);
                    came.first = Some(finding.clone());
                }
            }
            if let Some(finding) = ours {
                came.tuned |= finding.remedies.iter().any(|remedy| remedy.command == "tune");
            }
            if at > self.to {
                let since_s = at.ms_since(self.to) / 1000;
                if came.gone_s.is_none() && !self.shows(&observer) {
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

    /// Whether what is published, or read by our own polls, shows the fault now.
    fn shows(&self, observer: &Observer) -> bool {
        let lambda = |name: &str, stat| {
            let function = if self.scenario.name.contains("job") { "JobWorker" } else { "LogWorker" };
            newest(observer, &MetricKey::lambda(&function.into(), name, stat))
        };
        let queue = |queue: &str, name: &str| newest(observer, &MetricKey::sqs(&queue.into(), name, Stat::Maximum));
        match self.rule.as_str() {
            "falling-behind" | "lane-stuck" => lambda("IteratorAge", Stat::Maximum).is_some_and(|age| age > 30_000.0),
            "failing" => lambda("Errors", Stat::Sum).is_some_and(|n| n > 0.0),
            "throttled" => lambda("Throttles", Stat::Sum).is_some_and(|n| n > 0.0),
            "backlog-growing" => queue("JobQueue", "ApproximateAgeOfOldestMessage").is_some_and(|age| age > 30.0),
            // Four fifths of the function's minute.
            "near-time-out" => lambda("Duration", Stat::P95).is_some_and(|ms| ms > 48_000.0),
            "dead-letters-arriving" => {
                let depths = observer.picture.depths.get(&"JobDLQ".into());
                depths.is_some_and(|depths| {
                    let recent = depths.iter().rev().take(10);
                    let counts: Vec<u64> = recent.map(|(_, counts)| counts.total()).collect();
                    counts.first() > counts.last()
                })
            }
            "stopped" => observer.picture.mappings.values().any(|seen| {
                !matches!(
                    seen.value.state,
                    redrive::model::mapping::MappingState::Enabled | redrive::model::mapping::MappingState::Enabling
                )
            }),
            other => panic!("what shows {other}?"),
        }
    }
}

/// The newest datapoint, whatever its age.
fn newest(observer: &Observer, key: &MetricKey) -> Option<f64> {
    observer.picture.metrics.get(key)?.newest().map(|(_, value)| value)
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
