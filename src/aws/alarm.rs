//! Reads CloudWatch alarms, metric and composite ones. Free of charge, but nine calls a second for
//! the whole account (aws-facts §2.6): pages are asked for one after the other and not in a rush.

use std::time::Duration;

use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::builders::DescribeAlarmsFluentBuilder;
use aws_sdk_cloudwatch::types::{
    AlarmType, CompositeAlarm, Dimension, Metric, MetricAlarm as SdkMetricAlarm, MetricDataQuery,
};
use aws_smithy_types::DateTime;

use crate::aws::Account;
use crate::aws::failure::refused;
use crate::model::alarm::{Alarm, AlarmKind, AlarmMetric, AlarmState, Comparison, MetricAlarm, TreatMissing};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

impl Account {
    /// Every metric and composite alarm of the region, sorted by name. Composite ones must be asked
    /// for by type: `DescribeAlarms` leaves them out otherwise.
    ///
    /// # Errors
    /// What CloudWatch refused, on any page; nothing is answered in part.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, ServiceError> {
        let request = self.both_kinds().max_records(PAGE);
        let mut alarms = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = request.clone().set_next_token(token.take()).send().await;
            let page = page.map_err(|e| refused("cloudwatch:DescribeAlarms", &e))?;
            alarms.extend(of_page(&page));
            token = page.next_token;
            if token.is_none() {
                alarms.sort_by(|a, b| a.name.cmp(&b.name));
                return Ok(alarms);
            }
            tokio::time::sleep(BETWEEN_PAGES).await;
        }
        Err(ServiceError {
            http: 200,
            ..ServiceError::new("cloudwatch:DescribeAlarms", "NotAws", format!("more than {MAX_PAGES} pages"))
        })
    }

    /// Whether alarms may be read, by the smallest read of them.
    pub(super) async fn may_read_alarms(&self) -> Result<(), ServiceError> {
        let answer = self.both_kinds().max_records(1).send().await;
        answer.map(drop).map_err(|e| refused("cloudwatch:DescribeAlarms", &e))
    }

    fn both_kinds(&self) -> DescribeAlarmsFluentBuilder {
        let request = self.cloudwatch.describe_alarms();
        request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm)
    }
}

fn of_page(page: &DescribeAlarmsOutput) -> impl Iterator<Item = Alarm> {
    let metric = page.metric_alarms().iter().filter_map(from_metric);
    metric.chain(page.composite_alarms().iter().filter_map(from_composite))
}

fn from_metric(shape: &SdkMetricAlarm) -> Option<Alarm> {
    Some(Alarm {
        name: shape.alarm_name()?.into(),
        arn: shape.alarm_arn().unwrap_or_default().into(),
        description: shape.alarm_description().map(str::to_owned),
        kind: AlarmKind::Metric(metric_of(shape)),
        state: AlarmState::parse(shape.state_value()?.as_str())?,
        since: moment(shape.state_transitioned_timestamp().or(shape.state_updated_timestamp())),
        updated_at: moment(shape.state_updated_timestamp()),
        reason: shape.state_reason().map(str::to_owned),
        reason_data: shape.state_reason_data().map(str::to_owned),
        // Left out by some emulators; AWS's default is true.
        actions_enabled: shape.actions_enabled().unwrap_or(true),
        actions: shape.alarm_actions().to_vec(),
        held_back: None,
    })
}

fn from_composite(shape: &CompositeAlarm) -> Option<Alarm> {
    let held_back = shape.actions_suppressed_by().map(|by| match (shape.actions_suppressor(), by.as_str()) {
        (Some(suppressor), by) => format!("{suppressor} ({by})"),
        (None, by) => by.to_owned(),
    });
    Some(Alarm {
        name: shape.alarm_name()?.into(),
        arn: shape.alarm_arn().unwrap_or_default().into(),
        description: shape.alarm_description().map(str::to_owned),
        kind: AlarmKind::Composite { rule: shape.alarm_rule().unwrap_or_default().to_owned() },
        state: AlarmState::parse(shape.state_value()?.as_str())?,
        since: moment(shape.state_transitioned_timestamp().or(shape.state_updated_timestamp())),
        updated_at: moment(shape.state_updated_timestamp()),
        reason: shape.state_reason().map(str::to_owned),
        reason_data: shape.state_reason_data().map(str::to_owned),
        actions_enabled: shape.actions_enabled().unwrap_or(true),
        actions: shape.alarm_actions().to_vec(),
        held_back,
    })
}

