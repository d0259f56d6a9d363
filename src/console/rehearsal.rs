//! Rehearsals asked for in this session: how far each is, and what came of it. The newest of a
//! consumer alone counts; what an older one still answers is dropped.

use crate::console::Console;
use crate::model::id::MappingId;
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
    let edges = picture.topology.iter().flat_map(|topology| &topology.value.edges);
    let feeds = |edge: &Edge| {
        edge.kind == EdgeKind::InferredWrite && edge.from == mapping.function_arn && edge.to == mapping.source
    };
    Some(SourceQueue {
        counts: queue.value.counts,
        at: queue.at,
        visibility_s: queue.value.visibility_s,
        other_readers: others.count() as u32,
        feeds_itself: edges.into_iter().any(feeds),
    })
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
