//! Queues as things: made, found, described, changed, emptied, deleted.

use std::collections::BTreeMap;

use crate::model::id::{QueueName, QueueUrl};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::meter::Meter;
use crate::pipeline::queue::settings::{Settings, unknown};
use crate::pipeline::queues::refusal::{invalid, invalid_value, legacy, no_queue, refuse, unsupported};
use crate::pipeline::queues::{Queues, Why};
use crate::pipeline::request::SqsReply;

/// Once in so many seconds a queue may be purged (aws-facts §3.4).
const PURGE_COOLDOWN_S: i64 = 60;
/// Seconds after a delete before the name may be used again.
const NAME_COOLDOWN_S: i64 = 60;
/// Largest page of the two lists.
const MAX_PAGE: u32 = 1000;
/// Attributes that can be asked for beyond those that can be set.
const READ_ONLY: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];
const SETTABLE: [&str; 14] = [
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "MaximumMessageSize",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "Policy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
];

/// Whether SQS has a queue attribute of this name.
pub fn is_known(name: &str) -> bool {
    READ_ONLY.contains(&name) || SETTABLE.contains(&name)
}

impl Queues {
    /// Makes a queue; one that is there with these same attributes is answered as it is.
    ///
    /// # Errors
    /// What `CreateQueue` refuses.
    pub fn create(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        attributes: &BTreeMap<String, String>,
        meter: &mut Meter,
    ) -> Result<QueueUrl, ServiceError> {
        check_name(name)?;
        if let Some(queue) = self.queues.get(name) {
            if queue.settings.with(attributes)? == queue.settings {
                return Ok(self.url(name));
            }
            let text = "A queue already exists with the same name and a different value for attributes.";
            return Err(refuse("QueueAlreadyExists", 400, text));
        }
        let recent = self.deleted.get(name).is_some_and(|at| now.ms_since(*at) < NAME_COOLDOWN_S * 1000);
        if recent {
            let text =
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.";
            return Err(refuse(&legacy("QueueDeletedRecently"), 400, text));
        }
        let settings = Settings::default().with(attributes)?;
        self.check_dead_letter(&settings, attributes)?;
        self.deleted.remove(name);
        self.make(now, name, settings, meter);
        Ok(self.url(name))
    }

    pub(super) fn set_attributes(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        attributes: &BTreeMap<String, String>,
    ) -> Result<SqsReply, ServiceError> {
        let before = &self.queues.get(name).ok_or_else(no_queue)?.settings;
        let after = before.with(attributes)?;
        self.check_dead_letter(&after, attributes)?;
        if let Some(queue) = self.queues.get_mut(name) {
            queue.settings = after;
            queue.modified_at = now;
        }
        self.advance(now, name);
        Ok(SqsReply::Done)
    }

    pub(super) fn attributes(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        names: &[String],
    ) -> Result<SqsReply, ServiceError> {
        self.advance(now, name);
        let queue = self.queues.get_mut(name).ok_or_else(no_queue)?;
        queue.active_at = now;
        if let Some(name) = names.iter().find(|name| *name != "All" && !is_known(name)) {
            return Err(unknown(name));
        }
        let counts = queue.counts();
        let mut all = queue.settings.strings();
        let read_only = [
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
            ("CreatedTimestamp", queue.created_at.s().to_string()),
            ("LastModifiedTimestamp", queue.modified_at.s().to_string()),
            ("QueueArn", queue.arn.to_string()),
        ];
        all.extend(read_only.map(|(name, value)| (name.to_owned(), value)));
        let every = names.iter().any(|name| name == "All");
        all.retain(|name, _| every || names.contains(name));
        Ok(SqsReply::Attributes(all))
    }

