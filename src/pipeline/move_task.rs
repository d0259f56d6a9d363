//! Message move tasks: dead letters on their way back, run by SQS itself, asynchronous and limited
//! in rate (aws-facts §3.5).

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, QueueName, TaskHandle};
use crate::model::message::size_bytes;
use crate::model::move_task::{MoveTask, MoveTaskStatus};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::meter::Meter;
use crate::pipeline::queue::message_id;
use crate::pipeline::queue::store::{Extra, Stored};
use crate::pipeline::queues::Queues;
use crate::pipeline::queues::refusal::{invalid, invalid_value, legacy, no_resource, refuse, unsupported};

/// Every task that was started, the newest few of each source queue.
#[derive(Debug, Default)]
pub struct MoveTasks {
    /// Newest first.
    of: BTreeMap<QueueName, VecDeque<Task>>,
}

#[derive(Debug, Clone)]
struct Task {
    handle: TaskHandle,
    source: Arn,
    /// `None`: each message to the queue it came from.
    destination: Option<Arn>,
    max_per_s: Option<u32>,
    status: MoveTaskStatus,
    started_at: Timestamp,
    next_at: Timestamp,
    /// When a cancel takes effect.
    cancelled_at: Option<Timestamp>,
    moved: u64,
    /// `moved` over the last seconds: what is shown lags.
    history: VecDeque<(Timestamp, u64)>,
    to_move: Option<u64>,
    failure: Option<String>,
    /// Steps in a row that found nothing.
    idle: u32,
}

/// What a handle is the base64 of (aws-facts §3.5).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HandleText {
    task_id: String,
    source_arn: String,
}

/// Active tasks in an account (aws-facts §3.5).
const MAX_ACTIVE: usize = 100;
/// Longest run of a task, seconds (aws-facts §3.5: 36 h).
const MAX_RUN_S: i64 = 36 * 3600;
/// `MaxNumberOfMessagesPerSecond` (aws-facts §3.5).
const MAX_RATE: u32 = 500;
/// Messages a second when none was asked for: "system optimised".
const OWN_RATE: u32 = 200;
/// Tasks listed at most, and kept for each source (aws-facts §3.5).
const MAX_LISTED: u32 = 10;
/// Messages in one step: SQS's own batch.
const STEP: u32 = 10;
/// Milliseconds until a task is selected to start.
const SELECTED_AFTER_MS: i64 = 1_000;
/// Milliseconds the shown counters are behind.
const LAG_MS: i64 = 3_000;
/// Milliseconds that messages still move after a cancel.
const CANCELLING_MS: i64 = 5_000;
/// Milliseconds between looks at an empty queue, and looks that settle it.
const IDLE_MS: i64 = 1_000;
const IDLE_STEPS: u32 = 3;

