//! Rehearsals asked for in this session: how far each is, and what came of it. The newest of a
//! consumer alone counts; what an older one still answers is dropped.

use crate::console::Console;
use crate::model::id::MappingId;
use crate::model::mapping::Mapping;
use crate::model::rehearsal::{Candidate, Foreseen, Rehearsal};
use crate::model::time::Timestamp;

/// What a rehearsal needs beside the metrics it reads itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RehearsalAsk {
    pub generation: u64,
    pub mapping: Mapping,
    pub timeout_s: Option<u32>,
    pub memory_mb: Option<u32>,
    /// Other mappings that feed the function and are not disabled.
    pub siblings: u32,
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
