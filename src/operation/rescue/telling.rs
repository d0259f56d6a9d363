//! What a rescue tells: how far it is, and what came of it.

use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Phase, Progress, RescueReport, grouped};
use crate::operation::rescue::Rescue;
use crate::operation::rescue::batch::Batches;

impl Rescue {
    pub(super) fn report(&self) -> RescueReport {
        let (failed, gone) = (self.faults.len() as u64, self.missing.len() as u64);
        let asked = self.plan.ids.len() as u64;
        let returned = asked.saturating_sub(self.rescued + failed + gone);
        let state = match (self.cancelled, self.rescued, failed + returned) {
            (true, ..) => EndState::Cancelled,
            (false, _, 0) => EndState::Done,
            (false, 0, _) if self.replayed == 0 => EndState::Failed,
            (false, ..) => EndState::Partly,
        };
        RescueReport {
            operation: self.owner.operation.clone(),
            state,
            asked,
            rescued: self.rescued,
            failed,
            // A cancelled search has not looked for all of them.
            gone: if self.cancelled { 0 } else { gone },
            returned: if self.cancelled { returned + gone } else { returned },
            records: self.replayed,
            faults: self.faults.clone(),
            cause: self.cause,
            problem: self.returns.left_hidden().or(self.sweep.left_hidden()),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let (done, failed) = (self.rescued, self.faults.len() as u64);
        Progress {
            operation: self.owner.operation.clone(),
            kind: Kind::Rescue,
            phase: self.phase,
            line: self.line(),
            done,
            failed,
            left: Some((self.plan.ids.len() as u64).saturating_sub(done + failed)),
            rate_per_s: None,
            eta_ms: None,
            held: (self.sweep.held() + self.returns.held() + self.waiting.len()) as u64
                + u64::from(self.current.is_some()),
            held_until: self.current.as_ref().map(|current| current.found.until).max(self.sweep.held_until()),
            found: Vec::new(),
            report: self.report.clone().filter(|_| self.phase == Phase::Finished),
        }
    }

    fn line(&self) -> String {
        match (&self.report, &self.current) {
            (Some(report), _) => report.line(),
            (None, Some(current)) => {
                let done = current.batches.as_ref().map_or(0, Batches::done);
                let of = current.batches.as_ref().map_or(current.pointer.batch_size as usize, Batches::len);
                format!(
                    "{}: {done} of {of} records through {}",
                    current.found.message.id.short(),
                    current.target.function
                )
            }
            (None, None) => {
                format!("{} of {} pointers rescued", grouped(self.rescued), grouped(self.plan.ids.len() as u64))
            }
        }
    }
}
