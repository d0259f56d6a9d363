//! Facts that arrived: into the picture, with their age. An error keeps what was there, marks it
//! stale with the reason, and slows that kind of poll down.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::effect::Effect;
use crate::console::msg::{MetricAnswer, Msg};
use crate::console::screen::Screen;
use crate::console::update::{
    alarms, arm, arrivals, changes, follow, function_settings, navigation, opening, scope, tune,
};
use crate::console::{Asked, Console};
use crate::model::finding::Severity;
use crate::model::id::QueueName;
use crate::model::mapping::Mapping;
use crate::model::move_task::MoveTask;
use crate::model::observed::Observed;
use crate::model::permission::action_of;
use crate::model::queue::Queue;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::operation::progress::grouped;

pub(super) fn take(console: &mut Console, fact: Msg) -> Vec<Effect> {
    match fact {
        Msg::ClockSkewed { ahead_ms } => super::locked_out::skewed(console, ahead_ms),
        Msg::IdentityArrived { at, result } => {
            console.schedule.identity.answered(result.is_ok());
            if let Some(identity) = note(console, Asked::Identity, result) {
                console.picture.identity = Some(Observed::new(identity, at));
                arm::asked_on_the_command_line(console);
            } else if let Some(old) = &mut console.picture.identity {
                old.stale = console.troubles.get(&Asked::Identity).cloned();
            }
        }
        Msg::TopologyArrived { at, result, missing, cached } => {
            if !cached {
                console.schedule.topology.answered(result.is_ok());
            }
            topology(console, at, result, missing, cached);
        }
        Msg::DenialsArrived { actions } => super::denied::by_discovery(console, actions),
        Msg::FunctionsArrived { at, result } => {
            if let Some(found) = note(console, Asked::Functions, result).filter(|_| !frozen(console)) {
                changes::put_functions(console, at, found);
            }
        }
        Msg::MappingsArrived { at, result } => {
            console.schedule.mappings.answered(result.is_ok());
            mappings_arrived(console, at, result);
        }
        Msg::QueuesArrived { at, results } => {
            let well = results.is_empty() || results.iter().any(|(_, result)| result.is_ok());
            console.schedule.queues.answered(well);
            queues(console, at, results);
            arrivals::watch(console);
        }
        Msg::MetricsArrived { generation, at, result } => metrics(console, generation, at, result),
        Msg::MoveTaskArrived { at, queue, result } => move_task(console, at, queue, result),
        Msg::StacksArrived { at, result } => {
            if let Some(found) = note(console, Asked::Stacks, result).filter(|_| !frozen(console)) {
                changes::put_stacks(console, at, &found);
            }
        }
        Msg::StreamsArrived { at, found } => {
            console.picture.streams.extend(found.into_iter().map(|(arn, one)| (arn, Observed::new(one, at))));
        }
        Msg::AlarmsArrived { at, result } => {
            alarms::arrived(console, at, result);
            scope::alarms_arrived(console);
        }
        Msg::FunctionSettingArrived { at, function, question, result } => {
            function_settings::arrived(console, at, &function, question, result);
        }
        Msg::AccountLimitsArrived { at, result } => function_settings::limits_arrived(console, at, result),
        Msg::ReserveArrived { at, mapping, reading } => tune::reserve_arrived(console, at, &mapping, *reading),
        Msg::Copied { result: Ok(()) } => console.say(Severity::Good, "copied"),
        Msg::Copied { result: Err(text) } => console.say(Severity::Note, format!("could not copy: {text}")),
        Msg::Exported { path, result: Ok(count) } => {
            let text = format!("{} written to {path}; they stay in the queue", grouped(count));
            console.say(Severity::Good, text);
        }
        Msg::Exported { path, result: Err(why) } => console.say(Severity::Warning, format!("{path}: {why}")),
        Msg::Trouble(line) => console.say(Severity::Warning, line),
        // The rest is not a fact and was taken before.
        _ => return Vec::new(),
    }
    if !frozen(console) {
        console.judge();
    }
    Vec::new()
}

fn move_task(console: &mut Console, at: Timestamp, queue: QueueName, result: Result<Option<MoveTask>, ServiceError>) {
    console.schedule.move_task.answered(result.is_ok());
    if let Some(task) = note(console, Asked::MoveTask, result) {
        console.picture.move_tasks.insert(queue, Observed::new(task, at));
    }
}

pub(super) fn frozen(console: &Console) -> bool {
    console.frozen_at.is_some()
}

/// Keeps the error as the reason why this kind of thing is old, or forgets the last one.
pub(super) fn note<T>(console: &mut Console, asked: Asked, result: Result<T, ServiceError>) -> Option<T> {
    match result {
        Ok(value) => {
            console.troubles.remove(&asked);
            super::denied::forget(console, asked);
            super::locked_out::let_in(console, asked);
            Some(value)
        }
        Err(error) if error.is_of_credentials() => {
            super::locked_out::shut(console, asked, &error);
            None
        }
        Err(error) if error.is_denied() => {
            // A line that stays names the action; a toast would say it again.
            console.troubles.insert(asked, explained(&error));
            super::denied::by_poll(console, asked, &error);
            None
        }
        Err(error) if error.is_unreachable() => {
            // One line that stays, the same for every kind of question.
            console.troubles.insert(asked, explained(&error));
            None
        }
        Err(error) => {
            let line = explained(&error);
            let news = console.troubles.insert(asked, line.clone()).is_none();
            if news {
                console.say(Severity::Warning, line);
            }
            None
        }
    }
}

