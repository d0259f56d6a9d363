//! LogWorker: a batch of stream records becomes documents of the search index. With partial-batch
//! responses it answers which record it stopped at; without, it throws and the whole batch is tried
//! again (aws-facts §1.7).

use std::sync::Arc;

use serde::de::IgnoredAny;

use crate::automation::event::{Document, EventItem, Payload, Reference};
use crate::automation::fault::HandlerError;
use crate::automation::offload;

/// How the handler tells of a record it cannot index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// It throws: `Errors` counts one, nothing of the batch is indexed.
    Throws,
    /// It answers `batchItemFailures`: `Errors` stays 0.
    Reports,
}

/// What LogWorker asks of the index and of S3.
pub trait Index {
    /// Why the index refuses the document of this event, if it does.
    fn refuses(&self, _event: &EventItem) -> Option<String> {
        None
    }

    /// A payload put aside; `None` when it is gone.
    fn payload(&self, _reference: &Reference) -> Option<Arc<str>> {
        None
    }
}

/// What one run of LogWorker came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indexed {
    /// To be written, each under its version.
    pub documents: Vec<Document>,
    /// `batchItemFailures`: sequence numbers. Records are in order, so this is the first that failed
    /// and Lambda tries again from there; records behind it are not touched.
    pub failures: Vec<u64>,
}

/// Handles one batch: `(sequence number, event)` in the order of the stream.
///
/// # Errors
/// A record cannot be indexed and the handler throws.
pub fn log_worker<'a>(
    records: impl IntoIterator<Item = (u64, &'a EventItem)>,
    failing: Failing,
    index: &impl Index,
) -> Result<Indexed, HandlerError> {
    let records = records.into_iter();
    let mut indexed = Indexed { documents: Vec::with_capacity(records.size_hint().0), failures: Vec::new() };
    for (version, event) in records {
        match (refusal(event, index), failing) {
            (None, _) => indexed.documents.push(Document { event: event.clone(), version }),
            (Some(why), Failing::Throws) => {
                return Err(HandlerError::new("IndexError", format!("{}: {why}", event.identity)));
            }
            (Some(_), Failing::Reports) => {
                indexed.failures.push(version);
                break;
            }
        }
    }
    Ok(indexed)
}

/// Why the event cannot become a document.
fn refusal(event: &EventItem, index: &impl Index) -> Option<String> {
    let damaged = match &event.payload {
        Payload::None => None,
        Payload::Inline(text) => {
            serde_json::from_str::<IgnoredAny>(text).err().map(|error| format!("the payload is not JSON ({error})"))
        }
        Payload::Stored(reference) => match index.payload(reference) {
            None => Some(format!("the payload {} is gone", reference.key)),
            Some(body) if !offload::is_intact(reference, &body) => {
                Some(format!("the payload {} is not what was stored", reference.key))
            }
            Some(_) => None,
        },
    };
    damaged.or_else(|| index.refuses(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automation::event::{ActionName, Status};
    use crate::automation::identity::{Identity, RunId};
    use crate::model::time::Timestamp;

    struct Plain;

    impl Index for Plain {
        fn refuses(&self, event: &EventItem) -> Option<String> {
            (event.identity.run == RunId::new(13)).then(|| "mapping conflict".to_owned())
        }
    }

    fn event(run: u64, payload: Payload) -> EventItem {
        EventItem {
            identity: Identity::finished(RunId::new(run), 0),
            at: Timestamp::ZERO,
            action: ActionName::Send,
            status: Status::Processed,
            recipient: None,
            payload,
        }
    }

    #[test]
    fn a_good_batch_becomes_documents_in_order() {
        let events = [event(1, Payload::None), event(2, Payload::Inline(Arc::new("{}".into())))];
        let indexed = log_worker((10..).zip(&events), Failing::Throws, &Plain).expect("good");
        let versions: Vec<u64> = indexed.documents.iter().map(|d| d.version).collect();
        assert_eq!((versions, indexed.failures), (vec![10, 11], vec![]));
    }

    #[test]
    fn a_bad_record_throws_or_is_reported_and_nothing_behind_it_is_touched() {
        let gone = Reference { bucket: "b".into(), key: "k".into(), size_bytes: 1, sha256: "0".into() };
        for bad in [
            event(13, Payload::None),
            event(2, Payload::Inline(Arc::new("{\"cut".into()))),
            event(2, Payload::Stored(Arc::new(gone))),
        ] {
            let events = [event(1, Payload::None), bad, event(3, Payload::None)];
            assert!(log_worker((10..).zip(&events), Failing::Throws, &Plain).is_err());
            let indexed = log_worker((10..).zip(&events), Failing::Reports, &Plain).expect("reported");
            assert_eq!((indexed.documents.len(), indexed.failures), (1, vec![11]));
        }
    }
}
