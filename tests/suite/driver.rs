//! A running sandbox through its doors: the SDK's in-process one, and HTTP on loopback.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use aws_sdk_sqs::error::SdkError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use redrive::driver::clock::Clock;
use redrive::driver::fault::{Fault, Faults};
use redrive::driver::listen::ListenError;
use redrive::driver::sandbox::{ENDPOINT, Sandbox, SandboxOptions};
use redrive::driver::virtual_time::VirtualTime;
use redrive::driver::{HELD_SPEED, SPEED_RANGE};
use redrive::model::bench::{Bench, BenchCommand};
use redrive::model::time::Timestamp;
use redrive::pipeline::standard::standard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/LogFailures";

fn start(history_s: u32) -> Sandbox {
    let blueprint = standard();
    let options = SandboxOptions { scenario: "standard".into(), blueprint, seed: 7, speed: 1.0, history_s };
    Sandbox::start(options).expect("the standard blueprint fits together")
}

fn sqs(client: SharedHttpClient) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(ENDPOINT)
        .credentials_provider(Credentials::for_tests())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .http_client(client);
    aws_sdk_sqs::Client::from_conf(config.build())
}

async fn bench_where(sandbox: &Sandbox, what: impl Fn(&Bench) -> bool) -> Bench {
    let mut bench = sandbox.bench();
    let seen = tokio::time::timeout(Duration::from_secs(60), bench.wait_for(what)).await;
    seen.expect("within a minute").expect("the sandbox runs").clone()
}

#[tokio::test]
async fn history_ends_at_the_real_now_and_requests_wait_for_it() {
    let sandbox = start(600);
    assert!(sandbox.bench().borrow().preparing);
    let attributes = sqs(sandbox.client()).get_queue_attributes().queue_url(QUEUE);
    attributes.send().await.expect("answered once the history is done");
    let bench = bench_where(&sandbox, |bench| !bench.preparing).await;
    assert_eq!((bench.scenario.as_str(), bench.seed, bench.speed), ("standard", 7, 1.0));
    let apart = sandbox.clock().account_now().ms_since(Clock::aws().account_now());
    assert!(apart.abs() < 10_000, "sandbox time and real time are {apart} ms apart");
    let summary = sandbox.summary().await.expect("runs");
    assert!(summary.to.ms_since(summary.from) >= 600_000, "{summary:?}");
    assert!(summary.requests > 0, "ten minutes of load: {summary:?}");
}

#[tokio::test]
async fn a_dropped_long_poll_takes_nothing() {
    let sandbox = start(0);
    let sqs = sqs(sandbox.client());
    let long_poll = sqs.receive_message().queue_url(QUEUE).wait_time_seconds(20).send();
    assert!(tokio::time::timeout(Duration::from_millis(100), long_poll).await.is_err(), "nothing is there yet");
    sqs.send_message().queue_url(QUEUE).message_body("hi").send().await.expect("sent");
    let answer = sqs.receive_message().queue_url(QUEUE).wait_time_seconds(1).send().await.expect("received");
    assert_eq!(answer.messages().first().and_then(|message| message.body()), Some("hi"));
}

#[tokio::test]
async fn a_long_poll_is_answered_when_a_message_comes() {
    let sandbox = start(0);
    let sqs = sqs(sandbox.client());
    let poll = tokio::spawn(sqs.receive_message().queue_url(QUEUE).wait_time_seconds(20).send());
    sqs.send_message().queue_url(QUEUE).message_body("hi").send().await.expect("sent");
    let answer = tokio::time::timeout(Duration::from_secs(10), poll).await.expect("long before the 20 s are over");
    assert_eq!(answer.expect("no panic").expect("received").messages().len(), 1);
}

#[tokio::test]
async fn speed_is_bounded_and_held_down_by_a_lease() {
    let sandbox = start(0);
    sandbox.command(BenchCommand::Speed(1e9));
    bench_where(&sandbox, |bench| bench.speed == *SPEED_RANGE.end()).await;
    sandbox.command(BenchCommand::HoldSpeed(true));
    let held = bench_where(&sandbox, |bench| bench.speed == HELD_SPEED).await;
    assert_eq!(held.speed_wanted, *SPEED_RANGE.end());
    sandbox.command(BenchCommand::HoldSpeed(false));
    bench_where(&sandbox, |bench| bench.speed == *SPEED_RANGE.end()).await;
    sandbox.command(BenchCommand::Speed(f64::NAN));
    bench_where(&sandbox, |bench| bench.speed == *SPEED_RANGE.start()).await;
}

