//! One HTTP request answered by the pipeline, whichever door it came through: read by `wire`, run by
//! the pipeline's thread, written by `wire`, dated with the pipeline's time.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::driver::clock::Clock;
use crate::driver::gate::Gate;
use crate::driver::inlet::{Inlet, Stopped};
use crate::wire;

#[derive(Debug, Clone)]
pub(super) struct Service {
    inlet: Inlet,
    clock: Clock,
    gate: Gate,
}

impl Service {
    pub(super) fn new(inlet: Inlet, clock: Clock, gate: Gate) -> Self {
        Service { inlet, clock, gate }
    }

    /// Answers; dropping the future cancels the request.
    pub(super) async fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Stopped> {
        let id = self.inlet.next_id();
        let now = self.clock.account_now();
        let passed = self.gate.pass(&wire::action(&request), wire::signed_at(&request), now);
        let mut answer = match (wire::read(&request), passed) {
            (Ok(call), Ok(())) => call.form.write(self.inlet.request(id, call.request).await?),
            (Ok(call), Err(error)) => call.form.write(Err(error)),
            (Err(refused), _) => refused.answer(),
        };
        wire::stamp(&mut answer, id, self.gate.time(self.clock.account_now()));
        Ok(answer)
    }

    /// An answer of the door's own, dated and numbered like the others.
    pub(super) fn refuse(&self, status: StatusCode, message: &str) -> http::Response<Bytes> {
        let mut answer = http::Response::new(Bytes::from(json!({"message": message}).to_string()));
        *answer.status_mut() = status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        wire::stamp(&mut answer, self.inlet.next_id(), self.gate.time(self.clock.account_now()));
        answer
    }
}