impl Queues {
    /// # Errors
    /// What `StartMessageMoveTask` refuses.
    pub fn start_task(
        &mut self,
        now: Timestamp,
        source: &Arn,
        destination: Option<Arn>,
        max_per_s: Option<u32>,
    ) -> Result<TaskHandle, ServiceError> {
        let name = self.name_of(source).ok_or_else(|| no_resource("SourceArn"))?;
        if let Some(rate) = max_per_s.filter(|rate| *rate == 0 || *rate > MAX_RATE) {
            return Err(invalid_value(rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500."));
        }
        if !self.is_dead_letter(&name) {
            return Err(invalid("Source queue must be configured as a Dead Letter Queue."));
        }
        if let Some(destination) = &destination {
            let to = self.name_of(destination).ok_or_else(|| no_resource("DestinationArn"))?;
            if self.settings(&to).map(|settings| settings.fifo) != self.settings(&name).map(|settings| settings.fifo) {
                return Err(invalid(
                    "Source queue and destination queue must be of the same type: both FIFO, or both standard.",
                ));
            }
            if destination == source {
                return Err(invalid("Source queue arn and destination queue arn cannot be the same."));
            }
        }
        if self.tasks.active(&name).is_some() {
            return Err(invalid(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
            ));
        }
        if self.tasks.of.values().flatten().filter(|task| task.is_active()).count() >= MAX_ACTIVE {
            return Err(unsupported("The account already has 100 active message movement tasks."));
        }
        let handle = seal(message_id(self.draw_id()).as_str(), source);
        let tasks = self.tasks.of.entry(name).or_default();
        tasks.push_front(Task {
            handle: handle.clone(),
            source: source.clone(),
            destination,
            max_per_s,
            status: MoveTaskStatus::Running,
            started_at: now,
            next_at: now.plus_ms(SELECTED_AFTER_MS),
            cancelled_at: None,
            moved: 0,
            history: VecDeque::new(),
            to_move: None,
            failure: None,
            idle: 0,
        });
        tasks.truncate(usize::try_from(MAX_LISTED).unwrap_or(usize::MAX));
        Ok(handle)
    }

    /// The newest tasks of a source, one unless more are asked for.
    ///
    /// # Errors
    /// No such queue, or a page size out of range.
    pub fn list_tasks(&self, now: Timestamp, source: &Arn, max: Option<u32>) -> Result<Vec<MoveTask>, ServiceError> {
        let name = self.name_of(source).ok_or_else(|| no_resource("SourceArn"))?;
        if let Some(max) = max.filter(|max| *max == 0 || *max > MAX_LISTED) {
            return Err(invalid_value(max, "MaxResults", "Must be between 1 and 10."));
        }
        let max = usize::try_from(max.unwrap_or(1)).unwrap_or(1);
        let tasks = self.tasks.of.get(&name).into_iter().flatten();
        Ok(tasks.take(max).map(|task| task.shown(now)).collect())
    }

    /// Moves what is due up to `now`, in the order it is due.
    pub(in crate::pipeline) fn run_tasks(&mut self, now: Timestamp, meter: &mut Meter) {
        while let Some((at, name)) = self.tasks.next()
            && at <= now
        {
            let Some(mut task) = self.tasks.active(&name).cloned() else { return };
            self.step(at, &name, &mut task, meter);
            if let Some(kept) = self.tasks.active_mut(&name) {
                *kept = task;
            }
        }
    }

    fn step(&mut self, at: Timestamp, source: &QueueName, task: &mut Task, meter: &mut Meter) {
        self.advance(at, source);
        if task.cancelled_at.is_some_and(|end| end <= at) {
            task.status = MoveTaskStatus::Cancelled;
            return;
        }
        if !self.queues.contains_key(source) {
            return task.fail(&legacy("NonExistentQueue"));
        }
        if at.ms_since(task.started_at) > MAX_RUN_S * 1000 {
            return task.fail("TaskTimedOut");
        }
        task.to_move.get_or_insert(self.counts(source).visible);
        let (size, interval_ms) = task.pace();
        for _ in 0..size {
            match self.move_one(at, source, task.destination.as_ref(), meter) {
                Ok(true) => {
                    task.moved += 1;
                    self.moved += 1;
                    task.idle = 0;
                }
                Ok(false) => {
                    task.idle += 1;
                    break;
                }
                Err(reason) => return task.fail(&reason),
            }
        }
        task.note(at);
        if task.idle >= IDLE_STEPS {
            task.status = MoveTaskStatus::Completed;
        }
        task.next_at = at.plus_ms(if task.idle > 0 { IDLE_MS } else { interval_ms });
    }

    /// Moves the message first in line; `false` when none is visible.
    ///
    /// # Errors
    /// Why the task fails. The message stays where it is.
    fn move_one(
        &mut self,
        at: Timestamp,
        source: &QueueName,
        destination: Option<&Arn>,
        meter: &mut Meter,
    ) -> Result<bool, String> {
        let Some(first) = self.queues.get(source).and_then(|queue| queue.first()) else { return Ok(false) };
        let origin = first.extra.as_ref().and_then(|extra| extra.dead_letter_source.as_ref());
        let arn = destination.or(origin).ok_or("CouldNotDetermineMessageSource")?;
        let target = self.name_of(arn).ok_or_else(|| legacy("NonExistentQueue"))?;
        let no_attributes = BTreeMap::new();
        let attributes = first.extra.as_ref().map_or(&no_attributes, |extra| &extra.attributes);
        let limit = self.settings(&target).map_or(u32::MAX, |settings| settings.max_message_bytes);
        if size_bytes(&first.body, attributes) > usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err("InvalidParameterValue".to_owned());
        }
        let taken = self.queues.get_mut(source).map(|queue| queue.take_out(1)).unwrap_or_default();
        for message in taken {
            let message = fresh(message, self.draw_id(), at);
            self.deliver(at, source, &target, message, meter);
        }
        Ok(true)
    }
}

/// The message as a new one: id, times and counts begin again (aws-facts §3.5).
fn fresh(message: Stored, id: u128, now: Timestamp) -> Stored {
    let extra = message.extra.map(|extra| Box::new(Extra { dead_letter_source: None, ..*extra }));
    Stored {
        id,
        body: message.body,
        extra,
        sent_at: now,
        entered_at: now,
        first_received_at: None,
        receive_count: 0,
        received_here: 0,
    }
}

impl MoveTasks {
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.next().map(|(at, _)| at)
    }

