//! What an operator does in a scenario without a screen: the same calls the console would make.

use crate::model::id::{Arn, FunctionName, QueueName};
use crate::pipeline::blueprint::{Blueprint, MappingBlueprint};
use crate::pipeline::request::{LambdaRequest, MappingUpdate, Request, SqsRequest};
use crate::scenario::file::Timeline;

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `lambda:UpdateEventSourceMapping` of one of the blueprint's mappings.
    Tune { mapping: usize, update: MappingUpdate },
    /// `sqs:StartMessageMoveTask` back to where the messages came from.
    Redrive { queue: QueueName, max_per_s: Option<u32> },
}

impl Action {
    /// # Errors
    /// What is missing or too much.
    pub(super) fn of(entry: &Timeline, blueprint: &Blueprint) -> Result<Action, String> {
        let stray = |given: bool, key: &str, owner: &str| {
            if given { Err(format!("`{key}` belongs to `{owner}`")) } else { Ok(()) }
        };
        match (&entry.tune, &entry.redrive) {
            (Some(function), None) => {
                stray(entry.max_per_s.is_some(), "max_per_s", "redrive")?;
                let of_function = |m: &MappingBlueprint| m.function.as_str() == function;
                let mapping = blueprint.mappings.iter().position(of_function);
                let mapping = mapping.ok_or_else(|| format!("nothing feeds a function {function:?}"))?;
                let update = MappingUpdate {
                    enabled: entry.enabled,
                    batch_size: entry.batch_size,
                    window_s: entry.window_s,
                    parallelization_factor: entry.parallelization_factor,
                    max_concurrency: entry.max_concurrency.map(|limit| (limit > 0).then_some(limit)),
                    ..MappingUpdate::default()
                };
                if update == MappingUpdate::default() {
                    return Err("`tune` changes nothing: give parallelization_factor, batch_size, …".to_owned());
                }
                Ok(Action::Tune { mapping, update })
            }
            (None, Some(queue)) => {
                let tuned = [
                    (entry.parallelization_factor.is_some(), "parallelization_factor"),
                    (entry.batch_size.is_some(), "batch_size"),
                    (entry.window_s.is_some(), "window_s"),
                    (entry.max_concurrency.is_some(), "max_concurrency"),
                    (entry.enabled.is_some(), "enabled"),
                ];
                tuned.into_iter().try_for_each(|(given, key)| stray(given, key, "tune"))?;
                let queue = QueueName::new(queue.as_str());
                if !blueprint.has_queue(&queue) {
                    return Err(format!("there is no queue {queue}"));
                }
                Ok(Action::Redrive { queue, max_per_s: entry.max_per_s })
            }
            _ => Err("say one of `switch`, `tune`, `redrive` and `deploy`".to_owned()),
        }
    }

    /// The call, as the wire would have it.
    pub fn request(&self, blueprint: &Blueprint) -> Request {
        match self {
            Action::Tune { mapping, update } => {
                // An index of this blueprint's own mappings: it was found there.
                let id = blueprint.mappings[*mapping].id.clone();
                Request::Lambda(LambdaRequest::UpdateMapping { id, update: update.clone() })
            }
            Action::Redrive { queue, max_per_s } => Request::Sqs(SqsRequest::StartMessageMoveTask {
                source: queue_arn(blueprint, queue.as_str()),
                destination: None,
                max_per_s: *max_per_s,
            }),
        }
    }
}

/// The function that a `deploy` names.
///
/// # Errors
/// It stands beside something else, or there is no such function.
pub(super) fn deployed(entry: &Timeline, function: &str, blueprint: &Blueprint) -> Result<FunctionName, String> {
    let alone = Timeline { at_s: entry.at_s, deploy: entry.deploy.clone(), ..Timeline::default() };
    if *entry != alone {
        return Err("`deploy` stands alone: it names the function that gets new code".to_owned());
    }
    let function = FunctionName::from(function);
    match blueprint.function(&function) {
        Some(_) => Ok(function),
        None => Err(format!("there is no function {function}")),
    }
}

pub(super) fn queue_arn(blueprint: &Blueprint, queue: &str) -> Arn {
    Arn::new(format!("arn:aws:sqs:{}:{}:{queue}", blueprint.region, blueprint.account))
}
