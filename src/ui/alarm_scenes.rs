//! Test only: the map while CloudWatch alarms fire.

use crate::console::Console;
use crate::console::msg::Msg;
use crate::console::update::update;
use crate::model::alarm::{Alarm, AlarmKind, AlarmMetric, AlarmState, Comparison, MetricAlarm, TreatMissing};
use crate::model::service_error::ServiceError;
use crate::ui::{fixture, scenes};

/// Two alarms page, one of them composite, one fires elsewhere and one knows nothing.
pub fn paged() -> Console {
    let mut console = scenes::account();
    let age = metric("iterator-age-high", "IteratorAge", ("FunctionName", "LogWorker"), 300_000.0, 984_000.0);
    let dead = metric("JobDlqNotEmpty", "ApproximateNumberOfMessagesVisible", ("QueueName", "JobDLQ"), 0.0, 312.0);
    let errors = Alarm {
        actions: Vec::new(),
        ..metric("log-worker-errors", "Errors", ("FunctionName", "LogWorker"), 0.0, 14.0)
    };
    let composite = Alarm {
        name: "prod-eu-courier-automations-search-path-is-broken-P1".into(),
        kind: AlarmKind::Composite { rule: r#"ALARM("iterator-age-high") AND ALARM("log-worker-errors")"#.to_owned() },
        description: Some("Runbook: https://wiki.example/runbooks/search-path".to_owned()),
        since: Some(fixture::now().plus_s(-7_000)),
        ..age.clone()
    };
    let other = metric("checkout-latency", "Duration", ("FunctionName", "Checkout"), 500.0, 812.0);
    let blind = Alarm {
        state: AlarmState::InsufficientData,
        ..metric("request-worker-errors", "Errors", ("FunctionName", "RequestWorker"), 0.0, 1.0)
    };
    let result = Ok(vec![age, dead, errors, composite, other, blind]);
    update(&mut console, Msg::AlarmsArrived { at: fixture::now(), result });
    console
}

/// The permission to read alarms is missing.
pub fn denied() -> Console {
    let mut console = scenes::account();
    let why = "User: arn:aws:sts::123456789012:assumed-role/on-call/me is not authorized to perform: \
               cloudwatch:DescribeAlarms";
    let error = ServiceError { http: 403, ..ServiceError::new("cloudwatch:DescribeAlarms", "AccessDenied", why) };
    update(&mut console, Msg::AlarmsArrived { at: fixture::now(), result: Err(error) });
    console.toasts.clear();
    console
}

fn metric(name: &str, metric: &str, dimension: (&str, &str), threshold: f64, value: f64) -> Alarm {
    let metric = AlarmMetric {
        namespace: if dimension.0 == "QueueName" { "AWS/SQS" } else { "AWS/Lambda" }.to_owned(),
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
            evaluation_periods: 3,
            datapoints_to_alarm: Some(3),
            threshold: Some(threshold),
            comparison: Comparison::Greater,
            treat_missing: TreatMissing::NotBreaching,
        }),
        state: AlarmState::Alarm,
        since: Some(fixture::now().plus_s(-7_800)),
        updated_at: None,
        reason: Some(format!(
            "Threshold Crossed: 3 out of the last 3 datapoints [{value:?} (24/11/26 01:02:00), {value:?} (24/11/26 01:01:00)] \
             were greater than the threshold ({threshold:?}) (minimum 3 datapoints for OK -> ALARM transition)."
        )),
        reason_data: None,
        actions_enabled: true,
        actions: vec!["arn:aws:sns:eu-west-1:123456789012:on-call".to_owned()],
        held_back: None,
    }
}
