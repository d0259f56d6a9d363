//! An automation as its steps mean it. The JSON it came as is kept beside them, so that storing and
//! showing it changes nothing, and an action this version does not know is carried along.

use std::sync::Arc;

use serde_json::Value;

use crate::automation::condition::Condition;
use crate::automation::event::ActionName;
use crate::automation::fault::Fault;
use crate::automation::merge::Merge;

#[derive(Debug, Clone, PartialEq)]
pub struct Automation {
    pub steps: Vec<Step>,
    /// Runs under an equal token are stopped by a `cancel` step; may hold references.
    pub cancelation_token: Option<Value>,
    /// As it came.
    pub source: Value,
    /// What was taken but will not be done: unknown actions, by path.
    pub notes: Vec<Fault>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub action: Action,
    /// `if`: the step is skipped unless it holds.
    pub condition: Option<Condition>,
    /// `ref`: the name under which later steps find this one's result.
    pub reference: Option<Arc<str>>,
    /// What the step's event says beside the action, when it is the same for every run.
    pub detail: Option<Arc<String>>,
}

/// What a step does. Members that may hold references stay JSON until the step runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Send {
        recipient: Option<Value>,
        template: Option<Value>,
        /// The second version of the step: `message {to, template | content, …}`.
        message: Option<Value>,
    },
    SendList {
        list: Value,
        template: Option<Value>,
        /// `data_source.webhook`, asked before sending, and how its answer is merged.
        data_source: Option<(Value, Merge)>,
    },
    Delay(Delay),
    Cancel {
        token: Value,
    },
    UpdateProfile {
        profile: Value,
        recipient: Option<Value>,
        merge: Merge,
    },
    FetchData {
        webhook: Value,
        merge: Merge,
    },
    Invoke {
        template: Value,
        context: Option<Value>,
    },
    AddToBatch(AddToBatch),
    GetProfile {
        user: Value,
        /// `profile`, or `data.…`; where the answer is put.
        path: String,
        merge: Merge,
    },
    Other(Arc<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Delay {
    For {
        ms: i64,
    },
    /// An RFC 3339 time or a duration that a reference gives only when the step runs.
    Given {
        value: Value,
        until: bool,
    },
    Until {
        at_ms: i64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct AddToBatch {
    pub batch: Value,
    /// The batch closes so long after its last item …
    pub wait_ms: i64,
    /// … and at the latest so long after its first.
    pub max_wait_ms: i64,
    pub max_items: Option<u32>,
    pub category: Option<Value>,
}

impl Action {
    pub fn name(&self) -> ActionName {
        match self {
            Action::Send { .. } => ActionName::Send,
            Action::SendList { .. } => ActionName::SendList,
            Action::Delay(_) => ActionName::Delay,
            Action::Cancel { .. } => ActionName::Cancel,
            Action::UpdateProfile { .. } => ActionName::UpdateProfile,
            Action::FetchData { .. } => ActionName::FetchData,
            Action::Invoke { .. } => ActionName::Invoke,
            Action::AddToBatch(_) => ActionName::AddToBatch,
            Action::GetProfile { .. } => ActionName::GetProfile,
            Action::Other(name) => ActionName::Other(name.clone()),
        }
    }
}
