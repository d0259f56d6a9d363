//! Rescue by command, on the real binary against a served sandbox: documents of a bucket, which outlive the
//! stream; and requests whose runs were lost.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use redrive::driver::listen::Listener;
use redrive::driver::sandbox::{Sandbox, SandboxOptions};
use redrive::model::log::LogAsk;
use redrive::scenario;
use serde_json::Value;

use crate::reach;

struct Served {
    sandbox: Sandbox,
    /// Kept alive: it listens.
    _listener: Listener,
    endpoint: String,
    home: tempfile::TempDir,
}

async fn served(name: &str, history_s: u32) -> Served {
    let blueprint = scenario::find(name).expect("a built-in scenario").blueprint(history_s);
    let options = SandboxOptions { scenario: name.into(), blueprint, seed: 7, speed: 1.0, history_s };
    let sandbox = Sandbox::start(options).expect("the scenario fits together");
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a port is free");
    let endpoint = format!("http://{}", listener.address());
    Served { sandbox, _listener: listener, endpoint, home: tempfile::tempdir().expect("a directory") }
}

impl Served {
    async fn redrive(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redrive"));
        command.args(arguments).args(["--endpoint-url", &self.endpoint, "--region", "eu-west-1"]);
        command.env_clear().env("HOME", self.home.path()).env("REDRIVE_STATE_DIR", self.home.path().join("state"));
        tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("the binary starts")
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.redrive(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_a_bucket_are_listed_saved_and_run_again_when_the_stream_has_forgotten_them() {
    let served = served("failure-store", 10_800).await;
    let events = || async { served.sandbox.summary().await.expect("it runs").census.events };
    let before = events().await;
    let rows = served.json(&["dlq", "rescue", "s3://log-failures", "-o", "json"]).await;
    let rows = rows.as_array().expect("a list");
    let records: u64 = rows.iter().filter_map(|row| row["records"].as_u64()).sum();
    assert!(records > 10 && before.expired >= records, "{records} of {before:?}: trimmed in the stream");
    assert!(rows.iter().all(|row| row["carries_event"] == true && row["function"] == "LogWorker"), "{rows:?}");
    assert!(rows.iter().all(|row| row["ran_again"].is_null() && row["left_s"].as_i64() > Some(0)), "{rows:?}");
    // The destination of the mapping is the same place.
    let by_function = served.json(&["dlq", "rescue", "LogWorker", "-o", "json"]).await;
    assert_eq!(by_function.as_array().map(Vec::len), Some(rows.len()));

    let file = served.home.path().join("records.ndjson");
    let file = file.to_str().expect("a path");
    let dry = served.redrive(&["dlq", "rescue", "LogWorker", "--save", file, "--replay", "--dry-run"]).await;
    assert_eq!(dry.status.code(), Some(0), "{}", text(&dry.stderr));
    assert!(text(&dry.stderr).contains("the document carries them"), "{}", text(&dry.stderr));
    let saved = std::fs::read_to_string(file).expect("it was written");
    assert_eq!(saved.lines().count() as u64, records);
    let first: Value = serde_json::from_str(saved.lines().next().expect("a line")).expect("JSON");
    assert!(first["record"]["new_image"].is_object() && first["shard"].is_string(), "{first}");
    assert_eq!(events().await.expired, before.expired, "a dry run runs nothing");

    let report = served.json(&["dlq", "rescue", "LogWorker", "--replay", "--yes", "-o", "json"]).await;
    assert_eq!(
        (&report["ran"], &report["records"], &report["state"]),
        (&rows.len().into(), &records.into(), &"done".into())
    );
    let after = events().await;
    assert_eq!(after.expired, before.expired - records, "they are in the index now");

    let again = served.redrive(&["dlq", "rescue", "LogWorker", "--replay", "--yes"]).await;
    assert!(text(&again.stderr).contains("ran again before"), "{}", text(&again.stderr));
    assert_eq!(again.status.code(), Some(0));
    let key = rows[0]["key"].as_str().expect("a key");
    let one =
        served.json(&["dlq", "rescue", "s3://log-failures", "--id", key, "--replay", "--yes", "-o", "json"]).await;
    assert_eq!(one["ran"], 1, "what is named is run again");
    let missing = served.redrive(&["dlq", "rescue", "s3://nowhere"]).await;
    assert!(missing.status.code() == Some(3) && text(&missing.stderr).contains("NoSuchBucket"), "{missing:?}");
}

impl Served {
    /// How often RequestWorker's log says that it took a request up, by key.
    async fn taken_up(&self) -> BTreeMap<String, u64> {
        let account = reach::account(self.sandbox.region(), self.sandbox.client()).await;
        let to = self.sandbox.clock().account_now();
        let (group, from) = ("/aws/lambda/RequestWorker".to_owned(), to.plus_s(-7_200));
        let ask = LogAsk { group, from, to, grep: Some("took up".to_owned()) };
        let reading = account.log(&ask).await.expect("there is a log");
        assert!(!reading.is_cut(), "all of it");
        let mut counts = BTreeMap::new();
        for line in reading.lines {
            let key = line.text.split("took up ").nth(1).expect("a key").trim().to_owned();
            *counts.entry(key).or_default() += 1;
        }
        counts
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_requests_run_and_nothing_that_ran_runs_again() {
    let served = served("lost-requests", 3_600).await;
    let jobs = || async { served.sandbox.summary().await.expect("it runs").census.jobs };
    let lost = jobs().await.lost;
    assert!(lost > 100, "the scenario loses some: {lost}");
    let since = ["rescue", "requests", "--since", "55m"];
    let asked = |more: &[&'static str]| since.iter().chain(more).copied().collect::<Vec<&str>>();

    let refused = served.redrive(&asked(&[])).await;
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stderr));
    let card = text(&refused.stderr);
    assert!(card.contains("runs of it failed") && card.contains("AsyncEventsDropped"), "{card}");
    let preview = served.json(&asked(&["--dry-run", "-o", "json"])).await;
    let rows = preview.as_array().expect("a list");
    let chosen: Vec<&str> =
        rows.iter().filter(|row| row["chosen"] == true).filter_map(|row| row["key"].as_str()).collect();
    assert_eq!(chosen.len() as u64, lost, "exactly what the pipeline's own census calls lost");
    assert_eq!(jobs().await.lost, lost, "a preview runs nothing");

    let ran_before = served.taken_up().await;
    assert!(chosen.iter().all(|key| !ran_before.contains_key(*key)), "none of them had run");
    let output = served.redrive(&asked(&["--yes", "-o", "ndjson"])).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let last = text(&output.stdout);
    let report: Value = serde_json::from_str(last.lines().last().expect("a report")).expect("JSON");
    assert_eq!((report["ran"].as_u64(), &report["state"]), (Some(lost), &"done".into()), "{report}");
    served.sandbox.advance(120_000).await.expect("it runs");
    assert_eq!(jobs().await.lost, 0, "each of them is somewhere, or done");
    let ran_after = served.taken_up().await;
    assert!(chosen.iter().all(|key| ran_after.get(*key) == Some(&1)), "each ran once");
    let twice: Vec<_> = ran_after.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");

    let again = served.redrive(&asked(&["--yes"])).await;
    assert!(again.status.code() == Some(0) && text(&again.stderr).contains("nothing to run again"), "{again:?}");
}
