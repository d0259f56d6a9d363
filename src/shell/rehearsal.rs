//! A rehearsal of a consumer of the account: reads what its metrics show, then runs the embedded
//! pipeline on threads of its own. Console and commands share it; it decides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use crate::aws::Account;
use crate::console::msg::Msg;
use crate::console::rehearsal::RehearsalAsk;
use crate::forecast::rehearse::{Asked, rehearse};
use crate::forecast::sight::{Limit, Sight, wanted};
use crate::model::function::{FunctionAnswer, FunctionQuestion};
use crate::model::mapping::Mapping;
use crate::model::metric::Metrics;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

/// How far back the metrics are read: fills vary over hours.
const WINDOW_S: i64 = 3 * 3_600 + 600;
/// Told so often, in runs.
const EVERY: usize = 5;

/// What an account says of a consumer.
#[derive(Debug)]
pub struct Reading {
    pub metrics: Metrics,
    /// Open shards of the stream; without them they are estimated from the runs at a time.
    pub shards: Option<u32>,
    /// Runs the function may have at a time: its reserve, or what the account leaves to all without one.
    pub limit: Option<Limit>,
    /// What could not be read, one line each.
    pub missing: Vec<String>,
}

impl Reading {
    /// With what was known before it was read.
    pub fn sight<'a>(&'a self, ask: &'a RehearsalAsk, now: Timestamp) -> Sight<'a> {
        Sight {
            mapping: &ask.mapping,
            metrics: &self.metrics,
            now,
            shards: self.shards,
            timeout_s: ask.timeout_s,
            memory_mb: ask.memory_mb,
            limit: self.limit,
            siblings: ask.siblings,
            queue: ask.queue.as_ref(),
        }
    }
}

/// # Errors
/// CloudWatch could not be read at all.
pub async fn read(account: &Account, ask: &RehearsalAsk, now: Timestamp) -> Result<Reading, ServiceError> {
    let mapping = &ask.mapping;
    let keys = wanted(mapping, ask.queue.as_ref());
    let to = now.floor_to(60).plus_s(60);
    let mut reading = Reading { metrics: Metrics::default(), shards: None, limit: None, missing: Vec::new() };
    for (key, points) in account.metrics(&keys, to.plus_s(-WINDOW_S), to).await? {
        match points {
            Ok(points) => reading.metrics.merge(&key, now, points),
            Err(why) => reading.missing.push(format!("{}: {why}", key.name)),
        }
    }
    match account.shards_of(mapping).await {
        Ok(shards) => reading.shards = shards,
        Err(error) => reading.missing.push(error.to_string()),
    }
    match limit(account, mapping).await {
        Ok(limit) => reading.limit = limit,
        Err(error) => reading.missing.push(error.to_string()),
    }
    Ok(reading)
}

async fn limit(account: &Account, mapping: &Mapping) -> Result<Option<Limit>, ServiceError> {
    let reserved = account.function_setting(&mapping.function, FunctionQuestion::Concurrency).await?;
    match reserved {
        FunctionAnswer::Concurrency(Some(limit)) => Ok(Some(Limit::Reserved(limit))),
        _ => Ok(account.unreserved_concurrency().await?.map(Limit::Unreserved)),
    }
}

/// Reads and rehearses; each answer is a message. `stop` ends it without one.
pub(super) async fn run(
    account: Arc<Account>,
    ask: RehearsalAsk,
    now: Timestamp,
    stop: Arc<AtomicBool>,
    outbox: UnboundedSender<Msg>,
) {
    let (id, generation) = (ask.mapping.id.clone(), ask.generation);
    let answered = |result| Msg::RehearsalArrived { mapping: id.clone(), generation, result };
    let reading = match read(&account, &ask, now).await {
        Ok(reading) => reading,
        Err(error) => {
            let _ = outbox.send(answered(Err(error.to_string())));
            return;
        }
    };
    let (progress_to, told) = (outbox.clone(), id.clone());
    let work = tokio::task::spawn_blocking(move || {
        let sight = reading.sight(&ask, now);
        let tell = |done: usize, of: usize| {
            if done.is_multiple_of(EVERY) || done == of {
                let _ = progress_to.send(Msg::RehearsalProgressed { mapping: told.clone(), generation, done, of });
            }
            !stop.load(Ordering::Relaxed)
        };
        let mut rehearsal = rehearse(&sight, &Asked::default(), &tell)?;
        rehearsal.assumptions.extend(reading.missing.iter().map(|line| format!("not read: {line}")));
        Some(rehearsal)
    });
    match work.await {
        Ok(Some(rehearsal)) => drop(outbox.send(answered(Ok(rehearsal)))),
        // Nobody waits for what was cancelled.
        Ok(None) => {}
        Err(error) => drop(outbox.send(answered(Err(format!("the rehearsal broke: {error}"))))),
    }
}
