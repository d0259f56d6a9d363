//! An SQS mapping at work: takes batches from its queue, hands them to the function, deletes what was
//! done (aws-facts §1.8).

use std::mem;

use crate::model::message::Message;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::function::lineage::{MAX_HOPS, hops_of};
use crate::pipeline::function::run::{Verdict, Work};
use crate::pipeline::mapping::Feed;
use crate::pipeline::mapping::queue::{Held, TICK_MS};
use crate::pipeline::schedule::Timer;
use crate::pipeline::stream::rules::{MAX_PAYLOAD_BYTES, backoff_ms};

impl Pipeline {
    /// Times the next look of an SQS mapping at its queue, if there is something to see.
    pub(super) fn plan_tick(&mut self, mapping: usize) {
        let Some(entry) = self.mappings.get_mut(mapping).filter(|entry| entry.is_acting) else { return };
        let Feed::Queue(feed) = &mut entry.feed else { return };
        let soon = self.now.plus_ms(TICK_MS - self.now.ms().rem_euclid(TICK_MS));
        let waiting = self.queues.ready(self.now, &feed.queue) > 0;
        let back = self.queues.next_back(&feed.queue).map(|at| at.max(soon));
        let retry = feed.held.iter().map(|held| held.retry_at.max(soon)).min();
        let window_ms = i64::from(entry.acting.window_s.unwrap_or(0)) * 1000;
        let window = (!feed.gathering.is_empty()).then(|| feed.gathering_since.plus_ms(window_ms).max(soon));
        let at = [waiting.then_some(soon), back, retry, window].into_iter().flatten().min();
        if let Some(at) = at
            && feed.plan_tick(at)
        {
            self.timers.set(at, Timer::Tick { mapping, at });
        }
    }

    pub(super) fn tick(&mut self, mapping: usize, at: Timestamp) {
        let Some(Feed::Queue(feed)) = self.mappings.get_mut(mapping).map(|entry| &mut entry.feed) else { return };
        if feed.tick_begins(at) {
            self.feed_queue(mapping);
        }
    }

    /// Starts as many batches as there is work and room for.
    fn feed_queue(&mut self, mapping: usize) {
        if !self.mappings.get(mapping).is_some_and(|entry| entry.is_acting) {
            return;
        }
        self.retry_held(mapping);
        while let Some(batch) = self.take_batch(mapping) {
            if !self.send_messages(mapping, batch, 0) {
                break;
            }
        }
        self.note_gone();
        self.plan_tick(mapping);
    }

    /// The next full batch, or what the window has brought together.
    fn take_batch(&mut self, mapping: usize) -> Option<Vec<Message>> {
        let entry = self.mappings.get_mut(mapping)?;
        let settings = &entry.acting;
        let Feed::Queue(feed) = &mut entry.feed else { return None };
        let backlog = self.queues.ready(self.now, &feed.queue);
        feed.scale(self.now, settings, backlog);
        if feed.room(settings) == 0 || (backlog == 0 && feed.gathering.is_empty()) {
            return None;
        }
        let size = settings.batch_size.unwrap_or(10) as usize;
        let window_s = settings.window_s.unwrap_or(0);
        let timeout_s = self.functions.get(entry.function).blueprint.timeout_s;
        let visibility_s = self.queues.settings(&feed.queue).map_or(30, |settings| settings.visibility_s);
        // A window must not eat up the lease (aws-facts §1.8).
        let longer = window_s > 0 && window_s + timeout_s > visibility_s;
        let lease_s = longer.then_some(window_s + timeout_s + 30);
        let wanted = size.saturating_sub(feed.gathering.len());
        let taken = if wanted > 0 && backlog > 0 {
            self.queues.take(self.now, &feed.queue, wanted, lease_s, &mut self.meter)
        } else {
            Vec::new()
        };
        if let (Some(Some(gauges)), false) = (self.mapping_gauges.get(mapping), taken.is_empty()) {
            self.meter.add(gauges.polled, self.now, taken.len() as f64);
        }
        if feed.gathering.is_empty() {
            feed.gathering_since = self.now;
        }
        feed.gathering.extend(taken);
        let closes = feed.gathering_since.plus_s(i64::from(window_s));
        let bytes: usize = feed.gathering.iter().map(Message::size_bytes).sum();
        let full = feed.gathering.len() >= size || bytes as u64 >= MAX_PAYLOAD_BYTES;
        let due = !feed.gathering.is_empty() && (full || closes <= self.now);
        due.then(|| mem::take(&mut feed.gathering))
    }

