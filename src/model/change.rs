//! Something that changed in the account and when: marked on charts, listed beside findings.

use serde::{Deserialize, Serialize};

use crate::model::id::{FunctionName, MappingId};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub at: Timestamp,
    pub subject: ChangeSubject,
    /// `parallel 1→5`, `deploy`, `stopped`.
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeSubject {
    Mapping(MappingId),
    Function(FunctionName),
}
