//! What a handler wants done, as comparable data, and what it is told of the world. The pipeline
//! performs the orders in the order given; a handler never sees a container.

use std::sync::Arc;

use serde_json::Value;

use crate::automation::definition::{Action, Automation};
use crate::automation::event::{EventItem, Reference};
use crate::automation::fault::HandlerError;
use crate::automation::identity::{Identity, RunId};
use crate::automation::job::Job;
use crate::automation::request::Request;
use crate::model::time::Timestamp;

/// One thing to do. Performed in the order given; if one cannot be done the handler has failed there
/// and the rest is not done, which every order is safe against.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// An object under `automations/` in RequestStore; its `ObjectCreated` starts RequestWorker.
    PutRequest(Arc<Request>),
    /// An object under `payloads/` in RequestStore; starts nothing.
    PutPayload {
        key: String,
        body: Arc<str>,
    },
    /// An item of EventTable. An identity already recorded is not written again.
    PutEvent(EventItem),
    /// A message to JobQueue; `delay_s` ≤ 900.
    SendJob {
        job: Job,
        delay_s: u32,
    },
    PutProfile {
        recipient: Arc<str>,
        profile: Arc<Value>,
    },
    /// Every run under this token that was accepted until now stops at its next step.
    Cancel(Arc<str>),
    /// Adds one item to a batch; opens the batch for `owner` when there is none.
    AddToBatch {
        key: Arc<str>,
        item: Identity,
        batch: Batch,
    },
    CloseBatch {
        key: Arc<str>,
    },
    /// The job of this identity has done all it had to do.
    Done(Identity),
    /// The job of this identity was ended by a cancellation.
    Cancelled(Identity),
}

/// An open batch of `add-to-batch`: the run that opened it goes on when it is due, the others end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// The job that opened it.
    pub owner: Identity,
    pub opened: Timestamp,
    /// When it closes; moved by each item, at most to the opening plus `max_wait_period`.
    pub due: Timestamp,
    pub items: u32,
}

/// What an effect outside the pipeline answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Done,
    /// A `fetch-data`: the response's JSON.
    Data(Arc<Value>),
}

/// What a handler is told of the world. Reads only; everything it wants changed is an [`Order`].
pub trait Context {
    fn now(&self) -> Timestamp;

    /// The request of the run, from RequestStore.
    fn request(&self, run: RunId) -> Option<Arc<Request>>;

    /// True when the event of this identity is in EventTable. A recorded `Finished` is the receipt
    /// of the step's effect.
    fn recorded(&self, event: Identity) -> bool;

    /// When the token was last cancelled.
    fn cancelled_at(&self, token: &str) -> Option<Timestamp>;

    /// Lets the world outside (a provider, a webhook) do the action of the job. An error is the
    /// provider's and makes the job fail and be delivered again. The job's identity goes along as
    /// the idempotency key: a handler that dies between the effect and its receipt asks twice.
    fn perform(&self, job: &Job, action: &Action) -> Result<Answer, HandlerError>;

    /// The bucket that payloads too large for an item are put in.
    fn payload_bucket(&self) -> &str;

    /// A payload put aside earlier; `None` when it is gone.
    fn payload(&self, _reference: &Reference) -> Option<Arc<str>> {
        None
    }

    fn profile(&self, _recipient: &str) -> Option<Arc<Value>> {
        None
    }

    /// An automation template that `invoke` names.
    fn template(&self, _name: &str) -> Option<Arc<Automation>> {
        None
    }

    fn batch(&self, _key: &str) -> Option<Batch> {
        None
    }
}
