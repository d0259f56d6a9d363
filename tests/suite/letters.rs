//! Dead letters by command, on the real binary against a served sandbox: found, exported, dropped and
//! put back byte for byte, however hostile they are; and a jq program that never ends, ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};
use redrive::driver::listen::Listener;
use redrive::driver::sandbox::{ENDPOINT, Sandbox, SandboxOptions};
use redrive::pipeline::blueprint::Blueprint;
use redrive::pipeline::standard::standard;

use crate::pty::Session;

const DLQ: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/JobDLQ";
const JOBS: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/JobQueue";

/// A sandbox without a past, served on loopback.
struct Served {
    /// Kept alive: the pipeline runs in it.
    _sandbox: Sandbox,
    _listener: Listener,
    sqs: Client,
    endpoint: String,
    home: tempfile::TempDir,
}

async fn served() -> Served {
    served_by(standard()).await
}

async fn served_by(blueprint: Blueprint) -> Served {
    let options = SandboxOptions { scenario: "standard".into(), blueprint, seed: 7, speed: 1.0, history_s: 0 };
    let sandbox = Sandbox::start(options).expect("the standard blueprint fits together");
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a port is free");
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(ENDPOINT)
        .credentials_provider(Credentials::for_tests())
        .http_client(sandbox.client());
    Served {
        sqs: Client::from_conf(config.build()),
        endpoint: format!("http://{}", listener.address()),
        _sandbox: sandbox,
        _listener: listener,
        home: tempfile::tempdir().expect("a directory"),
    }
}

