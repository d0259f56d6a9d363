//! Drives any operation over a `Performer`: lanes, timers, commands. Decides nothing: what is done,
//! in which order and how often is the machine's.

mod recorder;
mod split;

pub use split::{Clock, Split};

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::{Id, JoinError, JoinSet};

use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Order, OrderId, OrderResult};
use crate::operation::progress::Progress;
use crate::operation::{Command, Operation};
use crate::runner::recorder::Recorder;

/// Performs orders and tells the account's time (in the sandbox it runs faster than local time).
pub trait Performer: Send + Sync + 'static {
    fn perform(&self, order: Order) -> impl Future<Output = OrderResult> + Send;
    fn now(&self) -> Timestamp;
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send;
}

/// Runs the machine to its end. Calls run beside each other, at most `CALLS_MOST`; records are kept
/// one after the other, in the order they were given. When nobody can command it any more, it goes on.
///
/// Dropping the future cuts off calls that are under way: command `Leave` first.
pub async fn run(
    mut machine: Box<dyn Operation>,
    performer: impl Performer,
    mut commands: UnboundedReceiver<Command>,
    mut progress: impl FnMut(Progress) + Send + 'static,
) {
    let performer = Arc::new(performer);
    let mut calls = Calls { running: JoinSet::new(), ids: HashMap::new() };
    let (recorded, mut records) = mpsc::unbounded_channel();
    let recorder = Recorder::start(Arc::clone(&performer), recorded);
    let mut commanded = true;
    let mut clock = Latest(performer.now());
    loop {
        let now = clock.now(performer.as_ref());
        while calls.running.len() < CALLS_MOST
            && let Some((id, order)) = machine.poll_order(now)
        {
            match order {
                Order::Record(entries) => recorder.record(id, entries),
                call => calls.start(&performer, id, call),
            }
        }
        while let Some(news) = machine.poll_progress() {
            progress(news);
        }
        if machine.is_finished() {
            return;
        }
        // With every lane taken there is nothing to wake for: the next answer is waited for.
        let timeout = machine.poll_timeout().filter(|_| calls.running.len() < CALLS_MOST);
        // In this order, and by no chance: a run on a paused clock is the same every time, and a command is
        // heard however many answers there are.
        let (id, result) = tokio::select! {
            biased;
            command = commands.recv(), if commanded => {
                match command {
                    Some(command) => machine.handle_command(clock.now(performer.as_ref()), command),
                    None => commanded = false,
                }
                continue;
            }
            Some(answer) = calls.next() => answer,
            Some(answer) = records.recv() => answer,
            () = performer.sleep_until(timeout.unwrap_or(now)), if timeout.is_some() => {
                machine.handle_timeout(clock.now(performer.as_ref()));
                continue;
            }
        };
        machine.handle_result(clock.now(performer.as_ref()), id, result);
    }
}

/// The account's time as far as machines are told it: a correction of the clock never turns it back.
struct Latest(Timestamp);

impl Latest {
    fn now(&mut self, performer: &impl Performer) -> Timestamp {
        self.0 = self.0.max(performer.now());
        self.0
    }
}

/// Calls under way.
struct Calls {
    running: JoinSet<OrderResult>,
    ids: HashMap<Id, OrderId>,
}

impl Calls {
    fn start<P: Performer>(&mut self, performer: &Arc<P>, id: OrderId, order: Order) {
        let performer = Arc::clone(performer);
        let task = self.running.spawn(async move { performer.perform(order).await });
        self.ids.insert(task.id(), id);
    }

    /// The next answer; `None` when none is under way.
    async fn next(&mut self) -> Option<(OrderId, OrderResult)> {
        loop {
            let (task, result) = match self.running.join_next_with_id().await? {
                Ok((task, result)) => (task, result),
                Err(error) => (error.id(), broken(&error)),
            };
            if let Some(id) = self.ids.remove(&task) {
                return Some((id, result));
            }
        }
    }
}

/// A call that broke off may have been done.
fn broken(error: &JoinError) -> OrderResult {
    Outcome::Unknown(format!("the call broke off: {error}"))
}

/// Calls outstanding at once, whatever the machine orders: well under SQS's and the sandbox's means.
const CALLS_MOST: usize = 64;

#[cfg(test)]
mod tests;
