//! What becomes of CloudWatch alarms on the console. Tests only.

use crate::console::effect::Effect;
use crate::console::msg::Msg;
use crate::console::screen::Screen;
use crate::console::update::trial::{NOW, Trial};
use crate::console::{Asked, ConsoleOptions};
use crate::model::alarm::{Alarm, AlarmKind, AlarmMetric, AlarmState, Comparison, MetricAlarm, TreatMissing};
use crate::model::finding::Severity;
use crate::model::service_error::ServiceError;
use crate::model::topology::{Node, NodeKind, Topology};

pub(super) fn alarm(name: &str, state: AlarmState, metric: &str, dimension: (&str, &str)) -> Alarm {
    let metric = AlarmMetric {
        namespace: "AWS/Lambda".to_owned(),
        name: metric.to_owned(),
        dimensions: vec![(dimension.0.to_owned(), dimension.1.to_owned())],
        stat: "Maximum".to_owned(),
        period_s: 60,
    };
    Alarm {
        name: name.into(),
        arn: format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}").into(),
        description: None,
        kind: AlarmKind::Metric(MetricAlarm {
            metrics: vec![metric],
            expression: None,
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            threshold: Some(300_000.0),
            comparison: Comparison::Greater,
            treat_missing: TreatMissing::NotBreaching,
        }),
        state,
        since: Some(NOW.plus_s(-3600)),
        updated_at: None,
        reason: Some("Threshold Crossed: 1 datapoint [984000.0 (x)] was greater".to_owned()),
        reason_data: None,
        actions_enabled: true,
        actions: vec!["arn:aws:sns:eu-west-1:123456789012:on-call".to_owned()],
        held_back: None,
    }
}

fn late() -> Alarm {
    alarm("late", AlarmState::Alarm, "IteratorAge", ("FunctionName", "LogWorker"))
}

fn opened(wanted: &str, alarms: Vec<Alarm>) -> Trial {
    Trial::with_alarms(ConsoleOptions { open: Some(wanted.to_owned()), ..ConsoleOptions::default() }, alarms)
}

#[test]
fn a_firing_alarm_stands_first_and_enter_opens_its_function() {
    let mut trial = Trial::new(ConsoleOptions::default());
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(vec![late()]) });
    let finding = trial.console.current_finding().expect("it fires");
    assert_eq!((finding.severity, finding.headline.as_str()), (Severity::Harm, "alarm late: 984 s > 300 s"));
    assert_eq!(finding.remedies[0].text, "open LogWorker");
    trial.types("\n");
    assert_eq!(*trial.console.screen(), Screen::ConsumerDetail("uuid-stream".into()));
    // It is over: so is its finding.
    let over = Alarm { state: AlarmState::Ok, ..late() };
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(vec![over]) });
    assert!(trial.console.findings.iter().all(|finding| !finding.rule.starts_with("alarm")));
}

#[test]
fn alarms_are_asked_for_every_minute_and_less_often_where_there_are_thousands() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let asks = |effects: Vec<Effect>| effects.contains(&Effect::FetchAlarms);
    assert!(!asks(trial.wait_ms(58_000)));
    assert!(asks(trial.wait_ms(2_000)));
    let many: Vec<Alarm> = (0..1_100).map(|n| Alarm { name: format!("a{n}").as_str().into(), ..late() }).collect();
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(many) });
    assert!(!asks(trial.wait_ms(120_000)), "eleven pages are not asked for every minute");
    assert!(asks(trial.wait_ms(60_000)));
}

#[test]
fn without_the_permission_one_line_says_so_and_nothing_else_is_different() {
    let mut trial = Trial::new(ConsoleOptions::default());
    let before = trial.console.findings.clone();
    for _ in 0..3 {
        let error = ServiceError::new("cloudwatch:DescribeAlarms", "AccessDenied", "not authorized");
        trial.tell(Msg::AlarmsArrived { at: NOW, result: Err(error) });
    }
    assert_eq!(trial.console.findings, before);
    let line = trial.console.denied_line().expect("it is missing");
    assert_eq!(line.matches("cloudwatch:DescribeAlarms").count(), 1, "{line}");
    assert_eq!(trial.said(), "", "a line that stays says it");
    // Discovery again does not forget it, an answer does.
    let result = Ok(Topology::default());
    trial.tell(Msg::TopologyArrived { at: NOW, result, missing: Vec::new(), cached: false });
    assert!(trial.console.denied_line().is_some());
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(Vec::new()) });
    assert_eq!(trial.console.denied_line(), None);
    assert!(!trial.console.troubles.contains_key(&Asked::Alarms));
}

