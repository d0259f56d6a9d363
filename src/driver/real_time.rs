//! The thread that owns a running pipeline: first its history in virtual time, then real time times
//! the speed. It is a loop without decisions: it asks the clock, hands the pipeline what is due and
//! what was asked, and gives the answers back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::driver::clock::Clock;
use crate::driver::inlet::Ask;
use crate::model::bench::{Bench, BenchCommand};
use crate::model::time::{Mono, Timestamp};
use crate::pipeline::Pipeline;
use crate::pipeline::request::{RequestId, Response};

/// Slowest and fastest, in sandbox seconds per real second.
pub const SPEED_RANGE: std::ops::RangeInclusive<f64> = 1.0..=600.0;
/// Fastest while a lease or a mover is open: its deadlines are in sandbox time, its calls in real
/// time (design, two kinds of time).
pub const HELD_SPEED: f64 = 10.0;

/// `speed` within [`SPEED_RANGE`]; 1 when it is not a number.
pub(super) fn clamp_speed(speed: f64) -> f64 {
    if speed.is_nan() { *SPEED_RANGE.start() } else { speed.clamp(*SPEED_RANGE.start(), *SPEED_RANGE.end()) }
}

/// The pipeline, its clock, and those who wait for it.
pub(super) struct RealTime {
    pipeline: Pipeline,
    clock: Clock,
    asks: Receiver<Ask>,
    bench: watch::Sender<Bench>,
    waiting: BTreeMap<RequestId, oneshot::Sender<Response>>,
    /// Asked while the history ran.
    postponed: VecDeque<Ask>,
    speed_wanted: f64,
    speed_held: bool,
    shown_at: Option<Mono>,
    counted_at: Option<Mono>,
    stopped: Option<oneshot::Sender<()>>,
    ended: bool,
}

impl RealTime {
    /// `bench` holds scenario and seed, and the speed wanted.
    pub(super) fn new(pipeline: Pipeline, clock: Clock, asks: Receiver<Ask>, bench: watch::Sender<Bench>) -> Self {
        let speed_wanted = clamp_speed(bench.borrow().speed_wanted);
        RealTime {
            pipeline,
            clock,
            asks,
            bench,
            waiting: BTreeMap::new(),
            postponed: VecDeque::new(),
            speed_wanted,
            speed_held: false,
            shown_at: None,
            counted_at: None,
            stopped: None,
            ended: false,
        }
    }

