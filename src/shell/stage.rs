//! What one context needs: its account, a console, a worker, and the channel that carries news and
//! keys. A stage is set at the start, and another when the context changes: nothing of the old
//! account, and nothing that was typed for it, reaches the new console.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::aws::Account;
use crate::aws::connect::ConnectOptions;
use crate::console::Console;
use crate::console::msg::Msg;
use crate::driver::clock::Clock;
use crate::driver::sandbox::{ENDPOINT, Sandbox};
use crate::journal::Journal;
use crate::shell::cache::Cache;
use crate::shell::worker::{Ground, Worker};
use crate::shell::{Elsewhere, Opening, Scene, ShellError};

pub struct Stage {
    pub console: Console,
    pub worker: Worker,
    pub clock: Clock,
    pub outbox: UnboundedSender<Msg>,
    pub inbox: UnboundedReceiver<Msg>,
}

impl Stage {
    /// # Errors
    /// Why the account cannot be opened.
    pub async fn set(opening: Opening, journal: &Arc<Journal>, cache: Option<&Cache>) -> Result<Self, ShellError> {
        let (outbox, inbox) = unbounded_channel::<Msg>();
        let (account, clock, sandbox) = connect(opening.scene, &outbox).await?;
        let ground = Ground {
            account: Arc::new(account),
            sandbox,
            journal: Arc::clone(journal),
            clock: clock.clone(),
            scope: opening.console.scope.clone(),
            cache: cache.cloned(),
        };
        let worker = Worker::new(ground, outbox.clone());
        Ok(Stage { console: Console::new(opening.console), worker, clock, outbox, inbox })
    }

    /// The stage of another context; or why that cannot be opened.
    ///
    /// # Errors
    /// In one line; this stage goes on as it is.
    pub async fn elsewhere(
        &self,
        name: &str,
        elsewhere: Option<&Elsewhere>,
        journal: &Arc<Journal>,
        cache: Option<&Cache>,
    ) -> Result<Stage, String> {
        let one_line = |why: String| why.lines().next().unwrap_or("").trim_start_matches("error: ").to_owned();
        let opening = elsewhere.ok_or("there is nowhere else to go")?(name).map_err(one_line)?;
        let mut next = Stage::set(opening, journal, cache).await.map_err(|error| one_line(error.to_string()))?;
        (next.console.columns, next.console.rows) = (self.console.columns, self.console.rows);
        next.console.mouse = self.console.mouse;
        Ok(next)
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
            follow_dates(&account, &clock, outbox.clone());
            Ok((account, clock, None))
        }
        Scene::Sandbox { options, listen, traffic } => {
            let as_remote = !traffic.is_free();
            let sandbox = Arc::new(Sandbox::behind(*options, traffic)?);
            let account = Account::connect(ConnectOptions {
                region: Some(sandbox.region().to_owned()),
                endpoint_url: Some(ENDPOINT.to_owned()),
                http_client: Some(sandbox.client()),
                test_credentials: true,
                as_remote,
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
fn follow_dates(account: &Account, clock: &Clock, outbox: UnboundedSender<Msg>) {
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
                    let _ = outbox.send(Msg::ClockSkewed { ahead_ms: skew_ms });
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
