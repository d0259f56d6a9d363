//! The orders of one machine: numbered, waiting to be taken, or out with the reason they were given.

use std::collections::{BTreeMap, VecDeque};

use crate::operation::order::{Order, OrderId};

/// `P` says why an order was given: what its result means to the machine.
#[derive(Debug)]
pub(in crate::operation) struct Outbox<P> {
    next: u64,
    ready: VecDeque<(OrderId, Order)>,
    open: BTreeMap<OrderId, P>,
}

impl<P> Outbox<P> {
    pub(in crate::operation) fn new() -> Self {
        Outbox { next: 0, ready: VecDeque::new(), open: BTreeMap::new() }
    }

    pub(in crate::operation) fn give(&mut self, order: Order, purpose: P) -> OrderId {
        let id = OrderId(self.next);
        self.next += 1;
        self.ready.push_back((id, order));
        self.open.insert(id, purpose);
        id
    }

    pub(in crate::operation) fn take(&mut self) -> Option<(OrderId, Order)> {
        self.ready.pop_front()
    }

    /// Why the order was given; `None` for one that was never given or is settled already, whose
    /// result then means nothing.
    pub(in crate::operation) fn settle(&mut self, id: OrderId) -> Option<P> {
        self.open.remove(&id)
    }

    /// Waits no longer for these results; should they come, they mean nothing.
    pub(in crate::operation) fn forget(&mut self, of: impl Fn(&P) -> bool) {
        self.open.retain(|_, purpose| !of(purpose));
    }

    /// Nothing is out.
    pub(in crate::operation) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    pub(in crate::operation) fn open(&self) -> impl Iterator<Item = &P> {
        self.open.values()
    }
}
