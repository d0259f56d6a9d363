//! Running events again that lie in a bucket, or that an object of a bucket stands for: what is meant before it
//! is confirmed.

use serde::{Deserialize, Serialize};

use crate::model::id::{FunctionName, MessageId};
use crate::model::object::Object;
use crate::model::rescue::RescueTarget;

/// Run each item's event through its function, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerunPlan {
    pub source: RerunSource,
    pub bucket: String,
    /// What was shown; nothing else is run. In this order.
    pub items: Vec<RerunItem>,
    /// The functions that may be run, and how.
    pub targets: Vec<RescueTarget>,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RerunSource {
    /// Each object is a document of an on-failure destination and carries its event (aws-facts §4.2).
    Documents,
    /// Each object is a request: its function gets the event that tells of it.
    Requests,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerunItem {
    pub object: Object,
    pub function: FunctionName,
}

impl RerunItem {
    /// As the journal names it.
    pub fn id(&self) -> MessageId {
        MessageId::from(self.object.key.as_str())
    }
}

impl RerunSource {
    /// `document`, `request`
    pub fn noun(self, n: u64) -> &'static str {
        match (self, n) {
            (RerunSource::Documents, 1) => "document",
            (RerunSource::Documents, _) => "documents",
            (RerunSource::Requests, 1) => "request",
            (RerunSource::Requests, _) => "requests",
        }
    }
}
