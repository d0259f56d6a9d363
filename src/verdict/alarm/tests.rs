//! What is made of alarms. Tests only.

use super::*;
use crate::model::alarm::{AlarmMetric, Comparison, MetricAlarm, TreatMissing};
use crate::model::observed::Observed;
use crate::model::time::Timestamp;
use crate::model::topology::{Edge, EdgeKind, Node, NodeKind, Topology};
use crate::verdict::examples::{self, FUNCTION, now, rules};
use crate::verdict::judge;

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:on-call";

fn metric(name: &str, dimension: &str, value: &str) -> AlarmMetric {
    let namespace = if dimension == "QueueName" { "AWS/SQS" } else { "AWS/Lambda" };
    AlarmMetric {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions: vec![(dimension.to_owned(), value.to_owned())],
        stat: "Maximum".to_owned(),
        period_s: 60,
    }
}

fn alarm(name: &str, state: AlarmState, metric: AlarmMetric) -> Alarm {
    let reason = "Threshold Crossed: 3 out of the last 3 datapoints [984000.0 (01/01/70 00:30:00), 1.0 (x)] were greater \
                  than the threshold (300000.0) (minimum 3 datapoints for OK -> ALARM transition).";
    Alarm {
        name: name.into(),
        arn: format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}").into(),
        description: None,
        kind: AlarmKind::Metric(MetricAlarm {
            metrics: vec![metric],
            expression: None,
            evaluation_periods: 3,
            datapoints_to_alarm: None,
            threshold: Some(300_000.0),
            comparison: Comparison::Greater,
            treat_missing: TreatMissing::NotBreaching,
        }),
        state,
        since: Some(Timestamp::from_s(1800)),
        updated_at: None,
        reason: Some(reason.to_owned()),
        reason_data: None,
        actions_enabled: true,
        actions: vec![TOPIC.to_owned()],
        held_back: None,
    }
}

fn age(name: &str) -> Alarm {
    alarm(name, AlarmState::Alarm, metric("IteratorAge", "FunctionName", FUNCTION))
}

fn composite(name: &str, rule: &str) -> Alarm {
    Alarm { kind: AlarmKind::Composite { rule: rule.to_owned() }, ..age(name) }
}

fn put(picture: &mut Picture, alarms: impl IntoIterator<Item = Alarm>) {
    let alarms: Alarms = alarms.into_iter().map(|alarm| (alarm.name.clone(), alarm)).collect();
    picture.alarms = Some(Observed::new(alarms, now()));
}

#[test]
fn a_firing_alarm_comes_before_the_rules_own_findings() {
    let mut picture = examples::stream();
    let rise = |m: f64| 500.0 + (m - 20.0).max(0.0) * 60_000.0 * 0.4;
    for stat in [Stat::Maximum, Stat::Minimum] {
        examples::lambda(&mut picture, FUNCTION, "IteratorAge", stat, rise);
    }
    put(&mut picture, [age("late")]);
    let findings = judge(&picture, now());
    assert_eq!(rules(&findings), ["alarm:late", "falling-behind"]);
    let found = &findings[0];
    assert_eq!((found.severity, found.headline.as_str()), (Severity::Harm, "alarm late: 984 s > 300 s"));
    assert_eq!((found.since, &found.subject), (Some(Timestamp::from_s(1800)), &Subject::Function(FUNCTION.into())));
    assert_eq!(
        found.evidence,
        ["since 00:30Z: IteratorAge Maximum of LogWorker, 3 of 3 periods of 1 m; now 888 s at 00:57Z",]
    );
    let remedies: Vec<&str> = found.remedies.iter().map(|remedy| remedy.text.as_str()).collect();
    assert_eq!(remedies, ["open LogWorker", "logs of LogWorker"]);
    assert_eq!(alarm_of(found), Some("late".into()));
}

