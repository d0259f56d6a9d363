//! A scenario file as it is written. Everything is optional but the title; unknown keys are refused.
//! The schema for people is in `assets/scenarios/README.md`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::scenario::alarm::Alarm;
use crate::scenario::value::{Bounds, Rate, Spread};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub title: String,
    pub history_s: Option<u32>,
    pub account: Option<Account>,
    pub limits: Option<Limits>,
    pub load: Option<Load>,
    /// Automations that the step `invoke` names.
    #[serde(default)]
    pub templates: BTreeMap<String, Template>,
    pub table: Option<Table>,
    pub bucket: Option<Bucket>,
    pub fleet: Option<Spanned<Fleet>>,
    #[serde(default)]
    pub queues: Vec<Spanned<Queue>>,
    #[serde(default)]
    pub functions: Vec<Spanned<Function>>,
    #[serde(default)]
    pub mappings: Vec<Spanned<Mapping>>,
    #[serde(default)]
    pub alarms: Vec<Spanned<Alarm>>,
    #[serde(default)]
    pub switches: Vec<Spanned<Switch>>,
    #[serde(default)]
    pub timeline: Vec<Spanned<Timeline>>,
    pub expect: Option<Spanned<ExpectFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub id: Option<Spanned<String>>,
    pub region: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub concurrency: Option<u32>,
    pub control_plane_rps: Option<u32>,
    pub transition_ms: Option<Spread>,
    pub linger_ms: Option<Spread>,
    pub documents: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Load {
    pub requests_per_s: Option<Rate>,
    pub recipients: Option<u32>,
    pub events_per_s: Option<Rate>,
    pub event_items: Option<u32>,
    #[serde(default)]
    pub mix: Vec<Mix>,
}

/// One body of `POST /automations`; the recipient is drawn.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mix {
    pub weight: u32,
    pub cancelation_token: Option<String>,
    pub data: Option<Value>,
    pub profile: Option<Value>,
    pub steps: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    pub cancelation_token: Option<String>,
    pub steps: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub name: Option<String>,
    pub shards: Option<u32>,
    pub retention_s: Option<u32>,
    pub payload_bucket: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bucket {
    pub name: Option<String>,
    pub notifies: Option<String>,
}

/// Other teams' things around the pipeline; how many there are in all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fleet {
    pub functions: Option<u32>,
    pub queues: Option<u32>,
    pub mappings: Option<u32>,
    /// Consumers in trouble.
    pub unhealthy: Option<u32>,
    /// What names begin with.
    #[serde(default)]
    pub groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    pub name: String,
    pub visibility_s: Option<u32>,
    pub retention_s: Option<u32>,
    pub delay_s: Option<u32>,
    pub max_message_bytes: Option<u64>,
    /// Empty: none.
    pub dead_letter_queue: Option<String>,
    pub max_receive_count: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Function {
    pub name: String,
    /// Needed for a function the standard pipeline does not have.
    pub role: Option<RoleName>,
    pub timeout_s: Option<u32>,
    pub memory_mb: Option<u32>,
    /// 0: unreserved.
    pub reserved_concurrency: Option<u32>,
    pub per_run_us: Option<Spread>,
    pub per_record_us: Option<Spread>,
    pub failure_ppm: Option<u32>,
    pub allow_recursion: Option<bool>,
    pub external: Option<bool>,
    pub environment: Option<BTreeMap<String, String>>,
    /// Empty: none.
    pub on_failure: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RoleName {
    RequestWorker,
    JobWorker,
    LogWorker,
    Sink,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    pub function: String,
    /// `stream`, or the name of a queue; needed when the function has no mapping yet.
    pub source: Option<String>,
    pub enabled: Option<bool>,
    pub event_count_metrics: Option<bool>,
    pub batch_size: Option<u32>,
    pub window_s: Option<u32>,
    pub parallelization_factor: Option<u32>,
    /// 0: no limit.
    pub max_concurrency: Option<u32>,
    pub max_retry_attempts: Option<i32>,
    pub max_record_age_s: Option<i32>,
    pub bisect: Option<bool>,
    /// A queue's name, or `s3://BUCKET`; empty: none.
    pub on_failure: Option<String>,
    pub report_batch_item_failures: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    pub name: String,
    pub what: Option<String>,
    pub on: Option<bool>,
    /// Needed for a switch that is not standard.
    pub fault: Option<FaultFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum FaultFile {
    FailingStep { action: String, one_in: u32 },
    Poison { one_in: u32, how: How },
    Slow { function: String, percent: u32 },
    Crowded { function: String, per_mille: u32 },
    Throttled { function: String, concurrency: u32 },
    Surge { percent: u32 },
    StoppedConsumer { function: String },
    Broken { function: String },
    RecursionGuard { function: String },
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    Exception,
    PartialBatch,
}

/// One of `switch`, `tune`, `redrive`, `deploy` says what happens; the rest belongs to it.
#[derive(Deserialize, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeline {
    /// Seconds from the opening of the console; negative is during the history.
    pub at_s: i64,
    pub switch: Option<String>,
    pub on: Option<bool>,
    /// The function whose mapping is tuned.
    pub tune: Option<String>,
    pub parallelization_factor: Option<u32>,
    pub batch_size: Option<u32>,
    pub window_s: Option<u32>,
    /// 0: no limit.
    pub max_concurrency: Option<u32>,
    pub enabled: Option<bool>,
    /// The dead-letter queue a move task is started on.
    pub redrive: Option<String>,
    pub max_per_s: Option<u32>,
    /// The function that gets new code.
    pub deploy: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectFile {
    pub history_s: Option<u32>,
    pub run_s: u64,
    pub requests: Option<Bounds>,
    pub jobs_started: Option<Bounds>,
    pub jobs_finished: Option<Bounds>,
    pub jobs_dead: Option<Bounds>,
    pub jobs_redriven: Option<Bounds>,
    pub events: Option<Bounds>,
    pub records_indexed: Option<Bounds>,
    pub iterator_age_max_s: Option<Bounds>,
    pub dead_at_end: Option<Bounds>,
    pub backlog_at_end: Option<Bounds>,
    pub lost: Option<Bounds>,
}
