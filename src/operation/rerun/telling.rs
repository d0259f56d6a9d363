//! What running events again tells: how far it is, what came of it, and what is certain when it was cut off.

use crate::model::id::MessageId;
use crate::model::rerun::RerunPlan;
use crate::operation::order::{EndState, MessageState};
use crate::operation::progress::{Kind, Phase, Progress, RerunReport, grouped};
use crate::operation::record::Record;
use crate::operation::rerun::{Fate, Rerun};

impl Rerun {
    pub(super) fn report(&self) -> RerunReport {
        let mut faults: Vec<(MessageId, String)> = Vec::new();
        let mut may_have_run = Vec::new();
        let mut ran = 0;
        for (index, fate) in &self.fates {
            match fate {
                Fate::Ran => ran += 1,
                Fate::Failed(why) => faults.push((self.id(*index), why.clone())),
                Fate::MayHaveRun(_) => may_have_run.push(self.id(*index)),
            }
        }
        let (asked, failed) = (self.plan.items.len() as u64, faults.len() as u64);
        let returned = asked - self.fates.len() as u64;
        let state = match (self.cancelled, ran, asked - ran) {
            (true, ..) if returned > 0 => EndState::Cancelled,
            (_, _, 0) => EndState::Done,
            (_, 0, _) if self.records == 0 && may_have_run.is_empty() => EndState::Failed,
            _ => EndState::Partly,
        };
        RerunReport {
            operation: self.owner.operation.clone(),
            state,
            of: self.plan.source,
            asked,
            ran,
            failed,
            may_have_run,
            returned,
            records: self.records,
            faults,
            problem: self.problem.clone(),
            cause: self.cause,
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let ran = self.fates.values().filter(|fate| **fate == Fate::Ran).count() as u64;
        let over = self.fates.len() as u64;
        let asked = self.plan.items.len() as u64;
        let line = match &self.report {
            Some(_) => self.report().line(),
            None => {
                let waits = self.current.values().any(|current| current.again_at.is_some());
                let throttled = if waits { "; throttled, waiting" } else { "" };
                format!("{} of {} {} ran again{throttled}", grouped(ran), grouped(asked), self.plan.source.noun(asked))
            }
        };
        Progress {
            failed: over - ran,
            left: Some(asked - over),
            report: self.report.clone().filter(|_| self.phase == Phase::Finished),
            ..Progress::new(self.owner.operation.clone(), Kind::Rerun, self.phase, line, ran)
        }
    }
}

/// What is certain of one that was cut off, one thing a line.
pub fn certain(plan: &RerunPlan, record: &Record) -> Vec<String> {
    let count = |what: fn(&MessageState) -> bool| record.states.values().filter(|state| what(state)).count() as u64;
    let asked = plan.items.len() as u64;
    let (ran, failed) = (
        count(|state| matches!(state, MessageState::Ran)),
        count(|state| matches!(state, MessageState::Failed { .. })),
    );
    let unsure = record.unsure();
    let left = asked.saturating_sub(ran + failed + unsure.len() as u64);
    let noun = plan.source.noun(asked);
    let mut lines = vec![format!("{} of {} {noun} ran again", grouped(ran), grouped(asked))];
    if failed > 0 {
        lines.push(format!("{} failed: left as they are", grouped(failed)));
    }
    lines.push(format!("{} are run now", grouped(left)));
    if unsure.is_empty() {
        lines.push("none of them can have run twice".to_owned());
    } else {
        lines.push(format!("{} may have run and are not run again:", grouped(unsure.len() as u64)));
        lines.extend(unsure.iter().map(|id| format!("  {id}")));
    }
    lines
}
