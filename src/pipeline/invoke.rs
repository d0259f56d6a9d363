//! Runs of functions: admitted or throttled, started, cut off at the time-out, ended; and
//! asynchronous events with their retries.

use serde_json::json;

use crate::automation::identity::RunId;
use crate::automation::request::object_key;
use crate::model::message::Outgoing;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::Role;
use crate::pipeline::distribution::Distribution;
use crate::pipeline::external::{Invocation, Outcome};
use crate::pipeline::function::asynchronous::{AsyncEvent, AsyncPayload, MAX_AGE_S, retry_after_ms, throttled_ms};
use crate::pipeline::function::run::{Run, Verdict, Work};
use crate::pipeline::history::Deed;
use crate::pipeline::lambda::SyncRun;
use crate::pipeline::log::RunLog;
use crate::pipeline::log::line::Speaker;
use crate::pipeline::notice::Happening;
use crate::pipeline::request::InvocationId;
use crate::pipeline::rng::mix;
use crate::pipeline::schedule::Timer;

const TIMED_OUT: &str = "Sandbox.Timedout";
/// From this share of its usual time on a handler complains about what it waits for.
const SLOW_PERCENT: u64 = 200;

/// What a handler waits for.
fn downstream(role: Role) -> &'static str {
    match role {
        Role::LogWorker => "the search index",
        Role::JobWorker => "the provider",
        Role::RequestWorker | Role::Sink => "the queue",
    }
}

/// From an object's creation to the function's event, milliseconds.
const NOTIFICATION_MS: Distribution = Distribution::Uniform(100, 800);

impl Pipeline {
    /// Starts a run whose work can be asked for again; false when the function is throttled.
    pub(super) fn start_run(&mut self, function: usize, work: Work, hops: u32) -> bool {
        self.try_run(function, work, hops).is_ok()
    }

    /// Starts a run.
    ///
    /// # Errors
    /// The work again, when the function is throttled.
    pub(super) fn try_run(&mut self, function: usize, work: Work, hops: u32) -> Result<(), Box<Work>> {
        let name = self.functions.get(function).blueprint.name.clone();
        let gauges = &self.function_gauges[function];
        if !self.functions.admit(function, self.faults.concurrency(&name)) {
            self.meter.add(gauges.throttles, self.now, 1.0);
            self.meter.add(self.account_gauges.throttles, self.now, 1.0);
            self.note(Deed::Throttled, function as u64, 0);
            self.tell(|| Happening::Throttled { function: name });
            return Err(Box::new(work));
        }
        let records = work.records();
        let running = self.functions.get(function).running;
        let draw = self.functions.draw(function, records, self.faults.slowness_percent(&name, running));
        self.meter.add(gauges.invocations, self.now, 1.0);
        self.meter.add(gauges.throttles, self.now, 0.0);
        self.meter.add(gauges.concurrency, self.now, f64::from(running));
        self.meter.add(self.account_gauges.invocations, self.now, 1.0);
        self.meter.add(self.account_gauges.concurrency, self.now, f64::from(self.functions.running()));
        if self.functions.get(function).reserved.is_none() {
            let unreserved = f64::from(self.functions.unreserved_running());
            self.meter.add(self.account_gauges.unreserved, self.now, unreserved);
        }
        let number = self.next_run;
        self.next_run += 1;
        let external = self.functions.get(function).blueprint.external;
        let timeout_s = i64::from(self.functions.get(function).blueprint.timeout_s);
        let mut run = Run {
            function,
            work,
            started_at: self.now,
            times_out: draw.times_out || external,
            fails: draw.fails,
            hops,
            id: mix(number ^ 0x5eed),
        };
        let ends_at = if external { self.now.plus_s(timeout_s) } else { self.now.plus_ms(draw.takes_ms) };
        if external {
            run.fails = false;
            let payload = self.payload_of(&run.work);
            self.invocations.push_back(Invocation {
                id: InvocationId(number),
                function: name,
                payload,
                deadline: ends_at,
            });
        }
        self.note(Deed::RunStarted, function as u64, u64::from(records));
        self.timers.set(ends_at, Timer::RunEnds(number));
        self.runs.insert(number, run);
        Ok(())
    }

