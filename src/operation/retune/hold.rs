//! A retune that is put back after a while: it stays open in the journal until then, so that a
//! process that died leaves a question and not a surprise. Only the process that made the change
//! puts it back by itself.

use crate::model::mapping::Mapping;
use crate::model::time::Timestamp;
use crate::operation::card::plan_lines;
use crate::operation::order::{EndState, Order};
use crate::operation::progress::Phase;
use crate::operation::retune::{Aim, Purpose, Retune};

impl Retune {
    /// The mapping shows what was asked for, settled.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.settled_at = Some(now);
        let Some(at) = self.revert_at.filter(|_| !self.returning) else {
            return self.finish(EndState::Done, None);
        };
        self.aim = Aim::Hold;
        self.phase = Phase::Holding;
        self.look_at = Some(at.max(now));
        let text = format!("settled {}; put back {}, while this process runs", now.clock_s(), at.clock_s());
        self.outbox.give(Order::Record(vec![self.owner.noted(now, text)]), Purpose::Noted);
    }

    /// Its time has come: the way back is a change like any other, compared before it is written.
    pub(super) fn turn_back(&mut self, now: Timestamp, mapping: &Mapping) {
        let back = self.plan.back();
        self.what = format!("put back: {}", plan_lines(&back).join(", "));
        self.plan = back;
        self.returning = true;
        self.aim = Aim::Compare;
        self.phase = Phase::Running;
        self.started_at = now;
        self.writes = 0;
        self.settled_at = None;
        self.compare(now, mapping);
    }

    /// Taken up after its time, and it was never written, or somebody put it back: nothing is left.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        !self.returning && self.revert_at.is_some_and(|at| at <= now)
    }

    /// The change stays: for good when somebody says so, until somebody is asked when the process ends.
    pub(super) fn let_stand(&mut self, leaving: bool) {
        if leaving {
            let due = self.revert_at.map(Timestamp::clock_s).unwrap_or_default();
            self.finish(EndState::Cancelled, Some(format!("stands; due to be put back {due}, which is asked then")));
            // It stays open in the journal: no last line.
            self.phase = Phase::Finished;
        } else {
            self.what.push_str(", kept");
            self.finish(EndState::Done, None);
        }
    }
}
