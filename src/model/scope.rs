//! Which part of an account is watched.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Scope {
    #[default]
    Everything,
    /// What is called so at the beginning, and what hangs together with it.
    Prefix(String),
    /// What the CloudFormation stack of that name or ARN made, and what hangs together with it. Which names
    /// these are the account says; until then it takes nothing.
    Stack(String),
    /// Things by name, and what hangs together with them; the label says why just these.
    Named { label: String, names: BTreeSet<String> },
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
            Scope::Stack(stack) => format!("stack {}", stack_name(stack)),
            Scope::Named { label, .. } => label.clone(),
        }
    }

    /// What SQS can narrow its list by.
    pub fn prefix(&self) -> Option<&str> {
        match self {
            Scope::Prefix(prefix) => Some(prefix),
            Scope::Everything | Scope::Stack(_) | Scope::Named { .. } => None,
        }
    }

    pub fn takes(&self, name: &str) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Scope::Stack(_) => false,
            Scope::Named { names, .. } => names.contains(name),
        }
    }
}

/// `arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/5b9e…` is `shop`.
fn stack_name(stack: &str) -> &str {
    stack.split_once(":stack/").map_or(stack, |(_, rest)| rest.split('/').next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_called_by_its_name_however_it_was_named() {
        for named in ["shop", "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/5b9e2f10"] {
            assert_eq!(Scope::Stack(named.to_owned()).label(), "stack shop");
        }
        assert!(!Scope::Stack("shop".to_owned()).takes("shop"), "what it made is not known yet");
    }
}