impl Served {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redrive"));
        command.args(arguments).args(["--endpoint-url", &self.endpoint, "--region", "eu-west-1"]);
        command.env_clear().env("HOME", self.home.path()).env("REDRIVE_STATE_DIR", self.home.path().join("state"));
        command
    }

    async fn redrive(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("the binary starts")
    }

    async fn send(&self, body: &str, attributes: &[(&str, &str, Vec<u8>)]) {
        self.send_to(DLQ, body, attributes).await;
    }

    async fn send_to(&self, queue: &str, body: &str, attributes: &[(&str, &str, Vec<u8>)]) {
        let mut request = self.sqs.send_message().queue_url(queue).message_body(body);
        for (name, data_type, bytes) in attributes {
            let value = MessageAttributeValue::builder().data_type(*data_type).binary_value(Blob::new(bytes.clone()));
            request = request.message_attributes(*name, value.build().expect("complete"));
        }
        request.send().await.expect("the queue takes it");
    }

    async fn fill(&self, count: usize) {
        for start in (0..count).step_by(10) {
            let entry = |n: usize| {
                let body = format!(r#"{{"run":"r-{n}","step":{},"action":"send"}}"#, n % 4);
                SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body).build().expect("complete")
            };
            let entries: Vec<_> = (start..count.min(start + 10)).map(entry).collect();
            let sent = self.sqs.send_message_batch().queue_url(DLQ).set_entries(Some(entries)).send().await;
            assert!(sent.expect("the queue takes them").failed.is_empty());
        }
    }

    /// Everything visible, by body.
    async fn take_all(&self) -> BTreeMap<String, Message> {
        self.take_all_of(DLQ).await
    }

    async fn take_all_of(&self, queue: &str) -> BTreeMap<String, Message> {
        let mut all = BTreeMap::new();
        loop {
            let request =
                self.sqs.receive_message().queue_url(queue).max_number_of_messages(10).visibility_timeout(600);
            let request = request.message_attribute_names("All");
            let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
            let messages = request.send().await.expect("answered").messages.unwrap_or_default();
            if messages.is_empty() {
                return all;
            }
            all.extend(messages.into_iter().map(|message| (message.body.clone().unwrap_or_default(), message)));
        }
    }

    async fn counts(&self) -> (u64, u64) {
        let request = self.sqs.get_queue_attributes().queue_url(DLQ).attribute_names(QueueAttributeName::All);
        let attributes = request.send().await.expect("answered").attributes.unwrap_or_default();
        let count = |name: QueueAttributeName| attributes.get(&name).and_then(|text| text.parse().ok()).unwrap_or(0);
        (
            count(QueueAttributeName::ApproximateNumberOfMessages),
            count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        )
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What SQS itself lets through: C1 controls, direction overrides, escapes spelled out, bombs.
fn hostile() -> Vec<String> {
    vec![
        "\u{9b}31mred \u{9d}0;owned\u{9c} \u{202e}txt.exe\u{202c} \u{feff}\u{200b}zero tab\tend\r\nline two".to_owned(),
        r#"{"action":"send","to":"\u001b[2J\u0000\ud800 lone"}"#.to_owned(),
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!(r#"{{"action":"send","line":"{}"}}"#, "x".repeat(1_048_000 - 40)),
        "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} 日本語 \u{1f468}\u{200d}\u{1f469}".to_owned(),
    ]
}

fn ten_binaries() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let names = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"];
    names.into_iter().zip(0_u8..).map(|(name, n)| (name, "Binary.raw", vec![n, 0, 27, b'[', 255, 0x9b])).collect()
}

#[tokio::test]
async fn hostile_letters_are_exported_dropped_and_put_back_byte_for_byte() {
    let served = served().await;
    for body in hostile() {
        served.send(&body, &[]).await;
    }
    served.send("ten attributes", &ten_binaries()).await;
    let file = served.home.path().join("all.ndjson");
    let path = file.to_str().expect("text");
    let listed = served.redrive(&["dlq", "list", "JobDLQ", "--yes"]).await;
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    let shown = text(&listed.stdout);
    for raw in ['\u{1b}', '\u{9b}', '\u{9d}', '\u{202e}', '\u{feff}'] {
        assert!(!shown.contains(raw), "{raw:?} reaches the terminal");
    }
    let kinds = served.redrive(&["dlq", "show", "JobDLQ", "--yes", "-o", "json"]).await;
    assert!(text(&kinds.stdout).contains("\"count\""), "{}", text(&kinds.stderr));
    let exported = served.redrive(&["dlq", "export", "JobDLQ", "--to", path, "--yes"]).await;
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let again = served.redrive(&["dlq", "export", "JobDLQ", "--to", path, "--yes"]).await;
    assert_eq!(again.status.code(), Some(2), "a file that is there is not written over");
    assert_eq!(lines(&file), 6);
    assert_eq!(served.counts().await, (6, 0), "looking gives everything back");

    let dry = served.redrive(&["dlq", "drop", "JobDLQ", "--where", "age>=0s"]).await;
    assert_eq!(dry.status.code(), Some(4), "not without --yes: {}", text(&dry.stderr));
    let dropped = served.redrive(&["dlq", "drop", "JobDLQ", "--where", "age>=0s", "--yes", "-o", "json"]).await;
    assert!(dropped.status.success(), "{}", text(&dropped.stderr));
    let report: serde_json::Value = serde_json::from_slice(&dropped.stdout).expect("one object");
    assert_eq!((&report["dropped"], &report["state"]), (&6.into(), &"done".into()), "{report}");
    assert_eq!(served.counts().await, (0, 0));

    // From the journal's copies, and once more from the file.
    let operation = report["operation"].as_str().expect("its id").to_owned();
    let restored = served.redrive(&["dlq", "restore", "JobDLQ", "--operation", &operation, "--yes"]).await;
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    same_as_sent(&served.take_all().await);
    let twice = served.redrive(&["dlq", "restore", "JobDLQ", "--operation", &operation, "--yes"]).await;
    assert!(
        twice.status.success() && text(&twice.stderr).contains("6 were put back before"),
        "{}",
        text(&twice.stderr)
    );
    assert_eq!(served.counts().await, (0, 6), "a copy is put back once: only those that were taken are there");
    let shown = served.redrive(&["journal", "show", &operation]).await;
    assert!(text(&shown.stdout).contains("came of it  6 of 6 dropped"), "{}", text(&shown.stdout));
    let again = served.redrive(&["dlq", "restore", "JobDLQ", "--operation", &operation, "--again", "--yes"]).await;
    assert!(again.status.success(), "{}", text(&again.stderr));
    same_as_sent(&served.take_all().await);
    let restored = served.redrive(&["dlq", "restore", "JobDLQ", "--file", path, "--yes"]).await;
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    same_as_sent(&served.take_all().await);
}

fn lines(file: &Path) -> usize {
    std::fs::read_to_string(file).expect("readable").lines().count()
}

fn same_as_sent(found: &BTreeMap<String, Message>) {
    let mut wanted = hostile();
    wanted.push("ten attributes".to_owned());
    wanted.sort();
    assert!(found.keys().eq(wanted.iter()), "bodies differ");
    let attributes = found["ten attributes"].message_attributes.clone().unwrap_or_default();
    assert_eq!(attributes.len(), 10);
    for (name, data_type, bytes) in ten_binaries() {
        let value = &attributes[name];
        assert_eq!((value.data_type(), value.binary_value().map(AsRef::as_ref)), (data_type, Some(&bytes[..])));
    }
}

/// Dies where it came from, so that it can go back there.
async fn send_to_die(served: &Served, body: &str, attributes: &[(&str, &str, Vec<u8>)]) {
    served.send_to(JOBS, body, attributes).await;
    // One receive more than its queue allows.
    for _ in 0..6 {
        let request = served.sqs.receive_message().queue_url(JOBS).visibility_timeout(0);
        request.send().await.expect("answered");
    }
}

#[tokio::test]
async fn hostile_letters_are_redriven_byte_for_byte() {
    // Nobody but the redrive touches what is in the queue.
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = 0;
    blueprint.mappings.iter_mut().for_each(|mapping| mapping.enabled = false);
    let served = served_by(blueprint).await;
    for body in hostile() {
        send_to_die(&served, &body, &[]).await;
    }
    send_to_die(&served, "ten attributes", &ten_binaries()).await;
    assert_eq!(served.counts().await, (6, 0), "all are dead");
    let redriven = ["dlq", "redrive", "JobDLQ", "--rate", "off", "--no-canary", "--yes", "-o", "json"];
    let redriven = served.redrive(&redriven).await;
    let report: serde_json::Value =
        serde_json::from_slice(&redriven.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&redriven.stderr)));
    assert_eq!((&report["moved"], &report["state"]), (&6.into(), &"done".into()), "{report}");
    for raw in ['\u{1b}', '\u{9b}', '\u{9d}', '\u{202e}', '\u{feff}'] {
        assert!(!text(&redriven.stderr).contains(raw), "{raw:?} reaches the terminal");
    }
    assert_eq!(served.counts().await, (0, 0));
    let mut moved = served.take_all_of(JOBS).await;
    for (body, message) in &mut moved {
        // Nine attributes leave a slot for where it came from; ten do not.
        let mark = message.message_attributes.as_mut().and_then(|attributes| attributes.remove("redrive-from"));
        assert_eq!(mark.is_some(), body != "ten attributes", "{mark:?}");
    }
    same_as_sent(&moved);
}

