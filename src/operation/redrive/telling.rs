//! What a redrive tells: its progress, its report, and when it wants to be woken.

use std::collections::BTreeMap;

use crate::model::id::MessageId;
use crate::model::time::Timestamp;
use crate::operation::order::EndState;
use crate::operation::progress::{Cause, Kind, Phase, Progress, RedriveReport, SaidBy, grouped};
use crate::operation::redrive::ledger::{Fate, Stage};
use crate::operation::redrive::rate::{HALVED, SET, worded};
use crate::operation::redrive::{EXTEND_BEFORE_MS, Ending, Mode, Redrive};

impl Redrive {
    pub(super) fn progress(&self) -> Progress {
        let moved = self.fate(Fate::Moved);
        let failed = self.fate(Fate::Failed);
        let left = self.ledger.len() - self.ledger.over();
        let unsure = self.ledger.in_stage(Stage::Checking);
        // On a ladder most of the time is spent waiting: messages over time would foretell nothing.
        let climbing = self.climb.left_ms(self.now, self.ledger.len());
        let (since, before) = self.climb.free_since;
        let (elapsed_ms, lately) = (self.now.ms_since(since), moved.saturating_sub(before));
        let seen =
            (climbing.is_none() && elapsed_ms > 0 && lately > 0).then(|| lately as f64 * 1000.0 / elapsed_ms as f64);
        let pace = seen.or(climbing.and(self.bucket.rate_per_s()));
        let sending_ms = pace.filter(|rate| *rate > 0.0).map(|rate| ((left - unsure) as f64 / rate * 1000.0) as i64);
        let eta_ms = match climbing {
            Some(waits_ms) => Some(waits_ms + sending_ms.unwrap_or(0)),
            None => sending_ms,
        };
        Progress {
            operation: self.owner.operation.clone(),
            kind: Kind::Redrive,
            phase: self.mode.phase(),
            line: self.line(moved, failed, unsure),
            done: moved,
            failed,
            left: Some(left),
            unsure,
            rate_per_s: seen,
            limit: Some(self.limit()),
            eta_ms: eta_ms.filter(|_| self.mode == Mode::Running),
            rung: self.climb.line().filter(|_| self.report.is_none()),
            held: (self.ledger.leases() + self.sweep.held() + self.climb.held()) as u64,
            held_until: self.ledger.last_lease_end().max(self.sweep.held_until()),
            found: Vec::new(),
            report: self.report.clone().filter(|_| self.mode.phase() == Phase::Finished),
        }
    }

    fn line(&self, moved: u64, failed: u64, unsure: u64) -> String {
        if let Some(report) = &self.report {
            return report.line();
        }
        let mut line = format!("{} of {} moved", grouped(moved), grouped(self.ledger.len()));
        // Taken up again, what an earlier life deleted counts only once it was looked for.
        if unsure > 0 {
            line.push_str(&format!(", {} more are being made sure of", grouped(unsure)));
        }
        if failed > 0 {
            line.push_str(&format!(", {} failed", grouped(failed)));
        }
        if let Some(rung) = self.climb.line() {
            line.push_str(&format!("; {rung}"));
        }
        match self.watchful.said_by() {
            SaidBy::Plan => {}
            SaidBy::Person => line.push_str(&format!("; {SET}{}", worded(self.bucket.rate_per_s()))),
            SaidBy::GaveWay => line.push_str(&format!("; {HALVED}{}", worded(self.bucket.rate_per_s()))),
        }
        line
    }

    pub(super) fn redrive_report(&self) -> RedriveReport {
        let failed = self.fate(Fate::Failed);
        let skipped = self.fate(Fate::Skipped);
        let gone = self.fate(Fate::Gone);
        let partly = failed + skipped + gone > 0 || !self.ledger.duplicates.is_empty();
        let state = match self.mode {
            Mode::Ending(Ending::Cancelled | Ending::Left) => EndState::Cancelled,
            Mode::Ending(Ending::Stopped) if self.fate(Fate::Moved) == 0 => EndState::Failed,
            Mode::Ending(Ending::Stopped) => EndState::Partly,
            _ if partly && self.fate(Fate::Moved) == 0 && self.cause == Some(Cause::Denied) => EndState::Failed,
            _ if partly => EndState::Partly,
            _ => EndState::Done,
        };
        RedriveReport {
            operation: self.owner.operation.clone(),
            state,
            asked: self.ledger.len(),
            moved: self.fate(Fate::Moved),
            failed,
            skipped,
            gone,
            returned: self.fate(Fate::Returned),
            duplicates_possible: self.ledger.duplicates.keys().cloned().collect(),
            faults: self.ledger.faults.clone(),
            problem: self.problem.clone().or_else(|| self.sweep.left_hidden(self.now)),
            cause: self.cause,
            skipped_why: self.skipped_why(),
            bounced: self.climb.bounced.clone(),
            later_steps: self.climb.later.iter().cloned().collect(),
            took_ms: self.now.ms_since(self.started_at),
        }
    }

    fn skipped_why(&self) -> BTreeMap<String, u64> {
        let skipped = |id: &MessageId| self.ledger.stage(id) == Some(Stage::Over(Fate::Skipped));
        let mut reasons = BTreeMap::new();
        for (_, why) in self.ledger.faults.iter().filter(|(id, _)| skipped(id)) {
            *reasons.entry(why.clone()).or_default() += 1;
        }
        reasons
    }

    pub(super) fn fate(&self, fate: Fate) -> u64 {
        self.ledger.in_stage(Stage::Over(fate))
    }

    /// The next moment at which `poll_order` may have something that it has not now.
    pub(super) fn next_timeout(&self) -> Option<Timestamp> {
        if self.mode == Mode::Finished {
            return None;
        }
        let now = self.now;
        let mut times = vec![
            self.sweep.timeout(now),
            self.climb.timeout(now),
            self.ledger.first_lease_end(),
            self.extend_backoff.until(now),
            self.delete_backoff.until(now).filter(|_| !self.to_delete.is_empty()),
        ];
        if let Some(end) = self.ledger.first_lease_end() {
            times.push(Some(end.plus_ms(-EXTEND_BEFORE_MS)));
        }
        if self.mode == Mode::Running {
            times.push(self.watchful.timeout());
            for destination in self.destinations.values().filter(|destination| !destination.waiting.is_empty()) {
                times.push(destination.backoff.until(now));
                times.push(self.bucket.next());
            }
        }
        times.into_iter().flatten().filter(|at| *at > now).min()
    }
}
