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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::{BTreeMap, BTreeSet, VecDeque};

    use proptest::prelude::*;

    use super::*;
    use crate::automation::definition::{Action, Automation};
    use crate::automation::event::{ActionName, Reference};
    use crate::automation::identity::RunId;
    use crate::automation::order::{Answer, Batch};
    use crate::automation::{intake, request_worker, validate};

    const START: Timestamp = Timestamp::from_s(1_767_225_600);

    /// A world of maps that performs orders, as the pipeline does. `dies` cuts a handler's orders
    /// short and delivers its message again.
    struct World {
        now: Cell<Timestamp>,
        requests: RefCell<BTreeMap<RunId, Arc<Request>>>,
        events: RefCell<BTreeMap<Identity, EventItem>>,
        cancelled: RefCell<BTreeMap<String, Timestamp>>,
        profiles: RefCell<BTreeMap<String, Arc<Value>>>,
        payloads: RefCell<BTreeMap<String, Arc<str>>>,
        batches: RefCell<BTreeMap<String, Batch>>,
        templates: BTreeMap<String, Arc<Automation>>,
        answer: Value,
        effects: RefCell<BTreeSet<Identity>>,
        performed: Cell<u32>,
        ended: RefCell<BTreeSet<Identity>>,
        queue: RefCell<VecDeque<(Timestamp, String)>>,
    }

    impl Context for World {
        fn now(&self) -> Timestamp {
            self.now.get()
        }
        fn request(&self, run: RunId) -> Option<Arc<Request>> {
            self.requests.borrow().get(&run).cloned()
        }
        fn recorded(&self, event: Identity) -> bool {
            self.events.borrow().contains_key(&event)
        }
        fn cancelled_at(&self, token: &str) -> Option<Timestamp> {
            self.cancelled.borrow().get(token).copied()
        }
        fn perform(&self, job: &Job, action: &Action) -> Result<Answer, HandlerError> {
            if matches!(&job.action, ActionName::Send) && job.recipient.as_deref() == Some("nobody") {
                return Err(HandlerError::new("ProviderError", "503"));
            }
            self.performed.set(self.performed.get() + 1);
            self.effects.borrow_mut().insert(job.identity());
            Ok(match action {
                Action::FetchData { .. } => Answer::Data(Arc::new(self.answer.clone())),
                _ => Answer::Done,
            })
        }
        fn payload_bucket(&self) -> &str {
            "RequestStore"
        }
        fn payload(&self, reference: &Reference) -> Option<Arc<str>> {
            self.payloads.borrow().get(&reference.key).cloned()
        }
        fn profile(&self, recipient: &str) -> Option<Arc<Value>> {
            self.profiles.borrow().get(recipient).cloned()
        }
        fn template(&self, name: &str) -> Option<Arc<Automation>> {
            self.templates.get(name).cloned()
        }
        fn batch(&self, key: &str) -> Option<Batch> {
            self.batches.borrow().get(key).copied()
        }
    }

    impl World {
        fn new() -> World {
            let other = json!({"steps": [{"action": "send", "recipient": {"$ref": "recipient"}, "template": "t"}]});
            let other = validate::automation(&other, "automation").expect("right");
            World {
                now: Cell::new(START),
                requests: RefCell::default(),
                events: RefCell::default(),
                cancelled: RefCell::default(),
                profiles: RefCell::default(),
                payloads: RefCell::default(),
                batches: RefCell::default(),
                templates: BTreeMap::from([("other".to_owned(), Arc::new(other))]),
                answer: json!({"fetched": true}),
                effects: RefCell::default(),
                performed: Cell::new(0),
                ended: RefCell::default(),
                queue: RefCell::default(),
            }
        }

        fn post(&self, run: u64, body: Value) {
            let accepted = intake::accept(&body, RunId::new(run), self.now.get());
            self.apply(vec![accepted.unwrap_or_else(|f| panic!("{f:?}")).order()], usize::MAX);
        }

        fn apply(&self, orders: Vec<Order>, dies_after: usize) -> bool {
            for (done, order) in orders.into_iter().enumerate() {
                if done >= dies_after {
                    return false;
                }
                match order {
                    Order::PutRequest(request) => {
                        if self.requests.borrow_mut().insert(request.run, request.clone()).is_none() {
                            self.apply(request_worker::request_worker(&request, self.now.get()), usize::MAX);
                        }
                    }
                    Order::PutPayload { key, body } => drop(self.payloads.borrow_mut().insert(key, body)),
                    Order::PutEvent(item) => drop(self.events.borrow_mut().entry(item.identity).or_insert(item)),
                    Order::SendJob { job, delay_s } => {
                        assert!(i64::from(delay_s) <= MAX_DELAY_S);
                        let at = self.now.get().plus_s(i64::from(delay_s));
                        self.queue.borrow_mut().push_back((at, job.to_body()));
                    }
                    Order::PutProfile { recipient, profile } => {
                        self.profiles.borrow_mut().insert(recipient.to_string(), profile);
                    }
                    Order::Cancel(token) => drop(self.cancelled.borrow_mut().insert(token.to_string(), self.now.get())),
                    Order::AddToBatch { key, batch, .. } => {
                        self.batches.borrow_mut().insert(key.to_string(), batch);
                    }
                    Order::CloseBatch { key } => drop(self.batches.borrow_mut().remove(&*key)),
                    Order::Done(identity) | Order::Cancelled(identity) => {
                        self.ended.borrow_mut().insert(identity);
                    }
                }
            }
            true
        }

        /// Takes messages in the order they come due until none is left; `dies` says for each
        /// handling after how many orders the handler dies.
        fn drain(&self, mut dies: impl Iterator<Item = usize>) -> Vec<HandlerError> {
            let mut errors = Vec::new();
            for _ in 0..10_000 {
                let next = {
                    let mut queue = self.queue.borrow_mut();
                    let first = queue.iter().enumerate().min_by_key(|(i, (at, _))| (*at, *i)).map(|(i, _)| i);
                    first.and_then(|i| queue.remove(i))
                };
                let Some((at, body)) = next else { return errors };
                self.now.set(self.now.get().max(at));
                match from_body(&body, self) {
                    Ok(orders) => {
                        if !self.apply(orders, dies.next().unwrap_or(usize::MAX)) {
                            self.queue.borrow_mut().push_back((self.now.get().plus_s(60), body));
                        }
                    }
                    Err(error) => errors.push(error),
                }
            }
            panic!("the run does not end");
        }

        fn statuses(&self, run: u64) -> Vec<&'static str> {
            let events = self.events.borrow();
            let of_run = |(i, _): &(&Identity, &EventItem)| i.run == RunId::new(run) && i.kind == Kind::Finished;
            events.iter().filter(of_run).map(|(_, e)| e.status.as_str()).collect()
        }
    }

    fn steps(steps: Value) -> Value {
        json!({"automation": {"steps": steps}, "recipient": "user-1", "data": {"n": 1}})
    }

    fn send() -> Value {
        json!({"action": "send", "recipient": {"$ref": "recipient"}, "template": "welcome"})
    }

    #[test]
    fn a_run_goes_step_by_step_to_its_end() {
        let world = World::new();
        let fetch =
            json!({"action": "fetch-data", "webhook": {"url": "https://x.example"}, "merge_strategy": "overwrite"});
        let mut guarded = send();
        guarded["if"] = json!("data.fetched && refs.first.status == 'PROCESSED' && data.n == 1");
        let mut skipped = send();
        skipped["if"] = json!("!data.fetched");
        let mut first = send();
        first["ref"] = json!("first");
        world.post(1, steps(json!([first, fetch, guarded, skipped, {"action": "fax"}])));
        assert!(world.drain(std::iter::empty()).is_empty());
        assert_eq!(world.statuses(1), ["PROCESSED", "PROCESSED", "PROCESSED", "SKIPPED", "NOT PROCESSED"]);
        let ended: Vec<Identity> = (0..5).map(|s| Identity::job(RunId::new(1), s)).collect();
        assert_eq!(world.ended.borrow().iter().copied().collect::<Vec<_>>(), ended);
        let event = world.events.borrow()[&Identity::finished(RunId::new(1), 0)].clone();
        assert_eq!(event.payload, Payload::Inline(Arc::new(r#"{"template":"welcome"}"#.into())));
    }

    #[test]
    fn a_delay_longer_than_sqs_allows_is_sent_again_until_it_is_due() {
        let world = World::new();
        world.post(1, steps(json!([{"action": "delay", "duration": "1 hour"}, send()])));
        world.drain(std::iter::empty());
        assert_eq!(world.now.get(), START.plus_s(3600));
        assert_eq!(world.statuses(1), ["PROCESSED", "PROCESSED"]);
        assert_eq!(world.events.borrow()[&Identity::waiting(RunId::new(1), 0)].at, START);
        let hops = world.performed.get();
        assert_eq!(hops, 1);
    }

    #[test]
    fn a_cancellation_is_judged_when_the_step_runs() {
        let world = World::new();
        let waiting = json!({"automation": {"cancelation_token": "order-${data.id}", "steps": [
            {"action": "delay", "duration": "10 minutes"}, send()]}, "data": {"id": 7}});
        world.post(1, waiting.clone());
        world.post(
            2,
            steps(json!([{"action": "delay", "duration": "5 minutes"},
            {"action": "cancel", "cancelation_token": "order-7"}])),
        );
        world.drain(std::iter::empty());
        assert_eq!(world.statuses(1), ["CANCELED"]);
        assert_eq!(world.statuses(2), ["PROCESSED", "PROCESSED"]);
        assert_eq!(world.performed.get(), 0);
        // A run accepted after the cancellation is not touched by it.
        world.post(3, waiting);
        world.drain(std::iter::empty());
        assert_eq!(world.statuses(3), ["PROCESSED", "PROCESSED"]);
    }

    #[test]
    fn profiles_are_merged_and_read() {
        let world = World::new();
        let guarded = json!({"action": "send", "recipient": "x", "template": "t",
            "if": "profile.tier == 'gold' && data.who.deep.tier == 'gold'"});
        world.post(
            1,
            steps(json!([
            {"action": "update-profile", "profile": {"tier": "gold"}, "merge": "overwrite"},
            {"action": "get-profile", "user_id": "${recipient}", "path": "data.who.deep"}, guarded])),
        );
        world.drain(std::iter::empty());
        assert_eq!(world.statuses(1), ["PROCESSED"; 3]);
        assert_eq!(*world.profiles.borrow()["user-1"], json!({"tier": "gold"}));
    }

    #[test]
    fn an_invoked_automation_is_a_run_of_its_own() {
        let world = World::new();
        world.post(
            1,
            steps(json!([{"action": "invoke", "template": "other"}, {"action": "invoke", "template": "none"}])),
        );
        world.drain(std::iter::empty());
        assert_eq!(world.statuses(1), ["PROCESSED", "ERROR"]);
        assert_eq!(world.statuses(RunId::new(1).child(0).number()), ["PROCESSED"]);
    }

    #[test]
    fn a_batch_lets_one_run_through_with_the_items_of_all() {
        let world = World::new();
        let batch = json!({"action": "add-to-batch", "batch_id": "b", "wait_period": "PT10M", "max_wait_period": "PT15M",
            "retain": {"type": "last"}});
        for run in 1..=3 {
            world.post(run, steps(json!([batch, send()])));
        }
        world.drain(std::iter::empty());
        assert_eq!(world.statuses(1), ["PROCESSED", "PROCESSED"]);
        assert_eq!((world.statuses(2), world.statuses(3)), (vec!["PROCESSED"], vec!["PROCESSED"]));
        assert_eq!(world.performed.get(), 1);
        assert!(world.batches.borrow().is_empty());
        let event = world.events.borrow()[&Identity::finished(RunId::new(1), 0)].clone();
        assert_eq!(event.payload, Payload::Inline(Arc::new(r#"{"items":3}"#.into())));
    }

    #[test]
    fn a_large_answer_travels_beside_the_queue() {
        let mut world = World::new();
        world.answer = json!({"big": "x".repeat(offload::MAX_ITEM_BYTES)});
        let fetch = json!({"action": "fetch-data", "webhook": {"url": "https://x.example"}});
        let mut guarded = send();
        guarded["if"] = json!("data.big");
        world.post(1, steps(json!([fetch, send(), guarded])));
        assert!(world.drain(std::iter::empty()).is_empty());
        assert_eq!(world.statuses(1), ["PROCESSED"; 3]);
        assert_eq!(world.payloads.borrow().len(), 1);
    }

    #[test]
    fn failures_of_the_world_are_errors_and_faults_of_the_run_are_not() {
        let world = World::new();
        world.post(1, json!({"automation": {"steps": [send()]}, "recipient": "nobody"}));
        world.post(2, steps(json!([{"action": "delay", "duration": {"$ref": "data.n"}}, send()])));
        let errors = world.drain(std::iter::empty());
        assert_eq!(errors, [HandlerError::new("ProviderError", "503")]);
        assert!(world.statuses(1).is_empty());
        assert_eq!(world.statuses(2), ["ERROR"]);
        let stray = Job::parse(r#"{"run":"run-00000009","step":0,"action":"send"}"#).expect("a job");
        assert_eq!(job_worker(&stray, &world).expect_err("no such run").kind, "NoSuchRun");
        let stray = Job::parse(r#"{"run":"run-00000001","step":9,"action":"send"}"#).expect("a job");
        assert_eq!(job_worker(&stray, &world).expect_err("no such step").kind, "NoSuchStep");
        assert_eq!(from_body("hello", &world).expect_err("no job").kind, "NotAJob");
    }

    proptest! {
        /// Wherever handlers die, and however often jobs come twice, every step ends once, every
        /// effect is done under one key, and nothing stands still.
        #[test]
        fn a_run_ends_the_same_wherever_its_handlers_die(dies in proptest::collection::vec(0usize..5, 0..40)) {
            let body = |n: u64| steps(json!([
                {"action": "add-to-batch", "batch_id": format!("b{n}"), "wait_period": "PT1M", "max_wait_period": "PT5M",
                 "retain": {"type": "last"}},
                send(), {"action": "delay", "duration": "20 minutes"}, {"action": "invoke", "template": "other"},
                {"action": "update-profile", "profile": {"n": n}, "merge": "soft-merge"}, send()]));
            let world = World::new();
            for run in 1..=3 {
                world.post(run, body(run));
            }
            prop_assert!(world.drain(dies.into_iter()).is_empty());
            for run in 1..=3 {
                prop_assert_eq!(world.statuses(run), ["PROCESSED"; 6]);
                prop_assert_eq!(world.statuses(RunId::new(run).child(3).number()), ["PROCESSED"]);
            }
            prop_assert_eq!(world.effects.borrow().len(), 9);
            prop_assert_eq!(world.ended.borrow().len(), 21);
        }
    }
}
