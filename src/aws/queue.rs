//! Reads queues: names, attributes, dead-letter sources, move tasks. Never receives a message.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, QueueAttributeName};
use tokio::task::JoinSet;

use crate::aws::Account;
use crate::aws::failure::refused;
use crate::model::id::{Arn, QueueName, QueueUrl};
use crate::model::message::MAX_MESSAGE_BYTES;
use crate::model::move_task::{MoveTask, MoveTaskStatus};
use crate::model::queue::{Queue, QueueCounts, RedrivePolicy};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::model::topology::{EdgeKind, Topology};

/// What was asked of each of several queues.
pub type QueueResults = Vec<(QueueName, Result<Queue, ServiceError>)>;

impl Account {
    /// Every queue whose name begins with `prefix`, by URL, in SQS's order.
    ///
    /// # Errors
    /// What `ListQueues` refused, on any page.
    pub async fn list_queues(&self, prefix: Option<&str>) -> Result<Vec<QueueUrl>, ServiceError> {
        let request = self.reads.sqs.list_queues().set_queue_name_prefix(prefix.map(str::to_owned));
        let mut pages = request.max_results(LIST_PAGE).into_paginator().send();
        let mut urls = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| refused("sqs:ListQueues", &e))?;
            urls.extend(page.queue_urls.unwrap_or_default().into_iter().map(QueueUrl::new));
        }
        Ok(urls)
    }

    /// One queue's attributes. `sources` is left empty: attributes do not tell whose dead-letter
    /// queue it is.
    ///
    /// # Errors
    /// What `GetQueueAttributes` refused.
    pub async fn queue(&self, url: &QueueUrl) -> Result<Queue, ServiceError> {
        let request = self.reads.sqs.get_queue_attributes().queue_url(url.as_str());
        let answer = request
            .attribute_names(QueueAttributeName::All)
            .send()
            .await
            .map_err(|e| refused("sqs:GetQueueAttributes", &e))?;
        Ok(queue_from(url, &answer.attributes.unwrap_or_default()))
    }

    /// Several queues at once, a few requests in flight at a time, answered in the order asked. Whose
    /// dead-letter queue each is, is taken from `topology` and from the redrive policies among them.
    pub async fn queues(&self, urls: &[QueueUrl], topology: Option<&Topology>) -> QueueResults {
        let mut results: Vec<Option<Result<Queue, ServiceError>>> = vec![None; urls.len()];
        let mut running = JoinSet::new();
        for (index, url) in urls.iter().cloned().enumerate() {
            if running.len() >= QUEUES_AT_ONCE
                && let Some(Ok((done, result))) = running.join_next().await
            {
                put(&mut results, done, result);
            }
            let account = self.clone();
            running.spawn(async move { (index, account.queue(&url).await) });
        }
        while let Some(Ok((done, result))) = running.join_next().await {
            put(&mut results, done, result);
        }
        let mut results: QueueResults = urls
            .iter()
            .zip(results)
            .map(|(url, result)| (url.name(), result.unwrap_or_else(|| Err(cut_off("sqs:GetQueueAttributes")))))
            .collect();
        fill_sources(&mut results, topology);
        results
    }

    /// `GetQueueUrl` for an ARN: its account's queue of that name.
    ///
    /// # Errors
    /// What SQS refused; a queue that does not exist is `is_missing`.
    pub async fn queue_url(&self, arn: &Arn) -> Result<QueueUrl, ServiceError> {
        let owner = arn.as_str().split(':').nth(4).filter(|owner| !owner.is_empty());
        let request = self.reads.sqs.get_queue_url().queue_name(arn.resource());
        let answer = request
            .set_queue_owner_aws_account_id(owner.map(str::to_owned))
            .send()
            .await
            .map_err(|e| refused("sqs:GetQueueUrl", &e))?;
        Ok(QueueUrl::new(answer.queue_url.unwrap_or_default()))
    }

    /// The queues whose redrive policy names this one (`ListDeadLetterSourceQueues`).
    ///
    /// # Errors
    /// What SQS refused, on any page.
    pub async fn dead_letter_sources(&self, url: &QueueUrl) -> Result<Vec<QueueUrl>, ServiceError> {
        let request = self.reads.sqs.list_dead_letter_source_queues().queue_url(url.as_str());
        let mut pages = request.max_results(LIST_PAGE).into_paginator().send();
        let mut urls = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| refused("sqs:ListDeadLetterSourceQueues", &e))?;
            urls.extend(page.queue_urls.into_iter().map(QueueUrl::new));
        }
        Ok(urls)
    }

    /// The move tasks of a dead-letter queue, by any caller, newest first, at most ten (aws-facts
    /// §3.5).
    ///
    /// # Errors
    /// What SQS refused.
    pub async fn move_tasks(&self, source: &Arn) -> Result<Vec<MoveTask>, ServiceError> {
        let request = self.reads.sqs.list_message_move_tasks().source_arn(source.as_str()).max_results(MAX_TASKS);
        let answer = request.send().await.map_err(|e| refused("sqs:ListMessageMoveTasks", &e))?;
        Ok(answer.results.unwrap_or_default().into_iter().map(task_from).collect())
    }

    /// The three approximate counts.
    ///
    /// # Errors
    /// What SQS refused.
    pub async fn queue_counts(&self, url: &QueueUrl) -> Result<QueueCounts, ServiceError> {
        let request = self
            .reads
            .sqs
            .get_queue_attributes()
            .queue_url(url.as_str())
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed);
        let answer = request.send().await.map_err(|e| refused("sqs:GetQueueAttributes", &e))?;
        Ok(counts_from(&answer.attributes.unwrap_or_default()))
    }
}

