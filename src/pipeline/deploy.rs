//! From a blueprint to mappings: ARNs, defaults, what feeds what.

use crate::model::id::{Arn, QueueName};
use crate::model::mapping::SourceKind;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::{Blueprint, Role, Source};
use crate::pipeline::function::Functions;
use crate::pipeline::mapping::queue::QueueFeed;
use crate::pipeline::mapping::rules::filled;
use crate::pipeline::mapping::stream::StreamFeed;
use crate::pipeline::mapping::{Feed, Mapping, Origin};
use crate::pipeline::queues::Queues;

/// How long before the start everything was deployed, in seconds: two days.
pub const DEPLOYED_S: i64 = 172_800;

/// The label of the table's stream: when it was enabled, a day before the start.
pub fn stream_label(start: Timestamp) -> String {
    start.plus_s(-86_400).to_string().trim_end_matches('Z').to_owned()
}

pub fn stream_arn(blueprint: &Blueprint, start: Timestamp) -> Arn {
    let (region, account, table) = (&blueprint.region, &blueprint.account, &blueprint.table.name);
    Arn::new(format!("arn:aws:dynamodb:{region}:{account}:table/{table}/stream/{}", stream_label(start)))
}

/// The queue that feeds the first JobWorker: where jobs are sent.
pub fn job_queue(blueprint: &Blueprint) -> Option<QueueName> {
    blueprint.mappings.iter().find_map(|mapping| {
        let function = blueprint.function(&mapping.function)?;
        match &mapping.source {
            Source::Queue(queue) if function.role == Role::JobWorker => Some(queue.clone()),
            _ => None,
        }
    })
}

pub fn mappings(
    blueprint: &Blueprint,
    functions: &Functions,
    queues: &Queues,
    stream: &Arn,
    start: Timestamp,
) -> Vec<Mapping> {
    let mapping = |mapping: &crate::pipeline::blueprint::MappingBlueprint| {
        let function = functions.find(&mapping.function)?;
        let source = match &mapping.source {
            Source::Queue(queue) => queues.arn(queue),
            Source::Stream => stream.clone(),
        };
        let settings = filled(&mapping.settings, SourceKind::of(&source));
        let feed = match &mapping.source {
            Source::Queue(queue) => Feed::Queue(QueueFeed::new(queue.clone(), start)),
            Source::Stream => Feed::Stream(StreamFeed::new(blueprint.table.shards, &settings, start)),
        };
        let origin = Origin {
            id: mapping.id.clone(),
            source,
            function,
            function_name: mapping.function.clone(),
            function_arn: functions.get(function).arn.clone(),
            settings,
            enabled: mapping.enabled,
        };
        Some(Mapping::new(origin, feed, start))
    };
    // `check` has seen that every function is there.
    blueprint.mappings.iter().filter_map(mapping).collect()
}
