//! A CloudFormation stack, as far as it says when something was deployed.

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    pub name: String,
    /// `UPDATE_COMPLETE`
    pub status: String,
    pub created_at: Option<Timestamp>,
    /// When its last update began; a stack that was never updated has none.
    pub updated_at: Option<Timestamp>,
}

impl Stack {
    /// When its last change began.
    pub fn changed_at(&self) -> Option<Timestamp> {
        self.updated_at.or(self.created_at)
    }
}
