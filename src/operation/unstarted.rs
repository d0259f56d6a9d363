//! An undertaking on its way to whoever drives it: its machine begins at the first moment it is told.

use crate::model::time::Timestamp;
use crate::operation::order::{Order, OrderId, OrderResult};
use crate::operation::progress::Progress;
use crate::operation::{Command, Operation, Owner, Undertaking};

pub(in crate::operation) enum Unstarted {
    Waiting(Box<(Undertaking, Owner, u64)>),
    Started(Box<dyn Operation>),
    /// Only while one becomes the other.
    Between,
}

impl Unstarted {
    fn at(&mut self, now: Timestamp) -> Option<&mut dyn Operation> {
        if let Unstarted::Waiting(_) = self
            && let Unstarted::Waiting(waiting) = std::mem::replace(self, Unstarted::Between)
        {
            let (undertaking, owner, seed) = *waiting;
            *self = Unstarted::Started(undertaking.begin(owner, seed, now));
        }
        self.started_mut()
    }

    fn started_mut(&mut self) -> Option<&mut dyn Operation> {
        match self {
            Unstarted::Started(machine) => Some(machine.as_mut()),
            Unstarted::Waiting(_) | Unstarted::Between => None,
        }
    }

    fn started(&self) -> Option<&dyn Operation> {
        match self {
            Unstarted::Started(machine) => Some(machine.as_ref()),
            Unstarted::Waiting(_) | Unstarted::Between => None,
        }
    }
}

impl Operation for Unstarted {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        if let Some(machine) = self.at(now) {
            machine.handle_command(now, command);
        }
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        if let Some(machine) = self.at(now) {
            machine.handle_result(now, id, result);
        }
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        if let Some(machine) = self.at(now) {
            machine.handle_timeout(now);
        }
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        self.at(now)?.poll_order(now)
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.started()?.poll_timeout()
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        self.started_mut()?.poll_progress()
    }

    fn is_finished(&self) -> bool {
        self.started().is_some_and(Operation::is_finished)
    }
}
