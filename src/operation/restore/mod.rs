//! Restore: copies that were kept, of dropped or exported messages, sent back. For each: recorded, then
//! sent. A send whose end is unknown is not repeated; it is named. A restored message is a new one: new
//! id, new retention, and SQS no longer says which queue it once died in.

pub mod backups;
mod outgoing;
mod resuming;

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest, Sha256};

use crate::model::hexadecimal::hexadecimal;
use crate::model::id::{MessageId, QueueUrl};
use crate::model::message::{MAX_BATCH_ENTRIES, Message};
use crate::model::plan::{Plan, RestorePlan};
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::confirm::Confirmed;
use crate::operation::course::{Course, Step};
use crate::operation::order::{Answer, EndState, JournalEntry, MessageState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::pace::Backoff;
use crate::operation::progress::{Cause, Kind, Progress, Report, RestoreReport, grouped};
use crate::operation::restore::outgoing::outgoing;
use crate::operation::{Command, Operation, Owner};

#[derive(Debug)]
enum Purpose {
    Course(Step),
    Recorded(Batch),
    Sent(Batch),
}

impl From<Step> for Purpose {
    fn from(step: Step) -> Self {
        Purpose::Course(step)
    }
}

/// At most ten messages for one queue, and what it takes in one call.
#[derive(Debug)]
struct Batch {
    to: QueueUrl,
    messages: Vec<Message>,
}

#[derive(Debug)]
pub struct Restore {
    course: Course,
    plan: RestorePlan,
    /// By the queue they go to.
    waiting: BTreeMap<QueueUrl, VecDeque<Message>>,
    ready: VecDeque<Batch>,
    recording: usize,
    sending: usize,
    outbox: Outbox<Purpose>,
    now: Timestamp,
    started_at: Timestamp,
    backoff: Backoff,
    restored: u64,
    faults: Vec<(MessageId, String)>,
    duplicates: Vec<MessageId>,
    returned: u64,
}

impl Restore {
    /// `messages` are the copies of the plan's ids; one that the plan does not name is not sent.
    pub fn new(
        confirmed: Confirmed<RestorePlan>,
        messages: Vec<Message>,
        owner: Owner,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let plan = confirmed.into_plan();
        let began = owner.began(now, Plan::Restore(plan.clone()));
        Self::start(plan, messages, owner, seed, now, began)
    }

    fn start(
        plan: RestorePlan,
        messages: Vec<Message>,
        owner: Owner,
        seed: u64,
        now: Timestamp,
        first: JournalEntry,
    ) -> Self {
        let to: BTreeMap<&MessageId, &QueueUrl> = plan.messages.iter().map(|(id, to)| (id, to)).collect();
        let mut waiting: BTreeMap<QueueUrl, VecDeque<Message>> = BTreeMap::new();
        for message in messages {
            if let Some(to) = to.get(&message.id) {
                waiting.entry((*to).clone()).or_default().push_back(message);
            }
        }
        let (course, outbox) = Course::open(owner, vec![first]);
        Restore {
            course,
            plan,
            waiting,
            ready: VecDeque::new(),
            recording: 0,
            sending: 0,
            outbox,
            now,
            started_at: now,
            backoff: Backoff::new(seed, "restore"),
            restored: 0,
            faults: Vec::new(),
            duplicates: Vec::new(),
            returned: 0,
        }
    }

    fn left_to_send(&self) -> u64 {
        let waiting: usize = self.waiting.values().map(VecDeque::len).sum();
        let ready: usize = self.ready.iter().map(|batch| batch.messages.len()).sum();
        (waiting + ready) as u64
    }

    fn note(&mut self, id: &MessageId, state: MessageState) {
        self.course.note(self.now, id, state);
    }

    fn fail(&mut self, id: MessageId, why: String) {
        self.note(&id, MessageState::Failed { why: why.clone() });
        self.faults.push((id, why));
    }

    /// As many as one call takes.
    fn pack(&mut self) -> Option<Batch> {
        let most = usize::try_from(self.plan.max_message_bytes).unwrap_or(usize::MAX);
        let (to, line) = self.waiting.iter_mut().find(|(_, line)| !line.is_empty())?;
        let mut batch = Batch { to: to.clone(), messages: Vec::new() };
        let mut bytes = 0;
        while batch.messages.len() < MAX_BATCH_ENTRIES
            && let Some(next) = line.front()
        {
            bytes += next.size_bytes();
            if bytes > most && !batch.messages.is_empty() {
                break;
            }
            batch.messages.extend(line.pop_front());
        }
        Some(batch)
    }

    fn work(&mut self, now: Timestamp) {
        while self.course.is_running()
            && self.recording + self.sending < LANES
            && let Some(batch) = self.pack()
        {
            let entries = batch.messages.iter().map(|message| {
                let sha256 = hexadecimal(&Sha256::digest(message.body.as_bytes()));
                let state = MessageState::Recorded { to: batch.to.clone(), sha256, attributes: String::new() };
                self.course.owner.message(now, message.id.clone(), state)
            });
            let entries = entries.collect();
            self.recording += 1;
            self.course.write(entries, Purpose::Recorded(batch), &mut self.outbox);
        }
        while self.backoff.is_open(now)
            && let Some(batch) = self.ready.pop_front()
        {
            let entries =
                batch.messages.iter().map(|message| outgoing(message, &batch.to, &self.course.owner)).collect();
            self.sending += 1;
            self.outbox.give(Order::Send { queue: batch.to.clone(), entries }, Purpose::Sent(batch));
        }
    }

    fn handle_sent(&mut self, now: Timestamp, batch: Batch, result: OrderResult) {
        self.sending -= 1;
        match result {
            Outcome::Done(Answer::Sent(results)) => {
                self.backoff.succeed();
                let mut again = Vec::new();
                for (message, result) in batch.messages.into_iter().zip(results) {
                    match result {
                        Ok(new_id) => {
                            self.restored += 1;
                            self.note(&message.id, MessageState::Acknowledged { new_id });
                        }
                        Err(error) if error.sender_fault => {
                            self.fail(message.id, format!("{}: {}", error.code, error.message));
                        }
                        Err(_) => again.push(message),
                    }
                }
                if !again.is_empty() {
                    self.wait(now, Batch { to: batch.to, messages: again }, "the queue refused it");
                }
            }
            Outcome::Refused(error) if error.is_throttle() => self.wait(now, batch, "throttled"),
            Outcome::Refused(error) => {
                for message in batch.messages {
                    self.fail(message.id, error.to_string());
                }
                self.course.wrong(Some(Cause::of(&error)), error.to_string());
                self.stop();
            }
            Outcome::Unknown(why) => {
                for message in batch.messages {
                    self.note(&message.id, MessageState::PossibleDuplicate { why: why.clone() });
                    self.faults.push((message.id.clone(), format!("may have been sent: {why}")));
                    self.duplicates.push(message.id);
                }
            }
            Outcome::Done(other) => {
                self.course.wrong(Some(Cause::Unreachable), format!("a send was answered {other:?}"));
                self.stop();
            }
        }
    }

    /// Once more, later; when that was said too often, never.
    fn wait(&mut self, now: Timestamp, batch: Batch, why: &str) {
        self.backoff.fail(now);
        if self.backoff.failures() >= TRIES_MOST {
            for message in batch.messages {
                self.fail(message.id, why.to_owned());
            }
            self.course.wrong(Some(Cause::Unreachable), format!("{why}, {TRIES_MOST} times in a row"));
            return self.stop();
        }
        if self.course.is_running() {
            return self.ready.push_back(batch);
        }
        self.returned += batch.messages.len() as u64;
        self.leave(batch);
    }

    /// On record as about to be sent, and not sent.
    fn leave(&mut self, batch: Batch) {
        for message in batch.messages {
            self.note(&message.id, MessageState::NotSent { why: "stopped".to_owned() });
        }
    }

    fn stop(&mut self) {
        self.course.end();
        self.returned += self.left_to_send();
        std::mem::take(&mut self.ready).into_iter().for_each(|batch| self.leave(batch));
        self.waiting.clear();
    }

    fn settle(&mut self, now: Timestamp) {
        self.now = now;
        let idle = self.recording + self.sending == 0;
        if self.course.is_running() && idle && self.left_to_send() == 0 {
            self.course.end();
        }
        if idle && self.course.may_close(&self.outbox) {
            let report = Report::Restore(self.report());
            self.course.close(now, report, &mut self.outbox);
        }
    }

    fn progress(&self) -> Progress {
        let asked = self.plan.messages.len() as u64;
        let line = || format!("{} of {} put back", grouped(self.restored), grouped(asked));
        Progress {
            failed: self.faults.len() as u64,
            left: Some(self.left_to_send()),
            unsure: 0,
            ..self.course.progress(Kind::Restore, line, self.restored)
        }
    }

    fn report(&self) -> RestoreReport {
        let state = match (self.course.is_cancelled(), self.course.problem().is_some() || !self.faults.is_empty()) {
            (true, _) => EndState::Cancelled,
            (false, true) if self.restored > 0 => EndState::Partly,
            (false, true) => EndState::Failed,
            (false, false) => EndState::Done,
        };
        RestoreReport {
            operation: self.course.owner.operation.clone(),
            state,
            asked: self.plan.messages.len() as u64,
            restored: self.restored,
            failed: self.faults.len() as u64,
            returned: self.returned,
            duplicates_possible: self.duplicates.clone(),
            faults: self.faults.clone(),
            problem: self.course.problem(),
            cause: self.course.cause(),
            took_ms: self.now.ms_since(self.started_at),
        }
    }
}

impl Operation for Restore {
    fn handle_command(&mut self, now: Timestamp, command: Command) {
        if self.course.is_told_to_end(command) {
            self.stop();
        }
        self.settle(now);
    }

    fn handle_result(&mut self, now: Timestamp, id: OrderId, result: OrderResult) {
        self.now = now;
        self.course.heard(id, &result);
        match self.outbox.settle(id) {
            Some(Purpose::Course(step)) if self.course.handle(step, &result) => {}
            Some(Purpose::Course(_)) => {
                self.course.wrong(Some(Cause::Journal), "the journal could not be written");
                self.stop();
            }
            Some(Purpose::Recorded(batch)) => {
                self.recording -= 1;
                match result {
                    Outcome::Done(_) if self.course.is_running() => self.ready.push_back(batch),
                    Outcome::Done(_) => {
                        self.returned += batch.messages.len() as u64;
                        self.leave(batch);
                    }
                    _ => {
                        self.returned += batch.messages.len() as u64;
                        self.course.wrong(Some(Cause::Journal), "the journal could not be written");
                        self.stop();
                    }
                }
            }
            Some(Purpose::Sent(batch)) => self.handle_sent(now, batch, result),
            None => {}
        }
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.settle(now);
    }

    fn poll_order(&mut self, now: Timestamp) -> Option<(OrderId, Order)> {
        self.now = now;
        if self.course.is_finished() {
            return None;
        }
        self.work(now);
        self.settle(now);
        self.outbox.take()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.backoff.until(self.now).filter(|_| !self.ready.is_empty())
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        self.course.has_news().then(|| self.progress())
    }

    fn is_finished(&self) -> bool {
        self.course.is_finished()
    }
}

/// Batches on their way at once.
const LANES: usize = 4;
const TRIES_MOST: u32 = 12;
