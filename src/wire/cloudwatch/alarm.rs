//! `DescribeAlarms` and `PutMetricAlarm` in either encoding.

use crate::model::alarm::{Alarm, AlarmKind, AlarmMetric, AlarmState, Comparison, MetricAlarm, TreatMissing};
use crate::model::service_error::ServiceError;
use crate::pipeline::blueprint::AlarmBlueprint;
use crate::pipeline::request::{CloudWatchRequest, DescribeAlarms};
use crate::wire::members::{MemberError, Members};
use crate::wire::tree::Tree;

/// The request.
pub(super) fn read(action: &str, m: Members<'_>) -> Result<CloudWatchRequest, ServiceError> {
    let invalid = |text: String| ServiceError::new(action, "ValidationError", text);
    let refuse = |error: MemberError| invalid(error.to_string());
    for family in ["ChildrenOfAlarmName", "ParentsOfAlarmName"] {
        if m.value(family).is_some() {
            return Err(invalid(format!("{family} is not answered by the sandbox")));
        }
    }
    let types = m.texts("AlarmTypes").map_err(refuse)?;
    if let Some(other) = types.iter().find(|one| !["MetricAlarm", "CompositeAlarm"].contains(&one.as_str())) {
        return Err(invalid(format!("AlarmTypes: {other} is not one")));
    }
    let state = match m.text("StateValue").map_err(refuse)? {
        None => None,
        Some(text) => Some(AlarmState::parse(&text).ok_or_else(|| invalid(format!("StateValue: {text} is not one")))?),
    };
    let has = |kind: &str| types.iter().any(|one| one == kind);
    Ok(CloudWatchRequest::DescribeAlarms(DescribeAlarms {
        names: m.texts("AlarmNames").map_err(refuse)?.into_iter().map(Into::into).collect(),
        prefix: m.text("AlarmNamePrefix").map_err(refuse)?,
        action_prefix: m.text("ActionPrefix").map_err(refuse)?,
        state,
        // Left out, only metric alarms are answered.
        metric: types.is_empty() || has("MetricAlarm"),
        composite: has("CompositeAlarm"),
        max: m.number("MaxRecords").map_err(refuse)?,
        token: m.text("NextToken").map_err(refuse)?,
    }))
}

/// An alarm on one metric; metric math is refused by name.
pub(super) fn read_put(action: &str, m: Members<'_>) -> Result<CloudWatchRequest, ServiceError> {
    let invalid = |text: String| ServiceError::new(action, "ValidationError", text);
    if m.value("Metrics").is_some() {
        return Err(invalid("Metrics: the sandbox computes no expressions".to_owned()));
    }
    let blueprint = put_members(m).map_err(|error| invalid(error.to_string()))?;
    Ok(CloudWatchRequest::PutMetricAlarm(Box::new(blueprint)))
}

fn put_members(m: Members<'_>) -> Result<AlarmBlueprint, MemberError> {
    let not = |name: &str, expected| MemberError::Type { name: name.to_owned(), expected };
    let pair = |one: Members<'_>| Ok((one.need_text("Name")?, one.need_text("Value")?));
    let mut dimensions = m.objects("Dimensions")?.into_iter().map(pair).collect::<Result<Vec<_>, MemberError>>()?;
    dimensions.sort();
    let stat = m.text("ExtendedStatistic")?.map_or_else(|| m.need_text("Statistic"), Ok)?;
    let metric = AlarmMetric {
        namespace: m.need_text("Namespace")?,
        name: m.need_text("MetricName")?,
        dimensions,
        stat,
        period_s: m.need_number("Period")?,
    };
    let comparison = Comparison::parse(&m.need_text("ComparisonOperator")?);
    let treat_missing = m.text("TreatMissingData")?.map(|text| TreatMissing::parse(&text));
    Ok(AlarmBlueprint {
        name: m.need_text("AlarmName")?.into(),
        description: m.text("AlarmDescription")?.unwrap_or_default(),
        kind: AlarmKind::Metric(MetricAlarm {
            metrics: vec![metric],
            expression: None,
            evaluation_periods: m.need_number("EvaluationPeriods")?,
            datapoints_to_alarm: m.number("DatapointsToAlarm")?,
            threshold: m.float("Threshold")?,
            comparison: comparison.ok_or_else(|| not("ComparisonOperator", "a comparison operator"))?,
            treat_missing: match treat_missing {
                None => TreatMissing::default(),
                Some(known) => {
                    known.ok_or_else(|| not("TreatMissingData", "missing, ignore, breaching or notBreaching"))?
                }
            },
        }),
        actions: m.texts("AlarmActions")?,
        actions_enabled: m.flag("ActionsEnabled")?.unwrap_or(true),
    })
}

/// The answer's tree.
pub(super) fn write(alarms: Vec<Alarm>, token: Option<String>) -> Tree {
    let (mut metric, mut composite) = (Vec::new(), Vec::new());
    for alarm in &alarms {
        match &alarm.kind {
            AlarmKind::Metric(kind) => metric.push(Tree::Map([both(alarm), of_metric(kind)].concat())),
            AlarmKind::Composite { rule } => {
                composite.push(Tree::Map([both(alarm), vec![("AlarmRule", Tree::text(rule.as_str()))]].concat()));
            }
        }
    }
    let mut members = vec![("CompositeAlarms", Tree::List(composite)), ("MetricAlarms", Tree::List(metric))];
    members.extend(token.map(|token| ("NextToken", Tree::Text(token))));
    Tree::Map(members)
}

