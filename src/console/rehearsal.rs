//! Rehearsals asked for in this session: how far each is, and what came of it. The newest of a
//! consumer alone counts; what an older one still answers is dropped.

use std::collections::BTreeSet;

use crate::console::Console;
use crate::model::id::{Arn, MappingId};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::picture::Picture;
use crate::model::rehearsal::{Candidate, Foreseen, Rehearsal, SourceQueue};
use crate::model::time::Timestamp;
use crate::model::topology::{Edge, EdgeKind};

/// What a rehearsal needs beside the metrics it reads itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RehearsalAsk {
    pub generation: u64,
    pub mapping: Mapping,
    pub timeout_s: Option<u32>,
    pub memory_mb: Option<u32>,
    /// Other mappings that feed the function and are not disabled.
    pub siblings: u32,
    /// Of a queue's consumer.
    pub queue: Option<SourceQueue>,
}

impl RehearsalAsk {
    /// What the picture knows that a rehearsal does not read itself.
    pub fn of(picture: &Picture, mapping: Mapping, generation: u64) -> Self {
        let function = picture.functions.get(&mapping.function).map(|function| &function.value);
        RehearsalAsk {
            generation,
            timeout_s: function.and_then(|function| function.timeout_s),
            memory_mb: function.and_then(|function| function.memory_mb),
            siblings: picture.siblings(&mapping),
            queue: source_queue(picture, &mapping),
            mapping,
        }
    }
}

fn source_queue(picture: &Picture, mapping: &Mapping) -> Option<SourceQueue> {
    let queue = picture.queue_by_arn(&mapping.source).filter(|_| mapping.kind().is_queue())?;
    let others = picture.readers_of(&mapping.source);
    let others = others.filter(|other| other.id != mapping.id && other.state != MappingState::Disabled);
    let edges: Vec<&Edge> = picture.topology.iter().flat_map(|topology| &topology.value.edges).collect();
    let writes = |edge: &&&Edge| edge.kind == EdgeKind::InferredWrite && edge.to == mapping.source;
    let (own, other): (Vec<&Edge>, Vec<&Edge>) =
        edges.iter().filter(writes).partition(|edge| edge.from.function_name() == mapping.function);
    let feeds_itself = !own.is_empty();
    let other = if feeds_itself { other } else { Vec::new() };
    let writers: BTreeSet<_> = other.iter().map(|edge| edge.from.function_name()).collect();
    let reached = reached(&edges, mapping, &own);
    let set_off = other.iter().find(|edge| reached.contains(&edge.from)).map(|edge| edge.from.function_name());
    Some(SourceQueue {
        counts: queue.value.counts,
        at: queue.at,
        visibility_s: queue.value.visibility_s,
        other_readers: others.count() as u32,
        feeds_itself,
        writers: writers.into_iter().collect(),
        set_off,
    })
}

/// What the consumer sets off, by any way, but for its own queue.
fn reached<'a>(edges: &[&'a Edge], mapping: &Mapping, own: &[&'a Edge]) -> BTreeSet<&'a Arn> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Arn> = own.iter().map(|edge| &edge.from).collect();
    while let Some(from) = next.pop() {
        if from != &mapping.source && reached.insert(from) {
            next.extend(edges.iter().filter(|edge| edge.from == *from).map(|edge| &edge.to));
        }
    }
    reached
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsing {
    pub generation: u64,
    pub state: RehearsingState,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RehearsingState {
    /// Its metrics are on their way.
    Reading,
    /// So many runs of so many.
    Running {
        done: usize,
        of: usize,
    },
    Done(Box<Rehearsal>),
    /// Why there is none.
    Failed(String),
    Cancelled,
}

impl Rehearsing {
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, RehearsingState::Reading | RehearsingState::Running { .. })
    }

    pub fn done(&self) -> Option<&Rehearsal> {
        match &self.state {
            RehearsingState::Done(rehearsal) => Some(rehearsal),
            _ => None,
        }
    }
}

/// Figures older than this, in milliseconds of the account's time, are read anew before anybody
/// decides by them.
pub const FRESH_MS: i64 = 10 * 60_000;

impl Console {
    /// The candidates of a rehearsal that is done, in the order they are shown; none without one.
    pub fn candidates(&self, mapping: &MappingId) -> &[Candidate] {
        let done = self.rehearsals.get(mapping).and_then(Rehearsing::done);
        done.map_or(&[], |rehearsal| &rehearsal.candidates)
    }

    /// A rehearsal of this consumer that may still be decided by.
    pub fn fresh_rehearsal(&self, mapping: &MappingId, at: Timestamp) -> Option<&Rehearsal> {
        let done = self.rehearsals.get(mapping)?.done()?;
        (at.ms_since(done.at) <= FRESH_MS).then_some(done)
    }

    /// What was foretold of a change that was made at `from`, where that was rehearsed.
    pub(in crate::console) fn foreseen(
        &self,
        mapping: &MappingId,
        change: &crate::model::mapping::MappingChange,
        from: Timestamp,
    ) -> Option<Foreseen> {
        let forecast = self.fresh_rehearsal(mapping, from)?.candidate(change)?.forecast.as_ref()?;
        Some(Foreseen { from, course_ms: forecast.course_ms.clone(), drain_s: forecast.drain_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::update::trial::{queue, queue_mapping};
    use crate::model::observed::Observed;
    use crate::model::queue::Queue;
    use crate::model::topology::Topology;

    fn source(edges: &[(&str, &str, EdgeKind)]) -> SourceQueue {
        let lambda = |name: &str| Arn::from(format!("arn:aws:lambda:eu-west-1:1:function:{name}"));
        let arn = |name: &str| if name == "Jobs" { Arn::from("arn:aws:sqs:eu-west-1:1:Jobs") } else { lambda(name) };
        let mut picture = Picture::default();
        picture.put_queue(Queue { arn: arn("Jobs"), ..queue("Jobs") }, Timestamp::ZERO);
        let edge =
            |(from, to, kind): &(&str, &str, EdgeKind)| Edge { from: arn(from), to: arn(to), kind: kind.clone() };
        let topology = Topology { edges: edges.iter().map(edge).collect(), ..Topology::default() };
        picture.topology = Some(Observed::new(topology, Timestamp::ZERO));
        let mapping = Mapping { source: arn("Jobs"), function: "Worker".into(), ..queue_mapping() };
        source_queue(&picture, &mapping).expect("it is a queue's")
    }

    #[test]
    fn who_else_writes_is_asked_only_of_a_consumer_that_feeds_itself() {
        let write = EdgeKind::InferredWrite;
        let chained = source(&[("Worker", "Jobs", write.clone()), ("Intake", "Jobs", write.clone())]);
        assert_eq!((chained.writers, chained.set_off, chained.feeds_itself), (vec!["Intake".into()], None, true));
        assert_eq!(source(&[("Intake", "Jobs", write)]).writers, []);
    }

    #[test]
    fn a_writer_that_the_consumer_sets_off_is_no_outsider() {
        let write = EdgeKind::InferredWrite;
        let edges = [
            ("Worker", "Jobs", write.clone()),
            ("Worker", "Table", write.clone()),
            ("Table", "Log", EdgeKind::Mapping("m-2".into())),
            ("Log", "Jobs", write),
        ];
        assert_eq!(source(&edges).set_off, Some("Log".into()));
    }
}
