//! What a person is shown when something about the account is not as it should be: a table, a row a
//! fault. Each fault takes its own part away and leaves the rest. Tests only.

use crate::console::ConsoleOptions;
use crate::console::screen::Screen;
use crate::model::permission::{READ_ONLY, actions_in};
use crate::pipeline::standard::standard;
use crate::shell::rig::Rig;

/// Of a permission that is missing: what is said beside its name, and a part of the picture that is
/// there all the same; where that is not the line of denials, and the stream's consumer.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("cloudwatch:GetMetricData", "metrics unavailable", "LogWorker"),
    ("lambda:ListEventSourceMappings", "not allowed here: lambda:ListEventSourceMappings;", "JobQueue"),
];

async fn watched(rig: &mut Rig) {
    rig.until("a picture", |console| console.picture.topology.is_some()).await;
    // Every kind of poll has been answered, well or not.
    for _ in 0..20 {
        rig.pass(1_000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_missing_takes_its_own_part_away_and_is_named_once() {
    let mut rig = Rig::start(ConsoleOptions::default(), |_| {}).await;
    watched(&mut rig).await;
    let asked = rig.gate.calls();
    rig.stop().await;
    // Every read that watching makes, whoever added it.
    let mut rows = actions_in(READ_ONLY);
    rows.retain(|action| asked.contains_key(action));
    assert!(rows.len() >= 6, "{rows:?}");
    for action in &rows {
        let line = format!("not allowed here: {action};");
        let known = OTHERWISE.iter().find(|(known, _, _)| known == action);
        let (said, there) = known.map_or((line.as_str(), "LogWorker"), |(_, said, there)| (*said, *there));
        let mut rig = Rig::start(ConsoleOptions::default(), |gate| gate.deny(action)).await;
        watched(&mut rig).await;
        for (columns, rows) in [(120, 36), (80, 24)] {
            let screen = rig.screen(columns, rows);
            let named = screen.matches(action.as_str()).count();
            assert!(named == 1, "{action} is named {named} times at {columns}×{rows}:\n{screen}");
            assert!(screen.contains(there), "{action} took {there} away at {columns}×{rows}:\n{screen}");
            assert!(screen.contains(said), "{action} at {columns}×{rows}:\n{screen}");
        }
        assert!(!rig.screen(120, 36).contains("assumed-role"), "the service's sentence is not for the screen");
        let toasts: Vec<_> = rig.console.toasts.iter().filter(|toast| toast.text.contains(action.as_str())).collect();
        assert!(toasts.is_empty(), "{toasts:?}");
        // Given the permission, all of it comes back by itself.
        rig.gate.allow(action);
        let gone = |console: &crate::console::Console| {
            console.denied.is_empty() && console.troubles.is_empty() && console.picture.metrics_error.is_none()
        };
        rig.until("the permission to be used", gone).await;
        rig.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_one_screen_asks_for_is_missed_only_there() {
    let mut rig = Rig::start(ConsoleOptions::default(), |gate| gate.deny("sqs:ListMessageMoveTasks")).await;
    watched(&mut rig).await;
    assert_eq!(rig.console.denied_line(), None);
    rig.console.screens = vec![Screen::Map, Screen::Triage("JobDLQ".into())];
    rig.until("the move task to be refused", |console| console.denied_line().is_some()).await;
    let screen = rig.screen(120, 36);
    assert_eq!(screen.matches("sqs:ListMessageMoveTasks").count(), 1, "{screen}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_credentials_are_one_line_with_the_command_that_renews_them_and_end_by_themselves() {
    let options = ConsoleOptions { profile: Some("prod".to_owned()), ..ConsoleOptions::default() };
    let mut rig = Rig::start(options, |_| {}).await;
    watched(&mut rig).await;
    let before = rig.console.picture.mappings.len();
    assert!(before > 0);
    rig.gate.expire(true);
    rig.until("the refusal", |console| console.locked_out.is_some()).await;
    let asked = rig.gate.calls();
    for _ in 0..120 {
        rig.pass(1_000).await;
    }
    let later = rig.gate.calls();
    let (was, is) = (asked.values().sum::<u64>(), later.values().sum::<u64>());
    assert!(is - was <= 20, "two minutes locked out: {} requests more", is - was);
    for (columns, rows) in [(120, 36), (80, 24)] {
        let screen = rig.screen(columns, rows);
        assert_eq!(screen.matches("aws sso login").count(), 1, "{screen}");
        assert!(screen.contains("`aws sso login --profile prod`") && screen.contains("expired"), "{screen}");
        assert!(screen.contains("LogWorker"), "what is known stays:\n{screen}");
    }
    assert!(rig.console.toasts.is_empty(), "{:?}", rig.console.toasts);
    assert_eq!(rig.console.picture.mappings.len(), before);
    let at = rig.console.picture.mappings.values().map(|mapping| mapping.at).max();
    rig.gate.expire(false);
    rig.until("new answers", |console| console.picture.mappings.values().map(|mapping| mapping.at).max() > at).await;
    assert!(rig.console.locked_out.is_none() && rig.console.troubles.is_empty(), "{:?}", rig.console.troubles);
    assert!(!rig.screen(120, 36).contains("aws sso login"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_without_the_pipeline_says_so() {
    let mut blueprint = standard();
    // Everything there is has another name: as a wrong region has it, and a wrong prefix.
    blueprint.region = "eu-central-1".to_owned();
    let mut rig = Rig::of(blueprint, Some("orders-"), ConsoleOptions::default(), |_| {}).await;
    watched(&mut rig).await;
    for (columns, rows) in [(120, 36), (80, 24)] {
        let screen = rig.screen(columns, rows);
        assert!(screen.contains("no function, queue or stream found here"), "{screen}");
        assert!(screen.contains("wrong region, account or --prefix?"), "{screen}");
        assert!(screen.contains("eu-central-1"), "{screen}");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_ten_minutes_off_is_said_plainly_and_corrected() {
    for (ahead_s, way) in [(600, "slow"), (-600, "fast")] {
        let mut rig = Rig::start(ConsoleOptions::default(), |gate| gate.set_ahead_s(ahead_s)).await;
        watched(&mut rig).await;
        // The first request of each service is refused by its signature; the next is signed right.
        rig.until("no trouble", |console| console.troubles.is_empty() && !console.picture.queues.is_empty()).await;
        let screen = rig.screen(120, 36);
        assert!(screen.contains(&format!("this machine's clock is 10 m {way}")), "{screen}");
        assert_eq!(screen.matches("clock is").count(), 1, "{screen}");
        assert!(screen.contains("LogWorker"), "{screen}");
        rig.stop().await;
    }
}
