//! Which metrics the rules and the charts read. Every key is billed each time it is asked for
//! (aws-facts §2.6), so a key that nothing reads does not belong here.

use std::collections::BTreeSet;

use crate::model::id::{Arn, FunctionName, QueueName};
use crate::model::mapping::{Mapping, SourceKind};
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::topology::{EdgeKind, NodeKind};
use crate::verdict::dead_letters_arriving::takes_dead_letters;

/// The metrics of everything in the picture's pipeline, each once, sorted.
pub fn wanted(picture: &Picture) -> Vec<MetricKey> {
    let mut keys = BTreeSet::new();
    for function in functions(picture) {
        keys.extend([errors(&function), invocations(&function), throttles(&function), concurrency(&function)]);
        keys.insert(duration_p95(&function));
    }
    if !keys.is_empty() {
        keys.insert(account_concurrency());
    }
    for observed in picture.mappings.values() {
        let mapping = &observed.value;
        if mapping.kind().is_stream() {
            keys.extend([age_max(&mapping.function), age_min(&mapping.function)]);
            keys.extend(records_out(&mapping.source));
            keys.extend(records_in(&mapping.source));
            keys.extend([invoked_events(mapping), polled_events(mapping)]);
        }
        if mapping.kind().is_queue() {
            let queue = QueueName::from(mapping.source.resource());
            if has_work(picture, mapping, &queue) {
                keys.extend([sent(&queue), received(&queue)]);
            }
        }
        if mapping.settings.report_batch_item_failures {
            keys.insert(failed_events(mapping));
        }
        if !mapping.kind().is_stream() && is_limited(picture, mapping) {
            keys.insert(duration_mean(&mapping.function));
        }
    }
    for function in invoked_by_events(picture) {
        keys.extend([async_age(&function), async_dropped(&function)]);
        if has_counted(picture, &invocations(&function)) {
            keys.insert(async_received(&function));
        }
    }
    for (name, observed) in picture.queues.iter().filter(|(_, observed)| is_connected(picture, &observed.value)) {
        keys.extend([oldest_s(name), visible(name)]);
        if !observed.value.is_dead_letter() {
            keys.insert(deleted(name));
        }
    }
    keys.into_iter().collect()
}

/// Whether there is anything to balance: on a large account most queues are empty most of the time.
fn has_work(picture: &Picture, mapping: &Mapping, queue: &QueueName) -> bool {
    let counts = picture.queue_by_arn(&mapping.source).map(|observed| observed.value.counts);
    counts.is_some_and(|counts| counts.total() > 0) || has_counted(picture, &deleted(queue))
}

fn has_counted(picture: &Picture, key: &MetricKey) -> bool {
    picture.metrics.get(key).is_some_and(|series| series.iter().any(|(_, value)| value > 0.0))
}

/// Newest-record age of a batch when it is sent to the function, worst shard (aws-facts §2.2).
pub(super) fn age_max(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "IteratorAge", Stat::Maximum)
}

/// The same, best shard: whether all are late or one lane.
pub(super) fn age_min(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "IteratorAge", Stat::Minimum)
}

pub(super) fn invocations(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "Invocations", Stat::Sum)
}

pub(super) fn errors(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "Errors", Stat::Sum)
}

pub(super) fn throttles(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "Throttles", Stat::Sum)
}

pub(super) fn concurrency(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "ConcurrentExecutions", Stat::Maximum)
}

/// Runs of the whole account at a time: what functions without a reserve share a limit of.
pub(super) fn account_concurrency() -> MetricKey {
    MetricKey::account("ConcurrentExecutions", Stat::Maximum)
}

/// Of a queue, service-side: retries and duplicates count again (aws-facts §2.4).
pub(super) fn sent(queue: &QueueName) -> MetricKey {
    MetricKey::sqs(queue, "NumberOfMessagesSent", Stat::Sum)
}

/// Of a queue, seconds (aws-facts §2.4).
pub(super) fn oldest_s(queue: &QueueName) -> MetricKey {
    MetricKey::sqs(queue, "ApproximateAgeOfOldestMessage", Stat::Maximum)
}

pub(super) fn visible(queue: &QueueName) -> MetricKey {
    MetricKey::sqs(queue, "ApproximateNumberOfMessagesVisible", Stat::Maximum)
}

pub(super) fn received(queue: &QueueName) -> MetricKey {
    MetricKey::sqs(queue, "NumberOfMessagesReceived", Stat::Sum)
}

pub(super) fn deleted(queue: &QueueName) -> MetricKey {
    MetricKey::sqs(queue, "NumberOfMessagesDeleted", Stat::Sum)
}

/// Events read from the source, 0 for a poll that found none: the mapping lives (opt-in; aws-facts §2.3).
pub(super) fn polled_events(mapping: &Mapping) -> MetricKey {
    MetricKey::mapping(&mapping.id, "PolledEventCount", Stat::Sum)
}

/// Events that failed, also by partial responses, which leave `Errors` at 0 (opt-in; aws-facts §2.3).
pub(super) fn failed_events(mapping: &Mapping) -> MetricKey {
    MetricKey::mapping(&mapping.id, "FailedInvokeEventCount", Stat::Sum)
}

