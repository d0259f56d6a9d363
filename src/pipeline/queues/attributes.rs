//! Queues as things: made, found, described, changed, emptied, deleted.

use std::collections::BTreeMap;

use crate::model::id::{QueueName, QueueUrl};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::meter::Meter;
use crate::pipeline::queue::settings::{Settings, unknown};
use crate::pipeline::queues::refusal::{invalid, invalid_value, legacy, no_queue, refuse};
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
const SETTABLE: [&str; 15] = [
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
    "FifoThroughputLimit",
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
        let fifo = check_kind(name, attributes.get("FifoQueue").map(String::as_str))?;
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
        let settings = Settings { fifo, ..Settings::default() }.with(attributes)?;
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
        let wrong = |reason| Err(invalid_value(text, "RedrivePolicy", reason));
        let dead_letter = self.name_of(&policy.dead_letter_arn).and_then(|name| self.settings(&name));
        match dead_letter {
            None => wrong("Dead letter target does not exist."),
            Some(dead_letter) if dead_letter.fifo != settings.fifo => {
                wrong("Dead-letter queue must be same type of queue as the source.")
            }
            Some(_) => Ok(()),
        }
    }
}

/// Page tokens carry the last name shown.
const TOKEN: &str = "after:";

/// Whether a queue of this name is a FIFO queue: `.fifo` and the attribute `FifoQueue` go together.
fn check_kind(name: &QueueName, attribute: Option<&str>) -> Result<bool, ServiceError> {
    // SQS knows the attribute only as `true`.
    if attribute.is_some_and(|value| value != "true") {
        return Err(unknown("FifoQueue"));
    }
    let fifo = attribute.is_some();
    let bare = name.as_str().strip_suffix(".fifo").filter(|_| fifo);
    let is_whole = if fifo { bare.is_some() } else { true };
    let characters = bare.unwrap_or(name.as_str()).chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare.unwrap_or(name.as_str()).is_empty() || name.as_str().len() > 80 || !characters || !is_whole {
        return Err(invalid(if fifo {
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
        } else {
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
        }));
    }
    Ok(fifo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::request::{RequestId, SqsRequest};

    struct Api(Queues, Meter);

    impl Api {
        fn ask(&mut self, s: i64, ask: SqsRequest) -> Result<SqsReply, ServiceError> {
            self.0.handle(Timestamp::from_s(s), RequestId(1), ask, &mut self.1).expect("at once")
        }

        fn create(&mut self, s: i64, name: &str, attributes: &[(&str, &str)]) -> Result<SqsReply, ServiceError> {
            let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            self.ask(s, SqsRequest::CreateQueue { name: name.into(), attributes })
        }

        fn urls(&mut self, max: Option<u32>, token: Option<String>) -> (Vec<String>, Option<String>) {
            match self.ask(0, SqsRequest::ListQueues { prefix: Some("q".into()), max, token }) {
                Ok(SqsReply::Queues { urls, token }) => {
                    (urls.iter().map(|url| url.name().to_string()).collect(), token)
                }
                other => panic!("{other:?}"),
            }
        }

        fn attributes(&mut self, name: &str, names: &[&str]) -> BTreeMap<String, String> {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let queue = self.0.url(&name.into());
            match self.ask(0, SqsRequest::GetQueueAttributes { queue, names }) {
                Ok(SqsReply::Attributes(all)) => all,
                other => panic!("{other:?}"),
            }
        }
    }

    fn api() -> Api {
        Api(Queues::new("123456789012", "eu-west-1", "http://127.0.0.1:4566/", 1), Meter::default())
    }

    #[test]
    fn queues_are_made_listed_in_pages_and_deleted() {
        let mut api = api();
        for name in ["q1", "q2", "q3", "other"] {
            api.create(0, name, &[]).expect("made");
        }
        let url = api.0.url(&"q1".into());
        assert_eq!(url.as_str(), "http://127.0.0.1:4566/123456789012/q1");
        let (page, token) = api.urls(Some(2), None);
        assert_eq!(page, ["q1", "q2"]);
        assert_eq!(api.urls(Some(2), token), (vec!["q3".to_owned()], None));
        assert_eq!(api.urls(None, None).0.len(), 3);
        assert!(api.create(0, "q1", &[("VisibilityTimeout", "30")]).is_ok(), "the same again");
        assert_eq!(api.create(0, "q1", &[("VisibilityTimeout", "31")]).expect_err("other").code, "QueueAlreadyExists");
        assert!(api.create(0, "q.fifo", &[]).is_err(), "without FifoQueue=true");
        assert!(api.create(0, "no spaces", &[]).is_err());
        api.ask(10, SqsRequest::DeleteQueue { queue: url.clone() }).expect("deleted");
        let error = api.ask(11, SqsRequest::PurgeQueue { queue: url }).expect_err("gone");
        assert_eq!(error.code, "AWS.SimpleQueueService.NonExistentQueue");
        assert_eq!(error.action, "sqs:PurgeQueue");
        assert!(api.create(69, "q1", &[]).expect_err("too soon").code.ends_with("QueueDeletedRecently"));
        assert!(api.create(70, "q1", &[]).is_ok());
    }

    #[test]
    fn attributes_are_answered_as_asked() {
        let mut api = api();
        api.create(0, "dead", &[]).expect("made");
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:dead","maxReceiveCount":"3"}"#;
        api.create(0, "q", &[("RedrivePolicy", policy)]).expect("made");
        assert!(api.attributes("q", &[]).is_empty(), "no names, nothing");
        let some = api.attributes("q", &["RedrivePolicy", "QueueArn"]);
        assert_eq!(some.get("RedrivePolicy").map(String::as_str), Some(policy.replace("\"3\"", "3").as_str()));
        assert_eq!(some.len(), 2);
        assert_eq!(api.attributes("dead", &["RedrivePolicy"]).len(), 0);
        assert_eq!(api.attributes("q", &["All"]).get("MaximumMessageSize").map(String::as_str), Some("1048576"));
        let dead = api.0.url(&"dead".into());
        let sources = SqsRequest::ListDeadLetterSourceQueues { queue: dead.clone(), max: None, token: None };
        let wanted = SqsReply::Queues { urls: vec![api.0.url(&"q".into())], token: None };
        assert_eq!(api.ask(0, sources).expect("listed"), wanted);
        let bad = [("RedrivePolicy".to_owned(), policy.replace("dead", "nobody"))].into();
        let queue = api.0.url(&"q".into());
        let error = api.ask(0, SqsRequest::SetQueueAttributes { queue, attributes: bad }).expect_err("no such queue");
        assert_eq!(error.code, "InvalidParameterValue");
        api.ask(1, SqsRequest::PurgeQueue { queue: dead.clone() }).expect("purged");
        let error = api.ask(60, SqsRequest::PurgeQueue { queue: dead.clone() }).expect_err("too soon");
        assert_eq!((error.http, error.code.as_str()), (403, "AWS.SimpleQueueService.PurgeQueueInProgress"));
        api.ask(61, SqsRequest::PurgeQueue { queue: dead }).expect("purged again");
    }
}
