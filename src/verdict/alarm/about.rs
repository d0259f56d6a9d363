//! What of the picture an alarm is about.

use crate::model::alarm::{Alarm, AlarmKind, AlarmMetric};
use crate::model::finding::Subject;
use crate::model::id::{AlarmName, FunctionName, MappingId, QueueName};
use crate::model::picture::Picture;
use crate::model::topology::{EdgeKind, NodeKind};

/// In the order of its metrics, or of its children, each once; empty when it is about nothing here.
/// Told by dimensions and not by namespaces, so that custom and Lambda Insights metrics count too.
pub fn about(picture: &Picture, alarm: &Alarm) -> Vec<Subject> {
    let mut subjects = Vec::new();
    collect(picture, alarm, &mut Vec::new(), &mut subjects);
    subjects
}

fn collect(picture: &Picture, alarm: &Alarm, seen: &mut Vec<AlarmName>, subjects: &mut Vec<Subject>) {
    if seen.contains(&alarm.name) {
        return;
    }
    seen.push(alarm.name.clone());
    match &alarm.kind {
        AlarmKind::Metric(kind) => {
            for subject in kind.metrics.iter().flat_map(|metric| of_metric(picture, metric)) {
                if !subjects.contains(&subject) {
                    subjects.push(subject);
                }
            }
        }
        AlarmKind::Composite { .. } => {
            let Some(alarms) = picture.alarms.as_ref().map(|observed| &observed.value) else { return };
            let mut children: Vec<&Alarm> = alarm.children().iter().filter_map(|name| alarms.get(name)).collect();
            // A composite alarm that fires is about what fires in it, in the first place.
            children.sort_by_key(|child| !child.fires());
            children.into_iter().for_each(|child| collect(picture, child, seen, subjects));
        }
    }
}

fn of_metric(picture: &Picture, metric: &AlarmMetric) -> Vec<Subject> {
    let found = metric.dimensions.iter().find_map(|(name, value)| {
        let subjects = of_dimension(picture, name, value);
        (!subjects.is_empty()).then_some(subjects)
    });
    found.unwrap_or_default()
}

fn of_dimension(picture: &Picture, name: &str, value: &str) -> Vec<Subject> {
    match name {
        "EventSourceMappingUUID" => {
            let id = MappingId::from(value);
            picture.mappings.contains_key(&id).then_some(Subject::Mapping(id)).into_iter().collect()
        }
        "FunctionName" | "function_name" => function(picture, value).into_iter().collect(),
        "LogGroupName" => {
            value.strip_prefix("/aws/lambda/").and_then(|name| function(picture, name)).into_iter().collect()
        }
        "QueueName" => {
            let queue = QueueName::from(value);
            picture.queues.contains_key(&queue).then_some(Subject::Queue(queue)).into_iter().collect()
        }
        "TableName" => of_node(picture, NodeKind::Table, value),
        "StreamName" => of_node(picture, NodeKind::KinesisStream, value),
        "BucketName" => of_node(picture, NodeKind::Bucket, value),
        "TopicName" => of_node(picture, NodeKind::Topic, value),
        _ => Vec::new(),
    }
}

/// A function that is drawn: a mapping feeds it, or something leads to or from it.
fn function(picture: &Picture, name: &str) -> Option<Subject> {
    let name = FunctionName::from(name);
    let fed = picture.mappings_of(&name).next().is_some();
    let mut nodes = picture.topology.iter().flat_map(|topology| &topology.value.nodes);
    let drawn = fed || nodes.any(|node| node.kind == NodeKind::Function && node.name == name.as_str());
    drawn.then_some(Subject::Function(name))
}

/// A thing that is no subject itself stands for who reads it; where nobody does, for who writes it.
fn of_node(picture: &Picture, kind: NodeKind, name: &str) -> Vec<Subject> {
    let Some(topology) = picture.topology.as_ref().map(|observed| &observed.value) else { return Vec::new() };
    let Some(node) = topology.nodes.iter().find(|node| node.kind == kind && node.name == name) else {
        return Vec::new();
    };
    let edges = || topology.edges.iter();
    let mut subjects: Vec<Subject> = edges()
        .filter(|edge| edge.from == node.arn)
        .filter_map(|edge| match &edge.kind {
            EdgeKind::Mapping(id) => Some(Subject::Mapping(id.clone())),
            EdgeKind::Invokes => topology.node(&edge.to).and_then(|to| function(picture, &to.name)),
            _ => None,
        })
        .collect();
    if subjects.is_empty() {
        let writers = edges().filter(|edge| edge.to == node.arn && edge.kind == EdgeKind::InferredWrite);
        let writers = writers.filter_map(|edge| topology.node(&edge.from));
        subjects.extend(writers.filter_map(|from| function(picture, &from.name)));
    }
    subjects.dedup();
    subjects
}
