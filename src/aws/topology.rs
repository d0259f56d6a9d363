//! The pipeline's picture from what the account says: mappings, redrive policies, on-failure
//! destinations, resource policies, and environment values that equal a known name. Pure; what is
//! not known is not drawn, and no name is known beforehand.

use std::collections::BTreeMap;

use crate::aws::function::{Surroundings, name_in};
use crate::model::id::Arn;
use crate::model::mapping::Mapping;
use crate::model::queue::Queue;
use crate::model::topology::{Edge, EdgeKind, Node, NodeKind, Topology};

/// What was read, as far as it was.
#[derive(Debug, Default)]
pub struct Seen<'a> {
    pub mappings: &'a [Mapping],
    pub queues: &'a [Queue],
    /// Bucket, topic or rule → function, from resource policies.
    pub invokes: &'a [(Arn, Arn)],
    /// Function → resource, from environment values.
    pub writes: &'a [(Arn, Arn)],
}

/// Nodes and edges, each once, sorted. Functions that nothing leads to or from are left out; queues
/// are not, because messages can wait in them.
pub fn build(seen: &Seen<'_>) -> Topology {
    let mut edges: Vec<Edge> = Vec::new();
    let mut draw = |from: Arn, to: Arn, kind: EdgeKind| {
        if !from.as_str().is_empty() && !to.as_str().is_empty() {
            edges.push(Edge { from, to, kind });
        }
    };
    for mapping in seen.mappings {
        draw(resource(&mapping.source), mapping.function_arn.clone(), EdgeKind::Mapping(mapping.id.clone()));
        if let Some(destination) = &mapping.settings.on_failure {
            draw(mapping.function_arn.clone(), destination.clone(), EdgeKind::OnFailure);
        }
    }
    for queue in seen.queues {
        if let Some(policy) = &queue.redrive {
            draw(queue.arn.clone(), policy.dead_letter_arn.clone(), EdgeKind::DeadLetter);
        }
    }
    for (from, to) in seen.invokes {
        draw(from.clone(), to.clone(), EdgeKind::Invokes);
    }
    for (from, to) in seen.writes {
        draw(from.clone(), to.clone(), EdgeKind::InferredWrite);
    }
    edges.sort_by(|a, b| key(a).cmp(&key(b)));
    edges.dedup();
    let mut nodes: BTreeMap<Arn, Node> = BTreeMap::new();
    let ends = edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
    for arn in ends.chain(seen.queues.iter().map(|queue| &queue.arn)) {
        if !arn.as_str().is_empty() {
            nodes.entry(arn.clone()).or_insert_with(|| node(arn));
        }
    }
    Topology { nodes: nodes.into_values().collect(), edges }
}

/// The names a value can be compared with.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_name: BTreeMap<String, Arn>,
    /// `account/name` of a queue's URL, whatever host and scheme it was written with.
    by_queue_path: BTreeMap<String, Arn>,
}

impl Known {
    pub(super) fn new(mappings: &[Mapping], queues: &[Queue], invokes: &[(Arn, Arn)]) -> Self {
        let mut known = Known::default();
        for queue in queues {
            known.put(queue.arn.as_str(), &queue.arn);
            known.put(queue.url.as_str(), &queue.arn);
            if let Some(path) = queue_path(queue.url.as_str()) {
                known.by_queue_path.insert(path, queue.arn.clone());
            }
        }
        for mapping in mappings {
            let source = resource(&mapping.source);
            known.put(mapping.source.as_str(), &source);
            known.put(source.as_str(), &source);
            if let Some(table) = source.table() {
                known.put(table, &source);
            }
            if let Some(destination) = &mapping.settings.on_failure {
                known.put(destination.as_str(), destination);
            }
        }
        for (from, _) in invokes.iter().filter(|(from, _)| matches!(from.service(), "s3" | "sns")) {
            known.put(from.as_str(), from);
            if from.service() == "s3" {
                known.put(from.resource(), from);
            }
        }
        known
    }

    /// The resource a value names whole: an ARN, a queue's URL, a table's or a bucket's name.
    pub(super) fn named(&self, value: &str) -> Option<Arn> {
        self.by_name.get(value).or_else(|| self.by_queue_path.get(&queue_path(value)?)).cloned()
    }

    fn put(&mut self, name: &str, arn: &Arn) {
        if !name.is_empty() {
            self.by_name.insert(name.to_owned(), arn.clone());
        }
    }
}

