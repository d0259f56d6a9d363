//! The real program, killed in the middle of a redrive and resumed by another run of it: every message
//! is where it was or where it was to go, and those that are in both are named. Twenty kills in four
//! redrives of 2,000 messages: each redrive is killed, taken up again, killed again …, and at last finished.

mod proxy;
mod restore;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use redrive::aws::Account;
use redrive::driver::listen::Listener;
use redrive::driver::sandbox::{Sandbox, SandboxOptions};
use redrive::model::id::QueueUrl;
use redrive::model::message::{AttributeValue, Message, Outgoing};
use redrive::model::service_error::Outcome;
use redrive::operation::order::{Answer, Lease, Order};
use redrive::operation::redrive::MARK;
use redrive::pipeline::standard::standard;
use serde_json::Value;

use crate::killed::proxy::{Boundary, Proxy};
use crate::reach;

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

async fn scene(messages: usize) -> Scene {
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
    let account = reach::account(sandbox.region(), sandbox.client()).await;
    for first in (0..messages).step_by(10) {
        let body = |n: usize| Outgoing { body: format!("{{\"n\":{n}}}"), ..Outgoing::default() };
        let entries = (first..first + 10).map(body).collect();
        let sent = account.perform(Order::Send { queue: url("JobQueue"), entries }).await;
        assert!(matches!(sent, Outcome::Done(Answer::Sent(_))), "{sent:?}");
    }
    // Received once too often, each is dead.
    while !receive(&account, "JobQueue", 0).await.is_empty() {}
    let letters = drain(&account, "JobDLQ", 0, messages).await;
    let dead: BTreeSet<String> = letters.iter().map(|letter| letter.id.to_string()).collect();
    assert_eq!(dead.len(), messages);
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
        .args(["--endpoint-url", endpoint, "--region", "eu-west-1"])
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

const REDRIVE: [&str; 9] = ["dlq", "redrive", "JobDLQ", "--rate", "off", "--no-canary", "--yes", "-o", "json"];
const RESUME: [&str; 5] = ["journal", "resume", "--yes", "-o", "json"];

/// How one life of the program ends.
#[derive(Debug, Clone, Copy)]
enum Death {
    At(Boundary),
    /// Once that write of the journal is durable, before anybody hears of it.
    AfterWrite(u64),
}

/// One redrive, killed and taken up again as often as there are deaths, then finished and counted.
async fn killed(deaths: &[Death]) {
    let scene = scene(MESSAGES).await;
    for (n, death) in deaths.iter().enumerate() {
        let what = format!("kill {} of {}, {death:?}", n + 1, deaths.len());
        let boundary = match death {
            Death::At(boundary) => Some(*boundary),
            Death::AfterWrite(_) => None,
        };
        let proxy = Proxy::start(scene.listener.address(), boundary).await;
        let arguments: &[&str] = if n == 0 { &REDRIVE } else { &RESUME };
        let mut command = program(scene.home.path(), &format!("http://{}", proxy.address), arguments);
        if let Death::AfterWrite(n) = death {
            command.env("REDRIVE_TEST_DIE_AFTER_WRITE", n.to_string());
        }
        let output = ended(command, |pid| proxy.aim(pid)).await;
        assert_eq!(output.status.code(), None, "{what}: it was killed: {output:?}");
        // The next morning: the dead one's leases have run out.
        scene.sandbox.advance(61_000).await.expect("it runs");
        let there = count(&scene.account, "JobDLQ").await + count(&scene.account, "JobQueue").await;
        assert!(there >= MESSAGES as u64, "{what}: {there} are left of {MESSAGES}");
    }
    finish(&scene, deaths.len()).await;
}

/// The last resume, to the end, and the count.
async fn finish(scene: &Scene, deaths: usize) {
    let endpoint = format!("http://{}", scene.listener.address());
    let resume = ended(program(scene.home.path(), &endpoint, &RESUME), drop).await;
    let said = String::from_utf8_lossy(&resume.stderr).into_owned();
    let outcome: Value = serde_json::from_slice(&resume.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(said.contains("taken over from"), "{said}");
    assert!(matches!(resume.status.code(), Some(0 | 5)), "{:?}: {said}", resume.status);
    let named: BTreeSet<String> = outcome["duplicates_possible"]
        .as_array()
        .map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    assert!(named.len() <= 200 * deaths, "{} named: what was under way at a kill, not more", named.len());
    account_for(scene, &named).await;
    let list = ended(program(scene.home.path(), &endpoint, &["journal", "list", "-o", "json"]), drop).await;
    assert!(!String::from_utf8_lossy(&list.stdout).contains("cut-off"), "nothing is open any more");
}

async fn count(account: &Account, queue: &str) -> u64 {
    match account.perform(Order::QueueCounts { queue: url(queue) }).await {
        Outcome::Done(Answer::Counts(counts)) => counts.total(),
        other => panic!("counted {other:?}"),
    }
}

/// Each of the messages is where it was or where it was to go; both only by name.
async fn account_for(scene: &Scene, named: &BTreeSet<String>) {
    scene.sandbox.advance(61_000).await.expect("it runs");
    let left: BTreeSet<String> =
        drain(&scene.account, "JobDLQ", 600, MESSAGES).await.into_iter().map(|letter| letter.id.to_string()).collect();
    let mut moved: BTreeMap<String, usize> = BTreeMap::new();
    for message in drain(&scene.account, "JobQueue", 600, MESSAGES).await {
        let Some(AttributeValue::Text(old)) = message.attributes.get(MARK).map(|mark| mark.value.clone()) else {
            panic!("{message:?} is not from a redrive");
        };
        *moved.entry(old).or_default() += 1;
    }
    for id in &scene.dead {
        let copies = usize::from(left.contains(id)) + moved.get(id).copied().unwrap_or(0);
        assert!(copies > 0, "{id} is lost");
        assert!(copies == 1 || named.contains(id), "{id} exists {copies} times and is not named");
    }
    let unnamed = left.iter().filter(|id| !named.contains(*id)).count();
    assert_eq!(unnamed, 0, "what is not named was moved; {} left, {} named", left.len(), named.len());
}

/// Before the n-th request and, at the n-th of the next life, after it was done and before it was answered.
async fn killed_around(of: &'static str, numbers: [u64; 3]) {
    let both = |n| [false, true].map(|applied| Death::At(Boundary { of, n, applied }));
    killed(&numbers.map(both).concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_receives_every_message_is_accounted_for() {
    killed_around("Receive", [1, 14, 30]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_sends_every_message_is_accounted_for() {
    killed_around("Send", [1, 12, 36]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_deletes_every_message_is_accounted_for() {
    killed_around("Delete", [1, 10, 40]).await;
}

/// The scan's own two writes come first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_writes_of_the_journal_every_message_is_accounted_for() {
    killed(&[Death::AfterWrite(4), Death::AfterWrite(25)]).await;
}
