//! Performs the orders of an operation that are calls. One order is one request that is sent at most
//! once; what came of it is said as it is, and trying again is left to the operation.

use aws_sdk_lambda::types::{DestinationConfig, OnFailure, ScalingConfig};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageSystemAttributeName, SendMessageBatchResultEntry,
};
use aws_smithy_types::error::operation::BuildError;

use crate::aws::Account;
use crate::aws::failure::outcome;
use crate::aws::mapping::{from_updated, incomplete};
use crate::aws::message::{entry, received};
use crate::model::id::{Arn, MappingId, MessageId, QueueUrl, TaskHandle};
use crate::model::mapping::MappingChange;
use crate::model::md5;
use crate::model::message::Outgoing;
use crate::model::service_error::{Outcome, ServiceError};
use crate::operation::order::{Answer, Calls, EntryError, Lease, Order, OrderResult};

impl Calls for Account {
    fn call(&self, order: Order) -> impl Future<Output = OrderResult> + Send {
        self.perform(order)
    }
}

impl Account {
    /// Performs one order. [`Order::Record`] is refused: the journal keeps entries, not AWS.
    pub async fn perform(&self, order: Order) -> OrderResult {
        match order {
            Order::Receive { queue, max, visibility_s, wait_s } => {
                self.receive(&queue, max, visibility_s, wait_s).await
            }
            Order::Extend { queue, entries, visibility_s } => self.set_visibility(&queue, &entries, visibility_s).await,
            Order::Release { queue, entries } => self.set_visibility(&queue, &entries, 0).await,
            Order::Send { queue, entries } => self.send(&queue, &entries).await,
            Order::Delete { queue, entries } => self.delete(&queue, &entries).await,
            Order::StartMoveTask { source, destination, max_per_s } => {
                self.start_task(&source, destination, max_per_s).await
            }
            Order::CancelMoveTask { handle } => self.cancel_task(&handle).await,
            Order::UpdateMapping { mapping, change } => self.update_mapping(&mapping, &change).await,
            Order::GetReserve(function) => seen(self.concurrency(&function).await.map(Answer::Reserve)),
            Order::PutReserve { function, to } => self.put_reserve(&function, to).await,
            Order::ListMoveTasks { source } => seen(self.move_tasks(&source).await.map(Answer::Tasks)),
            Order::QueueCounts { queue } => seen(self.queue_counts(&queue).await.map(Answer::Counts)),
            Order::Invoke { function, payload, timeout_s } => self.invoke(&function, payload, timeout_s).await,
            Order::ReadStream { pointer } => seen(self.records(&pointer).await.map(Answer::Records)),
            Order::GetObject { bucket, key } => seen(self.object(&bucket, &key).await.map(Answer::Object)),
            Order::Vitals { queues, functions, at } => seen(self.vitals(&queues, &functions, at).await),
            Order::GetMapping(id) => seen(self.mapping(&id).await.map(|mapping| Answer::Mapping(Box::new(mapping)))),
            Order::Record(_) => Outcome::Refused(ServiceError {
                http: 0,
                ..ServiceError::new("journal:Record", "NotSent", "entries are kept by the journal, not by AWS")
            }),
        }
    }

    async fn receive(&self, queue: &QueueUrl, max: u32, visibility_s: u32, wait_s: u32) -> OrderResult {
        let request = self
            .changes
            .sqs
            .receive_message()
            .queue_url(queue.as_str())
            .max_number_of_messages(whole(max))
            .visibility_timeout(whole(visibility_s))
            .wait_time_seconds(whole(wait_s))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        outcome("sqs:ReceiveMessage", request.send().await).map(|answer| {
            Answer::Received(answer.messages.unwrap_or_default().into_iter().filter_map(received).collect())
        })
    }