/// Function → resource for every environment value that names something known.
pub(super) fn writes(surroundings: &[Surroundings], known: &Known) -> Vec<(Arn, Arn)> {
    let mut found: Vec<(Arn, Arn)> = surroundings
        .iter()
        .flat_map(|one| one.edges(|value| known.named(value)).into_iter().map(|to| (one.function.clone(), to)))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// A table's stream stands for its table; anything else for itself.
fn resource(source: &Arn) -> Arn {
    match source.as_str().split_once("/stream/") {
        Some((table, _)) if source.service() == "dynamodb" => Arn::from(table),
        _ => source.clone(),
    }
}

/// `123456789012/JobQueue` of a queue's URL; emulators and old SDKs write other hosts before it.
fn queue_path(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let mut parts = rest.rsplit('/');
    let (name, account) = (parts.next()?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && !name.is_empty()).then(|| format!("{account}/{name}"))
}

fn node(arn: &Arn) -> Node {
    let (kind, name) = match arn.service() {
        "lambda" => (NodeKind::Function, name_in(arn).to_string()),
        "sqs" => (NodeKind::Queue, arn.resource().to_owned()),
        "s3" => (NodeKind::Bucket, arn.resource().to_owned()),
        "sns" => (NodeKind::Topic, arn.resource().to_owned()),
        "dynamodb" => (NodeKind::Table, arn.table().unwrap_or(arn.resource()).to_owned()),
        "kinesis" => (NodeKind::KinesisStream, last_part(arn)),
        _ => (NodeKind::Other, last_part(arn)),
    };
    Node { arn: arn.clone(), kind, name }
}

fn last_part(arn: &Arn) -> String {
    arn.resource().rsplit('/').next().unwrap_or_default().to_owned()
}

/// Edges by ends, then by kind: the order in which they are listed everywhere.
fn key(edge: &Edge) -> (&Arn, &Arn, u8, &str) {
    let (rank, id) = match &edge.kind {
        EdgeKind::Mapping(id) => (0, id.as_str()),
        EdgeKind::DeadLetter => (1, ""),
        EdgeKind::OnFailure => (2, ""),
        EdgeKind::Invokes => (3, ""),
        EdgeKind::InferredWrite => (4, ""),
    };
    (&edge.from, &edge.to, rank, id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::{MappingSettings, MappingState};
    use crate::model::queue::{QueueCounts, RedrivePolicy};

    fn arn(service: &str, rest: &str) -> Arn {
        Arn::new(format!("arn:aws:{service}:eu-west-1:123456789012:{rest}"))
    }

    fn mapping(id: &str, source: Arn, function: &str, on_failure: Option<Arn>) -> Mapping {
        Mapping {
            id: id.into(),
            source,
            function: function.into(),
            function_arn: arn("lambda", &format!("function:{function}")),
            state: MappingState::Enabled,
            state_reason: None,
            settings: MappingSettings { on_failure, ..MappingSettings::default() },
            last_processing_result: None,
            last_modified: None,
        }
    }

    fn queue(name: &str, dead: Option<&str>) -> Queue {
        Queue {
            name: name.into(),
            url: format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}").into(),
            arn: arn("sqs", name),
            counts: QueueCounts::default(),
            visibility_s: 30,
            retention_s: 345_600,
            delay_s: 0,
            max_message_bytes: 1_048_576,
            redrive: dead.map(|dead| RedrivePolicy { dead_letter_arn: arn("sqs", dead), max_receive_count: 5 }),
            fifo: false,
            last_modified: None,
            sources: Vec::new(),
        }
    }

    #[test]
    fn the_picture_is_what_the_account_says() {
        let stream = arn("dynamodb", "table/Events/stream/2026-01-01T00:00:00.000");
        let mappings = [
            mapping("m-log", stream, "LogWorker", Some(arn("sqs", "LogFailures"))),
            mapping("m-job", arn("sqs", "Jobs"), "JobWorker", None),
        ];
        let queues = [queue("Jobs", Some("JobDLQ")), queue("JobDLQ", None)];
        let invokes = [(Arn::from("arn:aws:s3:::store"), arn("lambda", "function:RequestWorker"))];
        let known = Known::new(&mappings, &queues, &invokes);
        let surroundings = [
            Surroundings::of(
                "arn:aws:lambda:eu-west-1:123456789012:function:JobWorker",
                &["http://queue.example/123456789012/Jobs", "Events", "hunter2", "us-east-1"],
            ),
            Surroundings::of("arn:aws:lambda:eu-west-1:123456789012:function:Api", &["store"]),
        ];
        let writes = writes(&surroundings, &known);
        let topology = build(&Seen { mappings: &mappings, queues: &queues, invokes: &invokes, writes: &writes });
        let said: Vec<String> = topology
            .edges
            .iter()
            .map(|edge| format!("{} {:?} {}", node(&edge.from).name, edge.kind, node(&edge.to).name))
            .collect();
        assert_eq!(
            said,
            [
                "Events Mapping(MappingId(\"m-log\")) LogWorker",
                "Api InferredWrite store",
                "JobWorker InferredWrite Events",
                "JobWorker InferredWrite Jobs",
                "LogWorker OnFailure LogFailures",
                "store Invokes RequestWorker",
                "Jobs Mapping(MappingId(\"m-job\")) JobWorker",
                "Jobs DeadLetter JobDLQ",
            ]
        );
        let shown = format!("{topology:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("us-east-1"), "other values are never kept");
        assert_eq!(topology.node(&arn("dynamodb", "table/Events")).map(|n| n.kind), Some(NodeKind::Table));
    }

    #[test]
    fn a_queues_url_is_known_whatever_its_host_and_nothing_else_is() {
        let known = Known::new(&[], &[queue("Jobs", None)], &[]);
        for url in
            ["http://localhost:4566/queue/eu-west-1/123456789012/Jobs", "https://queue.amazonaws.com/123456789012/Jobs"]
        {
            assert!(known.named(url).is_some(), "{url}");
        }
        for other in ["Jobs", "https://example.com/Jobs", "https://example.com/123456789012/Mail", ""] {
            assert_eq!(known.named(other), None, "{other}");
        }
    }
}
