//! The ways out that are not keys: SIGTERM, SIGHUP, SIGINT from outside, and a panic anywhere. Each
//! becomes one [`Leave`]; nothing here touches the terminal or an operation.

use std::panic;
use std::sync::OnceLock;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Why the console has to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave {
    /// By its number's name, and the number: the exit code is 128 + number.
    Signal { name: &'static str, number: u8 },
    /// Something panicked; the text is printed once the terminal is back.
    Panic(String),
}

static PANICS: OnceLock<UnboundedSender<Leave>> = OnceLock::new();

/// From here on signals and panics arrive on the returned receiver instead of ending the process in
/// the middle of a frame. Must be called on a tokio runtime, once.
///
/// # Errors
/// When the process may not install signal handlers.
pub fn catch() -> std::io::Result<UnboundedReceiver<Leave>> {
    let (sender, receiver) = unbounded_channel();
    for (kind, name, number) in [
        (SignalKind::terminate(), "SIGTERM", 15),
        (SignalKind::hangup(), "SIGHUP", 1),
        (SignalKind::interrupt(), "SIGINT", 2),
    ] {
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if sender.send(Leave::Signal { name, number }).is_err() {
                    break;
                }
            }
        });
    }
    if PANICS.set(sender).is_ok() {
        panic::set_hook(Box::new(|info| {
            let thread = std::thread::current();
            let text = format!("thread {:?}: {info}", thread.name().unwrap_or("unnamed"));
            if let Some(sender) = PANICS.get() {
                let _ = sender.send(Leave::Panic(text));
            }
        }));
    }
    Ok(receiver)
}

/// Returns when the process is asked to stop: ctrl-c, SIGTERM or SIGHUP.
pub async fn asked_to_stop() {
    let (Ok(mut term), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
        _ = hangup.recv() => {}
    }
}
