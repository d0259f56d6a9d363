//! RequestStore: the requests of all runs; and beside it buckets of payloads put aside and of documents about
//! failures. A run of the load keeps only which entry of the mix it came from and for whom; its request is
//! made again when somebody reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::automation::definition::Automation;
use crate::automation::identity::RunId;
use crate::automation::intake;
use crate::automation::request::Request;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::{BlueprintError, Load};
use crate::pipeline::ledger::{Ledger, RequestRef};
use crate::pipeline::objects::Keyed;
use serde_json::Value;

#[derive(Debug)]
pub struct Bucket {
    mix: Vec<Template>,
    recipients: Vec<Arc<str>>,
    posted: BTreeMap<RunId, Arc<Request>>,
    payload_bucket: String,
    /// By bucket.
    stored: BTreeMap<String, Keyed>,
}

/// An object as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub at: Timestamp,
    pub body: Arc<str>,
}

/// Documents that are kept in a bucket; the first go then, as by a lifecycle rule.
const MOST_DOCUMENTS: usize = 20_000;

/// An entry of the load's mix, read once.
#[derive(Debug)]
struct Template {
    automation: Arc<Automation>,
    context: Arc<Value>,
}

impl Bucket {
    /// # Errors
    /// An entry of the mix is no valid request.
    pub fn new(load: &Load, payload_bucket: &str) -> Result<Self, BlueprintError> {
        let mut mix = Vec::with_capacity(load.mix.len());
        for (index, entry) in load.mix.iter().enumerate() {
            let accepted = intake::intake(&entry.body, RunId::new(1), Timestamp::ZERO).map_err(|faults| {
                let faults = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                BlueprintError::Mix { index, faults }
            })?;
            let request = &accepted.request;
            mix.push(Template { automation: request.automation.clone(), context: request.context.clone() });
        }
        let recipients = (0..load.recipients.max(1)).map(|number| format!("user-{number}").into()).collect();
        let payload_bucket = payload_bucket.to_owned();
        Ok(Bucket { mix, recipients, posted: BTreeMap::new(), payload_bucket, stored: BTreeMap::new() })
    }

    /// How many steps a run of an entry of the mix has.
    pub fn mix_steps(&self, entry: u16) -> Option<usize> {
        self.mix.get(usize::from(entry)).map(|template| template.automation.steps.len())
    }

    pub fn recipients(&self) -> u64 {
        self.recipients.len() as u64
    }

    /// Stores a request as it is.
    pub fn put(&mut self, request: Arc<Request>) {
        self.posted.insert(request.run, request);
    }

    /// The request of a run.
    pub fn request(&self, run: RunId, ledger: &Ledger) -> Option<Arc<Request>> {
        let (reference, accepted) = ledger.request(run)?;
        match reference {
            RequestRef::Posted => self.posted.get(&run).cloned(),
            RequestRef::Mix { entry, recipient } => {
                let template = self.mix.get(usize::from(entry))?;
                Some(Arc::new(Request {
                    run,
                    accepted,
                    automation: template.automation.clone(),
                    context: template.context.clone(),
                    recipient: self.recipients.get(recipient as usize).cloned(),
                }))
            }
        }
    }

    pub fn put_payload(&mut self, key: String, body: Arc<str>, at: Timestamp) {
        self.stored.entry(self.payload_bucket.clone()).or_default().insert(key, Stored { at, body });
    }

    pub fn payload(&self, key: &str) -> Option<Arc<str>> {
        self.stored(&self.payload_bucket)?.get(key).map(|stored| stored.body.clone())
    }

    /// Puts a document into a bucket.
    pub fn put_document(&mut self, bucket: &str, key: String, body: Arc<str>, at: Timestamp) {
        let there = self.stored.entry(bucket.to_owned()).or_default();
        there.insert(key, Stored { at, body });
        if there.len() > MOST_DOCUMENTS {
            there.pop_first();
        }
    }

    /// Everything that was put into a bucket by [`Bucket::put_document`].
    pub fn documents(&self) -> impl Iterator<Item = &str> {
        let buckets = self.stored.iter().filter(|(name, _)| **name != self.payload_bucket);
        buckets.flat_map(|(_, keyed)| keyed.values()).map(|stored| &*stored.body)
    }

    /// What was put into a bucket other than RequestStore.
    pub fn stored(&self, bucket: &str) -> Option<&Keyed> {
        self.stored.get(bucket)
    }
}
