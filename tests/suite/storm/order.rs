//! Orders as the pipeline's own requests, and its replies as their results: what `aws`, the SDK and
//! `wire` come to, without the bytes between.

use std::collections::BTreeMap;

use redrive::model::queue::QueueCounts;
use redrive::model::service_error::Outcome;
use redrive::model::stream::{StreamPointer, by_sequence};
use redrive::model::trial::Invoked;
use redrive::operation::order::{Answer, EntryError, Order, OrderResult};
use redrive::pipeline::request::{
    EntryFailure, InvokeKind, LambdaReply, LambdaRequest, MappingUpdate, Receive, Reply, Request, Response, SqsReply,
    SqsRequest,
};
use redrive::pipeline::stream_request::{IteratorFrom, StreamsReply, StreamsRequest};

pub fn request_of(order: &Order) -> Request {
    let numbered = |n: usize| format!("e{n}");
    Request::Sqs(match order.clone() {
        Order::Receive { queue, max, visibility_s, wait_s } => SqsRequest::Receive(Receive {
            queue,
            max,
            visibility_s: Some(visibility_s),
            wait_s: Some(wait_s),
            attribute_names: vec!["All".to_owned()],
            system_names: vec!["All".to_owned()],
        }),
        Order::Extend { queue, entries, visibility_s } => SqsRequest::ChangeVisibilityBatch {
            queue,
            entries: entries.into_iter().enumerate().map(|(n, l)| (numbered(n), l.receipt, visibility_s)).collect(),
        },
        Order::Release { queue, entries } => SqsRequest::ChangeVisibilityBatch {
            queue,
            entries: entries.into_iter().enumerate().map(|(n, l)| (numbered(n), l.receipt, 0)).collect(),
        },
        Order::Send { queue, entries } => SqsRequest::SendBatch {
            queue,
            entries: entries.into_iter().enumerate().map(|(n, outgoing)| (numbered(n), outgoing)).collect(),
        },
        Order::Delete { queue, entries } => SqsRequest::DeleteBatch {
            queue,
            entries: entries.into_iter().enumerate().map(|(n, l)| (numbered(n), l.receipt)).collect(),
        },
        Order::StartMoveTask { source, destination, max_per_s } => {
            SqsRequest::StartMessageMoveTask { source, destination, max_per_s }
        }
        Order::ListMoveTasks { source } => SqsRequest::ListMessageMoveTasks { source, max: Some(10) },
        Order::CancelMoveTask { handle } => SqsRequest::CancelMessageMoveTask { handle },
        Order::QueueCounts { queue } => SqsRequest::GetQueueAttributes { queue, names: vec!["All".to_owned()] },
        Order::Invoke { function, payload, .. } => {
            let kind = InvokeKind::RequestResponse;
            return Request::Lambda(LambdaRequest::Invoke { function, payload, kind, log_tail: true });
        }
        Order::GetMapping(id) => return Request::Lambda(LambdaRequest::GetMapping(id)),
        Order::UpdateMapping { mapping, change } => {
            let update = MappingUpdate {
                enabled: change.enabled,
                batch_size: change.batch_size,
                window_s: change.window_s,
                parallelization_factor: change.parallelization_factor,
                max_concurrency: change.max_concurrency,
                ..MappingUpdate::default()
            };
            return Request::Lambda(LambdaRequest::UpdateMapping { id: mapping, update });
        }
        Order::GetReserve(function) => return Request::Lambda(LambdaRequest::GetConcurrency(function)),
        Order::PutReserve { function, to: Some(to) } => {
            return Request::Lambda(LambdaRequest::PutConcurrency(function, to));
        }
        Order::PutReserve { function, to: None } => {
            return Request::Lambda(LambdaRequest::DeleteConcurrency(function));
        }
        Order::ReadStream { .. } => panic!("reads of the stream are several requests"),
        Order::GetObject { .. } => panic!("nothing here lies in a bucket"),
        Order::Vitals { .. } => panic!("nobody is watched here"),
        Order::Record(_) => panic!("the pipeline keeps no journal"),
    })
}

pub fn result_of(order: &Order, response: Response) -> OrderResult {
    let reply = match response {
        Ok(reply) => reply,
        Err(error) => return Outcome::Refused(error),
    };
    Outcome::Done(match (order, reply) {
        (_, Reply::Sqs(SqsReply::Received { messages, .. })) => Answer::Received(messages),
        (Order::Send { entries, .. }, Reply::Sqs(SqsReply::SentBatch { ok, failed })) => {
            Answer::Sent(in_order(entries.len(), ok.into_iter().map(|(id, sent)| (id, sent.id)), failed))
        }
        (
            Order::Extend { entries, .. } | Order::Release { entries, .. } | Order::Delete { entries, .. },
            Reply::Sqs(SqsReply::Batch { ok, failed }),
        ) => Answer::Entries(in_order(entries.len(), ok.into_iter().map(|id| (id, ())), failed)),
        (_, Reply::Sqs(SqsReply::Attributes(attributes))) => Answer::Counts(counts(&attributes)),
        (_, Reply::Sqs(SqsReply::TaskStarted(handle))) => Answer::TaskStarted(handle),
        (_, Reply::Sqs(SqsReply::Tasks(tasks))) => Answer::Tasks(tasks),
        (_, Reply::Sqs(SqsReply::TaskCancelled { moved })) => Answer::TaskCancelled { moved },
        (_, Reply::Lambda(LambdaReply::Mapping { mapping, .. })) => Answer::Mapping(mapping),
        (_, Reply::Lambda(LambdaReply::Invoked { payload, function_error, log_tail, .. })) => {
            Answer::Invoked(Box::new(Invoked { error: function_error, payload, log_tail }))
        }
        (order, reply) => panic!("{order:?} was answered {reply:?}"),
    })
}

