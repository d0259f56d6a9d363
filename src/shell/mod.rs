//! The imperative shell of the console: it starts what the console needs, runs the loop, performs
//! effects and leaves in order. It decides nothing about the pipeline.

mod cache;
pub mod copies;
mod deaths;
mod discovery;
mod draft;
mod export;
mod frame;
mod hoard;
mod incident;
mod input;
pub mod jq;
mod leave;
pub mod nameless;
mod pace;
pub mod rehearsal;
pub mod reserve;
mod session;
mod sift;
mod signals;
mod stage;
mod terminal;
mod unseen;
mod worker;

#[cfg(test)]
mod rig;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod unarmed;

pub use cache::Cache;
pub use draft::Draft;
pub use pace::Pace;
pub use session::{local_now, operation_id, seed_of, session, utc_offset_s};
pub use signals::asked_to_stop;
pub use unseen::Unseen;
pub use worker::Ground;

use std::future::poll_fn;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use thiserror::Error;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::aws::connect::{ConnectError, ConnectOptions};
use crate::console::ConsoleOptions;
use crate::console::msg::Msg;
use crate::driver::sandbox::{SandboxError, SandboxOptions};
use crate::driver::traffic::Traffic;
use crate::journal::{Journal, JournalError};
use crate::shell::frame::{Ended, Frame};
use crate::shell::input::Input;
use crate::shell::signals::Leave;
use crate::shell::stage::Stage;
use crate::shell::terminal::Guard;
use crate::ui::theme::Theme;

/// What the console opens on.
#[derive(Debug)]
pub enum Scene {
    Account(ConnectOptions),
    /// The embedded pipeline, and where to serve it too.
    Sandbox {
        options: Box<SandboxOptions>,
        listen: Option<SocketAddr>,
        traffic: Traffic,
    },
}

/// What is opened, at the start or when the context is changed.
#[derive(Debug)]
pub struct Opening {
    pub scene: Scene,
    pub console: ConsoleOptions,
}

/// The opening of another context, by its name.
pub type Elsewhere = Box<dyn Fn(&str) -> Result<Opening, String>>;

pub struct ShellOptions {
    pub opening: Opening,
    /// `None` where there is nowhere else to go.
    pub elsewhere: Option<Elsewhere>,
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

/// Columns and rows of the terminal, where there is one.
pub fn terminal_size() -> Option<(u16, u16)> {
    crossterm::terminal::size().ok()
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
    let journal = Arc::new(Journal::open(options.state_dir.as_deref(), session::local_now)?);
    let cache = options.state_dir.as_deref().map(Cache::new);
    let mut stage = Stage::set(options.opening, &journal, cache.as_ref()).await?;
    let mut leave = signals::catch().map_err(ShellError::Runtime)?;
    let mut guard = Guard::take().map_err(ShellError::Terminal)?;
    // Keys go to the stage that is set.
    let keys = watch::Sender::new(stage.outbox.clone());
    listen_to_keys(keys.subscribe())?;
    let ended = loop {
        let Stage { console, worker, clock, outbox, inbox } = &mut stage;
        let theme = Theme::new(options.colour);
        let mut frame = Frame { console, guard: &mut guard, worker, clock, theme, outbox: outbox.clone() };
        let ended = caught(frame.run(inbox, &mut leave)).await;
        match ended {
            Some(Ended::Switch(name)) => {
                match stage.elsewhere(&name, options.elsewhere.as_ref(), &journal, cache.as_ref()).await {
                    Ok(next) => {
                        keys.send_replace(next.outbox.clone());
                        stage = next;
                    }
                    Err(why) => {
                        let line = format!("{name} could not be opened, this is as it was: {why}");
                        let _ = stage.outbox.send(Msg::Trouble(line));
                    }
                }
            }
            Some(ended) => break ended,
            // The hook has kept what the panic said.
            None => break Ended::Left(leave.try_recv().unwrap_or(Leave::Panic(String::new()))),
        }
    };
    drop(guard);
    leave::settle(&mut stage.worker, &mut stage.inbox, &mut leave).await;
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
        Ended::Quit | Ended::Switch(_) => 0,
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

fn listen_to_keys(outbox: watch::Receiver<UnboundedSender<Msg>>) -> Result<(), ShellError> {
    let take = move |input| {
        let msg = match input {
            Input::Key(key) => Msg::Key(key),
            Input::Mouse(mouse) => Msg::Mouse(mouse),
            Input::Paste(text) => Msg::Paste(text),
            Input::Resize { columns, rows } => Msg::Resize { columns, rows },
        };
        outbox.borrow().send(msg).is_ok()
    };
    input::listen(take).map_err(ShellError::Runtime)
}
