//! `[[alarms]]` of a file laid over the standard pipeline's.

use serde::Deserialize;

use crate::model::alarm::{AlarmKind, AlarmMetric, Comparison, MetricAlarm, TreatMissing};
use crate::pipeline::blueprint::{AlarmBlueprint, Blueprint};

/// A composite alarm has a `rule`; any other looks at a metric. What a file leaves out stays as the
/// standard pipeline has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alarm {
    pub name: String,
    pub description: Option<String>,
    /// Empty: nobody is told.
    pub actions: Option<Vec<String>>,
    pub actions_enabled: Option<bool>,
    pub rule: Option<String>,
    pub metric: Option<String>,
    /// One of the two says what the metric is of.
    pub function: Option<String>,
    pub queue: Option<String>,
    pub statistic: Option<String>,
    pub period_s: Option<u32>,
    pub evaluation_periods: Option<u32>,
    pub datapoints_to_alarm: Option<u32>,
    pub threshold: Option<f64>,
    /// As AWS spells it: `GreaterThanThreshold`.
    pub comparison: Option<String>,
    /// As AWS spells it: `notBreaching`.
    pub treat_missing: Option<String>,
}

/// # Errors
/// What is missing for a new alarm, or is no alarm's. Whether it can be evaluated is told by
/// `Blueprint::check`.
pub(super) fn alarm(blueprint: &mut Blueprint, file: &Alarm) -> Result<(), String> {
    let found = blueprint.alarms.iter().position(|one| one.name.as_str() == file.name);
    let old = found.and_then(|at| blueprint.alarms.get(at)).cloned();
    let kind = match (&file.rule, old.as_ref().map(|old| &old.kind)) {
        (Some(_), _) if file.metric.is_some() => return Err("say one of `rule` and `metric`".to_owned()),
        (Some(rule), _) => AlarmKind::Composite { rule: rule.clone() },
        (None, Some(AlarmKind::Composite { rule })) if file.metric.is_none() => {
            AlarmKind::Composite { rule: rule.clone() }
        }
        (None, Some(AlarmKind::Metric(old))) => AlarmKind::Metric(metric(blueprint, file, Some(old))?),
        (None, _) => AlarmKind::Metric(metric(blueprint, file, None)?),
    };
    let alarm = AlarmBlueprint {
        name: file.name.as_str().into(),
        description: file.description.clone().or(old.as_ref().map(|old| old.description.clone())).unwrap_or_default(),
        kind,
        actions: file.actions.clone().or(old.as_ref().map(|old| old.actions.clone())).unwrap_or_default(),
        actions_enabled: file.actions_enabled.or(old.map(|old| old.actions_enabled)).unwrap_or(true),
    };
    match found {
        Some(at) => blueprint.alarms[at] = alarm,
        None => blueprint.alarms.push(alarm),
    }
    Ok(())
}

fn metric(blueprint: &Blueprint, file: &Alarm, old: Option<&MetricAlarm>) -> Result<MetricAlarm, String> {
    let before = old.and_then(|old| old.metrics.first());
    let (namespace, dimension) = match (&file.function, &file.queue, before) {
        (Some(_), Some(_), _) => return Err("say one of `function` and `queue`".to_owned()),
        (Some(name), None, _) if blueprint.function(&name.as_str().into()).is_none() => {
            return Err(format!("there is no function {name}"));
        }
        (None, Some(name), _) if !blueprint.has_queue(&name.as_str().into()) => {
            return Err(format!("there is no queue {name}"));
        }
        (Some(name), None, _) => ("AWS/Lambda", ("FunctionName".to_owned(), name.clone())),
        (None, Some(name), _) => ("AWS/SQS", ("QueueName".to_owned(), name.clone())),
        (None, None, Some(before)) => {
            (before.namespace.as_str(), before.dimensions.first().cloned().unwrap_or_default())
        }
        (None, None, None) => return Err("a new alarm needs `rule`, or `metric` and `function` or `queue`".to_owned()),
    };
    let need = |what: &str| format!("a new alarm needs `{what}`");
    let comparison = match (&file.comparison, old) {
        (Some(text), _) => Comparison::parse(text)
            .ok_or_else(|| format!("{text:?} is no comparison; one is GreaterThanThreshold, as AWS spells them"))?,
        (None, old) => old.map_or(Comparison::Greater, |old| old.comparison),
    };
    let treat_missing = match (&file.treat_missing, old) {
        (Some(text), _) => TreatMissing::parse(text)
            .ok_or_else(|| format!("`treat_missing` is missing, notBreaching, breaching or ignore, not {text:?}"))?,
        (None, old) => old.map_or(TreatMissing::NotBreaching, |old| old.treat_missing),
    };
    let name = file.metric.clone().or(before.map(|before| before.name.clone())).ok_or_else(|| need("metric"))?;
    Ok(MetricAlarm {
        metrics: vec![AlarmMetric {
            namespace: namespace.to_owned(),
            name,
            dimensions: vec![dimension],
            stat: file.statistic.clone().or(before.map(|b| b.stat.clone())).unwrap_or_else(|| "Maximum".to_owned()),
            period_s: file.period_s.or(before.map(|before| before.period_s)).unwrap_or(60),
        }],
        expression: None,
        evaluation_periods: file.evaluation_periods.or(old.map(|old| old.evaluation_periods)).unwrap_or(1),
        datapoints_to_alarm: file.datapoints_to_alarm.or(match file.evaluation_periods {
            Some(_) => None,
            None => old.and_then(|old| old.datapoints_to_alarm),
        }),
        threshold: Some(file.threshold.or(old.and_then(|old| old.threshold)).ok_or_else(|| need("threshold"))?),
        comparison,
        treat_missing,
    })
}