#[test]
fn what_an_alarm_is_about_is_told_by_its_dimensions() {
    let mut stream = examples::stream();
    let mapping = examples::mapping(&mut stream).clone();
    let table = "arn:aws:dynamodb:eu-west-1:123456789012:table/Events";
    let node = |arn: &str, kind, name: &str| Node { arn: arn.into(), kind, name: name.to_owned() };
    let bucket = "arn:aws:s3:::RequestStore";
    let api = "arn:aws:lambda:eu-west-1:123456789012:function:Api";
    let edge = |from: &str, to: &str, kind| Edge { from: from.into(), to: to.into(), kind };
    let topology = Topology {
        nodes: vec![
            node(table, NodeKind::Table, "Events"),
            node(bucket, NodeKind::Bucket, "RequestStore"),
            node(api, NodeKind::Function, "Api"),
        ],
        edges: vec![
            edge(table, mapping.function_arn.as_str(), EdgeKind::Mapping(mapping.id.clone())),
            edge(api, bucket, EdgeKind::InferredWrite),
        ],
    };
    stream.topology = Some(Observed::new(topology, now()));
    let function = |name: &str| Subject::Function(name.into());
    let table = [
        ("FunctionName", FUNCTION, Some(function(FUNCTION))),
        ("FunctionName", "Api", Some(function("Api"))),
        ("FunctionName", "SomebodyElses", None),
        ("function_name", FUNCTION, Some(function(FUNCTION))),
        ("LogGroupName", "/aws/lambda/LogWorker", Some(function(FUNCTION))),
        ("EventSourceMappingUUID", mapping.id.as_str(), Some(Subject::Mapping(mapping.id.clone()))),
        ("EventSourceMappingUUID", "another", None),
        ("TableName", "Events", Some(Subject::Mapping(mapping.id.clone()))),
        ("TableName", "Other", None),
        ("BucketName", "RequestStore", Some(function("Api"))),
        ("QueueName", "JobDLQ", None),
        ("LoadBalancer", FUNCTION, None),
    ];
    for (dimension, value, wanted) in table {
        let found = about(&stream, &alarm("a", AlarmState::Alarm, metric("M", dimension, value)));
        assert_eq!(found.first(), wanted.as_ref(), "{dimension}={value}");
    }
    let dead = alarm("a", AlarmState::Alarm, metric("ApproximateNumberOfMessagesVisible", "QueueName", "JobDLQ"));
    assert_eq!(about(&examples::queue(), &dead), [Subject::Queue("JobDLQ".into())]);
}

