//! What the map says about one stage of the pipeline: its sign, its name and the figures that tell
//! whether work waits there.

use std::collections::BTreeMap;

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::{Arn, FunctionName, MappingId, QueueName};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::metric::{MetricKey, Stat};
use crate::model::observed::Observed;
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::{Timestamp, spoken};
use crate::model::topology::{Node, NodeKind};
use crate::ui::widget::figure;
use crate::ui::widget::reading;

/// Longest name drawn on the map; a person knows their functions by less.
pub const NAME_COLUMNS: u16 = 26;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stage {
    pub sign: Option<Severity>,
    pub name: String,
    /// Under the name, or behind it; empty where AWS publishes nothing.
    pub figure: String,
    /// The figure in as few columns as can be.
    pub brief: String,
    /// The figure is older than it should be.
    pub stale: bool,
}

/// Reads stages out of a picture; the worst finding of everything is looked up once.
#[derive(Debug)]
pub struct Stages<'a> {
    picture: &'a Picture,
    now: Timestamp,
    worst: BTreeMap<&'a Subject, Severity>,
    queues: BTreeMap<&'a Arn, &'a Observed<Queue>>,
    mappings: BTreeMap<&'a FunctionName, Vec<&'a Mapping>>,
}

impl<'a> Stages<'a> {
    pub fn new(picture: &'a Picture, findings: impl IntoIterator<Item = &'a Finding>, now: Timestamp) -> Self {
        let mut worst: BTreeMap<&Subject, Severity> = BTreeMap::new();
        for finding in findings {
            let known = worst.entry(&finding.subject).or_insert(finding.severity);
            *known = (*known).min(finding.severity);
        }
        let queues = picture.queues.values().map(|queue| (&queue.value.arn, queue)).collect();
        let mut mappings: BTreeMap<&FunctionName, Vec<&Mapping>> = BTreeMap::new();
        for mapping in picture.mappings.values() {
            mappings.entry(&mapping.value.function).or_default().push(&mapping.value);
        }
        Stages { picture, now, worst, queues, mappings }
    }

    pub fn worst(&self, subject: &Subject) -> Option<Severity> {
        self.worst.get(subject).copied()
    }

    /// What to say about a node.
    pub fn stage(&self, node: &Node) -> Stage {
        match node.kind {
            NodeKind::Queue => self.queue(node),
            NodeKind::Function => self.function(node),
            _ => Stage { name: node.name.clone(), ..Stage::default() },
        }
    }

    fn queue(&self, node: &Node) -> Stage {
        let Some(seen) = self.queues.get(&node.arn) else {
            return Stage {
                name: node.name.clone(),
                figure: figure::MISSING.to_owned(),
                brief: figure::MISSING.to_owned(),
                ..Stage::default()
            };
        };
        Stage {
            sign: self.worst(&Subject::Queue(QueueName::new(seen.value.name.as_str()))),
            name: node.name.clone(),
            figure: counts(&seen.value),
            brief: ready(&seen.value),
            stale: seen.stale.is_some(),
        }
    }

    fn function(&self, node: &Node) -> Stage {
        let function = FunctionName::new(node.name.as_str());
        let mut sign = self.worst(&Subject::Function(function.clone()));
        let mut figures = Vec::new();
        let mut stopped = false;
        for mapping in self.mappings.get(&function).into_iter().flatten() {
            let found = self.worst(&Subject::Mapping(mapping.id.clone()));
            sign = match (sign, found) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            stopped |= mapping.state == MappingState::Disabled;
        }
        if stopped {
            figures.push("stopped".to_owned());
        }
        let age = MetricKey::lambda(&function, "IteratorAge", Stat::Maximum);
        if let Some((_, age_ms)) = reading::newest(&self.picture.metrics, &age, self.now) {
            figures.push(format!("age {}", spoken(age_ms as i64)));
        }
        let runs = MetricKey::lambda(&function, "Invocations", Stat::Sum);
        match reading::per_s(&self.picture.metrics, &runs, self.now) {
            Some(rate) => figures.push(figure::rate_of(rate, "runs")),
            None if figures.is_empty() => figures.push(figure::MISSING.to_owned()),
            None => {}
        }
        Stage {
            sign,
            name: node.name.clone(),
            brief: figures.first().cloned().unwrap_or_default(),
            figure: figures.join(" · "),
            stale: self.picture.metrics_error.is_some(),
        }
    }

    /// `batch 100 · parallel 1`, of the mapping that leads to a stage.
    pub fn settings(&self, mapping: &MappingId) -> String {
        self.picture.mappings.get(mapping).map(|mapping| settings(&mapping.value)).unwrap_or_default()
    }
}

/// `~412 ready · ~18 in flight`; what is 0 besides the first is left out.
pub fn counts(queue: &Queue) -> String {
    let counts = queue.counts;
    let mut text = ready(queue);
    if counts.in_flight > 0 {
        text.push_str(&format!(" · {} in flight", figure::about_short(counts.in_flight)));
    }
    if counts.delayed > 0 {
        text.push_str(&format!(" · {} delayed", figure::about_short(counts.delayed)));
    }
    text
}

fn ready(queue: &Queue) -> String {
    let ready = figure::about_short(queue.counts.visible);
    if queue.is_dead_letter() { ready } else { format!("{ready} ready") }
}

/// The settings that decide how fast a mapping works.
pub fn settings(mapping: &Mapping) -> String {
    let settings = &mapping.settings;
    let mut parts = vec![format!("batch {}", figure::or_missing(settings.batch_size))];
    if mapping.kind().is_stream() {
        parts.push(format!("parallel {}", figure::or_missing(settings.parallelization_factor)));
    }
    if let Some(limit) = settings.max_concurrency {
        parts.push(format!("at most {limit} at once"));
    }
    if let Some(window) = settings.window_s.filter(|window| *window > 0) {
        parts.push(format!("window {window} s"));
    }
    if !matches!(mapping.state, MappingState::Enabled | MappingState::Disabled) {
        parts.push(mapping.state.to_string());
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::queue::QueueCounts;
    use crate::ui::fixture;

    #[test]
    fn a_queue_says_what_is_ready_and_what_is_held() {
        let picture = fixture::picture();
        let queue = &picture.queues[&QueueName::from("JobQueue")].value;
        assert_eq!(counts(queue), "~412 ready · ~18 in flight · ~7 delayed");
        let mut empty = queue.clone();
        empty.counts = QueueCounts::default();
        assert_eq!(counts(&empty), "~0 ready");
    }

    #[test]
    fn a_function_without_metrics_says_so() {
        let mut picture = fixture::picture();
        picture.metrics = Default::default();
        let node = Node { arn: "f".into(), kind: NodeKind::Function, name: "Nobody".into() };
        assert_eq!(Stages::new(&picture, &[], fixture::now()).stage(&node).figure, figure::MISSING);
    }
}
