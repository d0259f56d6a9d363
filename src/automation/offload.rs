//! Payloads too large for an item or a message go to S3 (aws-facts §5.4): the object first, under a
//! key that follows from its content, then the item with its reference. If the second write fails
//! the object is left behind; [`orphans`] finds it.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::automation::event::{EventItem, Payload, Reference};
use crate::automation::identity::Identity;
use crate::automation::job::Overlay;
use crate::automation::order::Order;
use crate::model::hexadecimal::hexadecimal;
use crate::model::time::Timestamp;

/// DynamoDB's largest item (aws-facts §5.4).
pub const MAX_ITEM_BYTES: usize = 400 * 1024;
/// The largest run context kept in a job's body: well below SQS's limit, old queues included
/// (aws-facts §3.1).
pub const MAX_OVERLAY_BYTES: usize = 128 * 1024;
/// Where payloads lie in the bucket; objects under this start nothing.
pub const PREFIX: &str = "payloads/";
/// An object this young may still get its item: the second write follows the first, at the latest
/// when the job is delivered again and ends (visibility × maxReceiveCount, and some).
pub const ORPHAN_GRACE_S: i64 = 3600;

/// The item as it fits the table, and the order that must come before its write.
pub fn event(mut item: EventItem, bucket: &str) -> (Option<Order>, EventItem) {
    if item.size_bytes() <= MAX_ITEM_BYTES {
        return (None, item);
    }
    let Payload::Inline(text) = &item.payload else { return (None, item) };
    let body: Arc<str> = text.as_str().into();
    let reference = reference(bucket, item.identity, &body);
    let order = Order::PutPayload { key: reference.key.clone(), body };
    item.payload = Payload::Stored(Arc::new(reference));
    (Some(order), item)
}

/// A run's changed context as it fits a job, and the order that must come before its send.
pub fn overlay(value: Value, job: Identity, bucket: &str) -> (Option<Order>, Overlay) {
    let body = value.to_string();
    if body.len() <= MAX_OVERLAY_BYTES {
        return (None, Overlay::Inline(Arc::new(value)));
    }
    let body: Arc<str> = body.into();
    let reference = reference(bucket, job, &body);
    let order = Order::PutPayload { key: reference.key.clone(), body };
    (Some(order), Overlay::Stored(Arc::new(reference)))
}

/// True when `body` is what was put aside under the reference.
pub fn is_intact(reference: &Reference, body: &str) -> bool {
    reference.size_bytes == body.len() as u64 && reference.sha256 == sha256(body)
}

/// The keys of payloads that nothing refers to and that are too old to be on their way.
/// `objects` are all keys of the bucket with the time each was stored; `is_referenced` asks the
/// table and the queues.
pub fn orphans<'a>(
    objects: impl IntoIterator<Item = (&'a str, Timestamp)>,
    is_referenced: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Vec<String> {
    let old = |stored: Timestamp| now.ms_since(stored) > ORPHAN_GRACE_S * 1000;
    let orphaned = objects.into_iter().filter(|(key, stored)| key.starts_with(PREFIX) && old(*stored));
    orphaned.filter(|(key, _)| !is_referenced(key)).map(|(key, _)| key.to_owned()).collect()
}

/// The key names the identity, for people, and the content, so that a second try writes the same.
fn reference(bucket: &str, identity: Identity, body: &str) -> Reference {
    let sha256 = sha256(body);
    let key = format!("{PREFIX}{identity}-{}.json", &sha256[..16]);
    Reference { bucket: bucket.to_owned(), key, size_bytes: body.len() as u64, sha256 }
}

fn sha256(body: &str) -> String {
    hexadecimal(&Sha256::digest(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::automation::event::{ActionName, Status};
    use crate::automation::identity::RunId;

    fn item(payload: Payload) -> EventItem {
        EventItem {
            identity: Identity::finished(RunId::new(42), 1),
            at: Timestamp::ZERO,
            action: ActionName::FetchData,
            status: Status::Processed,
            recipient: None,
            payload,
        }
    }

    #[test]
    fn an_item_at_the_limit_stays_and_one_above_it_is_put_aside_first() {
        let room = MAX_ITEM_BYTES - item(Payload::None).size_bytes();
        let fits = item(Payload::Inline(Arc::new("x".repeat(room))));
        assert_eq!(event(fits.clone(), "b"), (None, fits));
        let text = "x".repeat(room + 1);
        let (order, item) = event(item(Payload::Inline(Arc::new(text.clone()))), "b");
        let Payload::Stored(reference) = &item.payload else { panic!("still inline") };
        assert!(item.size_bytes() < 1000 && is_intact(reference, &text) && !is_intact(reference, "y"));
        assert!(reference.key.starts_with("payloads/run-0000002a/1/finished-"));
        assert_eq!(order, Some(Order::PutPayload { key: reference.key.clone(), body: text.into() }));
    }

    #[test]
    fn a_large_context_is_put_aside_and_a_small_one_is_not() {
        let job = Identity::job(RunId::new(42), 2);
        let small = json!({"data": {"a": 1}});
        assert_eq!(overlay(small.clone(), job, "b"), (None, Overlay::Inline(Arc::new(small))));
        let (order, kept) = overlay(json!({"data": "x".repeat(MAX_OVERLAY_BYTES)}), job, "b");
        assert!(matches!((order, kept), (Some(Order::PutPayload { .. }), Overlay::Stored(_))));
    }

    #[test]
    fn the_sweep_finds_only_old_payloads_that_nothing_refers_to() {
        let old = Timestamp::from_s(0);
        let now = Timestamp::from_s(ORPHAN_GRACE_S + 1);
        let young = Timestamp::from_s(1);
        let objects =
            [("payloads/left", old), ("payloads/kept", old), ("payloads/young", young), ("automations/run", old)];
        assert_eq!(orphans(objects, |key| key == "payloads/kept", now), ["payloads/left"]);
    }
}
