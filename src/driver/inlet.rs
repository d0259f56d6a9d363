//! The way to the thread that owns the pipeline: what can be asked of it, and a handle to ask. Knows
//! no protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use tokio::sync::oneshot;

use crate::model::bench::BenchCommand;
use crate::pipeline::request::{Request, RequestId, Response};
use crate::pipeline::summary::Summary;

/// One message to the pipeline's thread.
#[derive(Debug)]
pub(super) enum Ask {
    Request(RequestId, Box<Request>, oneshot::Sender<Response>),
    /// Nobody waits for this request any more.
    Cancel(RequestId),
    Bench(BenchCommand),
    /// Make so many milliseconds of sandbox time pass at once, then say so.
    Advance(i64, oneshot::Sender<()>),
    Summary(oneshot::Sender<Summary>),
    Stop(oneshot::Sender<()>),
}

/// The pipeline's thread has ended; nothing answers any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox has stopped")]
pub struct Stopped;

/// A handle to the thread. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Inlet {
    asks: Sender<Ask>,
    next_id: Arc<AtomicU64>,
}

impl Inlet {
    pub(super) fn new(asks: Sender<Ask>) -> Self {
        Inlet { asks, next_id: Arc::new(AtomicU64::new(1)) }
    }

    pub(super) fn next_id(&self) -> RequestId {
        RequestId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn tell(&self, ask: Ask) -> Result<(), Stopped> {
        self.asks.send(ask).map_err(|_| Stopped)
    }

    /// Asks and waits; dropping the future cancels the request.
    pub(super) async fn request(&self, id: RequestId, request: Request) -> Result<Response, Stopped> {
        let mut guard = CancelOnDrop { inlet: self, id, armed: true };
        let response = self.ask(|reply| Ask::Request(id, Box::new(request), reply)).await;
        guard.armed = false;
        response
    }

    pub(super) async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.tell(ask(reply))?;
        answer.await.map_err(|_| Stopped)
    }
}

/// A caller that goes away while it waits is no longer owed an answer.
struct CancelOnDrop<'a> {
    inlet: &'a Inlet,
    id: RequestId,
    armed: bool,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            // The thread may have ended already; then there is nothing to cancel.
            let _ = self.inlet.tell(Ask::Cancel(self.id));
        }
    }
}
