//! Test only: a picture of a bad night, 03:12Z in the `night-shift` scenario. LogWorker has fallen behind
//! since a deploy at 00:31Z, JobDLQ fills, one lane of nothing else is wrong.

use crate::model::change::{Change, ChangeSubject};
use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::function::Function;
use crate::model::id::{Arn, FunctionName, MappingId, QueueName};
use crate::model::mapping::{Mapping, MappingSettings, MappingState};
use crate::model::metric::{MetricKey, Metrics, Stat};
use crate::model::observed::Observed;
use crate::model::picture::{Identity, Picture};
use crate::model::queue::{Queue, QueueCounts, RedrivePolicy};
use crate::model::time::Timestamp;
use crate::model::topology::{Edge, EdgeKind, Node, NodeKind, Topology};

pub const ACCOUNT: &str = "123456789012";

/// 2026-11-24T03:12:41Z
pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T03:12:41Z").expect("a literal")
}

pub fn sqs(name: &str) -> Arn {
    Arn::from(format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}"))
}

pub fn lambda(name: &str) -> Arn {
    Arn::from(format!("arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{name}"))
}

fn table(name: &str) -> Arn {
    Arn::from(format!("arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{name}"))
}

fn bucket(name: &str) -> Arn {
    Arn::from(format!("arn:aws:s3:::{name}"))
}

pub fn job_mapping() -> MappingId {
    MappingId::from("1c5c0a7e-0000-4000-8000-00000000a001")
}

pub fn log_mapping() -> MappingId {
    MappingId::from("2d6d1b8f-0000-4000-8000-00000000b002")
}

pub fn topology() -> Topology {
    let node = |arn: Arn, kind, name: &str| Node { arn, kind, name: name.to_owned() };
    let edge = |from: Arn, to: Arn, kind| Edge { from, to, kind };
    let mut nodes = vec![
        node(bucket("request-store"), NodeKind::Bucket, "RequestStore"),
        node(lambda("RequestWorker"), NodeKind::Function, "RequestWorker"),
        node(sqs("JobQueue"), NodeKind::Queue, "JobQueue"),
        node(sqs("JobDLQ"), NodeKind::Queue, "JobDLQ"),
        node(lambda("JobWorker"), NodeKind::Function, "JobWorker"),
        node(table("EventTable"), NodeKind::Table, "EventTable"),
        node(lambda("LogWorker"), NodeKind::Function, "LogWorker"),
        node(sqs("LogFailures"), NodeKind::Queue, "LogFailures"),
    ];
    nodes.sort_by(|a, b| a.arn.cmp(&b.arn));
    Topology {
        nodes,
        edges: vec![
            edge(bucket("request-store"), lambda("RequestWorker"), EdgeKind::Invokes),
            edge(lambda("RequestWorker"), sqs("JobQueue"), EdgeKind::InferredWrite),
            edge(lambda("RequestWorker"), table("EventTable"), EdgeKind::InferredWrite),
            edge(sqs("JobQueue"), lambda("JobWorker"), EdgeKind::Mapping(job_mapping())),
            edge(sqs("JobQueue"), sqs("JobDLQ"), EdgeKind::DeadLetter),
            edge(lambda("JobWorker"), sqs("JobQueue"), EdgeKind::InferredWrite),
            edge(lambda("JobWorker"), table("EventTable"), EdgeKind::InferredWrite),
            edge(table("EventTable"), lambda("LogWorker"), EdgeKind::Mapping(log_mapping())),
            edge(lambda("LogWorker"), sqs("LogFailures"), EdgeKind::OnFailure),
        ],
    }
}

pub fn queue(name: &str, counts: QueueCounts) -> Queue {
    Queue {
        name: QueueName::from(name),
        url: format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{name}").into(),
        arn: sqs(name),
        counts,
        visibility_s: 60,
        retention_s: 345_600,
        delay_s: 0,
        max_message_bytes: 1_048_576,
        redrive: None,
        fifo: false,
        last_modified: None,
        sources: Vec::new(),
    }
}