/// Sets `sources` from redrive policies, those among the results and those the topology remembers.
pub(super) fn fill_sources(results: &mut QueueResults, topology: Option<&Topology>) {
    let mut pairs: Vec<(Arn, Arn)> = results
        .iter()
        .filter_map(|(_, result)| result.as_ref().ok())
        .filter_map(|queue| Some((queue.redrive.as_ref()?.dead_letter_arn.clone(), queue.arn.clone())))
        .collect();
    let edges = topology.map_or(&[][..], |topology| &topology.edges);
    let drawn = edges.iter().filter(|edge| edge.kind == EdgeKind::DeadLetter);
    let asked_again = |arn: &Arn| results.iter().any(|(_, r)| r.as_ref().is_ok_and(|queue| queue.arn == *arn));
    // A queue read just now speaks for itself; its drawn edge may be out of date.
    pairs.extend(drawn.filter(|edge| !asked_again(&edge.from)).map(|edge| (edge.to.clone(), edge.from.clone())));
    pairs.sort();
    pairs.dedup();
    for queue in results.iter_mut().filter_map(|(_, result)| result.as_mut().ok()) {
        queue.sources = pairs.iter().filter(|(dead, _)| *dead == queue.arn).map(|(_, from)| from.clone()).collect();
    }
}

fn put(results: &mut [Option<Result<Queue, ServiceError>>], index: usize, result: Result<Queue, ServiceError>) {
    if let Some(slot) = results.get_mut(index) {
        *slot = Some(result);
    }
}

fn cut_off(action: &str) -> ServiceError {
    ServiceError { http: 0, ..ServiceError::new(action, "NotSent", "the request was dropped before it ended") }
}

type Attributes = HashMap<QueueAttributeName, String>;

fn number<T: FromStr>(attributes: &Attributes, name: QueueAttributeName) -> Option<T> {
    attributes.get(&name)?.parse().ok()
}