/// What both kinds have.
fn both(alarm: &Alarm) -> Vec<(&'static str, Tree)> {
    let actions = alarm.actions.iter().map(|action| Tree::text(action.as_str())).collect();
    let mut members = vec![
        ("AlarmName", Tree::text(alarm.name.as_str())),
        ("AlarmArn", Tree::text(alarm.arn.as_str())),
        ("ActionsEnabled", Tree::Bool(alarm.actions_enabled)),
        ("AlarmActions", Tree::List(actions)),
        ("OKActions", Tree::List(Vec::new())),
        ("InsufficientDataActions", Tree::List(Vec::new())),
        ("StateValue", Tree::text(alarm.state.as_str())),
    ];
    let texts = [
        ("AlarmDescription", &alarm.description),
        ("StateReason", &alarm.reason),
        ("StateReasonData", &alarm.reason_data),
    ];
    members.extend(texts.into_iter().filter_map(|(name, text)| Some((name, Tree::Text(text.clone()?)))));
    let times = [("StateUpdatedTimestamp", alarm.updated_at), ("StateTransitionedTimestamp", alarm.since)];
    members.extend(times.into_iter().filter_map(|(name, at)| Some((name, Tree::Time(at?)))));
    members
}

/// One metric is told by itself, as `PutMetricAlarm` without `Metrics` makes it.
fn of_metric(alarm: &MetricAlarm) -> Vec<(&'static str, Tree)> {
    let mut members = vec![
        ("EvaluationPeriods", Tree::Int(alarm.evaluation_periods)),
        ("ComparisonOperator", Tree::text(alarm.comparison.as_str())),
        ("TreatMissingData", Tree::text(alarm.treat_missing.as_str())),
    ];
    members.extend(alarm.datapoints_to_alarm.map(|count| ("DatapointsToAlarm", Tree::Int(count))));
    members.extend(alarm.threshold.map(|threshold| ("Threshold", Tree::Float(threshold))));
    match (alarm.metrics.as_slice(), &alarm.expression) {
        ([metric], None) => {
            let extended = metric.stat.starts_with('p');
            members.extend([
                ("Namespace", Tree::text(metric.namespace.as_str())),
                ("MetricName", Tree::text(metric.name.as_str())),
                ("Dimensions", dimensions(metric)),
                ("Period", Tree::Int(metric.period_s)),
                (if extended { "ExtendedStatistic" } else { "Statistic" }, Tree::text(metric.stat.as_str())),
            ]);
        }
        (metrics, expression) => {
            members.push(("Dimensions", Tree::List(Vec::new())));
            members.push(("Metrics", Tree::List(math(metrics, expression.as_deref()))));
        }
    }
    members
}

fn math(metrics: &[AlarmMetric], expression: Option<&str>) -> Vec<Tree> {
    let query = |(n, metric): (usize, &AlarmMetric)| {
        let of = Tree::Map(vec![
            ("Namespace", Tree::text(metric.namespace.as_str())),
            ("MetricName", Tree::text(metric.name.as_str())),
            ("Dimensions", dimensions(metric)),
        ]);
        let stat =
            vec![("Metric", of), ("Period", Tree::Int(metric.period_s)), ("Stat", Tree::text(metric.stat.as_str()))];
        Tree::Map(vec![
            ("Id", Tree::Text(format!("m{}", n + 1))),
            ("MetricStat", Tree::Map(stat)),
            ("ReturnData", Tree::Bool(expression.is_none())),
        ])
    };
    let told = expression.map(|text| {
        Tree::Map(vec![("Id", Tree::text("e1")), ("Expression", Tree::text(text)), ("ReturnData", Tree::Bool(true))])
    });
    metrics.iter().enumerate().map(query).chain(told).collect()
}

fn dimensions(metric: &AlarmMetric) -> Tree {
    let one = |(name, value): &(String, String)| {
        Tree::Map(vec![("Name", Tree::text(name.as_str())), ("Value", Tree::text(value.as_str()))])
    };
    Tree::List(metric.dimensions.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: serde_json::Value) -> Result<DescribeAlarms, String> {
        let text = value.to_string();
        let object = crate::wire::body::json_object(text.as_bytes()).expect("an object");
        match read("cloudwatch:DescribeAlarms", Members::new(&object)) {
            Ok(CloudWatchRequest::DescribeAlarms(ask)) => Ok(ask),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.message),
        }
    }

    #[test]
    fn composite_alarms_are_answered_only_when_asked_for() {
        let plain = parse(json!({})).expect("valid");
        assert_eq!((plain.metric, plain.composite), (true, false));
        let both = parse(json!({"AlarmTypes": ["CompositeAlarm", "MetricAlarm"], "StateValue": "ALARM"}));
        let both = both.expect("valid");
        assert_eq!((both.metric, both.composite, both.state), (true, true, Some(AlarmState::Alarm)));
        let composite = parse(json!({"AlarmTypes": ["CompositeAlarm"], "AlarmNames": ["a"]})).expect("valid");
        assert_eq!((composite.metric, composite.names), (false, vec!["a".into()]));
        for wrong in [
            json!({"AlarmTypes": ["LogAlarm"]}),
            json!({"StateValue": "alarm"}),
            json!({"AlarmNames": "a"}),
            json!({"ParentsOfAlarmName": "a"}),
        ] {
            assert!(parse(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