fn queues(picture: &mut Picture) {
    let at = now().plus_s(-2);
    let mut jobs = queue("JobQueue", QueueCounts { visible: 412, in_flight: 18, delayed: 7 });
    jobs.redrive = Some(RedrivePolicy { dead_letter_arn: sqs("JobDLQ"), max_receive_count: 5 });
    let mut dead = queue("JobDLQ", QueueCounts { visible: 312, in_flight: 0, delayed: 0 });
    dead.sources = vec![sqs("JobQueue")];
    dead.retention_s = 1_209_600;
    let failures = queue("LogFailures", QueueCounts::default());
    for (name, step) in [("JobDLQ", 3), ("JobQueue", 1)] {
        let depths = picture.depths.entry(QueueName::from(name)).or_default();
        for n in (1..120).rev() {
            let visible = 312_u64.saturating_sub(n * step) + u64::from(name == "JobQueue") * 100;
            depths.push_back((at.plus_s(-10 * n as i64), QueueCounts { visible, in_flight: 3, delayed: 0 }));
        }
    }
    for queue in [jobs, dead, failures] {
        picture.put_queue(queue, at);
    }
}

fn mapping(id: MappingId, source: Arn, function: &str, settings: MappingSettings) -> Mapping {
    Mapping {
        id,
        source,
        function: FunctionName::from(function),
        function_arn: lambda(function),
        state: MappingState::Enabled,
        state_reason: Some("USER_INITIATED".to_owned()),
        settings,
        last_processing_result: Some("OK".to_owned()),
        last_modified: Some(now().plus_s(-9 * 86_400)),
    }
}

fn mappings(picture: &mut Picture) {
    let at = now().plus_s(-31);
    let jobs = MappingSettings {
        batch_size: Some(10),
        window_s: Some(0),
        report_batch_item_failures: true,
        ..MappingSettings::default()
    };
    let logs = MappingSettings {
        batch_size: Some(100),
        window_s: Some(0),
        parallelization_factor: Some(1),
        max_retry_attempts: Some(-1),
        max_record_age_s: Some(-1),
        bisect: Some(false),
        on_failure: Some(sqs("LogFailures")),
        ..MappingSettings::default()
    };
    let stream = Arn::from(format!("{}/stream/2026-01-01T00:00:00.000", table("EventTable")));
    for mapping in
        [mapping(job_mapping(), sqs("JobQueue"), "JobWorker", jobs), mapping(log_mapping(), stream, "LogWorker", logs)]
    {
        picture.mappings.insert(mapping.id.clone(), Observed::new(mapping, at));
    }
}

fn functions(picture: &mut Picture) {
    for name in ["RequestWorker", "JobWorker", "LogWorker"] {
        let function = Function {
            name: name.into(),
            arn: lambda(name),
            timeout_s: Some(30),
            memory_mb: Some(512),
            last_modified: Timestamp::parse("2026-11-24T00:31:00Z"),
            code_sha256: None,
            reserved_concurrency: None,
            dead_letter: None,
        };
        picture.functions.insert(function.name.clone(), Observed::new(function, now().plus_s(-62)));
    }
}

/// Three hours by the minute: (minutes ago) → value.
fn put(metrics: &mut Metrics, key: MetricKey, value: impl Fn(f64) -> Option<f64>) {
    let newest = now().floor_to(60).plus_s(-120);
    let points =
        (0..180).rev().filter_map(|ago| value(f64::from(ago)).map(|v| (newest.plus_s(-60 * i64::from(ago)), v)));
    let points: Vec<_> = points.collect();
    metrics.merge(&key, now().plus_s(-41), points);
}

fn metrics(picture: &mut Picture) {
    let metrics = &mut picture.metrics;
    let ripple = |ago: f64| 1.0 + ((ago * 7.0) % 5.0 - 2.0) / 20.0;
    let key = |function: &str, name: &str, stat| MetricKey::lambda(&FunctionName::from(function), name, stat);
    // Behind since 41 minutes before now; a missing stretch around 100 minutes ago.
    let behind = |ago: f64| if ago < 60.0 { (60.0 - ago) * 16_400.0 } else { 1_200.0 };
    let gap = |ago: f64| !(96.0..104.0).contains(&ago);
    put(metrics, key("LogWorker", "IteratorAge", Stat::Maximum), |ago| {
        gap(ago).then(|| behind(ago) * ripple(ago).min(1.05))
    });
    put(metrics, key("LogWorker", "IteratorAge", Stat::Minimum), |ago| gap(ago).then(|| behind(ago) * 0.8));
    for (function, runs, ms) in
        [("LogWorker", 43.0, 812.0), ("JobWorker", 260.0, 140.0), ("RequestWorker", 180.0, 61.0)]
    {
        put(metrics, key(function, "Invocations", Stat::Sum), |ago| Some((runs * ripple(ago)).round()));
        put(metrics, key(function, "Errors", Stat::Sum), |ago| {
            Some(if ago < 60.0 && function == "JobWorker" { 14.0 } else { 0.0 })
        });
        put(metrics, key(function, "Throttles", Stat::Sum), |_| Some(0.0));
        put(metrics, key(function, "Duration", Stat::P95), |ago| Some(ms * (1.6 - ago / 300.0) * ripple(ago)));
        put(metrics, key(function, "Duration", Stat::Maximum), |ago| Some(ms * 2.0 * ripple(ago)));
        put(metrics, key(function, "Duration", Stat::Average), |ago| Some(ms * 0.7 * ripple(ago)));
        put(metrics, key(function, "ConcurrentExecutions", Stat::Maximum), |ago| Some((4.0 * ripple(ago)).round()));
    }
    for queue in ["JobQueue", "JobDLQ"] {
        let age = MetricKey::sqs(&QueueName::from(queue), "ApproximateAgeOfOldestMessage", Stat::Maximum);
        put(metrics, age, |ago| Some((180.0 - ago) * 40.0));
        let visible = MetricKey::sqs(&QueueName::from(queue), "ApproximateNumberOfMessagesVisible", Stat::Maximum);
        put(metrics, visible, |ago| Some((312.0 - ago * 1.7).max(0.0).round()));
    }
}