#[test]
fn a_firing_alarm_named_on_the_command_line_is_under_the_cursor() {
    let arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:late";
    for wanted in ["late", arn] {
        let early = Alarm { since: Some(NOW.plus_s(-7200)), name: "early".into(), ..late() };
        let trial = opened(wanted, vec![early, late()]);
        assert_eq!(*trial.console.screen(), Screen::Map);
        let finding = trial.console.current_finding().map(|finding| finding.rule.as_str());
        assert_eq!(finding, Some("alarm:late"), "{wanted}");
    }
}

#[test]
fn a_silent_child_is_found_in_its_composite_alarm() {
    let child = Alarm { actions: Vec::new(), ..late() };
    let parent =
        Alarm { name: "parent".into(), kind: AlarmKind::Composite { rule: "ALARM(late)".to_owned() }, ..late() };
    let trial = opened("late", vec![child, parent]);
    assert_eq!(trial.console.current_finding().map(|finding| finding.rule.as_str()), Some("alarm:parent"));
}

#[test]
fn an_alarm_that_is_over_opens_what_it_is_about() {
    let over = |dimension| alarm("over", AlarmState::Ok, "M", dimension);
    let trial = opened("over", vec![over(("QueueName", "JobDLQ"))]);
    assert_eq!(*trial.console.screen(), Screen::Triage("JobDLQ".into()));
    assert!(trial.said().contains("alarm over is OK since"), "{}", trial.said());
    let trial = opened("over", vec![over(("FunctionName", "LogWorker"))]);
    assert_eq!(*trial.console.screen(), Screen::ConsumerDetail("uuid-stream".into()));
    let trial = opened("over", vec![over(("FunctionName", "Elsewhere"))]);
    assert!(trial.said().contains("alarm over (OK since"), "{}", trial.said());
    assert!(trial.said().contains("about nothing on the map"), "{}", trial.said());
}

#[test]
fn whatever_names_a_thing_opens_it() {
    let function = "arn:aws:lambda:eu-west-1:123456789012:function:LogWorker";
    let live = format!("{function}:live");
    let table = "arn:aws:dynamodb:eu-west-1:123456789012:table/EventTable";
    let stream = format!("{table}/stream/2026-01-01T00:00:00.000");
    let mapping = "arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:uuid-stream";
    for wanted in ["uuid-stream", mapping, "LogWorker", function, &live, "EventTable", table, &stream] {
        let trial = opened(wanted, Vec::new());
        assert_eq!(*trial.console.screen(), Screen::ConsumerDetail("uuid-stream".into()), "{wanted}");
    }
    let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/JobDLQ";
    for wanted in ["JobDLQ", "arn:aws:sqs:eu-west-1:123456789012:JobDLQ", url] {
        assert_eq!(*opened(wanted, Vec::new()).console.screen(), Screen::Triage("JobDLQ".into()), "{wanted}");
    }
    let other = opened("arn:aws:lambda:eu-west-1:123456789012:function:LogWorkerTwo", Vec::new());
    assert!(other.said().contains("is not on the map"), "{}", other.said());
}

#[test]
fn a_name_that_never_turns_up_says_so_once_everything_was_read() {
    let mut trial = Trial::unread(ConsoleOptions { open: Some("Nowhere".to_owned()), ..ConsoleOptions::default() });
    let topology = Topology {
        nodes: vec![Node { arn: "arn:aws:s3:::Store".into(), kind: NodeKind::Bucket, name: "Store".to_owned() }],
        edges: Vec::new(),
    };
    let arrived = Msg::TopologyArrived { at: NOW, result: Ok(topology), missing: Vec::new(), cached: false };
    trial.tell(arrived);
    assert_eq!(trial.said(), "", "it may be an alarm's name");
    let error = ServiceError::new("cloudwatch:DescribeAlarms", "AccessDenied", "no");
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Err(error) });
    assert!(trial.said().contains("Nowhere is not on the map: opened the map instead; alarms could not be read"));
    let said = trial.said();
    trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(Vec::new()) });
    assert_eq!(trial.said().matches("Nowhere").count(), said.matches("Nowhere").count(), "said once");
}