#[tokio::test]
async fn time_can_be_made_to_pass() {
    let sandbox = start(0);
    let before = sandbox.clock().account_now();
    sandbox.advance(3_600_000).await.expect("runs");
    assert!(sandbox.clock().account_now().ms_since(before) >= 3_600_000);
    assert!(sandbox.summary().await.expect("runs").requests > 1000, "an hour of load");
}

#[tokio::test]
async fn a_lost_answer_is_an_error_though_the_work_was_done() {
    let sandbox = start(0);
    let faults = Faults::default();
    let faulty = sqs(faults.over(sandbox.client()));
    faults.once("SendMessage", Fault::AnswerLost);
    let error = faulty.send_message().queue_url(QUEUE).message_body("hi").send().await.expect_err("a 500");
    assert!(matches!(&error, SdkError::ServiceError(answer) if answer.raw().status().as_u16() == 500), "{error:?}");
    faults.once("ReceiveMessage", Fault::NotDone);
    faulty.receive_message().queue_url(QUEUE).send().await.expect_err("a 500");
    faults.once("ReceiveMessage", Fault::Cut);
    let error = faulty.get_queue_attributes().queue_url(QUEUE).send().await;
    error.expect("the fault is another operation's");
    let answer = sqs(sandbox.client()).receive_message().queue_url(QUEUE).send().await.expect("received");
    assert_eq!(answer.messages().len(), 1, "sent once, and not received by the call that did nothing");
    let cut = faulty.receive_message().queue_url(QUEUE).send().await.expect_err("cut");
    assert!(matches!(cut, SdkError::DispatchFailure(_)), "{cut:?}");
}

#[tokio::test]
async fn stopping_cuts_off_those_who_wait() {
    let sandbox = start(0);
    let sqs = sqs(sandbox.client());
    let poll = tokio::spawn(sqs.receive_message().queue_url(QUEUE).wait_time_seconds(20).send());
    sandbox.ready().await.expect("runs");
    sandbox.stop().await;
    let error = poll.await.expect("no panic").expect_err("cut off");
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    sqs.list_queues().send().await.expect_err("nobody there");
}

/// One HTTP exchange, as bytes: head and body of the answer.
async fn exchange(port: u16, request: String) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("listening");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

fn post(path: &str, host: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn the_listener_serves_loopback_and_nothing_else() {
    let sandbox = start(0);
    let anywhere = sandbox.listen("0.0.0.0:0".parse().expect("an address")).await.expect_err("refused");
    assert!(matches!(anywhere, ListenError::NotLoopback(_)));
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let port = listener.address().port();
    let taken = sandbox.listen(listener.address()).await.expect_err("taken");
    assert!(taken.to_string().contains(&port.to_string()), "{taken}");

    let automation =
        r#"{"automation":{"steps":[{"action":"send","recipient":"ada","template":"t"}]},"recipient":"ada"}"#;
    let host = format!("127.0.0.1:{port}");
    let (head, body) = exchange(port, post("/automations", &host, automation)).await;
    assert!(head.starts_with("HTTP/1.1 202"), "{head}\n{body}");
    assert!(body.contains("runId"), "{body}");
    assert!(head.contains("date: ") && head.contains("x-amzn-requestid: "), "{head}");

    let (head, body) = exchange(port, post("/automations", "evil.example", automation)).await;
    assert!(head.starts_with("HTTP/1.1 403") && body.contains("evil.example"), "{head}\n{body}");
    let large = format!("POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 30000000\r\n\r\n");
    let (head, _) = exchange(port, large).await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    let (head, body) = exchange(port, post("/automations", &host, "{\"automation\":")).await;
    assert!(head.starts_with("HTTP/1.1 400") && body.contains("faults"), "{head}\n{body}");

    listener.stop().await;
    TcpStream::connect(("127.0.0.1", port)).await.expect_err("no longer listening");
}

#[test]
fn virtual_time_is_the_same_every_time() {
    let run = |seed| {
        let mut virtual_time = VirtualTime::start(standard(), seed).expect("fits together");
        let mut minutes: Vec<Timestamp> = Vec::new();
        virtual_time.run_for(1_800_000, |pipeline| {
            minutes.push(pipeline.now());
            true
        });
        assert_eq!(minutes.len(), 30);
        virtual_time.pipeline().summary()
    };
    let (first, second) = (run(7), run(7));
    assert_eq!(first, second);
    assert!(first.jobs_finished > 0 && first.census.lost.is_empty(), "{first:?}");
    assert_ne!(first.history, run(8).history);
}
