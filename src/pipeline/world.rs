//! What handlers ask of the world besides queues, table and bucket: profiles, cancellations, open
//! batches, automation templates, providers. And the view of everything that a handler gets.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::automation::definition::{Action, Automation};
use crate::automation::event::{EventItem, Reference};
use crate::automation::fault::HandlerError;
use crate::automation::identity::{Identity, RunId};
use crate::automation::job::Job;
use crate::automation::log_worker::Index;
use crate::automation::order::{Answer, Batch, Context};
use crate::automation::request::Request;
use crate::automation::validate;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::BlueprintError;
use crate::pipeline::bucket::Bucket;
use crate::pipeline::fault::Faults;
use crate::pipeline::ledger::Ledger;
use crate::pipeline::rng::mix;

#[derive(Debug, Default)]
pub struct World {
    profiles: BTreeMap<Arc<str>, Arc<Value>>,
    cancelled: BTreeMap<Arc<str>, Timestamp>,
    batches: BTreeMap<Arc<str>, Batch>,
    templates: BTreeMap<String, Arc<Automation>>,
}

impl World {
    /// # Errors
    /// A template is no valid automation.
    pub fn new(templates: &BTreeMap<String, String>) -> Result<Self, BlueprintError> {
        let mut world = World::default();
        for (name, text) in templates {
            let wrong = |faults: String| BlueprintError::Template { name: name.clone(), faults };
            let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            let automation = validate::automation(&value, "automation")
                .map_err(|faults| wrong(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
            world.templates.insert(name.clone(), Arc::new(automation));
        }
        Ok(world)
    }

    pub fn put_profile(&mut self, recipient: Arc<str>, profile: Arc<Value>) {
        self.profiles.insert(recipient, profile);
    }

    pub fn cancel(&mut self, token: Arc<str>, at: Timestamp) {
        self.cancelled.insert(token, at);
    }

    pub fn put_batch(&mut self, key: Arc<str>, batch: Batch) {
        self.batches.insert(key, batch);
    }

    pub fn close_batch(&mut self, key: &str) {
        self.batches.remove(key);
    }
}

/// The world as a handler sees it at one moment.
pub struct View<'a> {
    pub now: Timestamp,
    pub world: &'a World,
    pub bucket: &'a Bucket,
    pub ledger: &'a Ledger,
    pub faults: &'a Faults,
    pub payload_bucket: &'a str,
}

impl Context for View<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn request(&self, run: RunId) -> Option<Arc<Request>> {
        self.bucket.request(run, self.ledger)
    }

    fn recorded(&self, event: Identity) -> bool {
        self.ledger.is_recorded(event)
    }

    fn cancelled_at(&self, token: &str) -> Option<Timestamp> {
        self.world.cancelled.get(token).copied()
    }

    fn perform(&self, job: &Job, action: &Action) -> Result<Answer, HandlerError> {
        if let Some(refusal) = self.faults.refuses_action(action.name().as_str(), job.run) {
            return Err(refusal);
        }
        Ok(match action {
            Action::FetchData { .. } | Action::SendList { .. } => {
                // What a webhook answers: always the same for the same run.
                Answer::Data(Arc::new(json!({"score": mix(job.run.number()) % 100})))
            }
            _ => Answer::Done,
        })
    }

    fn payload_bucket(&self) -> &str {
        self.payload_bucket
    }

    fn payload(&self, reference: &Reference) -> Option<Arc<str>> {
        self.bucket.payload(&reference.key)
    }

    fn profile(&self, recipient: &str) -> Option<Arc<Value>> {
        self.world.profiles.get(recipient).cloned()
    }

    fn template(&self, name: &str) -> Option<Arc<Automation>> {
        self.world.templates.get(name).cloned()
    }

    fn batch(&self, key: &str) -> Option<Batch> {
        self.world.batches.get(key).copied()
    }
}

impl Index for View<'_> {
    fn refuses(&self, event: &EventItem) -> Option<String> {
        self.faults.refuses_event(event)
    }

    fn payload(&self, reference: &Reference) -> Option<Arc<str>> {
        self.bucket.payload(&reference.key)
    }
}
