//! Settings changed through the SDK's clients and the in-process door, read back and put back; and by the
//! real binary against a served sandbox: the reserve of a function, with its warnings, refusals and undo.

use std::process::Command;
use std::time::Duration;

use redrive::aws::Account;
use redrive::driver::listen::Listener;
use redrive::driver::sandbox::{Sandbox, SandboxOptions};
use redrive::model::function::{FunctionAnswer, FunctionQuestion};
use redrive::model::id::{Arn, MappingId};
use redrive::model::mapping::{Mapping, MappingChange};
use redrive::model::plan::RetunePlan;
use redrive::model::service_error::Outcome;
use redrive::operation::order::{Answer, Order};
use redrive::pipeline::standard::standard;

use crate::reach;

async fn sandbox(speed: f64) -> Sandbox {
    let options = SandboxOptions { scenario: "standard".into(), blueprint: standard(), seed: 7, speed, history_s: 600 };
    let sandbox = Sandbox::start(options).expect("the standard blueprint fits together");
    sandbox.ready().await.expect("it runs");
    sandbox
}

async fn account(sandbox: &Sandbox) -> Account {
    reach::account(sandbox.region(), sandbox.client()).await
}

async fn log_worker(account: &Account) -> Mapping {
    let mappings = account.mappings().await.expect("listed");
    mappings.into_iter().find(|mapping| mapping.function.as_str() == "LogWorker").expect("it reads the stream")
}

