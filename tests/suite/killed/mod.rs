//! The real program, killed in the middle of a redrive and resumed by another run of it: every message
//! is where it was or where it was to go, and those that are in both are named.

mod proxy;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::driver::listen::Listener;
use redrive::driver::sandbox::{ENDPOINT, Sandbox, SandboxOptions};
use redrive::model::id::QueueUrl;
use redrive::model::message::{AttributeValue, Message, Outgoing};
use redrive::model::service_error::Outcome;
use redrive::operation::order::{Answer, Lease, Order};
use redrive::operation::redrive::MARK;
use redrive::pipeline::standard::standard;
use serde_json::Value;

use crate::killed::proxy::{Boundary, Proxy};

const MESSAGES: usize = 2_000;

/// A sandbox where nobody consumes, with its dead letters.
struct Scene {
    sandbox: Sandbox,
    listener: Listener,
    account: Account,
    dead: BTreeSet<String>,
    home: tempfile::TempDir,
}

fn url(queue: &str) -> QueueUrl {
    let blueprint = standard();
    format!("{}/{}/{queue}", blueprint.sqs_endpoint, blueprint.account).into()
}

async fn scene() -> Scene {
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = 0;
    blueprint.load.events_per_ks = 0;
    blueprint.mappings.iter_mut().for_each(|mapping| mapping.enabled = false);
    for queue in &mut blueprint.queues {
        if let Some((_, most)) = &mut queue.redrive {
            *most = 1;
        }
    }
    // The program counts its leases by its own clock: the sandbox may not run faster.
    let options = SandboxOptions { scenario: "killed".into(), blueprint, seed: 1, speed: 1.0, history_s: 0 };
    let sandbox = Sandbox::start(options).expect("the blueprint fits together");
    sandbox.ready().await.expect("it runs");
    let account = Account::connect(ConnectOptions {
        region: Some(sandbox.region().to_owned()),
        endpoint_url: Some(ENDPOINT.to_owned()),
        http_client: Some(sandbox.client()),
        test_credentials: true,
        ..ConnectOptions::default()
    })
    .await
    .expect("in process");
    for first in (0..MESSAGES).step_by(10) {
        let body = |n: usize| Outgoing { body: format!("{{\"n\":{n}}}"), ..Outgoing::default() };
        let entries = (first..first + 10).map(body).collect();
        let sent = account.perform(Order::Send { queue: url("JobQueue"), entries }).await;
        assert!(matches!(sent, Outcome::Done(Answer::Sent(_))), "{sent:?}");
    }
    // Received once too often, each is dead.
    while !receive(&account, "JobQueue", 0).await.is_empty() {}
    let letters = drain(&account, "JobDLQ", 0, MESSAGES).await;
    let dead: BTreeSet<String> = letters.iter().map(|letter| letter.id.to_string()).collect();
    assert_eq!(dead.len(), MESSAGES);
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    Scene { sandbox, listener, account, dead, home: tempfile::tempdir().expect("a directory") }
}

async fn receive(account: &Account, queue: &str, visibility_s: u32) -> Vec<Message> {
    let order = Order::Receive { queue: url(queue), max: 10, visibility_s, wait_s: 0 };
    match account.perform(order).await {
        Outcome::Done(Answer::Received(messages)) => messages,
        other => panic!("received {other:?}"),
    }
}

/// All that is in a queue; what was looked at is given back when it is to be.
async fn drain(account: &Account, queue: &str, keep_s: u32, most: usize) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let found = receive(account, queue, 600).await;
        if found.is_empty() {
            break;
        }
        all.extend(found);
    }
    assert!(all.len() <= most + MESSAGES, "{} in {queue}", all.len());
    if keep_s == 0 {
        for chunk in all.chunks(10) {
            let lease = |letter: &Message| Lease { id: letter.id.clone(), receipt: letter.receipt.clone() };
            let entries = chunk.iter().map(lease).collect();
            account.perform(Order::Release { queue: url(queue), entries }).await;
        }
    }
    all
}

