//! The loop: every waiting message is taken, then one frame is drawn, at most every 33 ms. It
//! decides nothing; what a message means is the console's business, what an effect needs is the
//! worker's.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::msg::Msg;
use crate::console::update::update;
use crate::driver::clock::Clock;
use crate::model::time::Mono;
use crate::shell::signals::Leave;
use crate::shell::terminal::Guard;
use crate::shell::worker::Worker;
use crate::ui;
use crate::ui::theme::Theme;

/// At most thirty frames a second, however much arrives.
const FRAME_MS: u64 = 33;
/// Time passes for the console at least so often: clocks in the header, timers of the schedule.
const TICK_MS: u64 = 250;

/// Why the loop ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Quit,
    Left(Leave),
    /// To the account of another context.
    Switch(String),
    /// The terminal cannot be written to any more.
    Terminal(String),
}

pub struct Frame<'a> {
    pub console: &'a mut Console,
    pub guard: &'a mut Guard,
    pub worker: &'a mut Worker,
    pub clock: &'a Clock,
    pub outbox: UnboundedSender<Msg>,
    pub theme: Theme,
}

impl Frame<'_> {
    pub async fn run(&mut self, inbox: &mut UnboundedReceiver<Msg>, leave: &mut UnboundedReceiver<Leave>) -> Ended {
        let mut drawn_at: Option<Mono> = None;
        let mut dirty = true;
        loop {
            let now = self.clock.mono_now();
            let due = drawn_at.is_none_or(|at| now.ms_since(at) >= FRAME_MS);
            if dirty && due {
                let mut first = None;
                let drawn = self.guard.screen().draw(|frame| first = ui::draw(frame, self.console, self.theme));
                if let Err(error) = drawn {
                    return Ended::Terminal(error.to_string());
                }
                self.console.begins_with(first);
                drawn_at = Some(now);
                dirty = false;
            }
            let wait_ms = if dirty { FRAME_MS } else { TICK_MS };
            let first = tokio::select! {
                biased;
                Some(why) = leave.recv() => return Ended::Left(why),
                msg = timeout(Duration::from_millis(wait_ms), inbox.recv()) => msg.ok().flatten(),
            };
            dirty = true;
            self.panic_if_asked();
            if let Some(ended) = self.take(self.tick()) {
                return ended;
            }
            let mut next = first;
            while let Some(msg) = next {
                if let Some(ended) = self.take(msg) {
                    return ended;
                }
                next = inbox.try_recv().ok();
            }
        }
    }

    /// A build for tests panics when it is told to, so that leaving by a panic can be seen: once there
    /// is a finding, or (`held`) once messages are held.
    fn panic_if_asked(&self) {
        let Some(when) = std::env::var_os("REDRIVE_TEST_PANIC").filter(|_| cfg!(debug_assertions)) else { return };
        let held = self.console.running().any(|runs| runs.progress.as_ref().is_some_and(|progress| progress.held > 0));
        if if when == "held" { held } else { !self.console.findings.is_empty() } {
            panic!("asked to by REDRIVE_TEST_PANIC");
        }
    }

    fn tick(&self) -> Msg {
        Msg::Tick { mono: self.clock.mono_now(), account: self.clock.account_now() }
    }

    fn take(&mut self, msg: Msg) -> Option<Ended> {
        let effects = update(self.console, msg);
        for effect in take(self.worker, effects) {
            match effect {
                Effect::Quit => return Some(Ended::Quit),
                Effect::SwitchContext(name) => return Some(Ended::Switch(name)),
                Effect::MouseCapture(on) => {
                    if let Err(error) = self.guard.capture_mouse(on) {
                        let _ = self.outbox.send(Msg::Trouble(format!("mouse capture: {error}")));
                    }
                }
                Effect::Copy(text) => {
                    let result = self.guard.copy(&text).map_err(|_| text);
                    let _ = self.outbox.send(Msg::Copied { result });
                }
                _ => {}
            }
        }
        None
    }
}

/// Has the worker perform what it can; answers what only somebody with a terminal can.
pub(super) fn take(worker: &mut Worker, effects: Vec<Effect>) -> Vec<Effect> {
    let mut left = Vec::new();
    for effect in effects {
        match effect {
            Effect::Quit | Effect::MouseCapture(_) | Effect::Copy(_) => left.push(effect),
            effect => worker.perform(effect),
        }
    }
    left
}
