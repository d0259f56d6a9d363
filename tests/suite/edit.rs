//! `dlq redrive --where … --edit …` and `dlq try --edit …` on the real binary against a served sandbox:
//! what matches goes back with its new body, what does not stays, and the originals can be had from the
//! journal; what is tried is deleted only if its new body came through.

use std::process::{Command, Output};

use redrive::aws::Account;
use redrive::driver::listen::Listener;
use redrive::driver::sandbox::{Sandbox, SandboxOptions};
use redrive::model::id::QueueUrl;
use redrive::model::message::{Message, Outgoing};
use redrive::model::service_error::Outcome;
use redrive::operation::order::{Answer, Lease, Order};
use redrive::pipeline::blueprint::Blueprint;
use redrive::pipeline::standard::standard;
use serde_json::Value;

use crate::reach;

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

/// Nobody consumes, and who is received once too often is dead.
fn still() -> Blueprint {
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = 0;
    blueprint.load.events_per_ks = 0;
    blueprint.mappings.iter_mut().for_each(|mapping| mapping.enabled = false);
    for queue in &mut blueprint.queues {
        if let Some((_, most)) = &mut queue.redrive {
            *most = 1;
        }
    }
    blueprint
}

async fn started(blueprint: Blueprint) -> (Sandbox, Account) {
    let options = SandboxOptions { scenario: "edit".into(), blueprint, seed: 1, speed: 1.0, history_s: 0 };
    let sandbox = Sandbox::start(options).expect("the blueprint fits together");
    sandbox.ready().await.expect("it runs");
    let account = reach::account(sandbox.region(), sandbox.client()).await;
    (sandbox, account)
}

/// The real program.
struct Program {
    home: tempfile::TempDir,
    endpoint: String,
}

impl Program {
    fn of(listener: &Listener) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        Program { home, endpoint: format!("http://{}", listener.address()) }
    }

    /// To its end.
    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redrive"));
        command.args(arguments).args(["--endpoint-url", &self.endpoint, "--region", "eu-west-1"]);
        command.env_clear().env("HOME", self.home.path());
        command.env("REDRIVE_STATE_DIR", self.home.path().join("state"));
        tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("it starts")
    }
}

/// Twelve dead letters of the queue.
async fn scene() -> (Sandbox, Account) {
    let (sandbox, account) = started(still()).await;
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
    let program = Program::of(&listener);
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let query = "step:send jq: .body.n >= 6";
    let wrong = program.run(&["dlq", "redrive", "JobDLQ", "--where", query, "--edit", ".body.", "--yes"]).await;
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    let edit = ".body.to = \"right\"";
    let done = program
        .run(&[
            "dlq", "redrive", "JobDLQ", "--where", query, "--edit", edit, "--canary", "6", "--rate", "off", "--yes",
            "-o", "json",
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
    let back = program.run(&["dlq", "restore", "JobDLQ", "--operation", &operation, "--yes", "-o", "json"]).await;
    assert!(back.status.success(), "{}", said(&back));
    let originals = bodies(&account, "JobDLQ").await;
    assert!(originals.len() == 6 && originals.iter().all(|body| body["to"] == "wrong"), "{originals:?}");
}

/// A real job's dead letter with a step that is none; its id, and the step it should have.
async fn broken(sandbox: &Sandbox, account: &Account) -> (String, Value) {
    let mut job = None;
    for _ in 0..200 {
        job = receive(account, "JobQueue", 600).await.pop();
        if job.is_some() {
            break;
        }
        sandbox.advance(5_000).await.expect("it runs");
    }
    let job = job.expect("automations run");
    let mut body: Value = serde_json::from_str(&job.body).expect("JSON");
    let step = std::mem::replace(&mut body["step"], "none".into());
    let lease = Lease { id: job.id, receipt: job.receipt };
    account.perform(Order::Delete { queue: url("JobQueue"), entries: vec![lease] }).await;
    let body = body.to_string();
    let entries = vec![Outgoing { body: body.clone(), ..Outgoing::default() }];
    account.perform(Order::Send { queue: url("JobQueue"), entries }).await;
    while !receive(account, "JobQueue", 0).await.is_empty() {}
    let dead = receive(account, "JobDLQ", 0).await;
    let letter = dead.iter().find(|letter| letter.body == body).expect("it died");
    (letter.id.to_string(), step)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_with_another_body_is_deleted_only_if_that_came_through() {
    let mut blueprint = still();
    blueprint.load.requests_per_ks = 20;
    let (sandbox, account) = started(blueprint).await;
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let program = Program::of(&listener);
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let report = |output: &Output| -> Value {
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
    };
    let (id, step) = broken(&sandbox, &account).await;
    let tried = ["dlq", "try", "JobDLQ", "--id", &id, "--yes", "-o", "json", "--edit"];
    let with = |edit| [&tried[..], &[edit]].concat();

    let useless = program.run(&with(".body.note = \"still wrong\"")).await;
    assert_eq!(useless.status.code(), Some(5), "{}", said(&useless));
    assert!(said(&useless).contains("+   \"note\": \"still wrong\""), "the difference is shown: {}", said(&useless));
    assert_eq!(report(&useless)["deleted"], false, "{}", report(&useless));
    let dead = receive(&account, "JobDLQ", 0).await;
    let letter = dead.iter().find(|letter| letter.id.as_str() == id).expect("it stays");
    assert!(!letter.body.contains("note"), "as it was: {}", letter.body);

    let right = format!(".body.step = {step}");
    let done = program.run(&with(right.as_str())).await;
    assert!(done.status.success(), "{}\n{}", said(&done), report(&done));
    assert_eq!(report(&done)["deleted"], true, "{}", report(&done));
    assert!(receive(&account, "JobDLQ", 0).await.iter().all(|letter| letter.id.as_str() != id), "it is deleted");
    let operation = report(&done)["operation"].as_str().expect("its id").to_owned();
    let back = program.run(&["dlq", "restore", "JobDLQ", "--operation", &operation, "--yes"]).await;
    assert!(back.status.success(), "{}", said(&back));
    let dead = receive(&account, "JobDLQ", 0).await;
    assert!(dead.iter().any(|back| back.body == letter.body), "as it was, it can be had back: {dead:?}");
}