    /// Asks a running task to end; a few more messages move. Answers how many have, as far as is
    /// known yet.
    ///
    /// # Errors
    /// A handle that is none, or one of no task, or of one that does not run any more.
    pub fn cancel(&mut self, now: Timestamp, handle: &TaskHandle) -> Result<u64, ServiceError> {
        let source = open(handle).ok_or_else(|| invalid("Value for parameter TaskHandle is invalid."))?;
        let tasks = self.of.get_mut(&QueueName::from(source.resource()));
        let task = tasks.and_then(|tasks| tasks.iter_mut().find(|task| task.handle == *handle));
        let task = task.ok_or_else(|| refuse("ResourceNotFoundException", 404, "Task does not exist."))?;
        if task.status != MoveTaskStatus::Running {
            return Err(invalid("Only active tasks can be cancelled."));
        }
        task.status = MoveTaskStatus::Cancelling;
        task.cancelled_at = Some(now.plus_ms(CANCELLING_MS));
        Ok(task.shown(now).moved)
    }

    /// The next task that is due, and when.
    fn next(&self) -> Option<(Timestamp, QueueName)> {
        let due = self.of.keys().filter_map(|name| self.active(name).map(|task| (task.due_at(), name)));
        due.min().map(|(at, name)| (at, name.clone()))
    }

    fn active(&self, source: &QueueName) -> Option<&Task> {
        self.of.get(source)?.front().filter(|task| task.is_active())
    }

    fn active_mut(&mut self, source: &QueueName) -> Option<&mut Task> {
        self.of.get_mut(source)?.front_mut().filter(|task| task.is_active())
    }
}

impl Task {
    fn is_active(&self) -> bool {
        !self.status.is_settled()
    }

    fn due_at(&self) -> Timestamp {
        self.cancelled_at.map_or(self.next_at, |end| end.min(self.next_at))
    }

    /// Messages in one step, and milliseconds from step to step.
    fn pace(&self) -> (u32, i64) {
        let rate = self.max_per_s.unwrap_or(OWN_RATE);
        let size = (rate / 5).clamp(1, STEP);
        (size, i64::from(size) * 1000 / i64::from(rate))
    }

    fn fail(&mut self, reason: &str) {
        self.status = MoveTaskStatus::Failed;
        self.failure = Some(reason.to_owned());
    }

    fn note(&mut self, at: Timestamp) {
        self.history.push_back((at, self.moved));
        while self.history.get(1).is_some_and(|(then, _)| at.ms_since(*then) >= LAG_MS) {
            self.history.pop_front();
        }
    }

    fn shown(&self, now: Timestamp) -> MoveTask {
        let seen = self.history.iter().rev().find(|(at, _)| now.ms_since(*at) >= LAG_MS);
        MoveTask {
            handle: (self.status == MoveTaskStatus::Running).then(|| self.handle.clone()),
            status: self.status.clone(),
            source: self.source.clone(),
            destination: self.destination.clone(),
            max_per_s: self.max_per_s,
            moved: seen.map_or(0, |(_, moved)| *moved),
            to_move: self.to_move,
            failure: self.failure.clone(),
            started_at: Some(self.started_at),
        }
    }
}

