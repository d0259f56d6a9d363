//! Batches: what is wrong with the whole call, and an answer for each entry of the rest.

use crate::model::id::{QueueName, ReceiptHandle};
use crate::model::md5;
use crate::model::message::{MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES, Outgoing};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::meter::Meter;
use crate::pipeline::queue::{message_id, sequence_number};
use crate::pipeline::queues::Queues;
use crate::pipeline::queues::refusal::{legacy, refuse};
use crate::pipeline::request::{EntryFailure, Sent, SqsReply};

/// Characters of a batch entry's id (aws-facts §3.1).
const MAX_ID: usize = 80;

impl Queues {
    pub(super) fn send_batch(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        entries: Vec<(String, Outgoing)>,
        meter: &mut Meter,
    ) -> Result<SqsReply, ServiceError> {
        check_ids(entries.iter().map(|(id, _)| id.as_str()))?;
        let bytes: usize = entries.iter().map(|(_, message)| message.size_bytes()).sum();
        if bytes > MAX_MESSAGE_BYTES {
            let text =
                format!("Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes. You have sent {bytes} bytes.");
            return Err(refuse(&legacy("BatchRequestTooLong"), 400, text));
        }
        let (mut ok, mut failed) = (Vec::new(), Vec::new());
        for (id, message) in entries {
            match self.send_one(now, name, message, meter) {
                Ok(sent) => ok.push((id, sent)),
                Err(error) => failed.push(failure(id, error)),
            }
        }
        Ok(SqsReply::SentBatch { ok, failed })
    }

    pub(super) fn send_one(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        message: Outgoing,
        meter: &mut Meter,
    ) -> Result<Sent, ServiceError> {
        let md5_of_body = md5::of_body(&message.body);
        let md5_of_attributes = md5::of_attributes(&message.attributes);
        let accepted = self.take_in(now, name, message, meter)?;
        let sequence_number = accepted.sequence.map(sequence_number);
        Ok(Sent { id: message_id(accepted.id), md5_of_body, md5_of_attributes, sequence_number })
    }

    pub(super) fn delete_batch(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        entries: Vec<(String, ReceiptHandle)>,
        meter: &mut Meter,
    ) -> Result<SqsReply, ServiceError> {
        check_ids(entries.iter().map(|(id, _)| id.as_str()))?;
        let done = entries.into_iter().map(|(id, receipt)| (id, self.delete_one(now, name, &receipt, meter)));
        Ok(each(done))
    }

    pub(super) fn change_visibility_batch(
        &mut self,
        now: Timestamp,
        name: &QueueName,
        entries: Vec<(String, ReceiptHandle, u32)>,
    ) -> Result<SqsReply, ServiceError> {
        check_ids(entries.iter().map(|(id, _, _)| id.as_str()))?;
        let done = entries.into_iter().map(|(id, receipt, s)| (id, self.set_visibility(now, name, &receipt, s)));
        Ok(each(done))
    }
}

fn each(results: impl Iterator<Item = (String, Result<(), ServiceError>)>) -> SqsReply {
    let (mut ok, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in results {
        match result {
            Ok(()) => ok.push(id),
            Err(error) => failed.push(failure(id, error)),
        }
    }
    SqsReply::Batch { ok, failed }
}

fn failure(id: String, error: ServiceError) -> EntryFailure {
    EntryFailure { id, code: error.code, message: error.message, sender_fault: error.http < 500 }
}

fn check_ids<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), ServiceError> {
    let ids: Vec<&str> = ids.collect();
    let wrong = |code: &str, text: String| Err(refuse(&legacy(code), 400, text));
    if ids.is_empty() {
        return wrong("EmptyBatchRequest", "There should be at least one entry in the request.".to_owned());
    }
    if ids.len() > MAX_BATCH_ENTRIES {
        let text =
            format!("Maximum number of entries per request are {MAX_BATCH_ENTRIES}. You have sent {}.", ids.len());
        return wrong("TooManyEntriesInBatchRequest", text);
    }
    for (at, id) in ids.iter().enumerate() {
        let characters = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if id.is_empty() || id.len() > MAX_ID || !characters {
            let text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
            return wrong("InvalidBatchEntryId", text.to_owned());
        }
        if ids.iter().take(at).any(|earlier| earlier == id) {
            return wrong("BatchEntryIdsNotDistinct", format!("Id {id} repeated."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Option<String> {
        check_ids(ids.iter().copied()).err().map(|error| error.code.replace("AWS.SimpleQueueService.", ""))
    }

    #[test]
    fn a_batch_as_a_whole_is_checked() {
        assert_eq!(ids(&["a", "B-1_2"]), None);
        assert_eq!(ids(&[]).as_deref(), Some("EmptyBatchRequest"));
        assert_eq!(ids(&["x"; 11]).as_deref(), Some("TooManyEntriesInBatchRequest"));
        assert_eq!(ids(&["a", "a"]).as_deref(), Some("BatchEntryIdsNotDistinct"));
        assert_eq!(ids(&["a.b"]).as_deref(), Some("InvalidBatchEntryId"));
        assert_eq!(ids(&[&"a".repeat(81)]).as_deref(), Some("InvalidBatchEntryId"));
    }

    #[test]
    fn entries_are_answered_one_by_one() {
        let (mut queues, mut meter) = (Queues::new("1", "r", "http://h", 1), Meter::default());
        let name = QueueName::from("q");
        let small = [("MaximumMessageSize".to_owned(), "1024".to_owned())].into();
        queues.create(Timestamp::ZERO, &name, &small, &mut meter).expect("made");
        let entry = |id: &str, body: String| (id.to_owned(), Outgoing { body, ..Outgoing::default() });
        let entries = vec![entry("good", "b".into()), entry("big", "x".repeat(1025)), entry("empty", String::new())];
        let reply = queues.send_batch(Timestamp::ZERO, &name, entries, &mut meter).expect("a good batch");
        let SqsReply::SentBatch { ok, failed } = reply else { panic!("{reply:?}") };
        assert_eq!(ok.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["good"]);
        let failed: Vec<_> = failed.iter().map(|f| (f.id.as_str(), f.code.as_str(), f.sender_fault)).collect();
        assert_eq!(failed, [("big", "InvalidParameterValue", true), ("empty", "MissingParameter", true)]);
        let huge = vec![entry("a", "x".repeat(600_000)), entry("b", "x".repeat(600_000))];
        let error = queues.send_batch(Timestamp::ZERO, &name, huge, &mut meter).expect_err("too long together");
        assert_eq!(error.code, "AWS.SimpleQueueService.BatchRequestTooLong");
    }
}
