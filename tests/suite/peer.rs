//! `aws::Account` against somebody else's AWS (CONTRIBUTING, "Other people's AWS"). It needs one that
//! runs and was filled by `tests/peers/seed_account.py`; without one each test says that it did not run:
//!
//! `REDRIVE_PEER=http://127.0.0.1:4566 cargo test --test suite peer::`

use std::io::Write;

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::model::id::Arn;
use redrive::model::mapping::MappingChange;
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::queue::Queue;
use redrive::model::scope::Scope;
use redrive::model::service_error::Outcome;
use redrive::model::topology::EdgeKind;
use redrive::operation::order::{Answer, Lease, Order};

/// `None` where no peer is named, which is said past the harness's capture: a test that did not run
/// must not look like one that passed.
async fn peer(test: &str) -> Option<Account> {
    let Some(endpoint) = std::env::var("REDRIVE_PEER").ok().filter(|url| !url.is_empty()) else {
        let why = "REDRIVE_PEER names no endpoint of somebody else's AWS";
        let _ = writeln!(std::io::stderr(), "NOT RUN peer::{test}: {why} (CONTRIBUTING)");
        return None;
    };
    let options = ConnectOptions {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(endpoint),
        test_credentials: true,
        ..ConnectOptions::default()
    };
    Some(Account::connect(options).await.expect("nothing is missing"))
}

async fn dead_letters(account: &Account) -> Queue {
    let survey = account.survey(&Scope::Everything).await;
    let found = survey.queues.into_iter().find(|(name, _)| name.as_str() == "JobDLQ").expect("seeded");
    found.1.expect("read")
}

#[tokio::test]
async fn a_peer_is_surveyed() {
    let Some(account) = peer("a_peer_is_surveyed").await else { return };
    let survey = account.survey(&Scope::Everything).await;
    let topology = survey.topology.as_ref().expect("drawn");
    let kinds = |wanted: fn(&EdgeKind) -> bool| topology.edges.iter().filter(|edge| wanted(&edge.kind)).count();
    assert_eq!(kinds(|kind| matches!(kind, EdgeKind::Mapping(_))), 2, "{survey:#?}");
    assert_eq!(kinds(|kind| matches!(kind, EdgeKind::DeadLetter)), 1, "{survey:#?}");
    assert_eq!(kinds(|kind| matches!(kind, EdgeKind::InferredWrite)), 2, "JOB_QUEUE_URL of both: {survey:#?}");
    assert_eq!(survey.missing, Vec::<String>::new());
    let dead = survey.queues.iter().find(|(name, _)| name.as_str() == "JobDLQ").expect("seeded");
    let dead = dead.1.as_ref().expect("read");
    assert_eq!(dead.sources.iter().map(Arn::resource).collect::<Vec<_>>(), ["JobQueue"]);
    assert!(dead.counts.total() > 0, "{dead:?}");
    assert!(!account.identity().await.expect("answered").account.is_empty());
    assert!(account.dates().borrow().is_some(), "answers are dated");
}

#[tokio::test]
async fn a_peer_answers_metrics_or_is_said_in_one_line_not_to() {
    let Some(account) = peer("a_peer_answers_metrics_or_is_said_in_one_line_not_to").await else { return };
    let now = account.identity().await.map(|_| account.dates().borrow().expect("dated")).expect("answered");
    let key = [MetricKey::sqs(&"JobDLQ".into(), "ApproximateNumberOfMessagesVisible", Stat::Maximum)];
    match account.metrics(&key, now.plus_s(-3_600), now).await {
        Ok(answer) => assert!(answer[&key[0]].is_ok(), "{answer:?}"),
        Err(error) => {
            assert!(!error.to_string().contains('\n') && error.to_string().len() < 400, "{error}");
            assert!(error.code == "NotAws" || error.http >= 500, "{error}");
        }
    }
}

#[tokio::test]
async fn a_peer_takes_a_lease_gives_it_back_and_is_retuned() {
    let Some(account) = peer("a_peer_takes_a_lease_gives_it_back_and_is_retuned").await else { return };
    let dead = dead_letters(&account).await;
    let receive = Order::Receive { queue: dead.url.clone(), max: 10, visibility_s: 30, wait_s: 1 };
    let Outcome::Done(Answer::Received(messages)) = account.perform(receive).await else { panic!("received") };
    let message = messages.first().expect("seeded");
    assert_eq!(message.attributes["tenant"].data_type, "String");
    assert!(message.system.receive_count > 0 && message.system.sent_at.ms() > 0, "{message:?}");
    let entries = messages.iter().map(|m| Lease { id: m.id.clone(), receipt: m.receipt.clone() }).collect();
    let release = Order::Release { queue: dead.url.clone(), entries };
    let Outcome::Done(Answer::Entries(results)) = account.perform(release).await else { panic!("released") };
    assert!(results.iter().all(Result::is_ok), "{results:?}");

    let mappings = account.mappings().await.expect("listed");
    let log_worker = mappings.iter().find(|mapping| mapping.function.as_str() == "LogWorker").expect("seeded");
    let change = MappingChange { parallelization_factor: Some(5), ..MappingChange::default() };
    let update = Order::UpdateMapping { mapping: log_worker.id.clone(), change };
    let end = account.perform(update).await;
    assert!(matches!(end, Outcome::Done(Answer::Mapping(_))), "{end:?}");
    let nowhere = Order::GetMapping("00000000-0000-0000-0000-000000000000".into());
    let Outcome::Refused(error) = account.perform(nowhere).await else { panic!("refused") };
    assert!(error.is_missing(), "{error}");
}
