//! One HTTP request answered by the pipeline, whichever door it came through: read by `wire`, run by
//! the pipeline's thread, written by `wire`, dated with the pipeline's time.

use bytes::Bytes;

use crate::driver::clock::Clock;
use crate::driver::inlet::{Inlet, Stopped};
use crate::wire;

#[derive(Debug, Clone)]
pub(super) struct Service {
    inlet: Inlet,
    clock: Clock,
}

impl Service {
    pub(super) fn new(inlet: Inlet, clock: Clock) -> Self {
        Service { inlet, clock }
    }

    /// Answers; dropping the future cancels the request.
    pub(super) async fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Stopped> {
        let id = self.inlet.next_id();
        let mut answer = match wire::read(&request) {
            Ok(call) => call.form.write(self.inlet.request(id, call.request).await?),
            Err(refused) => refused.answer(),
        };
        wire::stamp(&mut answer, id, self.clock.account_now());
        Ok(answer)
    }
}