    /// A run is over: by itself, by its time-out, or with what an external function answered.
    pub(super) fn run_ends(&mut self, number: u64, outcome: Option<Outcome>) {
        let Some(run) = self.runs.remove(&number) else { return };
        let function = run.function;
        let timeout_s = self.functions.get(function).blueprint.timeout_s;
        self.logs.enter(&self.functions.get(function).blueprint.name, run.started_at, self.now);
        let verdict = match outcome {
            Some(outcome) => self.outcome_verdict(&run, &outcome),
            None if run.times_out => Verdict::error(TIMED_OUT, format!("Task timed out after {timeout_s}.00 seconds")),
            None if self.faults.breaks(&self.functions.get(function).blueprint.name) => self.denied(&run.work),
            None if run.fails => Verdict::error("RuntimeError", "the function failed by chance"),
            None => self.handle_event(&run),
        };
        self.functions.release(function);
        let took_ms = self.now.ms_since(run.started_at);
        let gauges = &self.function_gauges[function];
        // Stamped with the start of the run (aws-facts §2.1).
        self.meter.add(gauges.duration, run.started_at, took_ms as f64);
        let errors = f64::from(u8::from(verdict.is_error()));
        self.meter.add(gauges.errors, run.started_at, errors);
        self.meter.add(self.account_gauges.errors, run.started_at, errors);
        self.log_run(&run, &verdict, took_ms);
        self.note(Deed::RunEnded, function as u64, u64::from(verdict.is_error()));
        let name = self.functions.get(function).blueprint.name.clone();
        let failed = verdict.is_error();
        self.tell(|| Happening::RunEnded { function: name, failed });
        match run.work {
            Work::Stream { mapping, shard, lane, batch } => {
                self.stream_run_ended(mapping, shard, lane, &batch, &verdict);
            }
            Work::Queue { mapping, messages, .. } => self.queue_run_ended(mapping, &messages, &verdict),
            Work::Async(event) => self.async_run_ended(function, event, &verdict),
            Work::Sync { request, log_tail, payload } => {
                let ended = SyncRun { function, id: run.id, started_at: run.started_at, request, log_tail };
                self.sync_run_ended(&ended, &payload, &verdict);
            }
        }
    }

    /// What a function says that may no longer do what it does.
    fn denied(&self, work: &Work) -> Verdict {
        let of = match work {
            Work::Async(event) => match &event.what {
                AsyncPayload::ObjectCreated(run) => format!(" ({})", object_key(*run)),
                AsyncPayload::Raw { .. } => String::new(),
            },
            _ => String::new(),
        };
        let message =
            format!("not authorized to perform: sqs:sendmessage because no identity-based policy allows it{of}");
        Verdict::error("AccessDeniedException", message)
    }

    fn log_run(&mut self, run: &Run, verdict: &Verdict, took_ms: i64) {
        let timed_out = matches!(verdict, Verdict::Error { kind, .. } if kind == TIMED_OUT);
        let speaker = self.speaker(run);
        let blueprint = &self.functions.get(run.function).blueprint;
        let running = self.functions.get(run.function).running;
        let slow = self.faults.slowness_percent(&blueprint.name, running);
        let text = match verdict {
            Verdict::Error { kind, message } if !timed_out => Some(speaker.thrown(kind, message)),
            _ if !timed_out && slow >= SLOW_PERCENT => {
                let (took, usual) = (took_ms as f64 / 1000.0, took_ms as f64 / 10.0 / slow as f64);
                let (what, records) = (downstream(blueprint.role), run.work.records());
                Some(speaker.warning(&format!(
                    "{what} answers slowly: {records} records took {took:.1} s, usually {usual:.1} s"
                )))
            }
            _ => None,
        };
        if let Some(text) = text {
            self.logs.say(&blueprint.name, self.now, &text);
        }
        let (started_at, ended_at) = (run.started_at, self.now);
        let timed_out = timed_out.then_some(blueprint.timeout_s);
        let log = RunLog { run: run.id, started_at, ended_at, memory_mb: blueprint.memory_mb, timed_out };
        self.logs.ended(&blueprint.name, log);
    }

