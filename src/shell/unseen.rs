//! The console without a terminal: the loop minus drawing. Tests and benches drive it; its time is the
//! clock's, which may be a paused runtime's.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::console::effect::Effect;
use crate::console::key::Key;
use crate::console::msg::Msg;
use crate::console::update::update;
use crate::console::{Console, ConsoleOptions};
use crate::driver::clock::Clock;
use crate::model::time::Mono;
use crate::shell::frame::take;
use crate::shell::worker::{Ground, Worker};

pub struct Unseen {
    pub console: Console,
    worker: Worker,
    clock: Clock,
    inbox: UnboundedReceiver<Msg>,
    /// Effects that only a terminal performs, in order: copies, above all.
    pub left_out: Vec<Effect>,
}

impl Unseen {
    pub fn new(ground: Ground, options: ConsoleOptions, size: (u16, u16)) -> Self {
        let (outbox, inbox) = unbounded_channel();
        let clock = ground.clock.clone();
        let worker = Worker::new(ground, outbox);
        let mut unseen = Unseen { console: Console::new(options), worker, clock, inbox, left_out: Vec::new() };
        unseen.tell(Msg::Resize { columns: size.0, rows: size.1 });
        unseen
    }

    /// Runs until `what` holds, and says after how many milliseconds it did; `None` after `most_ms`.
    pub async fn until(&mut self, most_ms: u64, mut what: impl FnMut(&Console) -> bool) -> Option<u64> {
        let start: Mono = self.clock.mono_now();
        loop {
            self.tell(Msg::Tick { mono: self.clock.mono_now(), account: self.clock.account_now() });
            let passed = self.clock.mono_now().ms_since(start);
            if what(&self.console) {
                return Some(passed);
            }
            if passed >= most_ms {
                return None;
            }
            let first = timeout(Duration::from_millis(TICK_MS), self.inbox.recv()).await.ok().flatten();
            let mut next = first;
            while let Some(msg) = next {
                self.tell(msg);
                next = self.inbox.try_recv().ok();
            }
        }
    }

    pub fn press(&mut self, key: Key) {
        self.tell(Msg::Key(key));
    }

    fn tell(&mut self, msg: Msg) {
        let effects = update(&mut self.console, msg);
        self.left_out.extend(take(&mut self.worker, effects));
    }
}

/// Time passes for the console at least so often.
const TICK_MS: u64 = 250;
