//! Queues, functions and mappings of a file laid over the standard pipeline's: what is named there is
//! changed, what is not is added.

use std::collections::BTreeMap;

use crate::model::mapping::MappingSettings;
use crate::model::object::Place;
use crate::pipeline::blueprint::{
    Blueprint, FunctionBlueprint, MappingBlueprint, QueueBlueprint, Role, Service, Source,
};
use crate::pipeline::distribution::Distribution;
use crate::pipeline::rng;
use crate::scenario::action::queue_arn;
use crate::scenario::file::{Function, Mapping, Queue, RoleName};

/// Sets `to` when the file says something.
fn set<T: Clone>(to: &mut T, from: &Option<T>) {
    if let Some(value) = from {
        *to = value.clone();
    }
}

fn check(name: &str, value: i64, low: i64, high: i64) -> Result<(), String> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(format!("`{name}` must be {low} to {high}, not {value}")) }
}

/// # Errors
/// A figure out of SQS's range (aws-facts §3.1).
pub(super) fn queue(blueprint: &mut Blueprint, file: &Queue) -> Result<(), String> {
    let found = blueprint.queues.iter().position(|q| q.name.as_str() == file.name);
    let mut queue = match found {
        Some(at) => blueprint.queues[at].clone(),
        None => QueueBlueprint::new(file.name.as_str()),
    };
    set(&mut queue.visibility_s, &file.visibility_s);
    set(&mut queue.retention_s, &file.retention_s);
    set(&mut queue.delay_s, &file.delay_s);
    set(&mut queue.max_message_bytes, &file.max_message_bytes);
    check("visibility_s", i64::from(queue.visibility_s), 0, 43_200)?;
    check("retention_s", i64::from(queue.retention_s), 60, 1_209_600)?;
    check("delay_s", i64::from(queue.delay_s), 0, 900)?;
    let bytes = i64::try_from(queue.max_message_bytes).unwrap_or(i64::MAX);
    check("max_message_bytes", bytes, 1024, 1_048_576)?;
    if let Some(count) = file.max_receive_count {
        check("max_receive_count", i64::from(count), 1, 1000)?;
    }
    queue.redrive = match (file.dead_letter_queue.as_deref(), file.max_receive_count, queue.redrive) {
        (None, None, old) => old,
        (Some(""), None, _) => None,
        (Some(""), Some(_), _) | (None, Some(_), None) => {
            return Err("`max_receive_count` needs a `dead_letter_queue`".to_owned());
        }
        (None, Some(count), Some((dead_letter, _))) => Some((dead_letter, count)),
        // SQS's default maxReceiveCount (aws-facts §3.3).
        (Some(name), count, old) => Some((name.into(), count.or(old.map(|(_, c)| c)).unwrap_or(10))),
    };
    match found {
        Some(at) => blueprint.queues[at] = queue,
        None => blueprint.queues.push(queue),
    }
    Ok(())
}

