//! For tests: a console on an account that is the sandbox's pipeline behind its gate, with the shell's
//! own worker between them. Nothing of it knows that there is no AWS.

use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::aws::Account;
use crate::aws::connect::ConnectOptions;
use crate::console::msg::Msg;
use crate::console::update::update;
use crate::console::{Console, ConsoleOptions};
use crate::driver::clock::Clock;
use crate::driver::gate::Gate;
use crate::driver::sandbox::{ENDPOINT, Sandbox, SandboxOptions};
use crate::journal::Journal;
use crate::model::scope::Scope;
use crate::model::time::Mono;
use crate::pipeline::blueprint::Blueprint;
use crate::pipeline::standard::standard;
use crate::shell::worker::{Ground, Worker};
use crate::ui;
use crate::ui::theme::Theme;

pub struct Rig {
    pub console: Console,
    pub gate: Gate,
    worker: Worker,
    inbox: UnboundedReceiver<Msg>,
    clock: Clock,
    account: Arc<Account>,
    sandbox: Sandbox,
    mono: Mono,
    /// Where the journal lies and incidents are written; gone with the rig, when the rest of it is.
    _state: TempDir,
}

impl Rig {
    /// `before` is done to the gate before anything is asked.
    pub async fn start(options: ConsoleOptions, before: impl FnOnce(&Gate)) -> Self {
        Rig::of(standard(), None, options, before).await
    }

    pub async fn of(
        blueprint: Blueprint,
        prefix: Option<&str>,
        options: ConsoleOptions,
        before: impl FnOnce(&Gate),
    ) -> Self {
        let scope = prefix.map(|prefix| Scope::of_prefix(Some(prefix)));
        let options = ConsoleOptions { scope: options.scope.or(scope), ..options };
        let started = SandboxOptions { scenario: "rig".into(), blueprint, seed: 7, speed: 1.0, history_s: 900 };
        let sandbox = Sandbox::start(started).expect("the blueprint fits together");
        sandbox.ready().await.expect("it runs");
        let gate = sandbox.gate();
        before(&gate);
        let connect = ConnectOptions {
            region: Some(sandbox.region().to_owned()),
            endpoint_url: Some(ENDPOINT.to_owned()),
            http_client: Some(sandbox.client()),
            test_credentials: true,
            ..ConnectOptions::default()
        };
        let account = Arc::new(Account::connect(connect).await.expect("nothing is missing"));
        let clock = Clock::aws();
        let state = tempfile::tempdir().expect("a directory");
        let (outbox, inbox) = unbounded_channel();
        let ground = Ground {
            account: Arc::clone(&account),
            // An account, as far as the console knows.
            sandbox: None,
            journal: Arc::new(Journal::open(Some(state.path()), crate::shell::local_now).expect("a journal")),
            clock: clock.clone(),
            scope: options.scope.clone(),
            cache: None,
        };
        let worker = Worker::new(ground, outbox);
        let mut console = Console::new(options);
        (console.columns, console.rows) = (120, 36);
        Rig { console, gate, worker, inbox, clock, account, sandbox, mono: Mono::ZERO, _state: state }
    }

    pub fn tell(&mut self, msg: Msg) {
        for effect in update(&mut self.console, msg) {
            self.worker.perform(effect);
        }
    }

    /// What has arrived is taken in, and local time goes on by `ms`.
    pub async fn pass(&mut self, ms: u64) {
        self.mono = self.mono.plus_ms(ms);
        // As the shell does it: the account's time is what its answers say.
        let ahead_ms = *self.account.ahead_ms().borrow();
        if ahead_ms != self.clock_ahead_ms() {
            self.clock.set_skew_ms(ahead_ms);
            self.tell(Msg::ClockSkewed { ahead_ms });
        }
        let account = self.clock.account_now();
        self.tell(Msg::Tick { mono: self.mono, account });
        while let Ok(Some(msg)) = tokio::time::timeout(Duration::from_millis(5), self.inbox.recv()).await {
            self.tell(msg);
        }
    }

    fn clock_ahead_ms(&self) -> i64 {
        self.console.skew_ms.unwrap_or(0)
    }

    /// Lets local time pass, a second at a time, until it is so.
    pub async fn until(&mut self, what: &str, so: impl Fn(&Console) -> bool) {
        for _ in 0..600 {
            self.pass(1_000).await;
            if so(&self.console) {
                return;
            }
        }
        panic!("ten minutes have passed without {what}:\n{}", self.screen(120, 36));
    }

    /// The screen as a person sees it.
    pub fn screen(&self, columns: u16, rows: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("in memory");
        terminal
            .draw(|frame| {
                ui::draw(frame, &self.console, Theme::new(false));
            })
            .expect("in memory");
        let buffer = terminal.backend().buffer();
        let row = |y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..rows).map(row).map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    pub async fn stop(self) {
        self.sandbox.stop().await;
    }
}