    async fn set_visibility(&self, queue: &QueueUrl, leases: &[Lease], visibility_s: u32) -> OrderResult {
        const ACTION: &str = "sqs:ChangeMessageVisibilityBatch";
        let entries: Result<Vec<_>, BuildError> = leases
            .iter()
            .enumerate()
            .map(|(index, lease)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(lease.receipt.as_str())
                    .visibility_timeout(whole(visibility_s))
                    .build()
            })
            .collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return unbuilt(ACTION, &error),
        };
        let request = self.changes.sqs.change_message_visibility_batch().queue_url(queue.as_str());
        let result = request.set_entries(Some(entries)).send().await;
        outcome(ACTION, result).map(|answer| {
            let ok = answer.successful.iter().map(|entry| entry.id.as_str());
            Answer::Entries(by_index(leases.len(), ok, &answer.failed))
        })
    }

    async fn delete(&self, queue: &QueueUrl, leases: &[Lease]) -> OrderResult {
        const ACTION: &str = "sqs:DeleteMessageBatch";
        let entries: Result<Vec<_>, BuildError> = leases
            .iter()
            .enumerate()
            .map(|(index, lease)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(lease.receipt.as_str())
                    .build()
            })
            .collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return unbuilt(ACTION, &error),
        };
        let request = self.changes.sqs.delete_message_batch().queue_url(queue.as_str());
        let result = request.set_entries(Some(entries)).send().await;
        outcome(ACTION, result).map(|answer| {
            let ok = answer.successful.iter().map(|entry| entry.id.as_str());
            Answer::Entries(by_index(leases.len(), ok, &answer.failed))
        })
    }

    async fn send(&self, queue: &QueueUrl, outgoing: &[Outgoing]) -> OrderResult {
        const ACTION: &str = "sqs:SendMessageBatch";
        let entries: Result<Vec<_>, BuildError> = outgoing.iter().enumerate().map(|(i, one)| entry(i, one)).collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return unbuilt(ACTION, &error),
        };
        let request = self.changes.sqs.send_message_batch().queue_url(queue.as_str());
        match outcome(ACTION, request.set_entries(Some(entries)).send().await) {
            Outcome::Done(answer) => sent_by_index(outgoing, &answer.successful, &answer.failed),
            Outcome::Refused(error) => Outcome::Refused(error),
            Outcome::Unknown(seen) => Outcome::Unknown(seen),
        }
    }

    async fn start_task(&self, source: &Arn, destination: Option<Arn>, max_per_s: Option<u32>) -> OrderResult {
        let request = self
            .changes
            .sqs
            .start_message_move_task()
            .source_arn(source.as_str())
            .set_destination_arn(destination.map(|arn| arn.to_string()))
            .set_max_number_of_messages_per_second(max_per_s.map(whole));
        match outcome("sqs:StartMessageMoveTask", request.send().await).map(|answer| answer.task_handle) {
            Outcome::Done(Some(handle)) => Outcome::Done(Answer::TaskStarted(TaskHandle::new(handle))),
            Outcome::Done(None) => Outcome::Unknown("sqs:StartMessageMoveTask: answered without a handle".to_owned()),
            Outcome::Refused(error) => Outcome::Refused(error),
            Outcome::Unknown(seen) => Outcome::Unknown(seen),
        }
    }

    async fn cancel_task(&self, handle: &TaskHandle) -> OrderResult {
        let request = self.changes.sqs.cancel_message_move_task().task_handle(handle.as_str());
        outcome("sqs:CancelMessageMoveTask", request.send().await).map(|answer| Answer::TaskCancelled {
            moved: u64::try_from(answer.approximate_number_of_messages_moved).unwrap_or(0),
        })
    }

    /// The answer echoes the old or the new settings (aws-facts §1.3): it says only that the change
    /// was taken.
    async fn update_mapping(&self, id: &MappingId, change: &MappingChange) -> OrderResult {
        let mut request = self
            .changes
            .lambda
            .update_event_source_mapping()
            .uuid(id.as_str())
            .set_batch_size(change.batch_size.map(whole))
            .set_maximum_batching_window_in_seconds(change.window_s.map(whole))
            .set_parallelization_factor(change.parallelization_factor.map(whole))
            .set_enabled(change.enabled);
        if let Some(limit) = change.max_concurrency {
            // An empty ScalingConfig removes the limit (aws-facts §1.1).
            request =
                request.scaling_config(ScalingConfig::builder().set_maximum_concurrency(limit.map(whole)).build());
        }
        request = request
            .set_maximum_retry_attempts(change.max_retry_attempts)
            .set_maximum_record_age_in_seconds(change.max_record_age_s)
            .set_bisect_batch_on_function_error(change.bisect);
        if let Some(destination) = &change.on_failure {
            // An empty destination removes it.
            let arn = destination.as_ref().map_or("", Arn::as_str);
            let on_failure = OnFailure::builder().destination(arn).build();
            request = request.destination_config(DestinationConfig::builder().on_failure(on_failure).build());
        }
        const ACTION: &str = "lambda:UpdateEventSourceMapping";
        match outcome(ACTION, request.send().await) {
            Outcome::Done(answer) => match from_updated(&answer) {
                Some(mapping) => Outcome::Done(Answer::Mapping(Box::new(mapping))),
                None => Outcome::Unknown(incomplete(ACTION).to_string()),
            },
            Outcome::Refused(error) => Outcome::Refused(error),
            Outcome::Unknown(seen) => Outcome::Unknown(seen),
        }
    }
}

/// A read cannot have changed anything, so its end is never unknown in a way that matters: a machine
/// that gets no answer may ask again.
fn seen(result: Result<Answer, ServiceError>) -> OrderResult {
    match result {
        Ok(answer) => Outcome::Done(answer),
        Err(error) => Outcome::Refused(error),
    }
}

