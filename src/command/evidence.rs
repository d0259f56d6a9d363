//! What is read of a bucket's function to conclude which objects have no run: its log, its metrics, and where
//! its lost events go.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::Here;
use crate::command::failure::Failure;
use crate::command::look::Look;
use crate::command::pick::scan_of;
use crate::config::requests::Requests;
use crate::model::failure_document::FailureDocument;
use crate::model::function::{FunctionAnswer, FunctionQuestion};
use crate::model::id::FunctionName;
use crate::model::log::{LogAsk, LogLine, LogReading, default_group};
use crate::model::metric::{MetricKey, Stat};
use crate::model::object::Object;
use crate::model::service_error::ServiceError;
use crate::model::size::bytes;
use crate::model::time::Timestamp;
use crate::operation::progress::{grouped, plural};
use crate::verdict::log::{failed_requests, mentions};
use crate::verdict::lost::Evidence;

pub(in crate::command) struct Gathered {
    pub evidence: Evidence,
    /// What was read, what was not, and why, one thing a line.
    pub told: Vec<String>,
}

pub(in crate::command) async fn gather(
    here: &Here,
    look: &Look,
    function: &FunctionName,
    objects: &[Object],
    since: Timestamp,
    asked: &Requests,
) -> Result<Gathered, Failure> {
    let mut told = Vec::new();
    let (log, lines, failed) = read_log(look, function, objects, since, &mut told).await;
    let sums = sums(look, function, since, &mut told).await;
    let given_up = given_up(here, look, function, asked, &mut told).await?;
    let evidence = Evidence {
        now: look.now,
        mentions: mentions(objects, &lines, &failed_requests(&failed)),
        log,
        given_up,
        invocations: sums[0],
        errors: sums[1],
        throttles: sums[2],
    };
    Ok(Gathered { evidence, told })
}

/// From when on it is complete, the lines that may name objects, and those that look like trouble.
async fn read_log(
    look: &Look,
    function: &FunctionName,
    objects: &[Object],
    since: Timestamp,
    told: &mut Vec<String>,
) -> (Result<Timestamp, String>, Vec<LogLine>, Vec<LogLine>) {
    let ask = |grep| LogAsk { group: default_group(function), from: since, to: look.now, grep };
    let word = common(objects);
    let named = look.account.log_of(function, ask(word.clone())).await;
    let named = match named {
        Ok(reading) => reading,
        Err(error) => return (Err(format!("the log of {function} was not read: {error}")), Vec::new(), Vec::new()),
    };
    let trouble = match &word {
        None => Ok(named.clone()),
        Some(_) => look.account.log_of(function, ask(None)).await,
    };
    let trouble: LogReading = match trouble {
        Ok(reading) => reading,
        Err(error) => {
            let why = format!("which runs failed was not read: {error}");
            return (Err(why), Vec::new(), Vec::new());
        }
    };
    told.push(format!(
        "log of {function}: {}, {} read",
        plural((named.requests + trouble.requests).into(), "request", "requests"),
        bytes(named.bytes + trouble.bytes)
    ));
    // Unasked for a word, a busy log is read for trouble alone.
    let complete = match word.is_none() && named.filtered {
        true => Err(format!("the log of {function} is too busy to be read whole, and the keys have nothing in common")),
        false => Ok(named.complete_from.max(trouble.complete_from)),
    };
    (complete, named.lines, trouble.lines)
}

/// A word that every key has, by which the log is searched: the last folder they all lie in.
fn common(objects: &[Object]) -> Option<String> {
    let first = objects.first()?.key.as_str();
    let folder = &first[..first.rfind('/')?];
    let shared = objects.iter().fold(folder, |shared, object| {
        let alike = shared.bytes().zip(object.key.bytes()).take_while(|(a, b)| a == b).count();
        let ends_there = alike == shared.len() && object.key.as_bytes().get(alike) == Some(&b'/');
        if ends_there {
            shared
        } else {
            shared[..shared.floor_char_boundary(alike)].rsplit_once('/').map_or("", |(up, _)| up)
        }
    });
    let word = shared.rsplit('/').next().unwrap_or("");
    let is_word = word.len() >= 3 && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    is_word.then(|| word.to_owned())
}

