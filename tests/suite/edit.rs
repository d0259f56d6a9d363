//! `dlq redrive --where … --edit …` on the real binary against a served sandbox: what matches goes back
//! with its new body, what does not stays, and the originals can be had from the journal.

use std::process::Command;

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::driver::sandbox::{ENDPOINT, Sandbox, SandboxOptions};
use redrive::model::id::QueueUrl;
use redrive::model::message::{Message, Outgoing};
use redrive::model::service_error::Outcome;
use redrive::operation::order::{Answer, Order};
use redrive::pipeline::standard::standard;
use serde_json::Value;

fn url(queue: &str) -> QueueUrl {
    let blueprint = standard();
    format!("{}/{}/{queue}", blueprint.sqs_endpoint, blueprint.account).into()
}

async fn receive(account: &Account, queue: &str, visibility_s: u32) -> Vec<Message> {
    let order = Order::Receive { queue: url(queue), max: 10, visibility_s, wait_s: 0 };
    match account.perform(order).await {
        Outcome::Done(Answer::Received(messages)) => messages,
        other => panic!("received {other:?}"),
    }
}

async fn bodies(account: &Account, queue: &str) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let found = receive(account, queue, 600).await;
        if found.is_empty() {
            return all;
        }
        all.extend(found.iter().map(|letter| serde_json::from_str::<Value>(&letter.body).expect("JSON")));
    }
}

/// Twelve dead letters of the queue, and nobody who consumes.
async fn scene() -> (Sandbox, Account) {
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = 0;
    blueprint.load.events_per_ks = 0;
    blueprint.mappings.iter_mut().for_each(|mapping| mapping.enabled = false);
    for queue in &mut blueprint.queues {
        if let Some((_, most)) = &mut queue.redrive {
            *most = 1;
        }
    }
    let options = SandboxOptions { scenario: "edit".into(), blueprint, seed: 1, speed: 1.0, history_s: 0 };
    let sandbox = Sandbox::start(options).expect("the blueprint fits together");
    sandbox.ready().await.expect("it runs");
    let account = Account::connect(ConnectOptions {
        region: Some(sandbox.region().to_owned()),
        endpoint_url: Some(ENDPOINT.to_owned()),
        http_client: Some(sandbox.client()),
        test_credentials: true,
        ..ConnectOptions::default()
    });
    let account = account.await.expect("in process");
    for first in [0, 6] {
        let body = |n: usize| Outgoing {
            body: format!(r#"{{"run":"r-{n}","step":1,"action":"send","to":"wrong","n":{n}}}"#),
            ..Outgoing::default()
        };
        let entries = (first..first + 6).map(body).collect();
        let sent = account.perform(Order::Send { queue: url("JobQueue"), entries }).await;
        assert!(matches!(sent, Outcome::Done(Answer::Sent(_))), "{sent:?}");
    }
    while !receive(&account, "JobQueue", 0).await.is_empty() {}
    (sandbox, account)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matches_goes_back_with_another_body_and_the_rest_stays() {
    let (sandbox, account) = scene().await;
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let home = tempfile::tempdir().expect("a directory");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redrive"));
        command.args(arguments).args(["--endpoint-url", &format!("http://{}", listener.address())]);
        command.args(["--region", "eu-west-1"]).env_clear().env("HOME", home.path());
        command.env("REDRIVE_STATE_DIR", home.path().join("state"));
        async move { tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("it starts") }
    };
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let query = "step:send jq: .body.n >= 6";
    let wrong = run(&["dlq", "redrive", "JobDLQ", "--where", query, "--edit", ".body.", "--yes"]).await;
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    let edit = ".body.to = \"right\"";
    let done = run(&[
        "dlq", "redrive", "JobDLQ", "--where", query, "--edit", edit, "--canary", "6", "--rate", "off", "--yes", "-o",
        "json",
    ])
    .await;
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("-   \"to\": \"wrong\","), "the difference is shown: {}", said(&done));
    let report: Value = serde_json::from_slice(&done.stdout).expect("one object");
    assert_eq!(report["moved"], 6, "{report}");
    let gone = bodies(&account, "JobQueue").await;
    assert_eq!(gone.len(), 6);
    assert!(gone.iter().all(|body| body["to"] == "right" && body["n"].as_u64() >= Some(6)), "{gone:?}");
    let left = bodies(&account, "JobDLQ").await;
    assert!(left.len() == 6 && left.iter().all(|body| body["to"] == "wrong"), "{left:?}");
    let operation = report["operation"].as_str().expect("its id").to_owned();
    let back = run(&["dlq", "restore", "JobDLQ", "--operation", &operation, "--yes", "-o", "json"]).await;
    assert!(back.status.success(), "{}", said(&back));
    let originals = bodies(&account, "JobDLQ").await;
    assert!(originals.len() == 6 && originals.iter().all(|body| body["to"] == "wrong"), "{originals:?}");
}
