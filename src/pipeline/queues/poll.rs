//! Receives, short and long, and the queues' own timers: the end of a long poll, a message that
//! somebody waits for, the next step of a move task, the minute's metrics.

use crate::model::id::QueueName;
use crate::model::message::{Attributes, Message};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::meter::Meter;
use crate::pipeline::queue::settings::{MAX_VISIBILITY_S, MAX_WAIT_S, unknown};
use crate::pipeline::queues::Queues;
use crate::pipeline::queues::refusal::{invalid_value, no_queue, refuse};
use crate::pipeline::request::{Receive, RequestId, SqsReply};

/// A long poll that has not been answered.
#[derive(Debug)]
pub struct Waiter {
    request: RequestId,
    ask: Receive,
    until: Timestamp,
}

/// `MaxNumberOfMessages` (aws-facts §3.1).
const MAX_RECEIVED: u32 = 10;
/// System attributes that may be asked for (aws-facts §3.2).
const SYSTEM_NAMES: [&str; 10] = [
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

impl Queues {
    /// The next moment something happens here by itself.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let polls = self.waiters.iter().flat_map(|(name, waiters)| {
            let ends = waiters.iter().map(|waiter| waiter.until);
            // Whoever waits was served all there was: the next chance is a message coming back.
            ends.chain(self.next_back(name))
        });
        polls.chain(self.minute).chain(self.nudged).chain(self.tasks.poll_timeout()).min()
    }

    /// Answers of long polls.
    pub fn poll_reply(&mut self) -> Option<(RequestId, Result<SqsReply, ServiceError>)> {
        self.replies.pop_front()
    }

    /// The caller of a long poll is gone.
    pub fn cancel(&mut self, request: RequestId) {
        for waiters in self.waiters.values_mut() {
            waiters.retain(|waiter| waiter.request != request);
        }
        self.waiters.retain(|_, waiters| !waiters.is_empty());
    }

    /// Does what is due up to `now`.
    pub fn handle_timeout(&mut self, now: Timestamp, meter: &mut Meter) {
        self.nudged = None;
        self.run_tasks(now, meter);
        while let Some(minute) = self.minute.filter(|minute| *minute <= now) {
            let names: Vec<QueueName> = self.queues.keys().cloned().collect();
            for name in &names {
                self.advance(minute, name);
                if let (Some(queue), Some(gauges)) = (self.queues.get(name), self.gauges.get(name)) {
                    gauges.sample(meter, minute, queue);
                }
            }
            self.minute = Some(minute.plus_s(60));
        }
        self.serve(now, meter);
    }

    /// A receive of the API: answered at once, or later when it may wait.
    pub(super) fn receive(
        &mut self,
        now: Timestamp,
        request: RequestId,
        name: &QueueName,
        ask: &Receive,
        meter: &mut Meter,
    ) -> Result<Option<SqsReply>, ServiceError> {
        check(ask)?;
        self.advance(now, name);
        let queue = self.queues.get(name).ok_or_else(no_queue)?;
        let wait_s = ask.wait_s.unwrap_or(queue.settings.wait_s);
        if wait_s == 0 {
            // A FIFO queue with too many in flight just answers nothing (aws-facts §3.1).
            if !queue.has_room() && !queue.settings.fifo {
                return Err(refuse("OverLimit", 403, OVER_LIMIT));
            }
            let messages = self.take(now, name, max_of(ask), ask.visibility_s, meter);
            return Ok(Some(answer(messages, ask)));
        }
        if self.ready(now, name) > 0 {
            let messages = self.take(now, name, max_of(ask), ask.visibility_s, meter);
            if !messages.is_empty() {
                return Ok(Some(answer(messages, ask)));
            }
        }
        let waiter = Waiter { request, ask: ask.clone(), until: now.plus_s(i64::from(wait_s)) };
        self.waiters.entry(name.clone()).or_default().push_back(waiter);
        Ok(None)
    }

    /// Gives waiting callers what has come, first come first served, and ends polls whose time is up.
    pub(in crate::pipeline) fn serve(&mut self, now: Timestamp, meter: &mut Meter) {
        if self.waiters.is_empty() {
            return;
        }
        for (name, mut waiters) in std::mem::take(&mut self.waiters) {
            if !self.queues.contains_key(&name) {
                self.replies.extend(waiters.into_iter().map(|waiter| (waiter.request, Err(no_queue()))));
                continue;
            }
            while self.ready(now, &name) > 0
                && let Some(waiter) = waiters.front()
            {
                let messages = self.take(now, &name, max_of(&waiter.ask), waiter.ask.visibility_s, meter);
                if !messages.is_empty() {
                    self.replies.push_back((waiter.request, Ok(answer(messages, &waiter.ask))));
                    waiters.pop_front();
                }
            }
            let (over, waiting): (Vec<_>, Vec<_>) = waiters.into_iter().partition(|waiter| waiter.until <= now);
            for waiter in over {
                if let Some(gauges) = self.gauges.get(&name) {
                    gauges.received(meter, now, 0);
                }
                self.replies.push_back((waiter.request, Ok(answer(Vec::new(), &waiter.ask))));
            }
            if !waiting.is_empty() {
                self.waiters.insert(name, waiting.into());
            }
        }
    }
}

const OVER_LIMIT: &str = "Too many messages in flight: delete some, or wait until their visibility timeout ends.";

fn max_of(ask: &Receive) -> usize {
    usize::try_from(ask.max).unwrap_or(1)
}

fn check(ask: &Receive) -> Result<(), ServiceError> {
    if ask.max == 0 || ask.max > MAX_RECEIVED {
        return Err(invalid_value(ask.max, "MaxNumberOfMessages", "Must be between 1 and 10, if provided."));
    }
    if let Some(s) = ask.visibility_s.filter(|s| *s > MAX_VISIBILITY_S) {
        return Err(invalid_value(s, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided."));
    }
    if let Some(s) = ask.wait_s.filter(|s| *s > MAX_WAIT_S) {
        return Err(invalid_value(s, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided."));
    }
    match ask.system_names.iter().find(|name| !SYSTEM_NAMES.contains(&name.as_str())) {
        // The old `AttributeNames` also took the queue's attribute names and answered nothing for them.
        Some(name) if !crate::pipeline::queues::attributes::is_known(name) => Err(unknown(name)),
        _ => Ok(()),
    }
}

/// The reply, with the message attributes that were asked for.
fn answer(mut messages: Vec<Message>, ask: &Receive) -> SqsReply {
    for message in &mut messages {
        if !message.attributes.is_empty() {
            message.attributes = chosen(std::mem::take(&mut message.attributes), &ask.attribute_names);
        }
    }
    SqsReply::Received { messages, system_names: ask.system_names.clone() }
}

/// `All` and `.*` choose everything, `prefix.*` what begins so, anything else its own name.
fn chosen(attributes: Attributes, names: &[String]) -> Attributes {
    let wanted = |attribute: &str| {
        names.iter().any(|name| match name.as_str() {
            "All" | ".*" => true,
            exact if exact == attribute => true,
            other => other.strip_suffix(".*").is_some_and(|prefix| attribute.starts_with(prefix)),
        })
    };
    attributes.into_iter().filter(|(name, _)| wanted(name)).collect()
}
