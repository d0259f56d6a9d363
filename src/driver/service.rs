//! One HTTP request answered by the pipeline, whichever door it came through: let in by the gate, read
//! by `wire`, run by the pipeline, written by `wire`, dated with the pipeline's time.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::driver::clock::Clock;
use crate::driver::gate::Gate;
use crate::driver::inlet::{Inlet, Stopped};
use crate::driver::simulated::Here;
use crate::driver::traffic::Traffic;
use crate::pipeline::request::{Request, RequestId, Response};
use crate::wire;

/// Where the pipeline is.
#[derive(Debug, Clone)]
pub(super) enum Back {
    /// On a thread of its own, in real time.
    Thread(Inlet),
    /// With the caller, in simulated time.
    Here(Arc<Here>),
}

#[derive(Debug, Clone)]
pub(super) struct Service {
    back: Back,
    clock: Clock,
    gate: Gate,
    traffic: Traffic,
}

impl Service {
    pub(super) fn new(back: Back, clock: Clock, gate: Gate, traffic: Traffic) -> Self {
        Service { back, clock, gate, traffic }
    }

    /// Answers; dropping the future cancels the request.
    pub(super) async fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Stopped> {
        let id = self.next_id();
        match &self.back {
            Back::Thread(_) => self.traffic.distance().await,
            Back::Here(_) => self.traffic.simulated_distance().await,
        }
        let (now, action, read) = (self.clock.account_now(), wire::action(&request), wire::read(&request));
        let asked = read.as_ref().ok().map(|call| &call.request);
        let slower = self.traffic.pass(&action, asked, now);
        let passed = self.gate.pass(&action, || wire::signed_at(&request), now);
        let mut answer = match (read, slower.map_or(passed, Err)) {
            (Ok(call), Ok(())) => call.form.write(self.ask(id, call.request).await?),
            (Ok(call), Err(error)) => call.form.write(Err(error)),
            (Err(refused), _) => refused.answer(),
        };
        self.stamp(&mut answer, id);
        Ok(answer)
    }

    /// An answer of the door's own, dated and numbered like the others.
    pub(super) fn refuse(&self, status: StatusCode, message: &str) -> http::Response<Bytes> {
        let mut answer = http::Response::new(Bytes::from(json!({"message": message}).to_string()));
        *answer.status_mut() = status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.stamp(&mut answer, self.next_id());
        answer
    }

    async fn ask(&self, id: RequestId, request: Request) -> Result<Response, Stopped> {
        match &self.back {
            Back::Thread(inlet) => inlet.request(id, request).await,
            Back::Here(here) => here.ask(self.clock.account_now(), request).ok_or(Stopped),
        }
    }

    fn next_id(&self) -> RequestId {
        match &self.back {
            Back::Thread(inlet) => inlet.next_id(),
            Back::Here(here) => here.next_id(),
        }
    }

    fn stamp(&self, answer: &mut http::Response<Bytes>, id: RequestId) {
        wire::stamp(answer, id, self.gate.time(self.clock.account_now()));
    }
}
