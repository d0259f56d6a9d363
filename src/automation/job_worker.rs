//! JobWorker: run one step, record its event, send the next job. A job delivered twice does its
//! effect once (the recorded event is the receipt) and still sends the next job, because the first
//! delivery may have failed between the two.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::automation::definition::Step;
use crate::automation::event::{EventItem, Payload, Status};
use crate::automation::fault::HandlerError;
use crate::automation::identity::{Identity, Kind};
use crate::automation::job::{Job, Overlay};
use crate::automation::offload;
use crate::automation::order::{Context, Order};
use crate::automation::request::Request;
use crate::automation::step::{self, Flow};
use crate::model::time::Timestamp;

/// SQS's longest delay of a message (aws-facts §3.1); a longer wait is sent again until it is due.
pub const MAX_DELAY_S: i64 = 900;

/// Handles one message of JobQueue by its body.
///
/// # Errors
/// The body is no job, its run or step does not exist, or the world outside failed: the message
/// stays in the queue, is delivered again and in the end dead-lettered.
pub fn from_body(body: &str, context: &dyn Context) -> Result<Vec<Order>, HandlerError> {
    let job = Job::parse(body).map_err(|error| HandlerError::new("NotAJob", error.0))?;
    job_worker(&job, context)
}

/// The same for a job already read.
///
/// # Errors
/// As [`from_body`].
pub fn job_worker(job: &Job, context: &dyn Context) -> Result<Vec<Order>, HandlerError> {
    let request = context.request(job.run);
    let request = request.ok_or_else(|| HandlerError::new("NoSuchRun", format!("{} is not stored", job.run)))?;
    let steps = &request.automation.steps;
    let missing = || format!("{} has {} steps; there is no step {}", job.run, steps.len(), job.step);
    let step = steps.get(usize::from(job.step)).ok_or_else(|| HandlerError::new("NoSuchStep", missing()))?;
    let overlay = overlay(job, context)?;
    let mut work = Work { job, step, request: &request, context, overlay, overlay_changed: false, orders: Vec::new() };
    if work.is_cancelled() {
        work.record(Kind::Finished, Status::Canceled, None);
        work.orders.push(Order::Cancelled(job.identity()));
        return Ok(work.orders);
    }
    let holds = |c: &crate::automation::condition::Condition| c.holds(&request.scope(work.overlay.as_deref()));
    let skipped = !step.condition.as_ref().is_none_or(holds);
    let flow = if skipped { Flow::next(Status::Skipped) } else { step::execute(&mut work)? };
    match flow {
        Flow::Next { status, detail } => {
            work.record(Kind::Finished, status, detail);
            work.remember(status);
            work.send_next();
            work.orders.push(Order::Done(job.identity()));
        }
        Flow::End { status, detail } => {
            work.record(Kind::Finished, status, detail);
            work.orders.push(Order::Done(job.identity()));
        }
        Flow::Wait { due } => {
            work.record(Kind::Waiting, Status::Waiting, Some(json!({"until": due.to_string()})));
            work.send_again(due);
        }
    }
    Ok(work.orders)
}

fn overlay(job: &Job, context: &dyn Context) -> Result<Option<Arc<Value>>, HandlerError> {
    let reference = match &job.overlay {
        Overlay::None => return Ok(None),
        Overlay::Inline(value) => return Ok(Some(value.clone())),
        Overlay::Stored(reference) => reference,
    };
    let lost = |why: &str| HandlerError::new("ContextLost", format!("{} {why}", reference.key));
    let body = context.payload(reference).ok_or_else(|| lost("is gone"))?;
    if !offload::is_intact(reference, &body) {
        return Err(lost("is not what was stored"));
    }
    serde_json::from_str(&body).map(|value| Some(Arc::new(value))).map_err(|error| lost(&error.to_string()))
}

/// One job under way: what it is, what it has learnt, what it wants done.
pub(in crate::automation) struct Work<'a> {
    pub job: &'a Job,
    pub step: &'a Step,
    pub request: &'a Arc<Request>,
    pub context: &'a dyn Context,
    /// What this and earlier steps changed of the run's context.
    pub overlay: Option<Arc<Value>>,
    overlay_changed: bool,
    pub orders: Vec<Order>,
}

