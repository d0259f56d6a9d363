//! The pipeline of the drawing (ARCHITECTURE): the blueprint that scenarios and tests start from and
//! change. Healthy by itself: what arrives is done and indexed.

use std::collections::BTreeMap;

use crate::model::mapping::MappingSettings;
use crate::pipeline::alarm;
use crate::pipeline::blueprint::{
    Blueprint, BucketBlueprint, FunctionBlueprint, Limits, Load, MappingBlueprint, Mix, QueueBlueprint, Role, Service,
    Source, TableBlueprint,
};
use crate::pipeline::distribution::Distribution;
use crate::pipeline::rng;

pub const JOB_QUEUE: &str = "JobQueue";
pub const JOB_DLQ: &str = "JobDLQ";
pub const LOG_FAILURES: &str = "LogFailures";
pub const REQUEST_STORE: &str = "RequestStore";
pub const EVENT_TABLE: &str = "EventTable";
pub const REQUEST_WORKER: &str = "RequestWorker";
pub const JOB_WORKER: &str = "JobWorker";
pub const LOG_WORKER: &str = "LogWorker";

const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-west-1";

/// Four shards, parallelization factor 1, two requests a second.
pub fn standard() -> Blueprint {
    let url = |queue: &str| format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{queue}");
    let environment = |pairs: &[(&str, String)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let request_worker = environment(&[("JOB_QUEUE_URL", url(JOB_QUEUE)), ("EVENT_TABLE", EVENT_TABLE.to_owned())]);
    let job_worker = request_worker.clone();
    let log_worker = environment(&[("SEARCH_INDEX", "https://search-events.internal".to_owned())]);
    Blueprint {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        sqs_endpoint: format!("https://sqs.{REGION}.amazonaws.com"),
        queues: vec![
            QueueBlueprint { visibility_s: 60, redrive: Some((JOB_DLQ.into(), 5)), ..QueueBlueprint::new(JOB_QUEUE) },
            QueueBlueprint { retention_s: 1_209_600, ..QueueBlueprint::new(JOB_DLQ) },
            QueueBlueprint { retention_s: 1_209_600, ..QueueBlueprint::new(LOG_FAILURES) },
        ],
        bucket: BucketBlueprint { name: REQUEST_STORE.to_owned(), notifies: REQUEST_WORKER.into() },
        table: TableBlueprint {
            name: EVENT_TABLE.to_owned(),
            shards: 4,
            retention_s: 86_400,
            payload_bucket: "EventPayloads".to_owned(),
        },
        functions: vec![
            function(REQUEST_WORKER, Role::RequestWorker, 10, service(40_000, 10_000), request_worker),
            function(JOB_WORKER, Role::JobWorker, 10, service(30_000, 60_000), job_worker),
            function(LOG_WORKER, Role::LogWorker, 60, service(50_000, 20_000), log_worker),
        ],
        mappings: vec![
            mapping(Source::Queue(JOB_QUEUE.into()), JOB_WORKER, report_failures()),
            mapping(Source::Stream, LOG_WORKER, patient()),
        ],
        alarms: alarm::standard::alarms(&format!("arn:aws:sns:{REGION}:{ACCOUNT}:on-call")),
        templates: BTreeMap::new(),
        load: Load {
            requests_per_ks: 2_000,
            mix: vec![Mix { weight: 1, body: WELCOME.to_owned() }],
            recipients: 5_000,
            events_per_ks: 0,
            event_items: 1_000,
        },
        switches: Vec::new(),
        timeline: Vec::new(),
        deploys: Vec::new(),
        limits: Limits::default(),
    }
}

/// A two-step automation.
const WELCOME: &str = r#"{"automation":{"steps":[{"action":"send","recipient":{"$ref":"recipient"},"template":"welcome"},{"action":"update-profile","recipient_id":{"$ref":"recipient"},"profile":{"welcomed":true}}]}}"#;

fn report_failures() -> MappingSettings {
    MappingSettings { report_batch_item_failures: true, ..MappingSettings::default() }
}

/// Five retries, halving the batch, then the on-failure destination.
fn patient() -> MappingSettings {
    MappingSettings {
        max_retry_attempts: Some(5),
        bisect: Some(true),
        on_failure: Some(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{LOG_FAILURES}").into()),
        ..report_failures()
    }
}

fn mapping(source: Source, function: &str, settings: MappingSettings) -> MappingBlueprint {
    MappingBlueprint {
        id: rng::uuid(0, &format!("mapping/{function}")).into(),
        source,
        function: function.into(),
        settings,
        enabled: true,
        event_count_metrics: true,
    }
}

fn service(per_run_us: u64, per_record_us: u64) -> Service {
    let spread = |mean: u64| Distribution::Uniform(mean / 2, mean + mean / 2);
    Service { per_run_us: spread(per_run_us), per_record_us: spread(per_record_us) }
}

fn function(
    name: &str,
    role: Role,
    timeout_s: u32,
    service: Service,
    environment: BTreeMap<String, String>,
) -> FunctionBlueprint {
    FunctionBlueprint {
        name: name.into(),
        role,
        timeout_s,
        memory_mb: 256,
        reserved_concurrency: None,
        service,
        failure_ppm: 0,
        allow_recursion: true,
        external: false,
        environment,
        on_failure: None,
    }
}
