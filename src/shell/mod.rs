//! The imperative shell of the console: it starts what the console needs, runs the loop, performs
//! effects and leaves in order. It decides nothing about the pipeline.

mod frame;
mod input;
mod leave;
mod pace;
mod session;
mod signals;
mod terminal;
mod worker;

pub use pace::Pace;
pub use session::{operation_id, seed_of, session, utc_offset_s};
pub use signals::asked_to_stop;

use std::future::poll_fn;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use thiserror::Error;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::aws::Account;
use crate::aws::connect::{ConnectError, ConnectOptions};
use crate::console::msg::Msg;
use crate::console::{Console, ConsoleOptions};
use crate::driver::clock::Clock;
use crate::driver::sandbox::{ENDPOINT, Sandbox, SandboxError, SandboxOptions};
use crate::journal::{Journal, JournalError};
use crate::shell::frame::{Ended, Frame};
use crate::shell::input::Input;
use crate::shell::signals::Leave;
use crate::shell::terminal::Guard;
use crate::shell::worker::{Ground, Worker};
use crate::ui::theme::Theme;

/// What the console opens on.
#[derive(Debug)]
pub enum Scene {
    Account(ConnectOptions),
    /// The embedded pipeline, and where to serve it too.
    Sandbox {
        options: Box<SandboxOptions>,
        listen: Option<SocketAddr>,
    },
}

#[derive(Debug)]
pub struct ShellOptions {
    pub scene: Scene,
    pub console: ConsoleOptions,
    /// Only what is named so.
    pub prefix: Option<String>,
    /// Where the journal is kept; `None` keeps it in memory.
    pub state_dir: Option<PathBuf>,
    pub colour: bool,
}

#[derive(Debug, Error)]
pub enum ShellError {
    #[error("the console needs a terminal; without one use `redrive status`, or `redrive sandbox --headless`")]
    NoTerminal,
    #[error("terminal: {0}")]
    Terminal(io::Error),
    #[error("starting the console's runtime: {0}")]
    Runtime(io::Error),
    #[error("{0}")]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Sandbox(#[from] SandboxError),
    #[error("{0}")]
    Journal(#[from] JournalError),
    #[error("{0}")]
    Listen(String),
}

/// Opens the console and stays until it is left; answers the process's exit code.
///
/// # Errors
/// What kept it from opening. Once open, trouble is shown on screen.
pub fn run(options: ShellOptions) -> Result<u8, ShellError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(ShellError::NoTerminal);
    }
    // Operations run here and not on the screen's thread: they outlive it while it leaves.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("redrive")
        .enable_all()
        .build()
        .map_err(ShellError::Runtime)?;
    runtime.block_on(open(options))
}

async fn open(options: ShellOptions) -> Result<u8, ShellError> {
    let (outbox, mut inbox) = unbounded_channel::<Msg>();
    let journal = Journal::open(options.state_dir.as_deref())?;
    let (account, clock, sandbox) = connect(options.scene, &outbox).await?;
    let mut leave = signals::catch().map_err(ShellError::Runtime)?;
    let ground = Ground {
        account: Arc::new(account),
        sandbox,
        journal: Arc::new(journal),
        clock: clock.clone(),
        prefix: options.prefix,
    };
    let mut worker = Worker::new(ground, outbox.clone());
    let mut guard = Guard::take().map_err(ShellError::Terminal)?;
    listen_to_keys(&outbox)?;
    let mut console = Console::new(options.console);
    let ended = {
        let mut frame = Frame {
            console: &mut console,
            guard: &mut guard,
            worker: &mut worker,
            clock: &clock,
            theme: Theme::new(options.colour),
            outbox: outbox.clone(),
        };
        caught(frame.run(&mut inbox, &mut leave)).await
    };
    // The hook has kept what the panic said.
    let ended = ended.unwrap_or_else(|| Ended::Left(leave.try_recv().unwrap_or(Leave::Panic(String::new()))));
    drop(guard);
    leave::settle(&mut worker, &mut inbox, &mut leave).await;
    Ok(exit_code(&ended))
}