    pub(super) fn purge(&mut self, now: Timestamp, name: &QueueName) -> Result<SqsReply, ServiceError> {
        let queue = self.queues.get_mut(name).ok_or_else(no_queue)?;
        if queue.purged_at.is_some_and(|at| now.ms_since(at) < PURGE_COOLDOWN_S * 1000) {
            let text = format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
            return Err(refuse(&legacy("PurgeQueueInProgress"), 403, text));
        }
        queue.purged_at = Some(now);
        let messages = queue.drain();
        self.note_gone(now, name, messages, Why::Purged);
        Ok(SqsReply::Done)
    }

    pub(super) fn delete_queue(&mut self, now: Timestamp, name: &QueueName) -> Result<SqsReply, ServiceError> {
        let mut queue = self.queues.remove(name).ok_or_else(no_queue)?;
        self.gauges.remove(name);
        self.deleted.insert(name.clone(), now);
        let messages = queue.drain();
        self.note_gone(now, name, messages, Why::QueueDeleted);
        Ok(SqsReply::Done)
    }

    pub(super) fn list(
        &self,
        prefix: Option<&str>,
        max: Option<u32>,
        token: Option<&str>,
    ) -> Result<SqsReply, ServiceError> {
        let names = self.queues.keys().filter(|name| name.as_str().starts_with(prefix.unwrap_or_default()));
        self.page(names, max, token)
    }

    pub(super) fn dead_letter_sources(
        &self,
        name: &QueueName,
        max: Option<u32>,
        token: Option<&str>,
    ) -> Result<SqsReply, ServiceError> {
        let arn = &self.queues.get(name).ok_or_else(no_queue)?.arn;
        let sources = self
            .queues
            .iter()
            .filter(|(_, queue)| queue.settings.redrive.as_ref().is_some_and(|policy| policy.dead_letter_arn == *arn));
        self.page(sources.map(|(name, _)| name), max, token)
    }

    /// One page of queue URLs. A token is answered only when a page size was asked for, as on AWS.
    fn page<'a>(
        &self,
        names: impl Iterator<Item = &'a QueueName>,
        max: Option<u32>,
        token: Option<&str>,
    ) -> Result<SqsReply, ServiceError> {
        if let Some(max) = max.filter(|max| *max == 0 || *max > MAX_PAGE) {
            return Err(invalid_value(max, "MaxResults", "Must be between 1 and 1000."));
        }
        if token.is_some_and(|token| !token.starts_with(TOKEN)) {
            return Err(invalid("Invalid or expired next token."));
        }
        let after = token.and_then(|token| token.strip_prefix(TOKEN)).unwrap_or_default();
        let size = usize::try_from(max.unwrap_or(MAX_PAGE)).unwrap_or(usize::MAX);
        let mut found: Vec<&QueueName> = names.filter(|name| name.as_str() > after).take(size + 1).collect();
        let more = found.len() > size;
        found.truncate(size);
        let token = found.last().filter(|_| more && max.is_some()).map(|name| format!("{TOKEN}{name}"));
        Ok(SqsReply::Queues { urls: found.into_iter().map(|name| self.url(name)).collect(), token })
    }

    /// A redrive policy being set must name a queue that is there (and is of this account).
    fn check_dead_letter(
        &self,
        settings: &Settings,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), ServiceError> {
        let (Some(policy), Some(text)) = (&settings.redrive, attributes.get("RedrivePolicy")) else { return Ok(()) };
        match self.name_of(&policy.dead_letter_arn) {
            Some(_) => Ok(()),
            None => Err(invalid_value(text, "RedrivePolicy", "Dead letter target does not exist.")),
        }
    }
}

/// Page tokens carry the last name shown.
const TOKEN: &str = "after:";

/// 1 to 80 letters, digits, hyphens and underscores.
fn check_name(name: &QueueName) -> Result<(), ServiceError> {
    let text = name.as_str();
    if text.ends_with(".fifo") {
        return Err(unsupported("This sandbox has no FIFO queues yet."));
    }
    let characters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if text.is_empty() || text.len() > 80 || !characters {
        return Err(invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."));
    }
    Ok(())
}
