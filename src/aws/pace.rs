//! Holds Lambda's control calls to one a second: the fifteen an account has belong to whoever deploys
//! the fix (aws-facts §1.4). Every call of a Lambda client passes here, the SDK's repeats too, but for
//! running a function. Ten may go at once, never more within ten seconds. A change an operator asked
//! for does not wait; reads after it do. An answer that says "slower" costs turns.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// The turns of one account, shared by its Lambda clients.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    turns: Arc<Semaphore>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Pace { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// `client`, whose calls wait for their turn; with `at_once` they go and pay for it afterwards.
    /// A call that has begun may last `limit`.
    pub(super) fn over(&self, client: SharedHttpClient, at_once: bool, limit: Option<Duration>) -> SharedHttpClient {
        SharedHttpClient::new(Paced { inner: client, pace: self.clone(), at_once, limit })
    }

    /// Returns when it is this call's turn.
    async fn turn(&self) {
        // The semaphore is never closed.
        if let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await {
            spend(turn);
        }
    }

    /// Returns when so few turns are taken that nobody is kept waiting by one more.
    pub(super) async fn leisure(&self) {
        while self.turns.available_permits() < SPARE {
            sleep(LOOK).await;
        }
    }

    /// So many turns are used up as soon as they are free.
    fn owe(&self, turns: usize) {
        for _ in 0..turns {
            let pace = self.clone();
            tokio::spawn(async move { pace.turn().await });
        }
    }
}

/// A turn comes back when its time is over.
fn spend(turn: OwnedSemaphorePermit) {
    tokio::spawn(async move {
        sleep(WINDOW).await;
        drop(turn);
    });
}

#[derive(Debug, Clone)]
struct Paced {
    inner: SharedHttpClient,
    pace: Pace,
    at_once: bool,
    limit: Option<Duration>,
}

impl HttpClient for Paced {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(PacedConnector { inner, paced: self.clone() })
    }
}

#[derive(Debug)]
struct PacedConnector {
    inner: SharedHttpConnector,
    paced: Paced,
}

impl HttpConnector for PacedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let runs_a_function = request.uri().contains("/invocations");
        if runs_a_function {
            return self.inner.call(request);
        }
        let (inner, paced) = (self.inner.clone(), self.paced.clone());
        HttpConnectorFuture::new(async move {
            if paced.at_once {
                paced.pace.owe(1);
            } else {
                paced.pace.turn().await;
            }
            let answer = match paced.limit {
                Some(limit) => match timeout(limit, inner.call(request)).await {
                    Ok(answer) => answer?,
                    Err(_) => return Err(ConnectorError::timeout("no answer in time".into())),
                },
                None => inner.call(request).await?,
            };
            if answer.status().as_u16() == 429 {
                paced.pace.owe(PENALTY);
            }
            Ok(answer)
        })
    }
}

/// Calls that may go at once, and the time until each may go again.
const AT_ONCE: usize = 10;
const WINDOW: Duration = Duration::from_secs(10);
/// Turns an answer "slower" costs.
const PENALTY: usize = 1;
/// Turns that must be free before something nobody waits for takes one, and how often to look.
const SPARE: usize = 6;
const LOOK: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_go_at_once_and_then_one_a_second_on_average() {
        let pace = Pace::new();
        let wait = |n: usize| {
            let pace = pace.clone();
            async move {
                for _ in 0..n {
                    pace.turn().await;
                }
            }
        };
        assert!(timeout(Duration::ZERO, wait(10)).await.is_ok(), "ten at once");
        assert!(timeout(Duration::from_secs(9), wait(1)).await.is_err());
        assert!(timeout(Duration::from_secs(2), wait(10)).await.is_ok(), "their time is over");
        pace.owe(10);
        tokio::task::yield_now().await;
        assert!(timeout(Duration::from_secs(15), wait(1)).await.is_err(), "what is owed goes first");
        assert!(timeout(Duration::from_secs(6), wait(1)).await.is_ok());
    }
}
