//! Which part of an account is watched.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    Everything,
    /// What is called so at the beginning, and what hangs together with it.
    Prefix(String),
    /// Things by name, and what hangs together with them; the label says why just these.
    Named {
        label: String,
        names: BTreeSet<String>,
    },
}

impl Scope {
    pub fn of_prefix(prefix: Option<&str>) -> Self {
        prefix.filter(|prefix| !prefix.is_empty()).map_or(Scope::Everything, |prefix| Scope::Prefix(prefix.to_owned()))
    }

    /// `shop-prod-*`, as the header has it.
    pub fn label(&self) -> String {
        match self {
            Scope::Everything => "everything".to_owned(),
            Scope::Prefix(prefix) => format!("{prefix}*"),
            Scope::Named { label, .. } => label.clone(),
        }
    }

    /// What SQS can narrow its list by.
    pub fn prefix(&self) -> Option<&str> {
        match self {
            Scope::Prefix(prefix) => Some(prefix),
            Scope::Everything | Scope::Named { .. } => None,
        }
    }

    pub fn takes(&self, name: &str) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Scope::Named { names, .. } => names.contains(name),
        }
    }
}
