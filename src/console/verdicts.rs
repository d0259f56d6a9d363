//! Asks the rules what they think of the picture, keeps their answer in the order it is shown, and
//! says which metrics the rules and the charts need.

use std::collections::BTreeSet;

use crate::console::Console;
use crate::console::rows::finding_key;
use crate::model::finding::Finding;
use crate::model::id::FunctionName;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::topology::NodeKind;

impl Console {
    /// Judges anew: worst first, acknowledged ones last, and forgets acknowledgements of what got
    /// worse. One whose finding comes and goes is kept.
    pub(in crate::console) fn judge(&mut self) {
        let mut findings: Vec<Finding> = Vec::new();
        self.acknowledged.retain(|key, acknowledged| {
            !findings.iter().any(|finding| finding_key(finding) == *key && finding.severity < acknowledged.severity)
        });
        findings.sort_by_key(|finding| (self.acknowledgement(finding).is_some(), finding.severity));
        self.findings = findings;
        self.judged_at = Some(self.mono);
    }

    /// The picture is older than a few seconds and nothing arrived since it was judged: ages grow
    /// all the same.
    pub(in crate::console) fn judgement_is_old(&self) -> bool {
        self.judged_at.is_none_or(|at| self.mono.ms_since(at) >= REJUDGE_MS) && self.frozen_at.is_none()
    }
}

/// Local milliseconds.
const REJUDGE_MS: u64 = 5_000;

/// Every metric that the rules judge or a chart draws.
pub(in crate::console) fn wanted(picture: &Picture) -> BTreeSet<MetricKey> {
    charted(picture)
}

/// What the charts and rows draw.
fn charted(picture: &Picture) -> BTreeSet<MetricKey> {
    let mut keys = BTreeSet::new();
    let mut functions: BTreeSet<FunctionName> = BTreeSet::new();
    for mapping in picture.mappings.values().map(|mapping| &mapping.value) {
        functions.insert(mapping.function.clone());
        if mapping.kind().is_stream() {
            keys.extend(
                [Stat::Maximum, Stat::Minimum].map(|stat| MetricKey::lambda(&mapping.function, "IteratorAge", stat)),
            );
        }
    }
    if let Some(topology) = &picture.topology {
        let nodes = topology.value.nodes.iter().filter(|node| node.kind == NodeKind::Function);
        functions.extend(nodes.map(|node| FunctionName::from(node.name.as_str())));
    }
    for function in &functions {
        keys.extend(FUNCTION.map(|(name, stat)| MetricKey::lambda(function, name, stat)));
    }
    for queue in picture.queues.keys() {
        keys.extend(QUEUE.map(|(name, stat)| MetricKey::sqs(queue, name, stat)));
    }
    keys
}

const FUNCTION: [(&str, Stat); 5] = [
    ("Invocations", Stat::Sum),
    ("Errors", Stat::Sum),
    ("Throttles", Stat::Sum),
    ("Duration", Stat::P95),
    ("ConcurrentExecutions", Stat::Maximum),
];

const QUEUE: [(&str, Stat); 4] = [
    ("ApproximateNumberOfMessagesVisible", Stat::Maximum),
    ("ApproximateAgeOfOldestMessage", Stat::Maximum),
    ("NumberOfMessagesSent", Stat::Sum),
    ("NumberOfMessagesDeleted", Stat::Sum),
];