/// # Errors
/// A new function without a role, or a figure out of range.
pub(super) fn function(blueprint: &mut Blueprint, file: &Function) -> Result<(), String> {
    let found = blueprint.functions.iter().position(|f| f.name.as_str() == file.name);
    let mut function = match (found, file.role) {
        (Some(at), _) => blueprint.functions[at].clone(),
        (None, Some(role)) => new_function(&file.name, role),
        (None, None) => {
            let known = blueprint.functions.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(format!("{:?} is new and needs a `role` (there are {known})", file.name));
        }
    };
    if let Some(role) = file.role {
        function.role = role_of(role);
    }
    set(&mut function.timeout_s, &file.timeout_s);
    set(&mut function.memory_mb, &file.memory_mb);
    set(&mut function.failure_ppm, &file.failure_ppm);
    set(&mut function.allow_recursion, &file.allow_recursion);
    set(&mut function.external, &file.external);
    check("timeout_s", i64::from(function.timeout_s), 1, 5400)?;
    check("failure_ppm", i64::from(function.failure_ppm), 0, 1_000_000)?;
    if let Some(limit) = file.reserved_concurrency {
        function.reserved_concurrency = (limit > 0).then_some(limit);
    }
    if let Some(spread) = &file.per_run_us {
        function.service.per_run_us = spread.0.clone();
    }
    if let Some(spread) = &file.per_record_us {
        function.service.per_record_us = spread.0.clone();
    }
    if let Some(environment) = &file.environment {
        function.environment.extend(environment.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    if let Some(queue) = &file.on_failure {
        function.on_failure = (!queue.is_empty()).then(|| queue.as_str().into());
    }
    match found {
        Some(at) => blueprint.functions[at] = function,
        None => blueprint.functions.push(function),
    }
    Ok(())
}

fn role_of(name: RoleName) -> Role {
    match name {
        RoleName::RequestWorker => Role::RequestWorker,
        RoleName::JobWorker => Role::JobWorker,
        RoleName::LogWorker => Role::LogWorker,
        RoleName::Sink => Role::Sink,
    }
}

fn new_function(name: &str, role: RoleName) -> FunctionBlueprint {
    FunctionBlueprint {
        name: name.into(),
        role: role_of(role),
        // Lambda's defaults are 3 s and 128 MB; Serverless writes 6 s and 1024 MB (aws-facts §6.4).
        timeout_s: 6,
        memory_mb: 1024,
        reserved_concurrency: None,
        service: Service { per_run_us: Distribution::Fixed(20_000), per_record_us: Distribution::Fixed(1_000) },
        failure_ppm: 0,
        allow_recursion: false,
        external: false,
        environment: BTreeMap::new(),
        on_failure: None,
    }
}

/// # Errors
/// A new mapping without a source, or a figure out of Lambda's range (aws-facts §1.1).
pub(super) fn mapping(blueprint: &mut Blueprint, file: &Mapping) -> Result<(), String> {
    let found = blueprint.mappings.iter().position(|m| m.function.as_str() == file.function);
    let source = file.source.as_deref().map(|source| match source {
        "stream" => Source::Stream,
        queue => Source::Queue(queue.into()),
    });
    let mut mapping = match (found, source) {
        (Some(at), source) => {
            let old = blueprint.mappings[at].clone();
            MappingBlueprint { source: source.unwrap_or_else(|| old.source.clone()), ..old }
        }
        (None, Some(source)) => MappingBlueprint {
            id: rng::uuid(0, &format!("mapping/{}", file.function)).into(),
            source,
            function: file.function.as_str().into(),
            settings: MappingSettings::default(),
            enabled: true,
            event_count_metrics: false,
        },
        (None, None) => {
            return Err(format!("{:?} has no mapping yet: say its `source` (\"stream\", or a queue)", file.function));
        }
    };
    set(&mut mapping.enabled, &file.enabled);
    set(&mut mapping.event_count_metrics, &file.event_count_metrics);
    settings(blueprint, &mut mapping, file)?;
    match found {
        Some(at) => blueprint.mappings[at] = mapping,
        None => blueprint.mappings.push(mapping),
    }
    Ok(())
}

fn settings(blueprint: &Blueprint, mapping: &mut MappingBlueprint, file: &Mapping) -> Result<(), String> {
    let streams_only = [
        (file.parallelization_factor.is_some(), "parallelization_factor"),
        (file.max_retry_attempts.is_some(), "max_retry_attempts"),
        (file.max_record_age_s.is_some(), "max_record_age_s"),
        (file.bisect.is_some(), "bisect"),
        (file.on_failure.is_some(), "on_failure"),
    ];
    let is_stream = mapping.source == Source::Stream;
    if let Some((_, key)) = streams_only.into_iter().find(|(given, _)| *given && !is_stream) {
        return Err(format!("`{key}` is for streams; {} reads a queue", mapping.function));
    }
    if file.max_concurrency.is_some() && is_stream {
        return Err(format!("`max_concurrency` is for queues; {} reads the stream", mapping.function));
    }
    let ranges = [
        ("batch_size", file.batch_size.map(i64::from), 1, 10_000),
        ("window_s", file.window_s.map(i64::from), 0, 300),
        ("parallelization_factor", file.parallelization_factor.map(i64::from), 1, 10),
        ("max_retry_attempts", file.max_retry_attempts.map(i64::from), -1, 10_000),
        ("max_record_age_s", file.max_record_age_s.map(i64::from).filter(|s| *s != -1), 60, 604_800),
        ("max_concurrency", file.max_concurrency.map(i64::from).filter(|c| *c != 0), 2, 1000),
    ];
    for (name, value, low, high) in ranges {
        value.map_or(Ok(()), |value| check(name, value, low, high))?;
    }
    let to = &mut mapping.settings;
    to.batch_size = file.batch_size.or(to.batch_size);
    to.window_s = file.window_s.or(to.window_s);
    to.parallelization_factor = file.parallelization_factor.or(to.parallelization_factor);
    to.max_retry_attempts = file.max_retry_attempts.or(to.max_retry_attempts);
    to.max_record_age_s = file.max_record_age_s.or(to.max_record_age_s);
    to.bisect = file.bisect.or(to.bisect);
    set(&mut to.report_batch_item_failures, &file.report_batch_item_failures);
    if let Some(limit) = file.max_concurrency {
        to.max_concurrency = (limit > 0).then_some(limit);
    }
    match file.on_failure.as_deref() {
        None => {}
        Some("") => to.on_failure = None,
        Some(place) if place.starts_with("s3://") => {
            let named = Place::parse(place).filter(|place| place.prefix.is_empty());
            let place = named.ok_or_else(|| format!("`on_failure` is {place:?}; a bucket is written s3://NAME"))?;
            to.on_failure = Some(format!("arn:aws:s3:::{}", place.bucket).into());
        }
        Some(queue) if blueprint.has_queue(&queue.into()) => to.on_failure = Some(queue_arn(blueprint, queue)),
        Some(queue) => return Err(format!("`on_failure` names the queue {queue:?}, which there is not")),
    }
    Ok(())
}
