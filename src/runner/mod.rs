//! Drives any operation over a `Performer`: lanes, timers, commands. Decides nothing: what is done,
//! in which order and how often is the machine's.

mod split;

pub use split::{Clock, Split};

use crate::model::time::Timestamp;
use crate::operation::order::{Order, OrderResult};

/// Performs orders and tells the account's time (in the sandbox it runs faster than local time).
pub trait Performer: Send + Sync + 'static {
    fn perform(&self, order: Order) -> impl Future<Output = OrderResult> + Send;
    fn now(&self) -> Timestamp;
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send;
}