/// The records between the ends of a pointer, page by page, as `aws` reads them.
pub fn read_stream(pointer: &StreamPointer, mut ask: impl FnMut(Request) -> Response) -> OrderResult {
    let from = IteratorFrom::At(pointer.first.clone());
    let (stream, shard) = (pointer.stream.clone(), pointer.shard.clone());
    let mut next = match ask(Request::Streams(StreamsRequest::GetShardIterator { stream, shard, from })) {
        Ok(Reply::Streams(StreamsReply::Iterator(iterator))) => Some(iterator),
        Ok(other) => panic!("an iterator was answered {other:?}"),
        Err(error) => return Outcome::Refused(error),
    };
    let mut found = Vec::new();
    for _ in 0..100 {
        let Some(iterator) = next.take() else { break };
        let records = match ask(Request::Streams(StreamsRequest::GetRecords { iterator, max: None })) {
            Ok(Reply::Streams(StreamsReply::Records { records, next: more })) => {
                next = more;
                records
            }
            Ok(other) => panic!("records were answered {other:?}"),
            Err(error) => return Outcome::Refused(error),
        };
        let beyond = records.iter().any(|one| by_sequence(&one.sequence_number, &pointer.last).is_ge());
        found.extend(records.into_iter().filter(|record| pointer.holds(&record.sequence_number)));
        if beyond {
            break;
        }
    }
    Outcome::Done(Answer::Records(found))
}

/// One result an entry, in the order of the entries.
fn in_order<T>(
    n: usize,
    ok: impl Iterator<Item = (String, T)>,
    failed: Vec<EntryFailure>,
) -> Vec<Result<T, EntryError>> {
    let mut results: BTreeMap<String, Result<T, EntryError>> = ok.map(|(id, value)| (id, Ok(value))).collect();
    for failure in failed {
        let error = EntryError { code: failure.code, message: failure.message, sender_fault: failure.sender_fault };
        results.insert(failure.id, Err(error));
    }
    (0..n).map(|n| results.remove(&format!("e{n}")).expect("every entry is answered")).collect()
}

pub fn counts(attributes: &BTreeMap<String, String>) -> QueueCounts {
    let number = |name: &str| attributes.get(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    QueueCounts {
        visible: number("ApproximateNumberOfMessages"),
        in_flight: number("ApproximateNumberOfMessagesNotVisible"),
        delayed: number("ApproximateNumberOfMessagesDelayed"),
    }
}

/// A batch without the entries at `refused`; `None` when nothing is left of it.
pub fn without(order: &Order, refused: &[usize]) -> Option<Order> {
    fn rest<T: Clone>(entries: &[T], refused: &[usize]) -> Vec<T> {
        entries.iter().enumerate().filter(|(n, _)| !refused.contains(n)).map(|(_, entry)| entry.clone()).collect()
    }
    let mut order = order.clone();
    let left = match &mut order {
        Order::Send { entries, .. } => {
            *entries = rest(entries, refused);
            entries.len()
        }
        Order::Extend { entries, .. } | Order::Release { entries, .. } | Order::Delete { entries, .. } => {
            *entries = rest(entries, refused);
            entries.len()
        }
        _ => return Some(order),
    };
    (left > 0).then_some(order)
}

/// The results of what was left of a batch, with those that were refused.
pub fn with(result: OrderResult, refused: &[usize]) -> OrderResult {
    fn all<T>(results: Vec<Result<T, EntryError>>, refused: &[usize]) -> Vec<Result<T, EntryError>> {
        let n = results.len() + refused.len();
        let mut results = results.into_iter();
        (0..n).map(|at| if refused.contains(&at) { Err(busy()) } else { results.next().expect("one each") }).collect()
    }
    match result {
        Outcome::Done(Answer::Entries(results)) => Outcome::Done(Answer::Entries(all(results, refused))),
        Outcome::Done(Answer::Sent(results)) => Outcome::Done(Answer::Sent(all(results, refused))),
        other => other,
    }
}

pub fn entries_of(order: &Order) -> usize {
    match order {
        Order::Send { entries, .. } => entries.len(),
        Order::Extend { entries, .. } | Order::Release { entries, .. } | Order::Delete { entries, .. } => entries.len(),
        _ => 0,
    }
}

fn busy() -> EntryError {
    EntryError { code: "InternalError".to_owned(), message: "try again".to_owned(), sender_fault: false }
}
