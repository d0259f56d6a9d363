//! Alarms of the scenarios, read from a running sandbox by the same clients that read an account, and
//! what is made of them; and the console opened at an alarm's name.

use std::time::Duration;

use redrive::aws::Account;
use redrive::model::alarm::{Alarm, AlarmKind, AlarmState};
use redrive::model::change::Change;
use redrive::model::finding::{Finding, Severity};
use redrive::model::observed::Observed;
use redrive::model::picture::Picture;
use redrive::model::scope::Scope;
use redrive::model::time::Timestamp;
use redrive::verdict;

use crate::pty::Session;
use crate::reach;

const LONG: Duration = Duration::from_secs(300);

/// The scenario when its console opens, as far as alarms and their surroundings go.
async fn opened(name: &str) -> (Account, Picture, Timestamp) {
    let (sandbox, account) = reach::opened(name).await;
    let survey = account.survey(&Scope::Everything).await;
    let now = sandbox.clock().account_now();
    let mut picture = Picture::default();
    for mapping in survey.mappings.expect("read") {
        picture.mappings.insert(mapping.id.clone(), Observed::new(mapping, now));
    }
    for queue in survey.queues.into_iter().filter_map(|(_, result)| result.ok()) {
        picture.put_queue(queue, now);
    }
    picture.topology = Some(Observed::new(survey.topology.expect("read"), now));
    let alarms = account.alarms().await.expect("read");
    let alarms = alarms.into_iter().map(|alarm| (alarm.name.clone(), alarm)).collect();
    picture.alarms = Some(Observed::new(alarms, now));
    let stacks = account.stacks().await.expect("read");
    assert_eq!(stacks.len(), 1);
    for function in survey.functions.expect("read") {
        picture.changes.extend(Change::of_function(&function, now));
    }
    picture.changes.extend(Change::of_stack(&stacks[0], &picture.changes, now));
    drop(sandbox);
    (account, picture, now)
}

fn alarm<'a>(picture: &'a Picture, name: &str) -> &'a Alarm {
    &picture.alarms.as_ref().expect("read").value[&name.into()]
}

fn firing(picture: &Picture, now: Timestamp) -> Vec<Finding> {
    verdict::judge(picture, now).into_iter().filter(|finding| verdict::alarm::alarm_of(finding).is_some()).collect()
}

#[tokio::test]
async fn the_night_shifts_alarms_say_what_since_when_and_how_much() {
    let (_, picture, now) = opened("night-shift").await;
    let found = firing(&picture, now);
    let rules: Vec<&str> = found.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["alarm:iterator-age-high", "alarm:job-dlq-not-empty"], "{found:#?}");
    assert!(found.iter().all(|finding| finding.severity == Severity::Harm && finding.since < Some(now)));
    let head = &found[0].headline;
    let value = head.strip_prefix("alarm iterator-age-high: ").and_then(|rest| rest.strip_suffix(" s > 300 s"));
    assert!(value.and_then(|value| value.parse::<u32>().ok()).is_some_and(|value| value > 300), "{head}");
    // In the hour since the load came, and after the age had time to grow.
    let since_s = now.ms_since(found[0].since.expect("known")) / 1000;
    assert!((600..3_000).contains(&since_s), "{since_s} s ago");
    assert_eq!(alarm(&picture, "log-path-broken").state, AlarmState::Ok);
    assert!(matches!(&alarm(&picture, "log-path-broken").kind, AlarmKind::Composite { rule } if rule.contains("AND")));
    assert_eq!(verdict::alarm::elsewhere(&picture), 0);
    // JobWorker was deployed a minute before its jobs began to die; LogWorker's trouble is older.
    let changed = |finding: &Finding| finding.evidence.iter().find(|line| line.starts_with("changed: ")).cloned();
    assert_eq!(changed(&found[0]), None);
    let deploy = changed(&found[1]).expect("a deploy before the dead letters");
    assert!(deploy.ends_with("(JobWorker, stack courier-automations)"), "{deploy}");
}

#[tokio::test]
async fn a_healthy_pipelines_alarms_are_all_quiet() {
    let (_, picture, now) = opened("steady").await;
    let states: Vec<(String, AlarmState)> = picture
        .alarms
        .iter()
        .flat_map(|alarms| alarms.value.values())
        .map(|alarm| (alarm.name.to_string(), alarm.state))
        .collect();
    assert_eq!(states.len(), 6);
    assert!(states.iter().all(|(_, state)| *state == AlarmState::Ok), "{states:?}");
    assert_eq!(firing(&picture, now), []);
}

#[tokio::test]
async fn a_poisoned_stream_fires_the_composite_alarm_that_names_its_children() {
    let (_, picture, now) = opened("poison").await;
    let found = firing(&picture, now);
    let composite = found.iter().find(|finding| finding.rule == "alarm:log-path-broken").expect("it fires");
    assert_eq!(composite.headline, "alarm log-path-broken: iterator-age-high, log-worker-errors");
    assert!(found.iter().all(|finding| finding.rule != "alarm:log-worker-errors"), "it pages nobody: {found:#?}");
    assert!(composite.evidence[1].starts_with("✖ log-worker-errors: "), "{:?}", composite.evidence);
}

/// From the page's alarm to its function to the top error line, on the screen of a real terminal: by
/// `enter` and `l`, or by `l` alone. Every key pressed on the way is counted.
#[test]
fn from_an_alarms_name_to_its_function_to_the_top_error_line_are_two_keys() {
    for (scenario, says) in [("poison", "mapper_parsing_exception"), ("slow-index", "the search index answers slowly")]
    {
        let mut session = Session::start(100, 30, &["sandbox", "--scenario", scenario, "--seed", "7", "--speed", "1"]);
        session.wait_at_most(LONG, "the alarm on top", |screen| {
            let mut harm = screen.lines().filter(|line| line.contains('✖') && line.contains("alarm "));
            harm.next().is_some_and(|line| line.contains("iterator-age-high") && line.contains(" s > "))
        });
        let by_function = ["\r", "l"];
        assert!(by_function.len() <= 3);
        session.keys(by_function[0]);
        session.wait_for("LogWorker · iterator age");
        session.wait_for("ParallelizationFactor");
        session.keys(by_function[1]);
        session.wait("the top line of the log", |screen| top_line(screen).is_some_and(|line| line.contains(says)));
        session.keys("1");
        session.wait_for("What is wrong");
        session.keys("l");
        session.wait("the same by one key", |screen| top_line(screen).is_some_and(|line| line.contains(says)));
        session.keys("\x03");
        assert_eq!(session.end(), 0);
    }
}

/// The first row of the kinds of trouble that a log tells.
fn top_line(screen: &str) -> Option<&str> {
    let (_, kinds) = screen.split_once("what it says")?;
    kinds.lines().nth(1)
}
