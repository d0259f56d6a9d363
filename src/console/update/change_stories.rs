//! What the console keeps of what changed, before it was opened and while it watched. Tests only.

use crate::console::ConsoleOptions;
use crate::console::msg::Msg;
use crate::console::update::trial::{NOW, Trial, queue, queue_mapping, stream_mapping};
use crate::model::change::{Change, ChangeSubject};
use crate::model::function::Function;
use crate::model::mapping::Mapping;
use crate::model::queue::Queue;
use crate::model::stack::Stack;
use crate::model::time::Timestamp;

fn function(modified_at: Timestamp, code: &str) -> Function {
    Function {
        name: "LogWorker".into(),
        arn: "arn:aws:lambda:eu-west-1:123456789012:function:LogWorker".into(),
        timeout_s: Some(60),
        memory_mb: Some(256),
        last_modified: Some(modified_at),
        code_sha256: Some(code.to_owned()),
        reserved_concurrency: None,
        dead_letter: None,
    }
}

fn whats(trial: &Trial) -> Vec<&str> {
    trial.console.picture.changes.iter().map(|change| change.what.as_str()).collect()
}

#[test]
fn what_changed_within_a_day_before_is_known_at_first_sight_and_in_its_order() {
    let mut trial = Trial::unread(ConsoleOptions::default());
    let ago = |hours: i64| Some(NOW.plus_s(-hours * 3600));
    let recent = Queue { last_modified: ago(2), ..queue("JobQueue") };
    let old = Queue { last_modified: ago(30), ..queue("JobDLQ") };
    let results = vec![(recent.name.clone(), Ok(recent)), (old.name.clone(), Ok(old))];
    trial.tell(Msg::QueuesArrived { at: NOW, results });
    let mapping = Mapping { last_modified: ago(5), ..stream_mapping() };
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![mapping, queue_mapping()]) });
    trial.tell(Msg::FunctionsArrived { at: NOW, result: Ok(vec![function(NOW.plus_s(-3 * 3600), "a")]) });
    let subjects: Vec<&ChangeSubject> = trial.console.picture.changes.iter().map(|change| &change.subject).collect();
    let wanted = [
        ChangeSubject::Mapping("uuid-stream".into()),
        ChangeSubject::Function("LogWorker".into()),
        ChangeSubject::Queue("JobQueue".into()),
    ];
    assert_eq!(subjects, wanted.iter().collect::<Vec<_>>());
    assert_eq!(whats(&trial), [Change::SETTINGS, "deploy", Change::SETTINGS]);
}

#[test]
fn the_stack_that_deployed_is_known_once_and_others_are_not() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let deployed = NOW.plus_s(-3 * 3600);
    trial.tell(Msg::FunctionsArrived { at: NOW, result: Ok(vec![function(deployed, "a")]) });
    let stack = |name: &str, at| Stack {
        name: name.to_owned(),
        status: "UPDATE_COMPLETE".to_owned(),
        created_at: Some(NOW.plus_s(-90 * 86_400)),
        updated_at: Some(at),
    };
    let stacks = vec![stack("courier", deployed.plus_s(-40)), stack("website", NOW.plus_s(-3600))];
    for _ in 0..2 {
        trial.tell(Msg::StacksArrived { at: NOW, result: Ok(stacks.clone()) });
    }
    let subjects: Vec<&ChangeSubject> = trial.console.picture.changes.iter().map(|change| &change.subject).collect();
    assert_eq!(subjects, [&ChangeSubject::Stack("courier".to_owned()), &ChangeSubject::Function("LogWorker".into())]);
}

#[test]
fn a_queues_change_is_kept_with_its_old_and_its_new_value() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let at = NOW.plus_s(30);
    let mut changed = Queue { visibility_s: 90, last_modified: Some(at), ..queue("JobQueue") };
    if let Some(policy) = &mut changed.redrive {
        policy.max_receive_count = 5;
    }
    for _ in 0..2 {
        let results = vec![(changed.name.clone(), Ok(changed.clone()))];
        trial.tell(Msg::QueuesArrived { at: NOW.plus_s(35), results });
    }
    assert_eq!(whats(&trial), ["visibility 60→90 s, dead letters JobDLQ after 3→JobDLQ after 5"], "told once");
    assert_eq!(trial.console.picture.changes[0].at, at);
}

#[test]
fn a_functions_deploy_is_told_from_its_settings() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let arrives = |trial: &mut Trial, function: Function| {
        trial.tell(Msg::FunctionsArrived { at: NOW, result: Ok(vec![function]) });
    };
    let old = NOW.plus_s(-9 * 86_400);
    arrives(&mut trial, function(old, "a"));
    arrives(&mut trial, function(old, "a"));
    assert_eq!(whats(&trial), Vec::<&str>::new());
    arrives(&mut trial, Function { timeout_s: Some(90), ..function(NOW.plus_s(-30), "a") });
    arrives(&mut trial, Function { timeout_s: Some(90), ..function(NOW.plus_s(-20), "a") });
    arrives(&mut trial, Function { timeout_s: Some(90), ..function(NOW.plus_s(-10), "b") });
    assert_eq!(whats(&trial), ["time-out 60→90 s", Change::SETTINGS, "deploy"]);
}

#[test]
fn a_mappings_guards_are_watched_too() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let mut mapping = stream_mapping();
    mapping.settings.max_retry_attempts = Some(3);
    mapping.settings.bisect = Some(true);
    mapping.settings.on_failure = Some("arn:aws:sqs:eu-west-1:123456789012:LogFailures".into());
    trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![mapping, queue_mapping()]) });
    assert_eq!(whats(&trial), ["retries –→3, bisect –→on, on failure none→LogFailures"]);
}
