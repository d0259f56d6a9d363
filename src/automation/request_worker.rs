//! RequestWorker: an object appeared in RequestStore; record the request and send its first job.

use percent_encoding::percent_decode_str;

use crate::automation::event::{ActionName, EventItem, Payload, Status};
use crate::automation::fault::HandlerError;
use crate::automation::identity::{Identity, RunId};
use crate::automation::job::{Job, Overlay};
use crate::automation::order::Order;
use crate::automation::request::{PREFIX, Request};
use crate::model::time::Timestamp;

/// The run an `ObjectCreated` event is about. `key` is as the event has it: form-URL-encoded, a
/// space written `+` (aws-facts §5.1). `None` when the object is none of ours.
pub fn run_of_key(key: &str) -> Option<RunId> {
    let spaced = key.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    decoded.strip_prefix(PREFIX)?.strip_suffix(".json")?.parse().ok()
}

/// The key as an `ObjectCreated` event spells it.
pub fn encode_key(key: &str) -> String {
    const PLAIN: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');
    percent_encoding::utf8_percent_encode(key, PLAIN).to_string().replace(' ', "+")
}

/// Records the request, then sends the first job. An event delivered twice writes the same item and
/// sends the same job; JobWorker does its effect once.
pub fn request_worker(request: &Request, now: Timestamp) -> Vec<Order> {
    let item = EventItem {
        identity: Identity::requested(request.run),
        at: now,
        action: ActionName::Request,
        status: Status::Processing,
        recipient: request.recipient.clone(),
        payload: Payload::None,
    };
    let first = request.automation.steps.first().map(|step| Job {
        run: request.run,
        step: 0,
        action: step.action.name(),
        recipient: request.recipient.clone(),
        due: None,
        overlay: Overlay::None,
    });
    let send = first.map(|job| Order::SendJob { job, delay_s: 0 });
    std::iter::once(Order::PutEvent(item)).chain(send).collect()
}

/// The same from the object's own text, for whoever hands RequestWorker a real S3 event.
///
/// # Errors
/// The key is not a request's, or the object is none.
pub fn from_object(key: &str, body: &str, now: Timestamp) -> Result<Vec<Order>, HandlerError> {
    let run = run_of_key(key);
    let run = run.ok_or_else(|| HandlerError::new("BadKey", format!("{key:?} is not the key of a request")))?;
    let request = Request::parse(body)?;
    if request.run != run {
        let message = format!("the object of {run} holds the request of {}", request.run);
        return Err(HandlerError::new("BadRequestObject", message));
    }
    Ok(request_worker(&request, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automation::intake;

    const NOW: Timestamp = Timestamp::from_s(1_767_225_600);

    #[test]
    fn keys_are_decoded_as_s3_writes_them() {
        assert_eq!(run_of_key("automations%2Frun-0000002a.json"), Some(RunId::new(42)));
        assert_eq!(run_of_key(&encode_key("automations/run-0000002a.json")), Some(RunId::new(42)));
        assert_eq!(encode_key("a b+é/c"), "a+b%2B%C3%A9%2Fc");
        for key in ["payloads/run-0000002a/1.json", "automations/run-2a.json", "automations/%FF.json", ""] {
            assert_eq!(run_of_key(key), None, "{key}");
        }
    }

    #[test]
    fn the_first_job_follows_the_event_of_the_request() {
        let body = r#"{"automation":{"steps":[{"action":"delay","duration":"PT1M"}]},"recipient":"user-1"}"#;
        let accepted = intake::intake(body, RunId::new(42), NOW).expect("right");
        let key = encode_key(&accepted.request.key());
        let orders = from_object(&key, &accepted.request.to_body(), NOW).expect("a request");
        assert_eq!(orders, request_worker(&accepted.request, NOW));
        let [Order::PutEvent(event), Order::SendJob { job, delay_s: 0 }] = orders.as_slice() else {
            panic!("unexpected orders {orders:?}")
        };
        assert_eq!(event.identity, Identity::requested(RunId::new(42)));
        assert_eq!((job.step, job.action.as_str(), job.recipient.as_deref()), (0, "delay", Some("user-1")));
        assert!(from_object("automations%2Frun-0000002b.json", &accepted.request.to_body(), NOW).is_err());
    }
}
