//! Performs what handlers order, on queues, table, bucket and the rest, in the order given.

use crate::automation::event::EventItem;
use crate::automation::fault::HandlerError;
use crate::automation::identity::Identity;
use crate::automation::job::Job;
use crate::automation::order::Order;
use crate::automation::request::Request;
use crate::model::message::Outgoing;
use crate::pipeline::Pipeline;
use crate::pipeline::function::lineage;
use crate::pipeline::function::run::Run;
use crate::pipeline::gauge::WRITE_UNIT_BYTES;
use crate::pipeline::history::Deed;
use crate::pipeline::ledger::{Mark, RequestRef};
use crate::pipeline::world::View;

impl Pipeline {
    pub(super) fn view(&self) -> View<'_> {
        View {
            now: self.now,
            world: &self.world,
            bucket: &self.bucket,
            ledger: &self.ledger,
            faults: &self.faults,
            payload_bucket: &self.table.payload_bucket,
        }
    }

    /// # Errors
    /// An order could not be done; those behind it were not.
    pub(super) fn perform_all(&mut self, orders: Vec<Order>, run: &Run) -> Result<(), HandlerError> {
        orders.into_iter().try_for_each(|order| self.perform(order, run))
    }

    fn perform(&mut self, order: Order, run: &Run) -> Result<(), HandlerError> {
        match order {
            Order::PutRequest(request) => self.accept(request),
            Order::PutPayload { key, body } => self.bucket.put_payload(key, body, self.now),
            Order::PutEvent(event) => self.put_event(&event),
            Order::SendJob { job, delay_s } => self.send_job(&job, delay_s, run)?,
            Order::PutProfile { recipient, profile } => self.world.put_profile(recipient, profile),
            Order::Cancel(token) => self.world.cancel(token, self.now),
            Order::AddToBatch { key, batch, .. } => self.world.put_batch(key, batch),
            Order::CloseBatch { key } => self.world.close_batch(&key),
            Order::Done(job) => self.job_done(job),
            Order::Cancelled(job) => {
                if self.ledger.mark(job, Mark::Cancelled) {
                    self.note(Deed::JobDone, job.run.number(), u64::from(job.step) | 1 << 32);
                }
            }
        }
        Ok(())
    }

    /// An object is put into RequestStore. A run that is there already is told of again, as S3 would.
    pub(super) fn accept(&mut self, request: std::sync::Arc<Request>) {
        let run = request.run;
        let steps = request.automation.steps.len();
        if self.ledger.accept(run, request.accepted, steps, RequestRef::Posted) {
            self.note(Deed::Accepted, run.number(), steps as u64);
            self.bucket.put(request);
        }
        self.object_created(run);
    }

    /// Writes an event into the table; what is new there makes a stream record.
    pub(super) fn put_event(&mut self, event: &EventItem) {
        if let Some(shard) = self.table.put(event, &mut self.ledger) {
            self.note(Deed::Recorded, event.identity.run.number(), u64::from(event.identity.step));
            let units = event.size_bytes().div_ceil(WRITE_UNIT_BYTES);
            self.meter.add(self.stream_gauges.written, self.now, units as f64);
            self.plan_polls(shard);
        }
    }

    fn send_job(&mut self, job: &Job, delay_s: u32, run: &Run) -> Result<(), HandlerError> {
        let Some(queue) = self.job_queue.clone() else {
            return Err(HandlerError::new("NoJobQueue", "no queue feeds a job worker"));
        };
        let sender = self.functions.get(run.function).blueprint.name.clone();
        let is_fifo = self.queues.settings(&queue).is_some_and(|settings| settings.fifo);
        let message = Outgoing {
            body: job.to_body(),
            delay_s: (delay_s > 0).then_some(delay_s),
            // A FIFO queue keeps a run's jobs in order; a handler that runs twice sends its job once.
            group_id: is_fifo.then(|| job.run.to_string()),
            deduplication_id: is_fifo.then(|| match job.due {
                None => job.identity().to_string(),
                Some(due) => format!("{}/{}", job.identity(), due.ms()),
            }),
            trace_header: Some(lineage::header(job.run.number(), sender.as_str(), run.hops + 1)),
            ..Outgoing::default()
        };
        self.queues
            .put(self.now, &queue, message, &mut self.meter)
            .map_err(|error| HandlerError::new("SendMessageError", format!("{}: {}", error.code, error.message)))?;
        self.ledger.mark(job.identity(), Mark::Made);
        self.note(Deed::JobSent, job.run.number(), u64::from(job.step) << 32 | u64::from(delay_s));
        // Other mappings and callers may wait for it.
        self.queues.serve(self.now, &mut self.meter);
        for mapping in 0..self.mappings.len() {
            self.plan_tick(mapping);
        }
        Ok(())
    }

    fn job_done(&mut self, job: Identity) {
        if self.ledger.mark(job, Mark::Ended) {
            self.note(Deed::JobDone, job.run.number(), u64::from(job.step));
        }
    }
}
