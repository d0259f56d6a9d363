//! A restore from a file, killed in the middle and taken up by another run of the program.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use super::*;

const MESSAGES: usize = 300;
/// Of the journal, counted from the restore's first.
const DIES_AFTER_WRITE: &str = "5";

/// Exported, dropped, and half put back.
struct CutOff {
    scene: Scene,
    file: PathBuf,
    /// Body and id, as the file has them.
    letters: BTreeMap<String, String>,
    /// Bodies that are back.
    back: BTreeMap<String, usize>,
}

async fn run(scene: &Scene, arguments: &[&str], dies: bool) -> Output {
    let endpoint = format!("http://{}", scene.listener.address());
    let mut command = program(scene.home.path(), &endpoint, arguments);
    if dies {
        command.env("REDRIVE_TEST_DIE_AFTER_WRITE", DIES_AFTER_WRITE);
    }
    ended(command, drop).await
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn there(scene: &Scene) -> BTreeMap<String, usize> {
    let mut bodies = BTreeMap::new();
    for message in drain(&scene.account, "JobDLQ", 0, MESSAGES).await {
        *bodies.entry(message.body).or_default() += 1;
    }
    bodies
}

async fn cut_off() -> CutOff {
    let scene = scene(MESSAGES).await;
    let file = scene.home.path().join("all.ndjson");
    let path = file.to_str().expect("text");
    let exported = run(&scene, &["dlq", "export", "JobDLQ", "--to", path, "--yes"], false).await;
    assert!(exported.status.success(), "{}", said(&exported));
    let dropped = run(&scene, &["dlq", "drop", "JobDLQ", "--where", "age>=0s", "--yes"], false).await;
    assert!(dropped.status.success(), "{}", said(&dropped));
    assert_eq!(count(&scene.account, "JobDLQ").await, 0);
    let lines = std::fs::read_to_string(&file).expect("readable");
    let letter = |line: &str| {
        let letter: Value = serde_json::from_str(line).expect("a letter a line");
        let text = |name: &str| letter[name].as_str().expect("text").to_owned();
        (text("body"), text("id"))
    };
    let letters: BTreeMap<String, String> = lines.lines().map(letter).collect();
    assert_eq!(letters.len(), MESSAGES);
    let killed = run(&scene, &["dlq", "restore", "JobDLQ", "--file", path, "--yes"], true).await;
    assert_eq!(killed.status.code(), None, "it was killed: {}", said(&killed));
    let back = there(&scene).await;
    assert!(!back.is_empty() && back.len() < MESSAGES, "killed in the middle: {} are back", back.len());
    CutOff { scene, file, letters, back }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_from_a_file_is_taken_up_and_puts_back_the_rest() {
    let CutOff { scene, letters, back, .. } = cut_off().await;
    let resumed = run(&scene, &RESUME, false).await;
    assert!(matches!(resumed.status.code(), Some(0 | 5)), "{}", said(&resumed));
    let told: Value = serde_json::from_slice(&resumed.stdout).expect("one object");
    assert_eq!(told["operation"].as_str().map(|id| id.starts_with("op-")), Some(true), "{told}");
    assert!(["done", "partly"].contains(&told["state"].as_str().unwrap_or_default()), "{told}");
    let outcome = said(&resumed);
    let named: BTreeSet<&str> = outcome.lines().map(str::trim).collect();
    let copies = there(&scene).await;
    for (body, id) in &letters {
        let copies = copies.get(body).copied().unwrap_or(0);
        assert!(copies == 1 || named.contains(id.as_str()), "{id} is there {copies} times, unnamed: {outcome}");
        assert!(copies <= 1, "{id} was put back twice");
        assert!(copies >= back.get(body).copied().unwrap_or(0), "{id} was back before");
    }
    assert!(copies.len() >= MESSAGES - 40 && copies.len() > back.len(), "all but four sends are certain: {outcome}");
    let list = run(&scene, &["journal", "list", "-o", "json"], false).await;
    assert!(!String::from_utf8_lossy(&list.stdout).contains("cut-off"), "nothing is open any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_from_a_file_that_is_another_by_now_says_what_is_not_back() {
    let CutOff { scene, file, back, .. } = cut_off().await;
    let mut changed = std::fs::OpenOptions::new().append(true).open(&file).expect("it is there");
    changed.write_all(b"\n").expect("written");
    let resumed = run(&scene, &RESUME, false).await;
    assert!(!resumed.status.success(), "{}", said(&resumed));
    let outcome = said(&resumed);
    assert!(outcome.contains("were not sent: ") && outcome.contains("all.ndjson"), "{outcome}");
    assert_eq!(there(&scene).await, back, "nothing of another file is put back");
}