pub(super) fn counts_from(attributes: &Attributes) -> QueueCounts {
    let count = |name| number(attributes, name).unwrap_or(0);
    QueueCounts {
        visible: count(QueueAttributeName::ApproximateNumberOfMessages),
        in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        delayed: count(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
    }
}

/// Attributes an emulator leaves out are taken as AWS's defaults.
fn queue_from(url: &QueueUrl, attributes: &Attributes) -> Queue {
    let name = url.name();
    Queue {
        fifo: name.as_str().ends_with(".fifo"),
        last_modified: number(attributes, QueueAttributeName::LastModifiedTimestamp).map(Timestamp::from_s),
        arn: attributes.get(&QueueAttributeName::QueueArn).map_or(Arn::from(""), |arn| Arn::new(arn.clone())),
        counts: counts_from(attributes),
        visibility_s: number(attributes, QueueAttributeName::VisibilityTimeout).unwrap_or(DEFAULT_VISIBILITY_S),
        retention_s: number(attributes, QueueAttributeName::MessageRetentionPeriod).unwrap_or(DEFAULT_RETENTION_S),
        delay_s: number(attributes, QueueAttributeName::DelaySeconds).unwrap_or(0),
        max_message_bytes: number(attributes, QueueAttributeName::MaximumMessageSize)
            .unwrap_or(MAX_MESSAGE_BYTES as u64),
        redrive: attributes.get(&QueueAttributeName::RedrivePolicy).and_then(|text| redrive_from(text)),
        sources: Vec::new(),
        name,
        url: url.clone(),
    }
}

/// `maxReceiveCount` is a number or a string (aws-facts §3.3).
fn redrive_from(text: &str) -> Option<RedrivePolicy> {
    let policy: serde_json::Value = serde_json::from_str(text).ok()?;
    let max = policy.get("maxReceiveCount");
    let max = max.and_then(|max| max.as_u64().or_else(|| max.as_str()?.parse().ok()));
    Some(RedrivePolicy {
        dead_letter_arn: Arn::from(policy.get("deadLetterTargetArn")?.as_str()?),
        max_receive_count: max.and_then(|max| u32::try_from(max).ok()).unwrap_or(DEFAULT_MAX_RECEIVE_COUNT),
    })
}

pub(super) fn task_from(entry: ListMessageMoveTasksResultEntry) -> MoveTask {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    MoveTask {
        handle: entry.task_handle.map(Into::into),
        status: MoveTaskStatus::parse(entry.status.as_deref().unwrap_or("")),
        source: Arn::new(entry.source_arn.unwrap_or_default()),
        destination: entry.destination_arn.map(Arn::new),
        max_per_s: entry.max_number_of_messages_per_second.and_then(|n| u32::try_from(n).ok()),
        moved: count(entry.approximate_number_of_messages_moved),
        to_move: entry.approximate_number_of_messages_to_move.map(count),
        failure: entry.failure_reason,
        started_at: (entry.started_timestamp > 0).then(|| Timestamp::from_ms(entry.started_timestamp)),
    }
}

/// Most names one page of a list may hold (aws-facts §3.3).
const LIST_PAGE: i32 = 1_000;
/// Most tasks one list answers (aws-facts §3.5).
const MAX_TASKS: i32 = 10;
/// Requests in flight at a time: quick, and far from any throttle.
const QUEUES_AT_ONCE: usize = 16;
/// AWS's defaults (aws-facts §3.1, §3.3).
const DEFAULT_VISIBILITY_S: u32 = 30;
const DEFAULT_RETENTION_S: u32 = 345_600;
const DEFAULT_MAX_RECEIVE_COUNT: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::topology::Edge;

    fn read(name: &str, dead: Option<&str>) -> (QueueName, Result<Queue, ServiceError>) {
        let url = QueueUrl::new(format!("http://h/123456789012/{name}"));
        let mut attributes = Attributes::new();
        attributes.insert(QueueAttributeName::QueueArn, format!("arn:aws:sqs:r:123456789012:{name}"));
        attributes.insert(QueueAttributeName::ApproximateNumberOfMessages, "7".to_owned());
        if let Some(dead) = dead {
            let policy =
                format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:r:123456789012:{dead}","maxReceiveCount":"3"}}"#);
            attributes.insert(QueueAttributeName::RedrivePolicy, policy);
        }
        (url.name(), Ok(queue_from(&url, &attributes)))
    }

    #[test]
    fn attributes_are_read_with_awss_defaults_for_what_is_left_out() {
        let queue = read("Jobs", Some("JobDLQ")).1.expect("read");
        assert_eq!((queue.counts.visible, queue.visibility_s, queue.retention_s), (7, 30, 345_600));
        assert_eq!(queue.redrive.map(|policy| policy.max_receive_count), Some(3), "a string counts as a number");
        assert_eq!(redrive_from("{broken"), None);
    }

    #[test]
    fn whose_dead_letter_queue_it_is_comes_from_the_policies_and_the_drawing() {
        let edge = |from: &str| Edge {
            from: format!("arn:aws:sqs:r:123456789012:{from}").into(),
            to: "arn:aws:sqs:r:123456789012:JobDLQ".into(),
            kind: EdgeKind::DeadLetter,
        };
        let topology = Topology { nodes: Vec::new(), edges: vec![edge("Mail"), edge("Jobs")] };
        let mut results = vec![read("JobDLQ", None), read("Jobs", None)];
        fill_sources(&mut results, Some(&topology));
        let sources = &results[0].1.as_ref().expect("read").sources;
        let names: Vec<&str> = sources.iter().map(Arn::resource).collect();
        assert_eq!(names, ["Mail"], "Jobs was just read and has no policy any more");
    }
}