    /// Invokes the function with a batch; false when it is throttled and the batch is held.
    fn send_messages(&mut self, mapping: usize, messages: Vec<Message>, refusals: u32) -> bool {
        let messages = self.without_loops(mapping, messages);
        let Some(entry) = self.mappings.get_mut(mapping) else { return false };
        let function = entry.function;
        let Feed::Queue(feed) = &mut entry.feed else { return false };
        if messages.is_empty() {
            return true;
        }
        feed.running += 1;
        let queue = feed.queue.clone();
        let hops = messages.iter().map(|message| hops_of(message.system.trace_header.as_deref())).max();
        let number = messages.len() as f64;
        let work = Work::Queue { mapping, queue, messages };
        match self.try_run(function, work, hops.unwrap_or(0)) {
            Ok(()) => {
                if let Some(Some(gauges)) = self.mapping_gauges.get(mapping) {
                    self.meter.add(gauges.invoked, self.now, number);
                }
                true
            }
            Err(work) => {
                if let Work::Queue { messages, .. } = *work {
                    self.hold(mapping, messages, refusals + 1);
                }
                false
            }
        }
    }

    /// Takes out messages whose chain has been through the function too often, unless it allows that.
    /// They stay in the queue, received once more (aws-facts §1.9).
    fn without_loops(&mut self, mapping: usize, messages: Vec<Message>) -> Vec<Message> {
        let function = self.mappings[mapping].function;
        let entry = self.functions.get(function);
        if entry.allow_recursion && !self.faults.guards_recursion(&entry.blueprint.name) {
            return messages;
        }
        let hops = |message: &Message| hops_of(message.system.trace_header.as_deref());
        let (through, looping): (Vec<_>, Vec<_>) = messages.into_iter().partition(|m| hops(m) < MAX_HOPS);
        if !looping.is_empty() {
            let id = self.function_gauges[function].recursive_dropped;
            self.meter.add(id, self.now, looping.len() as f64);
            self.log_line(function, "[ERROR] RecursiveInvocationException: a loop through SQS was stopped");
        }
        through
    }

    /// Keeps a refused batch for another try, as long as its messages stay hidden.
    fn hold(&mut self, mapping: usize, messages: Vec<Message>, refusals: u32) {
        let Some(entry) = self.mappings.get_mut(mapping) else { return };
        let Feed::Queue(feed) = &mut entry.feed else { return };
        feed.running -= 1;
        let visibility_s = self.queues.settings(&feed.queue).map_or(30, |settings| settings.visibility_s);
        let retry_at = self.now.plus_ms(backoff_ms(refusals));
        // Held from now on; the lease began at the latest when the batch was first refused.
        let until = self.now.plus_s(i64::from(visibility_s)).plus_ms(-retry_at.ms_since(self.now));
        feed.held.push_back(Held { messages, retry_at, refusals, until });
    }

    fn retry_held(&mut self, mapping: usize) {
        let held = match self.mappings.get_mut(mapping).map(|entry| &mut entry.feed) {
            Some(Feed::Queue(feed)) => mem::take(&mut feed.held),
            _ => return,
        };
        for batch in held {
            if batch.retry_at > self.now {
                if let Some(Feed::Queue(feed)) = self.mappings.get_mut(mapping).map(|entry| &mut entry.feed) {
                    feed.held.push_back(batch);
                }
            } else if batch.until > self.now {
                let until = batch.until;
                if !self.send_messages(mapping, batch.messages, batch.refusals)
                    && let Some(Feed::Queue(feed)) = self.mappings.get_mut(mapping).map(|entry| &mut entry.feed)
                    && let Some(again) = feed.held.back_mut()
                {
                    again.until = until;
                }
            }
            // Otherwise its messages come back to the queue by themselves, received once more.
        }
    }

    /// A batch came back from the function: what was done is deleted, the rest comes back when its
    /// visibility timeout is over.
    pub(super) fn queue_run_ended(&mut self, mapping: usize, messages: &[Message], verdict: &Verdict) {
        let Some(entry) = self.mappings.get_mut(mapping) else { return };
        let Feed::Queue(feed) = &mut entry.feed else { return };
        feed.running -= 1;
        let failed: &[_] = match verdict {
            Verdict::Done { failed } => failed,
            Verdict::StoppedAt { .. } | Verdict::Error { .. } => {
                feed.back_off(&entry.acting);
                return self.queue_run_failed(mapping, messages.len());
            }
        };
        let queue = feed.queue.clone();
        let mut deleted = 0u32;
        for message in messages.iter().filter(|message| !failed.contains(&message.id)) {
            // A handle that is void by now deletes nothing; the message comes again.
            if self.queues.finish(self.now, &queue, &message.receipt, &mut self.meter).is_ok() {
                deleted += 1;
            }
        }
        if let Some(Some(gauges)) = self.mapping_gauges.get(mapping) {
            self.meter.add(gauges.deleted, self.now, f64::from(deleted));
            if !failed.is_empty() {
                self.meter.add(gauges.failed, self.now, failed.len() as f64);
            }
        }
        self.feed_queue(mapping);
    }

    fn queue_run_failed(&mut self, mapping: usize, messages: usize) {
        if let Some(Some(gauges)) = self.mapping_gauges.get(mapping) {
            self.meter.add(gauges.failed, self.now, messages as f64);
        }
        self.feed_queue(mapping);
    }
}
