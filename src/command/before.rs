//! What of a bucket was run again before, by the journal of this machine.

use std::collections::BTreeMap;
use std::fmt;

use crate::command::Here;
use crate::command::failure::Failure;
use crate::model::plan::Plan;
use crate::model::time::Timestamp;
use crate::operation::order::{JournalEntry, MessageState};

/// By key.
pub(in crate::command) type Before = BTreeMap<String, Ran>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::command) struct Ran {
    /// When its operation began.
    pub at: Timestamp,
    /// False: it was invoked, and nobody knows the answer.
    pub certain: bool,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.certain { "ran" } else { "may have run" };
        write!(f, "{what}, {}", self.at)
    }
}

/// # Errors
/// The journal cannot be read.
pub(in crate::command) fn before(here: &Here, bucket: &str) -> Result<Before, Failure> {
    let journal = here.journal()?;
    let mut before = Before::new();
    for entry in journal.outline()?.entries {
        let JournalEntry::Began { operation, at, plan, .. } = entry else { continue };
        let Plan::Rerun(plan) = *plan else { continue };
        if plan.bucket != bucket {
            continue;
        }
        let Some(record) = journal.record_of(&operation)? else { continue };
        for (id, state) in record.states {
            let certain = match state {
                MessageState::Ran => true,
                MessageState::Running { .. } | MessageState::PossibleDuplicate { .. } => false,
                _ => continue,
            };
            let ran = before.entry(id.to_string()).or_insert(Ran { at, certain });
            // Once certain, always.
            *ran = Ran { at, certain: certain || ran.certain };
        }
    }
    Ok(before)
}
