//! A try with another body than the message died with.

use std::collections::BTreeMap;

use crate::model::time::Timestamp;
use crate::model::trial::TrialPlan;
use crate::operation::Owner;
use crate::operation::confirm::Confirmed;
use crate::operation::order::JournalEntry;
use crate::operation::trial::Trial;

impl Trial {
    /// `body` is what the plan's edit says, or nothing is run.
    pub fn edited(confirmed: Confirmed<TrialPlan>, body: String, owner: Owner, seed: u64, now: Timestamp) -> Self {
        let plan = confirmed.into_plan();
        let bodies = BTreeMap::from([(plan.id.clone(), body)]);
        Self::start(plan, bodies, owner, seed, now)
    }

    /// What an edited one was: `dlq restore` can put it back, should it be deleted.
    pub(super) fn original(&self, at: Timestamp) -> Option<JournalEntry> {
        let found = self.found.as_ref().filter(|_| self.plan.edit.is_some())?;
        let message = Box::new(found.message.clone());
        Some(JournalEntry::Backup {
            operation: self.course.owner.operation.clone(),
            at,
            queue: self.plan.from.clone(),
            message,
        })
    }
}
