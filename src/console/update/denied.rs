//! Permissions that are missing: each takes its own part of the picture away, is named once by its
//! action, and the rest goes on.

use std::collections::BTreeSet;

use crate::console::{Asked, Console};
use crate::model::permission::action_of;
use crate::model::service_error::ServiceError;

/// The whole discovery was made: what it was refused is known anew.
pub(super) fn by_discovery(console: &mut Console, actions: BTreeSet<String>) {
    console.denied.retain(|_, by| by.is_some());
    for action in actions {
        console.denied.entry(action).or_insert(None);
    }
}

pub(super) fn by_poll(console: &mut Console, asked: Asked, error: &ServiceError) {
    if let Some(action) = action_of(&error.action) {
        console.denied.insert(action.to_owned(), Some(asked));
    }
}

/// This kind of question was answered.
pub(super) fn forget(console: &mut Console, asked: Asked) {
    console.denied.retain(|_, by| *by != Some(asked));
}

impl Console {
    /// `not allowed here: lambda:GetPolicy, sqs:ListQueues; …`
    pub fn denied_line(&self) -> Option<String> {
        let actions: Vec<&str> = self.denied.keys().map(String::as_str).collect();
        if actions.is_empty() {
            return None;
        }
        Some(format!("not allowed here: {}; see `redrive doctor`", actions.join(", ")))
    }

    /// True when the line of denials says why this kind of question has no answer.
    pub fn is_denied(&self, asked: Asked) -> bool {
        self.denied.values().any(|by| *by == Some(asked))
    }
}