/// `None` when the future panicked: leases are given back and the terminal restored all the same.
async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// 0 for a key, 128 + n for a signal (as a shell counts), 101 for a panic (as Rust does).
fn exit_code(ended: &Ended) -> u8 {
    match ended {
        Ended::Quit => 0,
        Ended::Left(Leave::Signal { number, .. }) => 128 + number,
        Ended::Left(Leave::Panic(text)) => {
            leave::say(&format!("redrive: this is a bug, please report it: {text}"));
            101
        }
        Ended::Terminal(why) => {
            leave::say(&format!("redrive: the terminal is gone: {why}"));
            3
        }
    }
}

/// The account as the scene has it, and its time. A sandbox's bench is passed on from here.
async fn connect(
    scene: Scene,
    outbox: &UnboundedSender<Msg>,
) -> Result<(Account, Clock, Option<Arc<Sandbox>>), ShellError> {
    match scene {
        Scene::Account(options) => {
            let account = Account::connect(options).await?;
            let clock = Clock::aws();
            follow_dates(&account, &clock);
            Ok((account, clock, None))
        }
        Scene::Sandbox { options, listen } => {
            let sandbox = Arc::new(Sandbox::start(*options)?);
            let account = Account::connect(ConnectOptions {
                region: Some(sandbox.region().to_owned()),
                endpoint_url: Some(ENDPOINT.to_owned()),
                http_client: Some(sandbox.client()),
                test_credentials: true,
                ..ConnectOptions::default()
            })
            .await?;
            if let Some(address) = listen {
                serve(Arc::clone(&sandbox), address, outbox.clone()).await?;
            }
            follow_bench(&sandbox, outbox.clone());
            Ok((account, sandbox.clock(), Some(sandbox)))
        }
    }
}

/// Keeps the account's clock right: AWS's `Date` is whole seconds, so a difference of less than two
/// is no skew.
fn follow_dates(account: &Account, clock: &Clock) {
    let (mut dates, clock) = (account.dates(), clock.clone());
    tokio::spawn(async move {
        let mut skew_ms = 0;
        while dates.changed().await.is_ok() {
            let date = *dates.borrow_and_update();
            if let Some(date) = date {
                let ahead_ms = date.plus_ms(500).ms_since(clock.account_now());
                if ahead_ms.abs() >= 2_000 {
                    skew_ms += ahead_ms;
                    clock.set_skew_ms(skew_ms);
                }
            }
        }
    });
}

fn follow_bench(sandbox: &Sandbox, outbox: UnboundedSender<Msg>) {
    let mut bench = sandbox.bench();
    tokio::spawn(async move {
        loop {
            let seen = bench.borrow_and_update().clone();
            if outbox.send(Msg::BenchArrived(seen)).is_err() || bench.changed().await.is_err() {
                break;
            }
        }
    });
}

/// Serves while the console is open; the listener lives as long as its task.
async fn serve(sandbox: Arc<Sandbox>, address: SocketAddr, outbox: UnboundedSender<Msg>) -> Result<(), ShellError> {
    let listener = sandbox.listen(address).await.map_err(|error| ShellError::Listen(error.to_string()))?;
    let _ = outbox.send(Msg::Trouble(format!("serving on http://{}", listener.address())));
    tokio::spawn(async move {
        let _listener = listener;
        std::future::pending::<()>().await;
    });
    Ok(())
}

fn listen_to_keys(outbox: &UnboundedSender<Msg>) -> Result<(), ShellError> {
    let outbox = outbox.clone();
    let take = move |input| {
        let msg = match input {
            Input::Key(key) => Msg::Key(key),
            Input::Mouse(mouse) => Msg::Mouse(mouse),
            Input::Paste(text) => Msg::Paste(text),
            Input::Resize { columns, rows } => Msg::Resize { columns, rows },
        };
        outbox.send(msg).is_ok()
    };
    input::listen(take).map_err(ShellError::Runtime)
}
