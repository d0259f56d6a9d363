//! `rehearse`: reads what a consumer's metrics show, runs the embedded pipeline with it, and prints
//! what each setting would do. It changes nothing.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::command::failure::Failure;
use crate::command::look::look;
use crate::command::tune::find;
use crate::command::{Here, print, say, style};
use crate::config::{Rehearse, exit};
use crate::forecast::rehearse::{Asked, rehearse};
use crate::forecast::sight::Sight;
use crate::model::rehearsal::Setting;
use crate::report;
use crate::shell::rehearsal::read;

pub async fn run(here: &Here, asked: Rehearse) -> Result<u8, Failure> {
    let look = look(here).await?;
    let mapping = find(&look, &asked.target)?.clone();
    if !mapping.kind().is_stream() {
        return Err(Failure::Usage(format!(
            "{} reads a queue; only stream consumers are rehearsed (DynamoDB, Kinesis)",
            mapping.function
        )));
    }
    let reading = read(&look.account, &mapping, look.now).await?;
    reading.missing.iter().for_each(|line| say(&format!("redrive: not read: {line}")));
    let now = look.now;
    let function = look.picture.functions.get(&mapping.function).map(|function| function.value.clone());
    let siblings = look.picture.siblings(&mapping);
    let batch = mapping.settings.batch_size.unwrap_or(100);
    let plan = Asked {
        candidates: asked
            .candidates
            .iter()
            .map(|(lanes, size)| Setting::Lanes { parallelization_factor: *lanes, batch_size: size.unwrap_or(batch) })
            .collect(),
        samples: asked.samples,
        seed: asked.seed,
    };
    // The runs end at the next thing they tell: what still ran would keep the program from leaving.
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let work = tokio::task::spawn_blocking(move || {
        let tell = |done: usize, of: usize| {
            tell(done, of);
            !stopped.load(Ordering::Relaxed)
        };
        let sight = Sight {
            mapping: &mapping,
            metrics: &reading.metrics,
            now,
            shards: reading.shards,
            timeout_s: function.as_ref().and_then(|function| function.timeout_s),
            memory_mb: function.as_ref().and_then(|function| function.memory_mb),
            limit: reading.limit,
            siblings,
        };
        rehearse(&sight, &plan, &tell).map(|rehearsal| (rehearsal, mapping))
    });
    let (rehearsal, mapping) = tokio::select! {
        done = work => done.ok().flatten().ok_or_else(|| Failure::Unreachable("the rehearsal broke".to_owned()))?,
        _ = tokio::signal::ctrl_c() => {
            stop.store(true, Ordering::Relaxed);
            clear();
            return Err(Failure::Quiet);
        }
    };
    clear();
    print(&report::one(style(asked.output), &rehearsal, |rehearsal| report::rehearsal::text(rehearsal, &mapping)))?;
    Ok(exit::FINE)
}

/// One line that overwrites itself on a terminal.
fn tell(done: usize, of: usize) {
    let mut err = io::stderr().lock();
    if err.is_terminal() && (done == of || done.is_multiple_of(5)) {
        let _ = write!(err, "\rrehearsing: {done} of {of} runs");
        let _ = err.flush();
    }
}

fn clear() {
    let mut err = io::stderr().lock();
    if err.is_terminal() {
        let _ = write!(err, "\r{:40}\r", "");
    }
}
