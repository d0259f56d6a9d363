//! How a drop comes to its end: what was not found, what is put on record, what is reported.

use crate::model::time::Timestamp;
use crate::operation::drop::Drop;
use crate::operation::drop::doubt::LAPSED;
use crate::operation::order::{EndState, MessageState};
use crate::operation::progress::{DropReport, Kind, Progress, Report, grouped};
use crate::operation::sweep::{End, LEASE_MAX_S};

impl Drop {
    /// The sweep is over: what was not found is gone, or held by somebody.
    pub(super) fn conclude(&mut self) {
        let over = self.sweep.end().cloned();
        let Some(end) = over.filter(|_| self.held() == 0 && self.course.is_running()) else { return };
        self.settle_doubted(&end);
        match end {
            End::Empty { hidden: false } | End::Found => {
                for id in std::mem::take(&mut self.open) {
                    if self.perhaps.remove(&id) {
                        self.note(&id, MessageState::Doubted);
                        self.name(id, LAPSED);
                    } else {
                        self.gone += 1;
                        self.note(&id, MessageState::Gone);
                    }
                }
            }
            End::Empty { hidden: true } | End::Budget => {
                let why = match end {
                    End::Budget => "some were not found in time: they may still be there".to_owned(),
                    _ => format!("some were not found: {}", self.sweep.blocked_by()),
                };
                self.course.wrong(None, why);
            }
            End::Refused(cause, why) => self.course.wrong(Some(cause), why),
            End::Stopped => {}
        }
        self.course.end();
    }

    pub(super) fn settle(&mut self, now: Timestamp) {
        self.now = now;
        self.conclude();
        if self.held() == 0 && self.sweep.is_idle() && self.course.may_close(&self.outbox) {
            self.name_doubted();
            let report = Report::Drop(self.report());
            self.course.close(now, report, &mut self.outbox);
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let (asked, held, dropped) = (self.plan.ids.len() as u64, self.held(), self.dropped.len() as u64);
        let line = || format!("{} of {} dropped, each kept in the journal", grouped(dropped), grouped(asked));
        let leased_until = Some(self.now.plus_s(LEASE_MAX_S.into())).filter(|_| held > 0);
        Progress {
            failed: self.faults.len() as u64,
            left: Some(self.open.len() as u64),
            unsure: 0,
            held: (held + self.sweep.held()) as u64,
            held_until: self.sweep.held_until().or(leased_until),
            ..self.course.progress(Kind::Drop, line, dropped)
        }
    }

    fn report(&self) -> DropReport {
        let words: Vec<String> = self.course.problem().into_iter().chain(self.sweep.left_hidden(self.now)).collect();
        let problem = (!words.is_empty()).then(|| words.join("; "));
        let state = match (self.course.is_cancelled(), problem.is_some() || !self.faults.is_empty()) {
            (true, _) => EndState::Cancelled,
            (false, true) if !self.dropped.is_empty() => EndState::Partly,
            (false, true) => EndState::Failed,
            (false, false) => EndState::Done,
        };
        DropReport {
            operation: self.course.owner.operation.clone(),
            state,
            asked: self.plan.ids.len() as u64,
            dropped: self.dropped.len() as u64,
            failed: self.faults.len() as u64,
            gone: self.gone,
            returned: self.open.len() as u64,
            doubtful: self.doubtful.clone(),
            faults: self.faults.clone(),
            problem,
            cause: self.course.cause(),
            took_ms: self.now.ms_since(self.started_at),
        }
    }
}