/// The error and what to do about it, in one line.
pub(super) fn explained(error: &ServiceError) -> String {
    if error.is_denied() {
        // The action is what somebody has to ask for; the service's own sentence repeats it.
        let action = action_of(&error.action).unwrap_or(&error.action);
        return format!("{action}: not allowed here; `redrive doctor` prints the policy that allows it");
    }
    if error.is_unreachable() {
        return format!("nobody answers: {}", error.message);
    }
    let advice = if error.is_skewed() {
        "; this machine's clock is wrong, the next request is signed with the account's"
    } else if error.is_throttle() {
        "; asking less often"
    } else {
        ""
    };
    format!("{error}{advice}")
}

fn topology(
    console: &mut Console,
    at: Timestamp,
    result: Result<crate::model::topology::Topology, ServiceError>,
    missing: Vec<String>,
    cached: bool,
) {
    if cached && console.picture.topology.is_some() {
        return;
    }
    match note(console, Asked::Topology, result) {
        Some(topology) => {
            console.picture.topology = Some(Observed::new(topology, at));
            console.from_cache = cached;
            console.missing = missing;
            if !cached {
                opening::open_wanted(console);
            }
        }
        None => {
            if let Some(old) = &mut console.picture.topology {
                old.stale = console.troubles.get(&Asked::Topology).cloned();
            }
        }
    }
}

fn mappings_arrived(console: &mut Console, at: Timestamp, result: Result<Vec<Mapping>, ServiceError>) {
    let Some(found) = note(console, Asked::Mappings, result) else {
        let why = console.troubles.get(&Asked::Mappings).cloned();
        console.picture.mappings.values_mut().for_each(|mapping| mapping.stale.clone_from(&why));
        return;
    };
    if frozen(console) {
        return;
    }
    let there: BTreeSet<_> = found.iter().map(|mapping| mapping.id.clone()).collect();
    let gone: Vec<_> = console.picture.mappings.keys().filter(|id| !there.contains(*id)).cloned().collect();
    for id in gone {
        if let Some(old) = console.picture.mappings.remove(&id) {
            console.say(Severity::Warning, format!("the mapping of {} was deleted", old.value.function));
        }
        navigation::close(console, |screen| *screen == Screen::ConsumerDetail(id.clone()));
    }
    for mapping in found {
        changes::put_mapping(console, mapping, at);
    }
    opening::open_wanted(console);
}

fn queues(console: &mut Console, at: Timestamp, results: Vec<(QueueName, Result<Queue, ServiceError>)>) {
    let mut errors: BTreeMap<QueueName, ServiceError> = BTreeMap::new();
    for (name, result) in results {
        match result {
            Ok(queue) if !frozen(console) => changes::put_queue(console, queue, at),
            Ok(_) => {}
            Err(error) if error.is_missing() => {
                if console.picture.queues.remove(&name).is_some() {
                    console.say(Severity::Warning, format!("the queue {name} does not exist any more"));
                }
                navigation::close(console, |screen| *screen == Screen::Triage(name.clone()));
            }
            Err(error) => {
                if let Some(old) = console.picture.queues.get_mut(&name) {
                    old.stale = Some(explained(&error));
                }
                errors.insert(name, error);
            }
        }
    }
    // One line for all of them: a missing permission fails fifty queues alike.
    let result = errors.into_values().next().map_or(Ok(()), Err);
    note(console, Asked::Queues, result);
    opening::open_wanted(console);
}

fn metrics(console: &mut Console, generation: u64, at: Timestamp, result: Result<MetricAnswer, ServiceError>) {
    if generation != console.generation {
        return;
    }
    console.schedule.metrics.answered(result.is_ok());
    match result {
        Ok(answer) => {
            console.picture.metrics_error = None;
            console.troubles.remove(&Asked::Metrics);
            if frozen(console) {
                return;
            }
            // Nothing later than what was asked for is known, however late the answer came.
            let known_to = at.min(console.schedule.metrics_to);
            for (key, points) in answer {
                console.picture.metrics.merge(&key, known_to, points);
            }
            follow::look(console);
        }
        Err(error) if error.is_of_credentials() => {
            super::locked_out::shut(console, Asked::Metrics, &error);
            console.schedule.metrics_failed();
        }
        Err(error) => {
            let line = format!("metrics unavailable: {}", explained(&error));
            // A line that stays and a finding say it; a toast would say it a third time.
            let told = if error.is_unreachable() { explained(&error) } else { line.clone() };
            console.troubles.insert(Asked::Metrics, told);
            console.picture.metrics_error = Some(line);
            console.schedule.metrics_failed();
        }
    }
}
