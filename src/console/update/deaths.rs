//! Reads the consumer's log of the time in which scanned letters died: once for a function and a time,
//! by itself when a scan has ended. Reading a log is no write.

use std::sync::Arc;

use crate::console::Console;
use crate::console::deaths::{Deaths, Errors};
use crate::console::effect::Effect;
use crate::model::id::{FunctionName, QueueName};
use crate::model::log::{LogAsk, default_group};
use crate::model::message::Message;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

/// After a scan.
pub(super) fn ask(console: &mut Console, queue: &QueueName) -> Option<Effect> {
    let function = console.picture.function_of_queue(queue)?.clone();
    let snapshot = console.snapshots.get(queue)?;
    let messages: Vec<Arc<Message>> = snapshot.messages().map(|(message, _)| Arc::clone(message)).collect();
    let (from, to) = window(console, queue, &messages)?;
    if console.deaths.get(queue).is_some_and(|deaths| deaths.covers(&function, from, to)) {
        return None;
    }
    let group = console.logs.get(&function).map_or_else(|| default_group(&function), |view| view.group.clone());
    console.deaths.insert(queue.clone(), Deaths { function: function.clone(), from, to, read: None });
    let ask = LogAsk { group, from, to, grep: None };
    let redaction = console.options.context.redact.clone();
    Some(Effect::FetchDeaths { queue: queue.clone(), function, ask, messages, redaction })
}

/// From the first try of any of them to the last one can have had: a letter dies once it was received as
/// often as its queue allows. Of a long time the end.
fn window(console: &Console, queue: &QueueName, messages: &[Arc<Message>]) -> Option<(Timestamp, Timestamp)> {
    let first = |message: &Arc<Message>| message.system.first_received_at.unwrap_or(message.system.sent_at);
    let from = messages.iter().map(first).min()?;
    let sources = console.picture.queues.get(queue).map(|seen| seen.value.sources.clone()).unwrap_or_default();
    let tries = sources.iter().filter_map(|arn| console.picture.queue_by_arn(arn)).map(|source| {
        let most = source.value.redrive.as_ref().map_or(1, |policy| policy.max_receive_count);
        i64::from(most) * i64::from(source.value.visibility_s.saturating_add(source.value.delay_s))
    });
    let to = messages.iter().map(first).max()?.plus_s(tries.max().unwrap_or(0) + 60).min(console.now);
    let from = from.max(to.plus_s(-LONGEST_S));
    (from < to).then_some((from, to))
}

pub(super) fn arrived(
    console: &mut Console,
    queue: &QueueName,
    function: &FunctionName,
    (from, to): (Timestamp, Timestamp),
    result: Result<Errors, ServiceError>,
) {
    let asked = |deaths: &&mut Deaths| deaths.function == *function && deaths.from == from && deaths.to == to;
    let Some(deaths) = console.deaths.get_mut(queue).filter(asked) else { return };
    deaths.read = Some(result.map_err(|error| match () {
        () if error.is_missing() => format!("there is no log group of {function}: has it ever run?"),
        () if error.is_denied() => format!("{error}; the permission logs:FilterLogEvents is missing"),
        () => error.to_string(),
    }));
}

/// The log of more than three hours is read on the logs' screen, if at all.
const LONGEST_S: i64 = 3 * 3_600;
