//! The two things a retune may change: the mapping, and the reserve of its function. Each is as the plan
//! saw it or as the plan wants it, or somebody else was there. The reserve is written first: Lambda
//! refuses more than the account leaves, and then nothing was changed at all.

use crate::model::mapping::{Mapping, MappingState};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{EndState, Order, OrderResult};
use crate::operation::retune::{Purpose, Retune};

impl Retune {
    /// Each part is as the plan saw it, or already as it wants it: nobody else was there.
    pub(super) fn is_expected(&self, mapping: &Mapping) -> bool {
        let as_seen = mapping.settings == self.plan.before
            && (mapping.state == MappingState::Enabled) == self.plan.enabled_before;
        let reserve_as_seen = match &self.plan.reserve {
            Some(change) => self.reserve == Some(change.before),
            None => true,
        };
        (as_seen || self.is_mapping_applied(mapping)) && (reserve_as_seen || self.is_reserve_applied())
    }

    pub(super) fn is_applied(&self, mapping: &Mapping) -> bool {
        self.is_mapping_applied(mapping) && self.is_reserve_applied()
    }

    /// A plan that leaves the mapping alone does not wait for it either.
    pub(super) fn is_about_mapping(&self) -> bool {
        !self.plan.change.is_empty() || self.plan.reserve.is_none()
    }

    fn is_mapping_applied(&self, mapping: &Mapping) -> bool {
        if !self.is_about_mapping() {
            return true;
        }
        let enabled = self.plan.change.enabled.unwrap_or(self.plan.enabled_before);
        self.plan.change.applied_to(&mapping.settings) == mapping.settings
            && (mapping.state == MappingState::Enabled) == enabled
    }

    fn is_reserve_applied(&self) -> bool {
        self.plan.reserve.as_ref().is_none_or(|change| self.reserve == Some(change.to))
    }

    /// Gives the first write that is still missing.
    pub(super) fn write(&mut self, mapping: &Mapping) {
        if let Some(change) = self.plan.reserve.clone().filter(|_| !self.is_reserve_applied()) {
            let order = Order::PutReserve { function: change.function, to: change.to };
            self.outbox.give(order, Purpose::WriteReserve);
            return;
        }
        debug_assert!(!self.is_mapping_applied(mapping), "there is something to write");
        self.write_mapping();
    }

    fn write_mapping(&mut self) {
        let order = Order::UpdateMapping { mapping: self.plan.mapping.clone(), change: self.plan.change.clone() };
        self.outbox.give(order, Purpose::Write);
    }

    /// The reserve was taken: what is to be changed of the mapping follows at once. Anything else is
    /// dealt with as with the mapping's own write.
    pub(super) fn handle_reserve(&mut self, now: Timestamp, result: OrderResult) {
        let waits = self.seen.clone().is_some_and(|mapping| !self.is_mapping_applied(&mapping));
        if matches!(result, Outcome::Done(_)) && waits {
            // What was written must not be told as untouched if the next write is refused.
            self.reserve = self.plan.reserve.as_ref().map(|change| change.to);
            return self.write_mapping();
        }
        self.handle_write(now, result);
    }

    /// Ends it short of the mapping's change: in part, where the reserve is changed by then.
    pub(super) fn unwritten(&mut self, problem: &str) {
        let changed = self.plan.reserve.as_ref().is_some_and(|change| change.before != change.to);
        if self.writes > 0 && changed && self.is_reserve_applied() {
            let problem = format!("{problem}; only the reserved concurrency is changed");
            self.finish(EndState::Partly, Some(problem));
        } else {
            self.finish(EndState::Failed, Some(format!("{problem}; nothing was written")));
        }
    }
}
