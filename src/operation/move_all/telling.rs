//! What a move of everything tells: its line, its progress, its report.

use crate::operation::move_all::{Cancelling, MoveAll};
use crate::operation::progress::{Cause, Kind, MoveAllReport, Phase, Progress, Report, grouped};

impl MoveAll {
    pub(super) fn report(&self) -> Option<MoveAllReport> {
        let (state, problem) = self.end.clone()?;
        Some(MoveAllReport {
            operation: self.owner.operation.clone(),
            state,
            moved: self.task.as_ref().map_or(0, |task| task.moved),
            to_move: self.task.as_ref().and_then(|task| task.to_move),
            status: self.task.as_ref().map(|task| task.status.clone()),
            handle: self.handle.clone(),
            cause: self.cause.or(problem.as_ref().map(|_| Cause::Refused)),
            problem,
            took_ms: self.now.ms_since(self.started_at),
        })
    }

    pub(super) fn line(&self) -> String {
        if let Some(report) = self.report() {
            return report.line();
        }
        match (&self.task, self.cancel) {
            (Some(task), cancel) => {
                let of = task.to_move.map(|n| format!(" of ~{}", grouped(n))).unwrap_or_default();
                let how = if cancel == Cancelling::No { "" } else { ", cancelling" };
                format!("~{}{of} moved by a move task{how}", grouped(task.moved))
            }
            (None, _) => "starting a move task".to_owned(),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let moved = self.task.as_ref().map_or(0, |task| task.moved);
        let left = self.task.as_ref().and_then(|task| task.to_move).map(|to_move| to_move.saturating_sub(moved));
        let since = self.task.as_ref().and_then(|task| task.started_at).unwrap_or(self.started_at);
        let elapsed_ms = self.now.ms_since(since);
        let rate_per_s = (elapsed_ms > 0 && moved > 0).then(|| moved as f64 * 1000.0 / elapsed_ms as f64);
        Progress {
            operation: self.owner.operation.clone(),
            kind: Kind::MoveAll,
            phase: if self.cancel == Cancelling::No || self.end.is_some() { self.phase } else { Phase::Ending },
            line: self.line(),
            done: moved,
            failed: 0,
            left,
            unsure: 0,
            rate_per_s,
            limit: None,
            eta_ms: rate_per_s.zip(left).map(|(rate, left)| (left as f64 / rate * 1000.0) as i64),
            rung: None,
            held: 0,
            held_until: None,
            found: Vec::new(),
            report: self.report().map(Report::MoveAll).filter(|_| self.phase == Phase::Finished),
        }
    }
}