#[test]
fn metric_math_is_about_all_of_its_metrics() {
    let picture = examples::queue();
    let mut math = alarm("math", AlarmState::Alarm, metric("Errors", "FunctionName", "JobWorker"));
    if let AlarmKind::Metric(kind) = &mut math.kind {
        kind.metrics.push(metric("NumberOfMessagesDeleted", "QueueName", "JobQueue"));
        kind.expression = Some("m1/m2".to_owned());
        kind.threshold = Some(0.5);
    }
    math.reason_data = Some(r#"{"recentDatapoints":[0.75]}"#.to_owned());
    assert_eq!(about(&picture, &math), [Subject::Function("JobWorker".into()), Subject::Queue("JobQueue".into())]);
    assert_eq!(figure(&math).as_deref(), Some("0.75 > 0.5"));
}

#[test]
fn a_composite_alarm_names_its_children_and_silent_ones_are_told_there_alone() {
    let mut picture = examples::stream();
    let silent = Alarm { actions: Vec::new(), ..age("silent") };
    let calm = alarm("calm", AlarmState::Ok, metric("Errors", "FunctionName", FUNCTION));
    let inner = Alarm { actions: Vec::new(), ..composite("inner", "ALARM(late) OR ALARM(outer)") };
    let outer = composite("outer", "ALARM(inner) AND (ALARM(\"silent\") OR ALARM(calm) OR ALARM(gone))");
    put(&mut picture, [age("late"), silent, calm, inner, outer]);
    let findings = judge(&picture, now());
    assert_eq!(rules(&findings), ["alarm:late", "alarm:outer"], "inner and silent page nobody");
    let outer = &findings[1];
    assert_eq!(outer.headline, "alarm outer: inner, silent");
    assert_eq!(
        outer.evidence[..4],
        [
            "✖ inner: late, outer since 00:30Z",
            "✖ silent: 984 s > 300 s since 00:30Z",
            "● calm is OK since 00:30Z",
            "– gone: not among the alarms that were read",
        ]
    );
    assert!(outer.evidence[4].starts_with("fires when ALARM(inner) AND"), "{:?}", outer.evidence);
    assert_eq!(outer.subject, Subject::Function(FUNCTION.into()), "through the child of a child that names it back");
}

#[test]
fn no_data_is_neither_good_nor_harm() {
    let mut picture = examples::stream();
    let blind = |name: &str| alarm(name, AlarmState::InsufficientData, metric("Errors", "FunctionName", FUNCTION));
    put(&mut picture, [blind("one")]);
    let findings = judge(&picture, now());
    assert_eq!((rules(&findings), findings[0].severity), (vec!["alarms-without-data"], Severity::Note));
    assert_eq!(findings[0].headline, "alarm one cannot tell: it has no data");
    put(&mut picture, (0..9).map(|n| blind(&format!("n{n}"))));
    let findings = judge(&picture, now());
    assert_eq!((findings.len(), findings[0].headline.as_str()), (1, "9 alarms cannot tell: they have no data"));
    assert_eq!(findings[0].evidence[0], "INSUFFICIENT_DATA: n0, n1, n2, n3, n4, n5 and 3 more");
}

#[test]
fn an_alarm_that_nobody_hears_says_so() {
    let mut picture = examples::stream();
    let cases = [
        (Alarm { actions_enabled: false, ..age("a") }, "its actions are disabled: it pages nobody"),
        (Alarm { actions: Vec::new(), ..age("a") }, "it has no action: it pages nobody"),
        (Alarm { held_back: Some("deploys (Alarm)".to_owned()), ..age("a") }, "its actions are held back by deploys"),
    ];
    for (alarm, said) in cases {
        put(&mut picture, [alarm]);
        let findings = judge(&picture, now());
        assert!(findings[0].evidence.iter().any(|line| line.starts_with(said)), "{:?}", findings[0].evidence);
    }
}

#[test]
fn alarms_about_other_things_are_counted_and_not_shown() {
    let mut picture = examples::stream();
    let other = |name: &str| alarm(name, AlarmState::Alarm, metric("Errors", "FunctionName", "SomebodyElses"));
    let silent = Alarm { actions_enabled: false, ..other("silent") };
    let calm = Alarm { state: AlarmState::Ok, ..other("calm") };
    put(&mut picture, [other("loud"), silent, calm, age("late")]);
    assert_eq!(rules(&judge(&picture, now())), ["alarm:late"]);
    assert_eq!(elsewhere(&picture), 1);
    assert_eq!(elsewhere(&examples::stream()), 0, "none was read");
}

#[test]
fn values_have_the_unit_of_their_metric() {
    let say = |name: &str, threshold: f64, value: f64| {
        let mut alarm = alarm("a", AlarmState::Alarm, metric(name, "FunctionName", FUNCTION));
        alarm.reason_data = Some(format!(r#"{{"recentDatapoints":[{value:?}]}}"#));
        if let AlarmKind::Metric(kind) = &mut alarm.kind {
            kind.threshold = Some(threshold);
            kind.comparison = Comparison::GreaterOrEqual;
        }
        figure(&alarm).expect("a value")
    };
    assert_eq!(say("IteratorAge", 300_000.0, 1_234_567.0), "1,235 s ≥ 300 s");
    assert_eq!(say("IteratorAge", 5_000.0, 5_250.0), "5.25 s ≥ 5 s");
    assert_eq!(say("Duration", 500.0, 812.4), "812 ms ≥ 500 ms");
    assert_eq!(say("ApproximateAgeOfOldestMessage", 300.0, 361.0), "361 s ≥ 300 s");
    assert_eq!(say("Errors", 0.0, 312.0), "312 ≥ 0");
    assert_eq!(say("Custom", -0.5, -0.125), "-0.12 ≥ -0.5");
}

#[test]
fn a_band_has_no_threshold() {
    let mut alarm = age("band");
    if let AlarmKind::Metric(kind) = &mut alarm.kind {
        kind.threshold = None;
        kind.comparison = Comparison::AboveBand;
    }
    assert_eq!(figure(&alarm).as_deref(), Some("984 s above its expected band"));
    alarm.reason = Some("Threshold Crossed: no datapoints were received".to_owned());
    assert_eq!(figure(&alarm), None);
}
