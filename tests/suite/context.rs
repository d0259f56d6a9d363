//! Contexts and the doctor, by the real binary in an empty home: what a stranger types first.

use std::path::Path;
use std::process::{Command, Output};

use redrive::driver::gate::Gate;
use redrive::driver::listen::Listener;
use redrive::driver::sandbox::{Sandbox, SandboxOptions};
use redrive::model::permission::{OPERATOR, READ_ONLY, action_of, actions_in};
use redrive::model::scope::Scope;
use redrive::pipeline::blueprint::QueueBlueprint;
use redrive::pipeline::standard::standard;
use serde_json::Value;

use crate::reach;

/// Nothing of this machine is seen: no configuration, no credentials, no instance.
fn redrive(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redrive"));
    command.args(arguments).env_clear().env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn run(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    said(&redrive(home, arguments).output().expect("it starts"))
}

#[test]
fn with_neither_context_nor_credentials_two_lines_say_how_to_get_one() {
    let home = tempfile::tempdir().expect("a directory");
    let (code, out, err) = run(home.path(), &["status", "--region", "eu-west-1"]);
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    assert_eq!(err.lines().count(), 2, "{err}");
    for word in ["aws sso login", "redrive context init", "redrive sandbox"] {
        assert!(err.contains(word), "{word}: {err}");
    }
}

#[test]
fn a_context_is_made_listed_chosen_and_shown_and_never_overwritten() {
    let home = tempfile::tempdir().expect("a directory");
    let home = home.path();
    let (code, _, err) =
        run(home, &["context", "init", "prod", "--profile", "p", "--region", "eu-west-1", "--protected"]);
    assert_eq!(code, 0, "{err}");
    let path = home.join(".config/redrive/config.toml");
    let first = std::fs::read_to_string(&path).expect("written");
    assert_eq!(
        first,
        "current = \"prod\"\n\n[contexts.prod]\nprofile = \"p\"\nregion = \"eu-west-1\"\nprotected = true\n"
    );
    assert_eq!(run(home, &["context", "init", "dev", "--region", "us-east-1"]).0, 0);
    let before = std::fs::read_to_string(&path).expect("there");
    let (code, _, err) = run(home, &["context", "init", "prod", "--region", "x"]);
    assert_eq!((code, err.contains("there is a context \"prod\" already")), (4, true), "{err}");
    assert_eq!(std::fs::read_to_string(&path).expect("there"), before);

    let (code, list, _) = run(home, &["context", "list"]);
    assert!(code == 0 && list.contains("*  prod") && list.contains("protected"), "{list}");
    assert_eq!(run(home, &["context", "use", "dev"]).0, 0);
    let (code, _, err) = run(home, &["context", "use", "prdo"]);
    assert_eq!((code, err.contains("did you mean \"prod\"?")), (2, true), "{err}");

    let show = |vars: &[(&str, &str)], arguments: &[&str]| -> Vec<(String, Value, String)> {
        let output = redrive(home, arguments).envs(vars.iter().copied()).output().expect("it starts");
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
        rows.iter().map(|row| (text(row, "setting"), row["value"].clone(), text(row, "from"))).collect()
    };
    let of = |rows: &[(String, Value, String)], name: &str| {
        let row = rows.iter().find(|row| row.0 == name).expect("listed");
        (row.1.as_str().unwrap_or("–").to_owned(), row.2.clone())
    };
    let pair = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    let rows = show(&[], &["context", "show", "-o", "json"]);
    assert_eq!(of(&rows, "context"), pair("dev", "config.toml"));
    assert_eq!(of(&rows, "region"), pair("us-east-1", "context"));
    assert_eq!(of(&rows, "stale_after"), pair("24h", "default"));
    assert_eq!(of(&rows, "profile"), pair("–", "–"));
    let rows = show(&[("AWS_REGION", "us-west-2")], &["context", "show", "prod", "-o", "json", "--prefix", "shop-"]);
    assert_eq!(of(&rows, "context"), pair("prod", "--context"));
    assert_eq!(of(&rows, "region"), pair("us-west-2", "AWS_REGION"));
    assert_eq!(of(&rows, "prefix"), pair("shop-", "--prefix"));
    std::fs::create_dir_all(home.join(".aws")).expect("made");
    std::fs::write(home.join(".aws/config"), "[profile q]\nregion = ap-south-1\n").expect("written");
    let rows = show(&[], &["context", "show", "-o", "json", "--profile", "q", "--region", ""]);
    assert_eq!(of(&rows, "profile"), pair("q", "--profile"));
    assert_eq!(run(home, &["context", "init", "q", "--profile", "q"]).0, 0);
    let rows = show(&[("REDRIVE_CONTEXT", "q")], &["context", "show", "-o", "json"]);
    assert_eq!(of(&rows, "context"), pair("q", "REDRIVE_CONTEXT"));
    assert_eq!(of(&rows, "region"), pair("ap-south-1", "profile"));
}

#[test]
fn a_broken_file_is_said_with_its_line_and_the_sandbox_does_not_care() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("mine.toml");
    std::fs::write(&path, "[contexts.a]\nregoin = \"x\"\n").expect("written");
    let with = |arguments: &[&str]| {
        said(&redrive(home.path(), arguments).env("REDRIVE_CONFIG", &path).output().expect("it starts"))
    };
    let (code, _, err) = with(&["status"]);
    assert_eq!(code, 2);
    assert!(err.contains("mine.toml:2: regoin: ") && err.contains("did you mean \"region\"?"), "{err}");
    assert_eq!(with(&["sandbox", "--list"]).0, 0);
    let (code, out, _) = with(&["doctor", "-o", "json"]);
    assert!(code == 2 && out.contains("did you mean"), "{out}");
}