#[tokio::test]
async fn what_a_context_redacts_is_seen_by_nobody_who_does_not_ask_and_is_exported_whole() {
    let served = served().await;
    let config = served.home.path().join(".config/redrive");
    std::fs::create_dir_all(&config).expect("made");
    let toml = "current = \"c\"\n[contexts.c]\nredact = [\"profile.email\", \"to.*\"]\n";
    std::fs::write(config.join("config.toml"), toml).expect("written");
    let body = r#"{"action":"send","profile":{"email":"jo@secret.example","id":7},"to":["jo@secret.example"]}"#;
    served.send(body, &[]).await;
    served.send("to jo@secret.example by hand", &[]).await;
    let listed = served.redrive(&["dlq", "list", "JobDLQ", "--yes", "-o", "json"]).await;
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).expect("rows");
    let row = rows.iter().find(|row| row["body"].as_str().is_some_and(|body| body.starts_with('{'))).expect("listed");
    assert_eq!(row["body"], r#"{"action":"send","profile":{"email":"***","id":7},"to":["***"]}"#);
    let id = row["id"].as_str().expect("an id").to_owned();
    let other = rows.iter().find(|other| other["id"] != row["id"]).expect("two");
    assert_eq!(other["body"], "*** (not JSON; redaction is on)");
    for arguments in [
        &["dlq", "list", "JobDLQ", "--yes"][..],
        &["dlq", "show", "JobDLQ", "--yes"],
        &["dlq", "show", "JobDLQ", "--id", &id, "--yes"],
        &["dlq", "show", "JobDLQ", "--id", &id, "--yes", "-o", "json"],
    ] {
        let output = served.redrive(arguments).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(!text(&output.stdout).contains("secret") && !text(&output.stderr).contains("secret"), "{arguments:?}");
        if !arguments.contains(&"--id") {
            continue;
        }
        let revealed = served.redrive(&[arguments, &["--reveal"]].concat()).await;
        assert!(text(&revealed.stdout).contains("jo@secret.example"), "{arguments:?} {}", text(&revealed.stderr));
    }
    // Stars must not come back as a message.
    let file = served.home.path().join("shown.ndjson");
    let shown = served.redrive(&["dlq", "show", "JobDLQ", "--id", &id, "--yes", "-o", "ndjson"]).await;
    std::fs::write(&file, &shown.stdout).expect("written");
    let path = file.to_str().expect("text");
    let restored = served.redrive(&["dlq", "restore", "JobDLQ", "--file", path, "--yes"]).await;
    assert_eq!(restored.status.code(), Some(2), "{}", text(&restored.stderr));
    assert!(text(&restored.stderr).contains("is redacted here"), "{}", text(&restored.stderr));
    let exported = served.redrive(&["dlq", "export", "JobDLQ", "--id", &id, "--yes"]).await;
    let line: serde_json::Value = serde_json::from_slice(&exported.stdout).expect("a line");
    assert_eq!(line["body"], body, "byte for byte");
}