impl Work<'_> {
    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// True when an earlier delivery of this job came as far as its receipt.
    pub fn is_repeated(&self) -> bool {
        self.context.recorded(Identity::finished(self.job.run, self.job.step))
    }

    pub fn resolve(&self, value: &Value) -> Value {
        self.request.scope(self.overlay.as_deref()).resolve(value)
    }

    /// A member that must come out as a text once its references are replaced.
    pub fn text(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(literal) if !literal.contains("${") => Some(literal.clone()),
            other => match self.resolve(other) {
                Value::String(text) if !text.is_empty() => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
        }
    }

    /// The run's `data` or `profile` as it is now.
    pub fn current(&self, member: &str) -> Value {
        self.request.scope(self.overlay.as_deref()).lookup(member).unwrap_or(Value::Null)
    }

    /// Changes `data`, `profile` or `refs` for the steps that follow.
    pub fn change(&mut self, member: &str, value: Value) {
        let mut members = match self.overlay.as_deref() {
            Some(Value::Object(members)) => members.clone(),
            _ => Map::new(),
        };
        members.insert(member.to_owned(), value);
        self.overlay = Some(Arc::new(Value::Object(members)));
        self.overlay_changed = true;
    }

    /// Runs under the token that were accepted before its cancellation stop; judged now, not when
    /// the job was sent.
    fn is_cancelled(&self) -> bool {
        let token = self.request.cancelation_token();
        token.and_then(|t| self.context.cancelled_at(&t)).is_some_and(|at| at >= self.request.accepted)
    }

    fn record(&mut self, kind: Kind, status: Status, detail: Option<Value>) {
        let identity = Identity { run: self.job.run, step: self.job.step, kind };
        if self.context.recorded(identity) {
            return;
        }
        let payload = match (detail, &self.step.detail) {
            (Some(detail), _) => Payload::Inline(Arc::new(detail.to_string())),
            (None, Some(shared)) => Payload::Inline(shared.clone()),
            (None, None) => Payload::None,
        };
        let action = self.step.action.name();
        let recipient = self.job.recipient.clone();
        let item = EventItem { identity, at: self.now(), action, status, recipient, payload };
        let (before, item) = offload::event(item, self.context.payload_bucket());
        self.orders.extend(before);
        self.orders.push(Order::PutEvent(item));
    }

    /// Keeps the result of a named step, as `refs.<name>`.
    fn remember(&mut self, status: Status) {
        let Some(name) = &self.step.reference else { return };
        let mut refs = match self.current("refs") {
            Value::Object(refs) => refs,
            _ => Map::new(),
        };
        refs.insert(name.to_string(), json!({"status": status.as_str()}));
        self.change("refs", Value::Object(refs));
    }

    fn send_next(&mut self) {
        let Some(step) = self.job.step.checked_add(1) else { return };
        let Some(next) = self.request.automation.steps.get(usize::from(step)) else { return };
        let action = next.action.name();
        let overlay = self.packed_overlay();
        let job =
            Job { run: self.job.run, step, action, recipient: self.request.recipient.clone(), due: None, overlay };
        self.orders.push(Order::SendJob { job, delay_s: 0 });
    }

    /// Sends this same job again, to come when it is due or SQS's longest delay is over.
    fn send_again(&mut self, due: Timestamp) {
        let left_s = due.ms_since(self.now()).max(0).saturating_add(999) / 1000;
        let delay_s = u32::try_from(left_s.min(MAX_DELAY_S)).unwrap_or(0);
        let overlay = self.packed_overlay();
        let job = Job { due: Some(due), overlay, ..self.job.clone() };
        self.orders.push(Order::SendJob { job, delay_s });
    }

    fn packed_overlay(&mut self) -> Overlay {
        match &self.overlay {
            Some(value) if self.overlay_changed => {
                let bucket = self.context.payload_bucket();
                let (before, overlay) = offload::overlay((**value).clone(), self.job.identity(), bucket);
                self.orders.extend(before);
                overlay
            }
            _ => self.job.overlay.clone(),
        }
    }
}