struct Served {
    sandbox: Sandbox,
    listener: Listener,
    gate: Gate,
    home: tempfile::TempDir,
}

/// A sandbox that listens, and a home with three contexts on it.
async fn served() -> Served {
    let options =
        SandboxOptions { scenario: "standard".into(), blueprint: standard(), seed: 7, speed: 1.0, history_s: 600 };
    let sandbox = Sandbox::start(options).expect("the standard blueprint fits together");
    sandbox.ready().await.expect("it runs");
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let home = tempfile::tempdir().expect("a directory");
    let context = |name: &str, more: &str| {
        format!("[contexts.{name}]\nregion = \"eu-west-1\"\nendpoint_url = \"http://{}\"\n{more}\n", listener.address())
    };
    let text = [
        "current = \"prod\"\n".to_owned(),
        context("prod", "protected = true"),
        context("look", "read_only = true"),
        context("dev", ""),
    ];
    std::fs::create_dir_all(home.path().join(".config/redrive")).expect("made");
    std::fs::write(home.path().join(".config/redrive/config.toml"), text.concat()).expect("written");
    let gate = sandbox.gate();
    Served { sandbox, listener, gate, home }
}

impl Served {
    async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = redrive(self.home.path(), arguments);
        said(&tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it starts"))
    }

    async fn stop(self) {
        self.listener.stop().await;
        self.sandbox.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_context_is_not_written_in_and_a_protected_one_is_named() {
    let served = served().await;
    let tune = ["tune", "LogWorker", "--batch-size", "55", "--yes"];
    let (code, _, err) = served.run(&[&tune[..], &["--context", "look"]].concat()).await;
    assert_eq!((code, err.contains("the context look is read-only")), (4, true), "{err}");
    let (code, _, err) = served.run(&tune).await;
    assert_eq!((code, err.contains("names it, --context prod")), (4, true), "{err}");
    assert!(!served.gate.calls().contains_key("lambda:UpdateEventSourceMapping"), "{:?}", served.gate.calls());
    let (code, _, err) = served.run(&[&tune[..], &["--context", "prod"]].concat()).await;
    assert_eq!(code, 0, "{err}");
    assert_eq!(served.gate.calls().get("lambda:UpdateEventSourceMapping"), Some(&1));
    let (code, _, err) = served.run(&["--write", "--context", "look"]).await;
    assert_eq!((code, err.contains("nothing here lifts that")), (2, true), "{err}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_names_what_is_missing_and_the_policy_that_allows_it_and_changes_nothing() {
    let served = served().await;
    let (code, out, err) = served.run(&["doctor", "--context", "dev"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("account 123456789012") && out.contains("not checked: it would change something"), "{out}");
    for denied in actions_in(READ_ONLY) {
        served.gate.deny(&denied);
        let (code, out, _) = served.run(&["doctor", "--context", "dev", "-o", "json"]).await;
        let found: Value = serde_json::from_str(&out).expect("JSON");
        let tried = found["permissions"]
            .as_array()
            .expect("rows")
            .iter()
            .any(|row| row["action"] == denied.as_str() && row["state"] == "broken");
        // What is asked only in passing has no probe of its own, and is said not to be checked.
        if tried {
            assert_eq!((code, &found["policy"]["Statement"][0]["Action"]), (3, &serde_json::json!([denied])), "{out}");
        } else {
            assert!(out.contains("not checked"), "{denied}: {out}");
        }
        served.gate.allow(&denied);
    }
    let looks = actions_in(READ_ONLY);
    let changed: Vec<String> = served
        .gate
        .calls()
        .into_keys()
        .filter(|call| action_of(call).is_some_and(|action| !looks.iter().any(|look| look == action)))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    served.gate.expire(true);
    let (code, out, _) = served.run(&["doctor", "--context", "dev"]).await;
    assert!(code == 3 && out.contains("ExpiredToken"), "{out}");
    served.gate.expire(false);
    served.gate.set_ahead_s(600);
    let (code, out, _) = served.run(&["doctor", "--context", "dev"]).await;
    assert!(code == 0 && out.contains("this machine's clock is 10 m slow: corrected here"), "{out}");
    let (code, out, _) = served.run(&["doctor", "--policy", "operator"]).await;
    assert_eq!((code, actions_in(&out).len()), (0, looks.len() + actions_in(OPERATOR).len()));
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_what_it_made_and_what_hangs_together_with_it() {
    let served = served().await;
    let names = async |arguments: &[&str], key: &str| -> Vec<String> {
        let (code, out, err) = served.run(&[arguments, &["--context", "dev", "-o", "json"]].concat()).await;
        assert_eq!(code, 0, "{arguments:?}: {err}");
        let rows: Vec<Value> = serde_json::from_str(&out).expect("rows");
        rows.iter().map(|row| row[key].as_str().unwrap_or("").to_owned()).collect()
    };
    let whole = names(&["queues"], "name").await;
    assert!(whole.len() >= 3, "{whole:?}");
    assert_eq!(
        names(&["queues", "--stack", "courier-automations"], "name").await,
        whole,
        "also those of the nested one"
    );
    let consumers = names(&["consumers"], "function").await;
    assert_eq!(names(&["consumers", "--stack", "courier-automations"], "function").await, consumers);
    assert!(consumers.len() > 1, "{consumers:?}");
    // The queues' own stack: their consumer hangs together with them, the table's does not.
    assert_eq!(names(&["consumers", "--stack", "courier-automations-queues"], "function").await, ["JobWorker"]);
    assert!(served.gate.calls()["cloudformation:ListStackResources"] >= 5, "{:?}", served.gate.calls());

    let (code, _, err) = served.run(&["status", "--context", "dev", "--stack", "shop"]).await;
    assert_eq!((code, err.contains("Stack with id shop does not exist")), (3, true), "{err}");
    let (_, out, _) = served.run(&["doctor", "--context", "dev", "--stack", "shop"]).await;
    assert!(out.contains("Stack with id shop does not exist"), "{out}");
    served.gate.deny("cloudformation:ListStackResources");
    let (code, _, err) = served.run(&["queues", "--context", "dev", "--stack", "courier-automations"]).await;
    assert_eq!((code, err.contains("cloudformation:ListStackResources")), (3, true), "{err}");
    assert_eq!(names(&["queues"], "name").await, whole, "without a stack nobody asks");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_of_several_pages_is_read_to_its_end() {
    let mut blueprint = standard();
    let one = blueprint.queues[0].clone();
    blueprint.queues.extend((0..250).map(|n| QueueBlueprint {
        name: format!("extra-{n}").as_str().into(),
        redrive: None,
        ..one.clone()
    }));
    let queues = blueprint.queues.len();
    let options = SandboxOptions { scenario: "standard".into(), blueprint, seed: 7, speed: 1.0, history_s: 0 };
    let sandbox = Sandbox::start(options).expect("the blueprint fits together");
    let account = reach::account(sandbox.region(), sandbox.client()).await;
    let scope = account.resolved(&Scope::Stack("courier-automations-queues".to_owned())).await.expect("it is there");
    let Scope::Named { label, names } = scope else { panic!("{scope:?}") };
    assert_eq!((label.as_str(), names.len()), ("stack courier-automations-queues", queues));
    assert!(names.contains("extra-249") && names.contains("JobDLQ"));
    assert_eq!(sandbox.gate().calls()["cloudformation:ListStackResources"], 3);
    sandbox.stop().await;
}
