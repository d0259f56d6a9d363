//! A well-kept account to spoil, for the rules' tests.

use crate::model::alarm::{Alarm, AlarmKind, AlarmMetric, AlarmState, Comparison, MetricAlarm, TreatMissing};
use crate::model::function::{AsyncSettings, Function, FunctionSettings, Reading};
use crate::model::id::Arn;
use crate::model::mapping::{Mapping, MappingSettings, MappingState};
use crate::model::observed::Observed;
use crate::model::picture::Picture;
use crate::model::posture::{Advice, PREFIX, Posture};
use crate::model::queue::{Queue, QueueCounts, RedrivePolicy};
use crate::model::time::Timestamp;
use crate::model::topology::{Edge, EdgeKind, Node, NodeKind, Topology};
use crate::verdict::posture::judge;

const AT: Timestamp = Timestamp::from_s(3600);
const STREAM: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/Events/stream/2026-01-01T00:00:00.000";

/// A bucket that invokes RequestWorker; JobWorker on JobQueue with JobDLQ, which it feeds itself;
/// LogWorker on a stream. Everything is as it should be, and was read.
pub fn account() -> Picture {
    let mut picture = Picture::default();
    put_queue(&mut picture, "JobQueue", Some("JobDLQ"));
    put_queue(&mut picture, "JobDLQ", None);
    let dead = queue(&mut picture, "JobDLQ");
    (dead.sources, dead.retention_s) = (vec![sqs("JobQueue")], 1_209_600);
    for name in ["RequestWorker", "JobWorker", "LogWorker"] {
        put_function(&mut picture, name);
    }
    let job = MappingSettings { batch_size: Some(10), report_batch_item_failures: true, ..MappingSettings::default() };
    let log = MappingSettings {
        batch_size: Some(100),
        parallelization_factor: Some(1),
        max_retry_attempts: Some(5),
        max_record_age_s: Some(-1),
        bisect: Some(true),
        on_failure: Some(sqs("LogFailures")),
        report_batch_item_failures: true,
        ..MappingSettings::default()
    };
    put_mapping(&mut picture, "m-job", sqs("JobQueue"), "JobWorker", job);
    put_mapping(&mut picture, "m-log", STREAM.into(), "LogWorker", log);
    picture.topology = Some(Observed::new(topology(), AT));
    picture.alarms = Some(Observed::new([("dead-letters".into(), alarm("JobDLQ"))].into(), AT));
    picture
}

fn alarm(queue: &str) -> Alarm {
    let metric = AlarmMetric {
        namespace: "AWS/SQS".to_owned(),
        name: "ApproximateNumberOfMessagesVisible".to_owned(),
        dimensions: vec![("QueueName".to_owned(), queue.to_owned())],
        stat: "Maximum".to_owned(),
        period_s: 60,
    };
    Alarm {
        name: "dead-letters".into(),
        arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:dead-letters".into(),
        description: None,
        kind: AlarmKind::Metric(MetricAlarm {
            metrics: vec![metric],
            expression: None,
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            threshold: Some(0.0),
            comparison: Comparison::Greater,
            treat_missing: TreatMissing::NotBreaching,
        }),
        state: AlarmState::Ok,
        since: None,
        updated_at: None,
        reason: None,
        reason_data: None,
        actions_enabled: true,
        actions: vec!["arn:aws:sns:eu-west-1:123456789012:oncall".to_owned()],
        held_back: None,
    }
}

fn topology() -> Topology {
    let node = |name: &str| Node { arn: lambda(name), kind: NodeKind::Function, name: name.to_owned() };
    let edge = |from: Arn, to: Arn, kind| Edge { from, to, kind };
    Topology {
        nodes: ["JobWorker", "LogWorker", "RequestWorker"].map(node).into(),
        edges: vec![
            edge("arn:aws:s3:::store".into(), lambda("RequestWorker"), EdgeKind::Invokes),
            edge(sqs("JobQueue"), lambda("JobWorker"), EdgeKind::Mapping("m-job".into())),
            edge(lambda("JobWorker"), sqs("JobQueue"), EdgeKind::InferredWrite),
        ],
    }
}

pub fn put_queue(picture: &mut Picture, name: &str, dead: Option<&str>) {
    let queue = Queue {
        name: name.into(),
        url: format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}").into(),
        arn: sqs(name),
        counts: QueueCounts::default(),
        visibility_s: 60,
        retention_s: 345_600,
        delay_s: 0,
        max_message_bytes: 1_048_576,
        redrive: dead.map(|dead| RedrivePolicy { dead_letter_arn: sqs(dead), max_receive_count: 5 }),
        fifo: false,
        sources: Vec::new(),
        last_modified: None,
    };
    picture.put_queue(queue, AT);
}

fn put_function(picture: &mut Picture, name: &str) {
    let function = Function {
        name: name.into(),
        arn: lambda(name),
        timeout_s: Some(10),
        memory_mb: Some(256),
        last_modified: None,
        code_sha256: None,
        reserved_concurrency: None,
        dead_letter: None,
    };
    picture.functions.insert(function.name.clone(), Observed::new(function, AT));
    let settings = FunctionSettings {
        reserved_concurrency: Reading::Known(None),
        asynchronous: Reading::Known(AsyncSettings { configured: true, on_failure: Some(sqs("RequestFailures")) }),
        recursion_allowed: Reading::Known(true),
    };
    picture.function_settings.insert(name.into(), Observed::new(settings, AT));
}

fn put_mapping(picture: &mut Picture, id: &str, source: Arn, function: &str, settings: MappingSettings) {
    let mapping = Mapping {
        id: id.into(),
        source,
        function: function.into(),
        function_arn: lambda(function),
        state: MappingState::Enabled,
        state_reason: None,
        settings,
        last_processing_result: None,
        last_modified: None,
    };
    picture.mappings.insert(id.into(), Observed::new(mapping, AT));
}

fn sqs(name: &str) -> Arn {
    Arn::new(format!("arn:aws:sqs:eu-west-1:123456789012:{name}"))
}

fn lambda(name: &str) -> Arn {
    Arn::new(format!("arn:aws:lambda:eu-west-1:123456789012:function:{name}"))
}

pub fn queue<'a>(picture: &'a mut Picture, name: &str) -> &'a mut Queue {
    &mut picture.queues.get_mut(&name.into()).expect("the example has it").value
}

pub fn settings<'a>(picture: &'a mut Picture, name: &str) -> &'a mut FunctionSettings {
    &mut picture.function_settings.get_mut(&name.into()).expect("the example has it").value
}

pub fn job_mapping(picture: &mut Picture) -> &mut Mapping {
    &mut picture.mappings.get_mut(&"m-job".into()).expect("the example has it").value
}

pub fn log_mapping(picture: &mut Picture) -> &mut Mapping {
    &mut picture.mappings.get_mut(&"m-log".into()).expect("the example has it").value
}

/// What one rule alone makes of a picture.
pub fn judged(picture: &Picture, rule: &str) -> Posture {
    let mut posture = judge(picture);
    let name = format!("{PREFIX}{rule}");
    posture.advice.retain(|advice| advice.rule == name);
    posture.not_known.retain(|one| one.rule == name);
    posture.fine.retain(|(one, _)| *one == name);
    posture
}

pub fn said(picture: &Picture, rule: &str) -> Vec<Advice> {
    judged(picture, rule).advice
}

pub fn rules(posture: &Posture) -> Vec<&str> {
    posture.advice.iter().map(|advice| advice.rule.as_str()).collect()
}