#[tokio::test]
async fn the_language_picks_and_a_program_that_never_ends_ends() {
    let served = served().await;
    served.fill(40).await;
    let count = |output: &Output| text(&output.stdout).lines().count();
    for (expression, wanted) in [
        ("step:send", 40),
        ("r-17", 1),
        ("-r-17 step:send", 39),
        ("jq: .body.step == 2", 10),
        // r-11, r-15 and r-19.
        ("r-1 jq: .body.step > 2", 3),
        (".meta.count >= 1 and (.body.run | test(\"-3$\"))", 1),
    ] {
        let found = served.redrive(&["dlq", "list", "JobDLQ", "--yes", "-o", "ndjson", "--where", expression]).await;
        assert!(found.status.success(), "{expression}: {}", text(&found.stderr));
        assert_eq!(count(&found), wanted, "{expression}");
    }
    for (expression, said) in [
        ("setp:send", "no qualifier setp"),
        ("jq: .body |", "expected at the end"),
        ("jq: def f: f; f", "may never end"),
        ("jq: last(range(infinite))", "may never end"),
    ] {
        let found = served.redrive(&["dlq", "list", "JobDLQ", "--yes", "--where", expression]).await;
        assert_eq!(found.status.code(), Some(2), "{expression}: {}", text(&found.stderr));
        assert!(text(&found.stderr).contains(said), "{expression}: {}", text(&found.stderr));
    }
    // Too much of anything ends the worker and nothing else.
    for bomb in ["jq: [repeat(\"x\" * 1000)] | length", "jq: reduce range(20000000) as $i (0; [.])"] {
        let found = served.redrive(&["dlq", "list", "JobDLQ", "--yes", "--where", bomb]).await;
        assert_eq!(found.status.code(), Some(2), "{bomb}: {}", text(&found.stderr));
    }
    assert_eq!(served.counts().await, (40, 0), "whatever was asked, everything was given back");
}

