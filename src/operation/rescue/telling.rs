//! What a rescue tells: how far it is, and what came of it.

use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Progress, RescueReport, grouped};
use crate::operation::rescue::Rescue;
use crate::operation::rescue::batch::Batches;

impl Rescue {
    pub(super) fn report(&self) -> RescueReport {
        let (failed, gone) = (self.faults.len() as u64, self.missing.len() as u64);
        let (asked, rescued) = (self.plan.ids.len() as u64, self.rescued.len() as u64);
        let returned = asked.saturating_sub(rescued + failed + gone);
        let state = match (self.course.is_cancelled(), rescued, failed + returned) {
            (true, ..) => EndState::Cancelled,
            // One that was taken up, and could not be: it stays open in the journal.
            (false, _, 0) if self.course.problem().is_none() => EndState::Done,
            (false, 0, _) if self.replayed == 0 => EndState::Failed,
            (false, ..) => EndState::Partly,
        };
        RescueReport {
            operation: self.course.owner.operation.clone(),
            state,
            asked,
            rescued,
            failed,
            // A cancelled search has not looked for all of them.
            gone: if self.course.is_cancelled() { 0 } else { gone },
            returned: if self.course.is_cancelled() { returned + gone } else { returned },
            doubtful: self.doubtful.clone(),
            records: self.replayed,
            faults: self.faults.clone(),
            cause: self.course.cause(),
            problem: self.course.problem().or(self.returns.left_hidden(self.now)).or(self.sweep.left_hidden(self.now)),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let (done, failed) = (self.rescued.len() as u64, self.faults.len() as u64);
        Progress {
            failed,
            left: Some((self.plan.ids.len() as u64).saturating_sub(done + failed)),
            unsure: 0,
            held: (self.sweep.held() + self.returns.held() + self.held()) as u64,
            held_until: self.current.as_ref().map(|current| current.found.until).max(self.sweep.held_until()),
            ..self.course.progress(Kind::Rescue, || self.line(), done)
        }
    }

    fn line(&self) -> String {
        let (rescued, asked) = (self.rescued.len() as u64, self.plan.ids.len() as u64);
        let so_far = format!("{} of {} pointers rescued", grouped(rescued), grouped(asked));
        // The pointer at hand only where it takes a while: one batch is over before it is read.
        match &self.current {
            Some(current) if current.pointer.batch_size > current.target.batch => {
                let done = current.batches.as_ref().map_or(0, Batches::done);
                let of = current.batches.as_ref().map_or(current.pointer.batch_size as usize, Batches::len);
                let id = current.found.message.id.short();
                format!("{so_far}; {id}: {done} of {of} records through {}", current.target.function)
            }
            None if self.missing.is_empty() && !self.doubted.is_empty() && self.course.is_running() => {
                format!("{so_far}; one more look whether all are deleted")
            }
            _ => so_far,
        }
    }
}
