//! Runs a pipeline in virtual time: unpaced, on the caller's thread, the same every time. Used by the
//! headless sandbox and by tests; it has no clock.

use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::{Blueprint, BlueprintError};
use crate::pipeline::request::{Request, RequestId, Response};

/// Where a headless run starts, so that it is the same whenever it is made: 2026-01-01T00:00Z.
pub const START: Timestamp = Timestamp::from_s(1_767_225_600);

/// A pipeline and the virtual time it is at.
pub struct VirtualTime {
    pipeline: Pipeline,
    next_id: u64,
}

impl VirtualTime {
    /// # Errors
    /// What in the blueprint does not fit together.
    pub fn start(blueprint: Blueprint, seed: u64) -> Result<Self, BlueprintError> {
        Ok(VirtualTime { pipeline: Pipeline::new(blueprint, seed, START)?, next_id: 1 })
    }

    /// Lets `ms` milliseconds pass; `look` is called after every virtual minute and at the end, and
    /// ends the run by answering false.
    pub fn run_for(&mut self, ms: i64, mut look: impl FnMut(&Pipeline) -> bool) {
        let end = self.pipeline.now().plus_ms(ms.max(0));
        while self.pipeline.now() < end {
            let next = self.pipeline.now().floor_to(60).plus_s(60).min(end);
            self.pipeline.handle_timeout(next);
            if !look(&self.pipeline) {
                return;
            }
        }
    }

    /// Asks, and lets as much time pass as the answer takes; `None` when it never comes.
    pub fn ask(&mut self, request: Request) -> Option<Response> {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.pipeline.handle_request(self.pipeline.now(), id, request);
        loop {
            while let Some((answered, response)) = self.pipeline.poll_response() {
                if answered == id {
                    return Some(response);
                }
            }
            let next = self.pipeline.poll_timeout()?;
            if next.ms_since(self.pipeline.now()) > MAX_ANSWER_MS {
                return None;
            }
            self.pipeline.handle_timeout(next);
        }
    }

    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    pub fn pipeline_mut(&mut self) -> &mut Pipeline {
        &mut self.pipeline
    }
}

/// No answer takes longer than a function may run (aws-facts §7: 5,400 s).
const MAX_ANSWER_MS: i64 = 5_400_000;