fn program(home: &Path, endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redrive"));
    command
        .args(arguments)
        .args(["--endpoint-url", endpoint, "--region", "eu-west-1", "-o", "json"])
        .env_clear()
        .env("HOME", home)
        .env("REDRIVE_STATE_DIR", home.join("state"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Its end, waited for beside the proxy.
async fn ended(mut command: Command, aim: impl FnOnce(u32)) -> Output {
    let child = command.spawn().expect("it starts");
    aim(child.id());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
    output.expect("no panic").expect("it ends")
}

const REDRIVE: [&str; 7] = ["dlq", "redrive", "JobDLQ", "--rate", "off", "--no-canary", "--yes"];

/// Kills a redrive there, resumes it, and counts.
async fn killed(boundary: Option<Boundary>, after_write: Option<u64>) {
    let what = format!("{boundary:?} {after_write:?}");
    if std::env::var_os("REDRIVE_KILL").is_none() {
        // Past the harness's capture: a test that did not run must not look like one that passed.
        let _ = writeln!(std::io::stderr(), "NOT RUN killed {what}: it takes minutes; REDRIVE_KILL=1 runs it");
        return;
    }
    let scene = scene().await;
    let proxy = Proxy::start(scene.listener.address(), boundary).await;
    let mut command = program(scene.home.path(), &format!("http://{}", proxy.address), &REDRIVE);
    if let Some(n) = after_write {
        command.env("REDRIVE_TEST_DIE_AFTER_WRITE", n.to_string());
    }
    let output = ended(command, |pid| proxy.aim(pid)).await;
    assert_eq!(output.status.code(), None, "{what}: it was killed: {output:?}");
    // The next morning: the dead one's leases have run out.
    scene.sandbox.advance(61_000).await.expect("it runs");
    let endpoint = format!("http://{}", scene.listener.address());
    let resume = ended(program(scene.home.path(), &endpoint, &["journal", "resume", "--yes"]), drop).await;
    let said = String::from_utf8_lossy(&resume.stderr).into_owned();
    let outcome: Value =
        serde_json::from_slice(&resume.stdout).unwrap_or_else(|error| panic!("{what}: {error}: {said}"));
    assert!(said.contains("taken over from"), "{what}: {said}");
    assert!(matches!(resume.status.code(), Some(0 | 5)), "{what}: {:?}: {said}", resume.status);
    let named: BTreeSet<String> = outcome["duplicates_possible"]
        .as_array()
        .map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    account_for(&scene, &named, &what).await;
    let list = ended(program(scene.home.path(), &endpoint, &["journal", "list"]), drop).await;
    assert!(!String::from_utf8_lossy(&list.stdout).contains("cut-off"), "{what}: nothing is open any more");
}

/// Each of the messages is where it was or where it was to go; both only by name.
async fn account_for(scene: &Scene, named: &BTreeSet<String>, what: &str) {
    scene.sandbox.advance(61_000).await.expect("it runs");
    let left: BTreeSet<String> =
        drain(&scene.account, "JobDLQ", 600, MESSAGES).await.into_iter().map(|letter| letter.id.to_string()).collect();
    let mut moved: BTreeMap<String, usize> = BTreeMap::new();
    for message in drain(&scene.account, "JobQueue", 600, MESSAGES).await {
        let Some(AttributeValue::Text(old)) = message.attributes.get(MARK).map(|mark| mark.value.clone()) else {
            panic!("{what}: {message:?} is not from a redrive");
        };
        *moved.entry(old).or_default() += 1;
    }
    for id in &scene.dead {
        let copies = usize::from(left.contains(id)) + moved.get(id).copied().unwrap_or(0);
        assert!(copies > 0, "{what}: {id} is lost");
        assert!(copies == 1 || named.contains(id), "{what}: {id} exists {copies} times and is not named");
    }
    let unnamed = left.iter().filter(|id| !named.contains(*id)).count();
    assert_eq!(unnamed, 0, "{what}: what is not named was moved; {} left, {} named", left.len(), named.len());
    assert!(named.len() <= 200, "{what}: {} named: what was under way, not more", named.len());
}

/// 18 boundaries of requests, a third of them a test.
async fn killed_at(of: &'static str, numbers: [u64; 3]) {
    for n in numbers {
        for applied in [false, true] {
            killed(Some(Boundary { of, n, applied }), None).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_receive_every_message_is_accounted_for() {
    killed_at("Receive", [1, 20, 90]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_send_every_message_is_accounted_for() {
    killed_at("Send", [1, 40, 180]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_delete_every_message_is_accounted_for() {
    killed_at("Delete", [1, 60, 190]).await;
}

/// The scan's own two writes come first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_a_write_of_the_journal_every_message_is_accounted_for() {
    for n in [4, 40] {
        killed(None, Some(n)).await;
    }
}
