//! What the commands print with `-o json` is what their schemas say: the real binary against a served
//! sandbox, held to the schema that `redrive schema` prints, member by member.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Map, Value};

fn redrive(home: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redrive"));
    command.env_clear().env("HOME", home.path()).env("REDRIVE_STATE_DIR", home.path().join("state"));
    command.stdin(Stdio::null());
    command
}

/// A sandbox that is served until it is dropped.
pub struct Served {
    child: Child,
    home: tempfile::TempDir,
    pub endpoint: String,
}

impl Served {
    pub fn start(scenario: &str) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let arguments = ["sandbox", "--headless", "--listen", "127.0.0.1:0", "--speed", "20", "--scenario", scenario];
        let mut child = redrive(&home).args(arguments).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("one line says where");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let endpoint = ready["endpoint"].as_str().expect("an endpoint").to_owned();
        Served { child, home, endpoint }
    }

    /// Where the program keeps its journal.
    pub fn state_dir(&self) -> std::path::PathBuf {
        self.home.path().join("state")
    }

    /// A call of the program on it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = redrive(&self.home);
        command.args(arguments).args(["--endpoint-url", &self.endpoint, "--region", "eu-west-1"]);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As `redrive schema NAME` prints it.
fn schema(name: &str) -> Value {
    let home = tempfile::tempdir().expect("a directory");
    let output = redrive(&home).args(["schema", name]).output().expect("it runs");
    serde_json::from_slice(&output.stdout).expect("a schema is JSON")
}

/// Where a value departs from its schema. Of JSON Schema just what ours use; a keyword that is not
/// checked here fails, lest a schema promise what nobody holds it to.
fn departures(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = schema.as_object().expect("a schema is an object");
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a $ref leads somewhere");
        return departures(root, target, value, at, found);
    }
    for (keyword, rule) in schema {
        let fits = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "required" | "additionalProperties" => true,
            "type" => types(rule).iter().any(|name| is_of(name, value)),
            "enum" => rule.as_array().expect("a list").contains(value),
            "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().expect("a number")),
            "format" => {
                assert_eq!(rule, "date-time");
                value.as_str().is_none_or(|text| redrive::model::time::Timestamp::parse(text).is_some())
            }
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    departures(root, rule, item, &format!("{at}[{n}]"), found);
                }
                true
            }
            "properties" => {
                members(root, schema, value, at, found);
                true
            }
            other => panic!("{at}: the keyword {other:?} is not held to anything"),
        };
        if !fits {
            found.push(format!("{at}: {value} is not {keyword} {rule}"));
        }
    }
}

fn members(root: &Value, schema: &Map<String, Value>, value: &Value, at: &str, found: &mut Vec<String>) {
    assert_eq!(schema.get("additionalProperties"), Some(&Value::Bool(false)), "{at}: members are listed whole");
    let properties = schema["properties"].as_object().expect("an object");
    let Some(object) = value.as_object() else { return };
    for (name, member) in object {
        match properties.get(name) {
            Some(rule) => departures(root, rule, member, &format!("{at}.{name}"), found),
            None => found.push(format!("{at}.{name} is not in the schema")),
        }
    }
    for name in schema["required"].as_array().expect("a list").iter().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{at}.{name} is missing"));
        }
    }
}

fn types(rule: &Value) -> Vec<&str> {
    match rule {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type {other:?}"),
    }
}

pub fn check(name: &str, value: &Value) {
    let schema = schema(name);
    let mut found = Vec::new();
    departures(&schema, &schema, value, name, &mut found);
    assert_eq!(found, Vec::<String>::new(), "{value:#}");
}

#[test]
fn what_is_printed_is_what_the_schemas_say() {
    let served = Served::start("night-shift");
    let status = served.json(&["status", "-o", "json"]);
    check("status", &status);
    assert!(status["findings"].as_array().is_some_and(|findings| findings.len() > 1), "{status:#}");
    for (name, arguments) in [
        ("posture", vec!["posture", "-o", "json", "--quick"]),
        ("topology", vec!["topology", "-o", "json"]),
        ("consumers", vec!["consumers", "-o", "json"]),
        ("queues", vec!["queues", "-o", "json"]),
        ("watch", vec!["watch", "--until", "ok", "--timeout", "1s", "-o", "json"]),
        ("rehearse", vec!["rehearse", "LogWorker", "--samples", "2", "--candidates", "2,1x100", "-o", "json"]),
        ("rehearse", vec!["rehearse", "JobWorker", "-o", "json"]),
    ] {
        let value = served.json(&arguments);
        check(name, &value);
        let full = value.as_array().map_or(value.is_object(), |rows| !rows.is_empty());
        assert!(full, "{name} says nothing: {value}");
    }
}

#[test]
fn posture_does_not_make_the_status_bad_and_what_was_not_asked_is_not_fine() {
    let served = Served::start("unprepared");
    let output = served.run(&["status", "-o", "json"]);
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(status["posture"]["warnings"].as_u64().is_some_and(|n| n > 0), "{status:#}");
    let bad = status["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .any(|finding| matches!(finding["severity"].as_str(), Some("harm" | "warning")));
    assert_eq!(output.status.code(), Some(i32::from(bad)), "{status:#}");
    let quick = served.json(&["posture", "--quick", "-o", "json"]);
    let full = served.json(&["posture", "-o", "json"]);
    let count = |value: &Value, name: &str| value[name].as_array().map_or(0, Vec::len);
    assert!(count(&quick, "not_known") > 0 && count(&full, "not_known") == 0, "{full:#}");
    assert!(count(&full, "advice") > count(&quick, "advice"), "{full:#}");
}

#[test]
fn a_watch_ends_when_its_goal_is_reached_and_not_before_its_time_is_over() {
    let served = Served::start("steady");
    let output = served.run(&["watch", "--until", "empty", "LogFailures", "--interval", "5s", "-o", "ndjson"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    // Several reads lie between the lines of a slow machine.
    assert!(lines.len() >= 2, "one read proves nothing: {lines:?}");
    lines.iter().for_each(|line| check("watch", line));
    let (last, before) = lines.split_last().expect("some");
    assert!(last["reached"] == true && before.iter().all(|line| line["reached"] == false), "{lines:#?}");
    let why = last["waiting_for"][0]["why"].as_str().expect("it says why");
    assert!(why.starts_with("0 in ") && why.contains(" reads over "), "{why}");
    // The bucket of requests never rests: JobQueue has work all the time.
    let output = served.run(&["watch", "--until", "empty", "JobQueue", "--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    for wrong in [vec!["watch", "--until", "drained", "Nobody"], vec!["watch", "--until", "empty", "LogWorker"]] {
        assert_eq!(served.run(&wrong).status.code(), Some(2), "{wrong:?}");
    }
    let gone = ["watch", "--until", "ok", "--endpoint-url", "http://127.0.0.1:9", "--region", "eu-west-1"];
    let output = redrive(&served.home).args(gone).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}