/// Sends one change and returns what the mapping shows once it is settled.
async fn changed(account: &Account, mapping: &MappingId, change: MappingChange) -> Mapping {
    let end = account.perform(Order::UpdateMapping { mapping: mapping.clone(), change }).await;
    assert!(matches!(end, Outcome::Done(Answer::Mapping(_))), "{end:?}");
    let settled = async {
        loop {
            match account.perform(Order::GetMapping(mapping.clone())).await {
                Outcome::Done(Answer::Mapping(seen)) if seen.state.is_settled() => return *seen,
                Outcome::Done(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                other => panic!("it cannot be read: {other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), settled).await.expect("it settles")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_failures_goes_through_the_sdk_is_read_back_and_is_put_back() {
    let sandbox = sandbox(60.0).await;
    let account = account(&sandbox).await;
    let before = log_worker(&account).await;
    let elsewhere = Arn::from("arn:aws:sqs:eu-west-1:123456789012:JobDLQ");
    assert_ne!(before.settings.on_failure.as_ref(), Some(&elsewhere));
    let bisect = before.settings.bisect != Some(true);
    let none = MappingChange::default;
    // Each by itself, the two ends that mean "no limit", and a destination taken away.
    let changes = [
        MappingChange { max_retry_attempts: Some(7), ..none() },
        MappingChange { max_retry_attempts: Some(-1), ..none() },
        MappingChange { max_record_age_s: Some(3_600), ..none() },
        MappingChange { max_record_age_s: Some(-1), ..none() },
        MappingChange { bisect: Some(bisect), ..none() },
        MappingChange { on_failure: Some(Some(elsewhere.clone())), ..none() },
        MappingChange { on_failure: Some(None), ..none() },
        MappingChange {
            max_retry_attempts: Some(3),
            max_record_age_s: Some(600),
            bisect: Some(!bisect),
            on_failure: Some(Some(elsewhere.clone())),
            ..none()
        },
    ];
    let mut now = before.clone();
    for change in changes {
        let expected = change.applied_to(&now.settings);
        let seen = changed(&account, &before.id, change.clone()).await;
        assert_eq!(seen.settings, expected, "{change:?}");
        assert_ne!(seen.settings, now.settings, "{change:?} changes something");
        // Its way back, and forward again: what the next one starts from.
        let plan = RetunePlan {
            mapping: before.id.clone(),
            before: now.settings.clone(),
            enabled_before: true,
            change: change.clone(),
            reason: None,
            revert_after_s: None,
            reserve: None,
        };
        let back = changed(&account, &before.id, plan.reverse()).await;
        assert_eq!(back.settings, now.settings, "u of {change:?}");
        now = changed(&account, &before.id, change).await;
    }
    let end = MappingChange::of(&before.settings, true).beside(&now.settings, true);
    assert_eq!(changed(&account, &before.id, end).await.settings, before.settings);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_goes_through_the_sdk_and_what_the_account_does_not_leave_is_refused_there() {
    let sandbox = sandbox(1.0).await;
    let account = account(&sandbox).await;
    let function = log_worker(&account).await.function;
    let put = |to| account.perform(Order::PutReserve { function: function.clone(), to });
    let get = || account.perform(Order::GetReserve(function.clone()));
    let limits = account.account_limits().await.expect("allowed").expect("said");
    assert!(matches!(get().await, Outcome::Done(Answer::Reserve(None))));
    for to in [Some(20), Some(0), None] {
        let end = put(to).await;
        assert!(matches!(&end, Outcome::Done(Answer::Reserve(seen)) if *seen == to), "{end:?}");
        assert!(matches!(get().await, Outcome::Done(Answer::Reserve(seen)) if seen == to), "{to:?}");
        let answer = account.function_setting(&function, FunctionQuestion::Concurrency).await.expect("read");
        assert_eq!(answer, FunctionAnswer::Concurrency(to));
        let now = account.account_limits().await.expect("allowed").expect("said");
        assert_eq!(now.unreserved, limits.unreserved - to.unwrap_or(0), "it is taken from what others share");
    }
    let most = limits.unreserved - 100;
    assert!(matches!(put(Some(most + 1)).await, Outcome::Refused(error) if error.message.contains("[100]")));
    assert!(matches!(put(Some(most)).await, Outcome::Done(Answer::Reserve(Some(_)))));
    // Less is always taken.
    assert!(matches!(put(Some(1)).await, Outcome::Done(Answer::Reserve(Some(1)))));
    sandbox.stop().await;
}

struct Served {
    sandbox: Sandbox,
    listener: Listener,
    home: tempfile::TempDir,
}

impl Served {
    async fn run(&self, line: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redrive"));
        command.args(line.split(' '));
        command.args(["--endpoint-url", &format!("http://{}", self.listener.address()), "--region", "eu-west-1"]);
        command.env_clear().env("HOME", self.home.path()).env("REDRIVE_STATE_DIR", self.home.path().join("state"));
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    async fn reserve(&self) -> Option<u32> {
        let account = account(&self.sandbox).await;
        match account.function_setting(&"LogWorker".into(), FunctionQuestion::Concurrency).await {
            Ok(FunctionAnswer::Concurrency(reserve)) => reserve,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_is_tuned_by_command_warned_of_kept_in_the_journal_and_undone() {
    let sandbox = sandbox(30.0).await;
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let served = Served { sandbox, listener, home: tempfile::tempdir().expect("a directory") };
    let calls = |action: &str| served.sandbox.gate().calls().get(action).copied().unwrap_or(0);

    let (code, _, card) = served.run("tune LogWorker --reserved-concurrency 2 --dry-run").await;
    assert_eq!(code, 0, "{card}");
    for line in [
        "reserved concurrency none→2",
        "aws lambda put-function-concurrency --function-name LogWorker --reserved-concurrent-executions 2",
        "with 2 the rest is throttled",
        "AWS keeps at least 100",
        "every mapping and every other caller",
    ] {
        assert!(card.contains(line), "{line}: {card}");
    }
    assert!(!card.contains("Updating"), "the mapping is left alone: {card}");
    let (code, _, card) = served.run("tune LogWorker --reserved-concurrency 0 --dry-run").await;
    assert!(code == 0 && card.contains("0 stops LogWorker for everybody"), "{card}");
    let (code, _, why) = served.run("tune LogWorker --reserved-concurrency 2").await;
    assert!(code == 4 && why.contains("nothing was changed; --yes does it"), "{code} {why}");
    let (code, _, why) = served.run("tune LogWorker --reserved-concurrency 100000 --yes").await;
    assert!(code == 2 && why.contains("the account leaves at most"), "{code} {why}");
    let (code, _, why) = served.run("tune LogWorker --reserved-concurrency off --yes").await;
    assert!(code == 2 && why.contains("neither a whole number nor none"), "{code} {why}");
    assert_eq!((served.reserve().await, calls("lambda:PutFunctionConcurrency")), (None, 0), "nothing was sent");

    let (code, out, err) = served.run("tune LogWorker --reserved-concurrency 12 --batch-size 55 --yes").await;
    assert!(code == 0 && out.contains("batch 100→55, reserved concurrency none→12, settled at"), "{code} {out} {err}");
    assert_eq!((served.reserve().await, calls("lambda:PutFunctionConcurrency")), (Some(12), 1));
    let (code, out, _) = served.run("tune LogWorker --reserved-concurrency 12 --yes").await;
    assert!(code == 0 && out.contains("already; nothing was changed"), "{out}");

    let (_, rows, _) = served.run("journal list -o json").await;
    let rows: serde_json::Value = serde_json::from_str(&rows).expect("JSON");
    let id = rows[0]["operation"].as_str().or(rows[0]["id"].as_str()).expect("an id").to_owned();
    let (code, shown, _) = served.run(&format!("journal show {id} -o json")).await;
    assert!(code == 0 && shown.contains("\"reserve\"") && shown.contains("LogWorker"), "{shown}");
    let (code, out, err) = served.run(&format!("journal undo {id} --yes")).await;
    assert!(code == 0 && out.contains("batch 55→100, reserved concurrency 12→none"), "{code} {out} {err}");
    assert_eq!((served.reserve().await, calls("lambda:DeleteFunctionConcurrency")), (None, 1));
    assert_eq!(log_worker(&account(&served.sandbox).await).await.settings.batch_size, Some(100));

    served.sandbox.gate().deny("lambda:PutFunctionConcurrency");
    let (code, _, err) = served.run("tune LogWorker --reserved-concurrency 12 --yes").await;
    assert!(code == 3 && err.contains("lambda:PutFunctionConcurrency"), "{code} {err}");
    served.sandbox.gate().deny("lambda:GetFunctionConcurrency");
    let (code, _, err) = served.run("tune LogWorker --reserved-concurrency 12 --yes").await;
    assert!(code == 3 && err.contains("could not be read"), "{code} {err}");
    served.listener.stop().await;
    served.sandbox.stop().await;
}