    /// Runs until it is told to stop, or nobody is left to tell it.
    pub(super) fn run(mut self, history_until: Timestamp) {
        self.run_history(history_until);
        while !self.ended {
            self.catch_up();
            self.deliver();
            self.show_now_and_then();
            match self.asks.recv_timeout(self.wait()) {
                Ok(ask) => {
                    self.take(ask);
                    self.drain();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
        // Whoever still waits sees its channel closed.
        self.waiting.clear();
        if let Some(stopped) = self.stopped.take() {
            let _ = stopped.send(());
        }
    }

    /// The time before the start, and what has passed meanwhile; requests wait.
    fn run_history(&mut self, until: Timestamp) {
        loop {
            let until = until.max(self.clock.account_now());
            if self.ended || self.pipeline.now() >= until {
                break;
            }
            let next = self.pipeline.now().plus_ms(SLICE_MS).min(until);
            self.pipeline.handle_timeout(next);
            loop {
                match self.asks.try_recv() {
                    Ok(Ask::Stop(stopped)) => {
                        self.stopped = Some(stopped);
                        self.ended = true;
                    }
                    Ok(ask) => self.postponed.push_back(ask),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.ended = true;
                        break;
                    }
                }
            }
            self.show_now_and_then();
        }
        self.bench.send_modify(|bench| bench.preparing = false);
        self.pace();
        while let Some(ask) = self.postponed.pop_front() {
            self.take(ask);
        }
    }

    /// Brings the pipeline to the clock's time, in slices between which asks are taken. A pipeline
    /// that cannot keep up holds its clock back.
    fn catch_up(&mut self) {
        loop {
            let lead = (LEAD_MS as f64 * self.clock.speed()) as i64;
            self.clock.hold_below(self.pipeline.now().plus_ms(lead));
            let target = self.clock.account_now();
            if self.pipeline.now() >= target || self.ended {
                return;
            }
            self.pipeline.handle_timeout(self.pipeline.now().plus_ms(SLICE_MS).min(target));
            self.deliver();
            self.drain();
            self.show_now_and_then();
        }
    }

    fn drain(&mut self) {
        while !self.ended {
            match self.asks.try_recv() {
                Ok(ask) => self.take(ask),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.ended = true,
            }
        }
    }

    fn take(&mut self, ask: Ask) {
        let now = self.now();
        match ask {
            Ask::Request(id, request, reply) => {
                self.waiting.insert(id, reply);
                self.pipeline.handle_request(now, id, *request);
                self.deliver();
            }
            Ask::Cancel(id) => {
                if self.waiting.remove(&id).is_some() {
                    self.pipeline.handle_cancel(now, id);
                }
            }
            Ask::Bench(command) => self.command(now, command),
            Ask::Advance(ms, done) => {
                self.clock.rebase(now.plus_ms(ms.max(0)), self.clock.speed());
                let target = self.clock.account_now();
                while self.pipeline.now() < target {
                    self.pipeline.handle_timeout(self.pipeline.now().plus_ms(SLICE_MS).min(target));
                    self.deliver();
                }
                self.show(true);
                let _ = done.send(());
            }
            Ask::Summary(reply) => {
                let _ = reply.send(self.pipeline.summary());
            }
            Ask::Stop(stopped) => {
                self.stopped = Some(stopped);
                self.ended = true;
            }
        }
    }

    fn command(&mut self, now: Timestamp, command: BenchCommand) {
        match command {
            BenchCommand::Set { switch, on } => {
                self.pipeline.set_switch(now, &switch, on);
            }
            BenchCommand::Speed(speed) => self.speed_wanted = clamp_speed(speed),
            BenchCommand::HoldSpeed(held) => self.speed_held = held,
        }
        self.pace();
    }

    /// Puts the clock to the speed wanted, or to the one held, and shows it.
    fn pace(&mut self) {
        let speed = if self.speed_held { self.speed_wanted.min(HELD_SPEED) } else { self.speed_wanted };
        if self.clock.speed() != speed {
            self.clock.set_speed(speed);
        }
        self.show(false);
    }

    fn deliver(&mut self) {
        while let Some((id, response)) = self.pipeline.poll_response() {
            if let Some(reply) = self.waiting.remove(&id) {
                // A caller that has just gone away is not an error.
                let _ = reply.send(response);
            }
        }
    }

    /// The pipeline's time never goes backwards, nor may it be asked to.
    fn now(&self) -> Timestamp {
        self.clock.account_now().max(self.pipeline.now())
    }

    /// How long to sleep: to the next timer, but not so short that every timer is a wake-up of its
    /// own, and not so long that the bench goes stale.
    fn wait(&self) -> Duration {
        let until_next = match self.pipeline.poll_timeout() {
            Some(at) => (at.ms_since(self.clock.account_now()).max(0) as f64 / self.clock.speed()) as u64,
            None => SHOW_MS,
        };
        Duration::from_millis(until_next.clamp(COALESCE_MS, SHOW_MS))
    }

    fn show_now_and_then(&mut self) {
        let now = self.clock.mono_now();
        let due = |at: Option<Mono>, every_ms| at.is_none_or(|at| now.ms_since(at) >= every_ms);
        if due(self.shown_at, SHOW_MS) {
            let count = due(self.counted_at, COUNT_MS);
            self.show(count);
        }
    }

    /// Publishes the bench; the census is recounted only if `count`, since it looks at everything.
    fn show(&mut self, count: bool) {
        let at = self.clock.mono_now();
        self.shown_at = Some(at);
        let census = count.then(|| self.pipeline.census());
        self.counted_at = if count { Some(at) } else { self.counted_at };
        let (now, speed, speed_wanted) = (self.pipeline.now(), self.clock.speed(), self.speed_wanted);
        let switches = self.pipeline.switches();
        self.bench.send_modify(|bench| {
            bench.now = now;
            bench.speed = speed;
            bench.speed_wanted = speed_wanted;
            bench.switches = switches;
            if let Some(census) = census {
                bench.census = census;
            }
        });
    }
}

/// Virtual milliseconds run at a stretch before asks are looked at.
const SLICE_MS: i64 = 10_000;
/// Real milliseconds, times the speed, the clock may be ahead of the pipeline before it waits.
const LEAD_MS: u64 = 2_000;
/// Timers closer than this, in real milliseconds, share a wake-up.
const COALESCE_MS: u64 = 20;
/// Real milliseconds between two looks at the bench.
const SHOW_MS: u64 = 500;
/// Real milliseconds between two censuses.
const COUNT_MS: u64 = 5_000;
