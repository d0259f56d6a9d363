//! Something that changed in the account and when: marked on charts, listed beside the findings it
//! precedes, kept for the incident's timeline.

use serde::{Deserialize, Serialize};

use crate::model::function::Function;
use crate::model::id::{FunctionName, MappingId, QueueName};
use crate::model::mapping::Mapping;
use crate::model::queue::Queue;
use crate::model::stack::Stack;
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
    Queue(QueueName),
    /// By its name.
    Stack(String),
}

impl Change {
    /// What is older than this when it is first seen is no news (ux.md: what changed in 24 h).
    pub const NEWS_MS: i64 = 24 * 3600 * 1000;
    /// A stack changes what is in it within so many milliseconds after its update began.
    const UPDATE_MS: i64 = 15 * 60 * 1000;
    /// Services round and tell their times apart.
    const CLOCK_MS: i64 = 5_000;
    /// What `what` says when only the time of a change is known.
    pub const SETTINGS: &str = "settings";

    /// The deploy that a function seen for the first time tells of.
    pub fn of_function(function: &Function, now: Timestamp) -> Option<Self> {
        let subject = ChangeSubject::Function(function.name.clone());
        Self::recent(function.last_modified, now, subject, "deploy")
    }

    /// The change that a mapping seen for the first time tells of; what it was is not known.
    pub fn of_mapping(mapping: &Mapping, now: Timestamp) -> Option<Self> {
        let subject = ChangeSubject::Mapping(mapping.id.clone());
        Self::recent(mapping.last_modified, now, subject, Self::SETTINGS)
    }

    /// The change that a queue seen for the first time tells of; what it was is not known.
    pub fn of_queue(queue: &Queue, now: Timestamp) -> Option<Self> {
        let subject = ChangeSubject::Queue(queue.name.clone());
        Self::recent(queue.last_modified, now, subject, Self::SETTINGS)
    }

    /// The update of a stack, if something of `changes` was changed by it, as far as times tell: an
    /// account may have hundreds of stacks that have nothing to do with the picture.
    pub fn of_stack(stack: &Stack, changes: &[Change], now: Timestamp) -> Option<Self> {
        let subject = ChangeSubject::Stack(stack.name.clone());
        let change = Self::recent(stack.changed_at(), now, subject, "deploy")?;
        let within = |at: Timestamp| (-Self::CLOCK_MS..=Self::UPDATE_MS).contains(&at.ms_since(change.at));
        let others = changes.iter().filter(|other| !matches!(other.subject, ChangeSubject::Stack(_)));
        others.into_iter().any(|other| within(other.at)).then_some(change)
    }

    fn recent(at: Option<Timestamp>, now: Timestamp, subject: ChangeSubject, what: &str) -> Option<Self> {
        let at = at.filter(|at| now.ms_since(*at) < Self::NEWS_MS)?;
        Some(Change { at, subject, what: what.to_owned() })
    }
}