    /// The code of a run, which is about to say something.
    pub(super) fn speaker(&self, run: &Run) -> Speaker {
        Speaker { role: self.functions.get(run.function).blueprint.role, run: run.id, at: self.now }
    }

    /// A line the function's own code writes.
    pub(super) fn log_line(&mut self, function: usize, text: &str) {
        self.logs.say(&self.functions.get(function).blueprint.name, self.now, text);
    }

    // ---- asynchronous -------------------------------------------------------------------------

    /// An object of RequestStore tells its function, a little later.
    pub(super) fn object_created(&mut self, run: RunId) {
        let after_ms = i64::try_from(NOTIFICATION_MS.draw(&mut self.delays)).unwrap_or(0);
        self.take_async(AsyncPayload::ObjectCreated(run), after_ms);
    }

    /// Takes an asynchronous event for the function that the bucket notifies, or that is named in it.
    pub(super) fn take_async(&mut self, what: AsyncPayload, after_ms: i64) {
        let event = AsyncEvent { what, received_at: self.now.plus_ms(after_ms), failures: 0, refusals: 0 };
        self.store_async(event, after_ms);
    }

    fn store_async(&mut self, event: AsyncEvent, after_ms: i64) {
        let number = self.next_async;
        self.next_async += 1;
        self.asyncs.insert(number, event);
        self.timers.set(self.now.plus_ms(after_ms), Timer::Async(number));
    }

    pub(super) fn try_async(&mut self, number: u64) {
        let Some(event) = self.asyncs.remove(&number) else { return };
        let Some(function) = self.async_function(&event.what) else { return };
        let gauges = &self.function_gauges[function];
        let age_ms = self.now.ms_since(event.received_at);
        if event.failures == 0 && event.refusals == 0 {
            self.meter.add(gauges.async_received, self.now, 1.0);
        }
        self.meter.add(gauges.async_age, self.now, age_ms.max(0) as f64);
        if let Err(work) = self.try_run(function, Work::Async(event), 0)
            && let Work::Async(mut event) = *work
        {
            event.refusals += 1;
            if age_ms > MAX_AGE_S * 1000 {
                self.drop_async(function, &event, "EventAgeExceeded");
            } else {
                let after_ms = throttled_ms(event.refusals);
                self.store_async(event, after_ms);
            }
        }
    }

    fn async_run_ended(&mut self, function: usize, event: AsyncEvent, verdict: &Verdict) {
        if !verdict.is_error() {
            return;
        }
        let event = AsyncEvent { failures: event.failures + 1, refusals: 0, ..event };
        match retry_after_ms(event.failures) {
            Some(after_ms) => self.store_async(event, after_ms),
            None => self.drop_async(function, &event, "RetriesExhausted"),
        }
    }

    /// An event is given up: to the function's on-failure queue, or lost.
    fn drop_async(&mut self, function: usize, event: &AsyncEvent, condition: &str) {
        let entry = self.functions.get(function);
        self.meter.add(self.function_gauges[function].async_dropped, self.now, 1.0);
        let payload: serde_json::Value =
            serde_json::from_str(&self.payload_of_async(&event.what)).unwrap_or(serde_json::Value::Null);
        let document = json!({
            "version": "1.0",
            "timestamp": self.now.to_string(),
            "requestContext": {
                "requestId": request_id(mix(self.next_async)),
                "functionArn": format!("{}:$LATEST", entry.arn),
                "condition": condition,
                "approximateInvokeCount": event.failures,
            },
            "requestPayload": payload,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        });
        if let Some(queue) = entry.blueprint.on_failure.clone() {
            let message = Outgoing { body: document.to_string(), ..Outgoing::default() };
            if self.queues.put(self.now, &queue, message, &mut self.meter).is_err() {
                self.meter.add(self.function_gauges[function].destination_failures, self.now, 1.0);
            }
        }
        self.note(Deed::AsyncDropped, function as u64, 0);
    }
}

/// A request id as Lambda's log shows it.
pub fn request_id(id: u64) -> String {
    let more = mix(id);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        id >> 32,
        id >> 16 & 0xffff,
        id & 0xfff,
        more >> 48 & 0xfff,
        more & 0xffff_ffff_ffff
    )
}
