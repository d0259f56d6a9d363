//! How a drop comes to its end: what was not found, what is put on record, what is reported.

use crate::model::time::Timestamp;
use crate::operation::drop::{Drop, Purpose};
use crate::operation::order::{EndState, MessageState, Order};
use crate::operation::progress::{DropReport, Phase, Report};
use crate::operation::sweep::End;

impl Drop {
    /// The sweep is over: what was not found is gone, or held by somebody.
    pub(super) fn conclude(&mut self) {
        let over = self.sweep.end().cloned();
        let Some(end) = over.filter(|_| self.held() == 0 && self.phase == Phase::Running) else { return };
        match end {
            End::Empty { hidden: false } | End::Found => {
                for id in std::mem::take(&mut self.open) {
                    if self.doubted.remove(&id) {
                        self.dropped += 1;
                        self.note(&id, MessageState::Dropped);
                    } else {
                        self.gone += 1;
                        self.note(&id, MessageState::Gone);
                    }
                }
            }
            End::Empty { hidden: true } | End::Budget => {
                self.problem.get_or_insert("some are held by somebody, or were not found in time".to_owned());
            }
            End::Refused(cause, why) => self.wrong(cause, why),
            End::Stopped => {}
        }
        self.phase = Phase::Ending;
        self.told = false;
    }

    pub(super) fn settle(&mut self, now: Timestamp) {
        self.now = now;
        self.conclude();
        let idle = self.phase == Phase::Ending && self.held() == 0 && self.sweep.is_idle() && self.report.is_none();
        if !idle {
            return;
        }
        if !self.notes.is_empty() {
            let notes = std::mem::take(&mut self.notes);
            return self.outbox.give(Order::Record(notes), Purpose::Noted);
        }
        if !self.outbox.is_idle() {
            return;
        }
        let report = Report::Drop(self.report());
        if self.left {
            self.phase = Phase::Finished;
            self.told = false;
        } else {
            self.outbox.give(Order::Record(vec![self.owner.ended(now, &report)]), Purpose::Ended);
        }
        self.report = Some(report);
    }

    fn report(&self) -> DropReport {
        let problem = self.problem.clone().or(self.sweep.left_hidden());
        let state = match (self.cancelled, problem.is_some() || !self.faults.is_empty()) {
            (true, _) => EndState::Cancelled,
            (false, true) if self.dropped > 0 => EndState::Partly,
            (false, true) => EndState::Failed,
            (false, false) => EndState::Done,
        };
        DropReport {
            operation: self.owner.operation.clone(),
            state,
            asked: self.plan.ids.len() as u64,
            dropped: self.dropped,
            failed: self.faults.len() as u64,
            gone: self.gone,
            returned: self.open.len() as u64,
            faults: self.faults.clone(),
            problem,
            cause: self.cause,
            took_ms: self.now.ms_since(self.started_at),
        }
    }
}