/// Invocations, Errors and Throttles since then.
async fn sums(look: &Look, function: &FunctionName, since: Timestamp, told: &mut Vec<String>) -> [Option<f64>; 3] {
    let key = |name: &str| MetricKey::lambda(function, name, Stat::Sum);
    let [invocations, errors, throttles, dropped] =
        ["Invocations", "Errors", "Throttles", "AsyncEventsDropped"].map(key);
    let keys = [invocations.clone(), errors.clone(), throttles.clone(), dropped.clone()];
    let found = match look.account.metrics(&keys, since, look.now).await {
        Ok(found) => found,
        Err(error) => {
            told.push(format!("metrics were not read: {error}"));
            return [None; 3];
        }
    };
    let sum = |key: &MetricKey| {
        let points = found.get(key)?.as_ref().ok()?;
        // From 0.0: an empty sum is -0.0, and would be told so.
        Some(points.iter().fold(0.0, |sum, (_, value)| sum + value))
    };
    if let Some(dropped) = sum(&dropped) {
        told.push(format!("CloudWatch counts {dropped:.0} events of {function} dropped since (AsyncEventsDropped)"));
    }
    [sum(&invocations), sum(&errors), sum(&throttles)]
}

/// Which keys the function's lost events name, and where those lie.
async fn given_up(
    here: &Here,
    look: &Look,
    function: &FunctionName,
    asked: &Requests,
    told: &mut Vec<String>,
) -> Result<BTreeMap<String, (Timestamp, String)>, Failure> {
    let mut given_up = BTreeMap::new();
    let answer: Result<FunctionAnswer, ServiceError> =
        look.account.function_setting(function, FunctionQuestion::Asynchronous).await;
    let destination = match answer {
        Ok(FunctionAnswer::Asynchronous(settings)) => settings.on_failure,
        Ok(_) => None,
        Err(error) => {
            told.push(format!("where lost events of {function} go was not read: {error}"));
            return Ok(given_up);
        }
    };
    let Some(destination) = destination else {
        told.push(format!("{function} has no on-failure destination: what Lambda gives up is dropped"));
        return Ok(given_up);
    };
    let queue = look.picture.queue_by_arn(&destination).map(|queue| queue.value.clone());
    let Some(queue) = queue.filter(|_| asked.scan) else {
        told.push(format!(
            "lost events of {function} go to {}, which was not looked into (--scan does)",
            destination.resource()
        ));
        return Ok(given_up);
    };
    if let Some(finished) = scan_of(here, look, &queue, SCANNED, asked.consent).await? {
        for message in finished.found.messages()? {
            let message = message?;
            let Some(document) = FailureDocument::parse(&message.body) else { continue };
            let at = document.at.unwrap_or(message.system.sent_at);
            for key in document.payload.iter().flat_map(|payload| keys_in(payload)) {
                given_up.insert(key, (at, queue.name.to_string()));
            }
        }
        told.push(format!(
            "{} lost events in {}: they stay there, drop them when their runs came through",
            grouped(given_up.len() as u64),
            queue.name
        ));
    }
    Ok(given_up)
}

/// The keys of an event of S3.
fn keys_in(event: &str) -> Vec<String> {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let key = |record: &Value| {
        let spelled = record.pointer("/s3/object/key")?.as_str()?.replace('+', " ");
        Some(percent_encoding::percent_decode_str(&spelled).decode_utf8().ok()?.into_owned())
    };
    event.get("Records").and_then(Value::as_array).into_iter().flatten().filter_map(key).collect()
}

/// Lost events that are looked at, at most.
const SCANNED: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_search_is_the_folder_all_keys_lie_in() {
        let word = |keys: &[&str]| {
            let object =
                |key: &&str| Object { key: (*key).into(), size: 0, modified_at: Timestamp::ZERO, etag: String::new() };
            common(&keys.iter().map(object).collect::<Vec<_>>())
        };
        assert_eq!(word(&["automations/run-1.json", "automations/run-2.json"]).as_deref(), Some("automations"));
        assert_eq!(word(&["in/automations/2026/1", "in/automations/2027/1"]).as_deref(), Some("automations"));
        assert_eq!(word(&["in/automations/a", "in/automationsx/a"]), None, "in is too short");
        assert_eq!(word(&["run-1.json"]), None);
        assert_eq!(word(&["a/x", "b/x"]), None);
        assert_eq!(word(&[]), None);
    }

    #[test]
    fn keys_are_read_as_s3_spells_them() {
        let event = r#"{"Records":[{"s3":{"object":{"key":"automations%2Fa+b.json"}}},{"s3":{}}]}"#;
        assert_eq!(keys_in(event), ["automations/a b.json"]);
        assert!(keys_in("no event").is_empty());
    }
}
