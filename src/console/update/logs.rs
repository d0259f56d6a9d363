//! The logs' screen: which function's log `l` opens, when it is read again, what its keys do. Reading
//! a log is no write; it works read-only.

use crate::console::Console;
use crate::console::command::Action;
use crate::console::effect::Effect;
use crate::console::logs::LogView;
use crate::console::screen::Screen;
use crate::console::update::navigation;
use crate::model::finding::{Severity, Subject};
use crate::model::id::FunctionName;
use crate::model::log::{LogAsk, LogReading, default_group};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

/// Between two readings of a log that is followed, local time: a quota of a few requests a second is
/// shared by the whole account.
const FOLLOW_MS: u64 = 5_000;
/// A following reading reaches back so far: lines arrive late and out of order.
const OVERLAP_MS: i64 = 15_000;
/// An answer that has not come by then is taken for lost.
const LOST_MS: u64 = 60_000;
/// Lines of an example that can be scrolled to.
const MAX_SCROLL: usize = 10_000;

/// `l`: the log of the function that the cursor's row is about.
pub(super) fn open(console: &mut Console) -> Vec<Effect> {
    let Some(function) = function_here(console) else {
        console.say(Severity::Note, "no function here whose log could be read");
        return Vec::new();
    };
    show(console, &function)
}

/// Opens the function's log and reads it.
pub(super) fn show(console: &mut Console, function: &FunctionName) -> Vec<Effect> {
    navigation::push(console, Screen::Logs(function.clone()));
    ask(console, function, false)
}

/// What the screen of a function's log shows, before anything was read: `due` asks.
pub(super) fn have(console: &mut Console, function: &FunctionName) {
    let view = || LogView::new(function.clone(), default_group(function));
    console.logs.entry(function.clone()).or_insert_with(view);
}

/// The function a row is about: a consumer's, a finding's; of a queue its consumer's, of a dead-letter
/// queue that of the queue whose letters it takes.
fn function_here(console: &Console) -> Option<FunctionName> {
    if let Screen::Map = console.screen()
        && let Some(Subject::Function(name)) = console.current_finding().map(|finding| &finding.subject)
    {
        return Some(name.clone());
    }
    let mapping = console.mappings_here().into_iter().next();
    let of_mapping = mapping.and_then(|id| Some(console.picture.mappings.get(&id)?.value.function.clone()));
    of_mapping.or_else(|| console.picture.function_of_queue(&console.queue_here()?).cloned())
}

pub(super) fn act(console: &mut Console, action: Action) -> Vec<Effect> {
    let Screen::Logs(function) = console.screen().clone() else { return Vec::new() };
    let Some(view) = console.logs.get_mut(&function) else { return Vec::new() };
    match action {
        Action::LogFollow => {
            view.follow = !view.follow;
            if view.follow { ask(console, &function, true) } else { Vec::new() }
        }
        Action::LogWindow => {
            view.longer();
            ask(console, &function, false)
        }
        Action::LogRead => ask(console, &function, false),
        _ => Vec::new(),
    }
}

/// What is due by itself: the log in view, when nothing was ever read of it, or when it is followed.
pub(super) fn due(console: &mut Console) -> Vec<Effect> {
    if console.frozen_at.is_some() || console.leaving {
        return Vec::new();
    }
    let Screen::Logs(function) = console.screen().clone() else { return Vec::new() };
    let mono = console.mono;
    let Some(view) = console.logs.get(&function) else { return Vec::new() };
    if view.is_new() {
        return ask(console, &function, false);
    }
    if !view.follow {
        return Vec::new();
    }
    let waits = view.asked.is_some_and(|asked| mono.ms_since(asked) < LOST_MS);
    let rested = view.answered.is_none_or(|at| mono.ms_since(at) >= FOLLOW_MS);
    if waits || !rested { Vec::new() } else { ask(console, &function, true) }
}

fn ask(console: &mut Console, function: &FunctionName, later: bool) -> Vec<Effect> {
    let (now, mono) = (console.now, console.mono);
    let Some(view) = console.logs.get_mut(function) else { return Vec::new() };
    view.asked = Some(mono);
    view.generation += 1;
    // Nothing read yet: there is nothing to continue.
    let later = later && view.read_at.is_some() && view.trouble.is_none();
    let whole = now.plus_s(-view.window_s);
    let from = if later { view.reading.to.plus_ms(-OVERLAP_MS).max(whole) } else { whole };
    vec![Effect::FetchLog {
        function: function.clone(),
        generation: view.generation,
        later,
        ask: LogAsk { group: view.group.clone(), from, to: now, grep: None },
    }]
}

pub(super) fn arrived(
    console: &mut Console,
    at: Timestamp,
    function: &FunctionName,
    (generation, later): (u64, bool),
    result: Result<LogReading, ServiceError>,
) {
    let mono = console.mono;
    let redaction = console.options.context.redact.clone();
    let Some(view) = console.logs.get_mut(function).filter(|view| view.generation == generation) else { return };
    view.asked = None;
    view.answered = Some(mono);
    match result {
        Ok(reading) => {
            view.trouble = None;
            view.read_at = Some(at);
            view.group.clone_from(&reading.group);
            view.take(reading, later, &redaction);
        }
        Err(error) if error.is_missing() => {
            view.trouble = Some(if error.action.starts_with("lambda:") {
                format!("there is no function {function} any more")
            } else {
                format!("there is no log group {}: has {function} ever run?", view.group)
            });
        }
        Err(error) => {
            view.follow &= error.is_throttle();
            let advice = if error.is_denied() { "; the permission logs:FilterLogEvents is missing" } else { "" };
            view.trouble = Some(format!("{error}{advice}"));
        }
    }
}

/// After every message: the open log is revealed or not, every other one is not.
pub(super) fn redact(console: &mut Console) {
    let redaction = &console.options.context.redact;
    for view in console.logs.values_mut() {
        let revealed = matches!(&console.revealed, Some(Screen::Logs(function)) if *function == view.function);
        if view.revealed != revealed {
            view.reveal(revealed, redaction);
        }
    }
}

/// Moves within the list, or scrolls the example.
pub(super) fn step(console: &mut Console, function: &FunctionName, step: isize) {
    let filter = console.filter().to_owned();
    let Some(view) = console.logs.get_mut(function) else { return };
    if view.on_example {
        view.scroll = view.scroll.saturating_add_signed(step).min(MAX_SCROLL);
    } else {
        let keys = view.keys(&filter);
        view.cursor.step(&keys, step);
        view.scroll = 0;
    }
}

/// From the list to the example and back.
pub(super) fn pane(console: &mut Console) {
    if let Screen::Logs(function) = console.screen().clone()
        && let Some(view) = console.logs.get_mut(&function)
    {
        view.on_example = !view.on_example;
    }
}