/// A console on the served account, writes armed, its scan of the queue just begun.
async fn scanning(served: &Served, env: &[(&str, &str)]) -> Session {
    let arguments = ["JobDLQ", "--write", "--endpoint-url", &served.endpoint, "--region", "eu-west-1"];
    let (arguments, env): (Vec<String>, Vec<(String, String)>) = (
        arguments.map(str::to_owned).into(),
        env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    );
    tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut session = Session::start_with(120, 36, &arguments, &env);
        session.wait_for("last four digits");
        session.keys("9012\r");
        session.wait("the queue's screen", |screen| screen.contains("enter scans it"));
        session.keys("\r");
        session.wait("the card to listen", |screen| {
            screen.contains("[ Leave it ]") && !screen.contains("keys are taken in a moment")
        });
        session.keys("\r");
        session
    })
    .await
    .expect("it runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_out_of_a_scan_gives_back_what_it_holds() {
    let served = served().await;
    served.fill(6_000).await;
    for (way, code) in [("quit", 0), ("TERM", 143), ("HUP", 129), ("panic", 101)] {
        let env: &[(&str, &str)] = if way == "panic" { &[("REDRIVE_TEST_PANIC", "held")] } else { &[] };
        let mut session = scanning(&served, env).await;
        let ended = tokio::task::spawn_blocking(move || {
            if way != "panic" {
                session.wait("messages to be held", |screen| screen.contains(" held until "));
            }
            match way {
                "quit" => session.keys("\x03\r"),
                "panic" => {}
                signal => session.signal(signal),
            }
            (session.end(), session.screen())
        });
        let (ended, screen) = ended.await.expect("it ends");
        assert_eq!(ended, code, "{way}:\n{screen}");
        let (visible, hidden) = served.counts().await;
        assert_eq!((visible, hidden), (6_000, 0), "{way}: nothing stays hidden\n{screen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_stays_sane_whatever_lies_in_the_queue() {
    let served = served().await;
    for body in hostile() {
        served.send(&body, &ten_binaries()).await;
    }
    let mut session = scanning(&served, &[]).await;
    let looked = tokio::task::spawn_blocking(move || {
        session.wait_at_most(Duration::from_secs(120), "the scan", |screen| screen.contains(" scanned at "));
        for _ in 0..hostile().len() {
            session.keys("\r");
            session.wait("the message", |screen| screen.contains("Message ") && screen.contains("close"));
            session.keys("\x1b");
            session.wait("it to close", |screen| !screen.contains("esc close"));
            session.keys("j");
        }
        session.keys("/jq: def f: f; f\r");
        session.wait_at_most(Duration::from_secs(120), "the endless program to be stopped", |screen| {
            screen.contains("may never end")
        });
        session.keys("\x03");
        (session.end(), session)
    });
    let (code, session) = looked.await.expect("it ends");
    assert_eq!(code, 0, "{}", session.screen());
    assert!(!session.alternate_screen() && !session.cursor_hidden(), "the terminal is given back");
    let raw = text(&session.raw);
    for hostile in ['\u{9b}', '\u{9d}', '\u{202e}', '\u{feff}', '\u{200b}'] {
        assert!(!raw.contains(hostile), "{hostile:?} reaches the terminal");
    }
}

/// A closed window is no reason to leave messages hidden.
#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_told_to_end_gives_back_what_it_holds() {
    for signal in ["TERM", "HUP"] {
        let served = served().await;
        served.fill(60).await;
        let mut command = served.command(&["dlq", "redrive", "JobDLQ", "--rate", "1", "--no-canary", "--yes"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut held = 0;
        for _ in 0..3_000 {
            held = served.counts().await.1;
            if held > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(held > 0, "{signal}: it receives");
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("it runs");
        let output = output.expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("cancelling: what is held is given back"), "{signal}: {told}");
        // While it looked, or while it sent: whichever came first.
        let code = if told.contains("nothing was redriven") { 4 } else { 5 };
        assert_eq!(output.status.code(), Some(code), "{signal}: {told}");
        let (visible, hidden) = served.counts().await;
        assert_eq!(hidden, 0, "{signal}: of {visible} beside: {told}");
        assert!(visible > 40, "{signal}: {visible} stay: {told}");
    }
}
