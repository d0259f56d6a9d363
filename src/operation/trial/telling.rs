//! What a trial tells: how far it is, and what came of it.

use crate::model::trial::Verdict;
use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Phase, Progress, TrialReport};
use crate::operation::trial::{CANCELLED, Stage, Trial};

impl Trial {
    pub(super) fn report(&self) -> TrialReport {
        let verdict = self.verdict.clone().unwrap_or(Verdict::NotRun("cancelled".to_owned()));
        let state = match (&verdict, self.deleted) {
            (Verdict::Succeeded, true) => EndState::Done,
            (Verdict::NotRun(why), _) if why == CANCELLED => EndState::Cancelled,
            (Verdict::Succeeded, false) | (Verdict::Failed(_) | Verdict::MayHaveRun(_), _) => EndState::Partly,
            (Verdict::NotRun(_), _) => EndState::Failed,
        };
        let invoked = self.invoked.as_ref();
        TrialReport {
            operation: self.owner.operation.clone(),
            state,
            queue: self.plan.from.name(),
            id: self.plan.id.clone(),
            function: self.plan.function.clone(),
            verdict,
            deleted: self.deleted,
            answer: invoked.map(|invoked| kept(&invoked.payload)),
            log_tail: invoked.and_then(|invoked| invoked.log_tail.clone()),
            took_ms: self.took_ms,
            problem: self.problem.clone().or(self.returns.left_hidden()).or(self.sweep.left_hidden()),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let done = u64::from(self.deleted);
        Progress {
            operation: self.owner.operation.clone(),
            kind: Kind::Trial,
            phase: self.phase,
            line: self.line(),
            done,
            failed: u64::from(matches!(self.verdict, Some(Verdict::Failed(_)))),
            left: Some(1 - done),
            rate_per_s: None,
            eta_ms: None,
            held: (self.sweep.held() + self.returns.held()) as u64 + u64::from(self.found.is_some()),
            held_until: self.found.as_ref().map(|found| found.until).max(self.sweep.held_until()),
            found: Vec::new(),
            report: self.report.clone().filter(|_| self.phase == Phase::Finished),
        }
    }

    fn line(&self) -> String {
        let (id, function) = (self.plan.id.short(), &self.plan.function);
        if let Some(report) = &self.report {
            return report.line();
        }
        match self.stage {
            Stage::Looking => format!("looking for {id} in {}", self.plan.from.name()),
            Stage::Leasing | Stage::Noting => format!("holding {id}"),
            Stage::Invoking => format!("{function} runs with {id}"),
            Stage::Deleting => format!("{function} is done with {id}: deleting it"),
            Stage::Closing => "giving back what is held".to_owned(),
        }
    }
}

/// The start of an answer; JSON output and the screen need no megabytes.
fn kept(payload: &str) -> String {
    payload.get(..payload.floor_char_boundary(ANSWER_BYTES)).unwrap_or_default().to_owned()
}

const ANSWER_BYTES: usize = 16 * 1024;