/// Events sent to the function, retries counted again (opt-in; aws-facts §2.3).
pub(super) fn invoked_events(mapping: &Mapping) -> MetricKey {
    MetricKey::mapping(&mapping.id, "InvokedEventCount", Stat::Sum)
}

/// Records read from a DynamoDB stream (aws-facts §2.5); `None` for other sources.
pub(super) fn records_out(source: &Arn) -> Option<MetricKey> {
    if SourceKind::of(source) != SourceKind::DynamoDb {
        return None;
    }
    let (_, label) = source.as_str().split_once("/stream/")?;
    let dimension = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Some(MetricKey {
        namespace: "AWS/DynamoDB".to_owned(),
        name: "ReturnedRecordsCount".to_owned(),
        dimensions: vec![
            dimension("Operation", "GetRecords"),
            dimension("StreamLabel", label),
            dimension("TableName", source.table()?),
        ],
        stat: Stat::Sum,
    })
}

/// Records written to a Kinesis stream; DynamoDB publishes no such thing.
pub(super) fn records_in(source: &Arn) -> Option<MetricKey> {
    if SourceKind::of(source) != SourceKind::Kinesis {
        return None;
    }
    let stream = source.resource();
    Some(MetricKey {
        namespace: "AWS/Kinesis".to_owned(),
        name: "IncomingRecords".to_owned(),
        dimensions: vec![("StreamName".to_owned(), stream.strip_prefix("stream/").unwrap_or(stream).to_owned())],
        stat: Stat::Sum,
    })
}

pub(super) fn duration_p95(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "Duration", Stat::P95)
}

/// With `Invocations`, how much of its limit a consumer uses: what a redrive may add follows from it.
fn duration_mean(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "Duration", Stat::Average)
}

fn is_limited(picture: &Picture, mapping: &Mapping) -> bool {
    let function = picture.functions.get(&mapping.function);
    mapping.settings.max_concurrency.is_some()
        || function.is_some_and(|function| function.value.reserved_concurrency.is_some())
}

pub(super) fn async_age(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "AsyncEventAge", Stat::Maximum)
}

pub(super) fn async_received(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "AsyncEventsReceived", Stat::Sum)
}

pub(super) fn async_dropped(function: &FunctionName) -> MetricKey {
    MetricKey::lambda(function, "AsyncEventsDropped", Stat::Sum)
}

/// Functions of the pipeline: those a mapping feeds, and those the topology shows. Not every
/// function of the account.
fn functions(picture: &Picture) -> BTreeSet<FunctionName> {
    let fed = picture.mappings.values().map(|observed| observed.value.function.clone());
    let nodes = picture.topology.iter().flat_map(|topology| &topology.value.nodes);
    let drawn = nodes.filter(|node| node.kind == NodeKind::Function).map(|node| FunctionName::from(node.name.as_str()));
    fed.chain(drawn).collect()
}

/// A queue that something of the pipeline reads, writes or fails to: an account may have hundreds of
/// others.
fn is_connected(picture: &Picture, queue: &Queue) -> bool {
    let edges = picture.topology.iter().flat_map(|topology| &topology.value.edges);
    queue.redrive.is_some()
        || takes_dead_letters(picture, queue)
        || picture.readers_of(&queue.arn).next().is_some()
        || edges.into_iter().any(|edge| edge.from == queue.arn || edge.to == queue.arn)
}

/// Functions that a bucket or a topic invokes asynchronously.
fn invoked_by_events(picture: &Picture) -> BTreeSet<FunctionName> {
    let Some(topology) = picture.topology.as_ref().map(|observed| &observed.value) else { return BTreeSet::new() };
    let edges = topology.edges.iter().filter(|edge| edge.kind == EdgeKind::Invokes);
    edges.filter_map(|edge| topology.node(&edge.to)).map(|node| FunctionName::from(node.name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::examples::{self, FUNCTION};

    #[test]
    fn a_stream_consumer_and_its_failures_queue_cost_few_keys() {
        let keys = wanted(&examples::stream());
        assert!(keys.contains(&age_min(&FUNCTION.into())));
        let stream = keys.iter().find(|key| key.namespace == "AWS/DynamoDB").expect("records out");
        assert_eq!(stream.dimensions[1], ("StreamLabel".to_owned(), "2026-01-01T00:00:00.000".to_owned()));
        assert!(keys.len() <= 14, "{}", keys.len());
    }

    #[test]
    fn kinesis_says_what_comes_in() {
        let key = records_in(&"arn:aws:kinesis:eu-west-1:1:stream/orders".into()).expect("it is Kinesis");
        assert_eq!(key.dimensions, [("StreamName".to_owned(), "orders".to_owned())]);
        assert_eq!(records_in(&examples::STREAM.into()), None);
    }

    #[test]
    fn a_queue_that_nothing_leads_to_costs_nothing() {
        let mut picture = examples::queue();
        let before = wanted(&picture);
        assert_eq!(before.iter().filter(|key| key.namespace == "AWS/SQS").count(), 7);
        examples::put_queue(&mut picture, "SomebodyElses", &[], |_| 5);
        assert_eq!(wanted(&picture), before);
    }
}
