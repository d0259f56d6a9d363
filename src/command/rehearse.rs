//! `rehearse`: reads what a consumer's metrics show, runs the embedded pipeline with it, and prints
//! what each setting would do. It changes nothing.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::command::failure::Failure;
use crate::command::look::look;
use crate::command::tune::find;
use crate::command::{Here, print, say, style};
use crate::config::{AskedSetting, Rehearse, exit};
use crate::console::rehearsal::RehearsalAsk;
use crate::forecast::rehearse::{Asked, rehearse};
use crate::model::mapping::Mapping;
use crate::model::rehearsal::Setting;
use crate::operation::progress::plural;
use crate::report;
use crate::shell;
use crate::shell::rehearsal::read;

pub async fn run(here: &Here, asked: Rehearse) -> Result<u8, Failure> {
    let look = look(here).await?;
    let mapping = find(&look, &asked.target)?.clone();
    let plan = Asked { candidates: settings(&mapping, &asked.candidates)?, samples: asked.samples, seed: asked.seed };
    let now = look.now;
    let ask = RehearsalAsk::of(&look.picture, mapping, 0);
    let reading = read(&look.account, &ask, now).await?;
    reading.missing.iter().for_each(|line| say(&format!("redrive: not read: {line}")));
    // The runs end at the next thing they tell: what still ran would keep the program from leaving.
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    let work = tokio::task::spawn_blocking(move || {
        let tell = |done: usize, of: usize| {
            tell(done, of);
            counted.store(done, Ordering::Relaxed);
            !stopped.load(Ordering::Relaxed)
        };
        rehearse(&reading.sight(&ask, now), &plan, &tell).map(|rehearsal| (rehearsal, ask.mapping))
    });
    let (rehearsal, mapping) = tokio::select! {
        done = work => done.ok().flatten().ok_or_else(|| Failure::Unreachable("the rehearsal broke".to_owned()))?,
        () = shell::asked_to_stop() => {
            stop.store(true, Ordering::Relaxed);
            clear();
            let done = plural(came.load(Ordering::Relaxed) as u64, "run", "runs");
            let why = format!("the rehearsal was stopped after {done}: nothing is told of so few; nothing was changed");
            return Err(Failure::Stopped(why));
        }
    };
    clear();
    let told = report::rehearsal::Told::new(&rehearsal, &mapping);
    print(&report::one(style(asked.output), &told, |_| report::rehearsal::text(&rehearsal, &mapping)))?;
    Ok(exit::FINE)
}

/// What is asked for as settings of this mapping; nothing where the usual ones are.
fn settings(mapping: &Mapping, candidates: &[AskedSetting]) -> Result<Vec<Setting>, Failure> {
    let kind = mapping.kind();
    let function = &mapping.function;
    if !kind.is_stream() && !kind.is_queue() {
        return Err(Failure::Usage(format!(
            "{function} reads neither a stream nor a queue; only their consumers are rehearsed"
        )));
    }
    let batch = Setting::of(kind, &mapping.settings).batch_size();
    let setting = |asked: &AskedSetting| match (*asked, kind.is_queue()) {
        (AskedSetting { width, batch: None }, true) if width.is_none_or(|limit| (2..=1000).contains(&limit)) => {
            Ok(Setting::Places { max_concurrency: width, batch_size: batch })
        }
        (_, true) => Err(format!(
            "{function} reads a queue: candidates are limits of runs at a time (MaximumConcurrency), 2 to 1000 or none, \
             not {asked}"
        )),
        (AskedSetting { width: Some(lanes @ 1..=10), batch: size }, false) => {
            Ok(Setting::Lanes { parallelization_factor: lanes, batch_size: size.unwrap_or(batch) })
        }
        (_, false) => Err(format!(
            "{function} reads a stream: candidates are parallel 1 to 10, or 5x200 with a batch size, not {asked}"
        )),
    };
    candidates.iter().map(setting).collect::<Result<_, _>>().map_err(Failure::Usage)
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
