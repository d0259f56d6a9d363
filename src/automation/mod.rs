//! The pipeline's own business as pure functions: an event goes in, orders come out. No AWS, no time,
//! no randomness of its own.
//!
//! | handler | fed by | called |
//! |---|---|---|
//! | web service | `POST /automations` | [`intake::intake`] → [`intake::Accepted`] or every fault |
//! | RequestWorker | `ObjectCreated` under `automations/` | [`request_worker::request_worker`] |
//! | JobWorker | JobQueue | [`job_worker::job_worker`], or `from_body` for a body somebody edited |
//! | LogWorker | the stream of EventTable | [`log_worker::log_worker`] |
//!
//! The caller performs the [`order::Order`]s in the order given and answers questions through
//! [`order::Context`] and [`log_worker::Index`]. Load is made by reading a body once and calling
//! [`intake::Accepted::again`] for each run; a step then takes the recipient by `{"$ref": "recipient"}`.
//!
//! A job ends with [`order::Order::Done`] or `Cancelled`; a waiting one ends with neither, because it
//! has sent itself again under the same identity. An event is done once its document is indexed.

pub mod accessor;
pub mod condition;
pub mod definition;
pub mod duration;
pub mod event;
pub mod fault;
mod field;
pub mod identity;
pub mod intake;
pub mod job;
pub mod job_worker;
pub mod log_worker;
pub mod merge;
pub mod offload;
pub mod order;
pub mod request;
pub mod request_worker;
mod step;
pub mod validate;
