//! A performer put together from what does the calls, what keeps the journal, and a clock.

use crate::model::time::Timestamp;
use crate::operation::order::{Calls, JournalSink, Order, OrderResult};
use crate::runner::Performer;

/// The account's time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send;
}

/// Journal orders to the journal, all others to AWS.
pub struct Split<C, J, T> {
    pub calls: C,
    pub journal: J,
    pub clock: T,
}

impl<C: Calls, J: JournalSink, T: Clock> Performer for Split<C, J, T> {
    async fn perform(&self, order: Order) -> OrderResult {
        match order {
            Order::Record(entries) => self.journal.record(entries).await,
            call => self.calls.call(call).await,
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.clock.sleep_until(at).await;
    }
}