fn seal(id: &str, source: &Arn) -> TaskHandle {
    // Two strings always serialize.
    let text = HandleText { task_id: id.to_owned(), source_arn: source.to_string() };
    TaskHandle::new(STANDARD.encode(serde_json::to_string(&text).unwrap_or_default()))
}

/// The source a handle names; `None` when it is no handle.
fn open(handle: &TaskHandle) -> Option<Arn> {
    let bytes = STANDARD.decode(handle.as_str()).ok()?;
    let text: HandleText = serde_json::from_slice(&bytes).ok()?;
    Some(Arn::from(text.source_arn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Message, Outgoing};
    use crate::pipeline::blueprint::QueueBlueprint;

    struct Bench {
        queues: Queues,
        meter: Meter,
        now: Timestamp,
    }

    impl Bench {
        /// `a` and `b` share the dead-letter queue `dead` after one receive; `c` is alone.
        fn new() -> Self {
            let (mut queues, mut meter) = (Queues::new("1", "r", "http://h", 1), Meter::default());
            let source = |name: &str| QueueBlueprint { redrive: Some(("dead".into(), 1)), ..QueueBlueprint::new(name) };
            let all = [source("a"), source("b"), QueueBlueprint::new("c"), QueueBlueprint::new("dead")];
            queues.deploy(Timestamp::ZERO, &all, &mut meter);
            Bench { queues, meter, now: Timestamp::ZERO }
        }

        /// Sends `count` messages to `name` and lets them die.
        fn kill(&mut self, name: &str, count: usize) {
            let name = QueueName::from(name);
            for n in 0..count {
                let message = Outgoing { body: format!("{name}{n}"), ..Outgoing::default() };
                self.queues.put(self.now, &name, message, &mut self.meter).expect("sent");
            }
            self.take(name.as_str(), 10_000, 0);
            assert!(self.take(name.as_str(), 10_000, 0).is_empty(), "all dead");
        }

        fn take(&mut self, name: &str, max: usize, visibility_s: u32) -> Vec<Message> {
            self.queues.take(self.now, &name.into(), max, Some(visibility_s), &mut self.meter)
        }

        fn pass(&mut self, s: i64) {
            let end = self.now.plus_s(s);
            while let Some(at) = self.queues.poll_timeout().filter(|at| *at <= end) {
                self.queues.handle_timeout(at, &mut self.meter);
            }
            self.now = end;
        }

        fn start(&mut self, destination: Option<&str>, rate: Option<u32>) -> Result<TaskHandle, ServiceError> {
            let arn = |name: &str| Arn::new(format!("arn:aws:sqs:r:1:{name}"));
            self.queues.start_task(self.now, &arn("dead"), destination.map(arn), rate)
        }

        fn newest(&self) -> MoveTask {
            let source = self.queues.arn(&"dead".into());
            self.queues.list_tasks(self.now, &source, None).expect("there").remove(0)
        }

        fn visible(&mut self, name: &str) -> u64 {
            self.queues.ready(self.now, &name.into());
            self.queues.counts(&name.into()).visible
        }
    }

    #[test]
    fn each_goes_back_to_its_own_origin_as_a_new_message() {
        let mut bench = Bench::new();
        bench.kill("a", 3);
        bench.kill("b", 2);
        let old: Vec<_> = bench.take("dead", 10, 0).into_iter().map(|message| message.id).collect();
        bench.pass(100);
        bench.start(None, None).expect("started");
        assert_eq!(bench.newest().to_move, None, "not yet selected");
        bench.pass(20);
        let task = bench.newest();
        assert_eq!((task.status, task.moved, task.to_move), (MoveTaskStatus::Completed, 5, Some(5)));
        assert_eq!(task.handle, None);
        assert_eq!((bench.visible("a"), bench.visible("b"), bench.visible("dead")), (3, 2, 0));
        for message in bench.take("a", 10, 30) {
            assert!(!old.contains(&message.id));
            assert_eq!((message.system.receive_count, message.system.dead_letter_source), (1, None));
            assert!(message.system.sent_at > Timestamp::from_s(100));
        }
    }

    #[test]
    fn what_cannot_start_is_refused() {
        let mut bench = Bench::new();
        let c = bench.queues.arn(&"c".into());
        let text = bench.queues.start_task(bench.now, &c, None, None).expect_err("nobody's").message;
        assert_eq!(text, "Source queue must be configured as a Dead Letter Queue.");
        assert_eq!(bench.start(Some("nowhere"), None).expect_err("nowhere").http, 404);
        for rate in [0, 501] {
            assert_eq!(bench.start(None, Some(rate)).expect_err("rate").code, "InvalidParameterValue");
        }
        bench.start(None, Some(1)).expect("started");
        assert!(bench.start(None, Some(1)).expect_err("one is running").message.contains("already a task running"));
        let bad = bench.queues.tasks.cancel(bench.now, &"nonsense".into()).expect_err("no handle");
        assert_eq!(bad.message, "Value for parameter TaskHandle is invalid.");
        let unknown = seal("id", &bench.queues.arn(&"dead".into()));
        assert_eq!(bench.queues.tasks.cancel(bench.now, &unknown).expect_err("no task").http, 404);
    }

    #[test]
    fn the_rate_holds_counters_lag_and_a_cancel_lets_some_more_through() {
        let mut bench = Bench::new();
        bench.kill("a", 100);
        let handle = bench.start(Some("c"), Some(2)).expect("started");
        bench.pass(21);
        let moved = bench.visible("c");
        assert!((39..=42).contains(&moved), "{moved} in 20 s at 2 a second");
        let shown = bench.newest();
        assert!((30..moved).contains(&shown.moved), "{} shown of {moved}", shown.moved);
        assert_eq!(shown.handle.as_ref(), Some(&handle));
        assert_eq!(bench.queues.tasks.cancel(bench.now, &handle).expect("running"), shown.moved);
        let task = bench.newest();
        assert_eq!((task.status, task.handle), (MoveTaskStatus::Cancelling, None));
        bench.pass(20);
        assert_eq!(bench.newest().status, MoveTaskStatus::Cancelled);
        let after = bench.visible("c");
        assert!((moved + 8..=moved + 11).contains(&after), "{moved} then {after}");
        assert_eq!(bench.newest().moved, after);
        assert_eq!(bench.visible("dead") + after, 100);
        bench.start(None, None).expect("the next may start");
    }

    #[test]
    fn a_task_that_cannot_deliver_fails_and_keeps_the_messages() {
        let mut bench = Bench::new();
        bench.kill("a", 2);
        let by_hand = Outgoing { body: "by hand".into(), ..Outgoing::default() };
        bench.queues.put(bench.now, &"dead".into(), by_hand, &mut bench.meter).expect("sent");
        bench.start(None, None).expect("started");
        bench.pass(10);
        let task = bench.newest();
        assert_eq!(task.status, MoveTaskStatus::Failed);
        assert_eq!(task.failure.as_deref(), Some("CouldNotDetermineMessageSource"));
        assert_eq!((bench.visible("a"), bench.visible("dead")), (2, 1));
        bench.start(Some("c"), None).expect("started");
        bench.queues.queues.remove(&QueueName::from("c"));
        bench.pass(10);
        assert_eq!(bench.newest().failure.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
        assert_eq!(bench.visible("dead"), 1);
    }

    #[test]
    fn what_is_held_stays_and_what_arrives_meanwhile_goes_too() {
        let mut bench = Bench::new();
        bench.kill("a", 20);
        assert_eq!(bench.take("dead", 5, 1000).len(), 5);
        bench.start(Some("c"), Some(5)).expect("started");
        bench.pass(2);
        bench.kill("b", 3);
        bench.pass(30);
        let task = bench.newest();
        assert_eq!((task.status, task.moved, task.to_move), (MoveTaskStatus::Completed, 18, Some(15)));
        assert_eq!((bench.visible("c"), bench.queues.counts(&"dead".into()).in_flight), (18, 5));
    }
}