fn metric_of(shape: &SdkMetricAlarm) -> MetricAlarm {
    let count = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok());
    let stat = shape.statistic().map(|stat| stat.as_str().to_owned()).or(shape.extended_statistic().map(str::to_owned));
    let own = shape.metric_name().map(|name| AlarmMetric {
        namespace: shape.namespace().unwrap_or_default().to_owned(),
        name: name.to_owned(),
        dimensions: dimensions(shape.dimensions()),
        stat: stat.unwrap_or_default(),
        period_s: count(shape.period()).unwrap_or(0),
    });
    let compared = shape.metrics().iter().find(|query| query.return_data().unwrap_or(true));
    MetricAlarm {
        metrics: own.into_iter().chain(shape.metrics().iter().filter_map(from_query)).collect(),
        expression: compared.and_then(|query| query.expression()).map(str::to_owned),
        evaluation_periods: count(shape.evaluation_periods()).unwrap_or(1),
        datapoints_to_alarm: count(shape.datapoints_to_alarm()),
        threshold: shape.threshold(),
        comparison: shape
            .comparison_operator()
            .and_then(|comparison| Comparison::parse(comparison.as_str()))
            .unwrap_or(Comparison::OutsideBand),
        treat_missing: shape.treat_missing_data().and_then(TreatMissing::parse).unwrap_or_default(),
    }
}

/// One of metric math's; an expression has no metric of its own.
fn from_query(query: &MetricDataQuery) -> Option<AlarmMetric> {
    let stat = query.metric_stat()?;
    let metric: &Metric = stat.metric()?;
    Some(AlarmMetric {
        namespace: metric.namespace().unwrap_or_default().to_owned(),
        name: metric.metric_name()?.to_owned(),
        dimensions: dimensions(metric.dimensions()),
        stat: stat.stat().unwrap_or_default().to_owned(),
        period_s: stat.period().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
    })
}

fn dimensions(shape: &[Dimension]) -> Vec<(String, String)> {
    let pair = |one: &Dimension| Some((one.name()?.to_owned(), one.value()?.to_owned()));
    let mut pairs: Vec<(String, String)> = shape.iter().filter_map(pair).collect();
    pairs.sort();
    pairs
}

fn moment(at: Option<&DateTime>) -> Option<Timestamp> {
    at.and_then(|at| at.to_millis().ok()).map(Timestamp::from_ms)
}

/// Most alarms one page holds.
const PAGE: i32 = 100;
/// An endpoint that pages for ever is not AWS; the default quota is 5,000 alarms.
const MAX_PAGES: usize = 200;
/// Under four calls a second, answers included: more than half of the quota is left to others.
const BETWEEN_PAGES: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricStat, StateValue, Statistic};

    #[test]
    fn metric_math_names_its_metrics_and_its_expression() {
        let metric = |name: &str| {
            let queue = Dimension::builder().name("QueueName").value("Jobs").build();
            let metric = Metric::builder().namespace("AWS/SQS").metric_name(name).dimensions(queue).build();
            MetricStat::builder().metric(metric).period(300).stat("p99").build()
        };
        let query = |id: &str| MetricDataQuery::builder().id(id).return_data(false);
        let shape = SdkMetricAlarm::builder()
            .alarm_name("math")
            .state_value(StateValue::InsufficientData)
            .comparison_operator(ComparisonOperator::LessThanOrEqualToThreshold)
            .metrics(query("a").metric_stat(metric("NumberOfMessagesDeleted")).build())
            .metrics(query("b").metric_stat(metric("NumberOfMessagesSent")).build())
            .metrics(MetricDataQuery::builder().id("e").expression("a/b").build())
            .build();
        let alarm = from_metric(&shape).expect("named");
        assert!(alarm.actions_enabled && alarm.state == AlarmState::InsufficientData && !alarm.pages());
        let math = alarm.metric().expect("a metric alarm");
        assert_eq!((math.expression.as_deref(), math.metrics.len(), math.threshold), (Some("a/b"), 2, None));
        assert_eq!(math.metrics[1].dimension("QueueName"), Some("Jobs"));
        assert_eq!((math.comparison, math.metrics[0].period_s), (Comparison::LessOrEqual, 300));
    }

    #[test]
    fn since_is_the_transition_and_not_the_last_update() {
        let shape = SdkMetricAlarm::builder()
            .alarm_name("plain")
            .state_value(StateValue::Alarm)
            .metric_name("Errors")
            .statistic(Statistic::Sum)
            .state_transitioned_timestamp(DateTime::from_secs(60))
            .state_updated_timestamp(DateTime::from_secs(90))
            .build();
        let alarm = from_metric(&shape).expect("named");
        assert_eq!((alarm.since, alarm.updated_at), (Some(Timestamp::from_s(60)), Some(Timestamp::from_s(90))));
        assert_eq!(alarm.metric().map(|metric| metric.metrics[0].stat.as_str()), Some("Sum"));
        assert_eq!(from_metric(&SdkMetricAlarm::builder().alarm_name("stateless").build()), None);
    }
}
