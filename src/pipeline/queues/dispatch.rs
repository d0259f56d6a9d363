//! From an SQS request to what does it.

use crate::model::id::{QueueName, QueueUrl, ReceiptHandle};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::meter::Meter;
use crate::pipeline::queues::refusal::no_queue;
use crate::pipeline::queues::{Queues, Why};
use crate::pipeline::request::{RequestId, SqsReply, SqsRequest};

impl Queues {
    /// Does what is asked. `None`: it waits, and the answer comes out of [`Queues::poll_reply`].
    pub fn handle(
        &mut self,
        now: Timestamp,
        request: RequestId,
        ask: SqsRequest,
        meter: &mut Meter,
    ) -> Option<Result<SqsReply, ServiceError>> {
        let action = action(&ask);
        let answer = self.dispatch(now, request, ask, meter).transpose();
        // What was sent, given back or moved may be what another caller waits for.
        self.serve(now, meter);
        answer.map(|answer| answer.map_err(|error| ServiceError { action: action.to_owned(), ..error }))
    }

    fn dispatch(
        &mut self,
        now: Timestamp,
        request: RequestId,
        ask: SqsRequest,
        meter: &mut Meter,
    ) -> Result<Option<SqsReply>, ServiceError> {
        use SqsRequest as Ask;
        let reply = match ask {
            Ask::Receive(ask) => return self.receive(now, request, &self.find(&ask.queue)?, &ask, meter),
            Ask::Send { queue, message } => SqsReply::Sent(self.send_one(now, &self.find(&queue)?, message, meter)?),
            Ask::SendBatch { queue, entries } => self.send_batch(now, &self.find(&queue)?, entries, meter)?,
            Ask::Delete { queue, receipt } => {
                self.delete_one(now, &self.find(&queue)?, &receipt, meter)?;
                SqsReply::Done
            }
            Ask::DeleteBatch { queue, entries } => self.delete_batch(now, &self.find(&queue)?, entries, meter)?,
            Ask::ChangeVisibility { queue, receipt, visibility_s } => {
                self.set_visibility(now, &self.find(&queue)?, &receipt, visibility_s)?;
                SqsReply::Done
            }
            Ask::ChangeVisibilityBatch { queue, entries } => {
                self.change_visibility_batch(now, &self.find(&queue)?, entries)?
            }
            Ask::ListQueues { prefix, max, token } => self.list(prefix.as_deref(), max, token.as_deref())?,
            Ask::GetQueueUrl { name } => {
                self.queues.get(&name).ok_or_else(no_queue)?;
                SqsReply::Url(self.url(&name))
            }
            Ask::GetQueueAttributes { queue, names } => self.attributes(now, &self.find(&queue)?, &names)?,
            Ask::SetQueueAttributes { queue, attributes } => {
                self.set_attributes(now, &self.find(&queue)?, &attributes)?
            }
            Ask::CreateQueue { name, attributes } => SqsReply::Url(self.create(now, &name, &attributes, meter)?),
            Ask::DeleteQueue { queue } => self.delete_queue(now, &self.find(&queue)?)?,
            Ask::PurgeQueue { queue } => self.purge(now, &self.find(&queue)?)?,
            Ask::ListDeadLetterSourceQueues { queue, max, token } => {
                self.dead_letter_sources(&self.find(&queue)?, max, token.as_deref())?
            }
            Ask::StartMessageMoveTask { source, destination, max_per_s } => {
                SqsReply::TaskStarted(self.start_task(now, &source, destination, max_per_s)?)
            }
            Ask::ListMessageMoveTasks { source, max } => SqsReply::Tasks(self.list_tasks(now, &source, max)?),
            Ask::CancelMessageMoveTask { handle } => {
                SqsReply::TaskCancelled { moved: self.tasks.cancel(now, &handle)? }
            }
        };
        Ok(Some(reply))
    }

    /// A delete by an API caller: the census is told.
    pub(super) fn delete_one(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        receipt: &ReceiptHandle,
        meter: &mut Meter,
    ) -> Result<(), ServiceError> {
        let removed = self.remove(now, name, receipt, meter)?;
        self.note_gone(now, name, removed.into_iter().collect(), Why::Deleted);
        Ok(())
    }

    /// The queue a URL names. Only the path counts: whoever reached this pipeline through another
    /// host or port means the same queue.
    fn find(&self, url: &QueueUrl) -> Result<QueueName, ServiceError> {
        let name = url.name();
        let mut segments = url.as_str().rsplit('/').skip(1);
        let ours = segments.next().is_none_or(|account| account == self.account);
        if ours && self.queues.contains_key(&name) { Ok(name) } else { Err(no_queue()) }
    }
}

fn action(ask: &SqsRequest) -> &'static str {
    match ask {
        SqsRequest::ListQueues { .. } => "sqs:ListQueues",
        SqsRequest::GetQueueUrl { .. } => "sqs:GetQueueUrl",
        SqsRequest::GetQueueAttributes { .. } => "sqs:GetQueueAttributes",
        SqsRequest::SetQueueAttributes { .. } => "sqs:SetQueueAttributes",
        SqsRequest::CreateQueue { .. } => "sqs:CreateQueue",
        SqsRequest::DeleteQueue { .. } => "sqs:DeleteQueue",
        SqsRequest::PurgeQueue { .. } => "sqs:PurgeQueue",
        SqsRequest::Send { .. } => "sqs:SendMessage",
        SqsRequest::SendBatch { .. } => "sqs:SendMessageBatch",
        SqsRequest::Receive(_) => "sqs:ReceiveMessage",
        SqsRequest::Delete { .. } => "sqs:DeleteMessage",
        SqsRequest::DeleteBatch { .. } => "sqs:DeleteMessageBatch",
        SqsRequest::ChangeVisibility { .. } => "sqs:ChangeMessageVisibility",
        SqsRequest::ChangeVisibilityBatch { .. } => "sqs:ChangeMessageVisibilityBatch",
        SqsRequest::ListDeadLetterSourceQueues { .. } => "sqs:ListDeadLetterSourceQueues",
        SqsRequest::StartMessageMoveTask { .. } => "sqs:StartMessageMoveTask",
        SqsRequest::ListMessageMoveTasks { .. } => "sqs:ListMessageMoveTasks",
        SqsRequest::CancelMessageMoveTask { .. } => "sqs:CancelMessageMoveTask",
    }
}