/// AWS's limits are far below; a number beyond is refused there by name.
fn whole(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn unbuilt(action: &str, error: &BuildError) -> OrderResult {
    Outcome::Refused(ServiceError { http: 0, ..ServiceError::new(action, "NotSent", error.to_string()) })
}

/// Batches answer by entry id, in any order; ids are the indices. An entry named in neither list is
/// an error of its own.
fn by_index<'a>(
    len: usize,
    ok: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Vec<Result<(), EntryError>> {
    let mut results = vec![Err(unanswered()); len];
    for index in ok.filter_map(|id| id.parse::<usize>().ok()) {
        if let Some(slot) = results.get_mut(index) {
            *slot = Ok(());
        }
    }
    for (index, error) in failures(failed) {
        if let Some(slot) = results.get_mut(index) {
            *slot = Err(error);
        }
    }
    results
}

/// As [`by_index`], with the new ids. A sent entry that SQS names in neither list may have been taken,
/// so the whole answer is unknown then; one whose digest differs was taken damaged, and its original
/// must stay.
fn sent_by_index(
    outgoing: &[Outgoing],
    ok: &[SendMessageBatchResultEntry],
    failed: &[BatchResultErrorEntry],
) -> OrderResult {
    let mut results: Vec<Option<Result<MessageId, EntryError>>> = vec![None; outgoing.len()];
    for entry in ok {
        let Some(index) = entry.id.parse::<usize>().ok().filter(|index| *index < outgoing.len()) else { continue };
        // The SDK does not compare it (aws-facts §3.7).
        let intact = entry.md5_of_message_body == md5::of_body(&outgoing[index].body);
        results[index] = Some(if intact {
            Ok(MessageId::from(entry.message_id.as_str()))
        } else {
            Err(EntryError {
                code: "DigestDiffers".to_owned(),
                message: format!(
                    "SQS took a damaged copy as {}; its MD5 is not that of what was sent",
                    entry.message_id
                ),
                sender_fault: false,
            })
        });
    }
    for (index, error) in failures(failed) {
        if let Some(slot) = results.get_mut(index) {
            *slot = Some(Err(error));
        }
    }
    let answered = results.iter().flatten().count();
    if answered < outgoing.len() {
        return Outcome::Unknown(format!(
            "sqs:SendMessageBatch: answered for {answered} of {} messages only",
            outgoing.len()
        ));
    }
    Outcome::Done(Answer::Sent(results.into_iter().flatten().collect()))
}

fn failures(failed: &[BatchResultErrorEntry]) -> impl Iterator<Item = (usize, EntryError)> + '_ {
    failed.iter().filter_map(|entry| {
        let error = EntryError {
            code: entry.code.clone(),
            message: entry.message.clone().unwrap_or_default(),
            sender_fault: entry.sender_fault,
        };
        Some((entry.id.parse().ok()?, error))
    })
}

fn unanswered() -> EntryError {
    EntryError {
        code: "Unanswered".to_owned(),
        message: "the answer names this entry neither as done nor as failed".to_owned(),
        sender_fault: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(id: &str) -> BatchResultErrorEntry {
        let entry = BatchResultErrorEntry::builder().id(id).code("InternalError").sender_fault(false);
        entry.build().expect("complete")
    }

    fn sent(id: &str, body: &str) -> SendMessageBatchResultEntry {
        let entry = SendMessageBatchResultEntry::builder().id(id).message_id(format!("new-{id}"));
        entry.md5_of_message_body(md5::of_body(body)).build().expect("complete")
    }

    #[test]
    fn entries_answer_by_index_whatever_the_order() {
        let results = by_index(3, ["2", "77"].into_iter(), &[failed("0")]);
        let codes: Vec<Option<&str>> = results.iter().map(|r| r.as_ref().err().map(|e| e.code.as_str())).collect();
        assert_eq!(codes, [Some("InternalError"), Some("Unanswered"), None]);
    }

    #[test]
    fn a_damaged_or_unanswered_send_is_never_taken_for_done() {
        let two = ["a", "b"].map(|body| Outgoing { body: body.to_owned(), ..Outgoing::default() });
        let Outcome::Done(Answer::Sent(results)) = sent_by_index(&two, &[sent("1", "b"), sent("0", "x")], &[]) else {
            panic!("both were answered");
        };
        assert_eq!(results[1], Ok(MessageId::from("new-1")));
        assert_eq!(results[0].as_ref().err().map(|e| e.code.as_str()), Some("DigestDiffers"));
        assert!(matches!(sent_by_index(&two, &[sent("0", "a")], &[]), Outcome::Unknown(_)));
    }
}