pub fn picture() -> Picture {
    let mut picture = Picture {
        identity: Some(Observed::new(
            Identity {
                account: ACCOUNT.to_owned(),
                region: "eu-west-1".to_owned(),
                arn: format!("arn:aws:iam::{ACCOUNT}:user/oncall"),
                alias: Some("prod-eu".to_owned()),
            },
            now(),
        )),
        topology: Some(Observed::new(topology(), now().plus_s(-31))),
        ..Picture::default()
    };
    queues(&mut picture);
    mappings(&mut picture);
    functions(&mut picture);
    metrics(&mut picture);
    let change = |at: &str, subject, what: &str| Change {
        at: Timestamp::parse(at).expect("a literal"),
        subject,
        what: what.to_owned(),
    };
    picture.changes = vec![
        change("2026-11-24T00:31:00Z", ChangeSubject::Function("LogWorker".into()), "deploy"),
        change("2026-11-24T00:31:00Z", ChangeSubject::Function("JobWorker".into()), "deploy"),
        change("2026-11-24T02:02:00Z", ChangeSubject::Mapping(log_mapping()), "batch 10→100"),
    ];
    picture
}

pub fn findings() -> Vec<Finding> {
    let remedy = |command: &str, text: &str| Remedy { command: command.to_owned(), text: text.to_owned() };
    vec![
        Finding {
            rule: "falling-behind".to_owned(),
            severity: Severity::Harm,
            subject: Subject::Mapping(log_mapping()),
            headline: "LogWorker is falling behind".to_owned(),
            since: Some(now().plus_s(-41 * 60)),
            evidence: vec![
                "age 14 m 45 s ↑ 0.3 s/s, all shards: capacity".to_owned(),
                "records are lost from 24 h: in about 59 h".to_owned(),
                "changed: deploy 00:31Z (JobWorker, LogWorker)".to_owned(),
            ],
            remedies: vec![remedy("tune", "tune: parallel 1→4 drains in ~17 m est")],
        },
        Finding {
            rule: "dead-letters-arriving".to_owned(),
            severity: Severity::Harm,
            subject: Subject::Queue("JobDLQ".into()),
            headline: "JobDLQ: dead letters arriving, 14/min".to_owned(),
            since: None,
            evidence: vec!["~312 here since ≥ 2 h; not scanned yet".to_owned()],
            remedies: vec![remedy("scan", "scan"), remedy("redrive", "redrive")],
        },
        Finding {
            rule: "failing".to_owned(),
            severity: Severity::Warning,
            subject: Subject::Function("JobWorker".into()),
            headline: "JobWorker fails 5.4 % of its runs".to_owned(),
            since: Some(now().plus_s(-60 * 60)),
            evidence: vec!["14 errors/min of 260 runs/min, CloudWatch".to_owned()],
            remedies: Vec::new(),
        },
        Finding {
            rule: "no-retry-limit".to_owned(),
            severity: Severity::Note,
            subject: Subject::Mapping(log_mapping()),
            headline: "LogWorker retries a failing batch until it expires".to_owned(),
            since: None,
            evidence: vec![
                "MaximumRetryAttempts -1, bisect off: one bad record blocks its shard for up to 24 h".to_owned(),
            ],
            remedies: vec![remedy("tune", "tune")],
        },
    ]
}
