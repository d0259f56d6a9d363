//! What a retune says of itself: how far it is, and what came of it.

use crate::model::mapping::{Mapping, MappingChange, MappingState};
use crate::model::reserve::ReserveChange;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::card::change_lines;
use crate::operation::order::{EndState, OrderResult};
use crate::operation::progress::{Cause, Kind, Phase, Progress, Report, RetuneReport};
use crate::operation::retune::{Aim, Retune};

impl Retune {
    /// How the mapping differs from what the plan saw.
    pub(super) fn difference(&self, mapping: &Mapping) -> String {
        let change = MappingChange::of(&mapping.settings, mapping.state == MappingState::Enabled);
        let mut lines = Vec::new();
        if self.is_about_mapping() {
            lines = change_lines(&self.plan.before, self.plan.enabled_before, &change);
        }
        if let (Some(change), Some(seen)) = (&self.plan.reserve, self.reserve)
            && seen != change.before
        {
            lines.push(ReserveChange { to: seen, ..change.clone() }.line());
        }
        if lines.is_empty() { "settings this program does not tune".to_owned() } else { lines.join(", ") }
    }

    pub(super) fn report(&self) -> Option<RetuneReport> {
        let (state, problem) = self.end.clone()?;
        Some(RetuneReport {
            operation: self.owner.operation.clone(),
            state,
            settled_at: self.settled_at,
            mapping: self.seen.clone(),
            what: self.what.clone(),
            put_back: self.returning,
            cause: self.cause.or(problem.as_ref().map(|_| Cause::Refused)),
            problem,
        })
    }

    fn line(&self) -> String {
        if let Some(report) = self.report() {
            return report.line();
        }
        match (self.aim, &self.seen) {
            (Aim::Follow { .. }, Some(mapping)) => format!("{}: {}", self.what, mapping.state),
            (Aim::Hold, _) => {
                let at = self.revert_at.map(Timestamp::clock_s).unwrap_or_default();
                format!("{}: settled; put back {at} while this process runs, X keeps it", self.what)
            }
            (Aim::Compare, Some(mapping)) if !mapping.state.is_settled() => {
                format!("{}: waits, the mapping is {}", self.what, mapping.state)
            }
            _ => self.what.clone(),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let report = self.report().map(Report::Retune).filter(|_| self.phase == Phase::Finished);
        let (operation, done) = (self.owner.operation.clone(), u64::from(self.settled_at.is_some()));
        let failed = u64::from(matches!(self.end, Some((EndState::Failed, _))));
        Progress { failed, report, ..Progress::new(operation, Kind::Retune, self.phase, self.line(), done) }
    }
}

pub(super) fn said(result: &OrderResult) -> String {
    match result {
        Outcome::Refused(error) => error.to_string(),
        Outcome::Unknown(seen) => seen.clone(),
        Outcome::Done(answer) => format!("answered {answer:?}"),
    }
}
